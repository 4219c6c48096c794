"""Replays in the portal: counted, started, followed, cancelled; and one delivery sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping, insert, select, update

from domain.access import SYSTEM
from domain.audit.models import api_audit_log
from domain.deliveries.models import webhook_attempts, webhook_deliveries
from domain.events.commands import Context, Happening, record_events
from domain.events.examples import example_data
from domain.ports import Services
from domain.replays.commands import Terms
from domain.replays.models import webhook_replays
from domain.replays.steps import step_replay
from domain.webhooks.models import webhooks
from tests.factories import make_webhook
from tests.support.page import Visitor

HTMX = {"HX-Request": "true"}


@pytest.fixture
def hook(services: Services) -> str:
    """A webhook with three deliveries that failed an hour ago."""
    webhook_id = make_webhook(services.database, keyring=services.keyring).id
    happening = Happening("asset.approved", None, *example_data("asset.approved"))
    with services.database.transaction() as session:
        context = Context(SYSTEM, services.clock() - timedelta(hours=1))
        record_events(session, context, [happening] * 3)
        session.execute(update(webhook_deliveries).values(status="failed", finished_at=context.now))
    return webhook_id


def form_of(hook: str) -> str:
    return f"/portal/webhooks/{hook}/replay"


def replay(services: Services) -> RowMapping:
    with services.database.reading() as session:
        return session.execute(select(webhook_replays)).mappings().one()


def step(services: Services) -> None:
    now = services.clock() + timedelta(minutes=1)
    with services.database.transaction() as session:
        step_replay(session, replay(services)["id"], now, Terms(6000, 30))


def audited(services: Services, action: str) -> dict[str, Any]:
    with services.database.reading() as session:
        chosen = select(api_audit_log.c.changes).where(api_audit_log.c.action == action)
        return dict(session.execute(chosen).scalar_one())


def test_it_works(ada: Visitor, services: Services, hook: str) -> None:
    page = ada.get(f"/portal/webhooks/{hook}")
    assert page.links()["Replay events"] == form_of(hook)
    form = ada.get(page.links()["Replay everything failed"])
    assert "3 events" in form.text
    shown = ada.submit(form, form_of(hook))
    assert shown.heading == "Replay"
    assert "0 of 3 events queued" in shown.text
    told = audited(services, "webhook.replay")
    assert (told["id"], told["count"]["to"], told["delivery_status"]["to"]) == (replay(services)["id"], 3, "failed")
    step(services)
    shown = ada.get(shown.response.request.path)
    assert "0 delivered, 0 failed, 3 waiting, of 3 events" in shown.text
    assert ada.get(form_of(hook)).links()["What failed"] == shown.response.request.path


@pytest.mark.parametrize(("status", "count"), [("failed", "3 events"), ("missing", "No events"), ("", "3 events")])
def test_a_change_of_the_form_counts_anew(ada: Visitor, hook: str, status: str, count: str) -> None:
    form = ada.get(form_of(hook)).form(form_of(hook))
    fragment = ada.post(form_of(hook), {**form, "status": status}, headers=HTMX)
    assert count in fragment.text
    assert "<h1" not in fragment.response.text


def test_counting_without_script_starts_nothing(ada: Visitor, services: Services, hook: str) -> None:
    form = ada.get(form_of(hook)).form(form_of(hook))
    page = ada.post(form_of(hook), {**form, "preview": "1", "since": "2026-01-01T00:00", "status": ""})
    assert "3 events" in page.text
    assert page.form(form_of(hook))["since"] == "2026-01-01T00:00"
    with services.database.reading() as session:
        assert session.execute(select(webhook_replays)).first() is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"since": "soon"}, "Give a date and a time."),
        ({"since": "2999-01-01T00:00"}, "must be before"),
        ({"rate_per_minute": "0"}, "Give a rate"),
        ({"rate_per_minute": "many"}, "Give a whole number"),
        ({"event_types": "nonsense"}, "There is no event type"),
        ({"status": "nonsense"}, "must be one of"),
    ],
)
def test_it_says_what_is_wrong(ada: Visitor, hook: str, given: dict[str, str], sentence: str) -> None:
    form = ada.get(form_of(hook)).form(form_of(hook))
    assert sentence in ada.post(form_of(hook), {**form, **given}, 422).text


def test_a_second_one_waits_for_the_first(ada: Visitor, services: Services, hook: str) -> None:
    ada.submit(ada.get(form_of(hook)), form_of(hook))
    page = ada.submit(ada.get(form_of(hook)), form_of(hook), 409)
    assert replay(services)["id"] in page.text


def test_a_disabled_webhook_is_told(ada: Visitor, services: Services, hook: str) -> None:
    with services.database.transaction() as session:
        session.execute(update(webhooks).values(enabled=False))
    assert "The webhook is disabled" in ada.get(form_of(hook)).text
    assert "disabled" in ada.submit(ada.get(form_of(hook)), form_of(hook), 409).text


def test_cancelling(ada: Visitor, services: Services, hook: str) -> None:
    shown = ada.submit(ada.get(form_of(hook)), form_of(hook))
    asked = ada.get(shown.links()["Cancel replay"])
    assert asked.heading == "Cancel this replay?"
    page = ada.submit(asked, shown.links()["Cancel replay"])
    assert "Cancelled by Ada Admin." in page.text
    told = audited(services, "webhook.cancel_replay")
    assert told["status"] == {"from": "running", "to": "cancelled"}
    assert "hx-get" not in page.response.text.partition('id="progress"')[2].partition(">")[0]


def test_one_that_is_over_asks_no_more(ada: Visitor, services: Services, hook: str) -> None:
    path = ada.submit(ada.get(form_of(hook)), form_of(hook)).response.request.path
    assert "hx-get" in ada.get(path, headers=HTMX).response.text
    step(services)
    with services.database.transaction() as session:
        session.execute(update(webhook_deliveries).values(status="delivered"))
        session.execute(update(webhook_replays).values(status="completed", finished_at=services.clock()))
    fragment = ada.get(path, headers=HTMX)
    assert "hx-get" not in fragment.response.text
    assert "3 delivered" in fragment.text


def test_a_delivery_is_sent_again(ada: Visitor, services: Services, hook: str) -> None:
    with services.database.reading() as session:
        delivery_id = session.execute(select(webhook_deliveries.c.id).limit(1)).scalar_one()
    path = f"/portal/webhooks/deliveries/{delivery_id}"
    page = ada.submit(ada.get(path), f"{path}/retry")
    assert "It is sent again." in page.text
    told = audited(services, "delivery.retry")
    assert told == {"id": delivery_id, "webhook_id": hook, "status": {"from": "failed", "to": "pending"}}
    with services.database.transaction() as session:
        session.execute(update(webhook_deliveries).values(status="sending"))
    assert "Send again" not in ada.get(path).text


def test_bodies_that_are_not_kept_any_more_are_told_of(ada: Visitor, services: Services, hook: str) -> None:
    with services.database.transaction() as session:
        delivery_id = session.execute(select(webhook_deliveries.c.id).limit(1)).scalar_one()
        nothing: dict[str, Any] = {"request_headers": {}, "response_headers": {}, "status_code": 500}
        row = {"delivery_id": delivery_id, "number": 1, "started_at": services.clock(), "duration_ms": 4, **nothing}
        session.execute(insert(webhook_attempts).values(row))
    assert "no longer kept" in ada.get(f"/portal/webhooks/deliveries/{delivery_id}").text
