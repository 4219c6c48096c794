"""The code that a receiver starts from."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

_PYTHON = """\
import os

from flask import Flask, request
from standardwebhooks import Webhook

app = Flask(__name__)
webhook = Webhook(os.environ["CALLSHEET_WEBHOOK_SECRET"])


@app.post({path})
def receive():
    # Raises WebhookVerificationError when it is forged or stale.
    event = webhook.verify(request.get_data(), dict(request.headers))
    print(event["type"], event["data"]["id"])
    return "", 204
"""


def python_receiver(url: str) -> str:
    """A receiver for this URL that checks every signature, in Python."""
    return _PYTHON.format(path=json.dumps(urlsplit(url).path or "/"))
