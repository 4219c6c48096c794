"""A webhook's own request headers: which there may be, and how they are kept.

They are credentials: encrypted together, never shown again. `auth` is the `Authorization` among them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import orjson

from ..crypto import CannotDecrypt, Keyring
from ..db import Row
from ..entity_rules import escaped
from ..errors import Conflict, FieldError
from .queries import headers_sealed_for, request_headers

MOST_HEADERS, LONGEST_HEADER_NAME, LONGEST_HEADER_VALUE = 20, 100, 2000
LONGEST_TOKEN, LONGEST_CREDENTIAL = 4000, 500
# What each kind of `auth` is made of.
AUTH_PARTS: dict[str, tuple[str, ...]] = {"bearer": ("token",), "basic": ("username", "password")}
AUTHORIZATION = "Authorization"
# RFC 9110, sections 5.6.2 and 5.5, in ASCII.
HEADER_NAME_PATTERN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
HEADER_VALUE_PATTERN = r"[!-~](?:[ \t!-~]*[!-~])?"
_NAME, _VALUE, _TOKEN = re.compile(HEADER_NAME_PATTERN), re.compile(HEADER_VALUE_PATTERN), re.compile(r"[!-~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Those of the connection or of the message as Callsheet makes it, and those that verification rests on.
_RESERVED = frozenset(
    (
        *("connection", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("user-agent", "accept-encoding", "date", "http2-settings"),
    )
)
_RESERVED_STARTS = ("content-", "webhook-", "proxy-")


def check_headers(headers: Mapping[str, str]) -> list[FieldError]:
    """The mistakes in a webhook's `headers`; none of the messages holds a value."""
    if len(headers) > MOST_HEADERS:
        return [FieldError("/headers", "length", f"Give at most {MOST_HEADERS} headers.")]
    errors, seen = [], set()
    for name, value in headers.items():
        mistake = _mistake_in(name, value)
        if mistake is None and name.lower() in seen:
            mistake = ("repeated", "This header is given twice: the case of its name makes no difference.")
        if mistake is not None:
            errors.append(FieldError(f"/headers/{escaped(name[:LONGEST_HEADER_NAME])}", *mistake))
        seen.add(name.lower())
    return errors


def _mistake_in(name: str, value: str) -> tuple[str, str] | None:
    lower = name.lower()
    if len(name) > LONGEST_HEADER_NAME or not _NAME.fullmatch(name):
        return "name", f"Name a header in letters, digits and hyphens, {LONGEST_HEADER_NAME} at most."
    if lower == AUTHORIZATION.lower():
        return "reserved", "Give this header as `auth`."
    if lower in _RESERVED or lower.startswith(_RESERVED_STARTS):
        return "reserved", "Callsheet or the connection sets this header; choose another, such as `X-Studio-Key`."
    if len(value) > LONGEST_HEADER_VALUE or not _VALUE.fullmatch(value):
        message = "Give 1 to {:,} printable ASCII characters, with no space at either end."
        return "value", message.format(LONGEST_HEADER_VALUE)
    return None


def check_auth(auth: Mapping[str, str] | None) -> list[FieldError]:
    """The mistakes in a webhook's `auth`; none of the messages holds a value."""
    if auth is None:
        return []
    parts = AUTH_PARTS.get(auth.get("type", ""))
    if parts is None:
        kinds = " or ".join(f"`{kind}`" for kind in AUTH_PARTS)
        return [FieldError("/auth/type", "unknown", f"The type of `auth` must be {kinds}.")]
    errors = [
        FieldError(f"/auth/{name}", "unexpected", f"`auth` of type `{auth['type']}` has {' and '.join(parts)} only.")
        for name in auth
        if name not in ("type", *parts)
    ]
    return errors + [FieldError(f"/auth/{part}", *mistake) for part in parts if (mistake := _auth_mistake(auth, part))]


def _auth_mistake(auth: Mapping[str, str], part: str) -> tuple[str, str] | None:
    text = auth.get(part, "")
    if not text:
        return "required", f"`auth` of type `{auth['type']}` needs a {part}."
    if part == "token":
        if len(text) > LONGEST_TOKEN or not _TOKEN.fullmatch(text):
            return "value", f"Give the token in 1 to {LONGEST_TOKEN:,} printable ASCII characters without spaces."
    elif len(text) > LONGEST_CREDENTIAL or _CONTROL.search(text):
        return "value", f"Keep the {part} to {LONGEST_CREDENTIAL} characters, no control characters among them."
    elif part == "username" and ":" in text:
        return "value", "A user name of basic authentication holds no colon (RFC 7617)."
    return None


def sealed(keyring: Keyring, webhook_id: str, given: Mapping[str, Any], before: Row | None = None) -> dict[str, Any]:
    """The columns of a webhook that its `headers` and `auth` become.

    Args:
        given: one of them or both, checked; one that is not given stays as it was.
        before: the webhook's row, unless it is new.

    Raises:
        Conflict: what is to stay cannot be decrypted.
    """
    kept = {} if before is None or {"headers", "auth"} <= given.keys() else opened(keyring, before)
    authorization = kept.pop(AUTHORIZATION, None)
    auth_type = None if before is None else before["auth_type"]
    if "auth" in given:
        auth = given["auth"]
        authorization, auth_type = (None, None) if auth is None else (_authorization(auth), auth["type"])
    headers = dict(given.get("headers", kept))
    names = list(headers)
    if authorization is not None:
        headers[AUTHORIZATION] = authorization
    text = keyring.encrypt(orjson.dumps(headers), headers_sealed_for(webhook_id)) if headers else None
    return {"sealed_headers": text, "header_names": names, "auth_type": auth_type}


def opened(keyring: Keyring, row: Row) -> dict[str, str]:
    """The headers that a webhook has.

    Raises:
        Conflict: they cannot be decrypted.
    """
    try:
        return request_headers(keyring, row)
    except CannotDecrypt:
        raise Conflict("The headers kept for this webhook cannot be read; give both `headers` and `auth`.") from None


def _authorization(auth: Mapping[str, str]) -> str:
    if auth["type"] == "bearer":
        return f"Bearer {auth['token']}"
    pair = f"{auth['username']}:{auth['password']}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
