"""Sending a webhook what it did not get: one delivery again, or a replay, counted, started, followed, cancelled."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from flask import flash, redirect, request, url_for
from marshmallow import fields, post_load, pre_load
from werkzeug.wrappers import Response

from domain.audit.commands import differences
from domain.db import Row
from domain.deliveries.retry import retry_delivery
from domain.errors import Conflict, Invalid
from domain.events.catalogue import PATTERNS
from domain.events.commands import Context
from domain.replays import FASTEST
from domain.replays.commands import (
    Plan,
    Terms,
    Wanted,
    cancel_replay,
    plan_replay,
    start_replay,
    told_of,
)
from domain.replays.queries import REPLAYS, deliveries_by_status, load_replay, replays_of
from domain.webhooks.queries import load_webhook

from ..context import actor, note, request_id, services
from ..formatting import plain
from ..forms import Form, FormSchema, WholeNumber, read_form
from ..htmx import render, wants_fragment
from ..lists import ListPage
from .editing import blueprint

__all__ = ["blueprint"]

__all__ = ["blueprint"]  # with these views on it

WHICH = (
    ("failed", "What failed", "Events whose deliveries failed or were cancelled, and are not on their way again."),
    ("missing", "What it never got", "Because it was disabled, did not listen for it, or was not there yet."),
    ("", "Everything", "Also what has arrived: the receiver gets it again, under the same ids."),
)
PATTERN_PAIRS = tuple((pattern, pattern) for pattern in PATTERNS)


class ReplayForm(FormSchema):
    """Which events, of what time (UTC), how fast."""

    status = fields.String(load_default=None, allow_none=True)
    since = fields.AwareDateTime(
        load_default=None, allow_none=True, default_timezone=UTC, error_messages={"invalid": "Give a date and a time."}
    )
    until = fields.AwareDateTime(
        load_default=None, allow_none=True, default_timezone=UTC, error_messages={"invalid": "Give a date and a time."}
    )
    event_types = fields.List(fields.String(), load_default=None)
    rate_per_minute = WholeNumber(
        load_default=None, allow_none=True, error_messages={"invalid": f"Give a whole number from 1 to {FASTEST:,}."}
    )

    @pre_load
    def empty(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What was left empty was not asked for."""
        return {name: value or None for name, value in data.items()}

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What the command takes."""
        return {"wanted": Wanted(**data)}


@blueprint.get("/<webhook_id>/replay")
def new_replay(webhook_id: str) -> Response:
    """The form of a new replay with the count of what it would send, and those there were."""
    status = request.args.get("status", "failed")
    form = Form({"status": status, "rate_per_minute": str(services().settings.replay_per_minute)})
    form.data = {"wanted": Wanted(status=status or None)}
    return _form_page(webhook_id, form)


@blueprint.post("/<webhook_id>/replay")
def replay(webhook_id: str) -> Response:
    """Start it; or only count, where htmx asks for that or the button does."""
    form = read_form(ReplayForm(), ("event_types",))
    if wants_fragment() or "preview" in request.form:
        return _form_page(webhook_id, form)
    plan = _plan(webhook_id, form)
    if plan is None:
        return _form_page(webhook_id, form, 422)
    now = services().clock()
    try:
        with services().database.transaction() as writing:
            replay_id = start_replay(writing, Context(actor(), now, request_id()), plan)
            note(writing, "webhook.replay", told_of(replay_id, plan))
    except Conflict as error:
        form.refuse(error)
        return _form_page(webhook_id, form, 409)
    return redirect(url_for("portal.webhooks.show_replay", replay_id=replay_id), 303)


def _plan(webhook_id: str, form: Form) -> Plan | None:
    """What the form asks for, counted; None when it cannot be, and the form says why."""
    if form.errors:
        return None
    terms = Terms.of(services().settings)
    try:
        with services().database.reading() as reading:
            return plan_replay(reading, actor(), webhook_id, form.data["wanted"], terms, services().clock())
    except Invalid as error:
        form.refuse(error)
        return None


def _form_page(webhook_id: str, form: Form, status: int = 200) -> Response:
    plan = _plan(webhook_id, form) if not form.errors else None
    with services().database.reading() as reading:
        webhook = load_webhook(reading, actor(), webhook_id)
        page = ListPage(reading, REPLAYS, replays_of(webhook_id), {})
    shown: dict[str, Any] = {"form": form, "plan": plan, "which": WHICH, "patterns": PATTERN_PAIRS, "page": page}
    # A fragment is read by htmx, which shows no answer that is an error.
    return render("portal/webhooks/replay_new.html", "preview", http_status=status, webhook=webhook, **shown)


@blueprint.get("/replays/<replay_id>")
def show_replay(replay_id: str) -> Response:
    """How far it has come. The fragment asks again while something of it is to be sent."""
    with services().database.reading() as reading:
        row = load_replay(reading, actor(), replay_id)
        webhook = load_webhook(reading, actor(), row["webhook_id"])
        counts = deliveries_by_status(reading, replay_id)
    moving = row["status"] == "running" or bool(counts["pending"] + counts["sending"])
    return render(
        "portal/webhooks/replay.html", "progress", replay=row, webhook=webhook, counts=counts, moving=moving,
        which={value: label for value, label, _ in WHICH},
    )  # fmt: skip


@blueprint.get("/replays/<replay_id>/cancel")
def ask_cancel(replay_id: str) -> Response:
    """The question before it is cancelled, as a page, for browsers without script."""
    return render("portal/webhooks/replay_cancel.html", replay=_load(replay_id))


@blueprint.post("/replays/<replay_id>/cancel")
def cancel(replay_id: str) -> Response:
    """Cancel it, and go back to it; one that is over says so."""
    try:
        with services().database.transaction() as writing:
            row = cancel_replay(writing, actor(), replay_id, services().clock())
            changes = differences({"status": row["status"]}, {"status": "cancelled"})
            note(writing, "webhook.cancel_replay", {"id": replay_id, "webhook_id": row["webhook_id"], **changes})
    except Conflict as error:
        flash(plain(str(error)), "warn")
    return redirect(url_for("portal.webhooks.show_replay", replay_id=replay_id), 303)


@blueprint.post("/deliveries/<delivery_id>/retry")
def retry(delivery_id: str) -> Response:
    """Send one delivery again, and go back to it."""
    context = Context(actor(), services().clock(), request_id())
    try:
        with services().database.transaction() as writing:
            row = retry_delivery(writing, context, delivery_id)
            changes = differences({"status": row["status"]}, {"status": "pending"})
            note(writing, "delivery.retry", {"id": delivery_id, "webhook_id": row["webhook_id"], **changes})
    except Conflict as error:
        flash(plain(str(error)), "warn")
    else:
        flash("It is sent again.", "ok")
    return redirect(url_for("portal.webhooks.show_delivery", delivery_id=delivery_id), 303)


def _load(replay_id: str) -> Row:
    with services().database.reading() as reading:
        return load_replay(reading, actor(), replay_id)
