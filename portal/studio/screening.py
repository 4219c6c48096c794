"""What is shown of the takes of an asset: all of them small, one to look at and to decide on, and those to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import request

from domain.access import Permission
from domain.approvals.commands import possible_decisions
from domain.db import Row, Session
from domain.jobs.queries import jobs_under_way
from domain.takes.queries import files_of, latest_takes, numbered_take, thumbnails_of

from ..context import actor

TAKES_SHOWN = 24
JOBS_SHOWN = 5
LABELS = {"approved": "Approve", "changes_requested": "Request changes", "rejected": "Reject"}


@dataclass(frozen=True, slots=True)
class Screening:
    """The takes of an asset, and the one that is looked at.

    Attributes:
        takes: the newest, and after them the one that is looked at where it is older.
        take: None where there is none.
        files: of `take`, those to look at first.
        thumbnails: the file that stands for each take, by the take's id.
        decisions: what the viewer may decide now, with the words of the buttons.
        under_way: the newest jobs for the asset that have not ended.
    """

    takes: Sequence[Row]
    take: Row | None
    files: Sequence[Row]
    thumbnails: Mapping[str, Row]
    decisions: Sequence[tuple[str, str]]
    under_way: Sequence[Row]


def screening_of(session: Session, asset: Row) -> Screening:
    """What is shown of the takes of an asset: the one whose number the address names, else the newest.

    Raises:
        NotFound: it has no take of that number. Another in its place would be decided on unseen.
    """
    takes = list(latest_takes(session, asset["id"], TAKES_SHOWN))
    number = request.args.get("take", "")
    take = takes[0] if takes else None
    if number:
        take = next((row for row in takes if str(row["number"]) == number), None)
        if take is None:
            take = numbered_take(session, asset["id"], number)
            takes.append(take)
    files = [] if take is None else _files(session, take)
    decisions = possible_decisions(asset["status"]) if actor().may(Permission.DECIDE) else ()
    return Screening(
        takes,
        take,
        files,
        thumbnails_of(session, takes),
        [(d, LABELS[d]) for d in LABELS if d in decisions],
        jobs_under_way(session, asset["id"], JOBS_SHOWN),
    )


def _files(session: Session, take: Row) -> Sequence[Row]:
    """Those to look at first, first; what stands for the take in lists last."""
    found = session.execute(files_of(take["job_id"])).mappings().all()
    return sorted(
        found, key=lambda row: (row["id"] == take["thumbnail_id"], row["id"] != take["media_id"], row["name"])
    )
