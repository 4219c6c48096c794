"""What was made of characters, scenes and segments: the takes that reviewers decide on."""

from __future__ import annotations

from domain.access import Permission
from domain.entities import Kind
from domain.studio import ASSETS
from domain.takes.queries import TAKE, TAKES, represent_take, takes_of

from ...answers import Answer, one
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from ...operation import Quick
from .schemas import TakeSchema

blueprint = Blueprint("takes", __name__, description="What jobs made of characters, scenes and segments.")


@blueprint.operation(
    "GET", "/takes/<id>", id="get_take", permission=Permission.READ, loads=TAKE, returns=TakeSchema, quick=Quick.ONE
)
def get_take(call: Call) -> Answer:
    """Get a take. Its files are the artifacts of the last attempt of its job."""
    return one(represent_take(call.target))


def _register(kind: Kind) -> None:
    def get_list(call: Call) -> Answer:
        return answer_list(call, TAKES, takes_of(call.target["id"]), represent_take)

    get_list.__doc__ = f"List the takes of a {kind.object}, the newest first."
    blueprint.operation(
        "GET", f"/{kind.plural}/<id>/takes", id=f"list_{kind.object}_takes", permission=Permission.READ, loads=kind,
        returns=TakeSchema, listing=TAKES,
    )(get_list)  # fmt: skip


for _kind in ASSETS:
    _register(_kind)
