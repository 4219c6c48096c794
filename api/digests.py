"""`Content-Digest` (RFC 9530): what the sender says the bytes hash to."""

from __future__ import annotations

import base64
import re

from .problems import Problem

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")


def check_digest(header: str | None, sha256: str) -> None:
    """Refuse bytes that were changed or cut short on their way; digests other than SHA-256 are not looked at.

    Args:
        sha256: of what arrived, in hexadecimal.

    Raises:
        Problem: 400, they are not what was sent.
    """
    found = _SHA256.search(header or "")
    if found is not None and found[1] != base64.b64encode(bytes.fromhex(sha256)).decode():
        raise Problem("bad-request", f"The bytes that arrived have another `Content-Digest` (SHA-256 {sha256}).")
