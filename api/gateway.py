"""What every call of `/api/v1` passes on its way in and out, whether or not a route exists for it; key sets too.

In: request id, key, allowlist, rate limit, the body's size. Out: rate limit headers and the audit row. Calls that are
quick to answer are answered together with those that come at the same time: see
docs/decisions/0030-quick-reads-are-answered-together.md.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
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
from .operation import Quick
from .response import Response, StartResponse
from .routing import template_of
from .uploads import Upload

_ID = re.compile(f"(?<=/)[a-z]{{3}}_[{ALPHABET}]{{{LENGTH}}}(?=/|\\Z)")


# A page may be large, and keeps those waiting that are answered with it: these are pages, too.
MOST_TOGETHER = {Quick.ONE: 16, Quick.PAGE: 8}
GROUPS_AT_ONCE = 2
LONGEST_GROUP_SECONDS = 0.02  # then it begins nothing more: what is left goes alone
PATIENCE_SECONDS = 0.05  # of a call in the queue, without any group being begun: then it goes alone, too
# What the query of a quick call may name.
_PLAIN_QUERY = re.compile(r"(?:(?:limit|cursor|fields)=[^&]*(?:&|\Z))*")
LONGEST_QUERY = 1000


class _Known(NamedTuple):
    """A route: its template, its view, what it costs, and the names of the ids in its path."""

    route: str
    view: Callable[..., Any]
    cost: Cost
    names: tuple[str, ...]
    quick: Quick | None


class Gateway:
    """Answers every request below the prefix, whatever happens, without Flask's request context: pages need that.

    It is a WSGI application (PEP 3333). Routes and views are those that the blueprints registered with Flask.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        self._app = app
        self._services = services
        self._answering = Answering(services)
        self._groups = {
            quick: Grouped[dict[str, Any], Task](self._answer_all, most, GROUPS_AT_ONCE)
            for quick, most in MOST_TOGETHER.items()
        }
        self._routes = app.url_map.bind("")
        self._known: dict[tuple[str, str], _Known] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The answer, once its audit row is committed."""
        task = self._answered_together(environ)
        if task is not None:
            if self._answering.has_to_note(task.call):
                with self._services.gate:
                    self._answering.note_use(task.call)
            return self._sent(task, start_response)
        with self._services.gate as gate:
            environ["wsgi.input"] = gate.body_outside(environ["wsgi.input"])
            task = self._task(environ)
            self._answering.answer([task])
            self._answering.note_use(task.call)
            return self._sent(task, start_response)

    def _sent(self, task: Task, start_response: StartResponse) -> Iterable[bytes]:
        assert task.response is not None
        return task.response.send(start_response, task.call.method, self._services.gate)

    def _answered_together(self, environ: dict[str, Any]) -> Task | None:
        """None for a call that is not quick, or that nobody took up in time."""
        group = self._group_of(environ)
        if group is None:
            return None
        try:
            task = group.run(environ, PATIENCE_SECONDS)
        except TimeoutError:
            return None
        if task.response is None:
            with self._services.gate:
                self._answering.answer_alone(task)
        return task

    def _answer_all(self, environs: Sequence[dict[str, Any]]) -> list[Task | Exception]:
        with self._services.gate:
            found = [self._task_or_error(environ) for environ in environs]
            self._answering.answer([task for task in found if isinstance(task, Task)], LONGEST_GROUP_SECONDS)
        return found

    def _task_or_error(self, environ: dict[str, Any]) -> Task | Exception:
        try:
            return self._task(environ)
        except Exception as error:  # of this request alone
            return error

    def _group_of(self, environ: Mapping[str, Any]) -> Grouped[dict[str, Any], Task] | None:
        """Those it may be answered with, if it takes a few milliseconds and nobody is waited for."""
        known = self._known.get((environ["REQUEST_METHOD"], _ID.sub("*", environ["PATH_INFO"])))
        query = environ.get("QUERY_STRING", "")
        if (
            known is None
            or known.quick is None
            or environ.get("CONTENT_LENGTH", "0") not in ("", "0")
            or "HTTP_TRANSFER_ENCODING" in environ
            or len(query) > LONGEST_QUERY
            or _PLAIN_QUERY.fullmatch(query) is None
            or self._services.limiter.degraded
        ):
            return None
        return self._groups[known.quick]

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
                return partial(_raise_anew, copy(error))  # without the frames it was caught in
            call.route = template_of(rule.rule)
            # flask-smorest wraps it for Flask's contexts.
            view = inspect.unwrap(self._app.view_functions[rule.endpoint])
            call.cost = ONE if call.method == "OPTIONS" else getattr(view, "cost", ONE)
            if list(path.values()) == ids:
                self._known[call.method, shape] = _Known(
                    call.route, view, call.cost, tuple(path), getattr(view, "quick", None)
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


def _raise_anew(error: Exception, _call: Call) -> Response:
    raise copy(error)  # the task holds the error, and what is raised holds the task


def is_api(path: str) -> bool:
    """Whether the path is the API's to answer."""
    return path == PREFIX or path.startswith((PREFIX + "/", KEY_SETS))
