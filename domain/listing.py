"""One grammar for every list: filters, sort, keyset paging and the form of the answer, in the API and the portal.

`field=v`, `field[op]=v`, `metadata.<key>[op]=v`, `q`, `sort=-created_at,name`, `limit`, `cursor`, `total`, `fields`,
`expand`; see docs/querying.md. Anything unknown is a `BadQuery` that names what is allowed.
A page costs the same wherever it starts: the cursor holds the last row's sort values, never an offset. NULLs sort last,
text by code point, the id breaks ties.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func

from . import cursors
from .db import Session
from .errors import BadQuery
from .filters import Term, boolean, condition, quoted, search, type_word
from .keyset import Order, ordered
from .list_spec import ListSpec, Reference, Sortable
from .metadata_filters import PREFIX, Definitions, definitions, with_value, without_value
from .shape import Shape, parse_shape

__all__ = [
    "DEFAULT_LIMIT", "LARGEST_LIMIT", "MOST_PARAMETERS", "PAGING", "ListQuery", "ListSpec", "Page", "Reference",
    "Sortable", "fetch", "parameters_of", "parse",
]  # fmt: skip
DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
# What every list has beside its filters.
PAGING = ("limit", "cursor", "sort", "total")
# Databases limit how deep conditions are nested.
MOST_PARAMETERS = 50


@dataclass(frozen=True, slots=True)
class MetadataSort:
    """A sort by metadata: rows with a value in its order, then those without; the id breaks ties in each."""

    key: str
    descending: bool
    by_id: Order


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed list request, ready to be put on a SELECT.

    Attributes:
        metadata: the filters whose meaning definitions have yet to say.
        orders: what to sort by; nothing but the id when there is a `metadata_sort`, which comes first.
        after: the values of the cursor; with a `metadata_sort`, its value as it came and the id.
        project_ids: the projects that a filter narrows the list to; None for all.
        shape: what the answer's objects hold.
    """

    spec: ListSpec
    conditions: tuple[ColumnElement[bool], ...]
    metadata: tuple[Term, ...]
    orders: tuple[Order, ...]
    metadata_sort: MetadataSort | None
    limit: int
    after: tuple[Any, ...] | None
    signature: str
    total: bool
    project_ids: frozenset[str] | None
    shape: Shape


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows and the cursor of the next, None at the end; `total`: how many there are, when asked for."""

    rows: Sequence[RowMapping]
    next: str | None
    limit: int
    total: int | None = None


def parameters_of(spec: ListSpec) -> list[str]:
    """The names of every parameter that a list takes, for a refusal; those with operators without them."""
    entity = [f"{PREFIX}<key>"] if spec.entity else []
    return [*spec.fields, *entity, *once_of(spec)]


def once_of(spec: ListSpec) -> list[str]:
    """The names of the parameters that a list takes once: those that are no filters."""
    offered = {"fields": spec.shown, "expand": spec.references, "q": spec.searched}
    return [*PAGING, *(name for name, what in offered.items() if what)]


def parse(spec: ListSpec, parameters: Iterable[tuple[str, str]], also: Iterable[str] = ()) -> ListQuery:
    """Read the query parameters of a list.

    Args:
        spec: what the list offers.
        parameters: name and value pairs as they came.
        also: names that the door handles itself.

    Raises:
        BadQuery: an unknown name, operator, field or sort key, or a value out of range.
    """
    single, terms = _sorted_out(spec, parameters, set(also))
    sort = single.get("sort") or spec.default_sort
    orders, metadata_sort = _orders(spec, sort)
    conditions = [condition(spec.fields, term) for term in terms if not term.name.startswith(PREFIX)]
    if "q" in single:
        conditions.append(search(spec.searched, single["q"]))
    keyed = [] if metadata_sort is None else [(PREFIX + metadata_sort.key, metadata_sort.descending)]
    signature = cursors.signature_of([*keyed, *((order.name, order.descending) for order in orders)])
    return ListQuery(
        spec,
        tuple(conditions),
        tuple(term for term in terms if term.name.startswith(PREFIX)),
        orders,
        metadata_sort,
        _limit(single.get("limit")),
        _after(single.get("cursor"), signature, orders, len(keyed)),
        signature,
        "total" in single and boolean("total", single["total"]),
        _projects(spec, terms),
        parse_shape(spec, single),
    )


def _sorted_out(
    spec: ListSpec, parameters: Iterable[tuple[str, str]], ignored: Collection[str]
) -> tuple[dict[str, str], list[Term]]:
    """The parameters that may be given once, and the filters."""
    single: dict[str, str] = {}
    terms: list[Term] = []
    once = once_of(spec)
    for number, (name, value) in enumerate(parameters, 1):
        if number > MOST_PARAMETERS:
            raise BadQuery(name[:60], f"Keep to {MOST_PARAMETERS} query parameters.")
        if name in once:
            if name in single:
                raise BadQuery(name, f"`{name}` was given twice.")
            single[name] = value
        elif name not in ignored:
            terms.append(_term(spec, name, value))
    return single, terms


def _term(spec: ListSpec, parameter: str, text: str) -> Term:
    term = Term.of(parameter, text)
    if term is None or not (term.name in spec.fields or _is_metadata(spec, term.name)):
        allowed = quoted(parameters_of(spec))
        raise BadQuery(parameter[:60], f"There is no query parameter {parameter[:60]!r} here; there are {allowed}.")
    return term


def _is_metadata(spec: ListSpec, name: str) -> bool:
    return spec.entity is not None and name.startswith(PREFIX) and len(name) > len(PREFIX) and "\0" not in name


def _projects(spec: ListSpec, terms: Iterable[Term]) -> frozenset[str] | None:
    """The projects that the filters narrow the list to."""
    found: frozenset[str] | None = None
    for term in terms:
        if spec.entity and term.name == spec.project_field and term.operator in ("eq", "in"):
            named = frozenset(term.text.split(",") if term.operator == "in" else [term.text])
            found = named if found is None else found & named
    return found


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= LARGEST_LIMIT:
        raise BadQuery("limit", f"`limit` must be a whole number from 1 to {LARGEST_LIMIT}.")
    return int(text)


def _orders(spec: ListSpec, sort: str) -> tuple[tuple[Order, ...], MetadataSort | None]:
    names: list[tuple[str, bool]] = []
    for text in sort.split(","):
        name = text.removeprefix("-")
        if name not in spec.sortable and not _is_metadata(spec, name):
            allowed = quoted([*spec.sortable, *([f"{PREFIX}<key>"] if spec.entity else [])])
            raise BadQuery("sort", f"`sort` cannot use {name[:60]!r}; it may name {allowed}.")
        if any(name == each for each, _ in names):
            raise BadQuery("sort", f"`sort` names {name[:200]!r} twice.")
        names.append((name, text.startswith("-")))
    if all(name != "id" for name, _ in names):
        names.append(("id", names[0][1]))
    (first, descending), *others = names
    if any(name.startswith(PREFIX) for name, _ in others) or (first.startswith(PREFIX) and len(others) > 1):
        raise BadQuery("sort", "`sort` takes metadata as its first term, followed by nothing but `id`.")
    if first.startswith(PREFIX):
        by_id = Order("id", spec.id_column, others[0][1])
        return (by_id,), MetadataSort(first.removeprefix(PREFIX), descending, by_id)
    columns = {name: field.column for name, field in spec.fields.items()} | {"id": spec.id_column}
    return tuple(Order.by(name, columns[name], descending) for name, descending in names), None


def _after(text: str | None, signature: str, orders: Sequence[Order], keyed: int) -> tuple[Any, ...] | None:
    """The cursor's values; one of metadata stays as it came."""
    if not text:
        return None
    plain = cursors.decode(text, signature, keyed + len(orders))
    words = [(type_word(order.column), order.nullable) for order in orders]
    return (*plain[:keyed], *cursors.values(words, plain[keyed:]))


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
    cursor = cursors.encode(query.signature, [*value, *(last[order.name] for order in query.orders)])
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


def _rows(session: Session, query: ListQuery, statement: Select[Any], known: Definitions) -> Sequence[RowMapping]:
    """One row more than the page when there are more."""
    if query.metadata_sort is not None:
        return _rows_by_metadata(session, query, query.metadata_sort, statement, known)
    chosen = ordered(statement, query.orders, query.after)
    return session.execute(chosen.limit(query.limit + 1)).mappings().all()


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
