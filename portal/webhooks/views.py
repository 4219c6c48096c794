"""Webhooks: list, register (the secret is shown once), look at, test; and their deliveries."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from domain.access import Permission
from domain.audit.commands import made_of
from domain.db import Row, Session
from domain.deliveries.queries import DELIVERIES, activity_of, deliveries_of, latest_attempts
from domain.errors import Invalid
from domain.events.catalogue import TYPES
from domain.events.commands import Context
from domain.studio_counts import names_of, project_names
from domain.webhooks.commands import ask_beforehand, create_webhook, send_test
from domain.webhooks.models import webhooks
from domain.webhooks.queries import WEBHOOKS, load_webhook, projects_of, signing_of, status_of
from domain.webhooks.rules import NewWebhook

from .. import reveal
from ..blueprint import PortalBlueprint
from ..context import actor, note, request_id, services
from ..forms import Form, read_form
from ..htmx import render, wants_fragment
from ..lists import ListPage
from .forms import (
    AUTHS,
    DEFAULTS,
    KEEP_AUTH,
    ORDERINGS,
    OWN_HEADERS,
    PAYLOADS,
    REACHES,
    SEVERAL,
    SIGNATURES,
    WebhookForm,
    event_families,
)
from .outcome import read_outcome
from .snippet import python_key_receiver, python_receiver
from .terms import write_conditions

blueprint = PortalBlueprint("webhooks", __name__, permission=Permission.MANAGE_WEBHOOKS, url_prefix="/webhooks")

DAY = timedelta(days=1)
# What the page's deliveries listen for: a test was sent, or has been answered.
CHANGED = "deliveries-changed"
TABS = (
    ("", "All"),
    ("delivered", "Delivered"),
    ("pending,sending", "Waiting"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
)


@blueprint.get("")
def list_webhooks() -> Response:
    """Every webhook, how it stands, and what it was sent in the last day."""
    with services().database.reading() as reading:
        page = ListPage(reading, WEBHOOKS, select(webhooks), {"q": "url[contains]"})
        activity = activity_of(reading, [row["id"] for row in page.rows], services().clock() - DAY)
    rows = [{**row, "status": status_of(row), "activity": activity[row["id"]]} for row in page.rows]
    return render("portal/webhooks/list.html", "list", page=page, rows=rows)


@blueprint.get("/new")
def new_webhook() -> Response:
    """The form of a new webhook."""
    return form_page(Form(dict(DEFAULTS)))


@blueprint.post("")
def create() -> Response:
    """Register it and go to the page that shows its secret."""
    form = read_form(WebhookForm(), SEVERAL)
    if form.errors:
        return form_page(form, 422)
    wanted = NewWebhook(**form.data)
    verdict = ask_beforehand(services().check_target, wanted.url)
    try:
        with services().database.transaction() as writing:
            webhook_id, secret = create_webhook(writing, new_context(), services().keyring, wanted, verdict)
            note(writing, "webhook.create", made_of(webhook_id, asdict(wanted)))
    except Invalid as error:
        form.refuse(error)
        return form_page(form, 422)
    if secret is None:
        flash("Webhook added. Receivers check what it sends with its public key.", "ok")
        return redirect(url_for("portal.webhooks.show", webhook_id=webhook_id), 303)
    reveal.keep(webhook_id, secret)
    return redirect(url_for("portal.webhooks.show_created", webhook_id=webhook_id), 303)


@blueprint.get("/<webhook_id>/created")
def show_created(webhook_id: str) -> Response:
    """The secret, this once, with the way to check a signature and the test button."""
    secret = reveal.take(webhook_id)
    if secret is None:
        return redirect(url_for("portal.webhooks.show", webhook_id=webhook_id), 303)
    with services().database.reading() as reading:
        webhook = load_webhook(reading, actor(), webhook_id)
        signing = signing_of(reading, webhook_id, services().clock())
    shown: dict[str, Any] = {"webhook": webhook, "secret": secret, "signing": signing, **_help(webhook)}
    return render("portal/webhooks/created.html", **shown)


@blueprint.get("/<webhook_id>")
def show(webhook_id: str) -> Response:
    """One webhook: what it is, its test button and its deliveries."""
    with services().database.reading() as reading:
        webhook = load_webhook(reading, actor(), webhook_id)
        page = ListPage(reading, DELIVERIES, deliveries_of(webhook_id), {"status": "status[in]"})
        attempts = latest_attempts(reading, [row["id"] for row in page.rows])
        # A fragment is the deliveries alone.
        facts = {} if wants_fragment() else _facts(reading, webhook)
    deliveries: dict[str, Any] = {"page": page, "attempts": attempts, "tabs": TABS}
    return render("portal/webhooks/show.html", "list", webhook=webhook, **deliveries, **facts)


@blueprint.post("/<webhook_id>/test")
def test(webhook_id: str) -> Response:
    """Send an example event. htmx is shown in place what comes of it; a browser without script is led there."""
    event_type = request.form.get("event_type", "webhook.test")
    with services().database.transaction() as writing:
        delivery_id = send_test(writing, new_context(), webhook_id, event_type)
        changes = {"id": webhook_id, "event_type": event_type, "delivery_id": delivery_id}
        note(writing, "webhook.test", changes)
    if not wants_fragment():
        return redirect(url_for("portal.webhooks.show_delivery", delivery_id=delivery_id), 303)
    return _outcome_page(delivery_id)


@blueprint.get("/deliveries/<delivery_id>")
def show_delivery(delivery_id: str) -> Response:
    """One delivery: what was sent, and every attempt with its answer. The fragment asks again until there is one."""
    return _outcome_page(delivery_id)


def _outcome_page(delivery_id: str) -> Response:
    with services().database.reading() as reading:
        outcome = read_outcome(reading, actor(), delivery_id, services().clock())
    response = render("portal/webhooks/delivery.html", "outcome", outcome=outcome)
    if wants_fragment() and (request.method == "POST" or not outcome.waiting):
        response.headers["HX-Trigger"] = CHANGED
    return response


def _facts(reading: Session, webhook: Row) -> dict[str, Any]:
    limited = [] if webhook["all_projects"] else projects_of(reading, [webhook["id"]]).get(webhook["id"], [])
    names = names_of(reading, [("project", project_id) for project_id in limited])
    return {
        "status": status_of(webhook),
        "projects": [(project_id, names.get(project_id, project_id)) for project_id in limited],
        "activity": activity_of(reading, [webhook["id"]], services().clock() - DAY)[webhook["id"]],
        "payloads": {value: label for value, label, _ in PAYLOADS},
        "signing": signing_of(reading, webhook["id"], services().clock()),
        "conditions": write_conditions(webhook["filter"]).split("\n") if webhook["filter"] else [],
        **_help(webhook),
    }


def _help(webhook: Row) -> dict[str, Any]:
    """What the test button and the code beside it need."""
    make = python_receiver if webhook["signature"] == "v1" else python_key_receiver
    return {"types": list(TYPES), "snippet": make(webhook["url"])}


def new_context() -> Context:
    """What commands ask for."""
    return Context(actor(), services().clock(), request_id())


def form_page(form: Form, status: int = 200, webhook: Row | None = None) -> Response:
    """The form of a new webhook, or of one that is there."""
    with services().database.reading() as reading:
        projects = project_names(reading, actor())
    auth_type, header_names = (None, None) if webhook is None else (webhook["auth_type"], webhook["header_names"])
    choices: dict[str, Any] = {
        "families": event_families(),
        "payloads": PAYLOADS,
        "reaches": REACHES,
        "signatures": SIGNATURES,
        "orderings": ORDERINGS,
        "auths": [KEEP_AUTH, *AUTHS] if auth_type else AUTHS,
        "own_headers": OWN_HEADERS if header_names else (),
    }
    template = "portal/webhooks/new.html" if webhook is None else "portal/webhooks/edit.html"
    return render(template, http_status=status, form=form, webhook=webhook, projects=projects, **choices)
