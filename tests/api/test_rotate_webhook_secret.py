"""POST /webhooks/{id}/rotate-secret, and the public keys that receivers fetch without a key of the API."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Flask
from sqlalchemy import select
from standardwebhooks import Webhook as Receiver

from api.admission import ADDRESS_PER_MINUTE, KEY_SETS
from domain.audit.models import api_audit_log
from domain.clock import rfc3339
from domain.db import Database, Row
from domain.webhooks.queries import signing_secrets
from domain.webhooks.rules import LONGEST_GRACE, MOST_IN_FORCE
from domain.webhooks.signing import signed_headers
from tests.api.client import Answer
from tests.api.conftest import Cast
from tests.factories import KEYRING, Webhook, make_webhook
from tests.support.clock import NOON, StoppedClock

DAY = timedelta(days=1)
BODY = b'{"type": "asset.approved"}'


def rotate(cast: Cast, hook: Webhook, **body: Any) -> Answer:
    return cast.admin.post(f"/webhooks/{hook.id}/rotate-secret", body)


def secrets_of(database: Database, hook: Webhook, clock: StoppedClock) -> list[str]:
    with database.reading() as session:
        return signing_secrets(session, KEYRING, [hook.id], clock.now).get(hook.id, [])


def test_it_works(cast: Cast, database: Database, clock: StoppedClock) -> None:
    hook = make_webhook(database)
    answer = rotate(cast, hook)
    new: str = answer.data["secret"]
    assert (answer.status, answer.data["version"]) == (200, 2)
    assert secrets_of(database, hook, clock) == [new, hook.secret]
    headers = signed_headers([new, hook.secret], "evt_1", int(NOON.timestamp()), BODY)
    assert len(headers["webhook-signature"].split()) == 2
    clock.advance(seconds=DAY.total_seconds() - 1)
    assert secrets_of(database, hook, clock) == [new, hook.secret]
    clock.advance(seconds=1)
    assert secrets_of(database, hook, clock) == [new]
    Receiver(new)  # the reference library can read it


def test_the_new_secret_is_shown_once(cast: Cast, database: Database) -> None:
    path = f"/webhooks/{make_webhook(database).id}/rotate-secret"
    first, again = (cast.admin.post(path, {}, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.data["secret"].startswith("whsec_")
    assert again.data == {**first.data, "secret": None}
    with database.reading() as session:
        seen = repr(session.execute(select(api_audit_log)).all())
    assert first.data["secret"] not in seen


def test_a_grace_of_nothing_ends_the_old_one_at_once(cast: Cast, database: Database, clock: StoppedClock) -> None:
    hook = make_webhook(database)
    new = rotate(cast, hook, grace_seconds=0).data["secret"]
    assert secrets_of(database, hook, clock) == [new]


def test_no_rotation_makes_an_old_one_last_longer(cast: Cast, database: Database, clock: StoppedClock) -> None:
    hook = make_webhook(database)
    rotate(cast, hook, grace_seconds=60)
    rotate(cast, hook, grace_seconds=LONGEST_GRACE)
    clock.advance(seconds=60)
    assert hook.secret not in secrets_of(database, hook, clock)
    assert len(secrets_of(database, hook, clock)) == 2


def test_there_is_an_end_to_how_many_sign(cast: Cast, database: Database, clock: StoppedClock) -> None:
    hook = make_webhook(database)
    for _ in range(MOST_IN_FORCE - 1):
        assert rotate(cast, hook).status == 200
    rotate(cast, hook).refused(409, "conflict")
    assert rotate(cast, hook, grace_seconds=0).status == 200
    assert len(secrets_of(database, hook, clock)) == 1


@pytest.mark.parametrize("grace", [-1, LONGEST_GRACE + 1, "60", True, None, 0.5])
def test_it_refuses_a_grace_out_of_range(cast: Cast, database: Database, grace: Any) -> None:
    answer = rotate(cast, make_webhook(database), grace_seconds=grace).refused(422, "invalid")
    assert answer.fields == ["/grace_seconds"]


def key_set(app: Flask, webhook_id: str, ip: str = "198.51.100.9") -> Any:
    return app.test_client().get(KEY_SETS + webhook_id, environ_base={"REMOTE_ADDR": ip})


def verifies(key: dict[str, str], signature: str, message: bytes) -> bool:
    point = base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
    try:
        Ed25519PublicKey.from_public_bytes(point).verify(base64.b64decode(signature.removeprefix("v1a,")), message)
    except InvalidSignature:
        return False
    return True


def test_a_receiver_finds_the_keys_that_check_what_it_gets(
    app: Flask, cast: Cast, database: Database, clock: StoppedClock
) -> None:
    hook = make_webhook(database, signature="v1a")
    rotated = rotate(cast, hook)
    assert rotated.data["secret"] is None
    new, old = rotated.data["public_keys"]
    assert (new["expires_at"], old["expires_at"]) == (None, rfc3339(NOON + DAY))
    answer = key_set(app, hook.id)
    keys = answer.json["keys"] if answer.is_json else None
    assert answer.status_code == 200
    assert answer.content_type == "application/jwk-set+json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert keys is not None
    assert [key["kid"] for key in keys] == [new["id"], old["id"]]
    assert {(key["kty"], key["crv"], key["alg"], key["use"]) for key in keys} == {("OKP", "Ed25519", "EdDSA", "sig")}
    headers = signed_headers(secrets_of(database, hook, clock), "evt_1", 1, BODY)
    for key, signature in zip(keys, headers["webhook-signature"].split(), strict=True):
        assert verifies(key, signature, b"evt_1.1." + BODY)
        assert not verifies(key, signature, b"evt_2.1." + BODY)
    assert "whsk_" not in answer.text
    clock.advance(seconds=DAY.total_seconds())
    assert [key["kid"] for key in key_set(app, hook.id).json["keys"]] == [new["id"]]


def test_the_tag_of_a_webhook_tells_of_its_keys(cast: Cast, database: Database, clock: StoppedClock) -> None:
    hook = make_webhook(database, signature="v1a")
    rotate(cast, hook)
    before = cast.admin.get(f"/webhooks/{hook.id}").headers["ETag"]
    clock.advance(seconds=DAY.total_seconds())
    assert cast.admin.get(f"/webhooks/{hook.id}").headers["ETag"] != before


def audited(database: Database, ip: str) -> list[Row]:
    with database.reading() as session:
        chosen = select(api_audit_log).where(api_audit_log.c.ip == ip).order_by(api_audit_log.c.id)
        return [dict(row) for row in session.execute(chosen).mappings()]


def test_reading_keys_needs_no_key_and_is_audited(app: Flask, database: Database) -> None:
    hook = make_webhook(database, signature="v1a")
    key_set(app, hook.id)
    (row,) = audited(database, "198.51.100.9")
    assert (row["path"], row["status_code"], row["key_id"]) == (KEY_SETS + hook.id, 200, None)
    assert row["route"] == KEY_SETS + "{webhook_id}"


@pytest.mark.parametrize("which", ["unknown", "nonsense", "symmetric"])
def test_it_does_not_tell_which_webhooks_there_are(app: Flask, database: Database, which: str) -> None:
    ids = {"unknown": "whk_" + "0" * 26, "nonsense": "%00", "symmetric": make_webhook(database).id}
    answer = key_set(app, ids[which])
    assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found")
    assert answer.json["detail"] == "There are no public keys under this address."


def test_other_methods_are_refused(app: Flask, database: Database) -> None:
    hook = make_webhook(database, signature="v1a")
    answer = app.test_client().post(KEY_SETS + hook.id)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_reading_keys_is_limited_by_address(app: Flask, database: Database) -> None:
    hook = make_webhook(database, signature="v1a")
    # Tokens come back while they are taken: two a second.
    calls = next(n for n in range(10 * ADDRESS_PER_MINUTE) if key_set(app, hook.id, "198.51.100.77").status_code == 429)
    assert calls >= ADDRESS_PER_MINUTE
    assert key_set(app, hook.id, "198.51.100.78").status_code == 200
