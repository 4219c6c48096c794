"""One grammar for every list: filters, sort, keyset paging and the form of the answer, in the API and the portal.

`list_query` reads the parameters, this module runs them; docs/querying.md says what they mean. A page costs the same
wherever it starts: the cursor holds the last row's sort values, never an offset. NULLs sort last, text by code point,
the id breaks ties.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select, func

from . import cursors
from .columns import Moment
from .db import Row, Session
from .keyset import Nulls, Order, nulls_of, ordered, page_values
from .list_query import DEFAULT_LIMIT, LARGEST_LIMIT, MOST_PARAMETERS, PAGING, ListQuery, parse
from .list_spec import ListSpec, Reference, Sortable
from .metadata_filters import PREFIX, Definitions, definitions, with_value, without_value
from .sorting import MetadataSort, Sort

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


Run = Callable[[Select[Any], Mapping[str, Any]], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows and the cursor of the next, None at the end; `total`: how many there are, when asked for."""

    rows: Sequence[Row]
    next: str | None
    limit: int
    total: int | None = None


def fetch(
    session: Session,
    query: ListQuery,
    statement: Select[Any],
    project_ids: Collection[str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Page:
    """Run one page of `statement`; its columns must include those of the sort and `id`.

    Args:
        statement: what is built on it is remembered as long as it is: keep one for each list, and give what differs
            from call to call as `values` of its bound parameters.
        project_ids: the projects in which the rows can be, so far as is known: their definitions say what metadata
            is compared as. None for all.

    Raises:
        BadQuery: metadata that is not defined, or not as the query needs it.
    """
    known = _definitions(session, query, project_ids)
    given = values or {}

    def run(chosen: Select[Any], more: Mapping[str, Any]) -> Sequence[Row]:
        found = session.execute(chosen, {**given, **more})
        names = tuple(found.keys())
        # Plain dicts: reading fifty of SQLAlchemy's mappings costs more than the statement.
        return [dict(zip(names, row, strict=True)) for row in found.all()]

    conditions = [*query.conditions, *known.conditions(query.spec, query.metadata)]
    statement = statement.where(*conditions) if conditions else statement
    total = None
    if query.total:
        counted = statement.with_only_columns(func.count(), maintain_column_froms=True)
        total = int(session.execute(counted, given).scalar_one())
    rows = _rows(run, query, statement, known)
    if len(rows) <= query.limit:
        return Page(rows, None, query.limit, total)
    last = rows[query.limit - 1]
    value = [last.get("sort_value")] if query.sort.metadata else []
    cursor = cursors.encode(query.sort.signature, [*value, *(last[_sorted_by(order)] for order in query.sort.orders)])
    return Page(rows[: query.limit], cursor, query.limit, total)


def _definitions(session: Session, query: ListQuery, project_ids: Collection[str] | None) -> Definitions:
    asked = {term.name.removeprefix(PREFIX): term.parameter for term in query.metadata}
    if query.sort.metadata is not None:
        asked.setdefault(query.sort.metadata.key, "sort")
    if not asked:
        return Definitions({})
    scope = query.project_ids
    if project_ids is not None:
        scope = frozenset(project_ids) if scope is None else scope & frozenset(project_ids)
    return definitions(session, query.spec, asked, scope)


def _rows(run: Run, query: ListQuery, statement: Select[Any], known: Definitions) -> Sequence[Row]:
    """One row more than the page when there are more."""
    if query.sort.metadata is not None:
        return _rows_by_metadata(run, query, query.sort.metadata, statement, known)
    # A statement with conditions of its own is built for this call alone: there is nothing to remember.
    build = _built_page if query.conditions or query.metadata else _page_of
    chosen = build(statement, query.sort, nulls_of(query.after))
    return run(chosen, page_values(query.after, query.limit + 1))


# What a list without filters sends, by its statement: building it anew for every page costs as much as running it.
_built: WeakKeyDictionary[Select[Any], dict[tuple[Sort, Nulls], Select[Any]]] = WeakKeyDictionary()


def _page_of(statement: Select[Any], sort: Sort, nulls: Nulls) -> Select[Any]:
    known = _built.setdefault(statement, {})
    if (sort, nulls) not in known:
        known[sort, nulls] = _built_page(statement, sort, nulls)
    return known[sort, nulls]


def _built_page(statement: Select[Any], sort: Sort, nulls: Nulls) -> Select[Any]:
    exact = [order.column.label(_sorted_by(order)) for order in sort.orders if _is_moment(order)]
    return ordered(statement.add_columns(*exact) if exact else statement, sort.orders, nulls)


def _is_moment(order: Order) -> bool:
    return isinstance(order.column.type, Moment)


def _sorted_by(order: Order) -> str:
    """The member of a row that holds its sort value; of a time the exact one, in whatever form the row shows it."""
    return f"exact_{order.name}" if _is_moment(order) else order.name


def _rows_by_metadata(
    run: Run, query: ListQuery, sort: MetadataSort, statement: Select[Any], known: Definitions
) -> Sequence[Row]:
    """Those with a value by its index; a second statement for those without, when the first leaves room."""
    kind, by_id = known.sort_type(sort.key), query.sort.orders
    value, row_id = query.after or (None, None)
    rows: list[Row] = []
    most = query.limit + 1
    if query.after is None or value is not None:
        chosen, columns = with_value(query.spec, statement, sort.key, kind.column)
        orders = (Order("sort_value", columns[0], sort.descending), Order("id", columns[1], by_id[0].descending))
        past = None if value is None else (cursors.value(kind.cursor_word, value, nullable=False), row_id)
        rows += run(ordered(chosen, orders, nulls_of(past)), page_values(past, most))
        row_id = None
    if len(rows) < most:
        chosen = without_value(query.spec, statement, sort.key, kind.column)
        after = None if row_id is None else (row_id,)
        rows += run(ordered(chosen, by_id, nulls_of(after)), page_values(after, most - len(rows)))
    return rows
