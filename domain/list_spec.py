"""What a list offers: its filters, sorts, searched words, members and references. `domain.listing` does the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, true

# Stands for the object of a list that holds entities of every kind.
ANY_ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Sortable:
    """A field that a list may be filtered and sorted by.

    Attributes:
        column: what is compared; of a JSON object, the names of its members are.
        choices: the only values there are; a filter by another is refused. None: any.
    """

    column: ColumnElement[Any]
    sortable: bool = True
    choices: Sequence[str] | None = None

    @classmethod
    def from_columns(
        cls, columns: Mapping[str, ColumnElement[Any]], **choices: Sequence[str] | None
    ) -> dict[str, Sortable]:
        """Every column filterable and sortable under its name."""
        return {name: cls(column, choices=choices.get(name)) for name, column in columns.items()}


@dataclass(frozen=True, slots=True)
class Reference:
    """Another object that rows name: what `expand` shows beside its id.

    Attributes:
        column: holds the id.
        object: what it is the id of; None when `object_column` says it of each row.
    """

    column: str
    object: str | None = None
    object_column: str | None = None

    def named_by(self, row: Mapping[Any, Any]) -> tuple[str, str]:
        """The object and the id that the row names."""
        return self.object or row[self.object_column], row[self.column]


@dataclass(frozen=True, slots=True, eq=False)
class ListSpec:
    """What a list offers.

    Attributes:
        id_column: breaks ties.
        fields: by the name used in queries.
        default_sort: the `sort` used when none is given.
        shown: the members of its objects, which `fields` may name.
        references: what `expand` may name.
        searched: the columns that `q` looks in; none: there is no `q`.
        once: the parameters that are no filters, of a list that is not paged but read on: a feed's.
        entity: the object whose metadata and external ids may be asked for, or `ANY_ENTITY`; None: neither.
    """

    id_column: ColumnElement[Any]
    fields: Mapping[str, Sortable]
    default_sort: str
    shown: tuple[str, ...] = ()
    references: Mapping[str, Reference] = field(default_factory=dict)
    searched: tuple[ColumnElement[Any], ...] = ()
    entity: str | None = None
    once: tuple[str, ...] = ()

    @property
    def sortable(self) -> list[str]:
        return sorted(name for name, field in self.fields.items() if field.sortable)

    def is_about(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """Whether a row elsewhere, whose `column` names an object, is about the rows of this list."""
        return true() if self.entity == ANY_ENTITY else column == self.entity

    @property
    def project_field(self) -> str:
        """The field that says which project a row is in."""
        return "id" if self.entity == "project" else "project_id"
