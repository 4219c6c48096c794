"""Changing, rotating and deleting webhooks; these pages hang on the slice's blueprint."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from domain.db import Row
from domain.deliveries.queries import activity_of
from domain.errors import Conflict, Invalid
from domain.webhooks.commands import ask_beforehand, change_webhook, delete_webhook
from domain.webhooks.queries import load_webhook, projects_of
from domain.webhooks.rotation import rotate_secret
from domain.webhooks.rules import GRACE

from .. import reveal
from ..context import actor, note, services
from ..formatting import plain
from ..forms import Form, read_form
from ..htmx import render
from .forms import GRACES, SEVERAL, RotationForm, WebhookForm, values_of
from .views import DAY, blueprint, form_page, new_context

__all__ = ["blueprint"]

# What is asked before each action: the question, the button, and the button's kind.
ASKS = {
    "rotate": ("Rotate what signs for “{}”?", "Rotate", "primary"),
    "delete": ("Delete “{}”?", "Delete webhook", "danger solid"),
}


@blueprint.get("/<webhook_id>/edit")
def edit(webhook_id: str) -> Response:
    """The form of a webhook as it is."""
    with services().database.reading() as reading:
        webhook = load_webhook(reading, actor(), webhook_id)
        chosen = projects_of(reading, [webhook_id]).get(webhook_id, [])
    return form_page(Form(values_of(webhook, chosen)), webhook=webhook)


@blueprint.post("/<webhook_id>/edit")
def change(webhook_id: str) -> Response:
    """Change the webhook, and show the secret where another signature made one."""
    form, webhook = read_form(WebhookForm(), SEVERAL), _load(webhook_id)
    if form.errors:
        return form_page(form, 422, webhook)
    verdict = ask_beforehand(services().check_target, form.data["url"])
    try:
        with services().database.transaction() as writing:
            changed = change_webhook(writing, new_context(), services().keyring, webhook_id, form.data, verdict)
            if changed.fields:
                note(writing, "webhook.change", {"id": webhook_id, "url": webhook["url"], **changed.fields})
    except (Invalid, Conflict) as error:
        form.refuse(error)
        return form_page(form, 422, webhook)
    flash("Saved. It holds for what is sent from now on." if changed.fields else "Nothing was changed.", "ok")
    return _reveal(webhook_id, changed.secret)


@blueprint.get("/<webhook_id>/<any(rotate, delete):action>")
def ask(webhook_id: str, action: str) -> Response:
    """The question before an action, with what comes of it."""
    webhook = _load(webhook_id)
    with services().database.reading() as reading:
        activity = activity_of(reading, [webhook_id], services().clock() - DAY)[webhook_id]
    shown: dict[str, Any] = {"asks": ASKS, "graces": GRACES, "grace": GRACE, "activity": activity}
    return render("portal/webhooks/ask.html", webhook=webhook, action=action, **shown)


@blueprint.post("/<webhook_id>/rotate")
def rotate(webhook_id: str) -> Response:
    """Make what signs from now on, and show it where it is a secret."""
    form = read_form(RotationForm())
    if form.errors:
        flash(form.errors["grace_seconds"], "warn")
        return _to(webhook_id)
    grace = form.data["grace_seconds"]
    try:
        with services().database.transaction() as writing:
            secret = rotate_secret(writing, new_context(), services().keyring, webhook_id, grace)
            note(writing, "webhook.rotate", {"id": webhook_id, "grace_seconds": grace})
    except (Invalid, Conflict) as error:
        flash(plain(str(error)), "warn")
        return _to(webhook_id)
    flash("Rotated. The old one signs beside the new one until the time is over." if grace else "Rotated.", "ok")
    return _reveal(webhook_id, secret)


@blueprint.post("/<webhook_id>/delete")
def delete(webhook_id: str) -> Response:
    """Delete the webhook with all that it was sent."""
    with services().database.transaction() as writing:
        webhook = load_webhook(writing, actor(), webhook_id, for_update=True)
        was = delete_webhook(writing, new_context(), webhook_id)
        note(writing, "webhook.delete", {"id": webhook_id, **was})
    flash(f"The webhook of {webhook['url']} is deleted.", "ok")
    return redirect(url_for("portal.webhooks.list_webhooks"), 303)


def _load(webhook_id: str) -> Row:
    with services().database.reading() as reading:
        return load_webhook(reading, actor(), webhook_id)


def _reveal(webhook_id: str, secret: str | None) -> Response:
    """To the page that shows the secret; a private key is shown to nobody."""
    if secret is None:
        return _to(webhook_id)
    reveal.keep(webhook_id, secret)
    return redirect(url_for("portal.webhooks.show_created", webhook_id=webhook_id), 303)


def _to(webhook_id: str) -> Response:
    return redirect(url_for("portal.webhooks.show", webhook_id=webhook_id), 303)
