"""What every call of `/api/v1` passes on its way in and out, whether or not a route exists for it; key sets too.

In: request id, key, allowlist, rate limit, the body's size. Out: rate limit headers and the audit row. Calls that are
quick to answer are answered together with those that come at the same time: see
docs/decisions/0030-quick-reads-are-answered-together.md.
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.exceptions import HTTPException

from domain.grouping import Grouped
from domain.ids import ALPHABET, LENGTH
from domain.ports import Services

from .admission import KEY_SETS, PREFIX, PUBLIC
from .answering import Answering, Task
from .call import Call
from .costs import ONE, Cost
from .response import Response, StartResponse
from .routing import template_of
from .uploads import Upload

_ID = re.compile(f"(?<=/)[a-z]{{3}}_[{ALPHABET}]{{{LENGTH}}}(?=/|\\Z)")


MOST_TOGETHER = 16
GROUPS_AT_ONCE = 2
# Of a group's work: after that, whoever has had no turn yet goes on alone, beside the call that takes so long.
PATIENCE_SECONDS = 0.02
# What the query of a quick call may name.
_PLAIN_QUERY = re.compile(r"(?:(?:limit|cursor|fields)=[^&]*(?:&|\Z))*")


class _Known(NamedTuple):
    """A route: its template, its view, what it costs, and the names of the ids in its path."""

    route: str
    view: Callable[..., Any]
    cost: Cost
    names: tuple[str, ...]
    is_quick: bool


class Gateway:
    """Answers every request below the prefix, whatever happens, without Flask's request context: pages need that.

    It is a WSGI application (PEP 3333). Routes and views are those that the blueprints registered with Flask.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        self._app = app
        self._services = services
        self._answering = Answering(services)
        self._together: Grouped[dict[str, Any], Task] = Grouped(self._answer_together, MOST_TOGETHER, GROUPS_AT_ONCE)
        self._routes = app.url_map.bind("")
        self._known: dict[tuple[str, str], _Known] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The answer, once its audit row is committed."""
        gate = self._services.gate
        if self._is_quick(environ):
            task = self._together.run(environ)
            if task.response is None:
                with gate:
                    self._answering.answer([task])
        else:
            with gate:
                environ["wsgi.input"] = gate.body_outside(environ["wsgi.input"])
                task = self._task(environ)
                self._answering.let_in([task])
                self._answering.answer([task])
        assert task.response is not None
        return task.response.send(start_response, task.call.method, gate)

    def _answer_together(self, environs: Sequence[dict[str, Any]]) -> list[Task]:
        with self._services.gate:
            tasks = [self._task(environ) for environ in environs]
            self._answering.let_in(tasks)
            self._answering.answer(tasks, time.monotonic() + PATIENCE_SECONDS)
        return tasks

    def _is_quick(self, environ: Mapping[str, Any]) -> bool:
        """Whether it takes a few milliseconds to answer, whatever is stored, and its caller is waited for no more."""
        known = self._known.get((environ["REQUEST_METHOD"], _ID.sub("*", environ["PATH_INFO"])))
        return (
            known is not None
            and known.is_quick
            and environ.get("CONTENT_LENGTH", "0") in ("", "0")
            and "HTTP_TRANSFER_ENCODING" not in environ
            and _PLAIN_QUERY.fullmatch(environ.get("QUERY_STRING", "")) is not None
        )

    def _task(self, environ: dict[str, Any]) -> Task:
        call = Call.begin(self._services, environ)
        try:
            return Task(call, self._view_of(call))
        except Exception as error:
            return Task(call, partial(_raise, error))

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
                self._known[call.method, shape] = _Known(
                    call.route, view, call.cost, tuple(path), getattr(view, "quick", False)
                )
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


def is_api(path: str) -> bool:
    """Whether the path is the API's to answer."""
    return path == PREFIX or path.startswith((PREFIX + "/", KEY_SETS))
