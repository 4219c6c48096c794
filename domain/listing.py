"""One grammar for every list: filters, sort, keyset paging and the form of the answer, in the API and the portal.

`list_query` reads the parameters, this module runs them; docs/querying.md says what they mean. A page costs the same
wherever it starts: the cursor holds the last row's sort values, never an offset. NULLs sort last, text by code point,
the id breaks ties.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Select, func

from . import cursors
from .columns import Moment
from .db import Row, Session
from .keyset import Order, ordered
from .list_query import DEFAULT_LIMIT, LARGEST_LIMIT, MOST_PARAMETERS, PAGING, ListQuery, MetadataSort, parse
from .list_spec import ListSpec, Reference, Sortable
from .metadata_filters import PREFIX, Definitions, definitions, with_value, without_value

__all__ = [
    "DEFAULT_LIMIT",
    "LARGEST_LIMIT",
    "MOST_PARAMETERS",
    "PAGING",
    "ListQuery",
    "ListSpec",
    "Page",
    "Reference",
    "Sortable",
    "fetch",
    "parse",
]


# Where rows hold the time that they are sorted by, whatever form the statement gives it in.
_EXACT = "exact_"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows and the cursor of the next, None at the end; `total`: how many there are, when asked for."""

    rows: Sequence[Row]
    next: str | None
    limit: int
    total: int | None = None


def fetch(
    session: Session, query: ListQuery, statement: Select[Any], project_ids: Collection[str] | None = None
) -> Page:
    """Run one page of `statement`; its columns must include those of the sort and `id`.

    Args:
        project_ids: the projects in which the rows can be, so far as is known: their definitions say what metadata
            is compared as. None for all.

    Raises:
        BadQuery: metadata that is not defined, or not as the query needs it.
    """
    known = _definitions(session, query, project_ids)
    statement = statement.where(*query.conditions, *known.conditions(query.spec, query.metadata))
    total = None
    if query.total:
        counted = statement.with_only_columns(func.count(), maintain_column_froms=True)
        total = int(session.execute(counted).scalar_one())
    rows = _rows(session, query, statement, known)
    if len(rows) <= query.limit:
        return Page(rows, None, query.limit, total)
    last = rows[query.limit - 1]
    value = [last.get("sort_value")] if query.metadata_sort else []
    names = (_EXACT + order.name if _is_moment(order) else order.name for order in query.orders)
    cursor = cursors.encode(query.signature, [*value, *(last[name] for name in names)])
    return Page(rows[: query.limit], cursor, query.limit, total)


def _definitions(session: Session, query: ListQuery, project_ids: Collection[str] | None) -> Definitions:
    asked = {term.name.removeprefix(PREFIX): term.parameter for term in query.metadata}
    if query.metadata_sort is not None:
        asked.setdefault(query.metadata_sort.key, "sort")
    if not asked:
        return Definitions({})
    scope = query.project_ids
    if project_ids is not None:
        scope = frozenset(project_ids) if scope is None else scope & frozenset(project_ids)
    return definitions(session, query.spec, asked, scope)


def _is_moment(order: Order) -> bool:
    return isinstance(order.column.type, Moment)


def _rows(session: Session, query: ListQuery, statement: Select[Any], known: Definitions) -> Sequence[Row]:
    """One row more than the page when there are more."""
    if query.metadata_sort is not None:
        return _rows_by_metadata(session, query, query.metadata_sort, statement, known)
    exact = [order.column.label(_EXACT + order.name) for order in query.orders if _is_moment(order)]
    chosen = ordered(statement.add_columns(*exact) if exact else statement, query.orders, query.after)
    found = session.execute(chosen.limit(query.limit + 1))
    names = tuple(found.keys())
    # Plain dicts: reading fifty mappings of SQLAlchemy's costs more than the statement.
    return [dict(zip(names, row, strict=True)) for row in found.all()]


def _rows_by_metadata(
    session: Session, query: ListQuery, sort: MetadataSort, statement: Select[Any], known: Definitions
) -> Sequence[RowMapping]:
    """Those with a value by its index; a second statement for those without, when the first leaves room."""
    kind = known.sort_type(sort.key)
    value, row_id = query.after or (None, None)
    rows: list[RowMapping] = []
    most = query.limit + 1
    if query.after is None or value is not None:
        chosen, columns = with_value(query.spec, statement, sort.key, kind.column)
        orders = (Order("sort_value", columns[0], sort.descending), Order("id", columns[1], sort.by_id.descending))
        past = None if value is None else (cursors.value(kind.cursor_word, value, nullable=False), row_id)
        rows += session.execute(ordered(chosen, orders, past).limit(most)).mappings()
        row_id = None
    if len(rows) < most:
        chosen = without_value(query.spec, statement, sort.key, kind.column)
        after = None if row_id is None else (row_id,)
        rows += session.execute(ordered(chosen, query.orders, after).limit(most - len(rows))).mappings()
    return rows
