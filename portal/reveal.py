"""A secret on its way from the request that made it to the one page that shows it.

It is kept, encrypted, in the session until that page is opened: reloading the page neither shows it again nor makes
another.
"""

from __future__ import annotations

import base64

from flask import session

from .context import services

_NAME = "reveal"


def keep(owner_id: str, secret: str) -> None:
    """Remember the secret of this key or webhook for `take`; one that was not looked at is forgotten."""
    sealed = services().keyring.encrypt(secret.encode(), f"reveal/{owner_id}")
    session[_NAME] = [owner_id, base64.b64encode(sealed).decode()]


def take(owner_id: str) -> str | None:
    """The secret, this once; None when it is not this one's turn."""
    kept_for, sealed = session.pop(_NAME, None) or (None, "")
    if kept_for != owner_id:
        return None
    return services().keyring.decrypt(base64.b64decode(sealed), f"reveal/{owner_id}").decode()
