"""How long the trail is kept, by class, and the one place that deletes from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_

from .. import ranges
from ..access import SYSTEM
from ..crypto import Keyring
from ..db import Session
from ..seals.commands import prune_sealed
from .commands import note_action
from .models import EVERY, api_audit_log

_TABLE = api_audit_log
_CALL = _TABLE.c.source == "api"
_READ = _TABLE.c.method.in_(("GET", "HEAD", "OPTIONS"))
# Every entry is of one class; a dry run counts as what it tries.
CONDITIONS: dict[str, ColumnElement[bool]] = {
    "reads": and_(_CALL, _TABLE.c.status_code < 400, _READ),
    "writes": and_(_CALL, _TABLE.c.status_code < 400, ~_READ),
    "refusals": and_(_CALL, _TABLE.c.status_code >= 400),
    "actions": _TABLE.c.source != "api",
}
MOST_AT_ONCE = 2000  # of one moment, in one transaction


def end_of_range(session: Session, start: datetime | None, bound: datetime, most: int) -> datetime:
    """Up to where there are about `most` entries from `start` on, whatever their class; `bound` at the latest."""
    return ranges.end_of_range(session, _TABLE.c.at, start, bound, most, EVERY)


def prune_range(
    session: Session, keyring: Keyring, class_: str, start: datetime | None, end: datetime, now: datetime
) -> bool:
    """Delete the entries of a class from `start` on (None: the first) and before `end`, as far as they are sealed.

    That it was done is written into the trail, and signed, in the same transaction.

    Returns:
        Whether the range is done with: nothing is left in it but what differs from its seal.
    """
    chosen: list[Any] = [EVERY, _TABLE.c.at < end, CONDITIONS[class_]]
    if start is not None:
        chosen.append(_TABLE.c.at >= start)
    count = prune_sealed(session, keyring, and_(*chosen), MOST_AT_ONCE, now)
    if count:
        told = {"class": class_, **ranges.told(start, end, count)}
        note_action(session, SYSTEM, "system", "audit.prune", now, changes=told)
    return count is not None and count < MOST_AT_ONCE
