"""How large a request may be: each limit has its status, and at the limit itself nothing is refused."""

from __future__ import annotations

from typing import Any

import pytest

from api.json_body import DEEPEST
from api.operation import LARGEST_ENTITY
from api.request_limits import LARGEST_BODY, LARGEST_HEADERS, LONGEST_ADDRESS, MOST_HEADERS
from api.v1.batch.schemas import MOST_OPERATIONS
from config import ROOT
from domain.listing import MOST_PARAMETERS
from tests.api.conftest import Cast

LIST = "/api/v1/projects"
JSON = {"content_type": "application/json"}


def headers(count: int) -> dict[str, str]:
    """So many beside those that every test's call has."""
    return {f"X-Noise-{number}": "x" for number in range(count)}


def nested(depth: int) -> bytes:
    return b'{"name": "Deep", "metadata": {"tree": ' + b"[" * (depth - 2) + b"]" * (depth - 2) + b"}}"


def operations(count: int) -> dict[str, Any]:
    return {"operations": [{"method": "POST", "path": "/nowhere", "body": {}}] * count, "atomic": False}


# What is sent that is still taken, what is refused, and how.
LIMITS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any], int, str]] = {
    "address": (
        "GET", LIST, {"query_string": "q=" + "x" * 400}, {"query_string": "q=" + "x" * LONGEST_ADDRESS},
        414, "uri-too-long",
    ),
    "number of headers": (
        "GET", LIST, {"headers": headers(MOST_HEADERS - 5)}, {"headers": headers(MOST_HEADERS + 1)},
        431, "headers-too-large",
    ),
    "size of headers": (
        "GET", LIST, {"headers": {"X-Noise": "x" * (LARGEST_HEADERS - 400)}},
        {"headers": {"X-Noise": "x" * LARGEST_HEADERS}}, 431, "headers-too-large",
    ),
    "a type that is too long": (
        "POST", "/api/v1/batch", {"json": operations(1)},
        {"data": b"{}", "content_type": "application/json; x=" + "x" * LARGEST_HEADERS}, 431, "headers-too-large",
    ),
    "query parameters": (
        "GET", LIST, {"query_string": "&".join(["status=active"] * MOST_PARAMETERS)},
        {"query_string": "&".join(["status=active"] * (MOST_PARAMETERS + 1))}, 400, "bad-query",
    ),
    "query parameters where none are known": (
        "GET", "/api/v1/me", {"query_string": "&".join(["a=1"] * MOST_PARAMETERS)},
        {"query_string": "&".join(["a=1"] * (MOST_PARAMETERS + 1))}, 400, "bad-query",
    ),
    "body": (
        "POST", "/api/v1/batch", {"json": operations(1)}, {"data": b" " * (LARGEST_BODY + 1), **JSON},
        413, "body-too-large",
    ),
    "body of one object": (
        "POST", LIST, {"data": b'{"name": "Large"}'.ljust(LARGEST_ENTITY), **JSON},
        {"data": b'{"name": "Large"}'.ljust(LARGEST_ENTITY + 1), **JSON}, 413, "body-too-large",
    ),
    "depth of JSON": (
        "POST", LIST, {"data": nested(DEEPEST), **JSON}, {"data": nested(DEEPEST + 1), **JSON}, 400, "malformed-json",
    ),
    "operations of a batch": (
        "POST", "/api/v1/batch", {"json": operations(MOST_OPERATIONS)}, {"json": operations(MOST_OPERATIONS + 1)},
        422, "invalid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_it_works(cast: Cast, name: str) -> None:
    method, path, fits, exceeds, status, problem = LIMITS[name]
    taken = cast.admin.call(method, path, **fits)
    assert taken.status in (200, 201) or "/metadata/tree" in taken.fields, taken.document
    cast.admin.call(method, path, **exceeds).refused(status, problem)


def test_the_key_comes_first(cast: Cast) -> None:
    for name, (method, path, _fits, exceeds, _status, _problem) in LIMITS.items():
        assert cast.nobody.send(method, path, **exceeds).status_code == 401, name


def test_calls_without_a_key_are_held_to_them(cast: Cast) -> None:
    many = headers(MOST_HEADERS + 1)
    assert cast.nobody.send("POST", "/api/v1/leaked-keys", headers=many, json={}).status_code == 431
    assert cast.nobody.send("GET", "/api/v1/openapi.json", headers=many).status_code == 431


def test_every_limit_is_in_the_guide() -> None:
    guide = (ROOT / "docs" / "api.md").read_text()
    figures = (LONGEST_ADDRESS // 1024, LARGEST_HEADERS // 1024, LARGEST_ENTITY // 1024)
    assert all(f"{figure} KiB" in guide for figure in figures)
    for figure in (MOST_HEADERS, MOST_PARAMETERS, DEEPEST, MOST_OPERATIONS):
        assert f" {figure} " in guide
