"""A job that succeeded with artifacts becomes a take of its target."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import func, select

from ..artifacts.rules import PLAYED, SHOWN
from ..db import Row, Session
from ..events.commands import Context
from ..finding import find_row
from ..ids import new_id
from ..inserting import Insert
from ..studio import BY_OBJECT
from .models import takes
from .queries import files_of

_INSERT = Insert(takes, itemgetter)
_MOVING = frozenset({"image/webp", "image/gif"})  # may be a loop


def record_take(session: Session, context: Context, job: Row) -> Row | None:
    """Number what the job (its row, locked by this transaction) has made in its last attempt; None if it has no files.

    Takes of one target are numbered one after the other, for its row is locked meanwhile.
    """
    made = session.execute(files_of(job["id"])).mappings().all()
    if not made:
        return None
    kind = BY_OBJECT[job["target_object"]]
    find_row(session, kind.table, kind.prefix, job["target_id"], for_update=True)
    last = select(func.max(takes.c.number)).where(takes.c.target_id == job["target_id"])
    thumbnail, media = choose(made)
    row: dict[str, Any] = {
        "id": new_id("tak"), "number": (session.execute(last).scalar() or 0) + 1, "job_id": job["id"],
        **{name: job[name] for name in ("project_id", "target_object", "target_id", "kind", "params", "cost")},
        "submitted_by": job["submitted_by"],
        "thumbnail_id": thumbnail and thumbnail["id"], "media_id": media and media["id"],
        "created_at": context.now, "updated_at": context.now, "version": 1,
    }  # fmt: skip
    _INSERT.run(session, [row])
    return row


def choose(made: Sequence[Row]) -> tuple[Row | None, Row | None]:
    """Of a job's artifacts, the one that stands for it in a list, and the one to look at.

    A name tells: `thumbnail.…`, and `preview.…` or `media.…`. Without, the smallest picture, and a film, else what may
    be a loop, else the largest picture.
    """
    pictures = sorted((row for row in made if row["media_type"] in SHOWN), key=itemgetter("size"))
    films = [row for row in made if row["media_type"] in PLAYED or row["media_type"].startswith("video/")]
    named = {str(row["name"]).partition(".")[0].lower(): row for row in (*films, *pictures)}
    thumbnail = named.get("thumbnail") or (pictures[0] if pictures else None)
    loops = [row for row in pictures if row["media_type"] in _MOVING and row is not thumbnail]
    media = (
        named.get("media") or named.get("preview") or next(iter([*films, *reversed(loops), *reversed(pictures)]), None)
    )
    return thumbnail, media
