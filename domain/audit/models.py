"""The audit trail: one row for every call of the API and every action in the portal and the command line."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table, TextClause, text

from ..db import Json, LongText, Moment, Str, metadata

# No foreign keys: what happened stays written when what it happened to is gone.
api_audit_log = Table(
    "api_audit_log",
    metadata,
    Column("id", Str, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("source", Str, nullable=False),  # api, portal, cli, system
    Column("key_id", Str),
    Column("secret_id", Str),
    Column("user_id", Str),
    Column("action", Str),  # of portal, command line and system, such as api_key.revoke
    Column("method", Str),
    Column("route", Str),
    Column("path", LongText),
    Column("params", Json),
    Column("changes", Json),
    Column("status_code", Integer),
    Column("problem", Str),
    Column("request_id", Str),
    Column("idempotency", Str),
    Column("rate_limit", Str),
    Column("ip", Str),
    Column("user_agent", LongText),
    Column("bytes_in", BigInteger),
    Column("bytes_out", BigInteger),
    Column("duration_ms", Float),
)
_NEWEST = (api_audit_log.c.at, api_audit_log.c.id)

# What an index holds of the trail. A query is answered by such an index only if it says these very words, and that is
# their purpose: left to itself PostgreSQL would often walk all of time for what it believes to be frequent, and a key
# that has been silent for months would take it seconds. `queries.trail` says which. A read by time alone needs `EVERY`.
EVERY = text("source <> ''")
NOT_200 = text("status_code + 0 <> 200")
REFUSED = text("status_code / 100 >= 4")
REFUSED_OF = text("status_code / 10 >= 40")
FAILED = text("status_code / 100 >= 5")
NOT_GET = text("method <> 'GET'")
NOT_API = text("source <> 'api'")

# Name, where it begins (then by `at` and `id`), and of which rows. Those of no condition and of `EVERY` cost every
# call; no successful GET is in any other. docs/decisions/0019-what-the-audit-is-indexed-by.md weighs them.
_INDEXES: tuple[tuple[str, tuple[str, ...], TextClause | None], ...] = (
    ("every", (), EVERY),
    ("key_id", ("key_id",), None),
    ("route", ("route",), None),
    ("request_id", ("request_id",), None),
    ("ip", ("ip",), None),
    ("user_id", ("user_id",), text("user_id IS NOT NULL")),
    ("action", ("action",), text("action IS NOT NULL")),
    ("method", ("method",), NOT_GET),
    ("source", ("source",), NOT_API),
    ("status_code", ("status_code",), NOT_200),
    ("refused", (), REFUSED),
    ("refused_key_id", ("key_id",), REFUSED_OF),
    ("refused_route", ("route",), REFUSED_OF),
    ("refused_ip", ("ip",), REFUSED_OF),
    ("failed", (), FAILED),
)
for _name, _first, _where in _INDEXES:
    _columns = (*(api_audit_log.c[column] for column in _first), *_NEWEST)
    Index(f"ix_api_audit_log_{_name}_at_id", *_columns, postgresql_where=_where, sqlite_where=_where)
