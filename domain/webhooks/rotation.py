"""What signs for a webhook: its secrets and keys, each kept encrypted and in force until it expires."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from ..api_keys.rules import check_grace
from ..crypto import Keyring
from ..db import Session
from ..entity_commands import Expected, require_expected
from ..errors import Conflict
from ..events.commands import Context
from ..ids import new_id
from .models import webhook_secrets, webhooks
from .queries import in_force, load_webhook
from .rules import GRACE, LONGEST_GRACE, MOST_IN_FORCE
from .signing import new_private_key, new_secret, public_key


def rotate_secret(
    session: Session,
    context: Context,
    keyring: Keyring,
    webhook_id: str,
    grace_seconds: int = GRACE,
    expected: Expected = None,
) -> str | None:
    """Give the webhook a new secret or key; those that it had go on signing beside it until the grace ends.

    Returns:
        The secret, which cannot be shown again; None for a webhook that signs with `v1a`, whose public key is shown.

    Raises:
        Forbidden, NotFound: see `load_webhook`.
        Invalid: a grace out of range.
        Stale: the webhook's version is not an expected one.
        Conflict: too many of its secrets are still in force.
    """
    row = load_webhook(session, context.actor, webhook_id, for_update=True)
    check_grace(grace_seconds, LONGEST_GRACE)
    require_expected("webhook", row, expected)
    secret = replace_secrets(session, keyring, webhook_id, row["signature"], context.now, grace_seconds)
    changed = {"version": row["version"] + 1, "updated_at": context.now}
    session.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**changed))
    return secret


def replace_secrets(
    session: Session, keyring: Keyring, webhook_id: str, signature: str, now: datetime, grace_seconds: int
) -> str | None:
    """Add a secret or key of this kind, and let what is in force sign for the grace; see `rotate_secret`."""
    table = webhook_secrets
    session.execute(delete(table).where(table.c.webhook_id == webhook_id, table.c.expires_at <= now))
    own = (table.c.webhook_id == webhook_id, in_force(now))
    live = session.execute(select(func.count()).select_from(table).where(*own)).scalar_one()
    if grace_seconds and live >= MOST_IN_FORCE:
        raise Conflict(f"{live} secrets of this webhook are in force: rotate it with a grace of 0, or wait.")
    until = now + timedelta(seconds=grace_seconds)
    lasting = (table.c.expires_at.is_(None)) | (table.c.expires_at > until)
    session.execute(update(table).where(*own, lasting).values(expires_at=until))
    return add_secret(session, keyring, webhook_id, signature, now)


def add_secret(session: Session, keyring: Keyring, webhook_id: str, signature: str, now: datetime) -> str | None:
    """Make what signs from now on; the secret, None when it is a private key."""
    is_key, secret_id = signature == "v1a", new_id("whs")
    secret = new_private_key() if is_key else new_secret()
    row = {
        "id": secret_id,
        "webhook_id": webhook_id,
        "signature": signature,
        "sealed": keyring.encrypt(secret.encode(), f"webhook_secrets/{secret_id}"),
        "public_key": public_key(secret) if is_key else None,
        "created_at": now,
    }
    session.execute(insert(webhook_secrets).values(row))
    return None if is_key else secret
