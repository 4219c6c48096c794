"""Signatures of Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

`v1` is HMAC-SHA-256 with a secret that both sides hold (`whsec_…`); `v1a` is Ed25519 with a key that only Callsheet
holds (`whsk_…`: the seed and the public key, 64 bytes), which a receiver checks with the public one (`whpk_…`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
SECRET_BYTES = SEED_BYTES = 32
SIGNATURES = ("v1", "v1a")


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return SECRET + _base64(secrets.token_bytes(SECRET_BYTES))


def new_private_key() -> str:
    """`whsk_` and, in base64, 32 random bytes and the public key that follows from them."""
    seed = secrets.token_bytes(SEED_BYTES)
    return PRIVATE + _base64(seed + _key_of(seed).public_key().public_bytes_raw())


def public_key(private_key: str) -> str:
    """The `whpk_…` of a `whsk_…`."""
    return PUBLIC + _base64(_bytes(private_key, PRIVATE)[SEED_BYTES:])


def public_bytes(key: str) -> bytes:
    """The 32 bytes of a `whpk_…`."""
    return _bytes(key, PUBLIC)


def sign(key: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature over `{id}.{timestamp}.{body}`: `v1,…` with a secret, `v1a,…` with a private key.

    `timestamp` is the attempt's, in whole Unix seconds.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    if key.startswith(PRIVATE):
        return "v1a," + _base64(_private_key(key).sign(signed))
    return "v1," + _base64(hmac.digest(_secret(key), signed, hashlib.sha256))


def signed_headers(signing_secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers; during a rotation every secret or key in force signs."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in signing_secrets),
    }


# Reading a key takes longer than signing with it, and a webhook signs many times with the same.
@lru_cache(maxsize=10_000)
def _secret(key: str) -> bytes:
    return _bytes(key, SECRET)


@lru_cache(maxsize=10_000)
def _private_key(key: str) -> Ed25519PrivateKey:
    return _key_of(_bytes(key, PRIVATE)[:SEED_BYTES])


def _key_of(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def _bytes(text: str, prefix: str) -> bytes:
    return base64.b64decode(text.removeprefix(prefix))


def _base64(plain: bytes) -> str:
    return base64.b64encode(plain).decode()
