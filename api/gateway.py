"""What every call of `/api/v1` passes on its way in and out, whether or not a route exists for it; key sets too.

In: request id, key, allowlist, rate limit, the body's size. Out: rate limit headers and the audit row. A call without a
committed audit row gets no answer but 503.
"""

from __future__ import annotations

import inspect
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from domain.ids import ALPHABET, LENGTH
from domain.ports import Services

from .admission import KEY_SETS, PREFIX, PUBLIC, admit, readmit
from .auth import Authenticator, retirement_headers
from .call import Call
from .costs import ONE, Cost
from .problems import Problem, problem_of, problem_response
from .response import Response, StartResponse
from .routing import template_of
from .uploads import Upload

_ID = re.compile(f"(?<=/)[a-z]{{3}}_[{ALPHABET}]{{{LENGTH}}}(?=/|\\Z)")

log = logging.getLogger("callsheet.api")


class _Known(NamedTuple):
    """A route: its template, its view, what it costs, and the names of the ids in its path."""

    route: str
    view: Callable[..., Any]
    cost: Cost
    names: tuple[str, ...]


class Gateway:
    """Answers every request below the prefix, whatever happens, without Flask's request context: pages need that.

    It is a WSGI application (PEP 3333). Routes and views are those that the blueprints registered with Flask.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        self._app = app
        self._services = services
        self._authenticator = Authenticator(services)
        self._readmit = partial(readmit, authenticator=self._authenticator)
        self._routes = app.url_map.bind("")
        self._known: dict[tuple[str, str], _Known] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The answer, once its audit row is committed."""
        call = Call.begin(self._services, environ)
        try:
            view = self._view_of(call)
            admit(call, self._authenticator)
            call.readmit = self._readmit
            response = view(call)
        except Exception as error:
            response = refuse(error, call)
            if call.upload is not None and call.is_let_in:
                call.upload.drain()
        response = _audited(call, response)
        if call.credential is not None:
            _note_use(call, self._authenticator)
        return response.send(start_response, call.method, self._services.gate)

    def _view_of(self, call: Call) -> Callable[[Call], Response]:
        """What answers the call once it is let in, be it with what is wrong with its path or method."""
        # Paths that differ only in ids have the same route: looking it up costs a fraction of finding it.
        shape, ids = _ID.sub("*", call.path), _ID.findall(call.path)
        known = self._known.get((call.method, shape))
        path: Mapping[str, str]
        if known is not None and len(known.names) == len(ids):
            call.route, view, call.cost = known.route, known.view, known.cost
            path = dict(zip(known.names, ids, strict=True))
        else:
            try:
                rule, path = self._routes.match(call.path, call.method, return_rule=True)
            except HTTPException as error:
                return partial(_raise, error)
            call.route = template_of(rule.rule)
            # flask-smorest wraps it for Flask's contexts.
            view = inspect.unwrap(self._app.view_functions[rule.endpoint])
            call.cost = ONE if call.method == "OPTIONS" else getattr(view, "cost", ONE)
            if list(path.values()) == ids:
                self._known[call.method, shape] = _Known(call.route, view, call.cost, tuple(path))
        if call.method == "OPTIONS":
            return self._options
        call.told = getattr(view, "told", None)
        if call.writes and getattr(view, "uploads", False):
            call.upload = Upload(call.environ)
        if call.path in PUBLIC:
            return partial(self._page, view)
        return lambda call: view(call, **path)

    def _options(self, call: Call) -> Response:
        return Response(headers={"Allow": ", ".join(sorted(self._routes.allowed_methods(call.path)))})

    def _page(self, view: Callable[[], Any], call: Call) -> Response:
        with self._app.request_context(dict(call.environ)):
            page = self._app.make_response(view())
        return Response(page.get_data(), page.status_code, dict(page.headers))


def _raise(error: Exception, _call: Call) -> Response:
    raise error


def _note_use(call: Call, authenticator: Authenticator) -> None:
    """What was done is done and audited: failing to note it on the key changes no answer."""
    assert call.credential is not None
    try:
        authenticator.note_use(call.credential, call.ip, call.at)
        authenticator.note_outsider(call.credential, call.ip, call.at)
    except SQLAlchemyError as error:
        log.warning("the last use of a key could not be noted", exc_info=error)


def is_api(path: str) -> bool:
    """Whether the path is the API's to answer."""
    return path == PREFIX or path.startswith((PREFIX + "/", KEY_SETS))


def refuse(error: Exception, call: Call) -> Response:
    """Answer any exception of a call with a problem document."""
    problem = logged(error, call.request_id)
    call.problem = problem.slug
    return problem_response(problem, call.path, call.request_id)


def logged(error: Exception, request_id: str = "") -> Problem:
    """What the caller is told of an exception; what is our own fault goes to the log."""
    problem = problem_of(error)
    if problem.slug in ("internal-error", "busy"):
        log.error("request failed", exc_info=error, extra={"request_id": request_id})
    return problem


def decorate(call: Call, response: Response) -> None:
    """The headers that every answer carries."""
    headers = response.headers
    headers.setdefault("Cache-Control", "private, no-cache")
    headers["X-Request-Id"] = call.request_id
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Vary"] = "Authorization, X-API-Key"
    grant = call.grant
    if grant is not None:
        headers["X-RateLimit-Limit"] = str(grant.limit)
        headers["X-RateLimit-Remaining"] = str(grant.remaining)
        headers["X-RateLimit-Reset"] = str(int(time.time()) + grant.reset_seconds)
        # draft-ietf-httpapi-ratelimit-headers-11
        headers["RateLimit-Policy"] = f'"{call.bucket}";q={grant.limit};w=60'
        headers["RateLimit"] = f'"{call.bucket}";r={grant.remaining};t={grant.reset_seconds}'
    headers.update(retirement_headers(call.credential))


def _audited(call: Call, response: Response) -> Response:
    """The response, once its audit row is committed; a problem document when that fails."""
    if not call.audited:
        try:
            call.services.audit.write(call.audit_entry(response))
            call.audited = True
        except Exception as error:
            log.critical("an audit row could not be written", exc_info=error)
            problem = Problem("audit-unavailable", "Nothing was answered because it could not be audited; try again.",
                              headers={"Retry-After": "1"})  # fmt: skip
            response = problem_response(problem, call.path, call.request_id)
    decorate(call, response)
    return response
