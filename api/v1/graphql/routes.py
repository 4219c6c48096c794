"""GraphQL: the same data under the same rules, in the caller's own shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.access import Permission

from ...answers import Answer
from ...blueprint import Blueprint
from ...call import Call
from ...costs import Cost
from ...graphql.auditing import told
from ...graphql.execution import run
from ...graphql.limits import ROWS_A_TOKEN
from ...graphql.requests import Reader, Request
from ...graphql.schema import make_schema
from ...operation import LARGEST_ENTITY
from ...problems import Problem
from ..batch.schemas import METHODS
from .schemas import GraphQLAnswerSchema, GraphQLRequestSchema

CONTENT_TYPE = "application/graphql-response+json"
_COSTS = (
    f"Costs a token for every {ROWS_A_TOKEN} rows that the operation may load, at least one: of reads for a query, of "
    "writes for a mutation, which costs at least one for each of its fields."
)


def make_blueprint(blueprints: Sequence[Blueprint], studio: Sequence[Blueprint]) -> Blueprint:
    """GraphQL over what these blueprints read, and what those of the studio write."""
    blueprint = Blueprint("graphql", __name__, description="The same data in the caller's own shape.")
    operations = [operation for each in blueprints for operation in each.operations]
    writes = [o for each in studio for o in each.operations if o.method in METHODS and o.prepare is None]
    schema = make_schema(operations, writes)
    reader = Reader(schema)

    def read(body: Any) -> Request | None:
        """The request of a body, whatever that is; None when it is to be refused."""
        try:
            return reader.read(body["query"], body.get("variables"), body.get("operationName"))
        except (Problem, AttributeError, LookupError, TypeError, ValueError):
            return None

    def cost(body: Any) -> tuple[str, int]:
        request = read(body)
        return ("read", 1) if request is None else (request.bucket, request.tokens)

    def reads(call: Call) -> bool:
        request = read(call.body_for_audit())
        return request is None or request.bucket == "read"

    @blueprint.operation(
        "POST", "/graphql", id="run_graphql", permission=Permission.READ, returns=GraphQLAnswerSchema,
        body=GraphQLRequestSchema, largest_body=LARGEST_ENTITY, cost=Cost(by_body=cost, told=_COSTS), reads=reads,
        told=told,
    )  # fmt: skip
    def post(call: Call, body: dict[str, Any]) -> Answer:
        """Execute a query, or a mutation: a write for each of its fields, which stands or falls by itself."""
        request = reader.read(body["query"], body.get("variables"), body.get("operationName"))
        content_type = CONTENT_TYPE if CONTENT_TYPE in (call.header("Accept") or "") else "application/json"
        answer = run(schema, call, request)
        call.note_refused(error["extensions"]["code"] for error in answer.get("errors", ()))
        return Answer(answer, content_type=content_type)

    return blueprint
