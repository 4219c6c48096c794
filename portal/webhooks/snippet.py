"""The code that a receiver starts from."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

_PYTHON = """\
import os

from flask import Flask, request
from standardwebhooks import Webhook

app = Flask(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])


@app.post({path})
def receive():
    # Raises WebhookVerificationError when it is forged or stale.
    event = webhook.verify(request.get_data(), dict(request.headers))
    print(event["type"], event["data"]["id"])
    return "", 204
"""

_PYTHON_KEY = """\
import base64, os, time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Flask, abort, request

app = Flask(__name__)
text = os.environ["WEBHOOK_PUBLIC_KEY"]  # whpk_…
key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_")))


def is_ours(headers, body):
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False
    signed = f"{{headers.get('webhook-id')}}.{{stamp}}.".encode() + body
    for signature in headers.get("webhook-signature", "").split():
        version, _, value = signature.partition(",")
        if version == "v1a":
            try:
                key.verify(base64.b64decode(value), signed)
                return True
            except (InvalidSignature, ValueError):
                pass  # another key's, during a rotation
    return False


@app.post({path})
def receive():
    if not is_ours(request.headers, request.get_data()):
        abort(401)
    event = request.get_json()
    print(event["type"], event["data"]["id"])
    return "", 204
"""


def python_receiver(url: str) -> str:
    """A receiver for this URL that checks every signature with its secret, in Python."""
    return _for(url, _PYTHON)


def python_key_receiver(url: str) -> str:
    """The same with a public key; the Standard Webhooks libraries check no `v1a`."""
    return _for(url, _PYTHON_KEY)


def _for(url: str, code: str) -> str:
    return code.format(path=json.dumps(urlsplit(url).path or "/"))
