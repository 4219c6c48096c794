"""Going through a list page by page, and cursors that no page gave."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from tests.api.client import Answer, Client


def walk(client: Client, path: str, limit: int = 2, **query: Any) -> list[dict[str, Any]]:
    """Every row, page by page, following `Link`."""
    answer = client.get(path, limit=limit, **query)
    rows = list(answer.data)
    while answer.document["page"]["next"] is not None:
        target, rel = answer.headers["Link"].split("; ")
        assert rel == 'rel="next"'
        assert len(answer.data) == limit
        parameters = dict(parse_qsl(urlsplit(target.strip("<>")).query, keep_blank_values=True))
        assert parameters.pop("cursor") == answer.document["page"]["next"]
        assert parameters == {"limit": str(limit), **{name: str(value) for name, value in query.items()}}
        answer = client.get(path, cursor=answer.document["page"]["next"], **parameters)
        rows += answer.data
    assert "Link" not in answer.headers
    return rows


def forged(answer: Answer, *values: object) -> str:
    """The answer's cursor with these sort values in place of its own."""
    text = answer.document["page"]["next"]
    signature = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))[0]
    return base64.urlsafe_b64encode(orjson.dumps([signature, *values])).decode().rstrip("=")
