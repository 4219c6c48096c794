"""What the OpenAPI document says of operations that take or give a file."""

from __future__ import annotations

from typing import Any

from .documentation import LARGEST_STREAM
from .reference.headers import headers
from .reference.problems import problem_name

_BYTES = {"schema": {"type": "string", "format": "binary", "maxLength": LARGEST_STREAM}}


def taking_file(shown: dict[str, Any]) -> dict[str, Any]:
    """What differs of an operation whose body is a file."""
    refusals = {str(code): problem_name(code) for code in (409, 415, 422)}
    return {
        "requestBody": {"required": True, "content": {"*/*": _BYTES}},
        "parameters": [*shown["parameters"], "Lease-Token", "Content-Digest"],
        "responses": {**shown["responses"], **refusals},
    }


def giving_file(shown: dict[str, Any]) -> dict[str, Any]:
    """What differs of an operation that answers with a file, or a range of one."""
    also = headers("Content-Disposition", "Accept-Ranges")
    answers = {
        "200": {"description": "The file.", "headers": also, "content": {"*/*": _BYTES}},
        "206": {
            "description": "The range of it that was asked for.",
            "headers": {**also, **headers("Content-Range")},
            "content": {"*/*": _BYTES},
        },
        "304": {"description": "You have it.", "headers": headers()},
        "416": problem_name(416),
    }
    return {
        "parameters": [*shown["parameters"], "Range", "If-None-Match"],
        "responses": {**shown["responses"], **answers},
    }
