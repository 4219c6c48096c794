"""The public keys of a webhook as receivers fetch them, at an address that needs no key and belongs to no version."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Flask

from domain.webhooks.queries import key_set

from ...admission import KEY_SETS
from ...call import Call
from ...response import Response

# Seconds for which a receiver may keep them: a rotation's old key signs beside the new one for much longer.
FRESH = 300


def register(app: Flask) -> None:
    """Mount the address."""
    view: Any = get_key_set  # the gateway calls it, not Flask
    app.add_url_rule(f"{KEY_SETS}<webhook_id>", "webhook_keys", view)


def get_key_set(call: Call, webhook_id: str) -> Response:
    """The keys in force, as a JSON Web Key Set (RFC 7517)."""
    with call.services.database.reading() as session:
        keys = key_set(session, webhook_id, call.at)
    headers = {"Content-Type": "application/jwk-set+json", "Cache-Control": f"public, max-age={FRESH}"}
    return Response(orjson.dumps({"keys": keys}), 200, headers)
