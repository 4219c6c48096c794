"""The calling key. Costs no token."""

from __future__ import annotations

from domain.access import Permission
from domain.clock import rfc3339
from domain.ports import Grant

from ...answers import Answer, one
from ...blueprint import Blueprint
from ...call import Call
from ...costs import FREE
from .schemas import MeSchema

blueprint = Blueprint("me", __name__, description="The calling key.")


@blueprint.operation("GET", "/me", id="get_me", permission=Permission.READ, returns=MeSchema, cost=FREE)
def get_me(call: Call) -> Answer:
    """Get the calling key: role, scope, projects, allowlist, expiry and both rate limits."""
    credential, actor = call.credential, call.actor
    assert credential is not None
    assert call.grant is not None
    write = call.services.limiter.take("write", credential.write_per_minute, 0, credential.key_id)
    return one(
        {
            "id": credential.key_id,
            "object": "api_key",
            "name": actor.name,
            "role": actor.role,
            "scope": actor.scope,
            "project_ids": None if actor.project_ids is None else sorted(actor.project_ids),
            "permissions": [permission for permission in Permission if actor.may(permission)],
            "allowed_cidrs": list(credential.allowed_cidrs),
            "allowlist_mode": credential.allowlist_mode,
            "expires_at": rfc3339(credential.expires_at) if credential.expires_at else None,
            "secret_id": credential.secret_id,
            "rate_limits": {"read": _bucket(call.grant), "write": _bucket(write)},
        }
    )


def _bucket(grant: Grant) -> dict[str, int]:
    return {"limit": grant.limit, "remaining": grant.remaining, "reset_seconds": grant.reset_seconds}
