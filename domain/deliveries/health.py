"""Keeping how endpoints stand, and telling of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select, update

from ..access import SYSTEM
from ..audit.commands import differences, note_action
from ..db import Row, Session, Str
from ..events.commands import Context, Happening, record_events
from ..json_rows import as_json, given_rows
from ..prepared import Prepared, update_row
from ..webhooks.health import Ended, Health, after, is_given_up
from ..webhooks.models import webhooks
from ..webhooks.queries import represent_trouble
from .models import webhook_deliveries

HEALTH = ("failures_in_a_row", "failing_since", "failing_told", "breaker", "paused_until")
# It was open and its pause is over: whoever claims next tries one delivery, and nobody else does meanwhile.
PROBE = timedelta(seconds=30)


def note_health(
    session: Session,
    ended: Mapping[str, Sequence[Ended]],
    gone: Collection[str],
    now: datetime,
    disable_after: timedelta | None,
) -> set[str]:
    """Keep how each webhook stands after a batch of attempts. One quick statement when all are well and were before.

    Args:
        ended: of each webhook, the attempts in the order they ended.
        gone: webhooks whose receiver asked for no more (410).
        disable_after: of failing without one success; None for never.

    Returns:
        The webhooks that nothing may be sent to for now.
    """
    stopped: set[str] = set()
    failing = {webhook_id for webhook_id, attempts in ended.items() if not all(one.delivered for one in attempts)}
    concerned = failing | {found for (found,) in _UNWELL.read(session, as_json({"id": one} for one in ended))}
    if not concerned:
        return stopped
    for found in _HELD.read(session, as_json({"id": one} for one in concerned)):
        row = dict(zip(webhooks.c.keys(), found, strict=True))
        health = after(_health_of(row), ended[row["id"]], now)
        if row["id"] in gone:
            _disable(session, row, "gone", now)
        elif not health.is_well and is_given_up(health, now, disable_after):
            _disable(session, row, "exhausted", now)
        else:
            _keep(session, row, health, now)
            if health.paused_until is None or health.paused_until <= now:
                continue
        stopped.add(row["id"])
    return stopped


def _unwell(dialect: str) -> Select[Any]:
    """Those of these webhooks that were not well before."""
    given = given_rows(dialect, id=Str)
    trouble = or_(
        webhooks.c.failures_in_a_row > 0, webhooks.c.breaker != "closed", webhooks.c.paused_until.is_not(None),
        webhooks.c.failing_since.is_not(None),
    )  # fmt: skip
    return select(webhooks.c.id).where(webhooks.c.id.in_(select(given.c.id)), trouble)


_UNWELL = Prepared(_unwell)


def _held(dialect: str) -> Select[Any]:
    """The rows of those of these webhooks that are enabled, locked."""
    given = given_rows(dialect, id=Str)
    chosen = select(webhooks).where(webhooks.c.id.in_(select(given.c.id)), webhooks.c.enabled)
    return chosen.order_by(webhooks.c.id).with_for_update()


_HELD = Prepared(_held)


def _health_of(row: Row) -> Health:
    return Health(**{name: row[name] for name in HEALTH})


def _keep(session: Session, row: Row, health: Health, now: datetime) -> None:
    was = _health_of(row)
    if health == was:
        return
    changed: dict[str, Any] = asdict(health)
    if (was.failing_since is None) != (health.failing_since is None):  # what the API shows of it
        changed |= {"version": row["version"] + 1, "updated_at": now}
    update_row(session, webhooks, row["id"], changed)
    if health.failing_told and not was.failing_told:
        _tell(session, {**row, **asdict(health)}, "failing", now)
    elif was.failing_told and health.is_well:
        _tell(session, {**row, **asdict(health)}, "recovered", now)


def _disable(session: Session, row: Row, reason: str, now: datetime) -> None:
    values = {"enabled": False, "disabled_reason": reason}
    changed = {**values, "version": webhooks.c.version + 1, "updated_at": now}
    session.execute(update(webhooks).where(webhooks.c.id == row["id"]).values(**changed))
    told = {"id": row["id"], **differences({"enabled": True}, values)}
    note_action(session, SYSTEM, "system", "webhook.disable", now, changes=told)
    waiting = (webhook_deliveries.c.webhook_id == row["id"], webhook_deliveries.c.status == "pending")
    session.execute(update(webhook_deliveries).where(*waiting).values(status="cancelled", finished_at=now))
    _tell(session, {**row, **values}, "disabled", now)


def _tell(session: Session, row: Row, verb: str, now: datetime) -> None:
    happening = Happening(f"webhook.{verb}", None, represent_trouble(row))
    record_events(session, Context(SYSTEM, now), [happening])


def begin_probes(session: Session, webhook_ids: Sequence[str], now: datetime) -> set[str]:
    """Those of these webhooks that this worker alone may probe now."""
    ready = update(webhooks).where(
        webhooks.c.id.in_(webhook_ids), webhooks.c.breaker != "closed", webhooks.c.paused_until <= now
    )
    probed = ready.values(breaker="half_open", paused_until=now + PROBE).returning(webhooks.c.id)
    return set(session.execute(probed).scalars())
