"""The trail as a file: every entry that a query finds, as NDJSON for programs or CSV for spreadsheets.

It is written page by page: no more than one page is in memory, and no connection is held between two. What is in it
was written before the moment at which it began; nothing is in it twice, and nothing is left out that was there all the
while.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Select, bindparam
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..db import Database, Moment, Session
from ..errors import BadQuery
from ..filters import quoted
from ..list_query import parameters_of
from ..listing import ListQuery, fetch, parse
from ..shape import shaped
from .models import api_audit_log
from .queries import AUDIT, represent_entry, trail

# The media type of each.
FORMATS = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
PAGE = 500
TRIES, PATIENCE = 5, 1.0  # for each page, and seconds between
BROKEN = "The export broke off here: it is not whole. Ask again."
# Parameters of a list that make no sense without pages.
PAGES_ALONE = ("limit", "cursor", "total")
log = logging.getLogger("callsheet.audit")
_UNTIL = api_audit_log.c.at < bindparam("until", type_=Moment)
Shown = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Export:
    """A query of the trail, and the form in which it is to be written. Made by `read_export`."""

    format: str
    until: datetime
    query: ListQuery
    statement: Select[Any]

    @property
    def headers(self) -> dict[str, str]:
        """What an answer that carries it says of it."""
        name = f"callsheet-audit-{self.until:%Y%m%dT%H%M%SZ}.{self.format}"
        return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}

    @property
    def content_type(self) -> str:
        return "text/csv; charset=utf-8; header=present" if self.format == "csv" else FORMATS[self.format]

    def written(self, session: Session, database: Database) -> Iterator[bytes]:
        """The file, in pieces.

        Args:
            session: reads the first page now, so that what cannot be read is refused before anything is answered.
            database: for the others, each in a session of its own.
        """
        columns = self.query.shape.fields or AUDIT.shown
        first, cursor = self._page(session, None)
        write = _csv_rows if self.format == "csv" else _ndjson
        head = [_csv_line(columns)] if self.format == "csv" else []
        return chain(head, [write(first, columns)], self._following(database, cursor, write, columns))

    def _following(
        self, database: Database, cursor: str | None, write: _Write, columns: Sequence[str]
    ) -> Iterator[bytes]:
        while cursor is not None:
            rows, cursor = self._page_alone(database, cursor)
            yield write(rows, columns)

    def _page_alone(self, database: Database, cursor: str) -> tuple[Sequence[Shown], str | None]:
        """A page in a session of its own. The database may be away for some seconds: a long file goes on after it."""
        for _ in range(TRIES - 1):
            with suppress(OperationalError, PoolTimeout), database.reading() as session:
                return self._page(session, cursor)
            time.sleep(PATIENCE)
        with database.reading() as session:
            return self._page(session, cursor)

    def or_broken(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The file, and if it breaks off a last line that says so: the web server ends the body as if it were whole."""
        try:
            yield from pieces
        except Exception:
            log.exception("an export of the audit broke off")
            yield _csv_line([BROKEN]) if self.format == "csv" else _ndjson([{"object": "error", "detail": BROKEN}], ())

    def _page(self, session: Session, cursor: str | None) -> tuple[Sequence[Shown], str | None]:
        after = None if cursor is None else self.query.sort.read_cursor(cursor)
        query = replace(self.query, limit=PAGE, after=after)
        page = fetch(session, query, self.statement, values={"until": self.until})
        return shaped(session, AUDIT, query.shape, page.rows, represent_entry), page.next


def read_export(parameters: Iterable[tuple[str, str]], format_: str, until: datetime) -> Export:
    """Read what is to be exported.

    Args:
        parameters: filters, `sort` and `fields`, as the list of the trail takes them.
        format_: one of `FORMATS`.
        until: the moment at which it begins.

    Raises:
        BadQuery: an unknown format; see `list_query.parse`; one of `PAGES_ALONE`.
    """
    if format_ not in FORMATS:
        raise BadQuery("format", f"`format` must be one of {quoted(FORMATS)}.")
    given = list(parameters)
    for name, _ in given:
        if name in PAGES_ALONE:
            offered = [each for each in parameters_of(AUDIT) if each not in PAGES_ALONE]
            raise BadQuery(name, f"An export has no pages, so no `{name}`; it takes {quoted(['format', *offered])}.")
    return Export(format_, until, parse(AUDIT, given), trail(given).where(_UNTIL))


_Write = Callable[[Iterable[Shown], Sequence[str]], bytes]


def _ndjson(rows: Iterable[Shown], _columns: Sequence[str]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _csv_rows(rows: Iterable[Shown], columns: Sequence[str]) -> bytes:
    return b"".join(_csv_line([_cell(row[name]) for name in columns]) for row in rows)


def _csv_line(cells: Sequence[str]) -> bytes:
    """RFC 4180; every cell in quotes, so that no comma of a text ends it."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    return _harmless(value if isinstance(value, str) else orjson.dumps(value).decode())


# A spreadsheet takes a cell for a formula by how it begins, and one that goes by semicolons, tabs or lines finds cells
# in the middle of a text. An apostrophe makes it text; the NDJSON has every value as it is.
_FORMULA = re.compile(r"""(?:^|(?<=[;\t\r\n]))(?=[\s"']{0,20}[=+\-@＝＋－＠])|^(?=[\t\r\n])""")


def _harmless(text: str) -> str:
    return _FORMULA.sub("'", text)
