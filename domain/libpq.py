"""PostgreSQL's statements of the hot path, by libpq's own calls: a cursor of the driver costs three times as much.

The driver still connects, converts values both ways and knows what errors mean. See
docs/decisions/0031-statements-through-libpq.md.
"""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy.pool import PoolProxiedConnection

WORTH_PREPARING = 5  # uses
MOST_PREPARED = 200  # on each connection; what was not used for longest goes
_DONE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
# What a prepared statement says after a change of its tables, or when somebody else gave it up.
_OUTDATED = frozenset({b"0A000", b"26000"})
_MARK = re.compile("%[s%]")
_KEPT = "callsheet_cursor"

_Key = tuple[bytes, tuple[int, ...]]  # a statement, and the types of its values


class LibpqCursor:
    """As much of a cursor (PEP 249) as a `Session` asks for, the same one as long as its connection lives.

    Only one thread uses a connection at a time, and no more than one result is read at a time.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._transformer = Transformer(connection)
        self._uses: dict[_Key, int] = {}
        self._prepared: OrderedDict[_Key, bytes] = OrderedDict()
        self._numbers = itertools.count()
        self._result: PGresult | None = None

    @classmethod
    def of(cls, pooled: PoolProxiedConnection) -> LibpqCursor:
        """The one of this connection.

        Raises:
            psycopg.OperationalError: it was lost, and given up.
        """
        connection = cast("psycopg.Connection[Any] | None", pooled.dbapi_connection)
        if connection is None:
            raise psycopg.OperationalError("the connection was lost")
        kept: LibpqCursor | None = pooled.info.get(_KEPT)
        # What was given up may still hold the `info` of a place in the pool that has another connection by now.
        if kept is None or kept._connection is not connection:
            kept = pooled.info[_KEPT] = cls(connection)
        return kept

    def execute(self, statement: str, parameters: Sequence[Any]) -> None:
        """Run a statement with a `%s` for each value. One that comes again is parsed and planned once.

        Raises:
            psycopg.Error: the database refuses it, or is gone.
        """
        text = _numbered(statement)
        values: Any = self._transformer.dump_sequence(parameters, _formats(len(parameters)))
        types, formats = self._transformer.types, self._transformer.formats
        assert types is not None
        key = text, types
        name = self._prepared.get(key) or self._prepare(key)
        if name is None:
            self._result = self._done(self._libpq.exec_params(text, values, types, formats))
            return
        self._prepared.move_to_end(key)
        result = self._libpq.exec_prepared(name, values, formats)
        if result.status not in _DONE and result.error_field(DiagnosticField.SQLSTATE) in _OUTDATED:
            self._give_up(key)
        self._result = self._done(result)

    def _prepare(self, key: _Key) -> bytes | None:
        """Its name, if it has been used often enough."""
        uses = self._uses.get(key, 0) + 1
        if uses <= WORTH_PREPARING:
            if len(self._uses) >= MOST_PREPARED:
                self._uses.clear()
            self._uses[key] = uses
            return None
        if len(self._prepared) >= MOST_PREPARED:
            self._give_up(next(iter(self._prepared)))
        name = b"callsheet_%d" % next(self._numbers)
        self._done(self._libpq.prepare(name, *key))
        self._prepared[key] = name
        del self._uses[key]
        return name

    def _give_up(self, key: _Key) -> None:
        # Not by DEALLOCATE, which a transaction that has failed refuses, and PgBouncer does not understand.
        self._libpq.close_prepared(self._prepared.pop(key))

    def command(self, statement: bytes) -> None:
        """Run a statement without values or rows.

        Raises:
            psycopg.Error: the database refuses it, or is gone.
        """
        self._done(self._libpq.exec_(statement))

    def _done(self, result: PGresult) -> PGresult:
        if result.status in _DONE:
            return result
        if self._libpq.status == ConnStatus.BAD and not result.error_field(DiagnosticField.SQLSTATE):
            raise psycopg.OperationalError(result.get_error_message())
        raise error_from_result(result)

    @property
    def rowcount(self) -> int:
        """How many rows the last statement wrote or found."""
        assert self._result is not None
        return self._result.command_tuples or 0

    def fetchone(self) -> tuple[Any, ...] | None:
        """Its first row, if it has any."""
        if self._result is None or self._result.ntuples == 0:
            return None
        self._transformer.set_pgresult(self._result)
        return self._transformer.load_row(0, tuple)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Its rows."""
        assert self._result is not None
        self._transformer.set_pgresult(self._result)
        return self._transformer.load_rows(0, self._result.ntuples, tuple)

    def close(self) -> None:
        """Let go of its rows."""
        self._result = None
        self._transformer.set_pgresult(None)


@lru_cache(maxsize=2000)
def _numbered(statement: str) -> bytes:
    """With PostgreSQL's own marks for values: `$1`, `$2`."""
    numbers = itertools.count(1)
    return _MARK.sub(lambda mark: "%" if mark[0] == "%%" else f"${next(numbers)}", statement).encode()


@lru_cache(maxsize=1000)
def _formats(count: int) -> Sequence[PyFormat]:
    return [PyFormat.AUTO] * count
