"""Many writes in one call and one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.access import Permission
from domain.errors import FieldError, Invalid

from ...answers import Answer
from ...blueprint import Blueprint
from ...call import Call
from ...costs import Cost
from ...problems import slug_of
from .runner import Runner
from .schemas import METHODS, MOST_OPERATIONS, BatchResultSchema, BatchSchema

LARGEST_BATCH = 1024 * 1024


def _cost(body: Any) -> tuple[str, int]:
    """A token for each operation, at least one. A dry run changes nothing, so it is a read.

    A batch that is too long is refused as a whole, for one token.
    """
    if not isinstance(body, dict):
        return "write", 1
    operations = body.get("operations")
    count = len(operations) if isinstance(operations, list) else 1
    return "read" if body.get("dry_run") is True else "write", count if 1 <= count <= MOST_OPERATIONS else 1


COST = Cost(
    by_body=_cost,
    told="Costs a token for each operation, or the whole bucket where that holds fewer; of reads for a dry run.",
)


def make_blueprint(blueprints: Sequence[Blueprint]) -> Blueprint:
    """The batch of what these blueprints write."""
    blueprint = Blueprint("batch", __name__, description="Many writes in one call.")
    runner = Runner([o for each in blueprints for o in each.operations if o.method in METHODS and o.prepare is None])

    @blueprint.operation(
        "POST", "/batch", id="run_batch", permission=Permission.READ, returns=BatchResultSchema, body=BatchSchema,
        largest_body=LARGEST_BATCH, results=True, cost=COST,
    )  # fmt: skip
    def post(call: Call, body: dict[str, Any]) -> Answer:
        """Run up to 500 writes in order; each needs what the same call alone would need."""
        operations = body["operations"]
        _check_refs(operations)
        results = runner.run(call, operations, atomic=body["atomic"])
        call.note_refused(slug_of(result["body"]) for result in results if result["status"] >= 400)
        return Answer({"data": results}, undo=body["dry_run"])

    return blueprint


def _check_refs(operations: Sequence[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for number, operation in enumerate(operations):
        ref = operation.get("ref")
        if ref in seen:
            raise Invalid(FieldError(f"/operations/{number}/ref", "taken", f"The ref {ref!r} is used twice."))
        if ref is not None:
            seen.add(ref)
