"""What of a call's parameters may be kept: secrets masked, long values cut with a hash of the whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from ..db import storable

MASK = "•••"
LARGEST = 4096
DEEPEST = 12
_SECRET_NAME = re.compile(
    r"secret|password|passwd|token|authorization|api[-_]?key|^key$|cookie|credential", re.IGNORECASE
)
# Also a key that lost its check digits: they can be computed.
_SECRET_TEXT = re.compile(r"csk_[0-9A-Za-z]+_[0-9A-Za-z_]+|whsec_[A-Za-z0-9+/=]+")


def mask(value: Any, depth: int = 0) -> Any:
    """The value with everything that looks like a secret, by name or by form, replaced."""
    if depth > DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {
            _plain(str(name)): MASK if _SECRET_NAME.search(str(name)) else mask(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask(item, depth + 1) for item in value]
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    """Text that both databases can store, without secrets in it."""
    return _SECRET_TEXT.sub(MASK, storable(text))


def masked_params(query: Mapping[str, Any], body: Any) -> dict[str, Any] | None:
    """What the audit keeps of a call's query and body: None when there is nothing, the head and a hash past 4 KiB."""
    params: dict[str, Any] = {}
    if query:
        params["query"] = mask(query)
    if body is not None:
        params["body"] = mask(body)
    if not params:
        return None
    try:
        whole = orjson.dumps(params)
    except TypeError:  # an integer of more than 64 bits
        whole = repr(params).encode()
        params = {"text": whole.decode()}
    if len(whole) <= LARGEST:
        return params
    head = whole[:LARGEST].decode("utf-8", "ignore")
    return {"truncated": True, "bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest(), "head": head}


def clean_text(text: str | None, longest: int = 1000) -> str | None:
    """A header or path as the audit keeps it."""
    return None if text is None else _plain(text)[:longest]
