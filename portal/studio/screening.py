"""What is shown of the takes of an asset: all of them small, one to look at and to decide on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import request

from domain.access import Permission
from domain.approvals.commands import possible_decisions
from domain.db import Row, Session
from domain.takes.queries import files_of, latest_takes, thumbnails_of

from ..context import actor

TAKES_SHOWN = 24
LABELS = {"approved": "Approve", "changes_requested": "Request changes", "rejected": "Reject"}


@dataclass(frozen=True, slots=True)
class Screening:
    """The takes of an asset, and the one that is looked at.

    Attributes:
        take: None where there is none.
        files: of `take`, those to look at first.
        thumbnails: the file that stands for each take, by the take's id.
        decisions: what the viewer may decide now, with the words of the buttons.
    """

    takes: Sequence[Row]
    take: Row | None
    files: Sequence[Row]
    thumbnails: Mapping[str, Row]
    decisions: Sequence[tuple[str, str]]


def screening_of(session: Session, asset: Row) -> Screening:
    """What is shown of the takes of an asset: the one whose number the address names, else the newest."""
    takes = latest_takes(session, asset["id"], TAKES_SHOWN)
    number = request.args.get("take", "")
    take = next((row for row in takes if str(row["number"]) == number), takes[0] if takes else None)
    files: Sequence[Row] = []
    if take is not None:
        found = session.execute(files_of(take["job_id"])).mappings().all()
        files = sorted(
            found, key=lambda row: (row["id"] == take["thumbnail_id"], row["id"] != take["media_id"], row["name"])
        )
    decisions = possible_decisions(asset["status"]) if actor().may(Permission.DECIDE) else ()
    return Screening(
        takes, take, files, thumbnails_of(session, takes), [(d, LABELS[d]) for d in LABELS if d in decisions]
    )
