"""What of a call's parameters may be kept: secrets masked, long values cut with a hash of the whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import orjson

from ..db import storable

MASK = "•••"
LARGEST = 4096
DEEPEST = 12
LONGEST_KNOWN = 100  # letters of a member's name that is remembered
_SECRET_NAME = re.compile(
    r"secret|password|passwd|token|authorization|api[-_]?key|^key$|cookie|credential", re.IGNORECASE
)
# Also a key that lost its check digits, which can be computed, or its case, or that was encoded once too often.
_SECRET_TEXT = re.compile(
    r"[cC][sS][kK](?:_|%(?:25)*5[fF])[0-9A-Za-z]+(?:_|%(?:25)*5[fF])[0-9A-Za-z_%]+"
    r"|whs(?:ec|k)_[A-Za-z0-9+/=]+|lease_[A-Za-z0-9_-]{40,}"
)
# Written small, it is a bearer of something in most texts: there what follows must have a digit.
_BEARER = re.compile(r"\b(Bearer +|(?i:bearer) +(?=\S*[0-9]))[A-Za-z0-9._~+/=-]{8,}")
# Of an address: who signs in to it, and the values of its query.
_USER_INFO = re.compile(r"(?<=://)[^/?#\s]+@")  # up to the last @, as those who follow an address read it
_QUERY_VALUE = re.compile(r"([?&;#])([^=&;#\s]+)=([^&;#\s]+)")
# Objects in which every value may be a credential, whatever it is called: a webhook's own headers, and how it signs in.
_SECRET_OBJECTS = frozenset({"headers", "auth"})
_OBJECTS = (dict, Mapping)  # a `dict` is recognised quicker
# `{"name": "Authorization", "value": "…"}`: what names a value beside it, and what the value is called.
_LABELS = frozenset({"name", "key", "header", "field"})
_VALUES = ("value", "values", "default", "min", "max", "options")
_CURSORS = frozenset({"cursor", "after"})
# Of an entity that is called by what another system calls it: the system, and the id there, which ends the path.
_EXTERNAL = re.compile(r"(?<=/by-external/)([^/]+)/.+", re.DOTALL)
_PARTS = re.compile(r"[.,\[\]]+")


class _Extra:
    """The names that an installation masks besides: set once, as the process starts."""

    names: frozenset[str] = frozenset()


def mask_also(names: Iterable[str]) -> None:
    """Mask values of these names too, wherever they stand, in this process. Case, and `-` for `_`, do not matter.

    Where there are any, cursors are masked too: they hold the values that a list is sorted by.
    """
    _Extra.names = frozenset(_folded(name) for name in names)
    if _Extra.names:
        _Extra.names |= _CURSORS
    _known_member.cache_clear()


def _folded(name: str) -> str:
    return name.strip().casefold().replace("-", "_")


def is_secret(name: str) -> bool:
    """Whether what is called so is masked: `password`, and where `fee` is configured `metadata.fee[gte]` too."""
    if _SECRET_NAME.search(name):
        return True
    return bool(_Extra.names) and not _Extra.names.isdisjoint(map(_folded, _PARTS.split(name)))


def is_about_secret(path: str | None) -> bool:
    """Whether a path such as `…/metadata/fee` names a configured field, so that its body is the value.

    In a batch it may be encoded, or name the field by what an earlier operation made: `…/metadata/$made.name`. A
    definition of a field that is changed is named by its id alone, so what is said of it may be of any field.
    """
    if not _Extra.names or not path:
        return False
    plain = unquote(path)
    if "/metadata/$" in plain or "/metadata-fields/" in plain:
        return True
    return not _Extra.names.isdisjoint(map(_folded, plain.split("/")))


def mask(value: Any, depth: int = 0) -> Any:
    """The value with everything that looks like a secret, by name or by form, replaced."""
    if depth > DEEPEST:
        return MASK
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, _OBJECTS):
        hidden = _named_beside(value)
        return dict([_masked(str(name), name in hidden, item, depth + 1) for name, item in value.items()])
    if isinstance(value, list | tuple):
        return [mask(item, depth + 1) for item in value]
    return value


def _masked(name: str, is_hidden: bool, value: Any, depth: int) -> tuple[str, Any]:
    """A member as it is kept."""
    shown, keep = _known_member(name) if len(name) <= LONGEST_KNOWN else _member(name)
    return shown, MASK if is_hidden else keep(value, depth)


def _member(name: str) -> tuple[str, Callable[[Any, int], Any]]:
    """The name of a member as it is kept, and what keeps its value."""
    if is_secret(name):
        return _plain(name), _hide
    return _plain(name), veil if name.casefold() in _SECRET_OBJECTS else mask


_known_member = lru_cache(maxsize=2000)(_member)  # every call has the same names


def _hide(_value: Any, _depth: int) -> str:
    return MASK


def veil(value: Any, depth: int = 0) -> Any:
    """The names of the members, and nothing of what they hold."""
    if isinstance(value, Mapping) and depth <= DEEPEST:
        return {_plain(str(name)): veil(item, depth + 1) for name, item in value.items()}
    return None if value is None else MASK


def _named_beside(value: Mapping[Any, Any]) -> Collection[str]:
    """The members that hold a secret because of what another one says."""
    found: list[str] = []
    if not _LABELS.isdisjoint(value):
        labels = [value.get(name) for name in _LABELS]
        if any(isinstance(label, str) and is_secret(label) for label in labels):
            found += _VALUES
    if is_about_secret(path if isinstance(path := value.get("path"), str) else None):  # an operation of a batch
        found.append("body")
    return found


def _plain(text: str) -> str:
    """Text that both databases can store, without secrets in it."""
    text = storable(text)
    if _Extra.names and ("by-external" in text or "%" in text):
        text = _without_external_ids(text)
    if "_" in text or "%" in text:  # one of which is in every secret
        text = _SECRET_TEXT.sub(MASK, text)
    if " " in text:
        text = _BEARER.sub(rf"\1{MASK}", text)
    if "://" not in text:
        return text
    return _QUERY_VALUE.sub(_masked_value, _USER_INFO.sub(f"{MASK}@", text))


def _without_external_ids(text: str) -> str:
    """A path may be encoded in a batch; one that holds nothing to be masked stays as it was written."""
    plain = unquote(text)
    masked = _EXTERNAL.sub(_masked_external, plain)
    return text if masked == plain else storable(masked)


def _masked_external(found: re.Match[str]) -> str:
    return f"{found[1]}/{MASK}" if is_secret(found[1]) else found[0]


def _masked_value(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={MASK}" if is_secret(found[2]) else found[0]


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


def without_value(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a call whose body is the value of a configured field: the query alone is kept."""
    if params.keys() <= {"query"}:
        return params
    return {name: kept for name, kept in params.items() if name == "query"} | {"body": MASK}


def clean_text(text: str | None, longest: int = 1000) -> str | None:
    """A header or path as the audit keeps it."""
    return None if text is None else _plain(text)[:longest]
