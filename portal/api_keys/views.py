"""API keys: list, create (the key is shown once), look at, change, rotate, suspend, resume, revoke."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from domain.access import Permission, Role, Scope
from domain.api_keys.commands import change_key, create_key, resume_key, revoke_key, rotate_key, suspend_key
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
from domain.audit.commands import differences, made_of
from domain.audit.queries import latest_calls
from domain.db import Row, Session
from domain.errors import Conflict, Forbidden, Invalid
from domain.studio_counts import names_of, project_names

from .. import reveal
from ..blueprint import PortalBlueprint
from ..context import actor, note, services
from ..formatting import plain
from ..forms import Form, read_form
from ..htmx import render
from ..lists import ListPage
from .forms import ALLOWLIST_MODES, GRACES, ROLES, SCOPES, STATUS_WORDS, KeyForm, RotationForm, values_of

blueprint = PortalBlueprint("api_keys", __name__, permission=Permission.MANAGE_KEYS, url_prefix="/api-keys")

FILTERS = {"q": "q", "status": "status", "role": "role", "scope": "scope", "tag": "tags"}
SEVERAL = ("project_ids",)
CALLS_SHOWN = 10
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
        outsiders = outsiders_of(reading, key_id)
    return render(
        "portal/api_keys/show.html",
        key=key,
        status=status_of(key, now),
        projects=[(project_id, names.get(project_id, project_id)) for project_id in chosen],
        secrets=secrets,
        calls=calls,
        outsiders=outsiders,
        scope_words={scope.value: label for scope, label, _ in SCOPES},
        asks=ASKS,
        graces=GRACES,
    )


@blueprint.get("/<key_id>/edit")
def edit(key_id: str) -> Response:
    """The form of a key as it is."""
    with services().database.reading() as reading:
        key = load_key(reading, actor(), key_id)
        chosen = project_ids(reading, key_id)
    return _form_page(Form(values_of({**key, "project_ids": chosen})), key=key)


@blueprint.post("/<key_id>/edit")
def change(key_id: str) -> Response:
    """Change the key: its next call is judged by what it is now."""
    form = read_form(KeyForm(), SEVERAL)
    key = _load(key_id)
    if form.errors:
        return _form_page(form, 422, key)
    was, given = key["expires_at"], form.data
    if was and given["expires_at"] and was.date() == given["expires_at"].date():
        given["expires_at"] = was  # the form knows days, the key a moment
    try:
        with services().database.transaction() as writing:
            changes = change_key(writing, actor(), key_id, given, services().clock())
            if changes:
                note(writing, "api_key.change", {"id": key_id, "name": key["name"], **changes})
    except (Invalid, Forbidden, Conflict) as error:
        form.refuse(error)
        return _form_page(form, 422, key)
    flash("Saved. The next call is judged by it." if changes else "Nothing was changed.", "ok")
    return redirect(url_for("portal.api_keys.show", key_id=key_id), 303)


@blueprint.get("/<key_id>/<any(rotate, suspend, resume, revoke):action>")
def ask(key_id: str, action: str) -> Response:
    """The question before an action, as a page, for browsers without script."""
    return render("portal/api_keys/ask.html", key=_load(key_id), action=action, asks=ASKS, graces=GRACES)


@blueprint.post("/<key_id>/rotate")
def rotate(key_id: str) -> Response:
    """Give the key a new secret and go to the page that shows it."""
    form = read_form(RotationForm())
    made: list[str] = []

    def run(writing: Session) -> dict[str, Any]:
        if form.errors:
            raise Invalid.field("grace_seconds", "invalid", form.errors["grace_seconds"])
        grace = form.data["grace_seconds"]
        public_id, token = rotate_key(writing, actor(), services().keyring, key_id, services().clock(), grace)
        made.append(token)
        return {"added": public_id, "grace_seconds": grace}

    answer = _act(key_id, "rotate", run)
    if not made:
        return answer
    reveal.keep(key_id, made[0])
    return redirect(url_for("portal.api_keys.show_created", key_id=key_id), 303)


@blueprint.post("/<key_id>/suspend")
def suspend(key_id: str) -> Response:
    """Refuse the key for the time being."""
    reason = request.form.get("reason", "").strip()

    def run(writing: Session) -> dict[str, Any]:
        suspend_key(writing, actor(), key_id, services().clock(), reason)
        return {"status": {"from": "active", "to": "suspended"}, "reason": reason}

    return _act(key_id, "suspend", run, "“{}” is suspended. Calls with it are refused until it is resumed.")


@blueprint.post("/<key_id>/resume")
def resume(key_id: str) -> Response:
    """Accept the key again."""

    def run(writing: Session) -> dict[str, Any]:
        resume_key(writing, actor(), key_id, services().clock())
        return {"status": {"from": "suspended", "to": "active"}}

    return _act(key_id, "resume", run, "“{}” is resumed. Calls with it are accepted again.")


@blueprint.post("/<key_id>/revoke")
def revoke(key_id: str) -> Response:
    """End the key for good."""

    def run(writing: Session) -> dict[str, Any]:
        now = services().clock()
        was = status_of(load_key(writing, actor(), key_id), now)
        revoke_key(writing, actor(), key_id, now)
        return differences({"status": was}, {"status": "revoked"})

    return _act(key_id, "revoke", run, "“{}” is revoked. Calls with it are refused from now on.")


def _act(key_id: str, action: str, run: Callable[[Session], dict[str, Any]], done: str = "") -> Response:
    """Do it, note it, and go back to the key; what its state does not allow is said there."""
    try:
        with services().database.transaction() as writing:
            key = load_key(writing, actor(), key_id, for_update=True)
            note(writing, f"api_key.{action}", {"id": key_id, "name": key["name"], **run(writing)})
    except (Conflict, Invalid) as error:
        flash(plain(str(error)), "warn")
    else:
        if done:
            flash(done.format(key["name"]), "ok")
    return redirect(url_for("portal.api_keys.show", key_id=key_id), 303)


def _load(key_id: str) -> Row:
    with services().database.reading() as reading:
        return load_key(reading, actor(), key_id)


def _secrets(reading: Session, key_id: str) -> list[dict[str, Any]]:
    now = services().clock()
    return [{**secret, "status": secret_status(secret, now)} for secret in secrets_of(reading, [key_id])[key_id]]


def _form_page(form: Form, status: int = 200, key: Row | None = None) -> Response:
    with services().database.reading() as reading:
        projects = project_names(reading, actor())
    choices: dict[str, Any] = {"roles": ROLES, "scopes": SCOPES, "projects": projects, "modes": ALLOWLIST_MODES}
    template = "portal/api_keys/new.html" if key is None else "portal/api_keys/edit.html"
    return render(template, http_status=status, form=form, key=key, **choices)
