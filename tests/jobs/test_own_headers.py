"""A webhook's own headers and its private key, at a receiver."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import update
from standardwebhooks import Webhook as Receiver

from domain.webhooks.commands import change_webhook, create_webhook
from domain.webhooks.models import webhooks
from domain.webhooks.queries import public_keys_of
from domain.webhooks.rotation import rotate_secret
from domain.webhooks.rules import NewWebhook
from domain.webhooks.signing import public_bytes
from tests.jobs.conftest import Stage

OWN = {"X-Farm": "a-secret-value", "accept": "text/x-mine"}
AUTH = {"type": "basic", "username": "farm", "password": "pässword"}


def register(stage: Stage, signature: str = "v1") -> tuple[str, str | None]:
    wanted = NewWebhook(stage.receiver.url, ["asset.*"], signature=signature, headers=OWN, auth=AUTH)
    with stage.database.transaction() as session:
        return create_webhook(session, stage.context(), stage.runtime.keyring, wanted, lambda _: None)


def test_they_arrive_and_are_kept_nowhere(stage: Stage) -> None:
    register(stage)
    stage.events(1)
    stage.drain()
    (arrival,) = stage.receiver.arrivals
    pair = base64.b64encode("farm:pässword".encode()).decode()
    assert arrival.headers["x-farm"] == "a-secret-value"
    assert arrival.headers["accept"] == "text/x-mine"
    assert arrival.headers["authorization"] == f"Basic {pair}"
    (attempt,) = stage.attempts()
    assert {"X-Farm", "Authorization"} <= attempt["request_headers"].keys()
    assert not [secret for secret in ("a-secret", pair, "pässword") if secret in repr(dict(attempt))]


def test_they_are_others_from_the_next_delivery_on(stage: Stage) -> None:
    webhook_id, _ = register(stage)
    given = {"headers": {"X-Other": "b"}, "auth": {"type": "bearer", "token": "another"}}
    with stage.database.transaction() as session:
        change_webhook(session, stage.context(), stage.runtime.keyring, webhook_id, given, lambda _: None)
    stage.events(1)
    stage.drain()
    (arrival,) = stage.receiver.arrivals
    assert (arrival.headers["x-other"], arrival.headers["authorization"]) == ("b", "Bearer another")
    assert "x-farm" not in arrival.headers


def test_a_rotation_signs_with_both(stage: Stage) -> None:
    webhook_id, old = register(stage)
    with stage.database.transaction() as session:
        new = rotate_secret(session, stage.context(), stage.runtime.keyring, webhook_id)
    stage.events(1)
    stage.drain()
    (arrival,) = stage.receiver.arrivals
    for secret in (old, new):
        assert secret is not None
        Receiver(secret).verify(arrival.body, arrival.headers)


def test_a_private_key_signs(stage: Stage) -> None:
    webhook_id, secret = register(stage, "v1a")
    assert secret is None
    stage.events(1)
    stage.drain()
    (arrival,) = stage.receiver.arrivals
    with stage.database.reading() as session:
        (key,) = public_keys_of(session, [webhook_id], None)[webhook_id]
    version, _, signature = arrival.headers["webhook-signature"].partition(",")
    signed = f"{arrival.id}.{arrival.headers['webhook-timestamp']}.".encode() + arrival.body
    assert version == "v1a"
    Ed25519PublicKey.from_public_bytes(public_bytes(key["key"])).verify(base64.b64decode(signature), signed)


def test_nothing_is_sent_without_headers_that_cannot_be_read(stage: Stage) -> None:
    """The receiver would refuse it, or take it for somebody else's."""
    stage.webhook()
    with stage.database.transaction() as session:
        session.execute(update(webhooks).values(sealed_headers=b"of another secret key", header_names=["X-Studio"]))
    stage.events(1)
    stage.drain()
    assert stage.receiver.arrivals == []
    (attempt,) = stage.attempts()
    assert attempt["error"] == "no_headers"
    assert stage.delivery()["status"] == "pending"
