"""What becomes of an API key: rotated, suspended, resumed, revoked. Each asks first, and each is audited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from domain.api_keys.commands import resume_key, revoke_key, rotate_key, suspend_key
from domain.api_keys.queries import load_key, status_of
from domain.db import Session
from domain.errors import Conflict, Invalid

from .. import reveal
from ..context import actor, note, services
from ..formatting import plain
from ..forms import read_form
from ..htmx import render
from .forms import GRACES, RotationForm
from .views import ACTIONS, ASKS, blueprint, load, refuse

__all__ = ["blueprint"]  # with these views on it

DONE = {"rotate": "rotated", "suspend": "suspended", "resume": "resumed", "revoke": "revoked"}


@blueprint.get("/<key_id>/<any(rotate, suspend, resume, revoke):action>")
def ask(key_id: str, action: str) -> Response:
    """The question before an action, as a page, for browsers without script."""
    key = load(key_id)
    status = status_of(key, services().clock())
    if action not in ACTIONS[status]:
        return refuse(key, status, DONE[action])
    return render("portal/api_keys/ask.html", key=key, action=action, asks=ASKS, graces=GRACES)


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
    done = "“{}” is suspended. Calls with it are refused until it is resumed."
    return _act(
        key_id, "suspend", lambda writing: suspend_key(writing, actor(), key_id, services().clock(), _reason()), done
    )


@blueprint.post("/<key_id>/resume")
def resume(key_id: str) -> Response:
    """Accept the key again."""
    done = "“{}” is resumed. Calls with it are accepted again."
    return _act(key_id, "resume", lambda writing: resume_key(writing, actor(), key_id, services().clock()), done)


@blueprint.post("/<key_id>/revoke")
def revoke(key_id: str) -> Response:
    """End the key for good."""
    done = "“{}” is revoked. Calls with it are refused from now on."
    return _act(
        key_id, "revoke", lambda writing: revoke_key(writing, actor(), key_id, services().clock(), _reason()), done
    )


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


def _reason() -> str:
    return request.form.get("reason", "").strip()
