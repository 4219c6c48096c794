"""The text of a key: `csk_<id>_<secret>_<check>`.

`<id>` is the secret's public id, `<secret>` 190 random bits, both base62; `<check>` is the CRC-32 of what stands before
it, in base62 padded to 6. A mistyped key is refused with no I/O, and scanners can match leaked ones by `PATTERN`.
"""

from __future__ import annotations

import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH = 12, 32, 6
PATTERN = f"csk_[0-9A-Za-z]{{{ID_LENGTH}}}_[0-9A-Za-z]{{{SECRET_LENGTH}}}_[0-9A-Za-z]{{{CHECK_LENGTH}}}"


class Malformed(ValueError):
    """Not the text of a key. The message says what is wrong with its form."""


def make_token() -> tuple[str, str]:
    """A new secret's public id and its whole text."""
    public_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    body = f"csk_{public_id}_{secret}"
    return public_id, f"{body}_{check_digits(body)}"


def public_id_of(token: str) -> str:
    """The public id inside a well-formed key.

    Raises:
        Malformed: wrong shape, or the check digits do not fit.
    """
    parts = token.split("_")
    if len(parts) != 4 or parts[0] != "csk":
        raise Malformed("A key looks like `csk_<id>_<secret>_<check>`.")
    if [len(part) for part in parts[1:]] != [ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH]:
        raise Malformed("The key is not of the right length: was it cut off when it was copied?")
    if "".join(parts[1:]).strip(ALPHABET):
        raise Malformed("A key holds only letters, digits and three underscores.")
    if parts[3] != check_digits(token.rpartition("_")[0]):
        raise Malformed("The key's check digits do not fit: was it mistyped?")
    return parts[1]


def check_digits(body: str) -> str:
    """What ends a key that begins with `body`."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK_LENGTH):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits
