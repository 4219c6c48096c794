"""Webhooks: editing, rotating and deleting them, and their terms as text."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from sqlalchemy import select

from domain.audit.models import api_audit_log
from domain.db import Row
from domain.ports import Services
from domain.webhooks.models import webhooks
from domain.webhooks.queries import request_headers, signing_secrets
from domain.webhooks.signing import new_private_key, public_key, signed_headers
from portal.webhooks.snippet import python_key_receiver
from portal.webhooks.terms import read_conditions, read_headers, write_conditions
from tests.factories import Webhook, make_event, make_project, make_webhook
from tests.portal.conftest import SignIn
from tests.support.page import Page, Visitor

LIST = "/portal/webhooks"
URL = "https://tools.example.com/callsheet"


def make(services: Services, **fields: Any) -> Webhook:
    return make_webhook(services.database, keyring=services.keyring, **{"url": URL, **fields})


def stored(services: Services) -> dict[str, Any]:
    with services.database.reading() as session:
        return dict(session.execute(select(webhooks)).mappings().one())


def audited(services: Services, action: str) -> Row:
    chosen = select(api_audit_log).where(api_audit_log.c.action == action)
    with services.database.reading() as session:
        return dict(session.execute(chosen).mappings().one())


def save(visitor: Visitor, hook: Webhook, status: int = 200, **values: Any) -> Page:
    """Save the form as it is but for these values."""
    path = f"{LIST}/{hook.id}/edit"
    form = visitor.get(path)
    ticked = {name: form_values(form, name) for name in ("event_types", "project_ids")}
    return visitor.post(path, {**form.form(path), **ticked, **values}, status)


def form_values(page: Page, name: str) -> list[str]:
    boxes = [box for box in page.tree.all("input") if box.attributes.get("name") == name]
    return [box.attributes["value"] for box in boxes if "checked" in box.attributes]


def test_the_form_shows_what_there_is_and_changes_it(ada: Visitor, services: Services) -> None:
    project = make_project(services.database)
    hook = make(
        services, event_types=["asset.*", "job.failed"], project_ids=[project["id"]], filter={"data.status": "approved"}
    )
    assert save(ada, hook).text.count("Nothing was changed.") == 1
    page = save(
        ada, hook, description="Farm", filter="data.position[gte] = 10\ndata.status[in] = approved, rejected",
        ordering="entity", timeout_seconds="5", max_concurrency="3", rate_per_minute="600",
    )  # fmt: skip
    row = stored(services)
    assert row["filter"] == {"data.position[gte]": 10, "data.status[in]": ["approved", "rejected"]}
    assert [row[name] for name in ("ordering", "timeout_seconds", "max_concurrency", "rate_per_minute")] == [
        "entity", 5, 3, 600,
    ]  # fmt: skip
    assert row["event_types"] == ["asset.*", "job.failed"]
    assert "data.position[gte] = 10" in page.text
    assert audited(services, "webhook.change")["changes"]["timeout_seconds"] == {"from": 20, "to": 5}
    save(ada, hook, filter="", max_concurrency="")
    assert (stored(services)["filter"], stored(services)["max_concurrency"]) == (None, None)


def test_headers_and_authentication_are_kept_until_they_are_replaced(ada: Visitor, services: Services) -> None:
    hook = make(services, headers={"X-Farm": "a-secret-value"}, auth={"type": "bearer", "token": "a-secret-token"})
    form = ada.get(f"{LIST}/{hook.id}/edit")
    assert "X-Farm" in form.text
    assert "a-secret" not in form.response.text
    save(ada, hook, description="Other")
    opened = request_headers(services.keyring, stored(services))
    assert opened == {"X-Farm": "a-secret-value", "Authorization": "Bearer a-secret-token"}
    page = save(
        ada,
        hook,
        own_headers="replace",
        headers="X-Other: another-value",
        auth="basic",
        username="farm",
        password="pw-9",
    )
    opened = request_headers(services.keyring, stored(services))
    assert opened["X-Other"] == "another-value"
    assert opened["Authorization"].startswith("Basic ")
    assert "X-Other" in page.text
    assert "user name and password" in page.text
    save(ada, hook, own_headers="replace", headers="", auth="none")
    assert stored(services)["sealed_headers"] is None
    with services.database.reading() as session:
        trail = repr(session.execute(select(api_audit_log)).all())
    assert not [secret for secret in ("a-secret", "another-value", "pw-9") if secret in trail]


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"filter": "data.a = 1\nstatus = 2"}, "filter", "Line 2: Begin the path"),
        ({"filter": "data.a"}, "filter", "Line 1: Write a path, an equals sign"),
        ({"filter": "data.a = 1\ndata.a = 2"}, "filter", "Line 2: This condition is there already"),
        ({"headers": "X-A: 1\nHost: b"}, "headers", "Line 2: Callsheet or the connection sets"),
        ({"headers": "X-A"}, "headers", "Line 1: Write a name, a colon"),
        ({"timeout_seconds": "21"}, "timeout_seconds", "from 1 to 20"),
        ({"timeout_seconds": "x"}, "timeout_seconds", "Give a whole number, such as 20."),
        ({"max_concurrency": "0"}, "max_concurrency", "from 1 to 500"),
        ({"auth": "bearer"}, "auth", "needs a token"),
        ({"event_types": []}, "event_types", "Name at least one"),
    ],
)
def test_a_mistake_is_shown_beside_its_field(
    ada: Visitor, services: Services, values: dict[str, Any], field: str, words: str
) -> None:
    page = save(ada, make(services), 422, **values)
    (mistake,) = [node for node in page.tree.all("p") if node.attributes.get("id") == f"{field}-error"]
    assert words in mistake.text
    assert stored(services)["version"] == 1


def test_what_was_typed_as_a_secret_is_not_shown_again(ada: Visitor, services: Services) -> None:
    typed = {"auth": "bearer", "token": "typed-once", "headers": "X-A: typed-once", "timeout_seconds": "0"}
    page = save(ada, make(services), 422, **typed)
    assert "typed-once" not in page.response.text


def test_another_signature_leads_to_its_public_key(ada: Visitor, services: Services) -> None:
    hook = make(services)
    page = save(ada, hook, signature="v1a")
    assert "whpk_" in page.text
    assert f"/.well-known/webhook-keys/{hook.id}" in page.links()
    assert "Old secret" in page.text
    assert "whsk_" not in page.response.text
    assert save(ada, hook, signature="v1").heading == "A new secret"


def test_a_webhook_is_registered_with_a_private_key(ada: Visitor, services: Services) -> None:
    form = ada.get(f"{LIST}/new")
    page = ada.submit(form, LIST, url=URL, event_types=["*"], signature="v1a", filter="data.status = approved")
    assert "with its public key" in page.text
    assert stored(services)["filter"] == {"data.status": "approved"}


def test_rotating_shows_the_new_secret_once(ada: Visitor, services: Services) -> None:
    hook = make(services)
    path = f"{LIST}/{hook.id}/rotate"
    page = ada.submit(ada.get(path), path, grace_seconds="3600")
    assert page.heading == "A new secret"
    secret = page.tree.all("code")[0].text
    with services.database.reading() as session:
        found = signing_secrets(session, services.keyring, [hook.id], services.clock())[hook.id]
    assert found == [secret, hook.secret]
    shown = ada.get(f"{LIST}/{hook.id}")
    assert "Old secret" in shown.text
    assert secret not in shown.response.text
    row = audited(services, "webhook.rotate")
    assert row["changes"] == {"id": hook.id, "grace_seconds": 3600}


def test_deleting_names_what_is_lost(ada: Visitor, services: Services) -> None:
    hook, path = make(services), f"{LIST}/{{}}/delete"
    make_event(services.database, "asset.approved")
    page = ada.get(path.format(hook.id))
    assert URL in page.heading
    assert "1 delivery waits to be sent; it is lost." in page.text
    done = ada.submit(page, path.format(hook.id))
    assert "is deleted" in done.text
    assert "No webhooks yet" in done.text
    told = audited(services, "webhook.delete")["changes"]
    assert (told["id"], told["url"]) == (hook.id, {"from": URL, "to": None})
    assert told["event_types"]["to"] is None
    ada.get(f"{LIST}/{hook.id}", 404)


@pytest.mark.parametrize("action", ["edit", "rotate", "delete"])
def test_only_admins_may(sign_in: SignIn, services: Services, action: str) -> None:
    hook = make(services)
    assert sign_in("viewer").get(f"{LIST}/{hook.id}/{action}", 403).heading == "You cannot open this"


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
VALUES = TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)


@given(value=VALUES, listed=st.lists(VALUES, min_size=1, max_size=4))
def test_a_filter_is_read_as_it_was_written(value: Any, listed: list[Any]) -> None:
    wanted = {"data.a": value, "data.metadata.a b[in]": listed, "changes.c.to[isnull]": True}
    read = read_conditions(write_conditions(wanted))
    assert json.dumps(read) == json.dumps(wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        (" \n\n", None),
        ("data.a = approved", {"data.a": "approved"}),
        ("data.a=x = y", {"data.a": "x = y"}),
        ('data.a = "10"', {"data.a": "10"}),
        ("data.a = 10\ndata.b = 1e3\ndata.c = true", {"data.a": 10, "data.b": 1000.0, "data.c": True}),
        ("data.a = NaN", {"data.a": "NaN"}),
        ("data.a[in] = 1, two ,true", {"data.a[in]": [1, "two", True]}),
        ('data.a[in] = ["a, b"]', {"data.a[in]": ["a, b"]}),
    ],
)
def test_conditions_are_lines(text: str, wanted: dict[str, Any] | None) -> None:
    assert read_conditions(text) == wanted


@pytest.mark.parametrize("text", ["data.a = 1e999", f"data.a = {2**70}", "data.a = null", "data.a[in] = null"])
def test_a_value_that_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"Line 1: "):
        read_conditions(text)


def test_headers_are_lines() -> None:
    assert read_headers("X-A: a: b\n\n X-B :c ") == {"X-A": "a: b", "X-B": "c"}
    with pytest.raises(ValidationError, match="already"):
        read_headers("X-A: a\nx-a: b")


def test_the_code_of_a_receiver_with_a_public_key_accepts_our_signature_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, other, body = new_private_key(), new_private_key(), b'{"type": "asset.approved", "data": {"id": "chr_1"}}'
    monkeypatch.setenv("WEBHOOK_PUBLIC_KEY", public_key(key))
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(python_key_receiver("https://tools.example.com/hooks/in?tenant=a"), names)
    client, now = names["app"].test_client(), int(time.time())
    good = signed_headers([other, key], "evt_1", now, body)
    assert client.post("/hooks/in", data=body, headers=good, content_type="application/json").status_code == 204
    for headers, sent in (
        (good, body + b" "),
        ({**good, "webhook-id": "evt_2"}, body),
        (signed_headers([other], "evt_1", now, body), body),
        (signed_headers([key], "evt_1", now - 301, body), body),
        ({**good, "webhook-signature": "v1a,x v1a v1,AAAA"}, body),
        ({}, body),
    ):
        assert client.post("/hooks/in", data=sent, headers=headers).status_code == 401
