"""How far the audit trail has been forwarded to each of the studio's own systems."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table

from ..db import LongText, Moment, Str, metadata

audit_forwards = Table(
    "audit_forwards",
    metadata,
    Column("target", Str, primary_key=True),  # the URL in the configuration
    Column("sequence", BigInteger, nullable=False),  # of the last row that it took: `audit_sealed_rows`
    # When to look again: now, after a wait, or when the lease of whoever is sending runs out.
    Column("due_at", Moment, nullable=False),
    Column("lease_token", Str),
    Column("failures", Integer, nullable=False),  # in a row
    Column("failing_since", Moment),
    Column("error", LongText),
)
