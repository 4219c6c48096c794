"""Reading the audit trail."""

from __future__ import annotations

from sqlalchemy import select

from domain.access import Permission
from domain.audit.models import api_audit_log
from domain.audit.queries import AUDIT, represent_entry

from ...answers import Answer
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from .schemas import AuditEntrySchema

blueprint = Blueprint("audit", __name__, description="Who did what, when, from where and with what result.")


@blueprint.operation(
    "GET", "/audit", id="list_audit", permission=Permission.READ_AUDIT, returns=AuditEntrySchema, listing=AUDIT
)
def list_audit(call: Call) -> Answer:
    """List audit entries, newest first."""
    return answer_list(call, AUDIT, select(api_audit_log), represent_entry)
