"""Webhooks: list, register, look at."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from standardwebhooks import WebhookVerificationError

from domain.access import SYSTEM
from domain.audit.models import api_audit_log
from domain.events.catalogue import TYPES
from domain.events.commands import Context, Happening, record_events
from domain.events.examples import example_data
from domain.ports import Services
from domain.webhooks.addresses import ForbiddenAddress, check_url
from domain.webhooks.models import webhooks
from domain.webhooks.queries import signing_secrets
from domain.webhooks.signing import signed_headers
from portal.context import EXTENSION
from portal.webhooks.snippet import python_receiver
from tests.factories import make_event, make_project, make_webhook
from tests.portal.conftest import SignIn
from tests.portal.sending import answer_next
from tests.support.clock import NOON
from tests.support.page import Page, Visitor
from tests.support.queries import recorded

LIST, NEW = "/portal/webhooks", "/portal/webhooks/new"
URL = "https://tools.example.com/callsheet"
HTMX = {"HX-Request": "true"}


def create(visitor: Visitor, status: int = 200, **values: Any) -> Page:
    asked = {"url": URL, "event_types": ["asset.approved"], **values}
    return visitor.submit(visitor.get(NEW), LIST, status, **asked)


def stored(services: Services) -> dict[str, Any]:
    with services.database.reading() as session:
        return dict(session.execute(select(webhooks)).mappings().one())


def test_an_empty_list_offers_the_first_webhook(ada: Visitor) -> None:
    page = ada.get(LIST)
    assert "No webhooks yet" in page.text
    assert page.links()["Add webhook"] == NEW


def test_the_form_offers_every_event_type_and_family(ada: Visitor) -> None:
    offered = {
        box.attributes["value"] for box in ada.get(NEW).tree.all("input") if box.attributes["name"] == "event_types"
    }
    assert offered == {"*", *TYPES, *(f"{name.partition('.')[0]}.*" for name in TYPES)}


def test_it_registers_a_webhook_and_shows_its_secret_once(ada: Visitor, services: Services) -> None:
    page = create(ada, event_types=["asset.*", "job.completed"], description="ShotGrid status sync")
    assert page.heading == "Webhook added"
    secret = page.tree.all("code")[0].text
    row = stored(services)
    with services.database.reading() as session:
        found = signing_secrets(session, services.keyring, [row["id"]], services.clock())
    assert found == {row["id"]: [secret]}
    assert (row["event_types"], row["all_projects"], row["enabled"]) == (["asset.*", "job.completed"], True, True)
    assert secret not in ada.get(page.response.request.path, 303).response.text
    assert secret not in ada.get(f"{LIST}/{row['id']}").response.text


def test_the_page_of_the_secret_has_the_test_button_and_the_way_to_check_a_signature(ada: Visitor) -> None:
    page = create(ada)
    assert "standardwebhooks" in page.text
    assert any(node.text == "Send test" for node in page.tree.all("button"))


def test_registering_is_audited_without_the_secret(ada: Visitor, services: Services) -> None:
    secret = create(ada).tree.all("code")[0].text
    chosen = select(api_audit_log).where(api_audit_log.c.action == "webhook.create")
    with services.database.reading() as session:
        row = session.execute(chosen).mappings().one()
    assert row["changes"]["url"] == {"from": None, "to": URL}
    assert row["user_id"].startswith("usr_")
    assert secret not in str(dict(row))


def test_mistakes_are_shown_beside_their_fields_and_nothing_typed_is_lost(
    app: Flask, ada: Visitor, services: Services
) -> None:
    def refuse(url: str) -> None:
        check_url(url)
        raise ForbiddenAddress("10.0.0.7 is not a public address.")

    app.extensions[EXTENSION] = replace(services, check_target=refuse)
    page = create(ada, 422, event_types=[], description="Kitsu")
    assert "10.0.0.7 is not a public address." in page.text
    assert "Name at least one event type" in page.text
    assert "2 fields need another look" in page.text
    assert (page.form(LIST)["url"], page.form(LIST)["description"]) == (URL, "Kitsu")
    marked = [node for node in page.tree.all("input", "fieldset") if "aria-invalid" in node.attributes]
    assert [node.attributes.get("name", node.tag) for node in marked] == ["url", "fieldset"]
    with services.database.reading() as session:
        assert session.execute(select(webhooks)).first() is None


def check_target(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("url", ["ftp://tools.example.com/", "https://user:pass@tools.example.com/", "", "not a URL"])
def test_a_url_that_cannot_be_used_is_refused(app: Flask, ada: Visitor, services: Services, url: str) -> None:
    app.extensions[EXTENSION] = replace(services, check_target=check_target)
    page = create(ada, 422, url=url)
    (mistake,) = [node for node in page.tree.all("p") if node.attributes.get("id") == "url-error"]
    assert "URL" in mistake.text
    assert page.form(LIST)["event_types"] == "asset.approved"


def test_an_event_type_that_does_not_exist_is_refused(ada: Visitor) -> None:
    assert (
        "There is no event type 'asset.eaten'" in create(ada, 422, event_types=["asset.approved", "asset.eaten"]).text
    )


def test_chosen_projects_need_a_project(ada: Visitor, services: Services) -> None:
    project = make_project(services.database, name="Northlight")
    assert "at least one project" in create(ada, 422, reach="chosen").text
    create(ada, reach="chosen", project_ids=[project["id"]])
    assert "Northlight" in ada.get(f"{LIST}/{stored(services)['id']}").links()


def test_projects_that_were_ticked_and_then_not_asked_for_do_not_count(ada: Visitor, services: Services) -> None:
    project = make_project(services.database)
    create(ada, reach="all", project_ids=[project["id"]])
    assert stored(services)["all_projects"]


def test_an_unticked_box_registers_it_disabled(ada: Visitor, services: Services) -> None:
    page = ada.get(NEW)
    values = {**page.form(LIST), "url": URL, "event_types": ["*"]}
    del values["enabled"]
    assert "This webhook is disabled" in ada.post(LIST, values).text
    assert not stored(services)["enabled"]


def test_the_code_beside_the_secret_accepts_our_signature_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, body = "whsec_" + "QUJD" * 11, b'{"type": "asset.approved", "data": {"id": "chr_1"}}'
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(python_receiver("https://tools.example.com/hooks/in?tenant=a"), names)
    client = names["app"].test_client()
    headers = signed_headers([secret], "evt_1", int(time.time()), body)
    assert client.post("/hooks/in", data=body, headers=headers).status_code == 204
    client.application.testing = True
    with pytest.raises(WebhookVerificationError):
        client.post("/hooks/in", data=body + b" ", headers=headers)


def test_the_list_tells_how_each_one_stands(ada: Visitor, services: Services) -> None:
    webhook = make_webhook(services.database, ["asset.*"], keyring=services.keyring, description="ftrack")
    with services.database.transaction() as session:
        happening = Happening("asset.approved", None, *example_data("asset.approved"))
        record_events(session, Context(SYSTEM, services.clock()), [happening])
    answer_next(services, "failed", status_code=500, message="The receiver answered 500.")
    page = ada.get(LIST)
    cells = [cell.text for cell in page.tree.all("td")]
    assert cells[1:6] == ["healthy", "asset.*", "0", "0", "1"]
    assert "failed · 500" in cells[6]
    assert webhook.id in page.tree.all("td")[0].all("a")[0].attributes["href"]


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ({"enabled": False, "disabled_reason": "gone"}, "it wants no more events"),
        ({"enabled": False, "disabled_reason": "exhausted", "failing_since": NOON}, "edit the webhook to turn it on"),
        ({"failing_since": NOON}, "nothing has arrived since"),
        ({"failing_since": NOON, "breaker": "open", "paused_until": NOON}, "everything for it waits. Next try:"),
        ({"failing_since": NOON, "paused_until": NOON}, "asked for a pause. Next try:"),
    ],
)
def test_its_page_says_why_nothing_arrives(
    ada: Visitor, services: Services, standing: dict[str, Any], said: str
) -> None:
    made = make_webhook(services.database)
    with services.database.transaction() as session:
        session.execute(update(webhooks).values(**standing))
    assert said in ada.get(f"{LIST}/{made.id}").text


def test_the_list_is_searched_by_url(ada: Visitor, services: Services) -> None:
    for name in ("shotgrid", "kitsu"):
        make_webhook(services.database, url=f"https://{name}.example.com/in")
    page = ada.get(f"{LIST}?q=kitsu", headers=HTMX)
    assert [*page.links()] == ["https://kitsu.example.com/in"]
    assert "No webhook matches" in ada.get(f"{LIST}?q=zzz").text


def test_the_count_of_statements_does_not_grow(ada: Visitor, services: Services) -> None:
    counts = []
    for number in (1, 19):
        for _ in range(number):
            make_webhook(services.database)
        make_event(services.database, "asset.approved")
        with recorded(services.database) as seen:
            ada.get(LIST)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 5


def test_a_webhook_that_is_not_there_is_missing(ada: Visitor) -> None:
    ada.get(f"{LIST}/whk_nothing", 404)
    ada.get(f"{LIST}/deliveries/dlv_nothing", 404)


@pytest.mark.parametrize("path", [LIST, NEW, f"{LIST}/whk_1", f"{LIST}/deliveries/dlv_1", "/portal/audit"])
def test_only_admins_may_look(sign_in: SignIn, path: str) -> None:
    page = sign_in("viewer").get(path, 403)
    assert page.heading == "You cannot open this"
