"""Executing a request: level by level on an event loop of its own, so that loaders see each level whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute

from ..call import Call
from ..inside import REFUSALS
from ..problems import MOST_ERRORS, Problem, problem_of
from .loaders import Loaders
from .requests import Request
from .weight import resolve_weighed, too_heavy


def run(schema: GraphQLSchema, call: Call, request: Request) -> dict[str, Any]:
    """`{data, errors, extensions}` as GraphQL's specification has it.

    Raises:
        Problem: 400, what was asked for is too large together; of a mutation, nothing was stored.
        Exception: something failed that is not the caller's fault; the whole call is to be given up.
    """
    loaders = Loaders(call)
    result = asyncio.run(_execute(schema, loaders, request))
    if loaders.weight.is_too_much:
        raise too_heavy()
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [_told(error) for error in result.errors[:MOST_ERRORS]]
    cost = {"bucket": request.bucket, "tokens": request.tokens, "rows": request.rows}
    return {**answer, "extensions": {"cost": cost}}


async def _execute(schema: GraphQLSchema, loaders: Loaders, request: Request) -> ExecutionResult:
    name = request.operation.name
    result = execute(
        schema,
        request.document,
        context_value=loaders,
        variable_values=request.variables,
        operation_name=None if name is None else name.value,
        field_resolver=resolve_weighed,
    )
    found = await result if isinstance(result, Awaitable) else result
    for error in found.errors or ():
        cause = error.original_error
        if cause is not None and not isinstance(cause, REFUSALS):
            raise cause
    return found


def _told(error: GraphQLError) -> dict[str, Any]:
    """An error with its code, which is the slug of REST's problem, and where in the answer it belongs."""
    cause = error.original_error
    problem = Problem("query-invalid", error.message) if cause is None else problem_of(cause)
    extensions = {"code": problem.slug, "status": problem.status, **problem.extra}
    if problem.errors:
        extensions["errors"] = [{"field": e.field, "code": e.code, "message": e.message} for e in problem.errors]
    located = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    return {"message": problem.detail, "path": error.path, "locations": located, "extensions": extensions}
