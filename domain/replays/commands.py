"""Writes of replays: planned and counted outside a transaction, started, cancelled. `steps` carries them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import insert, select, update

from ..access import Actor
from ..audit.commands import made_of
from ..db import Row, Session
from ..deliveries.models import webhook_deliveries
from ..errors import Conflict, FieldError, Invalid
from ..events.catalogue import check_patterns
from ..events.commands import Context
from ..events.models import events
from ..ids import new_id
from ..webhooks.queries import load_webhook
from . import FASTEST
from .models import webhook_replays
from .queries import load_replay, running_replay
from .selection import STATUSES, Selection, bounds, count_events

# An event that was under way when the replay was asked for has committed by then.
SETTLED = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an admin asks for.

    Attributes:
        since: None: from the first event that is kept.
        until: None, and anything in the future: now.
        status: see `Selection`.
        rate_per_minute: None: as the installation is set.
    """

    since: datetime | None = None
    until: datetime | None = None
    status: str | None = None
    event_types: Sequence[str] | None = None
    rate_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay would do: its events, how many these are now, and how many of them it queues in a minute."""

    selection: Selection
    count: int
    per_minute: int


class _Settings(Protocol):
    @property
    def replay_per_minute(self) -> int: ...
    @property
    def delivery_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What the installation is set to.

    Attributes:
        per_minute: of a replay that asks for no rate.
        delivery_days: how long deliveries are kept, 0 for ever.
    """

    per_minute: int
    delivery_days: int

    @classmethod
    def of(cls, settings: _Settings) -> Terms:
        """The installation's."""
        return cls(settings.replay_per_minute, settings.delivery_days)

    def known_since(self, started_at: datetime) -> datetime | None:
        """From when on it is known what was delivered, to a replay that began then."""
        return started_at - timedelta(days=self.delivery_days) if self.delivery_days else None


def plan_replay(session: Session, actor: Actor, webhook_id: str, wanted: Wanted, terms: Terms, now: datetime) -> Plan:
    """Check what is asked for and count its events. Takes as long as these are many, so no transaction may be open.

    Raises:
        Forbidden, NotFound: see `load_webhook`.
        Invalid: a time, status, type or rate that cannot be.
    """
    load_webhook(session, actor, webhook_id)
    until = min(wanted.until or now, now)
    since = wanted.since or _first_moment(session) or until - timedelta(milliseconds=1)
    if errors := _check(wanted, since, until):
        raise Invalid(*errors)
    types = None if wanted.event_types is None else list(dict.fromkeys(wanted.event_types))
    selection = Selection(webhook_id, since, until, types, wanted.status, terms.known_since(now))
    return Plan(selection, count_events(session, selection), wanted.rate_per_minute or terms.per_minute)


def _first_moment(session: Session) -> datetime | None:
    first = select(events.c.created_at).order_by(events.c.created_at).limit(1)
    return session.execute(first).scalar_one_or_none()


def _check(wanted: Wanted, since: datetime, until: datetime) -> list[FieldError]:
    errors = [] if wanted.event_types is None else check_patterns(list(wanted.event_types))
    if since >= until and (wanted.since or wanted.until):
        name = "until" if wanted.since is None else "since"
        errors.append(FieldError(f"/{name}", "range", "`since` must be before `until`, and before now."))
    if wanted.status is not None and wanted.status not in STATUSES:
        message = f"`status` must be one of {', '.join(STATUSES)}, or left out for all events."
        errors.append(FieldError("/status", "unknown", message))
    if wanted.rate_per_minute is not None and not 1 <= wanted.rate_per_minute <= FASTEST:
        errors.append(FieldError("/rate_per_minute", "range", f"Give a rate from 1 to {FASTEST:,} events a minute."))
    return errors


def start_replay(session: Session, context: Context, plan: Plan) -> str:
    """Begin it; the sweeper takes it from here, a few seconds later. Its id.

    Raises:
        Forbidden, NotFound: see `load_webhook`.
        Conflict: the webhook is disabled, or another replay of it is still running.
    """
    chosen = plan.selection
    webhook = load_webhook(session, context.actor, chosen.webhook_id, for_update=True)
    if not webhook["enabled"]:
        raise Conflict("This webhook is disabled; enable it before sending it events again.")
    if (other := running_replay(session, chosen.webhook_id)) is not None:
        raise Conflict(f"The replay {other} of this webhook is still running; let it end, or cancel it.")
    row = planned_row(new_id("rpl"), context, plan)
    after, _ = bounds(session, chosen.since, chosen.until)
    next_at = max(context.now, chosen.until + SETTLED)
    session.execute(insert(webhook_replays).values(**row, after_seq=after, next_at=next_at))
    return str(row["id"])


def planned_row(replay_id: str | None, context: Context, plan: Plan) -> dict[str, Any]:
    """The row as it begins, or would begin."""
    chosen = plan.selection
    return {
        "id": replay_id,
        "webhook_id": chosen.webhook_id,
        "status": "running",
        "since": chosen.since,
        "until": chosen.until,
        "event_types": chosen.event_types,
        "delivery_status": chosen.status,
        "per_minute": plan.per_minute,
        "count": plan.count,
        "queued_count": 0,
        "note": "",
        "created_by": context.actor.as_data(),
        "created_at": context.now,
        "updated_at": context.now,
        "finished_at": None,
    }


def told_of(replay_id: str, plan: Plan) -> dict[str, Any]:
    """What the audit keeps of a replay that was started."""
    chosen = plan.selection
    given = {
        "webhook_id": chosen.webhook_id,
        "since": chosen.since,
        "until": chosen.until,
        "delivery_status": chosen.status,
        "event_types": chosen.event_types,
        "rate_per_minute": plan.per_minute,
        "count": plan.count,
    }
    return made_of(replay_id, given)


def cancel_replay(session: Session, actor: Actor, replay_id: str, now: datetime) -> Row:
    """Queue no more, and send nothing more of what it has queued, but for what is being sent. Its row before.

    Raises:
        Forbidden, NotFound: see `load_replay`.
        Conflict: it is over.
    """
    row = load_replay(session, actor, replay_id, for_update=True)
    if row["status"] != "running":
        raise Conflict(f"This replay is {row['status']}; only a running one can be cancelled.", [])
    end_replay(session, replay_id, now, f"Cancelled by {actor.name}.")
    return row


def end_replay(session: Session, replay_id: str, now: datetime, note: str) -> None:
    """Cancel it, and its deliveries that wait."""
    ended = {"status": "cancelled", "note": note, "updated_at": now, "finished_at": now}
    session.execute(update(webhook_replays).where(webhook_replays.c.id == replay_id).values(**ended))
    table = webhook_deliveries
    waiting = update(table).where(table.c.replay_id == replay_id, table.c.replay_id != "", table.c.status == "pending")
    session.execute(waiting.values(status="cancelled", finished_at=now))
