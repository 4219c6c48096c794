"""API keys: list, create (the key is shown once), look at, change."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from domain.access import Permission, Role, Scope
from domain.api_keys.commands import change_key, create_key
from domain.api_keys.models import api_keys
from domain.api_keys.outsiders import outsiders_of
from domain.api_keys.queries import (
    API_KEYS,
    load_key,
    project_ids,
    secret_status,
    secrets_of,
    status_of,
    tags_in_use,
)
from domain.api_keys.rules import ENFORCE, READ_PER_MINUTE, WRITE_PER_MINUTE, NewKey
from domain.audit.commands import made_of
from domain.audit.queries import latest_calls, latest_changes
from domain.audit.queries import names_of as callers_of
from domain.db import Row, Session
from domain.errors import Conflict, Forbidden, Invalid, Stale
from domain.studio_counts import names_of, project_names

from .. import reveal
from ..blueprint import PortalBlueprint
from ..context import actor, note, note_alone, services
from ..forms import Form, read_form
from ..htmx import render
from ..lists import ListPage
from .forms import (
    ALLOWLIST_MODES,
    DAY,
    EXPIRIES,
    GRACES,
    ROLES,
    SCOPES,
    STATUS_WORDS,
    EditForm,
    KeyForm,
    values_of,
)

blueprint = PortalBlueprint("api_keys", __name__, permission=Permission.MANAGE_KEYS, url_prefix="/api-keys")

FILTERS = {"q": "q", "status": "status", "role": "role", "scope": "scope", "tag": "tags"}
SEVERAL = ("project_ids",)
CALLS_SHOWN = 10
CHANGED_SINCE = "Somebody has changed this key since you opened the form. Open it again to see the key as it is now."
# What can be done with a key, by its status.
ACTIONS = {
    "active": ("rotate", "suspend", "revoke"),
    "suspended": ("rotate", "resume", "revoke"),
    "expired": ("revoke",),
    "revoked": (),
}
# What is asked before each action: the question, the button, and the button's kind.
ASKS = {
    "rotate": ("Rotate “{}”?", "Rotate key", "primary"),
    "suspend": ("Suspend “{}”?", "Suspend key", "danger solid"),
    "resume": ("Resume “{}”?", "Resume key", "primary"),
    "revoke": ("Revoke “{}”?", "Revoke key", "danger solid"),
}


@blueprint.get("")
def list_keys() -> Response:
    """Every key, by name."""
    now = services().clock()
    with services().database.reading() as reading:
        page = ListPage(reading, API_KEYS, select(api_keys), FILTERS)
        tags = [(tag, tag) for tag in tags_in_use(reading)]
    rows = [{**row, "status": status_of(row, now)} for row in page.rows]
    choices: dict[str, Any] = {"roles": ROLES, "scopes": SCOPES, "statuses": STATUS_WORDS, "tags": tags}
    return render("portal/api_keys/list.html", "list", page=page, rows=rows, **choices)


@blueprint.get("/new")
def new_key() -> Response:
    """The form of a new key."""
    expires = services().clock() + timedelta(days=services().settings.key_days)
    defaults = {
        "role": Role.VIEWER.value,
        "scope": Scope.READ_ONLY.value,
        "read_per_minute": READ_PER_MINUTE,
        "write_per_minute": WRITE_PER_MINUTE,
        "allowlist_mode": ENFORCE,
        "expiry": DAY,
        "expires_at": f"{expires:%Y-%m-%d}",
    }
    return _form_page(Form(defaults))


@blueprint.post("")
def create() -> Response:
    """Make the key and go to the page that shows it."""
    form = read_form(KeyForm(), SEVERAL)
    if form.errors:
        return _form_page(form, 422)
    wanted = NewKey(**form.data)
    try:
        with services().database.transaction() as writing:
            key_id, token = create_key(writing, actor(), services().keyring, wanted, services().clock())
            note(writing, "api_key.create", made_of(key_id, asdict(wanted)))
    except (Invalid, Forbidden) as error:
        form.refuse(error)
        return _form_page(form, 422)
    reveal.keep(key_id, token)
    return redirect(url_for("portal.api_keys.show_created", key_id=key_id), 303)


@blueprint.get("/<key_id>/created")
def show_created(key_id: str) -> Response:
    """The new key, this once."""
    token = reveal.take(key_id)
    if token is None:
        return redirect(url_for("portal.api_keys.show", key_id=key_id), 303)
    with services().database.reading() as reading:
        key = load_key(reading, actor(), key_id)
        secrets = _secrets(reading, key_id)
    curl = f'curl -H "Authorization: Bearer {token}" {request.host_url}api/v1/me'
    retiring = [secret for secret in secrets if secret["status"] == "retiring"]
    shown: dict[str, Any] = {"rotated": len(secrets) > 1, "retiring": retiring}
    return render("portal/api_keys/created.html", key=key, token=token, curl=curl, **shown)


@blueprint.get("/<key_id>")
def show(key_id: str) -> Response:
    """One key: its rights, its secrets and its latest calls."""
    now = services().clock()
    with services().database.reading() as reading:
        key = load_key(reading, actor(), key_id)
        chosen = project_ids(reading, key_id)
        names = names_of(reading, [("project", project_id) for project_id in chosen])
        secrets = _secrets(reading, key_id)
        calls = latest_calls(reading, key_id, CALLS_SHOWN)
        changes = latest_changes(reading, key, CALLS_SHOWN)
        who = callers_of(reading, changes)
        outsiders = outsiders_of(reading, key_id)
    note_alone("audit.read", {"query": {"key_id": key_id}})
    return render(
        "portal/api_keys/show.html",
        key=key,
        status=status_of(key, now),
        projects=[(project_id, names.get(project_id, project_id)) for project_id in chosen],
        secrets=secrets,
        calls=calls,
        changes=changes,
        who=who,
        outsiders=outsiders,
        scope_words={scope.value: label for scope, label, _ in SCOPES},
        actions=ACTIONS[status_of(key, now)],
        asks=ASKS,
        graces=GRACES,
    )


@blueprint.get("/<key_id>/edit")
def edit(key_id: str) -> Response:
    """The form of a key as it is."""
    with services().database.reading() as reading:
        key = load_key(reading, actor(), key_id)
        chosen = project_ids(reading, key_id)
    if status_of(key, services().clock()) == "revoked":
        return refuse(key, "revoked", "edited")
    return _form_page(Form(values_of({**key, "project_ids": chosen})), key=key)


@blueprint.post("/<key_id>/edit")
def change(key_id: str) -> Response:
    """Change the key: its next call is judged by what it is now."""
    form = read_form(EditForm(), SEVERAL)
    key = load(key_id)
    if form.errors:
        return _form_page(form, 422, key)
    was, given = key["expires_at"], form.data
    opened = {(key_id, given.pop("version"))}
    if was and given["expires_at"] and was.date() == given["expires_at"].date():
        given["expires_at"] = was  # the form knows days, the key a moment
    try:
        with services().database.transaction() as writing:
            changes = change_key(writing, actor(), key_id, given, services().clock(), opened)
            if changes:
                note(writing, "api_key.change", {"id": key_id, "name": key["name"], **changes})
    except (Invalid, Forbidden, Conflict) as error:
        form.refuse(error)
        return _form_page(form, 422, key)
    except Stale:
        form.errors[""] = CHANGED_SINCE
        return _form_page(form, 409, key)
    flash("Saved. The next call is judged by it." if changes else "Nothing was changed.", "ok")
    return redirect(url_for("portal.api_keys.show", key_id=key_id), 303)


def refuse(key: Row, status: str, done: str) -> Response:
    """Back to the key, which is no longer what a page of an hour ago said."""
    flash(f"This key is {status}: it cannot be {done}.", "warn")
    return redirect(url_for("portal.api_keys.show", key_id=key["id"]), 303)


def load(key_id: str) -> Row:
    """The key as it is.

    Raises:
        Forbidden, NotFound: see `load_key`.
    """
    with services().database.reading() as reading:
        return load_key(reading, actor(), key_id)


def _secrets(reading: Session, key_id: str) -> list[dict[str, Any]]:
    now = services().clock()
    return [{**secret, "status": secret_status(secret, now)} for secret in secrets_of(reading, [key_id])[key_id]]


def _form_page(form: Form, status: int = 200, key: Row | None = None) -> Response:
    with services().database.reading() as reading:
        projects = project_names(reading, actor())
    choices: dict[str, Any] = {
        "roles": ROLES,
        "scopes": SCOPES,
        "projects": projects,
        "modes": ALLOWLIST_MODES,
        "expiries": EXPIRIES,
    }
    template = "portal/api_keys/new.html" if key is None else "portal/api_keys/edit.html"
    return render(template, http_status=status, form=form, key=key, **choices)
