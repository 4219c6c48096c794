"""Reading the audit trail."""

from __future__ import annotations

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from domain.access import Permission
from domain.audit.export import FORMATS, read_export
from domain.audit.queries import AUDIT, represent_entry, trail
from domain.errors import BadQuery

from ...answers import Answer
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from ...problems import Problem
from .schemas import AuditEntrySchema

blueprint = Blueprint("audit", __name__, description="Who did what, when, from where and with what result.")


@blueprint.operation(
    "GET", "/audit", id="list_audit", permission=Permission.READ_AUDIT, returns=AuditEntrySchema, listing=AUDIT
)
def list_audit(call: Call) -> Answer:
    """List audit entries, newest first."""
    return answer_list(call, AUDIT, trail(call.query), represent_entry)


@blueprint.operation(
    "GET", "/audit/export", id="export_audit", permission=Permission.READ_AUDIT, returns=AuditEntrySchema,
    listing=AUDIT, streams=FORMATS,
)  # fmt: skip
def export_audit(call: Call) -> Answer:
    """Stream every audit entry that a query finds, newest first.

    As lines of JSON, or as CSV for a spreadsheet (cells that it would take for formulas begin with an apostrophe).
    What is in it was written before the call. If it breaks off, the last line says so: an object `error`, or one cell.
    """
    wanted = read_export([pair for pair in call.query if pair[0] != "format"], _format(call), call.at)
    body = wanted.or_broken(wanted.written(call.session, call.services.database))
    return Answer({}, headers=wanted.headers, stream=body, content_type=wanted.content_type)


def _format(call: Call) -> str:
    """What `format` asks for, or else `Accept`."""
    given = [text for name, text in call.query if name == "format"]
    if len(given) > 1:
        raise BadQuery("format", "`format` was given twice.")
    if given:
        return given[0]
    asked = call.header("Accept")
    if asked is None:
        return next(iter(FORMATS))
    accepted = parse_accept_header(asked, MIMEAccept).best_match(FORMATS.values())
    if accepted is None:
        raise Problem("bad-request", f"`Accept` must allow {' or '.join(FORMATS.values())}.")
    return next(name for name, media_type in FORMATS.items() if media_type == accepted)
