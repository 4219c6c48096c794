"""Seals of the audit trail: the chain of signed checkpoints, and where each row has its place in it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from ..db import Bytes, LongText, Str, metadata

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("seal", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 …
    # The line of the checkpoint file, to the byte: what is signed is kept once, and no column can disagree with it.
    Column("checkpoint", LongText, nullable=False),
)

audit_sealed_rows = Table(
    "audit_sealed_rows",
    metadata,
    # Given at sealing time, dense: ids and times have gaps and are committed out of order.
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    # No foreign key: a row that is gone must be missed.
    Column("row_id", Str, nullable=False, unique=True),
    Column("leaf", Bytes, nullable=False),
    # The seal that records the row's pruning: the row is gone, its leaf stays.
    Column("pruned_by", BigInteger),
)
_pruned = audit_sealed_rows.c.pruned_by.is_not(None)
Index(
    "ix_audit_sealed_rows_pruned_by_sequence",
    audit_sealed_rows.c.pruned_by,
    audit_sealed_rows.c.sequence,
    postgresql_where=_pruned,
    sqlite_where=_pruned,
)
