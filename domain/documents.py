"""JSON documents that the database writes: of a row, and of many in one value. How each database does it is said here.

Read back, a document is what `orjson` would have written of the same row: the same members in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Boolean, Column, ColumnElement, Integer, String, literal_column
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from .columns import Json, Moment, written

# Stands between the texts of `joined`: no compact JSON text holds one.
SEPARATOR = "\n"
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]  # no types there


Members = Sequence[tuple[str, Column[Any] | str]]


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """The JSON object of a row.

    Attributes:
        text: compact; NULL where PostgreSQL would write a number otherwise than it is shown.
        exact: the names of the columns whose values can be read from it. A time is shown shorter than it is kept.
    """

    text: ColumnElement[str]
    exact: frozenset[str]

    @classmethod
    def of(cls, members: Members) -> Document:
        """With these members, in this order: by name, a column or a text that is the same in every row."""
        columns = {name: member for name, member in members if isinstance(member, Column)}
        text = _Document(literal_column(_in_sqlite(members)), literal_column(_in_postgresql(members)))
        return cls(text, frozenset(name for name, column in columns.items() if not isinstance(column.type, Moment)))


class _Document(FunctionElement[str]):
    """The same in the words of SQLite and of PostgreSQL."""

    type = String()
    inherit_cache = True


@compiles(_Document, "sqlite")
def _document_sqlite(element: _Document, compiler: SQLCompiler, **options: Any) -> str:
    in_sqlite, _ = element.clauses
    return compiler.process(in_sqlite, **options)


@compiles(_Document, "postgresql")
def _document_postgresql(element: _Document, compiler: SQLCompiler, **options: Any) -> str:
    _, in_postgresql = element.clauses
    return compiler.process(in_postgresql, **options)


def _in_sqlite(members: Members) -> str:
    return f"printf({_arguments(members, _sqlite_text)})"


def _sqlite_text(column: Column[Any]) -> tuple[str, str]:
    if isinstance(column.type, Json | Integer) and not column.nullable:
        return "%s", str(column)  # it is kept as JSON text, or reads the same
    if isinstance(column.type, Moment) and not column.nullable:
        return '"%.23sZ"', str(column)  # see `written`, which takes two calls more
    if _is_id(column):
        return '"%s"', str(column)
    if isinstance(column.type, Boolean):
        return "%s", f"CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END"
    return "%s", f"json_quote({column})"


def _is_id(column: Column[Any]) -> bool:
    """Whether it always holds an id, of which no character is quoted."""
    return not column.nullable and (column.primary_key or bool(column.foreign_keys))


def _in_postgresql(members: Members) -> str:
    """JSONB writes numbers in full: 1e22 with all its zeros, which Python and others read as a whole number.

    What is no whole number of 64 bits was given as a float. In full it has 19 digits or more, of which 17 count: two
    zeros are among them, and looking for those is cheap.
    """
    made = f"format({_arguments(members, _postgresql_text)})"
    kept = [f"{column}::text" for _, column in members if isinstance(column, Column) and isinstance(column.type, Json)]
    if not kept:
        return made
    spelled_out = " OR ".join(f"(strpos({text}, '00') > 0 AND {text} ~ '[0-9]{{19}}')" for text in kept)
    return f"CASE WHEN {spelled_out} THEN NULL ELSE {made} END"


def _postgresql_text(column: Column[Any]) -> tuple[str, str]:
    if isinstance(column.type, Moment) and not column.nullable:
        return '"%s"', str(written(column).compile(dialect=_POSTGRESQL))
    if _is_id(column):
        return '"%s"', str(column)
    text = f"{column}::text" if isinstance(column.type, Json) else f"to_json({column})::text"
    return "%s", f"coalesce({text}, 'null')" if column.nullable else text


def _arguments(members: Members, write: Callable[[Column[Any]], tuple[str, str]]) -> str:
    """Those of printf or format: the template, and what stands at its places."""
    pairs: list[str] = []
    values: list[str] = []
    for name, member in members:
        label = orjson.dumps(name).decode()
        if isinstance(member, str):
            pairs.append(f"{label}:{orjson.dumps(member).decode()}")
        else:
            mark, value = write(member)
            pairs.append(f"{label}:{mark}")
            values.append(value)
    return ", ".join(["'{" + ",".join(pairs) + "}'", *values])


class _Joined(FunctionElement[str]):
    type = String()
    inherit_cache = True


def joined(documents: ColumnElement[str]) -> ColumnElement[str]:
    """An aggregate: the documents in the order in which rows come, with SEPARATOR between; NULL for no rows."""
    return _Joined(documents)


@compiles(_Joined, "postgresql")
def _joined_postgresql(element: _Joined, compiler: SQLCompiler, **options: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **options)}, chr(10))"


@compiles(_Joined, "sqlite")
def _joined_sqlite(element: _Joined, compiler: SQLCompiler, **options: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **options)}, char(10))"
