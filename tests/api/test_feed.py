"""GET /events: every event that the caller sees, each once, in one order, behind a cursor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, insert, select, update

from domain.db import Database
from domain.deliveries.retention import EVENTS, within
from domain.events.feed import cursor_at
from domain.events.models import event_feed, events
from domain.events.positions import give_places
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.factories import make_character, make_event, make_key, make_webhook
from tests.support.clock import NOON
from tests.support.queries import recorded


def read_on(client: Client, after: str | None = None, **query: Any) -> tuple[list[str], str]:
    """Every id behind the cursor, page by page, and the last cursor."""
    found: list[str] = []
    while True:
        given = query if after is None else {**query, "after": after}
        answer = client.get("/events", **given)
        found += answer.ids
        after = answer.document["page"]["next"]
        if not answer.data:
            return found, str(after)


def test_it_works(cast: Cast, database: Database) -> None:
    decided = make_character(database, cast.project, status="in_review")
    cast.reviewer.post(f"/characters/{decided['id']}/approvals", {"decision": "approved"})
    answer = cast.viewer.get("/events")
    (event,) = answer.data
    assert (event["type"], event["data"]["id"], event["version"]) == ("asset.approved", decided["id"], "v1")
    with database.reading() as session:
        assert event == orjson.loads(session.execute(select(events.c.body)).scalar_one())
    following = cast.viewer.get("/events", after=answer.document["page"]["next"])
    assert following.data == []
    assert following.document["page"] == answer.document["page"]


def test_it_is_read_page_by_page_in_one_order(cast: Cast, database: Database) -> None:
    made = [make_event(database, "scene.created", cast.project["id"]) for _ in range(7)]
    found, end = read_on(cast.viewer, limit=3)
    assert found == made
    later = make_event(database, "scene.updated", cast.project["id"])
    assert read_on(cast.viewer, end)[0] == [later]


def test_a_link_leads_on_while_there_is_more(cast: Cast, database: Database) -> None:
    for _ in range(3):
        make_event(database, "scene.created", cast.project["id"])
    answer = cast.viewer.get("/events", limit=2)
    cursor = answer.document["page"]["next"]
    assert answer.headers["Link"] == f'</api/v1/events?limit=2&after={cursor}>; rel="next"'
    assert "Link" not in cast.viewer.get("/events", limit=2, after=cursor).headers


def test_what_is_committed_late_is_not_missed(cast: Cast, database: Database) -> None:
    """Its number was taken before that of an event which was read already: only places tell what is new."""
    late, early = (make_event(database, "scene.created", cast.project["id"]) for _ in range(2))
    with database.transaction() as session:
        row = dict(session.execute(select(events).where(events.c.id == late)).mappings().one())
        session.execute(delete(events).where(events.c.id == late))
    found, cursor = read_on(cast.viewer)
    assert found == [early]
    with database.transaction() as session:
        session.execute(insert(events).values(row))
    assert read_on(cast.viewer, cursor)[0] == [late]
    assert read_on(cast.viewer)[0] == [early, late]


def test_places_are_given_in_steps(cast: Cast, database: Database) -> None:
    made = [make_event(database, "scene.created", cast.project["id"]) for _ in range(5)]
    with database.transaction() as session:
        assert [give_places(session, 2)[1] for _ in range(3)] == [True, True, False]
    assert read_on(cast.viewer)[0] == made


def test_places_are_never_given_twice(cast: Cast, database: Database) -> None:
    make_event(database, "scene.created", cast.project["id"])
    _, cursor = read_on(cast.viewer)
    with database.transaction() as session:
        session.execute(delete(events))
    later = make_event(database, "scene.created", cast.project["id"])
    assert read_on(cast.viewer, cursor)[0] == [later]


def test_end_is_where_what_comes_begins(cast: Cast, database: Database) -> None:
    make_event(database, "scene.created", cast.project["id"])
    answer = cast.viewer.get("/events", after="end")
    assert answer.data == []
    later = make_event(database, "scene.created", cast.project["id"])
    assert read_on(cast.viewer, answer.document["page"]["next"])[0] == [later]


def test_a_key_of_projects_reads_theirs_alone(cast: Cast, database: Database) -> None:
    own = make_event(database, "scene.created", cast.project["id"])
    foreign = make_event(database, "scene.created", cast.foreign_project["id"])
    make_event(database, "webhook.failing")
    assert read_on(cast.creator)[0] == [own]
    assert read_on(cast.stranger)[0] == [foreign]
    assert read_on(cast.viewer)[0] == [own, foreign]


@pytest.mark.parametrize("event_type", ["webhook.failing", "api_key.expiring"])
def test_what_is_about_webhooks_and_keys_is_for_those_who_manage_them(
    cast: Cast, database: Database, event_type: str
) -> None:
    made = make_event(database, event_type)
    assert read_on(cast.admin)[0] == [made]
    assert read_on(cast.viewer)[0] == []
    assert read_on(Client(cast.admin.app, make_key(database, "admin", "read_only")))[0] == []


def test_tests_of_webhooks_are_no_part_of_it(cast: Cast, database: Database) -> None:
    cast.admin.post(f"/webhooks/{make_webhook(database).id}/test", {"event_type": "asset.approved"})
    assert read_on(cast.admin)[0] == []


@pytest.mark.parametrize(
    "query",
    [{"type": "asset.approved"}, {"types": "asset.*"}, {"types": "scene.archived,asset.approved"}, {"family": "asset"},
     {"type[in]": "asset.approved,scene.archived"}],
)  # fmt: skip
def test_it_is_filtered(cast: Cast, database: Database, query: dict[str, str]) -> None:
    make_event(database, "scene.created", cast.project["id"])
    made = make_event(database, "asset.approved", cast.project["id"])
    make_event(database, "scene.created", cast.project["id"])
    assert read_on(cast.viewer, **query)[0] == [made]


def test_it_is_filtered_by_project(cast: Cast, database: Database) -> None:
    make_event(database, "scene.created", cast.project["id"])
    made = make_event(database, "scene.created", cast.foreign_project["id"])
    assert read_on(cast.viewer, project_id=cast.foreign_project["id"])[0] == [made]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"after": "nonsense"}, "after"), ({"after": cursor_at(-1)}, "after"), ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"), ({"sort": "type"}, "sort"), ({"cursor": "x"}, "cursor"),
        ({"total": "true"}, "total"),
        ({"types": "asset.nonsense"}, "types"), ({"type": "nonsense"}, "type"), ({"nonsense": "1"}, "nonsense"),
        ({"wait": "61"}, "wait"), ({"wait": "-1"}, "wait"), ({"wait": "soon"}, "wait"), ({"wait": ""}, "wait"),
        ({"cursor_name": "none"}, "cursor_name"), ({"cursor_name": "a", "after": "end"}, "cursor_name"),
    ],
)  # fmt: skip
def test_a_bad_query_is_refused(cast: Cast, query: dict[str, str], parameter: str) -> None:
    assert cast.viewer.get("/events", **query).refused(400, "bad-query").document["parameter"] == parameter


def test_a_cursor_before_what_is_kept_is_refused_with_the_oldest_that_works(cast: Cast, database: Database) -> None:
    for _ in range(3):
        make_event(database, "scene.created", cast.project["id"])
    first = cast.viewer.get("/events", limit=1).document["page"]["next"]
    second = cast.viewer.get("/events", limit=2).document["page"]["next"]
    with database.transaction() as session:
        session.execute(update(events).where(events.c.position <= 2).values(created_at=NOON - timedelta(days=91)))
        EVENTS.forget(session, within(events.c.created_at, None, NOON - timedelta(days=90)))
    gone = cast.viewer.get("/events", after=first).refused(410, "cursor-too-old")
    assert gone.document["oldest"] == second
    assert len(cast.viewer.get("/events", after=gone.document["oldest"]).data) == 1
    assert len(cast.viewer.get("/events").data) == 1


def test_a_cursor_of_a_feed_that_went_further_is_refused(cast: Cast, database: Database) -> None:
    """The database was restored from an older copy."""
    make_event(database, "scene.created", cast.project["id"])
    _, cursor = read_on(cast.viewer)
    with database.transaction() as session:
        session.execute(delete(events))
        session.execute(delete(event_feed))
    cast.viewer.get("/events", after=cursor).refused(410, "cursor-too-old")


def test_one_event_is_read_by_its_id(cast: Cast, database: Database) -> None:
    own, foreign = (make_event(database, "scene.created", each["id"]) for each in (cast.project, cast.foreign_project))
    assert cast.creator.get(f"/events/{own}").data["id"] == own
    cast.creator.get(f"/events/{foreign}").refused(404, "not-found")
    cast.creator.get("/events/evt_nonsense").refused(404, "not-found")


def test_reading_costs_few_statements(cast: Cast, database: Database) -> None:
    """How far the feed goes, the page, the audit; nothing but the first and the last at its end."""
    for _ in range(3):
        make_event(database, "scene.created", cast.project["id"])
    _, end = read_on(cast.viewer)
    for query, count in (({}, 3), ({"after": end}, 2), ({"after": end, "wait": "0"}, 2)):
        with recorded(database) as seen:
            cast.viewer.send("GET", "/events", query_string=query)
        assert len(seen) == count, seen


def test_it_is_in_the_audit(cast: Cast) -> None:
    answer = cast.viewer.get("/events", limit=1, wait="0")
    assert answer.audit["params"] == {"query": {"wait": "0", "limit": "1"}}
