"""Everything derived from the one secret: digests of keys, encryption at rest, signing keys of the framework."""

from __future__ import annotations

import os
from copy import copy
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """The ciphertext is damaged, belongs to another row, or was made under another secret key."""


class Keyring:
    """Keys derived by HKDF-SHA-256 (RFC 5869) from `CALLSHEET_SECRET_KEY`, one for each purpose.

    Args:
        secret: the secret's bytes, at least 32.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._peppered = HMAC(self.derive("api-key pepper"), hashes.SHA256())
        self._vault = AESGCM(self.derive("encryption at rest"))
        self._sealing = Ed25519PrivateKey.from_private_bytes(self.derive("audit seals"))
        self.fingerprint = self.derive("fingerprint").hex()[:16]

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose; knowing them tells nothing of the others."""
        return HKDF(hashes.SHA256(), 32, None, f"callsheet {purpose}".encode()).derive(self._secret)

    def digest(self, secret: str) -> bytes:
        """HMAC-SHA-256 of an API key's secret under the pepper: what the database holds."""
        begun = self._peppered.copy()  # a third of what beginning anew with the pepper costs
        begun.update(secret.encode())
        return begun.finalize()

    def encrypt(self, plain: bytes, row: str) -> bytes:
        """AES-256-GCM; `row` (table and id) is authenticated, so a ciphertext is of no use in another row."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._vault.encrypt(nonce, plain, row.encode())

    def decrypt(self, sealed: bytes, row: str) -> bytes:
        """The plain bytes.

        Raises:
            CannotDecrypt: see there.
        """
        try:
            return self._vault.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row.encode())
        except (InvalidTag, ValueError) as error:
            raise CannotDecrypt(f"The secret of {row} cannot be decrypted with this CALLSHEET_SECRET_KEY.") from error

    def remembering(self, most: int = 10_000) -> Keyring:
        """The same keys; what they decrypted last need not be decrypted again."""
        other = copy(self)
        other.decrypt = lru_cache(most)(self.decrypt)  # type: ignore[method-assign]  # on this copy alone
        return other

    def sign(self, text: bytes) -> bytes:
        """Ed25519 (RFC 8032): the signature of a seal."""
        return self._sealing.sign(text)

    def has_signed(self, text: bytes, signature: bytes) -> bool:
        """Whether `sign` made this signature of this text."""
        try:
            self._sealing.public_key().verify(signature, text)
        except InvalidSignature:
            return False
        return True
