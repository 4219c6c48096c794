"""The query parameters of a list, read: filters, `q`, `sort`, `limit`, `cursor`, `total`, `fields`, `expand`.

Anything unknown is a `BadQuery` that names what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from . import cursors, external_id_filters, metadata_filters
from .errors import BadQuery
from .external_id_filters import external_id_condition
from .filters import Term, boolean, condition, quoted, search, type_word
from .keyset import Order
from .list_spec import ListSpec
from .shape import Shape, parse_shape

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
# What every list has beside its filters.
PAGING = ("limit", "cursor", "sort", "total")
# Databases limit how deep conditions are nested.
MOST_PARAMETERS = 50
_METADATA, _EXTERNAL = metadata_filters.PREFIX, external_id_filters.PREFIX


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


def parameters_of(spec: ListSpec) -> list[str]:
    """The names of every parameter that a list takes, for a refusal; those with operators without them."""
    entity = [f"{_METADATA}<key>", f"{_EXTERNAL}<system>"] if spec.entity else []
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
    conditions = [condition(spec.fields, term) for term in terms if term.name in spec.fields]
    conditions += [external_id_condition(spec, term) for term in terms if term.name.startswith(_EXTERNAL)]
    if "q" in single:
        conditions.append(search(spec.searched, single["q"]))
    keyed = [] if metadata_sort is None else [(_METADATA + metadata_sort.key, metadata_sort.descending)]
    signature = cursors.signature_of([*keyed, *((order.name, order.descending) for order in orders)])
    return ListQuery(
        spec,
        tuple(conditions),
        tuple(term for term in terms if term.name.startswith(_METADATA)),
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
    if term is None or not (term.name in spec.fields or _is_below(spec, term.name, _METADATA, _EXTERNAL)):
        allowed = quoted(parameters_of(spec))
        raise BadQuery(parameter[:60], f"There is no query parameter {parameter[:60]!r} here; there are {allowed}.")
    return term


def _is_below(spec: ListSpec, name: str, *prefixes: str) -> bool:
    """Whether the list has such names, and this is one of them."""
    return spec.entity is not None and "\0" not in name and any(name.startswith(p) and name != p for p in prefixes)


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
        if name not in spec.sortable and not _is_below(spec, name, _METADATA):
            allowed = quoted([*spec.sortable, *([f"{_METADATA}<key>"] if spec.entity else [])])
            raise BadQuery("sort", f"`sort` cannot use {name[:60]!r}; it may name {allowed}.")
        if any(name == each for each, _ in names):
            raise BadQuery("sort", f"`sort` names {name[:200]!r} twice.")
        names.append((name, text.startswith("-")))
    if all(name != "id" for name, _ in names):
        names.append(("id", names[0][1]))
    (first, descending), *others = names
    if any(name.startswith(_METADATA) for name, _ in others) or (first.startswith(_METADATA) and len(others) > 1):
        raise BadQuery("sort", "`sort` takes metadata as its first term, followed by nothing but `id`.")
    if first.startswith(_METADATA):
        by_id = Order("id", spec.id_column, others[0][1])
        return (by_id,), MetadataSort(first.removeprefix(_METADATA), descending, by_id)
    columns = {name: field.column for name, field in spec.fields.items()} | {"id": spec.id_column}
    return tuple(Order.by(name, columns[name], descending) for name, descending in names), None


def _after(text: str | None, signature: str, orders: Sequence[Order], keyed: int) -> tuple[Any, ...] | None:
    """The cursor's values; one of metadata stays as it came."""
    if not text:
        return None
    plain = cursors.decode(text, signature, keyed + len(orders))
    words = [(type_word(order.column), order.nullable) for order in orders]
    return (*plain[:keyed], *cursors.values(words, plain[keyed:]))
