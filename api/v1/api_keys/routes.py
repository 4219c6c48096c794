"""API keys: making, changing, rotating, suspending and revoking them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from domain.access import Permission
from domain.api_keys.commands import (
    change_key,
    create_key,
    resume_key,
    revoke_key,
    revoke_leaked,
    rotate_key,
    suspend_key,
)
from domain.api_keys.models import api_keys
from domain.api_keys.queries import API_KEYS, KeyRefused, load_key, represent_keys
from domain.api_keys.rules import NewKey
from domain.audit.commands import made_of, write_entry
from domain.db import Row
from domain.entity_commands import require_expected
from domain.errors import Invalid
from domain.listing import fetch, parse
from domain.shape import shape_of_one, shaped

from ...answers import Answer, created, etag_of, many, one
from ...blueprint import Blueprint
from ...bodies import load_body
from ...call import Call
from ...documentation import keyless_documentation
from ...preconditions import expected_versions
from ...response import Response
from .schemas import (
    ApiKeyChangeSchema,
    ApiKeySchema,
    LeakedKeySchema,
    LeakReportSchema,
    NewApiKeySchema,
    ReasonSchema,
    RotationSchema,
)

blueprint = Blueprint("API keys", __name__, description="Who may call, what they may do, and how much of it.")
MANAGE = Permission.MANAGE_KEYS
ONE = "/api-keys/<key_id>"
LARGEST_REPORT = 1024
_ALL = select(api_keys)


@blueprint.operation("GET", "/api-keys", id="list_api_keys", permission=MANAGE, returns=ApiKeySchema, listing=API_KEYS)
def list_keys(call: Call) -> Answer:
    """List API keys."""
    query = parse(API_KEYS, call.query)
    page = fetch(call.session, query, _ALL, values={"now": call.at})
    shown = {key["id"]: key for key in represent_keys(call.session, page.rows, call.at)}
    return many(call, shaped(call.session, API_KEYS, query.shape, page.rows, lambda row: shown[row["id"]]), page)


@blueprint.operation(
    "POST", "/api-keys", id="create_api_key", permission=MANAGE, returns=ApiKeySchema, body=NewApiKeySchema, status=201
)
def post_key(call: Call, body: dict[str, Any]) -> Answer:
    """Make an API key. Its text is in this answer and nowhere else."""
    body.setdefault("expires_at", call.at + timedelta(days=call.services.settings.key_days))
    wanted = NewKey(**_read(body))
    key_id, token = create_key(call.session, call.actor, call.services.keyring, wanted, call.at)
    call.changes = made_of(key_id, asdict(wanted))
    row, data = _shown(call, key_id)
    return created(data, f"/api/v1/api-keys/{key_id}", once={"key": token}, etag=etag_of(row, data))


def _find(call: Call, key_id: str) -> Row:
    return load_key(call.session, call.actor, key_id)


@blueprint.operation("GET", ONE, id="get_api_key", permission=MANAGE, returns=ApiKeySchema, shape=API_KEYS)
def get_key(call: Call, key_id: str) -> Answer:
    """Get an API key."""
    shape = shape_of_one(API_KEYS, call.query)
    row, whole = _shown(call, key_id)
    (data,) = shaped(call.session, API_KEYS, shape, [row], lambda _: whole)
    return one(data, etag=etag_of(row, data))


@blueprint.operation(
    "PATCH",
    ONE,
    id="update_api_key",
    permission=MANAGE,
    returns=ApiKeySchema,
    body=ApiKeyChangeSchema,
    finds=_find,
)
def patch_key(call: Call, body: dict[str, Any], key_id: str) -> Answer:
    """Change fields of an API key, in force for its next call."""
    changed = change_key(call.session, call.actor, key_id, _read(body), call.at, expected_versions(call))
    call.changes = {"id": key_id, **changed} if changed else None
    return _answer(call, key_id)


@blueprint.operation("DELETE", ONE, id="delete_api_key", permission=MANAGE, returns=ApiKeySchema)
def delete_key(call: Call, key_id: str) -> Answer:
    """Revoke an API key, unless it is revoked already. It is kept, for what it did is in the audit trail."""
    row = load_key(call.session, call.actor, key_id, for_update=True)
    require_expected("key", row, expected_versions(call))
    if row["revoked_at"] is None:
        call.changes = {"id": key_id, **revoke_key(call.session, call.actor, key_id, call.at)}
    return _answer(call, key_id)


@blueprint.operation(
    "POST",
    f"{ONE}/rotate",
    id="rotate_api_key",
    permission=MANAGE,
    returns=ApiKeySchema,
    body=RotationSchema,
    finds=_find,
)
def post_rotation(call: Call, body: dict[str, Any], key_id: str) -> Answer:
    """Give an API key a new secret, whose text is in this answer and nowhere else.

    The one that it had goes on working for `grace_seconds`; its calls are answered with `Deprecation` and `Sunset`.
    """
    grace = body["grace_seconds"]
    added, token = rotate_key(call.session, call.actor, call.services.keyring, key_id, call.at, grace)
    call.changes = {"id": key_id, "added": added, "grace_seconds": grace}
    return replace(_answer(call, key_id), once={"key": token})


@blueprint.operation(
    "POST",
    f"{ONE}/suspend",
    id="suspend_api_key",
    permission=MANAGE,
    returns=ApiKeySchema,
    body=ReasonSchema,
    finds=_find,
)
def post_suspension(call: Call, body: dict[str, Any], key_id: str) -> Answer:
    """Refuse an API key until it is resumed."""
    call.changes = {"id": key_id, **suspend_key(call.session, call.actor, key_id, call.at, body["reason"])}
    return _answer(call, key_id)


@blueprint.operation("POST", f"{ONE}/resume", id="resume_api_key", permission=MANAGE, returns=ApiKeySchema)
def post_resumption(call: Call, key_id: str) -> Answer:
    """Accept a suspended API key again."""
    call.changes = {"id": key_id, **resume_key(call.session, call.actor, key_id, call.at)}
    return _answer(call, key_id)


@blueprint.operation(
    "POST",
    f"{ONE}/revoke",
    id="revoke_api_key",
    permission=MANAGE,
    returns=ApiKeySchema,
    body=ReasonSchema,
    finds=_find,
)
def post_revocation(call: Call, body: dict[str, Any], key_id: str) -> Answer:
    """End an API key for good: refused from its next call on."""
    call.changes = {"id": key_id, **revoke_key(call.session, call.actor, key_id, call.at, body["reason"])}
    return _answer(call, key_id)


def post_leaked_key(call: Call) -> Response:
    """Report a key that leaked: it is revoked, whoever presents it. Needs no key itself.

    The answer does not tell whether there was such a key. Of one whose secret was rotated out, that secret alone ends.
    """
    token = load_body(call, LeakedKeySchema(), LARGEST_REPORT)["key"]
    response = Answer({"data": {"object": "leak_report", "status": "accepted"}}, 202).response()
    try:
        with call.services.database.transaction() as session:
            leaked = revoke_leaked(session, call.services.keyring, token, call.at)
            call.key_id, call.secret_id = leaked.key_id, leaked.secret_id
            call.changes = {"id": leaked.key_id, "ended": leaked.ended}
            write_entry(session, call.audit_entry(response))
        call.audited = True
    except KeyRefused as refusal:
        if refusal.reason == "malformed":
            raise Invalid.field("key", "malformed", str(refusal)) from None
    return response


_leak = keyless_documentation("report_leaked_api_key", post_leaked_key, LeakedKeySchema, LeakReportSchema, 202)
blueprint.route("/leaked-keys", methods=["POST"], endpoint="report_leaked_api_key")(
    blueprint.doc(**_leak)(post_leaked_key)
)


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields; no projects are an empty list."""
    return {name: value if name != "project_ids" else value or [] for name, value in body.items()}


def _answer(call: Call, key_id: str) -> Answer:
    row, data = _shown(call, key_id)
    return one(data, etag=etag_of(row, data))


def _shown(call: Call, key_id: str) -> tuple[Row, dict[str, Any]]:
    """The key's row, and the key. Its tag tells of both: last uses and an expiry change no version."""
    row = load_key(call.session, call.actor, key_id)
    (data,) = represent_keys(call.session, [row], call.at)
    return row, data
