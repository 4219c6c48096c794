"""What may be asked: the nouns of the studio, their lists, and what they name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLID,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)
from marshmallow.fields import Nested

from domain.access import Actor
from domain.approvals.models import approvals
from domain.approvals.queries import ALL_APPROVALS, APPROVALS, approvals_seen_by, represent_approval
from domain.db import Row, Session
from domain.entities import Kind, listed, listed_within, represent, within_values
from domain.errors import NotFound
from domain.events.models import events
from domain.events.queries import HAPPENED, HISTORY, represent_event
from domain.jobs.models import jobs
from domain.jobs.queries import ALL_JOBS, JOB, JOBS, represent_job, visible_jobs
from domain.list_spec import Reference
from domain.listing_each import Each
from domain.metadata.queries import ENTITIES, entities_seen_by, represent_entity
from domain.metadata_fields.models import metadata_fields
from domain.metadata_fields.queries import ALL_FIELDS, FIELDS, represent_field
from domain.studio import ASSETS, BY_OBJECT, KINDS
from domain.takes.models import takes
from domain.takes.queries import ALL_TAKES, TAKE, TAKES, represent_take

from ..operation import Operation
from .connections import Connections, Listed, Seen
from .events import event_type
from .loaders import Info
from .types import Types

LOADS = "loads"  # marks a field that loads an object
_ONE_ID = {"id": GraphQLArgument(GraphQLNonNull(GraphQLID))}

NODE = GraphQLInterfaceType(
    "Node",
    {"id": GraphQLField(GraphQLNonNull(GraphQLID)), "object": GraphQLField(GraphQLNonNull(GraphQLString))},
    resolve_type=lambda node, *_: node["object"].title(),
    description="A project, character, scene, segment, job or take.",
)


class Queries:
    """Builds `Query` and the fields between objects.

    Args:
        operations: REST's, by id; their schemas say what an object shows.
    """

    def __init__(self, types: Types, operations: Mapping[str, Operation]) -> None:
        self._types = types
        self._operations = operations
        self._connections = Connections()

    def build(self) -> GraphQLObjectType:
        """`Query`; the types get the fields that lead from one to another."""
        found = {"me": self._me(), "node": _one("Any object by its id.", NODE, _load_any)}
        for kind in KINDS:
            self._types.interfaces[kind.object.title()].append(NODE)
            found[kind.object] = _one(
                f"A {kind.object} by its id.", self._type(f"get_{kind.object}"), _LOADERS[kind.prefix]
            )
        for kind in KINDS:
            found[kind.plural] = self._entities(kind)
        found |= self._jobs()
        found["take"] = self._takes()
        found["approvals"] = self._approvals()
        self._metadata_fields()
        self._events()
        entities = Listed(ENTITIES, represent_entity, self._type("list_metadata"))
        found["entities"] = self._connections.root(
            entities, lambda actor: Seen(entities_seen_by(actor), actor.project_ids), "All of them, by their metadata."
        )
        return GraphQLObjectType("Query", found)

    def _type(self, operation_id: str) -> GraphQLObjectType:
        made: GraphQLObjectType = self._types.answer(self._operations[operation_id].returns)
        return made

    def _me(self) -> GraphQLField:
        get_me = self._operations["get_me"]

        def resolve(_root: Any, info: Info) -> Any:
            return get_me.view(info.context.call).document["data"]

        return GraphQLField(self._type("get_me"), resolve=resolve, description="The calling key.")

    def _entities(self, kind: Kind) -> GraphQLField:
        """The list of all; the types of its parents get theirs, and its own what it names."""
        made = listed(kind)
        what = Listed(kind.listing, made.show, self._type(f"get_{kind.object}"))
        for parent, column in kind.parents:
            each = Each(made.statement, kind.table.c[column])
            within = BY_OBJECT[parent].listing.project_field
            self._nest(parent.title(), kind.plural, what, each, within)
        self._refer(kind.object.title(), kind.listing.references)

        def seen_by(actor: Actor) -> Seen:
            seen = actor.project_ids
            if seen is None:
                return Seen(made.statement)
            return Seen(listed_within(kind, len(seen)).statement, seen, within_values(seen))

        return self._connections.root(what, seen_by, f"The {kind.plural} that the key sees.")

    def _jobs(self) -> dict[str, GraphQLField]:
        what = Listed(JOBS, represent_job, self._type("get_job"))
        for kind in KINDS:
            column = jobs.c.project_id if kind.object == "project" else jobs.c.target_id
            self._nest(kind.object.title(), "jobs", what, Each(ALL_JOBS, column), kind.listing.project_field)
        self._refer("Job", JOBS.references)
        self._types.interfaces["Job"].append(NODE)
        return {
            "job": _one("A job by its id.", what.type, _LOADERS["job"]),
            "jobs": self._connections.root(
                what, lambda actor: Seen(visible_jobs(actor)), "The jobs that the key sees."
            ),
        }

    def _takes(self) -> GraphQLField:
        what = Listed(TAKES, represent_take, self._type("get_take"))
        for kind in ASSETS:
            self._nest(kind.object.title(), "takes", what, Each(ALL_TAKES, takes.c.target_id), "project_id")
        self._refer("Take", TAKES.references)
        self._types.interfaces["Take"].append(NODE)
        return _one("A take by its id.", what.type, _LOADERS["tak"])

    def _approvals(self) -> GraphQLField:
        what = Listed(APPROVALS, represent_approval, self._type("list_character_approvals"))
        for kind in ASSETS:
            self._nest(kind.object.title(), "approvals", what, Each(ALL_APPROVALS, approvals.c.asset_id), "project_id")
        self._refer("Approval", APPROVALS.references)
        return self._connections.root(
            what, lambda actor: Seen(approvals_seen_by(actor)), "The decisions that the key sees, newest first."
        )

    def _events(self) -> None:
        decided_by = self._operations["list_character_approvals"].returns().fields["decided_by"]
        assert isinstance(decided_by, Nested)
        what = Listed(HISTORY, represent_event, event_type(self._types.answer(type(decided_by.schema))))
        for owner in (*(kind.object for kind in KINDS), "job"):
            within = "id" if owner == "project" else "project_id"
            self._nest(owner.title(), "events", what, Each(HAPPENED, events.c.entity_id), within)

    def _metadata_fields(self) -> None:
        what = Listed(FIELDS, represent_field, self._type("list_project_metadata_fields"))
        self._nest("Project", "metadata_fields", what, Each(ALL_FIELDS, metadata_fields.c.project_id), "id")
        self._refer("MetadataField", FIELDS.references)

    def _nest(self, parent: str, name: str, what: Listed, each: Each, project_field: str) -> None:
        text = f"Its {name.replace('_', ' ')}."
        self._types.also[parent][name] = self._connections.nested(what, each, project_field, text)

    def _refer(self, owner: str, references: Mapping[str, Reference]) -> None:
        for name, reference in references.items():
            kind = NODE if reference.object is None else self._type(f"get_{reference.object}")
            resolve = partial(_refer_to, name, reference)
            self._types.also[owner][name] = GraphQLField(kind, resolve=resolve, extensions={LOADS: True})


def _one(description: str, kind: GraphQLInterfaceType | GraphQLObjectType, resolve: Any) -> GraphQLField:
    return GraphQLField(kind, _ONE_ID, resolve, description=description, extensions={LOADS: True})


def _loader(load_one: Callable[[Session, Actor, str], Row], show: Callable[[Row], dict[str, Any]]) -> Any:
    def resolve(_root: Any, info: Info, id: str) -> dict[str, Any]:  # noqa: A002 - its name in queries
        call = info.context.call
        return show(load_one(call.session, call.actor, id))

    return resolve


# By the prefix of ids.
_LOADERS = {
    **{kind.prefix: _loader(kind.load, partial(represent, kind)) for kind in KINDS},
    "job": _loader(JOB.load, represent_job),
    "tak": _loader(TAKE.load, represent_take),
}


def _load_any(root: Any, info: Info, id: str) -> dict[str, Any]:  # noqa: A002 - its name in queries
    found = _LOADERS.get(id.partition("_")[0])
    if found is None:
        raise NotFound(f"There is no object {id[:40]!r} that this caller can see.")
    shown: dict[str, Any] = found(root, info, id)
    return shown


def _refer_to(name: str, reference: Reference, parent: dict[str, Any], info: Info) -> Awaitable[Any]:
    """What the parent names: by its id, or in a member `{object, id}`."""
    named = parent.get(name)
    noun, named_id = reference.named_by(parent) if named is None else (named["object"], named["id"])
    found: Awaitable[Any] = info.context.reference(noun, named_id)
    return found
