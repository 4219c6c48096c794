"""Running the operations of a batch: each as the same call alone would run, in one transaction.

Creations of one kind that stand together and do not refer to each other are made in the same few statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from werkzeug.routing import Map, Rule

from domain.entity_creation import create_many
from domain.errors import DomainError, NotFound

from ...answers import Answer
from ...call import Call
from ...inside import REFUSALS, perform_inside, read_inside
from ...operation import Operation
from ...problems import Problem, problem_document, problem_of
from ...routing import CONVERTERS
from ..entity_writes import shown_new
from .references import References, Unmade, names_in

Outcome = Answer | Problem


@dataclass(slots=True)
class _Step:
    """An operation of the batch on its way to an outcome."""

    given: Mapping[str, Any]
    operation: Operation | None = None
    path: dict[str, str] = field(default_factory=dict)
    body: Any = None
    outcome: Outcome | None = None

    @property
    def failed(self) -> bool:
        return isinstance(self.outcome, Problem)

    @property
    def data(self) -> Mapping[str, Any] | None:
        """What it answered, None when it failed."""
        return self.outcome.document["data"] if isinstance(self.outcome, Answer) else None

    def result(self, call: Call) -> dict[str, Any]:
        """`{status, body}` as the contract has it."""
        outcome = self.outcome
        assert outcome is not None
        if isinstance(outcome, Problem):
            instance = f"/api/v1{self.given['path']}"
            return {"status": outcome.status, "body": problem_document(outcome, instance, call.request_id)}
        return {"status": outcome.status, "body": outcome.document}


class Runner:
    """Runs batches of the operations that it is given."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = {operation.id: operation for operation in operations}
        self._map = Map(
            [Rule(o.rule, methods=[o.method], endpoint=o.id) for o in operations],
            converters=CONVERTERS,
            merge_slashes=False,
        )

    def run(self, call: Call, given: Sequence[Mapping[str, Any]], *, atomic: bool) -> list[dict[str, Any]]:
        """The result of each operation.

        Raises:
            Problem: one failed and the batch is atomic; `data` holds every result.
        """
        steps, references = [_Step(operation) for operation in given], References()
        for group in self._grouped(steps):
            self._run_group(call, group, references)
            for step in group:
                if ref := step.given.get("ref"):
                    references.add(ref, step.data)
            if atomic and any(step.failed for step in group):
                raise _undone(call, steps)
        return [step.result(call) for step in steps]

    def _grouped(self, steps: Sequence[_Step]) -> list[list[_Step]]:
        groups: list[list[_Step]] = []
        names: set[str] = set()
        for step in steps:
            self._find(step)
            creates = step.operation.creates if step.operation is not None else None
            last = groups[-1][-1].operation if groups else None
            joins = creates is not None and last is not None and last.creates is creates
            if joins and not names & names_in(step.given.get("body")):
                groups[-1].append(step)
            else:
                groups.append([step])
                names = set()
            names.add(step.given.get("ref", ""))
        return groups

    def _find(self, step: _Step) -> None:
        path = step.given["path"]
        try:
            if not path.startswith("/") or path.startswith("//"):
                raise NotFound(f"A path of a batch begins with one slash: {path[:200]!r} does not.")
            if "?" in path or "#" in path:
                raise Problem("bad-request", "The path of an operation takes no query.")
            found, values = self._map.bind("").match(unquote(path), method=step.given["method"])
            step.operation, step.path = self._operations[found], dict(values)
        except REFUSALS as error:
            step.outcome = _not_here(step.given, error)

    def _run_group(self, call: Call, group: Sequence[_Step], references: References) -> None:
        for step in group:
            if step.outcome is None:
                self._prepare(call, step, references)
        ready = [step for step in group if step.outcome is None]
        if not ready:
            return
        operation = ready[0].operation
        kind = operation.creates if operation is not None else None
        if kind is None:
            self._run_one(call, ready[0])
            return
        made = create_many(call.session, call.context, kind, [step.body for step in ready])
        for step, row in zip(ready, made, strict=True):
            step.outcome = problem_of(row) if isinstance(row, DomainError) else shown_new(kind, row)

    def _prepare(self, call: Call, step: _Step, references: References) -> None:
        """Put in what is referred to, check the permission of a creation, read the body."""
        operation = step.operation
        assert operation is not None
        try:
            step.path = {name: references.in_path(value) for name, value in step.path.items()}
            step.body = references.in_body(step.given.get("body"))
            if operation.creates is not None:
                call.actor.require(operation.permission)
                step.body = read_inside(call, operation, step.body)
        except Unmade as error:
            step.outcome = Problem("failed-dependency", str(error))
        except REFUSALS as error:
            step.outcome = problem_of(error)

    def _run_one(self, call: Call, step: _Step) -> None:
        operation = step.operation
        assert operation is not None
        headers = {"If-Match": step.given["if_match"]} if "if_match" in step.given else {}
        try:
            step.outcome = perform_inside(call, operation, step.path, step.body, headers)
        except REFUSALS as error:
            step.outcome = problem_of(error)


def _not_here(given: Mapping[str, Any], error: Exception) -> Problem:
    if isinstance(error, Problem | DomainError):
        return problem_of(error)
    return Problem("not-found", f"A batch has no operation {given['method']} {given['path'][:200]}.")


def _undone(call: Call, steps: Sequence[_Step]) -> Problem:
    """What an atomic batch answers when an operation failed: why, and that the others were undone or never run."""
    failed = [number for number, step in enumerate(steps) if step.failed]
    for step in steps:
        if not step.failed:
            step.outcome = Problem("failed-dependency", "Another operation of this atomic batch failed.")
    first = steps[failed[0]]
    assert isinstance(first.outcome, Problem)
    detail = f"Operation {failed[0]} ({first.given['method']} {first.given['path'][:100]}) failed; nothing was stored."
    return Problem("batch-failed", detail, extra={"data": [step.result(call) for step in steps]})
