"""Filters and sorts by metadata: `metadata.<key>[op]=v`, `sort=metadata.<key>`, answered by the typed side table.

What a value is compared as is said by the key's definitions in the projects concerned; a key may have another type in
each. Every condition reads an index of `metadata_values` that begins with the key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from .db import Session
from .errors import BadQuery
from .filters import OPERATORS, OPERATORS_BY_WORD, Term, quoted
from .list_spec import ListSpec
from .metadata.models import metadata_values
from .metadata.types import TYPES
from .metadata_fields.models import metadata_fields

PREFIX = "metadata."
_MOST_NAMED = 40


@dataclass(frozen=True, slots=True)
class Comparison:
    """How values of one type of field are compared.

    Attributes:
        column: where `metadata_values` holds them.
        word: what is given, see `filters.type_word`.
        operators: what they can be compared by.
        sortable: whether an entity has at most one, and an index orders them.
    """

    column: str
    word: str
    operators: tuple[str, ...]
    sortable: bool

    @property
    def cursor_word(self) -> str:
        """The type of what is kept, which for a boolean is 1 or 0."""
        return "number" if self.word == "boolean" else self.word


_WORDS = {"integer": "number", "number": "number", "boolean": "boolean", "date": "date", "datetime": "time"}
# Types that have several values, a long one or a document, and no order.
_UNORDERED: dict[str, tuple[str, ...]] = {
    "enum_list": ("eq", "ne", "in", "isnull"),
    "text": ("eq", "ne", "contains", "isnull"),
    "json": ("isnull",),
}
COMPARISONS: dict[str, Comparison] = {
    name: Comparison(
        value_type.column or "text_value",
        word := _WORDS.get(name, "text"),
        _UNORDERED.get(name, OPERATORS_BY_WORD[word]),
        sortable=name not in _UNORDERED,
    )
    for name, value_type in TYPES.items()
}


@dataclass(frozen=True, slots=True)
class Definitions:
    """The types that the keys of one query have in the projects concerned."""

    types: Mapping[str, frozenset[str]]

    def conditions(self, spec: ListSpec, terms: Sequence[Term]) -> list[ColumnElement[bool]]:
        """What the filters ask for.

        Raises:
            BadQuery: an operator that no type of the key has, or a value that is of none.
        """
        return [_condition(spec, term, self.types[term.name.removeprefix(PREFIX)]) for term in terms]

    def sort_type(self, key: str) -> Comparison:
        """The one type that a sort goes by.

        Raises:
            BadQuery: the key has several, or one without an order.
        """
        words = sorted(self.types[key])
        if len(words) > 1:
            raise BadQuery(
                "sort", f"`metadata.{key}` is {' and '.join(words)} in different projects: narrow by `project_id`."
            )
        if not COMPARISONS[words[0]].sortable:
            sortable = quoted(name for name, found in COMPARISONS.items() if found.sortable)
            raise BadQuery("sort", f"`metadata.{key}` is {words[0]}, which has no order; these types have: {sortable}.")
        return COMPARISONS[words[0]]


def definitions(
    session: Session, spec: ListSpec, parameters: Mapping[str, str], project_ids: Collection[str] | None
) -> Definitions:
    """The types of these keys, in one statement.

    Args:
        parameters: by key, the query parameter that names it.
        project_ids: the projects whose definitions count; None for all.

    Raises:
        BadQuery: a key that none of the projects defines.
    """
    known = [spec.is_about(metadata_fields.c.object)]
    if project_ids is not None:
        known.append(metadata_fields.c.project_id.in_(sorted(project_ids)))
    wanted = metadata_fields.c.key.in_(sorted(parameters))
    found: dict[str, set[str]] = {}
    for key, word in session.execute(
        select(metadata_fields.c.key, metadata_fields.c.type).where(*known, wanted).distinct()
    ):
        found.setdefault(key, set()).add(word)
    for key in parameters.keys() - found.keys():
        defined = select(metadata_fields.c.key).where(*known).distinct().order_by(metadata_fields.c.key)
        keys = session.execute(defined.limit(_MOST_NAMED)).scalars().all()
        there_are = f"there are {quoted(keys)}" if keys else "there are none"
        raise BadQuery(
            parameters[key][:200], f"No field {key[:60]!r} is defined for {spec.entity} metadata here; {there_are}."
        )
    return Definitions({key: frozenset(words) for key, words in found.items()})


def _condition(spec: ListSpec, term: Term, words: Collection[str]) -> ColumnElement[bool]:
    types = [COMPARISONS[word] for word in sorted(words)]
    term.require([name for name in OPERATORS if any(name in each.operators for each in types)])
    key = term.name.removeprefix(PREFIX)
    if term.operator == "isnull":
        return ~_has(spec, key) if term.value("text") else _has(spec, key)
    asked: list[tuple[str, Any]] = []
    refusal: BadQuery | None = None
    for each in types:
        if term.operator in each.operators:
            try:
                value = (each.column, _stored(each, term.value(each.word)))
                asked += [value] if value not in asked else []
            except BadQuery as error:
                refusal = error
    if refusal is not None and not asked:
        raise refusal
    if term.operator == "ne":
        return and_(*(~_has(spec, key, metadata_values.c[column] == value) for column, value in asked))
    return or_(*(_with(spec, key, OPERATORS[term.operator](metadata_values.c[name], value)) for name, value in asked))


def _stored(kind: Comparison, value: Any) -> Any:
    """The value as the side table holds it: a boolean is 1 or 0."""
    if kind.word != "boolean":
        return value
    return [int(each) for each in value] if isinstance(value, list) else int(value)


def _with(spec: ListSpec, key: str, fits: ColumnElement[bool]) -> ColumnElement[bool]:
    chosen = select(metadata_values.c.entity_id).where(metadata_values.c.key == key, fits)
    return spec.id_column.in_(chosen)


def _has(spec: ListSpec, key: str, *fits: ColumnElement[bool]) -> ColumnElement[bool]:
    same = metadata_values.c.entity_id == spec.id_column
    return exists().where(same, metadata_values.c.key == key, *fits).correlate(spec.id_column.table)


def with_value(
    spec: ListSpec, statement: Select[Any], key: str, column: str
) -> tuple[Select[Any], tuple[ColumnElement[Any], ColumnElement[Any]]]:
    """The rows of `statement` that have a value, each with it as `sort_value`; the columns whose index orders them."""
    table = metadata_values
    joined = and_(table.c.entity_id == spec.id_column, table.c.key == key)
    chosen = (
        statement.add_columns(table.c[column].label("sort_value"))
        .join_from(spec.id_column.table, table, joined)
        .where(table.c[column].is_not(None))
    )
    return chosen, (table.c[column], table.c.entity_id)


def without_value(spec: ListSpec, statement: Select[Any], key: str, column: str) -> Select[Any]:
    """The rows of `statement` that have none."""
    return statement.where(~_has(spec, key, metadata_values.c[column].is_not(None)))
