"""One grammar for every list: filters, sort, keyset paging and the form of the answer, in the API and the portal.

`list_query` reads the parameters, this module runs them, `page_forms` says how their rows are read; docs/querying.md
says what they mean. A page costs the same wherever it starts: the cursor holds the last row's sort values, never an
offset. NULLs sort last, text by code point, the id breaks ties.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select, func

from . import cursors
from .db import Row, Session
from .documents import Document
from .keyset import Order, nulls_of, page_values
from .list_query import DEFAULT_LIMIT, LARGEST_LIMIT, MOST_PARAMETERS, PAGING, ListQuery, parse
from .list_spec import ListSpec, Reference, Sortable
from .metadata_filters import PREFIX, Comparison, Definitions, definitions, with_value, without_value
from .narrowing import Narrowing
from .page_forms import Documents, Form, Part, Rows, Unwritten
from .sorting import MetadataSort

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
    known = definitions_of(session, query, project_ids)
    given = values or {}
    conditions = [*query.conditions, *known.conditions(query.spec, query.metadata)]
    narrowed = statement.where(*conditions) if conditions else statement
    total = _counted(session, narrowed, given) if query.total else None
    narrowing = Narrowing.of(conditions) if document is not None else None
    if document is not None and narrowing is not None:
        with suppress(Unwritten):
            part = _Reader(session, query, given, Documents(document), statement, narrowing).page(known)
            return Page((), _next(query, part), query.limit, total, part.rows[: query.limit])
    part = _Reader(session, query, given, Rows(), narrowed, None if conditions else NOT_NARROWED).page(known)
    return Page(part.rows[: query.limit], _next(query, part), query.limit, total)


def count(
    session: Session,
    query: ListQuery,
    statement: Select[Any],
    project_ids: Collection[str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> int:
    """How many rows `statement` has on all pages. See `fetch`."""
    known = definitions_of(session, query, project_ids)
    return _counted(
        session, statement.where(*query.conditions, *known.conditions(query.spec, query.metadata)), values or {}
    )


def _counted(session: Session, narrowed: Select[Any], given: Mapping[str, Any]) -> int:
    counted = narrowed.with_only_columns(func.count(), maintain_column_froms=True)
    return int(session.execute(counted, given).scalar_one())


def _next(query: ListQuery, part: Part) -> str | None:
    if part.last is None or len(part.rows) <= query.limit:
        return None
    return cursors.encode(query.sort.signature, part.last)


def definitions_of(session: Session, query: ListQuery, project_ids: Collection[str] | None) -> Definitions:
    """What the metadata that a query names is compared as, in these projects; None for all.

    Raises:
        BadQuery: see `fetch`.
    """
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
    """Reads one page, one row further than it goes when there is one, and the sort values of the page's last.

    Attributes:
        narrowing: the conditions to put on the statement, and to remember it by. None: it has conditions that serve
            this call alone, and there is nothing to remember.
    """

    session: Session
    query: ListQuery
    given: Mapping[str, Any]
    form: Form
    statement: Select[Any]
    narrowing: Narrowing | None

    def page(self, known: Definitions) -> Part:
        sort, narrowing, chosen = self.query.sort, self.narrowing, self.statement
        if narrowing is not None:
            chosen = self._remembered((), lambda: narrowing.applied(self.statement))
        if sort.metadata is not None:
            return self._page_by_metadata(sort.metadata, known.sort_type(sort.metadata.key), chosen)
        return self._part((), chosen, sort.orders, self.query.after, 0)

    def _page_by_metadata(self, sort: MetadataSort, kind: Comparison, statement: Select[Any]) -> Part:
        """Those with a value by its index; a second statement for those without, when the first leaves room."""
        spec, (by_id,) = self.query.spec, self.query.sort.orders
        value, row_id = self.query.after or (None, None)
        found = Part((), None)
        if self.query.after is None or value is not None:
            key = ("with", sort, kind.column, by_id)
            chosen, orders = self._remembered(key, lambda: with_value_of(spec, statement, sort, kind, by_id))
            past = None if value is None else (cursors.value(kind.cursor_word, value, nullable=False), row_id)
            found = self._part(key, chosen, orders, past, 0)
            row_id = None
        if len(found.rows) > self.query.limit:
            return found
        key = ("without", sort, kind.column, by_id)
        chosen = self._remembered(key, lambda: without_value(spec, statement, sort.key, kind.column))
        rest = self._part(key, chosen, (by_id,), None if row_id is None else (row_id,), len(found.rows))
        last = found.last or (None if rest.last is None else [None, *rest.last])
        return Part([*found.rows, *rest.rows], last)

    def _part(
        self, key: Key, chosen: Select[Any], orders: tuple[Order, ...], after: Sequence[Any] | None, had: int
    ) -> Part:
        """What the statement remembered under this key adds to the rows that a page has already."""
        nulls, kept = nulls_of(after), self.narrowing is not None
        key = (*key, type(self.form), orders, nulls)
        built = self._remembered(key, lambda: self.form.build(chosen, orders, nulls))
        values = {**self.given, **page_values(after, self.query.limit + 1 - had)}
        if self.narrowing is not None:
            values.update(self.narrowing.values)
        return self.form.read(self.session, built, orders, values, max(self.query.limit - 1 - had, 0), kept=kept)

    def _remembered(self, key: Key, build: Callable[[], Any]) -> Any:
        """What was built on the statement under this key, with conditions of the same form."""
        if self.narrowing is None:
            return build()
        known = _built.setdefault(self.statement, {})
        whole = (self.narrowing.key, key)
        found = known.get(whole)
        if found is None:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            found = known[whole] = build()
        return found


def with_value_of(
    spec: ListSpec, statement: Select[Any], sort: MetadataSort, kind: Comparison, by_id: Order
) -> tuple[Select[Any], tuple[Order, ...]]:
    """The rows that have a value for a sort by metadata, and their order."""
    chosen, (value, entity_id) = with_value(spec, statement, sort.key, kind.column)
    return chosen, (Order("sort_value", value, sort.descending), Order("id", entity_id, by_id.descending))


Key = tuple[Hashable, ...]
# Of one list. Its callers choose sorts and filters, and there are more of them than memory holds.
MOST_REMEMBERED = 100
# What a list sends, by its statement: building it anew for every page costs more than running it.
_built: WeakKeyDictionary[Select[Any], dict[Key, Any]] = WeakKeyDictionary()
NOT_NARROWED = Narrowing((), (), {}, {})
