"""Letting calls in, answering and auditing them: one alone, or several that share their round trips."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from domain.audit.commands import AuditEntry
from domain.ports import Services

from .admission import let_in, readmit
from .auth import Authenticator, retirement_headers
from .call import Call
from .problems import Problem, problem_of, problem_response
from .response import Response

log = logging.getLogger("callsheet.api")


@dataclass(slots=True)
class Task:
    """A call, what answers it once it is let in, and its answer as soon as there is one."""

    call: Call
    view: Callable[[Call], Response]
    is_admitted: bool = False  # let in or refused
    response: Response | None = None


class Answering:
    """What every call passes, whatever happens. A call without a committed audit row gets no answer but 503."""

    def __init__(self, services: Services) -> None:
        self._audit = services.audit
        self._authenticator = Authenticator(services)
        self._readmit = partial(readmit, authenticator=self._authenticator)

    def answer(self, tasks: Sequence[Task], patience: float = math.inf) -> None:
        """Let the calls in, have the views answer them, audit them.

        Args:
            patience: seconds, after which nothing more is begun: what is left is for `answer_alone`.
        """
        if not tasks:
            return
        until = time.monotonic() + patience
        self._let_in(tasks, until)
        for task in tasks:
            if task.is_admitted and task.response is None and time.monotonic() < until:
                self._ask(task)
        self._write([task for task in tasks if task.response is not None])

    def answer_alone(self, task: Task) -> None:
        """Answer a call that has waited: as its key is by now."""
        if not task.is_admitted:
            self._let_in([task], math.inf)
        else:
            try:
                self._readmit(task.call)
            except Exception as error:
                task.response = _refused(error, task.call)
        if task.response is None:
            self._ask(task)
        self._write([task])

    def _let_in(self, tasks: Sequence[Task], until: float) -> None:
        def refuse_one(number: int, refusal: Exception) -> None:
            tasks[number].response = _refused(refusal, tasks[number].call)

        begun = let_in([task.call for task in tasks], self._authenticator, refuse_one, until)
        for task in tasks[:begun]:
            task.is_admitted = True
            task.call.readmit = self._readmit

    def _ask(self, task: Task) -> None:
        try:
            task.response = task.view(task.call)
        except Exception as error:
            task.response = _refused(error, task.call)

    def _write(self, tasks: Sequence[Task]) -> None:
        """Commit the audit rows of those that have none yet; whose could not be written has another answer."""
        entries: list[tuple[Task, AuditEntry]] = []
        for task in tasks:
            assert task.response is not None
            if not task.call.audited:
                try:
                    entries.append((task, task.call.audit_entry(task.response)))
                except Exception as error:
                    task.response = _unaudited(error, task.call)
        failures = self._audit.write_all([entry for _, entry in entries])
        for (task, _), failure in zip(entries, failures, strict=True):
            task.call.audited = failure is None
            if failure is not None:
                task.response = _unaudited(failure, task.call)
        for task in tasks:
            assert task.response is not None
            decorate(task.call, task.response)

    def has_to_note(self, call: Call) -> bool:
        """Whether it is time to note on the key that it is used, or from where."""
        return call.credential is not None and self._authenticator.has_to_note(call.credential, call.ip, call.at)

    def note_use(self, call: Call) -> None:
        """What was done is done and audited: failing to note it on the key changes no answer."""
        if call.credential is None:
            return
        try:
            self._authenticator.note_use(call.credential, call.ip, call.at)
            self._authenticator.note_outsider(call.credential, call.ip, call.at)
        except SQLAlchemyError as error:
            log.warning("the last use of a key could not be noted", exc_info=error)


def _refused(error: Exception, call: Call) -> Response:
    response = refuse(error, call)
    if call.upload is not None and call.is_let_in:
        call.upload.drain()
    return response


def _unaudited(error: BaseException, call: Call) -> Response:
    log.critical("an audit row could not be written", exc_info=error)
    problem = Problem("audit-unavailable", "Nothing was answered because it could not be audited; try again.",
                      headers={"Retry-After": "1"})  # fmt: skip
    return problem_response(problem, call.path, call.request_id)


def refuse(error: Exception, call: Call) -> Response:
    """Answer any exception of a call with a problem document."""
    problem = logged(error, call.request_id)
    call.problem, call.changes = problem.slug, None  # whatever it had done is undone
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
