"""Deciding on characters, scenes and segments, and the history of decisions."""

from __future__ import annotations

from typing import Any

from domain.access import Permission
from domain.approvals.commands import decide
from domain.approvals.queries import APPROVALS, approvals_of, represent_approval
from domain.entities import Kind
from domain.studio import ASSETS

from ...answers import Answer, created
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from .schemas import ApprovalSchema, NewApprovalSchema

blueprint = Blueprint("approvals", __name__, description="Decisions on characters, scenes and segments.")


def _register(kind: Kind) -> None:
    rule = f"/{kind.plural}/<id>/approvals"

    def get_list(call: Call) -> Answer:
        return answer_list(call, APPROVALS, approvals_of(call.target["id"]), represent_approval)

    def post(call: Call, body: dict[str, Any]) -> Answer:
        given = (body["decision"], body["note"], body["take_id"])
        approval = decide(call.session, call.context, kind, call.target, *given)
        return created(represent_approval(approval), f"/api/v1/{kind.plural}/{call.target['id']}/approvals")

    get_list.__doc__ = f"List the decisions on a {kind.object}, newest first."
    post.__doc__ = f"Decide on a {kind.object}: its status changes and webhooks hear of it in the same transaction."
    blueprint.operation(
        "GET", rule, id=f"list_{kind.object}_approvals", permission=Permission.READ, loads=kind,
        returns=ApprovalSchema, listing=APPROVALS,
    )(get_list)  # fmt: skip
    blueprint.operation(
        "POST", rule, id=f"decide_{kind.object}", permission=Permission.DECIDE, loads=kind,
        returns=ApprovalSchema, body=NewApprovalSchema, status=201,
    )(post)  # fmt: skip


for _kind in ASSETS:
    _register(_kind)
