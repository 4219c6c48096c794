"""What projects, characters, scenes and segments share: columns, and the form the API shows.

A noun declares itself once as a `Kind` in its `models.py`; every door reads that declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Select,
    Table,
    UniqueConstraint,
    bindparam,
    select,
    type_coerce,
)

from .access import Actor
from .clock import rfc3339
from .columns import AsStored, written
from .db import Json, LongText, Moment, Row, Str, metadata
from .documents import Document
from .finding import InProject
from .list_spec import ListSpec, Reference, Sortable

# Statuses of a character, scene or segment; projects are `active` or `archived`.
ASSET_STATUSES = ("draft", "in_review", "approved", "rejected", "changes_requested", "archived")


@dataclass(frozen=True, slots=True)
class Kind(InProject):
    """A noun of the studio. Its word is in event types, too.

    Attributes:
        plural: the word in paths, such as `characters`.
        fields: the names shown, in order.
        listing: filters, sorts and the default order.
        parents: objects that its nested lists hang under, and the column that names them.
    """

    plural: str
    fields: tuple[str, ...]
    listing: ListSpec
    parents: tuple[tuple[str, str], ...] = ()

    @property
    def project_column(self) -> ColumnElement[str]:
        """The column that says which project a row is in: a project is in itself."""
        column: ColumnElement[str] = self.table.c.id if self.object == "project" else self.table.c.project_id
        return column


COMMON = ("created_at", "updated_at", "version")


def entity_table(name: str, *columns: Column[Any]) -> Table:
    """A table with the columns that every character, scene and segment has, and those given."""
    return Table(
        name,
        metadata,
        Column("id", Str, primary_key=True),
        Column("project_id", Str, ForeignKey("projects.id"), nullable=False),
        *columns,
        Column("name", Str, nullable=False),
        Column("code", Str, nullable=False),
        Column("description", LongText, nullable=False, server_default=""),
        Column("status", Str, nullable=False, server_default="draft"),
        Column("external_ids", Json, nullable=False, server_default="{}"),
        Column("metadata", Json, nullable=False, server_default="{}"),
        *timestamps(),
        UniqueConstraint("project_id", "code"),
        Index(f"ix_{name}_project_id_name_id", "project_id", "name", "id"),
        Index(f"ix_{name}_name_id", "name", "id"),
        Index(f"ix_{name}_created_at_id", "created_at", "id"),
    )


def timestamps() -> tuple[Column[Any], ...]:
    """`created_at`, `updated_at`, `version`: on everything that can change."""
    return (
        Column("created_at", Moment, nullable=False),
        Column("updated_at", Moment, nullable=False),
        Column("version", Integer, nullable=False, server_default="1"),
    )


def entity_listing(
    object_: str,
    table: Table,
    shown: tuple[str, ...],
    default_sort: str,
    statuses: Sequence[str] = ASSET_STATUSES,
    parents: tuple[tuple[str, str], ...] = (),
    also: tuple[str, ...] = (),
) -> ListSpec:
    """The grammar that every entity's lists have, and filters and sorts by the columns `also`."""
    names = ("id", "project_id", "name", "code", "status", "created_at", "updated_at", "version", *also)
    return ListSpec(
        table.c.id,
        Sortable.from_columns({name: table.c[name] for name in names if name in table.c}, status=statuses),
        default_sort,
        shown=("id", "object", *shown),
        references={parent: Reference(column, parent) for parent, column in reversed(parents)},
        searched=(table.c.name, table.c.code, table.c.description),
        entity=object_,
    )


def represent(kind: Kind, row: Row) -> dict[str, Any]:
    """The entity as the API, the webhooks and the feed show it."""
    data: dict[str, Any] = {"id": row["id"], "object": kind.object}
    for field in kind.fields:
        value = row[field]
        data[field] = rfc3339(value) if isinstance(value, datetime) else value
    return data


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """A list of a kind, in both forms that `fetch` reads.

    Attributes:
        statement: its rows.
        show: shows one as `represent` would, at a fraction of the cost.
        document: what the database writes of one.
    """

    statement: Select[Any]
    show: Callable[[Row], dict[str, Any]]
    document: Document

    def where(self, condition: ColumnElement[bool]) -> Listed:
        """Those rows of it that the condition holds for."""
        return replace(self, statement=self.statement.where(condition))


def listed(kind: Kind) -> Listed:
    """All rows. The database writes the times, and documents that are JSON text already are passed on unread."""
    columns = [kind.table.c[name] for name in ("id", *kind.fields)]
    documents = [column.name for column in columns if isinstance(column.type, Json)]

    def show(row: Row) -> dict[str, Any]:
        data: dict[str, Any] = {"id": row["id"], "object": kind.object}
        for name in kind.fields:
            data[name] = row[name]
        for name in documents:
            if isinstance(text := data[name], str):
                data[name] = orjson.Fragment(text)
        return data

    fields = [(name, kind.table.c[name]) for name in kind.fields]
    whole = Document.of([("id", kind.table.c.id), ("object", kind.object), *fields])
    return Listed(select(*map(_as_listed, columns)), show, whole)


@lru_cache(maxsize=512)
def listed_within(kind: Kind, projects: int) -> Listed:
    """The rows in that many projects, named by the values of `within_values`.

    A statement for each number: one project is an equation, which an index with the list's order answers; a list of
    unknown length is not.
    """
    named = [bindparam(name, type_=kind.project_column.type) for name in _places(projects)]
    return listed(kind).where(kind.project_column.in_(named))


def within_values(project_ids: Collection[str]) -> dict[str, str]:
    """What a statement of `listed_within` is executed with."""
    return dict(zip(_places(len(project_ids)), sorted(project_ids), strict=True))


def _places(projects: int) -> list[str]:
    return [f"project_{number}" for number in range(projects)]


def _as_listed(column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Moment):
        return written(column).label(column.name)
    return type_coerce(column, AsStored()).label(column.name) if isinstance(column.type, Json) else column


def visible(actor: Actor, kind: Kind) -> list[ColumnElement[bool]]:
    """The conditions that keep a list to what the actor sees."""
    if actor.project_ids is None:
        return []
    return [kind.project_column.in_(sorted(actor.project_ids))]
