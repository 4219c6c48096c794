"""Column types, and what differs between SQLite and PostgreSQL in them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import BigInteger, Boolean, ColumnElement, Integer, LargeBinary, Numeric, String, Text, literal
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

# Text sorts by code point on both databases: SQLite compares bytes, PostgreSQL does so under the collation "C".
Str = String().with_variant(String(collation="C"), "postgresql")
LongText = Text().with_variant(Text(collation="C"), "postgresql")
Bytes = LargeBinary
# SQLite numbers rows by itself only when the key is an INTEGER.
Sequence64 = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """A UTC time: TIMESTAMPTZ on PostgreSQL, fixed-width RFC 3339 text (which sorts as time does) on SQLite."""

    impl = postgresql.TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String())
        return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return in_utc.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return]  # psycopg gives a datetime
        return datetime.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """A JSON document: JSONB on PostgreSQL, text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(postgresql.JSONB() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else orjson.loads(value)


class _SqliteNumeric(UserDefinedType[Any]):
    """Whole numbers as 64-bit integers, others as doubles, as Python hands them over; SQLite compares both exactly."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "NUMERIC"


class Number(TypeDecorator[Any]):
    """A number, given and read as an int of 64 bits or a float; it compares the same on both databases.

    Anything else (a Decimal, a larger int) becomes the nearest of these, where it is stored and where it is compared.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_SqliteNumeric() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        number = _plain_number(value)
        # From a float, `Decimal` keeps every binary digit: PostgreSQL's own conversion rounds to 15 decimal ones.
        return number if dialect.name == "sqlite" else Decimal(number)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | float | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else _plain_number(value)


def _plain_number(value: Any) -> int | float:
    if value == (whole := int(value)) and -(2**63) <= whole < 2**63:
        return whole
    return float(value)


class _HasMember(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


def has_member(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether the JSON object in a column has a member of this name, or the JSON list there this text."""
    return _HasMember(column, literal(name, String()))


@compiles(_HasMember, "postgresql")
def _has_member_postgresql(element: _HasMember, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_exists({compiler.process(element.clauses, **options)})"


@compiles(_HasMember, "sqlite")
def _has_member_sqlite(element: _HasMember, compiler: SQLCompiler, **options: Any) -> str:
    column, name = (compiler.process(clause, **options) for clause in element.clauses)
    # Of a list, the keys are numbers.
    is_it = f"member.key = {name} OR (typeof(member.key) = 'integer' AND member.atom = {name})"
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS member WHERE {is_it})"  # noqa: S608 - a bound value


class _AtPath(FunctionElement[Any]):
    """Something said of the value at a path in a JSON text: the clauses are the text and the path, `data.status`.

    The steps of a path are names of members: what is inside a list is at no path.
    """

    type = String()
    inherit_cache = True


class _KindAt(_AtPath):
    inherit_cache = True


class _TextAt(_AtPath):
    inherit_cache = True


def kind_at(document: ColumnElement[str], path: ColumnElement[str] | str) -> ColumnElement[Any]:
    """`string`, `number`, `boolean`, `null`, `array` or `object`; NULL where there is nothing."""
    return _KindAt(document, literal(path, String()) if isinstance(path, str) else path)


def text_at(document: ColumnElement[str], path: ColumnElement[str]) -> ColumnElement[Any]:
    """The text or number there, as a text that compares by code point. Of other kinds it means nothing."""
    return _TextAt(document, path)


class _IsListed(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


def is_listed(
    document: ColumnElement[str], path: ColumnElement[str], values: ColumnElement[str]
) -> ColumnElement[bool]:
    """Whether the value at the path is in a JSON list of texts, numbers and booleans. Numbers compare as doubles."""
    return _IsListed(document, path, values)


def _postgresql_at(document: str, path: str) -> str:
    return f"(CAST({document} AS JSONB) #> string_to_array({path}, '.'))"


def _sqlite_at(document: str, path: str) -> str:
    """The two arguments of SQLite's JSON functions."""
    return f"""{document}, '$."' || replace({path}, '.', '"."') || '"'"""


def _clauses(element: FunctionElement[Any], compiler: SQLCompiler, options: dict[str, Any]) -> list[str]:
    return [compiler.process(clause, **options) for clause in element.clauses]


@compiles(_KindAt, "postgresql")
def _kind_postgresql(element: _KindAt, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_typeof{_postgresql_at(*_clauses(element, compiler, options))}"


@compiles(_KindAt, "sqlite")
def _kind_sqlite(element: _KindAt, compiler: SQLCompiler, **options: Any) -> str:
    kind = f"json_type({_sqlite_at(*_clauses(element, compiler, options))})"
    return (
        f"CASE {kind} WHEN 'text' THEN 'string' WHEN 'integer' THEN 'number' WHEN 'real' THEN 'number'"
        f" WHEN 'true' THEN 'boolean' WHEN 'false' THEN 'boolean' ELSE {kind} END"
    )


@compiles(_TextAt, "postgresql")
def _text_postgresql(element: _TextAt, compiler: SQLCompiler, **options: Any) -> str:
    return f"""(({_postgresql_at(*_clauses(element, compiler, options))} #>> '{{}}') COLLATE "C")"""


@compiles(_TextAt, "sqlite")
def _text_sqlite(element: _TextAt, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_extract({_sqlite_at(*_clauses(element, compiler, options))})"


@compiles(_IsListed, "postgresql")
def _listed_postgresql(element: _IsListed, compiler: SQLCompiler, **options: Any) -> str:
    document, path, values = _clauses(element, compiler, options)
    # OFFSET 0 keeps the document from being read again for each comparison.
    return (
        f"EXISTS (SELECT 1 FROM (SELECT {_postgresql_at(document, path)} AS value OFFSET 0) AS place,"  # noqa: S608
        f" jsonb_array_elements(CAST({values} AS JSONB)) AS listed(value)"
        " WHERE CASE WHEN jsonb_typeof(listed.value) <> jsonb_typeof(place.value) THEN FALSE"
        " WHEN jsonb_typeof(listed.value) = 'number'"
        " THEN CAST(listed.value AS DOUBLE PRECISION) = CAST(place.value AS DOUBLE PRECISION)"
        " ELSE listed.value = place.value END)"
    )


@compiles(_IsListed, "sqlite")
def _listed_sqlite(element: _IsListed, compiler: SQLCompiler, **options: Any) -> str:
    document, path, values = _clauses(element, compiler, options)
    place = _sqlite_at(document, path)
    numbers = "('integer', 'real')"
    return (
        f"EXISTS (SELECT 1 FROM json_each({values}) AS listed WHERE CASE"  # noqa: S608 - columns and bound values
        f" WHEN listed.type IN {numbers} THEN json_type({place}) IN {numbers}"
        f" AND CAST(listed.atom AS REAL) = CAST(json_extract({place}) AS REAL)"
        f" ELSE listed.type = json_type({place})"
        f" AND (listed.type <> 'text' OR listed.atom = json_extract({place})) END)"
    )


class _Written(FunctionElement[str]):
    type = String()
    inherit_cache = True


def written(moment: ColumnElement[Any]) -> ColumnElement[str]:
    """A `Moment` as `clock.rfc3339` writes it, written by the database: a page has a hundred of them."""
    return _Written(moment)


@compiles(_Written, "postgresql")
def _written_postgresql(element: _Written, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


@compiles(_Written, "sqlite")
def _written_sqlite(element: _Written, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 23) || 'Z'"


class AsStored(UserDefinedType[Any]):
    """What the driver gives: of a `Json`, text on SQLite, a value on PostgreSQL."""

    cache_ok = True


class _Exact(FunctionElement[Any]):
    type = AsStored()
    inherit_cache = True


def exact(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What is stored, to the digit: JSON as the database writes it, all else as the driver gives it, unread."""
    return _Exact(column)


@compiles(_Exact)
def _exact(element: _Exact, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    is_jsonb = compiler.dialect.name == "postgresql" and isinstance(next(iter(element.clauses)).type, Json)
    return f"CAST({column} AS TEXT)" if is_jsonb else column
