"""API keys: list, create (the key is shown once), look at, revoke."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from domain.access import Permission, Role, Scope
from domain.api_keys.commands import READ_PER_MINUTE, WRITE_PER_MINUTE, create_key, revoke_key
from domain.api_keys.models import api_keys
from domain.api_keys.queries import API_KEYS, load_key, project_ids, secrets_of, status_of
from domain.audit.commands import differences, made_of
from domain.audit.queries import latest_calls
from domain.db import Row
from domain.errors import Conflict, Forbidden, Invalid
from domain.studio_counts import names_of, project_names

from .. import reveal
from ..blueprint import PortalBlueprint
from ..context import actor, note, services
from ..formatting import plain
from ..forms import Form, read_form
from ..htmx import render
from ..lists import ListPage
from .forms import NewKeyForm

blueprint = PortalBlueprint("api_keys", __name__, permission=Permission.MANAGE_KEYS, url_prefix="/api-keys")

FILTERS = {"q": "q", "role": "role", "scope": "scope"}
ROLES = (
    (Role.VIEWER, "Viewer: reads"),
    (Role.CREATOR, "Creator: reads, writes, runs jobs"),
    (Role.REVIEWER, "Reviewer: reads, decides approvals"),
    (Role.ADMIN, "Admin: everything"),
)
SCOPES = (
    (Scope.READ_ONLY, "Read only", "Reads every project, whatever the role would allow beyond that."),
    (
        Scope.PROJECT,
        "Chosen projects",
        "What the role allows, in the projects chosen below; others do not exist for it.",
    ),
    (Scope.FULL, "Full", "What the role allows, in every project, those to come included."),
)
CALLS_SHOWN = 10


@blueprint.get("")
def list_keys() -> Response:
    """Every key, by name."""
    now = services().clock()
    with services().database.reading() as reading:
        page = ListPage(reading, API_KEYS, select(api_keys), FILTERS)
    rows = [{**row, "status": status_of(row, now)} for row in page.rows]
    return render("portal/api_keys/list.html", "list", page=page, rows=rows, roles=ROLES, scopes=SCOPES)


@blueprint.get("/new")
def new_key() -> Response:
    """The form of a new key."""
    expires = services().clock() + timedelta(days=services().settings.key_days)
    defaults = {
        "role": Role.VIEWER.value,
        "scope": Scope.READ_ONLY.value,
        "read_per_minute": READ_PER_MINUTE,
        "write_per_minute": WRITE_PER_MINUTE,
        "expires_at": f"{expires:%Y-%m-%d}",
    }
    return _form_page(Form(defaults))


@blueprint.post("")
def create() -> Response:
    """Make the key and go to the page that shows it."""
    form = read_form(NewKeyForm(), several=("project_ids",))
    if form.errors:
        return _form_page(form, 422)
    wanted = form.data["wanted"]
    try:
        with services().database.transaction() as writing:
            key_id, token = create_key(writing, actor(), services().keyring, wanted, services().clock())
            note(writing, "api_key.create", made_of(key_id, asdict(wanted)))
    except Invalid as error:
        form.refuse(error)
        return _form_page(form, 422)
    except Forbidden as error:
        form.errors[""] = plain(str(error))
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
    curl = f'curl -H "Authorization: Bearer {token}" {request.host_url}api/v1/me'
    return render("portal/api_keys/created.html", key=key, token=token, curl=curl)


@blueprint.get("/<key_id>")
def show(key_id: str) -> Response:
    """One key: its rights, its secrets and its latest calls."""
    now = services().clock()
    with services().database.reading() as reading:
        key = load_key(reading, actor(), key_id)
        chosen = project_ids(reading, key_id)
        names = names_of(reading, [("project", project_id) for project_id in chosen])
        secrets = secrets_of(reading, key_id)
        calls = latest_calls(reading, key_id, CALLS_SHOWN)
    projects = [(project_id, names.get(project_id, project_id)) for project_id in chosen]
    return render(
        "portal/api_keys/show.html",
        key=key,
        status=status_of(key, now),
        projects=projects,
        secrets=secrets,
        calls=calls,
        now=now,
        scope_words={scope.value: label for scope, label, _ in SCOPES},
    )


@blueprint.get("/<key_id>/revoke")
def ask_revoke(key_id: str) -> Response:
    """The question, as a page, for browsers without script."""
    return render("portal/api_keys/revoke.html", key=_load(key_id))


@blueprint.post("/<key_id>/revoke")
def revoke(key_id: str) -> Response:
    """End the key for good."""
    now = services().clock()
    try:
        with services().database.transaction() as writing:
            key = load_key(writing, actor(), key_id, for_update=True)
            revoke_key(writing, actor(), key_id, now)
            ended = differences({"status": status_of(key, now)}, {"status": "revoked"})
            note(writing, "api_key.revoke", {"id": key_id, "name": key["name"], **ended})
    except Conflict as error:
        flash(str(error), "warn")
    else:
        flash(f"“{key['name']}” is revoked. Calls with it are refused from now on.", "ok")
    return redirect(url_for("portal.api_keys.show", key_id=key_id), 303)


def _load(key_id: str) -> Row:
    with services().database.reading() as reading:
        return load_key(reading, actor(), key_id)


def _form_page(form: Form, status: int = 200) -> Response:
    with services().database.reading() as reading:
        projects = project_names(reading, actor())
    choices: dict[str, Any] = {"roles": ROLES, "scopes": SCOPES, "projects": projects}
    return render("portal/api_keys/new.html", http_status=status, form=form, **choices)
