"""The test button: what htmx is shown in place, what a browser without script is led to, and the delivery's page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.audit.models import api_audit_log
from domain.deliveries.models import webhook_deliveries
from domain.ports import Services
from domain.webhooks.models import webhooks
from tests.factories import make_event, make_webhook
from tests.portal.conftest import Clock, SignIn
from tests.portal.sending import answer_next
from tests.support.page import Node, Page, Visitor
from tests.support.queries import recorded

HTMX = {"HX-Request": "true"}


@pytest.fixture
def webhook_path(services: Services) -> str:
    """The page of a webhook."""
    return f"/portal/webhooks/{make_webhook(services.database, keyring=services.keyring).id}"


def press(visitor: Visitor, path: str, status: int = 200, event_type: str = "webhook.test") -> Page:
    """Press the button as htmx does."""
    values = visitor.get(path).form(f"{path}/test")
    return visitor.post(f"{path}/test", {**values, "event_type": event_type}, status, headers=HTMX)


def outcome(page: Page) -> Node:
    """The fragment, or the part of the page that it is."""
    (found,) = [node for node in page.tree.all("div") if node.attributes.get("id") == "outcome"]
    return found


def test_htmx_is_shown_that_it_is_being_sent_and_asks_again(ada: Visitor, webhook_path: str) -> None:
    page = press(ada, webhook_path)
    assert page.response.text.startswith('<div id="outcome"')
    assert "sending…" in page.text
    fragment = outcome(page).attributes
    assert fragment["hx-trigger"].startswith("load delay:")
    assert page.response.headers["HX-Trigger"] == "deliveries-changed"
    again = ada.get(fragment["hx-get"], headers=HTMX)
    assert outcome(again).attributes["hx-get"] == fragment["hx-get"]
    assert "HX-Trigger" not in again.response.headers


def test_it_stops_asking_when_there_is_an_answer_and_shows_it(
    ada: Visitor, services: Services, webhook_path: str
) -> None:
    address = outcome(press(ada, webhook_path, event_type="asset.approved")).attributes["hx-get"]
    answer_next(services)
    page = ada.get(address, headers=HTMX)
    assert "hx-get" not in outcome(page).attributes
    assert page.response.headers["HX-Trigger"] == "deliveries-changed"
    for shown in ("delivered", "200", "48 ms", "192.0.2.7:443", "X-Receiver: one", '{"ok": true}', "accepted it"):
        assert shown in page.text


def test_it_stops_asking_at_a_failure_and_says_when_it_is_tried_again(
    ada: Visitor, services: Services, webhook_path: str
) -> None:
    address = outcome(press(ada, webhook_path)).attributes["hx-get"]
    sentence = "The receiver refused the connection: nothing listens at that address and port."
    answer_next(
        services, "pending", status_code=None, error="refused", message=sentence, response_headers={}, response_body=""
    )
    page = ada.get(address, headers=HTMX)
    assert "hx-get" not in outcome(page).attributes
    assert f"{sentence} Next attempt: in" in page.text
    assert "refused" in [badge.text for badge in page.tree.all("span")]


def test_it_stops_asking_when_no_worker_comes(ada: Visitor, clock: Clock, webhook_path: str) -> None:
    address = outcome(press(ada, webhook_path)).attributes["hx-get"]
    clock.ahead += timedelta(seconds=31)
    page = ada.get(address, headers=HTMX)
    assert "hx-get" not in outcome(page).attributes
    assert "No worker has taken it yet" in page.text


def test_without_script_the_button_leads_to_the_delivery(ada: Visitor, services: Services, webhook_path: str) -> None:
    page = ada.submit(ada.get(webhook_path), f"{webhook_path}/test", event_type="asset.approved")
    assert page.heading == "asset.approved"
    refresh = [node for node in page.tree.all("noscript") if node.all("meta")]
    assert refresh[0].all("meta")[0].attributes == {"http-equiv": "refresh", "content": "2"}
    delivery_id = answer_next(services)
    page = ada.get(page.response.request.path)
    assert not page.tree.all("noscript")
    assert page.response.request.path == f"/portal/webhooks/deliveries/{delivery_id}"


def test_a_test_is_audited(ada: Visitor, services: Services, webhook_path: str) -> None:
    press(ada, webhook_path, event_type="job.failed")
    with services.database.reading() as session:
        row = session.execute(select(api_audit_log).where(api_audit_log.c.action == "webhook.test")).mappings().one()
        delivery_id = session.execute(select(webhook_deliveries.c.id)).scalar_one()
    assert row["changes"] == {"id": webhook_path[-30:], "event_type": "job.failed", "delivery_id": delivery_id}


def test_an_event_type_that_does_not_exist_is_a_notice(ada: Visitor, webhook_path: str) -> None:
    page = press(ada, webhook_path, 422, "asset.eaten")
    assert page.response.headers["HX-Retarget"] == "#notices"
    assert "asset.eaten" in page.text


def test_a_webhook_disabled_meanwhile_is_a_notice(ada: Visitor, services: Services, webhook_path: str) -> None:
    values = ada.get(webhook_path).form(f"{webhook_path}/test")
    with services.database.transaction() as session:
        session.execute(webhooks.update().values(enabled=False))
    page = ada.post(f"{webhook_path}/test", values, 409, headers=HTMX)
    assert "This webhook is disabled" in page.text
    assert "This webhook is disabled" in ada.get(webhook_path).text


def test_what_the_receiver_answers_is_text_and_never_markup(
    ada: Visitor, services: Services, webhook_path: str
) -> None:
    address = outcome(press(ada, webhook_path)).attributes["hx-get"]
    evil = "</code></pre><script>alert(1)</script><img src=x onerror=alert(2)>"
    answer_next(
        services, response_body=evil, response_headers={"X-Evil": evil}, message=evil, error=evil, status_code=None
    )
    answers = [ada.get(address), ada.get(address, headers=HTMX), ada.get(webhook_path)]
    for page in answers:
        assert "<script>alert" not in page.response.text
        assert not page.tree.all("img")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answers[0].response.text


def test_the_delivery_shows_the_body_and_every_attempt(
    ada: Visitor, services: Services, clock: Clock, webhook_path: str
) -> None:
    address = outcome(press(ada, webhook_path, event_type="asset.approved")).attributes["hx-get"]
    answer_next(services, "pending", status_code=500, message="The receiver answered 500.", response_body="")
    clock.ahead += timedelta(minutes=6)
    answer_next(services)
    page = ada.get(address)
    numbers = [node.text for node in page.tree.all("summary")]
    assert [text[:9] for text in numbers] == ["Attempt 2", "Attempt 1"]
    assert "Mara Voss" in page.text
    assert "The receiver answered 500." in page.text
    assert "The answer had no body." in page.text
    assert page.tree.all("details")[0].attributes.get("open") == ""


def test_a_thin_webhook_shows_the_thin_body(ada: Visitor, services: Services) -> None:
    webhook = make_webhook(services.database, keyring=services.keyring, payload_version="v1-thin")
    address = outcome(press(ada, f"/portal/webhooks/{webhook.id}", event_type="asset.approved")).attributes["hx-get"]
    page = ada.get(address)
    assert "v1-thin" in page.text
    assert "Mara Voss" not in page.text


def test_deliveries_are_listed_by_status_newest_first(ada: Visitor, services: Services, webhook_path: str) -> None:
    for event_type in ("asset.approved", "asset.rejected"):
        press(ada, webhook_path, event_type=event_type)
    answer_next(services)
    page = ada.get(webhook_path)
    assert [link for link in page.links() if link.startswith("asset.")] == ["asset.rejected", "asset.approved"]
    for tab, shown in (("Delivered", ["asset.approved"]), ("Waiting", ["asset.rejected"]), ("Failed", [])):
        narrowed = ada.get(page.links()[tab], headers=HTMX)
        assert narrowed.response.text.startswith('<div id="list"')
        assert [link for link in narrowed.links() if link.startswith("asset.")] == shown


def test_long_lists_of_deliveries_have_pages(ada: Visitor, services: Services, webhook_path: str) -> None:
    for _ in range(52):
        make_event(services.database, "asset.approved")
    first = ada.get(webhook_path)
    second = ada.get(first.links()["Next"])
    assert len(first.tree.all("tr")) == 51
    assert len(second.tree.all("tr")) == 3


def test_the_count_of_statements_does_not_grow(ada: Visitor, services: Services, webhook_path: str) -> None:
    counts = []
    for number in (1, 19):
        for _ in range(number):
            make_event(services.database, "asset.approved")
            answer_next(services)
        with recorded(services.database) as seen:
            ada.get(webhook_path)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8


def test_only_admins_may_send(sign_in: SignIn, services: Services, webhook_path: str) -> None:
    viewer = sign_in("viewer")
    token = viewer.get("/portal/").tree.all("form")[0].all("input")[0].attributes["value"]
    viewer.post(f"{webhook_path}/test", {"csrf_token": token}, 403)
    with services.database.reading() as session:
        assert session.execute(select(webhook_deliveries)).first() is None


DETAILS: dict[str, Any] = {
    "dns": ["192.0.2.7", "192.0.2.8"],
    "address": "192.0.2.7:443",
    "tls": {
        "version": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "issuer": "<b>Studio</b> CA",
        "expires_at": "2099-01-01T00:00:00.000Z",
    },
    "phases": {"dns": 1.25, "connect": 10.0, "tls": 21.0, "first_byte": 1240.4, "body": 0.04},
}


def test_a_test_shows_its_connection_and_the_time_of_each_phase(
    ada: Visitor, services: Services, webhook_path: str
) -> None:
    address = outcome(press(ada, webhook_path)).attributes["hx-get"]
    answer_next(services, details=DETAILS)
    for page in (ada.get(address), ada.get(address, headers=HTMX)):
        for shown in ("192.0.2.7", "192.0.2.8", "192.0.2.7:443", "TLSv1.3", "<b>Studio</b> CA", "expires 1 Jan 2099"):
            assert shown in page.text
        for name, time in (("Name look-up", "1.2 ms"), ("TLS handshake", "21 ms"), ("In all", "1,273 ms")):
            assert f"{name} {time}" in page.text
        bars = [node for node in page.tree.all("svg") if node.attributes.get("class") == "phase-bar"]
        assert len(bars) == 6
        widths = [float(bar.all("rect")[1].attributes["width"]) for bar in bars]
        assert widths[3] > widths[2] > widths[4] >= 1


def test_a_test_that_failed_shows_how_far_it_came(ada: Visitor, services: Services, webhook_path: str) -> None:
    address = outcome(press(ada, webhook_path)).attributes["hx-get"]
    details = {"dns": ["10.0.0.7"], "address": None, "tls": None, "phases": {"dns": 0.5}}
    answer_next(services, "pending", status_code=None, error="forbidden_address", details=details, address=None)
    page = ada.get(address)
    assert "10.0.0.7" in page.text
    assert "no connection was tried" in page.text
    assert "Name look-up 0.5 ms" in page.text
    assert "In all" not in page.text


def test_a_name_without_an_address_is_not_taken_for_an_address(
    ada: Visitor, services: Services, webhook_path: str
) -> None:
    address = outcome(press(ada, webhook_path)).attributes["hx-get"]
    details: dict[str, Any] = {"dns": [], "address": None, "tls": None, "phases": {"dns": 1.4}}
    answer_next(services, "pending", status_code=None, error="name_not_found", details=details, address=None)
    assert "DNS answersnone" in ada.get(address).text


def test_an_attempt_that_was_not_traced_shows_no_connection(
    ada: Visitor, services: Services, webhook_path: str
) -> None:
    address = outcome(press(ada, webhook_path)).attributes["hx-get"]
    answer_next(services)
    assert "Connection" not in ada.get(address).text
