"""Reads of the audit trail."""

from __future__ import annotations

from typing import Any

from ..clock import rfc3339
from ..db import Row
from ..listing import ListSpec, Sortable
from .models import api_audit_log

_FILTERS = (
    *("at", "key_id", "user_id", "source", "action", "method", "route", "path", "status_code", "problem"),
    *("request_id", "idempotency", "ip", "id"),
)
_SORTS = ("at", "id")
SHOWN = tuple(str(column.name) for column in api_audit_log.c if column.name not in ("id", "at"))
AUDIT = ListSpec(
    api_audit_log.c.id,
    {name: Sortable(api_audit_log.c[name], sortable=name in _SORTS) for name in _FILTERS},
    "-at",
)


def represent_entry(row: Row) -> dict[str, Any]:
    """The entry as the API shows it."""
    return {"id": row["id"], "object": "audit_entry", "at": rfc3339(row["at"]), **{name: row[name] for name in SHOWN}}
