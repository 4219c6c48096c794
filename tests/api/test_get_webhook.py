"""GET /webhooks and /webhooks/{id}."""

from __future__ import annotations

import pytest

from domain.db import Database
from domain.deliveries.health import note_health
from domain.webhooks.health import Ended
from tests.api.conftest import Cast
from tests.factories import make_project, make_webhook
from tests.support.clock import StoppedClock


def test_it_works(cast: Cast, database: Database) -> None:
    hook = make_webhook(database, ["asset.*"], [cast.project["id"]], url="https://b.example.com/")
    answer = cast.admin.get(f"/webhooks/{hook.id}")
    assert answer.status == 200
    assert answer.data["project_ids"] == [cast.project["id"]]
    assert answer.data["status"] == "healthy"
    assert answer.headers["ETag"] == f'"{hook.id}-1"'


def test_it_lists_them_by_url(cast: Cast, database: Database) -> None:
    other = make_project(database)
    second = make_webhook(database, url="https://b.example.com/")
    first = make_webhook(database, project_ids=[cast.project["id"], other["id"]], url="https://a.example.com/")
    answer = cast.admin.get("/webhooks")
    assert answer.ids == [first.id, second.id]
    assert answer.data[0]["project_ids"] == sorted([cast.project["id"], other["id"]])
    assert answer.data[1]["project_ids"] is None
    assert cast.admin.get("/webhooks", **{"url[contains]": "B.EXAMPLE"}).ids == [second.id]


@pytest.mark.parametrize("sort", ["enabled", "-enabled", "enabled,-url", "-enabled,url"])
def test_it_pages_by_what_is_on_and_off(cast: Cast, database: Database, sort: str) -> None:
    for enabled in (True, False, True, False):
        make_webhook(database, enabled=enabled)
    whole = cast.admin.get("/webhooks", sort=sort).ids
    page = cast.admin.get("/webhooks", sort=sort, limit=3)
    rest = cast.admin.get("/webhooks", sort=sort, limit=3, cursor=page.document["page"]["next"])
    assert page.ids + rest.ids == whole
    assert len(set(whole)) == 4


@pytest.mark.parametrize("query", ["enabled[gt]=true", "enabled[contains]=true", "enabled=1", "enabled[in]=true,x"])
def test_it_refuses_what_is_no_question_about_on_and_off(cast: Cast, query: str) -> None:
    cast.admin.call("GET", f"/webhooks?{query}").refused(400, "bad-query")


def test_its_tag_changes_with_its_standing(cast: Cast, database: Database, clock: StoppedClock) -> None:
    hook = make_webhook(database)
    tags = []
    for delivered, gone, status in (
        (True, [], "healthy"),
        (False, [], "failing"),
        (True, [], "healthy"),
        (False, [hook.id], "disabled"),
    ):
        with database.transaction() as session:
            note_health(session, {hook.id: [Ended(delivered)]}, gone, clock.advance(minutes=1), None)
        answer = cast.admin.get(f"/webhooks/{hook.id}")
        assert answer.data["status"] == status
        assert answer.data["disabled_reason"] == ("gone" if gone else None)
        assert (answer.data["failing_since"] is not None) == (status == "failing")
        tags.append(answer.headers["ETag"])
    assert len(set(tags)) == 4


def test_it_refuses_an_unknown_one(cast: Cast) -> None:
    for webhook_id in ("whk_" + "0" * 26, "nonsense", "%00", cast.project["id"]):
        cast.admin.get(f"/webhooks/{webhook_id}").refused(404, "not-found")


def test_it_refuses_everybody_but_an_admin_for_everything(cast: Cast, database: Database) -> None:
    hook = make_webhook(database)
    for caller in (cast.creator, cast.reviewer, cast.viewer):
        for path in ("/webhooks", f"/webhooks/{hook.id}", f"/webhooks/{hook.id}/deliveries", "/webhooks/nonsense"):
            caller.get(path).refused(403, "forbidden")
