"""Writes of deliveries: made with the event, claimed under a lease, finished behind a fence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import BindParameter, Insert, bindparam, insert, literal, select

from ..db import Session, numbered_id, signal_after_commit
from ..events.models import events
from ..ids import new_id, new_id_stem
from ..prepared import Prepared
from ..signals import DeliveriesDue
from ..webhooks.models import webhooks
from .matching import is_wanted
from .models import webhook_deliveries

COUNTER_DIGITS = 6
MADE_OF_EVENT = ("id", "webhook_id", "event_id", "event_type", "event_seq", "entity_id", "due_at", "created_at")
# Longer than an attempt can take (20 s in all), so that only a dead or frozen worker's lease runs out.
LEASE = timedelta(seconds=30)


def fan_out(session: Session, event_ids: Sequence[str], now: datetime) -> None:
    """One delivery for each of these events and each webhook that asked for it, in one INSERT … SELECT."""
    wanted = {f"event_{number}": event_id for number, event_id in enumerate(event_ids)}
    given = {"id_stem": new_id_stem("dlv", COUNTER_DIGITS), "moment": now, **wanted}
    _fan_out_of(tuple(wanted)).run(session, given)
    signal_after_commit(session, DeliveriesDue())


@lru_cache(maxsize=100)  # a batch has some number of events, which is rarely one that was not there before
def _fan_out_of(event_ids: tuple[str, ...]) -> Prepared:
    return Prepared(lambda dialect: _fan_out(dialect, [bindparam(name) for name in event_ids]))


def _fan_out(dialect: str, event_ids: Sequence[BindParameter[str]]) -> Insert:
    row_id = numbered_id(dialect, COUNTER_DIGITS, events.c.seq)
    moment = bindparam("moment", type_=webhook_deliveries.c.due_at.type)
    rows = (
        select(row_id, webhooks.c.id, events.c.id, events.c.type, events.c.seq, events.c.entity_id, moment, moment)
        .select_from(events.join(webhooks, webhooks.c.enabled))
        .where(events.c.id.in_(event_ids), is_wanted())
    )
    return insert(webhook_deliveries).from_select(MADE_OF_EVENT, rows)


def deliver_to(session: Session, webhook_id: str, event_id: str, now: datetime) -> str:
    """One delivery to one webhook, whatever it subscribed to. Returns its id."""
    delivery_id, moment = new_id("dlv"), literal(now, webhook_deliveries.c.due_at.type)
    row = select(
        *(literal(delivery_id), literal(webhook_id), events.c.id, events.c.type),
        *(events.c.seq, events.c.entity_id, moment, moment),
    ).where(events.c.id == event_id)
    session.execute(insert(webhook_deliveries).from_select(MADE_OF_EVENT, row))
    signal_after_commit(session, DeliveriesDue())
    return delivery_id
