"""Keeping what a worker made: the row of a file whose bytes are in the store already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from sqlalchemy import func, select

from ..access import Permission
from ..db import Row, Session
from ..errors import Conflict
from ..events.commands import Context
from ..ids import new_id
from ..inserting import Insert
from ..jobs.leases import require_lease
from ..prepared import update_row
from .models import artifacts
from .rules import MOST_OF_A_JOB
from .store import ArtifactStore, Measured

_INSERT = Insert(artifacts, itemgetter)


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that the store has, and that no row names yet."""

    name: str
    media_type: str
    size: int
    sha256: str
    blob: str


def write_blob(
    store: ArtifactStore, job_id: str, name: str, media_type: str, pieces: Iterable[bytes], largest: int
) -> Kept:
    """Write bytes to the store, under a name that nothing else will ever have. No transaction may be open meanwhile.

    Raises:
        TooLarge: they are more than `largest`. Nothing is kept.
        StoreUnavailable: the store cannot be used.
    """
    blob, measured = f"{job_id}/{new_id('blob')}", Measured(pieces, largest)
    try:
        store.write(blob, measured)
    except Exception:
        if measured.failure is not None:
            raise measured.failure from None
        raise
    return Kept(name, media_type, measured.size, measured.sha256, blob)


def keep_artifact(session: Session, context: Context, job: Row, lease_token: str, kept: Kept) -> tuple[Row, str | None]:
    """Write the row of an artifact of a job (its row, locked by this transaction); one of the same name is replaced.

    Returns:
        The row, and the blob that nothing names any more once this transaction has committed.

    Raises:
        Forbidden: the actor may not.
        Conflict: the lease is over, or the job has too many artifacts.
    """
    context.actor.require(Permission.WORK_JOBS)
    require_lease(job, lease_token)
    chosen = select(artifacts).where(artifacts.c.job_id == job["id"], artifacts.c.name == kept.name)
    earlier = session.execute(chosen).mappings().first()
    changed = {
        "media_type": kept.media_type, "size": kept.size, "sha256": kept.sha256, "blob": kept.blob,
        "attempt": job["attempts"], "updated_at": context.now,
    }  # fmt: skip
    if earlier is not None:
        changed["version"] = earlier["version"] + 1
        update_row(session, artifacts, earlier["id"], changed)
        return {**earlier, **changed}, earlier["blob"]
    if _count(session, job["id"]) >= MOST_OF_A_JOB:
        raise Conflict(f"This job has {MOST_OF_A_JOB} artifacts, as many as a job may have: put several into one.")
    row = {
        "id": new_id("art"), "project_id": job["project_id"], "job_id": job["id"], "name": kept.name,
        "created_at": context.now, "version": 1, **changed,
    }  # fmt: skip
    _INSERT.run(session, [row])
    return row, None


def _count(session: Session, job_id: str) -> int:
    found = session.execute(select(func.count()).select_from(artifacts).where(artifacts.c.job_id == job_id))
    return int(found.scalar_one())


def unnamed_blobs(session: Session, blobs: Iterable[str]) -> list[str]:
    """Those of them that no artifact has."""
    wanted = list(blobs)
    named = session.execute(select(artifacts.c.blob).where(artifacts.c.blob.in_(wanted))).scalars().all()
    return sorted(set(wanted) - set(named))
