"""One grammar for every list: filters, sort, keyset paging and the form of the answer, in the API and the portal.

`list_query` reads the parameters, this module runs them, `page_forms` says how their rows are read; docs/querying.md
says what they mean. A page costs the same wherever it starts: the cursor holds the last row's sort values, never an
offset. NULLs sort last, text by code point, the id breaks ties.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select, func

from . import cursors
from .db import Row, Session
from .documents import Document
from .keyset import Nulls, Order, nulls_of, page_values
from .list_query import DEFAULT_LIMIT, LARGEST_LIMIT, MOST_PARAMETERS, PAGING, ListQuery, parse
from .list_spec import ListSpec, Reference, Sortable
from .metadata_filters import PREFIX, Definitions, definitions, with_value, without_value
from .page_forms import Documents, Form, Part, Rows, Unwritten
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


@dataclass(frozen=True, slots=True)
class Page:
    """One page and the cursor of the next, None at the end.

    Attributes:
        rows: none when the database wrote them.
        total: how many there are, when asked for.
        documents: the rows as JSON texts, when the database wrote them.
    """

    rows: Sequence[Row]
    next: str | None
    limit: int
    total: int | None = None
    documents: Sequence[str] | None = None


def fetch(
    session: Session,
    query: ListQuery,
    statement: Select[Any],
    project_ids: Collection[str] | None = None,
    values: Mapping[str, Any] | None = None,
    document: Document | None = None,
) -> Page:
    """Run one page of `statement`; its columns must include those of the sort and `id`.

    Args:
        statement: what is built on it is remembered as long as it is: keep one for each list, and give what differs
            from call to call as `values` of its bound parameters.
        project_ids: the projects in which the rows can be, so far as is known: their definitions say what metadata
            is compared as. None for all.
        document: of a row, for a page that the database is to write; see `page_forms.Documents`.

    Raises:
        BadQuery: metadata that is not defined, or not as the query needs it.
    """
    known = _definitions(session, query, project_ids)
    given = values or {}
    conditions = [*query.conditions, *known.conditions(query.spec, query.metadata)]
    statement = statement.where(*conditions) if conditions else statement
    total = None
    if query.total:
        counted = statement.with_only_columns(func.count(), maintain_column_froms=True)
        total = int(session.execute(counted, given).scalar_one())
    # Built for this call alone, the statement would cost more than reading its rows does.
    if document is not None and not conditions and query.sort.metadata is None:
        with suppress(Unwritten):
            part = _Reader(session, query, given, Documents(document)).page(statement, known)
            return Page((), _next(query, part), query.limit, total, part.rows[: query.limit])
    part = _Reader(session, query, given, Rows()).page(statement, known)
    return Page(part.rows[: query.limit], _next(query, part), query.limit, total)


def _next(query: ListQuery, part: Part) -> str | None:
    if part.last is None or len(part.rows) <= query.limit:
        return None
    return cursors.encode(query.sort.signature, part.last)


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


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one page, one row further than it goes when there is one, and the sort values of the page's last."""

    session: Session
    query: ListQuery
    given: Mapping[str, Any]
    form: Form

    def page(self, statement: Select[Any], known: Definitions) -> Part:
        query = self.query
        if query.sort.metadata is not None:
            return self._page_by_metadata(query.sort.metadata, statement, known)
        # A statement with conditions of its own is built for this call alone: there is nothing to remember.
        kept = not (query.conditions or query.metadata)
        build = self._remembered if kept else self._built
        built = build(statement, query.sort, nulls_of(query.after))
        values = {**self.given, **page_values(query.after, query.limit + 1)}
        return self.form.read(self.session, built, query.sort.orders, values, query.limit - 1, kept=kept)

    def _built(self, statement: Select[Any], sort: Sort, nulls: Nulls) -> Select[Any]:
        return self.form.build(statement, sort.orders, nulls)

    def _remembered(self, statement: Select[Any], sort: Sort, nulls: Nulls) -> Select[Any]:
        known = _remembered.setdefault(statement, {})
        key = (type(self.form), sort, nulls)
        if key not in known:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            known[key] = self._built(statement, sort, nulls)
        return known[key]

    def _page_by_metadata(self, sort: MetadataSort, statement: Select[Any], known: Definitions) -> Part:
        """Those with a value by its index; a second statement for those without, when the first leaves room."""
        query, kind, by_id = self.query, known.sort_type(sort.key), self.query.sort.orders
        value, row_id = query.after or (None, None)
        found = Part((), None)
        if query.after is None or value is not None:
            chosen, columns = with_value(query.spec, statement, sort.key, kind.column)
            orders = (Order("sort_value", columns[0], sort.descending), Order("id", columns[1], by_id[0].descending))
            past = None if value is None else (cursors.value(kind.cursor_word, value, nullable=False), row_id)
            found = self._part(chosen, orders, past, 0)
            row_id = None
        if len(found.rows) > query.limit:
            return found
        chosen = without_value(query.spec, statement, sort.key, kind.column)
        rest = self._part(chosen, by_id, None if row_id is None else (row_id,), len(found.rows))
        last = found.last or (None if rest.last is None else [None, *rest.last])
        return Part([*found.rows, *rest.rows], last)

    def _part(self, statement: Select[Any], orders: tuple[Order, ...], after: Sequence[Any] | None, had: int) -> Part:
        """What this statement adds to the rows that a page has already."""
        built = self.form.build(statement, orders, nulls_of(after))
        values = {**self.given, **page_values(after, self.query.limit + 1 - had)}
        return self.form.read(self.session, built, orders, values, max(self.query.limit - 1 - had, 0), kept=False)


# Of one list. Its callers choose the sorts, and there are more of them than memory holds.
MOST_REMEMBERED = 100
# What a list without filters sends, by its statement: building it anew for every page costs as much as running it.
_remembered: WeakKeyDictionary[Select[Any], dict[tuple[type[Form], Sort, Nulls], Select[Any]]] = WeakKeyDictionary()
