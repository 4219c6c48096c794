"""What the drivers of SQLite and PostgreSQL refuse, and what it means."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)


def as_sqlalchemy_says(connection: Connection, statement: str, error: Any) -> BaseException:
    """A driver's error as SQLAlchemy raises it; a connection that is gone is given up."""
    gone = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if gone:
        connection.invalidate(error)
    return DBAPIError.instance(  # type: ignore[no-any-return]  # SQLAlchemy has no types there
        statement, None, error, Exception, hide_parameters=True, connection_invalidated=gone, dialect=connection.dialect
    )


def waited_too_long_for_lock(error: DBAPIError) -> bool:
    """Whether another transaction held the row for longer than a caller should wait (PostgreSQL's `lock_timeout`)."""
    return getattr(error.orig, "sqlstate", None) == "55P03"


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a UNIQUE constraint refused the row."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return getattr(error.orig, "sqlstate", None) == "23505" or code in (
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    )
