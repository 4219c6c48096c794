"""Passwords: argon2id at the library's RFC 9106 low-memory profile, with few hashes at a time."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 256

_hasher = PasswordHasher()
# Each hash takes 64 MiB and all cores: without this a burst of sign-ins is a denial of service.
_turn = threading.BoundedSemaphore(2)


@cache
def _decoy() -> str:
    """What an unknown user's password is compared with, so that the answer takes as long."""
    return _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The PHC string to store."""
    with _turn:
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password fits; None stands for a user who does not exist and takes the same work."""
    with _turn:
        decoy = _decoy()  # made at the first sign-in of a process, whoever it is
        try:
            return _hasher.verify(stored or decoy, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
