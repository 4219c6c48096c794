"""What the OpenAPI document says of operations that take or give a file."""

from __future__ import annotations

from typing import Any

from .documentation import LARGEST_STREAM
from .reference.headers import headers
from .reference.problems import problem_name

_BYTES = {"schema": {"type": "string", "format": "binary", "maxLength": LARGEST_STREAM}}
# Of whatever type the file is; the first is what a client that is generated from the document takes it for.
_FILE = {"application/octet-stream": _BYTES, "*/*": _BYTES}
_DIGEST = {
    "description": "The SHA-256 of the file, for `If-None-Match` and `If-Range`.",
    "required": True,
    "schema": {"type": "string", "maxLength": 66, "pattern": '^"[0-9a-f]{64}"$'},
    "example": '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
}


def taking_file(shown: dict[str, Any]) -> dict[str, Any]:
    """What differs of an operation whose body is a file."""
    refusals = {str(code): problem_name(code) for code in (409, 415, 422)}
    return {
        # Whatever type it is of; a client that is generated from the document sends bytes.
        "requestBody": {"required": False, "content": {"application/octet-stream": _BYTES}},
        "parameters": [*shown["parameters"], "Lease-Token", "Content-Digest"],
        "responses": {**shown["responses"], **refusals},
    }


def giving_file(shown: dict[str, Any]) -> dict[str, Any]:
    """What differs of an operation that answers with a file, or a range of one."""
    also = {**headers("Content-Disposition", "Accept-Ranges"), "ETag": _DIGEST}
    answers = {
        "200": {"description": "The file.", "headers": also, "content": _FILE},
        "206": {
            "description": "The range of it that was asked for.",
            "headers": {**also, **headers("Content-Range")},
            "content": _FILE,
        },
        "304": {"description": "You have it.", "headers": {**headers(), "ETag": _DIGEST}},
        "416": problem_name(416),
    }
    return {
        "parameters": [*shown["parameters"], "Range", "If-None-Match"],
        "responses": {**shown["responses"], **answers},
    }
