"""API keys: list, create, look at, revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from domain.api_keys.models import api_keys
from domain.api_keys.queries import find_credential
from domain.audit.commands import AuditEntry, write_entry
from domain.audit.models import api_audit_log
from domain.db import Session
from domain.ports import Services
from tests.portal.factories import changes_of, make_call, make_key, make_project
from tests.support.page import HTMX, Page, Visitor
from tests.support.queries import recorded

LIST, NEW = "/portal/api-keys", "/portal/api-keys/new"


def create(visitor: Visitor, status: int = 200, **values: object) -> Page:
    return visitor.submit(visitor.get(NEW), LIST, status, name="Render farm", **values)


def stored(services: Services) -> dict[str, object]:
    with services.database.reading() as session:
        return dict(session.execute(select(api_keys)).mappings().one())


def test_an_empty_list_offers_the_first_key(ada: Visitor) -> None:
    page = ada.get(LIST)
    assert "No API keys yet" in page.text
    assert page.links()["Create key"] == NEW


def test_it_creates_a_key_and_shows_it_once(ada: Visitor, services: Services) -> None:
    page = create(ada, role="creator", scope="full", allowed_cidrs="10.0.0.0/8\n2001:db8::/32", read_per_minute="250")
    assert page.heading == "Key created"
    token = page.tree.all("code")[0].text
    with services.database.reading() as session:
        credential = find_credential(session, token)
    credential.check(services.keyring, token, services.clock())
    assert credential.allowed_cidrs == ("10.0.0.0/8", "2001:db8::/32")
    assert credential.read_per_minute == 250
    assert f"Bearer {token}" in page.text
    again = ada.get(page.response.request.path, 303)
    assert token not in again.response.text
    assert token not in ada.get(f"{LIST}/{credential.key_id}").response.text


def test_the_key_is_in_no_table(ada: Visitor, services: Services) -> None:
    token = create(ada).tree.all("code")[0].text
    with services.database.reading() as session:
        log = session.execute(select(api_audit_log.c.changes)).scalars().all()
    assert token not in str(log)
    assert token not in str(stored(services))


def test_creating_is_audited(ada: Visitor, services: Services) -> None:
    create(ada)
    with services.database.reading() as session:
        row = session.execute(select(api_audit_log).where(api_audit_log.c.action == "api_key.create")).mappings().one()
    assert row["source"] == "portal"
    assert row["changes"]["name"] == {"from": None, "to": "Render farm"}
    assert row["user_id"].startswith("usr_")


def test_mistakes_are_shown_beside_their_fields_and_nothing_typed_is_lost(ada: Visitor, services: Services) -> None:
    page = create(ada, 422, allowed_cidrs="10.0.0.0/8\nnowhere", read_per_minute="many", description="Nightly")
    assert "Give a whole number" in page.text
    page = create(ada, 422, allowed_cidrs="10.0.0.0/8\nnowhere", expires_at="2020-01-01", description="Nightly")
    assert "'nowhere' is not an address" in page.text
    assert "must lie in the future" in page.text
    assert page.form(LIST)["allowed_cidrs"].split() == ["10.0.0.0/8", "nowhere"]
    assert page.form(LIST)["description"] == "Nightly"
    with services.database.reading() as session:
        assert session.execute(select(api_keys)).first() is None


def test_every_bad_address_is_named(ada: Visitor) -> None:
    page = create(ada, 422, allowed_cidrs="nowhere\n10.0.0.0/8\n10.1.2.3/8\n1.2.3.4/40")
    for bad in ("'nowhere' is not", "'10.1.2.3/8' has bits", "'1.2.3.4/40' is not"):
        assert bad in page.text
    assert "more." not in page.text
    assert "And 2 more." in create(ada, 422, allowed_cidrs=" ".join("abcdefg")).text


@pytest.mark.parametrize("number", ["1_000", "１００", "1e3", "0x10", "", "1.5", "9" * 30])
def test_a_number_is_plain_digits(ada: Visitor, number: str) -> None:
    assert "Give a whole number" in create(ada, 422, read_per_minute=number).text


def test_a_project_key_needs_a_project(ada: Visitor, services: Services) -> None:
    with services.database.transaction() as session:
        project_id = make_project(session, services.clock())
    assert "at least one project" in create(ada, 422, scope="project").text
    assert create(ada, scope="project", project_ids=[project_id]).heading == "Key created"
    page = ada.get(f"{LIST}/{stored(services)['id']}")
    assert "Northlight" in page.links()


def test_the_last_day_counts_in_full(ada: Visitor, services: Services) -> None:
    create(ada, expires_at="2099-12-31")
    assert str(stored(services)["expires_at"]).startswith("2099-12-31 23:59:59")


def test_that_a_key_never_ends_is_chosen(ada: Visitor, services: Services) -> None:
    assert "or choose that it never ends" in create(ada, 422, expires_at="").text
    create(ada, expiry="never")
    assert stored(services)["expires_at"] is None


def test_revoking_asks_first_and_names_the_key(ada: Visitor, services: Services) -> None:
    with services.database.transaction() as session:
        key_id, token = make_key(session, services, "Lyon & Sons")
    page = ada.get(f"{LIST}/{key_id}")
    question = ada.get(page.links()["Revoke"])
    assert question.heading == "Revoke “Lyon & Sons”?"
    assert "cannot be brought back" in question.text
    done = ada.submit(question, f"{LIST}/{key_id}/revoke", reason="The farm is sold.")
    assert "is revoked" in done.text
    assert "“The farm is sold.”" in done.text
    assert "Revoke" not in done.links()
    with services.database.reading() as session:
        assert find_credential(session, token).revoked
    assert "revoked already" in ada.submit(question, f"{LIST}/{key_id}/revoke").text


def test_a_key_that_is_not_there_is_missing(ada: Visitor) -> None:
    ada.get(f"{LIST}/key_nothing", 404)
    ada.get(f"{LIST}/key_nothing/revoke", 404)


def test_the_page_of_a_key_shows_its_calls(ada: Visitor, services: Services) -> None:
    with services.database.transaction() as session:
        key_id, _ = make_key(session, services)
        make_call(session, key_id, services.clock(), 503)
    page = ada.get(f"{LIST}/{key_id}")
    assert "503" in page.text
    assert "/projects" in page.text


def test_the_list_is_filtered_and_a_fragment_for_htmx(ada: Visitor, services: Services) -> None:
    with services.database.transaction() as session:
        make_key(session, services, "Render farm")
        make_key(session, services, "Kitsu", role="viewer", scope="read_only")
    page = ada.get(f"{LIST}?q=Kit&role=viewer", headers=HTMX)
    assert page.response.text.startswith('<div id="list"')
    assert [*page.links()] == ["Kitsu"]
    assert "HX-Request" in page.response.headers["Vary"]
    whole = ada.get(f"{LIST}?q=Kit", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert whole.heading == "API keys"
    assert "No key matches" in ada.get(f"{LIST}?q=zzz").text


def test_a_stale_address_shows_the_list(ada: Visitor) -> None:
    assert ada.get(f"{LIST}?cursor=nonsense&role=x").heading == "API keys"


def test_long_lists_have_pages(ada: Visitor, services: Services) -> None:
    with services.database.transaction() as session:
        for number in range(53):
            make_key(session, services, f"Key {number:02}")
    first = ada.get(LIST)
    second = ada.get(first.links()["Next"])
    assert "Key 49" in first.links()
    assert "Key 50" in second.links()
    assert second.links()["First page"] == LIST


def test_the_count_of_statements_does_not_grow(ada: Visitor, services: Services) -> None:
    counts = []
    for number in range(2):
        with services.database.transaction() as session:
            for each in range(1 + 19 * number):
                make_key(session, services, f"Key {number} {each}")
        with recorded(services.database) as seen:
            ada.get(LIST)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 4


def test_it_tells_what_was_done_over_the_api(ada: Visitor, services: Services) -> None:
    """Its creation and a report of its leak, whose paths do not name it, and a change; nothing of other keys."""
    with services.database.transaction() as session:
        key_id, _ = make_key(session, services)
    now = services.clock()
    calls = (("POST", "", 201, key_id), ("PATCH", "/{key_id}", 200, key_id), ("POST", "", 201, "key_other"))
    with services.database.transaction() as session:
        for method, rest, status, about in calls:
            told = {"id": about, "role": {"from": "viewer", "to": "admin"}}
            _write_call(session, now, method, f"/api/v1/api-keys{rest}", status, told)
        _write_call(session, now, "POST", "/api/v1/leaked-keys", 202, {"id": key_id, "ended": "key"})
    page = ada.get(f"{LIST}/{key_id}")
    shown = [row.all("code")[0].text for row in page.tree.all("tr") if row.all("code")]
    for call in ("POST /api-keys", "PATCH /api-keys/{key_id}", "POST /leaked-keys"):
        assert shown.count(call) == 1
    assert "role viewer → admin" in page.text
    assert changes_of(services, "audit.read") == [{"query": {"key_id": key_id}}]


def _write_call(session: Session, at: datetime, method: str, route: str, status: int, changes: dict[str, Any]) -> None:
    entry = AuditEntry(at=at, source="api", method=method, route=route, path=route, status_code=status, changes=changes)
    write_entry(session, entry)
