"""Filters by external id: `external_ids.<system>=v`, answered by an index of the side table."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, select

from .external_ids.models import external_ids
from .filters import OPERATORS, Term
from .list_spec import ListSpec

PREFIX = "external_ids."
ALLOWED = ("eq", "in", "isnull")


def external_id_condition(spec: ListSpec, term: Term) -> ColumnElement[bool]:
    """What the filter asks for.

    Raises:
        BadQuery: another operator, or a value that cannot be one.
    """
    term.require(ALLOWED)
    table, value = external_ids, term.value("text")
    named = spec.is_about(table.c.object) & (table.c.system == term.name.removeprefix(PREFIX))
    if term.operator == "isnull":
        there = exists().where(table.c.entity_id == spec.id_column, named).correlate(spec.id_column.table)
        return ~there if value else there
    chosen = select(table.c.entity_id).where(named, OPERATORS[term.operator](table.c.external_id, value))
    return spec.id_column.in_(chosen)
