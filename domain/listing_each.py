"""A page of many lists at once, such as the scenes of each of fifty projects: one statement, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select, true

from . import cursors
from .db import Row, Session, Str
from .json_rows import as_json, given_rows
from .keyset import MOST_ROWS, Order, nulls_of, ordered, page_values, past_row
from .list_query import ListQuery
from .listing import Page, definitions_of, fetch, with_value_of
from .metadata_filters import Definitions, without_value
from .page_forms import read_rows, sort_values, with_exact

# One statement's part of the pages: what it selects from, its order, and the sort values of the row before.
_Part = tuple[Select[Any], tuple[Order, ...], Sequence[Any] | None]


@dataclass(frozen=True, slots=True, eq=False)
class Each:
    """A list that many objects have.

    Attributes:
        statement: the rows of all of them.
        parent: the column that names whose a row is.
    """

    statement: Select[Any]
    parent: ColumnElement[str]

    def fetch(
        self, session: Session, query: ListQuery, ids: Collection[str], project_ids: Collection[str]
    ) -> dict[str, Page]:
        """The same page of each one's list, by its id. For the rest see `listing.fetch`.

        One list alone is read as any other.
        """
        if len(ids) == 1:
            (only,) = ids
            mine = self.statement.where(self.parent == bindparam("parent_id"))
            return {only: fetch(session, query, mine, project_ids, {"parent_id": only})}
        known = definitions_of(session, query, project_ids)
        found: dict[str, list[Row]] = {each: [] for each in ids}
        for chosen, orders, after in _parts(query, known, self._narrowed(query, known)):
            first = self._first_of_each(session.dialect, chosen, orders, after)
            for row in read_rows(session, first, {**_named(ids), **page_values(after, query.limit + 1)}):
                found[row["page_of"]].append(row)
        return {each: _page(query, rows) for each, rows in found.items()}

    def count(
        self, session: Session, query: ListQuery, ids: Collection[str], project_ids: Collection[str]
    ) -> dict[str, int]:
        """How many rows each one's list has on all pages, by its id."""
        given = given_rows(session.dialect, id=Str)
        chosen = self._narrowed(query, definitions_of(session, query, project_ids))
        chosen = chosen.where(self.parent.in_(select(given.c.id)))
        counted = chosen.with_only_columns(self.parent, func.count(), maintain_column_froms=True).group_by(self.parent)
        found = session.execute(counted, _named(ids))
        return {**dict.fromkeys(ids, 0), **{each: int(number) for each, number in found}}

    def _narrowed(self, query: ListQuery, known: Definitions) -> Select[Any]:
        return self.statement.where(*query.conditions, *known.conditions(query.spec, query.metadata))

    def _first_of_each(
        self, dialect: str, chosen: Select[Any], orders: tuple[Order, ...], after: Sequence[Any] | None
    ) -> Select[Any]:
        """Of the rows of each of the `_named`, the first ones, numbered in this order.

        PostgreSQL reads those of one parent after the other, by an index no further than asked. SQLite has nothing of
        the kind: it numbers all of them.
        """
        given = given_rows(dialect, id=Str)
        place = func.row_number().over(partition_by=self.parent, order_by=[order.clause for order in orders])
        rows = past_row(with_exact(chosen, orders), orders, nulls_of(after))
        rows = rows.add_columns(self.parent.label("page_of"), place.label("place"))
        if dialect == "postgresql":
            mine = ordered(rows.where(self.parent == given.c.id), orders, None).lateral("mine")
            return select(mine).join_from(given, mine, true()).order_by(mine.c.page_of, mine.c.place)
        numbered = rows.where(self.parent.in_(select(given.c.id))).subquery("numbered")
        return select(numbered).where(numbered.c.place <= MOST_ROWS).order_by(numbered.c.page_of, numbered.c.place)


def _named(ids: Collection[str]) -> dict[str, str]:
    """What a statement is executed with that names these parents."""
    return as_json({"id": each} for each in sorted(ids))


def _parts(query: ListQuery, known: Definitions, chosen: Select[Any]) -> Iterator[_Part]:
    """In a sort by metadata those with a value come first, by a statement of their own."""
    sort = query.sort
    if sort.metadata is None:
        yield chosen, sort.orders, query.after
        return
    kind, (by_id,) = known.sort_type(sort.metadata.key), sort.orders
    value, row_id = query.after or (None, None)
    if query.after is None or value is not None:
        with_one, orders = with_value_of(query.spec, chosen, sort.metadata, kind, by_id)
        past = None if value is None else (cursors.value(kind.cursor_word, value, nullable=False), row_id)
        yield with_one, orders, past
        row_id = None
    rest = without_value(query.spec, chosen, sort.metadata.key, kind.column)
    yield rest, (by_id,), None if row_id is None else (row_id,)


def _page(query: ListQuery, rows: Sequence[Row]) -> Page:
    shown = rows[: query.limit]
    return Page(shown, cursor_after(query, shown[-1]) if len(rows) > query.limit else None, query.limit)


def cursor_after(query: ListQuery, row: Row) -> str:
    """The cursor after a row of a page that `fetch` read as rows."""
    sort = query.sort
    if sort.metadata is None:
        return cursors.encode(sort.signature, sort_values(row, sort.orders))
    value = row.get("exact_sort_value", row.get("sort_value"))
    return cursors.encode(sort.signature, (value, row["id"]))
