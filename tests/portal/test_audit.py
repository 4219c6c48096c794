"""The audit trail: the list, its filters, one entry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from domain.audit.commands import AuditEntry, write_entry
from domain.ports import UNKNOWN, Services
from portal.formatting import short_id
from tests.factories import make_key
from tests.portal.conftest import SignIn
from tests.portal.factories import changes_of
from tests.support.page import Page, Visitor
from tests.support.queries import recorded

TRAIL = "/portal/audit"
HTMX = {"HX-Request": "true"}
APPROVALS = "/api/v1/characters/{id}/approvals"


def write(services: Services, **values: Any) -> None:
    """One audited call, an hour old unless told."""
    plain: dict[str, Any] = {
        "at": services.clock() - timedelta(hours=1),
        "source": "api",
        "method": "GET",
        "route": "/api/v1/projects",
        "path": "/api/v1/projects",
        "status_code": 200,
        "duration_ms": 1.25,
        "ip": "192.0.2.7",
    }
    with services.database.transaction() as session:
        write_entry(session, AuditEntry(**{**plain, **values}))


def calls(page: Page) -> list[str]:
    """What the rows tell of, without the actions of signing in and of looking."""
    rows = [row.all("code")[0].text for row in page.tree.all("tr") if row.all("td")]
    return [text for text in rows if not text.startswith(("session.", "audit."))]


def narrowed(visitor: Visitor, query: str) -> list[str]:
    return calls(visitor.get(f"{TRAIL}?{query}"))


def test_an_entry_shows_who_what_when_and_how_it_ended(ada: Visitor, services: Services) -> None:
    key = make_key(services.database, name="ShotGrid sync", keyring=services.keyring)
    write(services, key_id=key.id, method="POST", route=APPROVALS, status_code=201)
    row = next(row for row in ada.get(TRAIL).tree.all("tr") if "approvals" in row.text)
    for shown in ("POST /characters/{id}/approvals", "201", "1.2 ms", "ShotGrid sync", "api", "192.0.2.7"):
        assert shown in row.text


def test_the_newest_is_first_and_actions_of_the_portal_are_in_it(ada: Visitor, services: Services) -> None:
    write(services)
    write(services, route="/api/v1/scenes", at=services.clock() - timedelta(hours=2))
    page = ada.get(TRAIL)
    assert calls(page) == ["GET /projects", "GET /scenes"]
    assert "session.create" in page.text
    assert "Ada Admin" in page.text


def test_it_is_narrowed_by_key(ada: Visitor, services: Services) -> None:
    keys = [make_key(services.database, name=name, keyring=services.keyring) for name in ("Kitsu", "ftrack")]
    for key, route in zip(keys, ("/api/v1/me", "/api/v1/scenes"), strict=True):
        write(services, key_id=key.id, route=route)
    assert narrowed(ada, f"key_id={keys[0].id}") == ["GET /me"]
    page = ada.get(f"{TRAIL}?key_id={keys[1].id}")
    assert calls(page) == ["GET /scenes"]
    assert page.form(TRAIL)["key_id"] == keys[1].id


def test_it_is_narrowed_by_endpoint_method_and_status(ada: Visitor, services: Services) -> None:
    write(services)
    write(services, method="POST", status_code=422)
    write(services, route=APPROVALS, method="POST", status_code=201)
    assert narrowed(ada, "route=/api/v1/projects") == ["POST /projects", "GET /projects"]
    assert narrowed(ada, "route=/api/v1/projects&method=POST") == ["POST /projects"]
    assert narrowed(ada, "status=4xx") == ["POST /projects"]
    assert narrowed(ada, "status=2xx&method=POST") == ["POST /characters/{id}/approvals"]
    assert ada.get(f"{TRAIL}?route=/api/v1/gone").form(TRAIL)["route"] == "/api/v1/gone"


def test_it_is_narrowed_by_time(ada: Visitor, services: Services) -> None:
    now = services.clock()
    for hours in (1, 5, 30):
        write(services, at=now - timedelta(hours=hours), route=f"/api/v1/{hours}")
    start, end = (now - timedelta(hours=hours) for hours in (6, 2))
    assert narrowed(ada, f"at[gte]={start:%Y-%m-%dT%H:%M}&at[lt]={end:%Y-%m-%dT%H:%M}") == ["GET /5"]
    assert narrowed(ada, f"at[gte]={start:%Y-%m-%dT%H:%M:%SZ}") == ["GET /1", "GET /5"]
    asked = services.clock()
    page = ada.get(ada.get(TRAIL).links()["Last day"])
    assert calls(page) == ["GET /1", "GET /5"]
    day_ago = (moment - timedelta(days=1) for moment in (asked, services.clock()))  # a minute may end in between
    assert page.form(TRAIL)["at[gte]"] in {f"{moment:%Y-%m-%dT%H:%M}" for moment in day_ago}
    current = [link.text for link in page.tree.all("a") if link.attributes.get("aria-current") == "true"]
    assert current == ["Last day"]


def test_it_is_narrowed_by_request(ada: Visitor, services: Services) -> None:
    write(services, request_id="req_one")
    write(services, request_id="req_two", route="/api/v1/me")
    assert narrowed(ada, "request_id=req_two") == ["GET /me"]


def test_it_is_narrowed_by_address_and_one_status(ada: Visitor, services: Services) -> None:
    write(services, ip="198.51.100.9", status_code=418)
    write(services, ip="198.51.100.9")
    write(services, status_code=404)
    assert narrowed(ada, "ip=198.51.100.9") == ["GET /projects", "GET /projects"]
    assert narrowed(ada, "status=404") == ["GET /projects"]
    page = ada.get(f"{TRAIL}?ip=198.51.100.9&status=418")
    assert len(calls(page)) == 1
    assert (page.form(TRAIL)["ip"], page.form(TRAIL)["status"]) == ("198.51.100.9", "418")


def test_it_is_narrowed_by_user_action_and_source(ada: Visitor, services: Services) -> None:
    write(services)
    write(services, source="cli", action="api_key.revoke", method=None, route=None, path=None, status_code=None)
    assert calls(ada.get(f"{TRAIL}?action=api_key.revoke")) == ["api_key.revoke"]
    assert calls(ada.get(f"{TRAIL}?source=cli")) == ["api_key.revoke"]
    page = ada.get(f"{TRAIL}?source=api")
    assert calls(page) == ["GET /projects"]
    offered = {option.text: option.attributes["value"] for option in page.tree.all("option")}
    assert offered["api_key.revoke"] == "api_key.revoke"
    hers = ada.get(f"{TRAIL}?user_id={offered['Ada Admin']}")
    assert calls(hers) == []
    assert "session.create" in hers.text
    assert hers.form(TRAIL)["user_id"] == offered["Ada Admin"]


def test_every_action_is_offered_once(ada: Visitor, services: Services) -> None:
    for action in ("b.two", "a.one", "b.two", "c.three"):
        write(services, source="system", action=action)
    (select_,) = [node for node in ada.get(TRAIL).tree.all("select") if node.attributes["name"] == "action"]
    assert [option.text for option in select_.all("option")] == [
        "Action: any",
        *("a.one", "b.two", "c.three", "session.create"),
    ]


def test_keys_of_one_name_are_told_apart(ada: Visitor, services: Services) -> None:
    twins = [make_key(services.database, name="Kitsu", keyring=services.keyring) for _ in range(2)]
    make_key(services.database, name="ftrack", keyring=services.keyring)
    offered = [option.text for option in ada.get(TRAIL).tree.all("option")]
    assert "ftrack" in offered
    assert "Kitsu" not in offered
    for twin in twins:
        assert f"Kitsu ({short_id(twin.id)})" in offered


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("2001:db8::7", "2001:DB8:0:0::7"),
        ("192.0.2.9", "::ffff:192.0.2.9"),
        ("192.0.2.9", "::FFFF:c000:209"),
        (UNKNOWN, UNKNOWN),
    ],
)
def test_an_address_may_be_spelled_in_any_way(ada: Visitor, services: Services, kept: str, asked: str) -> None:
    write(services, ip=kept)
    write(services, ip="192.0.2.10")
    assert narrowed(ada, f"ip={asked}") == ["GET /projects"]


def test_quick_ranges_keep_the_other_filters(ada: Visitor, services: Services) -> None:
    links = ada.get(f"{TRAIL}?method=POST&at[gte]=2026-01-01T00:00").links()
    assert "method=POST" in links["Last hour"]
    assert links["All time"] == f"{TRAIL}?method=POST"


def test_a_name_of_the_api_s_grammar_works_here_too(ada: Visitor, services: Services) -> None:
    write(services, problem="not-found")
    write(services)
    page = ada.get(f"{TRAIL}?problem=not-found")
    assert len(calls(page)) == 1
    assert "problem = not-found" in page.text
    assert page.form(TRAIL)["problem"] == "not-found"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("colour=red", "colour"),
        ("at[gte]=yesterday", "at[gte]"),
        ("status=9xx", "status"),
        ("status=40", "status"),
        ("ip=a%00b", "ip"),
        ("ip=198.51.100.9:443", "ip"),
        ("ip=300.1.1.1", "ip"),
        ("at[gte]=2026-01-02T00:00&at[lt]=2026-01-01T00:00", "at[lt]"),
        ("at[gte]=2026-01-02T00:00&at[lt]=2026-01-02T02:00%2B02:00", "at[lt]"),
        ("key_id[like]=x", "key_id[like]"),
        ("cursor=nonsense", "cursor"),
        ("limit=0", "limit"),
        ("status_code=abc", "status_code"),
        ("endpoint=x&_scheme=javascript&_external=1", "endpoint"),
        ("at[gte]=0001-01-01T00:00%2B14:00", "at[gte]"),
        ("key_id=a%00b", "key_id"),
    ],
)
def test_a_bad_query_is_a_notice_that_names_the_parameter(ada: Visitor, query: str, parameter: str) -> None:
    page = ada.get(f"{TRAIL}?{query}", 400)
    (notice,) = [node for node in page.tree.all("div") if node.attributes.get("role") == "alert"]
    assert parameter in notice.text
    assert page.heading == "Audit"


@pytest.mark.parametrize("text", ["0001-01-01T00:00", "9999-12-31T23:59", "2026-11-22T20:18:03.5%2B02:00"])
def test_any_time_of_the_calendar_will_do(ada: Visitor, text: str) -> None:
    assert ada.get(f"{TRAIL}?at[gte]={text}").form(TRAIL)["at[gte]"]


def test_htmx_is_given_the_list_and_a_clean_address(ada: Visitor, services: Services) -> None:
    write(services)
    page = ada.get(f"{TRAIL}?key_id=&route=/api/v1/projects&method=&at[gte]=&request_id=", headers=HTMX)
    assert page.response.text.startswith('<div id="list"')
    assert page.response.headers["HX-Push-Url"] == f"{TRAIL}?route=/api/v1/projects"
    assert calls(page) == ["GET /projects"]
    assert "Nothing matches" in ada.get(f"{TRAIL}?request_id=req_none", headers=HTMX).text


def test_pages_keep_the_filters(ada: Visitor, services: Services) -> None:
    for _ in range(60):
        write(services, method="POST")
    first = ada.get(f"{TRAIL}?method=POST")
    following = first.links()["Next"]
    assert "method=POST" in following
    second = ada.get(following)
    assert (len(calls(first)), len(calls(second))) == (50, 10)
    assert second.links()["First page"] == f"{TRAIL}?method=POST"


def test_one_entry_is_shown_whole(ada: Visitor, services: Services) -> None:
    key = make_key(services.database, name="ShotGrid sync", keyring=services.keyring)
    write(
        services,
        key_id=key.id,
        secret_id="Ab3dE9xQ",
        request_id="req_7",
        problem="not-found",
        status_code=404,
        params={"query": {"q": "<script>"}},
        user_agent="curl/8",
        bytes_in=0,
        bytes_out=1234,
        rate_limit="read 598/600",
        idempotency="replayed",
        path="/api/v1/projects/prj_1",
    )
    page = ada.get(ada.get(f"{TRAIL}?request_id=req_7").links()["GET /projects"])
    assert page.heading.startswith("GET /api/v1/projects")
    for shown in (
        "ShotGrid sync",
        "csk_Ab3dE9xQ_…",
        "not-found",
        "404",
        "curl/8",
        "1,234 bytes",
        "read 598/600",
        "replayed",
    ):
        assert shown in page.text
    assert '"<script>"' in page.text
    assert not any("src" not in node.attributes for node in page.tree.all("script"))
    assert page.links()["Everything it did"] == f"{TRAIL}?request_id=req_7"


def test_an_action_shows_what_it_changed(ada: Visitor, services: Services) -> None:
    values = {"method": None, "route": None, "path": None, "status_code": None, "duration_ms": None}
    write(services, source="cli", action="api_key.revoke", changes={"id": "key_1"}, **values)
    page = ada.get(ada.get(f"{TRAIL}?action=api_key.revoke").links()["api_key.revoke"])
    assert '"key_1"' in page.text
    assert "the command line" in page.text


def test_looking_is_in_it(ada: Visitor, services: Services) -> None:
    write(services, method="POST")
    page = ada.get(f"{TRAIL}?method=POST&status=2xx")
    entry = page.links()["POST /projects"]
    ada.get(entry)
    ada.get(f"{TRAIL}?colour=red", 400)
    ada.get(f"{TRAIL}/aud_nothing", 404)
    assert changes_of(services, "audit.read") == [
        {"query": {"method": "POST", "status": "2xx"}},
        {"id": entry.rpartition("/")[2]},
    ]


def test_what_is_shown_can_be_taken_as_a_file(ada: Visitor, services: Services) -> None:
    for method in ("POST", "GET", "POST"):
        write(services, method=method, user_agent="=1+1")
    links = ada.get(f"{TRAIL}?method=POST&status=2xx&cursor=&limit=1").links()
    assert links["CSV"] == f"{TRAIL}/export?method=POST&status=2xx&format=csv"
    response = ada.get(links["NDJSON"]).response
    assert response.mimetype == "application/x-ndjson"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="callsheet-audit-')
    assert [orjson.loads(line)["method"] for line in response.data.splitlines()] == ["POST", "POST"]
    assert '"\'=1+1"' in ada.get(links["CSV"]).response.text
    narrowing = {"method": "POST", "status": "2xx"}
    assert changes_of(services, "audit.export") == [
        {"format": "ndjson", "query": narrowing},
        {"format": "csv", "query": narrowing},
    ]


@pytest.mark.parametrize("query", ["format=xlsx", "", "format=csv&colour=red", "format=csv&status=9xx"])
def test_a_file_of_what_cannot_be_asked_is_refused(ada: Visitor, services: Services, query: str) -> None:
    ada.get(f"{TRAIL}/export?{query}", 400)
    assert changes_of(services, "audit.export") == []


def test_an_entry_that_is_not_there_is_missing(ada: Visitor) -> None:
    ada.get(f"{TRAIL}/aud_nothing", 404)


def test_the_count_of_statements_does_not_grow(ada: Visitor, services: Services) -> None:
    counts = []
    for number in (1, 19):
        for _ in range(number):
            write(services, key_id=make_key(services.database, keyring=services.keyring).id)
        with recorded(services.database) as seen:
            ada.get(TRAIL)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 6


def test_only_admins_may_look(sign_in: SignIn) -> None:
    reviewer = sign_in("reviewer")
    assert reviewer.get(TRAIL, 403).heading == "You cannot open this"
    reviewer.get(f"{TRAIL}/export?format=csv", 403)
    assert "Audit" not in reviewer.get("/portal/").links()
