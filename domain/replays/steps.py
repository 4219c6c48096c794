"""One step of a replay: the next of its events become deliveries, and the cursor moves behind them.

A step is one transaction, so one that is killed has not happened, and the next one begins where the last that did
ended. Each looks at a stretch of events, however few of them are wanted, and queues what may be sent in a second.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, func, insert, literal, select, true, update

from ..db import Row, Session, numbered_id
from ..deliveries.commands import COUNTER_DIGITS, MADE_OF_EVENT
from ..deliveries.models import REPLAY, is_open, webhook_deliveries
from ..events.models import events
from ..ids import new_id_stem
from ..webhooks.models import webhooks
from .commands import Terms, end_replay
from .models import webhook_replays
from .selection import STRETCH, Selection, bounds, stretch

# Deliveries of a webhook's replays that may wait at once: a slow receiver slows the replay, and a cancelled one stops.
MOST_WAITING = 5000
LOOKS_AGAIN = timedelta(seconds=10)  # at a receiver that is behind, and at a webhook that is disabled
WAITS_AT_MOST = timedelta(days=7)  # for a webhook that is disabled: retention waits for the replay
DISABLED = "It waits: the webhook is disabled. It goes on when the webhook is enabled again."
GIVEN_UP = "The webhook was disabled for seven days."
BEHIND = "It waits for the receiver, which has not taken what was queued before."


def step_replay(session: Session, replay_id: str, now: datetime, terms: Terms) -> int:
    """Take one step, if it is due and nobody else takes it. How many deliveries it queued."""
    row = _claim(session, replay_id, now)
    if row is None:
        return 0
    enabled, waiting = _receiver(session, row["webhook_id"])
    if not enabled and now - row["updated_at"] > WAITS_AT_MOST:
        end_replay(session, replay_id, now, GIVEN_UP)
    elif not enabled or waiting >= MOST_WAITING:
        _move(session, replay_id, {"note": BEHIND if enabled else DISABLED, "next_at": now + LOOKS_AGAIN})
    else:
        return _advance(session, row, now, terms)
    return 0


def _claim(session: Session, replay_id: str, now: datetime) -> RowMapping | None:
    """The row, locked, with its next step put off: whoever comes second finds that it is not due."""
    table = webhook_replays
    due = update(table).where(table.c.id == replay_id, table.c.status == "running", table.c.next_at <= now)
    return session.execute(due.values(next_at=now + LOOKS_AGAIN).returning(*table.c)).mappings().first()


def _receiver(session: Session, webhook_id: str) -> tuple[bool, int]:
    """Whether the webhook is enabled, and how many deliveries of replays wait for it, as far as that matters."""
    table = webhook_deliveries
    some = select(table.c.id).where(table.c.webhook_id == webhook_id, table.c.lane == REPLAY, is_open())
    count = select(func.count()).select_from(some.limit(MOST_WAITING).subquery()).scalar_subquery()
    enabled, waiting = session.execute(select(webhooks.c.enabled, count).where(webhooks.c.id == webhook_id)).one()
    return bool(enabled), int(waiting)


def _advance(session: Session, row: RowMapping, now: datetime, terms: Terms) -> int:
    known_since = terms.known_since(row["created_at"])
    chosen = (row["event_types"], row["delivery_status"], known_since)
    selection = Selection(row["webhook_id"], row["since"], row["until"], *chosen)
    after, last = row["after_seq"], bounds(session, row["since"], row["until"])[1]
    end = min(after + STRETCH, last)
    at_once = max(1, row["per_minute"] // 60)
    queued = _queue(session, row, selection, (after, end), at_once, now) if after < end else []
    # Fewer than might have been: the stretch is done with, for there are no others in it.
    reached = max(queued) if len(queued) == at_once else end
    is_over = reached >= last
    pause = timedelta(minutes=len(queued) / row["per_minute"])
    moved = {"after_seq": reached, "queued_count": row["queued_count"] + len(queued), "next_at": now + pause}
    ended = {"status": "completed", "finished_at": now} if is_over else {}
    _move(session, row["id"], {**moved, **ended, "note": "", "updated_at": now})
    return len(queued)


def _move(session: Session, replay_id: str, values: dict[str, Any]) -> None:
    session.execute(update(webhook_replays).where(webhook_replays.c.id == replay_id).values(**values))


def _queue(
    session: Session, replay: Row, selection: Selection, seqs: tuple[int, int], most: int, now: datetime
) -> list[int]:
    """Deliveries of the first `most` events wanted of this stretch, in the feed's order; the `seq` of each."""
    table, moment = webhook_deliveries, literal(now, webhook_deliveries.c.due_at.type)
    row_id = numbered_id(session.dialect, COUNTER_DIGITS, events.c.seq)
    made = (row_id, webhooks.c.id, events.c.id, events.c.type, events.c.seq, events.c.entity_id, moment, moment)
    rows = (
        select(*made, literal(replay["id"]), literal(REPLAY))
        .select_from(events.join(webhooks, true()))
        .where(selection.condition(), stretch(*seqs))
        .order_by(events.c.seq)
        .limit(most)
    )
    statement = insert(table).from_select((*MADE_OF_EVENT, "replay_id", "lane"), rows).returning(table.c.event_seq)
    return list(session.execute(statement, {"id_stem": new_id_stem("dlv", COUNTER_DIGITS)}).scalars())
