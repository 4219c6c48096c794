"""What is registered of one method of one path, and how a call of it is let in and answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypedDict

from marshmallow import Schema

from domain.access import Actor, Permission
from domain.db import Row, Session
from domain.entities import Kind
from domain.errors import NotFound

from .answers import Answer
from .bodies import load_body
from .call import Call
from .costs import ONE, Cost
from .waiting import Waits

View = Callable[..., Answer]
LARGEST_ENTITY = 256 * 1024


class Loads(Protocol):
    """A kind of object that a path names: how it is loaded for somebody."""

    def load(self, session: Session, actor: Actor, row_id: str, *, for_update: bool = False) -> Row:
        """The row, as this caller may see it, locked where that is asked for.

        Raises:
            NotFound: there is no such object for this caller.
        """
        ...


class Quick(Enum):
    """What a quick call gives."""

    ONE = "one"
    PAGE = "page"


class Terms(TypedDict, total=False):
    """What not every operation says of itself: the attributes of `Operation` of these names."""

    loads: Loads | None
    largest_body: int
    prepare: Callable[[Call], Any] | None
    creates: Kind | None
    cost: Cost
    finds: Callable[..., Any] | None
    waits: Waits | None
    reads: Callable[[Call], bool] | None
    told: Callable[[Any], Any] | None
    uploads: bool
    quick: Quick | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        id: the operationId.
        permission: what it needs.
        returns: the schema of `data`, or of its items in a list; the domain renders answers.
        body: the schema of the request's body.
        loads: the kind of the object that `<id>` in the rule names; `call.target` holds its row.
        largest_body: bytes; more is answered 413.
        prepare: work that must not hold a transaction, such as resolving a name; done before it begins, for callers
            with the permission. `call.prepared` holds what it gives.
        creates: the kind of what is made of the body alone, so that a batch may make many at once.
        cost: what it takes of the buckets of the calling key.
        finds: finds what else the path names, before the body is read, or raises `NotFound`.
        waits: where a call says how long it waits while there is nothing yet: see `waiting`.
        reads: whether this call only reads, although its method may write.
        told: what the audit is told of a body in place of it; secrets are masked in that too.
        uploads: its body is a file, in `call.upload`, and not read beforehand.
        quick: that it takes a few milliseconds, where a call has nothing to look for; see `gateway`.
    """

    id: str
    method: str
    rule: str
    permission: Permission
    view: View
    returns: type[Schema]
    body: Schema | None = None
    loads: Loads | None = None
    largest_body: int = LARGEST_ENTITY
    prepare: Callable[[Call], Any] | None = None
    creates: Kind | None = None
    cost: Cost = ONE
    finds: Callable[..., Any] | None = None
    waits: Waits | None = None
    reads: Callable[[Call], bool] | None = None
    told: Callable[[Any], Any] | None = None
    uploads: bool = False
    quick: Quick | None = None

    @property
    def recorded(self) -> bool:
        """Whether an `Idempotency-Key` gets the first answer again. Who waits for something wants what there is now."""
        return self.waits is None

    def admit(self, call: Call, path: dict[str, str]) -> None:
        """Load what the path names and check the permission.

        Raises:
            NotFound: there is no such object for this caller.
            Forbidden: the caller may not do this.
        """
        if any("\0" in part for part in path.values()):  # PostgreSQL would refuse to be asked for it
            raise NotFound("Nothing has a name with a NUL character.")
        if self.loads is not None:
            call.set_target(self.loads.load(call.session, call.actor, path.pop("id"), for_update=call.writes))
        call.actor.require(self.permission)
        if self.finds is not None:
            self.finds(call, **path)

    def perform(self, call: Call, path: dict[str, str]) -> Answer:
        """Read the body and call the view."""
        if self.body is None:
            return self.view(call, **path)
        return self.view(call, load_body(call, self.body, self.largest_body), **path)
