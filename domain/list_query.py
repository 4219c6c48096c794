"""The query parameters of a list, read: filters, `q`, `sort`, `limit`, `cursor`, `total`, `fields`, `expand`.

Anything unknown is a `BadQuery` that names what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from . import external_id_filters, metadata_filters
from .errors import BadQuery
from .external_id_filters import external_id_condition
from .filters import Term, boolean, condition, quoted, search
from .list_spec import ListSpec
from .shape import Shape, parse_shape
from .sorting import Sort, is_below, read_sort

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
# What every list has beside its filters.
PAGING = ("limit", "cursor", "sort", "total")
# Databases limit how deep conditions are nested.
MOST_PARAMETERS = 50
_METADATA, _EXTERNAL = metadata_filters.PREFIX, external_id_filters.PREFIX


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed list request, ready to be put on a SELECT.

    Attributes:
        metadata: the filters whose meaning definitions have yet to say.
        after: the values of the cursor; in a sort by metadata, its value as it came and the id.
        project_ids: the projects that a filter narrows the list to; None for all.
        shape: what the answer's objects hold.
    """

    spec: ListSpec
    conditions: tuple[ColumnElement[bool], ...]
    metadata: tuple[Term, ...]
    sort: Sort
    limit: int
    after: tuple[Any, ...] | None
    total: bool
    project_ids: frozenset[str] | None
    shape: Shape


def parameters_of(spec: ListSpec) -> list[str]:
    """The names of every parameter that a list takes, for a refusal; those with operators without them."""
    entity = [f"{_METADATA}<key>", f"{_EXTERNAL}<system>"] if spec.entity else []
    return [*spec.fields, *entity, *once_of(spec)]


def once_of(spec: ListSpec) -> list[str]:
    """The names of the parameters that a list takes once: those that are no filters."""
    if spec.once:
        return list(spec.once)
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
    sort = read_sort(spec, single.get("sort") or spec.default_sort)
    conditions = [condition(spec.fields, term) for term in terms if term.name in spec.fields]
    conditions += [external_id_condition(spec, term) for term in terms if term.name.startswith(_EXTERNAL)]
    if "q" in single:
        conditions.append(search(spec.searched, single["q"]))
    return ListQuery(
        spec,
        tuple(conditions),
        tuple(term for term in terms if term.name.startswith(_METADATA)),
        sort,
        _limit(single.get("limit")),
        sort.read_cursor(single["cursor"]) if single.get("cursor") else None,
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
    if term is None or not (term.name in spec.fields or is_below(spec, term.name, _METADATA, _EXTERNAL)):
        allowed = quoted(parameters_of(spec))
        raise BadQuery(parameter[:60], f"There is no query parameter {parameter[:60]!r} here; there are {allowed}.")
    return term


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
