"""Which webhooks hear of an event: patterns, types, projects, standing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from domain.db import Database
from domain.deliveries.commands import fan_out
from domain.deliveries.models import webhook_deliveries
from domain.events.catalogue import FAMILIES, PATTERNS, TYPES, is_operational
from domain.ids import is_id
from tests.factories import make_event, make_project, make_webhook
from tests.support.clock import NOON
from tests.support.queries import recorded


def hears(pattern: str, event_type: str) -> bool:
    """What the contract says, written another way than the statement does."""
    if pattern == "*":
        return not event_type.startswith(("webhook.", "api_key."))
    return event_type == pattern or (pattern.endswith(".*") and event_type.split(".")[0] == pattern[:-2])


def deliveries(database: Database) -> set[tuple[str, str]]:
    with database.reading() as session:
        table = webhook_deliveries
        return {(row.webhook_id, row.event_type) for row in session.execute(select(table))}


def test_it_works(database: Database) -> None:
    """Every pattern there is against every event type there is."""
    hooks = {pattern: make_webhook(database, [pattern]).id for pattern in PATTERNS}
    for event_type in TYPES:
        make_event(database, event_type)
    expected = {
        (hook, event_type) for pattern, hook in hooks.items() for event_type in TYPES if hears(pattern, event_type)
    }
    assert deliveries(database) == expected


def test_operational_events_must_be_named() -> None:
    assert [name for name in TYPES if is_operational(name)] == [
        "webhook.test", "webhook.failing", "webhook.disabled", "webhook.recovered", "api_key.expiring",
    ]  # fmt: skip
    assert set(FAMILIES) >= {"project", "character", "scene", "segment", "metadata", "asset", "job"}


def test_a_webhook_of_several_patterns_hears_once(database: Database) -> None:
    hook = make_webhook(database, ["*", "asset.*", "asset.approved"])
    make_event(database, "asset.approved")
    with database.reading() as session:
        assert [row.webhook_id for row in session.execute(select(webhook_deliveries))] == [hook.id]


def test_a_webhook_of_projects_hears_of_these_alone(database: Database) -> None:
    ours, theirs = make_project(database)["id"], make_project(database)["id"]
    both = make_webhook(database, ["*"], [ours, theirs]).id
    one = make_webhook(database, ["*"], [ours]).id
    every = make_webhook(database, ["*"]).id
    for event_type, project in (("asset.approved", ours), ("asset.rejected", theirs), ("project.updated", None)):
        make_event(database, event_type, project)
    assert deliveries(database) == {
        *((hook, "asset.approved") for hook in (both, one, every)),
        *((hook, "asset.rejected") for hook in (both, every)),
        (every, "project.updated"),
    }


def test_a_disabled_webhook_hears_nothing(database: Database) -> None:
    make_webhook(database, ["*"], enabled=False)
    make_event(database, "asset.approved")
    assert deliveries(database) == set()


@pytest.mark.parametrize("hooks", [1, 30])
def test_it_takes_one_statement_however_many_listen(database: Database, hooks: int) -> None:
    for _ in range(hooks):
        make_webhook(database)
    with recorded(database) as seen:
        make_event(database, "asset.approved")
    assert len(seen) == 2


def test_each_delivery_has_an_id_of_its_own_and_they_are_in_the_order_of_events(database: Database) -> None:
    for _ in range(20):
        make_webhook(database)
    first, second = make_event(database, "job.started"), make_event(database, "job.completed")
    with database.reading() as session:
        rows = session.execute(select(webhook_deliveries).order_by(webhook_deliveries.c.id)).mappings().all()
    assert [row["event_id"] for row in rows] == [first] * 20 + [second] * 20
    assert all(is_id(row["id"], "dlv") for row in rows)


def test_the_same_event_is_never_fanned_out_twice(database: Database) -> None:
    make_webhook(database)
    event_id = make_event(database, "asset.approved")
    with pytest.raises(Exception, match=r"(?i)unique"), database.transaction() as session:
        fan_out(session, [event_id], NOON)
    assert len(deliveries(database)) == 1
