"""What becomes of an API key: edited, rotated, suspended, resumed. Each asks first, and each is audited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from domain.api_keys.commands import note_use
from domain.api_keys.models import api_keys
from domain.api_keys.outsiders import note_outsider
from domain.api_keys.queries import find_credential, secrets_of
from domain.audit.commands import AuditEntry
from domain.audit.models import api_audit_log
from domain.ports import Services
from tests.portal.conftest import Clock, SignIn
from tests.portal.factories import make_key, make_project
from tests.support.page import Page, Visitor
from tests.support.queries import recorded

LIST = "/portal/api-keys"
PAST = {"expiry": "day", "expires_at": "2020-01-01"}


def made(services: Services, name: str = "Lyon & Sons", **values: Any) -> tuple[str, str]:
    with services.database.transaction() as session:
        return make_key(session, services, name, **values)


def stored(services: Services, key_id: str) -> dict[str, Any]:
    with services.database.reading() as session:
        return dict(session.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().one())


def noted(services: Services, action: str) -> dict[str, Any]:
    """What the audit keeps of the only action of this name."""
    with services.database.reading() as session:
        chosen = select(api_audit_log.c.changes).where(api_audit_log.c.action == f"api_key.{action}")
        found: dict[str, Any] = session.execute(chosen).scalar_one()
        return found


def edit(ada: Visitor, key_id: str, status: int = 200, **values: object) -> Page:
    path = f"{LIST}/{key_id}/edit"
    return ada.submit(ada.get(path), path, status, **values)


def test_editing_changes_the_key_and_keeps_old_and_new_values(ada: Visitor, services: Services) -> None:
    key_id, token = made(services, allowed_cidrs=["10.0.0.0/8"], tags=["farm"])
    page = edit(ada, key_id, tags="farm, lyon", read_per_minute="250", allowed_cidrs="2001:db8::/32", role="viewer")
    assert "Saved" in page.text
    assert {"farm", "lyon"} <= page.links().keys()
    with services.database.reading() as session:
        credential = find_credential(session, token)
    assert (credential.read_per_minute, credential.allowed_cidrs) == (250, ("2001:db8::/32",))
    assert noted(services, "change") == {
        "id": key_id, "name": "Lyon & Sons",
        "role": {"from": "creator", "to": "viewer"}, "read_per_minute": {"from": 100, "to": 250},
        "allowed_cidrs": {"from": ["10.0.0.0/8"], "to": ["2001:db8::/32"]},
        "tags": {"from": ["farm"], "to": ["farm", "lyon"]},
    }  # fmt: skip


def test_saving_a_form_as_it_is_changes_nothing(ada: Visitor, services: Services) -> None:
    expiry = services.clock() + timedelta(days=3)
    key_id, _ = made(services, expires_at=expiry, tags=["b", "a"], allowed_cidrs=["10.0.0.0/8", "::1"])
    before = stored(services, key_id)
    assert "Nothing was changed" in edit(ada, key_id).text
    assert stored(services, key_id) == before


def test_the_last_day_may_be_moved_or_taken_away(ada: Visitor, services: Services, clock: Clock) -> None:
    key_id, _ = made(services, expires_at=services.clock() + timedelta(hours=1))
    clock.ahead = timedelta(hours=2)
    assert "has expired" in ada.get(f"{LIST}/{key_id}").text
    assert "Nothing was changed" in edit(ada, key_id).text
    edit(ada, key_id, expires_at="2099-12-31")
    assert str(stored(services, key_id)["expires_at"]).startswith("2099-12-31 23:59:59")
    assert noted(services, "change")["expires_at"]["to"] == "2099-12-31T23:59:59.000Z"
    assert "or choose that it never ends" in edit(ada, key_id, 422, expires_at="").text
    assert stored(services, key_id)["expires_at"] is not None
    edit(ada, key_id, expiry="never")
    assert stored(services, key_id)["expires_at"] is None


def test_mistakes_are_shown_beside_their_fields(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    page = edit(ada, key_id, 422, allowed_cidrs="10.0.0.1/8", tags="x" * 51, name="New", **PAST)
    for sentence in ("write 10.0.0.0/8", "A tag is 1 to 50 characters", "must lie in the future"):
        assert sentence in page.text
    assert page.form(f"{LIST}/{key_id}/edit")["name"] == "New"
    assert page.heading == "Edit “Lyon & Sons”"
    assert stored(services, key_id)["version"] == 1


def test_what_another_admin_changed_meanwhile_is_not_undone(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    path = f"{LIST}/{key_id}/edit"
    opened = ada.get(path)
    edit(ada, key_id, read_per_minute="77")
    page = ada.submit(opened, path, 409, description="Mine")
    assert "Somebody has changed this key" in page.text
    assert page.form(path)["description"] == "Mine"
    assert (stored(services, key_id)["read_per_minute"], stored(services, key_id)["description"]) == (77, "")
    ada.submit(page, path, 409)


def test_a_key_is_moved_between_projects(ada: Visitor, services: Services) -> None:
    with services.database.transaction() as session:
        project_id = make_project(session, services.clock())
    key_id, token = made(services)
    assert "at least one project" in edit(ada, key_id, 422, scope="project").text
    edit(ada, key_id, scope="project", project_ids=[project_id])
    with services.database.reading() as session:
        assert find_credential(session, token).actor.project_ids == frozenset({project_id})


def test_rotating_shows_the_new_key_once_and_when_the_old_one_ends(ada: Visitor, services: Services) -> None:
    key_id, old = made(services)
    question = ada.get(f"{LIST}/{key_id}/rotate")
    assert question.heading == "Rotate “Lyon & Sons”?"
    page = ada.submit(question, f"{LIST}/{key_id}/rotate")
    token = page.tree.all("code")[0].text
    assert page.heading == "Key rotated"
    assert "The one before stops working in" in page.text
    with services.database.reading() as session:
        for each in (old, token):
            find_credential(session, each).check(services.keyring, each, services.clock())
    assert token not in ada.get(page.response.request.path, 303).response.text
    detail = ada.get(f"{LIST}/{key_id}")
    assert token not in detail.response.text
    assert "still used" not in detail.text
    assert noted(services, "rotate") == {
        "id": key_id, "name": "Lyon & Sons", "added": token.split("_")[1], "grace_seconds": 86400,
    }  # fmt: skip


def test_the_page_tells_who_still_uses_the_old_secret(ada: Visitor, services: Services) -> None:
    key_id, old = made(services)
    ada.submit(ada.get(f"{LIST}/{key_id}/rotate"), f"{LIST}/{key_id}/rotate", grace_seconds="3600")
    with services.database.transaction() as session:
        note_use(session, key_id, old.split("_")[1], "198.51.100.7", services.clock())
    page = ada.get(f"{LIST}/{key_id}")
    assert "The old secret is still used" in page.text
    assert "198.51.100.7" in page.text


def test_a_grace_that_cannot_be_is_refused(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    question = ada.get(f"{LIST}/{key_id}/rotate")
    for grace in ("-1", "9999999", "soon"):
        assert ada.submit(question, f"{LIST}/{key_id}/rotate", grace_seconds=grace).heading.startswith("Lyon & Sons")
    with services.database.reading() as session:
        assert len(secrets_of(session, [key_id])[key_id]) == 1


def test_suspending_and_resuming(ada: Visitor, services: Services) -> None:
    key_id, token = made(services)
    question = ada.get(f"{LIST}/{key_id}/suspend")
    assert "refused from its next request on, until it is resumed" in question.text
    page = ada.submit(question, f"{LIST}/{key_id}/suspend", reason="Who is this?")
    assert "This key is suspended" in page.text
    assert "Who is this?" in page.text
    with services.database.reading() as session:
        assert find_credential(session, token).suspended
    assert "suspended already" in ada.submit(question, f"{LIST}/{key_id}/suspend").text
    assert noted(services, "suspend")["reason"] == "Who is this?"
    question = ada.get(f"{LIST}/{key_id}/resume")
    assert "Who is this?" in question.text
    assert "is resumed" in ada.submit(question, f"{LIST}/{key_id}/resume").text
    with services.database.reading() as session:
        assert not find_credential(session, token).suspended


def test_a_revoked_key_offers_nothing(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    opened = ada.get(f"{LIST}/{key_id}/edit")
    ada.submit(ada.get(f"{LIST}/{key_id}/revoke"), f"{LIST}/{key_id}/revoke")
    page = ada.get(f"{LIST}/{key_id}")
    assert not {"Edit", "Rotate", "Suspend", "Resume", "Revoke"} & page.links().keys()
    for action, done in (("edit", "edited"), ("rotate", "rotated"), ("revoke", "revoked")):
        stale = ada.client.get(f"{LIST}/{key_id}/{action}", follow_redirects=True)
        assert f"This key is revoked: it cannot be {done}." in stale.text
    assert "nothing brings it back" in ada.submit(opened, f"{LIST}/{key_id}/edit", 422, name="Other").text


def test_the_list_is_filtered_by_status_and_tag(ada: Visitor, services: Services, clock: Clock) -> None:
    made(services, "Farm", tags=["farm"])
    made(services, "Gone", tags=["farm", "old"], expires_at=services.clock() + timedelta(minutes=1))
    assert {"Farm", "Gone"} <= ada.get(f"{LIST}?tag=farm").links().keys()
    assert "Farm" not in ada.get(f"{LIST}?tag=old").links()
    assert "No key matches" in ada.get(f"{LIST}?tag=none&status=revoked").text
    clock.ahead = timedelta(minutes=2)
    assert "Gone" not in ada.get(f"{LIST}?status=suspended").links()


def test_nobody_but_an_admin_may(sign_in: SignIn, services: Services) -> None:
    key_id, _ = made(services)
    vi = sign_in("viewer")
    for action in ("edit", "rotate", "suspend", "resume", "revoke"):
        vi.get(f"{LIST}/{key_id}/{action}", 403)


def test_an_action_that_is_not_there_is_missing(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    ada.get(f"{LIST}/{key_id}/explode", 404)
    for action in ("edit", "rotate", "suspend", "resume"):
        ada.get(f"{LIST}/key_nothing/{action}", 404)


def test_a_form_without_its_token_does_nothing(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    for action in ("edit", "rotate", "suspend", "resume", "revoke"):
        assert ada.client.post(f"{LIST}/{key_id}/{action}", data={}).status_code == 403
    assert stored(services, key_id)["version"] == 1


def test_a_page_costs_the_same_for_one_secret_and_for_five(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    edit(ada, key_id, tags="farm")  # who changed it takes a statement
    counts = []
    for _ in range(2):
        with recorded(services.database) as seen:
            ada.get(f"{LIST}/{key_id}")
        counts.append(len(seen))
        for _ in range(4):
            ada.submit(ada.get(f"{LIST}/{key_id}/rotate"), f"{LIST}/{key_id}/rotate")
    assert counts[0] == counts[1]


def test_an_allowlist_is_tried_out_before_it_is_enforced(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    assert "Would be refused" not in ada.get(f"{LIST}/{key_id}").text
    page = edit(ada, key_id, allowlist_mode="dry_run")
    assert "may be used from anywhere" in page.text
    page = edit(ada, key_id, allowed_cidrs="10.0.0.0/8")
    assert "Nobody yet" in page.text
    now = services.clock()
    with services.database.transaction() as session:
        note_outsider(session, key_id, "192.0.2.10", now, now, 1200)
    page = ada.get(f"{LIST}/{key_id}")
    assert "192.0.2.10" in page.text
    assert "1,200" in page.text
    assert "Would be refused" not in edit(ada, key_id, allowlist_mode="enforce").text


def test_its_page_tells_what_was_done_to_it_and_by_whom(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    other, _ = made(services, "Other")
    script, _ = made(services, "Script", role="admin")
    edit(ada, key_id, read_per_minute="77", tags="farm")
    edit(ada, other, read_per_minute="5")
    for path, status in ((f"/api/v1/api-keys/{key_id}/rotate", 200), (f"/api/v1/api-keys/{other}/rotate", 200),
                         (f"/api/v1/api-keys/{key_id}/rotate", 409)):  # fmt: skip
        entry = AuditEntry(services.clock(), "api", script, method="POST", path=path, status_code=status,
                           route="/api/v1/api-keys/{key_id}/rotate")  # fmt: skip
        services.audit.write(entry)
    page = ada.get(f"{LIST}/{key_id}")
    (table,) = [table for table in page.tree.all("table") if "Who" in table.text]
    rows = [row.text for row in table.all("tr")[1:]]
    assert len(rows) == 2
    assert "/api-keys/{key_id}/rotate" in rows[0]
    assert "Script" in rows[0]
    assert "read per minute 100 → 77" in rows[1]
    assert "tags none → farm" in rows[1]
    assert "Ada" in rows[1]


def test_the_trail_names_what_an_action_was_about(ada: Visitor, services: Services) -> None:
    key_id, _ = made(services)
    edit(ada, key_id, name="Farm, Lyon")
    ada.submit(ada.get(f"{LIST}/{key_id}/suspend"), f"{LIST}/{key_id}/suspend")
    text = ada.get("/portal/audit").text
    assert "api_key.change Farm, Lyon" in text
    assert "api_key.suspend Farm, Lyon" in text
