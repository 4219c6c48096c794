"""Deciding on an asset where its take is looked at: the decision names the take that was shown."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from domain.approvals.commands import decide
from domain.entities import Kind
from domain.errors import Conflict, Invalid
from domain.events.commands import Context
from domain.studio import ASSETS, BY_OBJECT
from domain.takes.queries import take_of

from ..context import actor, note, request_id, services
from ..formatting import plain, words
from .views import blueprint

__all__ = ["blueprint"]  # with these views on it


@blueprint.post("/<noun>/<asset_id>/decide")
def decide_on(noun: str, asset_id: str) -> Response:
    """Record the decision with the take that it was made of, and go back to that take of the asset."""
    kind: Kind | None = BY_OBJECT.get(noun)
    if kind is None or kind not in ASSETS:
        abort(404)
    given = {name: request.form.get(name, "").strip() for name in ("decision", "note", "take_id")}
    context, number = Context(actor(), services().clock(), request_id()), _number(asset_id, given["take_id"])
    try:
        with services().database.transaction() as writing:
            asset = kind.load(writing, actor(), asset_id, for_update=True)
            made = decide(writing, context, kind, asset, given["decision"], given["note"], given["take_id"] or None)
            told: dict[str, Any] = {"id": made["id"], "asset_id": asset_id, "take_id": made["take_id"]}
            note(writing, "asset.decide", {**told, "status": {"from": asset["status"], "to": made["decision"]}})
    except (Conflict, Invalid) as error:
        flash(plain(str(error)), "warn")
    else:
        of_which = "" if number is None else f" for take {number}"
        flash(f"Your decision is recorded{of_which}: {words(made['decision'])}.", "ok")
    return redirect(url_for("portal.studio.show_asset", noun=noun, asset_id=asset_id, take=number), 303)


def _number(asset_id: str, take_id: str) -> int | None:
    """The number that the form's take has in addresses; None where it names none of this asset."""
    with services().database.reading() as session:
        take = take_of(session, asset_id, take_id)
    return None if take is None else take["number"]
