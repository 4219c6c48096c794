"""Deciding on an asset: the decision, the asset's status and the event, in one transaction."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from ..access import Permission
from ..db import Row, Session
from ..entities import Kind, represent
from ..errors import Conflict, Invalid
from ..events.commands import Context, Happening, record_events
from ..ids import new_id
from ..inserting import Insert
from ..prepared import update_row
from ..takes.queries import take_of
from .models import DECISIONS, approvals

LONGEST_NOTE = 10_000
_INSERT = Insert(approvals, itemgetter)


def possible_decisions(status: str) -> tuple[str, ...]:
    """What may be decided about an asset in this status. A decision may be revised; a draft must be submitted first."""
    if status in ("draft", "archived"):
        return ()
    return tuple(decision for decision in DECISIONS if decision != status)


def decide(
    session: Session, context: Context, kind: Kind, asset: Row, decision: str, note: str, take_id: str | None = None
) -> dict[str, Any]:
    """Record a decision about `asset` (its row, locked by this transaction) and move it to that status.

    Args:
        take_id: the take of it that was looked at.

    Returns:
        The new approval's row.

    Raises:
        Forbidden: the actor may not decide.
        Invalid: no such decision, the note is too long, or the take is not one of this asset.
        Conflict: the asset's status does not allow it; `allowed` names the decisions that it does.
    """
    context.actor.require(Permission.DECIDE)
    if decision not in DECISIONS:
        raise Invalid.field("decision", "unknown", f"The decision must be one of {', '.join(DECISIONS)}.")
    if len(note) > LONGEST_NOTE or "\0" in note:
        raise Invalid.field("note", "length", f"Keep the note to {LONGEST_NOTE:,} characters, none of them NUL.")
    _require_take(session, kind, asset, take_id)
    _require_possible(kind, asset["status"], decision)
    changed = {"status": decision, "version": asset["version"] + 1, "updated_at": context.now}
    update_row(session, kind.table, asset["id"], changed)
    approval = {
        "id": new_id("apr"),
        "project_id": asset["project_id"],
        "asset_object": kind.object,
        "asset_id": asset["id"],
        "decision": decision,
        "note": note,
        "take_id": take_id,
        "decided_by": context.actor.as_data(),
        "created_at": context.now,
        "updated_at": context.now,
        "version": 1,
    }
    _INSERT.run(session, [approval])
    data = represent(kind, {**asset, **changed})
    changes = {"status": {"from": asset["status"], "to": decision}}
    record_events(session, context, [Happening(f"asset.{decision}", asset["project_id"], data, changes)])
    return approval


def _require_take(session: Session, kind: Kind, asset: Row, take_id: str | None) -> None:
    if take_id is not None and take_of(session, asset["id"], take_id) is None:
        message = f"Name a take of this {kind.object}: GET /{kind.plural}/{asset['id']}/takes lists them."
        raise Invalid.field("take_id", "unknown", message)


def _require_possible(kind: Kind, status: str, decision: str) -> None:
    allowed = possible_decisions(status)
    if decision in allowed:
        return
    if status == "draft":
        hint = "it must be submitted for review first (PATCH `status` to `in_review`)"
    elif not allowed:
        hint = "nothing can be decided about it"
    else:
        hint = f"what can be decided now is {' or '.join(allowed)}"
    raise Conflict(f"This {kind.object} is `{status}`: {hint}.", allowed)
