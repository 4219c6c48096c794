"""The audit trail: one row for every call of the API and every action in the portal and the command line."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table

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
Index("ix_api_audit_log_at_id", api_audit_log.c.at, api_audit_log.c.id)
for _name in ("key_id", "route", "user_id", "request_id"):
    Index(f"ix_api_audit_log_{_name}_at_id", api_audit_log.c[_name], api_audit_log.c.at, api_audit_log.c.id)
