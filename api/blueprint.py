"""The API's Blueprint: an operation is authorised, limited, audited and documented because it is registered.

An operation names its permission and, where its path names an object, the kind of it. The blueprint then opens the
transaction, claims the idempotency key, loads the object as the caller may see it (404), checks the permission (403),
reads the body (400, 422), calls the view, writes the audit row and the idempotency answer, and commits, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Unpack

from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema
from werkzeug.http import parse_etags

from domain.access import Permission
from domain.audit.commands import write_entry
from domain.idempotency.commands import RecordKey
from domain.list_spec import ListSpec

from . import idempotency
from .call import Call
from .documentation import documentation, streaming
from .downloads import FileLost
from .operation import Operation, Terms, View
from .response import Response
from .waiting import answer_in_time, or_nothing_yet


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """See the module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.operations: list[Operation] = []

    def operation(
        self,
        method: str,
        rule: str,
        *,
        permission: Permission,
        returns: type[Schema],
        id: str,  # noqa: A002 - OpenAPI's operationId
        status: int = 200,
        also_status: int | None = None,
        body: type[Schema] | None = None,
        listing: ListSpec | None = None,
        shape: ListSpec | None = None,
        results: bool = False,
        streams: Mapping[str, str] | None = None,
        document: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        **terms: Unpack[Terms],
    ) -> Callable[[View], View]:
        """Register an operation: what the arguments mean stands with `Operation`. Those that only the document shows:

        Args:
            listing: the grammar of its query, for a list.
            shape: what `fields` and `expand` may name, for one object.
            also_status: of another success, with the same form of answer.
            results: `data` is a list of what it returns: of a write without a page, of a read all on one.
            streams: the formats in which it streams the whole of its `listing`, with their media types.
            document: what differs of it from other operations, given what would be said.
        """

        def decorator(view: View) -> View:
            schema = None if body is None else body()
            operation = Operation(id, method, rule, permission, view, returns, schema, **terms)
            self.operations.append(operation)
            endpoint = _endpoint(operation)
            endpoint.__doc__ = view.__doc__
            shown = documentation(operation, returns, (status, also_status), body, listing, shape, results=results)
            if streams is not None and listing is not None:
                shown |= streaming(shown, listing, streams)
            shown |= document(shown) if document is not None else {}
            documented = self.doc(**shown)(endpoint)
            self.route(rule, methods=[method], endpoint=id)(documented)
            return view

        return decorator


def _endpoint(operation: Operation) -> Callable[..., Response]:
    """The view function; the gateway reads its attributes, and calls it with the call and what the path names."""

    def run(call: Call, **path: str) -> Response:
        if call.upload is not None:
            with call.upload.settling(call.services):
                return _write(call, operation, path)
        reads = not call.writes or (operation.reads is not None and operation.reads(call))
        once = _read if reads else _write
        if operation.waits is None:
            return once(call, operation, path)
        return answer_in_time(call, operation.waits, lambda: once(call, operation, dict(path)))

    run.__dict__.update(cost=operation.cost, told=operation.told, uploads=operation.uploads, quick=operation.quick)
    return run


def _read(call: Call, operation: Operation, path: dict[str, str]) -> Response:
    try:
        return _read_once(call, operation, dict(path))
    except FileLost:  # whoever replaced it has written another row
        return _read_once(call, operation, path)


def _read_once(call: Call, operation: Operation, path: dict[str, str]) -> Response:
    with call.services.database.reading() as session:
        call.set_session(session)
        operation.admit(call, path)
        if call.writes:  # by its method alone: there is nothing to be kept, but a mistake is one
            idempotency.check_presented(call)
        answer = or_nothing_yet(call, operation.perform(call, path))
        response = _unless_known(call, answer.response())
    if answer.opens is not None and response.status != 304:
        response.body, response.is_made_here = answer.opens(), False
    return response


def _write(call: Call, operation: Operation, path: dict[str, str]) -> Response:
    if operation.prepare is not None and call.actor.may(operation.permission):
        call.prepared = operation.prepare(call)
    key = idempotency.presented(call) if operation.recorded else None
    try:
        with call.services.database.transaction() as session:
            call.set_session(session)
            response = _written(call, operation, path, key)
            write_entry(session, call.audit_entry(response))
    except _Undone as undone:
        return undone.response
    call.audited = True
    return response


def _written(call: Call, operation: Operation, path: dict[str, str], key: RecordKey | None) -> Response:
    earlier = idempotency.claim(call, key) if key else None
    operation.admit(call, path)
    idempotency.check_presented(call)
    if earlier is not None:
        return idempotency.replay(call, earlier)
    answer = or_nothing_yet(call, operation.perform(call, path))
    response = answer.response()
    if answer.undo:
        raise _Undone(response)
    if key:
        idempotency.keep(call, key, response, answer.kept())
    return response


class _Undone(Exception):
    """The transaction is to be rolled back; the answer stands, and the gateway audits it."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _unless_known(call: Call, response: Response) -> Response:
    """The response, or 304 when the caller has this version."""
    known, etag = call.header("If-None-Match"), response.headers.get("ETag")
    if known and etag and parse_etags(known).contains_weak(etag.strip('"')):
        return Response(status=304, headers={"ETag": etag})
    return response
