"""A caller of the API who checks, on every answer, what the contract promises of all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from domain.audit.models import api_audit_log
from domain.db import Row
from domain.ports import Services
from tests.factories import Key

BASE = "/api/v1"
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "request_id"}
# draft-ietf-httpapi-ratelimit-headers-11: a list of structured-field items.
_POLICY = re.compile(r'"(read|write|address)";q=(\d+);w=60')
_LIMIT = re.compile(r'"(read|write|address)";r=(\d+);t=(\d+)')


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer and the audit row that it left."""

    response: TestResponse
    audit: Row

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return cast(Mapping[str, str], self.response.headers)

    @property
    def document(self) -> Any:
        return document_of(self.response)

    @property
    def data(self) -> Any:
        return self.document["data"]

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.data]

    @property
    def problem(self) -> str:
        """The last word of the problem's type."""
        return str(self.document["type"]).removeprefix("/problems/")

    @property
    def fields(self) -> list[str]:
        """The fields that a 422 names."""
        return [error["field"] for error in self.document["errors"]]

    def refused(self, status: int, problem: str) -> Answer:
        """Assert that the call was refused so."""
        assert (self.status, self.problem) == (status, problem), self.document
        return self


class Client:
    """Calls with one key, or with none.

    Args:
        address: where the caller seems to be.
    """

    def __init__(self, app: Flask, key: Key | None = None, address: str = "192.0.2.10") -> None:
        self.app = app
        self.key = key
        self.address = address

    @property
    def services(self) -> Services:
        return cast(Services, self.app.extensions["callsheet"])

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """The bare answer, unchecked. A path not under the base is put there."""
        headers = dict(options.pop("headers", {}))
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key.token}")
        full = path if path.startswith(BASE) else BASE + path
        environ = {"REMOTE_ADDR": self.address, **options.pop("environ", {})}
        return self.app.test_client().open(full, method=method, headers=headers, environ_overrides=environ, **options)

    def call(self, method: str, path: str, **options: Any) -> Answer:
        """A checked answer."""
        return self._check(method, self.send(method, path, **options))

    def get(self, path: str, **query: Any) -> Answer:
        return self.call("GET", path, query_string=query)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """`body` is sent as JSON; bytes are sent as they are."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.call("POST", path, **{"data": data, "content_type": "application/json", **options})

    def _check(self, method: str, response: TestResponse) -> Answer:
        check_headers(response)
        if response.status_code >= 400 and method != "HEAD":
            check_problem(response)
        entry = self._audit_row(response.headers["X-Request-Id"])
        known = self.key.id if self.key is not None else None
        assert (entry["source"], entry["method"], entry["status_code"]) == ("api", method, response.status_code)
        assert entry["ip"] is not None
        assert entry["duration_ms"] >= 0
        assert entry["key_id"] in (known, None)
        assert entry["key_id"] == known or response.status_code == 401
        return Answer(response, entry)

    def _audit_row(self, request_id: str) -> Row:
        with self.services.database.reading() as session:
            chosen = select(api_audit_log).where(api_audit_log.c.request_id == request_id)
            rows = session.execute(chosen).mappings().all()
        assert len(rows) == 1, f"{len(rows)} audit rows for {request_id}"
        return rows[0]


def document_of(response: Any) -> Any:
    """The JSON of a bare answer."""
    return orjson.loads(response.data)


def check_headers(response: Any) -> None:
    """What every answer carries, whatever its status."""
    headers = response.headers
    assert headers["X-Request-Id"]
    limit, remaining = int(headers["X-RateLimit-Limit"]), int(headers["X-RateLimit-Remaining"])
    assert 0 <= remaining <= limit
    assert int(headers["X-RateLimit-Reset"]) > 1_700_000_000
    policy, standing = _POLICY.fullmatch(headers["RateLimit-Policy"]), _LIMIT.fullmatch(headers["RateLimit"])
    assert policy
    assert standing
    assert (policy[1], int(policy[2]), int(standing[2])) == (standing[1], limit, remaining)
    assert headers["X-Content-Type-Options"] == "nosniff"


def check_problem(response: TestResponse) -> None:
    """RFC 9457, with our members."""
    assert response.content_type == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    document = document_of(response)
    assert set(document) >= PROBLEM_MEMBERS
    assert document["status"] == response.status_code
    assert document["type"].startswith("/problems/")
    assert document["request_id"] == response.headers["X-Request-Id"]
    assert all(document[name] for name in ("title", "detail", "instance"))
    names_faults = document["type"] in ("/problems/invalid", "/problems/too-many-aliases")
    assert ("errors" in document) == (names_faults or document["type"].startswith("/problems/query-"))
    for error in document.get("errors", ()):
        assert set(error) == {"field", "code", "message"}
    assert "Traceback" not in response.text
