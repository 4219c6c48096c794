"""Many rows in one parameter: a JSON array of objects, read as a table by either database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import FromClause, String, bindparam, cast, column, func, literal_column, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

ROWS = "rows"  # the bound parameter


def given_rows(dialect: str, **columns: TypeEngine[Any] | type[TypeEngine[Any]]) -> FromClause:
    """The parameter `ROWS` (see `as_json`) as a table of these columns, one statement whatever the number of rows."""
    if dialect == "postgresql":
        document = cast(bindparam(ROWS, type_=String), JSONB)
        typed = [column(name, kind) for name, kind in columns.items()]
        return func.jsonb_to_recordset(document).table_valued(*typed).render_derived(name="given", with_types=True)
    each = func.json_each(bindparam(ROWS, type_=String)).table_valued("value", name="each_row")
    found = [
        type_coerce(func.json_extract(each.c.value, literal_column(f"'$.{name}'")), kind).label(name)
        for name, kind in columns.items()
    ]
    return select(*found).subquery("given")


def as_json(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter's value."""
    return {ROWS: orjson.dumps(list(rows)).decode()}
