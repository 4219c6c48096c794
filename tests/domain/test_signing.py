"""Signatures, against the published vectors and the reference library of Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from domain.webhooks.signing import new_secret, sign, signed_headers

VECTORS = (
    (
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}',
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    ),
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
        b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
        b'{"email":"test@example.com","username":"test_user"}', "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
)  # fmt: skip
BODY = '{"id":"evt_1","type":"asset.approved","note":"é 🎬"}'.encode()


def headers_now(*secrets: str, body: bytes = BODY, at: float = 0) -> dict[str, str]:
    return signed_headers(secrets, "evt_1", int(time.time() + at), body)


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), VECTORS)
def test_it_works(secret: str, message_id: str, timestamp: int, body: bytes, signature: str) -> None:
    assert sign(secret, message_id, timestamp, body) == signature
    assert signed_headers([secret], message_id, timestamp, body) == {
        "webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature,
    }  # fmt: skip


def test_a_secret_holds_32_random_bytes() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets} == {32}


def test_the_reference_library_accepts_it() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY, headers_now(secret))["type"] == "asset.approved"


def test_during_a_rotation_old_and_new_secret_sign() -> None:
    old, new = new_secret(), new_secret()
    headers = headers_now(new, old)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        Webhook(secret).verify(BODY, headers)


def changed(**headers: str) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    "change",
    [
        changed(webhook_id="evt_2"),
        changed(webhook_timestamp=str(int(time.time()) - 60)),
        changed(webhook_signature=""),
        changed(webhook_signature="v1,AAAA"),
        changed(webhook_signature="v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ],
)
def test_the_reference_library_refuses_a_changed_header(change: dict[str, str]) -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers_now(secret) | change)


def test_the_reference_library_refuses_a_changed_body_and_another_secret() -> None:
    secret = new_secret()
    headers = headers_now(secret)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)


@pytest.mark.parametrize("offset", [-301, 330])
def test_the_reference_library_refuses_what_is_old_or_early(offset: int) -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers_now(secret, at=offset))
