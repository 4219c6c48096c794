"""The parameters that operations share, each a component of the document: headers, and the ids in paths."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from domain.artifacts.rules import FILE_NAME_PATTERN, LONGEST_NAME
from domain.entity_rules import LONGEST_EXTERNAL_ID, SYSTEM_PATTERN
from domain.event_cursors.queries import NAME_PATTERN
from domain.events.catalogue import TYPES
from domain.ids import LENGTH as ID_LENGTH
from domain.ids import id_pattern

from ..idempotency import LONGEST_KEY
from ..list_parameters import LONGEST_CURSOR
from ..schemas import METADATA_KEY, NOT_ONLY_SPACES, example_id

_TAG = '"chr_01jd3q8v9w7x5y2m4n6p8r0s1t-3"'


def _header(name: str, description: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "description": description, "schema": schema, "example": example}


HEADER_PARAMETERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": _header(
        "X-Request-Id",
        "Your id for this call: 1 to 128 letters, digits, `.`, `_`, `:`, `-`. Any other is replaced by ours.",
        {"type": "string"},
        "nightly-sync-2026-01-01",
    ),
    "Idempotency-Key": _header(
        "Idempotency-Key",
        "Makes a retry safe for 24 hours: the same key, path and body get the first answer again; "
        "another body is refused with 422.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        "4b1f6c1e-shot-0010",
    ),
    "If-None-Match": _header(
        "If-None-Match", "An `ETag` that you have: the answer is 304 while it is the present one.",
        {"type": "string"}, _TAG,
    ),
    "If-Match": _header(
        "If-Match", "The `ETag` that you read: the answer is 412 when the object has changed since.",
        {"type": "string"}, _TAG,
    ),
    "Last-Event-ID": _header(
        "Last-Event-ID", "The last `id` of a stream that was lost: this one goes on behind it.",
        {"type": "string", "maxLength": LONGEST_CURSOR, "pattern": "^[A-Za-z0-9_-]*$"}, "WyI4YjU0ZDFjMCIsNDJd",
    ),
    "Lease-Token": _header(
        "Lease-Token", "The `lease_token` of the claim.",
        {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]+$"}, "lease_Zk1",
    ) | {"required": True},
    "Content-Digest": _header(
        "Content-Digest", "SHA-256 of the bytes (RFC 9530): the answer is 400 when others arrived.",
        {"type": "string"}, "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:",
    ),
    "Range": _header(
        "Range", "One range of bytes; the answer is 206. Other forms are not heeded.", {"type": "string"}, "bytes=0-99"
    ),
}  # fmt: skip

_PREFIXES = {
    "projects": "prj", "characters": "chr", "scenes": "scn", "segments": "seg", "webhooks": "whk", "deliveries": "dlv",
    "replays": "rpl", "events": "evt",
    "api-keys": "key", "jobs": "job", "takes": "tak",
}  # fmt: skip


_NAMED: dict[str, dict[str, Any]] = {
    "system": {"description": "The other system.", "example": "shotgrid", "schema": {
        "type": "string", "maxLength": 40, "pattern": f"^{SYSTEM_PATTERN}$"}},
    "key": {"description": "A key of the metadata.", "example": "lens_mm", "schema": METADATA_KEY},
    "field_id": {"description": "The id of the metadata field.", "example": example_id("fld"), "schema": {
        "type": "string", "maxLength": 30, "pattern": id_pattern("fld")}},
    "cursor_name": {"description": "The name of the cursor.", "example": "nightly-sync", "schema": {
        "type": "string", "maxLength": 64, "pattern": f"^{NAME_PATTERN}$"}},
    "artifact_name": {"description": "The name of the file.", "example": "preview.webp", "schema": {
        "type": "string", "maxLength": LONGEST_NAME, "pattern": f"^{FILE_NAME_PATTERN}$"}},
    "event_type": {"description": "The name of the event type.", "example": "asset.approved", "schema": {
        "type": "string", "enum": list(TYPES)}},
    "external_id": {"description": "What that system calls it.", "example": "1042", "schema": {
        "type": "string", "minLength": 1, "maxLength": LONGEST_EXTERNAL_ID, "pattern": NOT_ONLY_SPACES}},
}  # fmt: skip


def path_parameters(rule: str) -> list[dict[str, Any]]:
    """The parameters in a rule; an id is known by the noun that stands before it.

    Those that name no object are described by their operation.
    """
    steps = rule.split("/")
    found = [
        _path_parameter(noun, step.strip("<>").rpartition(":")[2]) for noun, step in pairwise(steps) if step[:1] == "<"
    ]
    return [{"in": "path", "required": True, **described} for described in found if described]


def _path_parameter(noun: str, name: str) -> dict[str, Any]:
    if name in _NAMED:
        return {"name": name, **_NAMED[name]}
    prefix = _PREFIXES.get(noun)
    if prefix is None:
        return {}
    word = noun.removesuffix("s") if noun != "deliveries" else "delivery"
    schema = {"type": "string", "pattern": id_pattern(prefix), "maxLength": len(prefix) + 1 + ID_LENGTH}
    return {"name": name, "description": f"The id of the {word}.", "schema": schema, "example": example_id(prefix)}
