"""What HTTP asks of every registered route: HEAD, OPTIONS, `Allow`, and refusals that are problems, never a 500."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api.admission import KEYLESS, PREFIX, PUBLIC
from api.operation import Operation
from api.request_limits import LARGEST_BODY, LARGEST_HEADERS, LONGEST_ADDRESS, MOST_HEADERS
from domain.db import Database
from tests.api.client import Client, check_headers, check_problem, document_of
from tests.api.conftest import Cast
from tests.api.places import Places, operations
from tests.api.test_json_bodies import MALFORMED
from tests.factories import make_key

KEYED_BY_NOBODY = PUBLIC | {path for _, path in KEYLESS}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW")
# Differ from one answer to the next, whatever was asked.
_OWN = {"X-Request-Id", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit", "Date"}


@pytest.fixture
def places(database: Database) -> Places:
    return Places(database)


def methods_of(app: Flask) -> dict[str, set[str]]:
    """Each rule below the base, but for those that need no key, and the methods that are registered for it."""
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX) and rule.rule not in KEYED_BY_NOBODY:
            found.setdefault(rule.rule.removeprefix(PREFIX), set()).update(rule.methods or ())
    assert set(found) == {operation.rule for operation in operations()}
    return found


def with_body() -> list[Operation]:
    return [operation for operation in operations() if operation.body is not None]


def is_problem(response: TestResponse, status: int, slug: str) -> None:
    check_headers(response)
    if response.request.method == "HEAD":
        assert (response.status_code, response.data) == (status, b"")
        return
    check_problem(response)
    assert (response.status_code, document_of(response)["type"]) == (status, f"/problems/{slug}"), response.text


def stable(response: TestResponse) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in _OWN}


def test_head_answers_as_get_without_the_body(app: Flask, cast: Cast, places: Places) -> None:
    cast.admin.send("PUT", "/event-cursors/nightly-sync", json={})  # each key has its own
    for rule, methods in methods_of(app).items():
        if "GET" not in methods:
            continue
        path = places.path(rule)
        got, headed = cast.admin.send("GET", path), cast.admin.call("HEAD", path)
        assert got.status_code == headed.status == 200, path
        assert headed.response.data == b""
        if rule not in ("/me", "/audit"):  # which tell of the call itself
            assert stable(headed.response) == stable(got), path
        assert ("Content-Length" in headed.headers) == (rule not in ("/audit/export", "/events/stream")), path


def test_head_is_refused_as_get(cast: Cast) -> None:
    for path, status in (("/nonsense", 404), ("/projects/prj_x", 404), ("/projects?nonsense=1", 400)):
        headed = cast.viewer.call("HEAD", path)
        assert (headed.status, headed.response.data) == (status, b"")
        assert headed.headers["Content-Type"] == "application/problem+json"


def test_options_names_the_methods(app: Flask, cast: Cast, places: Places) -> None:
    for rule, methods in methods_of(app).items():
        answer = cast.viewer.call("OPTIONS", places.path(rule))
        assert (answer.status, answer.response.data, answer.headers["Content-Length"]) == (200, b"", "0")
        assert set(answer.headers["Allow"].split(", ")) == methods
        assert ("GET" in methods) == ("HEAD" in methods)
        assert answer.headers["RateLimit-Policy"].startswith('"read"')


def test_options_needs_a_key(app: Flask, cast: Cast, places: Places) -> None:
    cast.nobody.call("OPTIONS", places.path("/projects/<id>")).refused(401, "key-missing")


def test_another_method_is_405_with_those_allowed(app: Flask, cast: Cast, places: Places) -> None:
    for rule, methods in methods_of(app).items():
        path = places.path(rule)
        for method in sorted(set(METHODS) - methods):
            response = cast.viewer.send(method, path)
            is_problem(response, 405, "method-not-allowed")
            assert set(response.headers["Allow"].split(", ")) == methods, (method, path)


def test_another_method_is_audited_with_the_key(cast: Cast) -> None:
    answer = cast.viewer.call("DELETE", "/audit").refused(405, "method-not-allowed")
    assert answer.audit["path"] == "/api/v1/audit"


def test_no_header_overrides_the_method(cast: Cast, places: Places) -> None:
    path = places.path("/characters/<id>/approvals")
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert cast.viewer.send("GET", path, headers={name: "POST"}).status_code == 200
    assert cast.viewer.send("GET", path, query_string="_method=POST").status_code == 400


def mangled(path: str) -> list[str]:
    """Paths below the base that look like this one and are another."""
    head, _, last = path.rpartition("/")
    made = [
        path + "/", path + "//", head + "//" + last, path.replace("/v1/", "/v1//"), path + "/.", path + "/..",
        path + ";x=1", path + "/..;/", path + "%2F", path + "%00", path + "%20", path + "%0d%0aX-Injected:1",
        path + ".json", head + "/%2e%2e/" + last, head + "/./" + last, head + "%5C" + last, head + "%252F" + last,
        path + "/nonsense", head + "/" + last.upper(), path + "\u00e9", path + "%ff", path + "%ed%a0%80",
    ]  # fmt: skip
    return [other for other in made if other.startswith(f"{PREFIX}/")]


def test_a_path_that_is_not_there_is_404(app: Flask, cast: Cast, places: Places) -> None:
    for rule in methods_of(app):
        for path in mangled(places.path(rule)):
            response = cast.admin.send("GET", path)
            if response.status_code == 405:  # it names an object of a route that has no GET
                continue
            is_problem(response, 404, "not-found")
            assert "Location" not in response.headers
            assert "X-Injected" not in response.headers


@pytest.mark.parametrize(
    "path", ["/", "//", "/.", "/nonsense", "/v1/projects", "/%", "/%zz", "/\u00e9", "/" + "x" * 9000]
)
def test_so_is_a_path_of_nothing(cast: Cast, path: str) -> None:
    for method in METHODS:
        response = cast.admin.send(method, PREFIX + path)
        assert response.status_code == 404, path
        assert method == "HEAD" or document_of(response)["type"] == "/problems/not-found"


def test_a_long_address_is_414(cast: Cast) -> None:
    cast.viewer.call("GET", "/projects", query_string="name=" + "x" * LONGEST_ADDRESS).refused(414, "uri-too-long")


@pytest.mark.parametrize("given", ["a", "0", "A-b_c.d:e", "x" * 128, "01m82rjs40e00ak6698ep1he13"])
def test_a_sane_request_id_is_echoed(cast: Cast, given: str) -> None:
    answer = cast.viewer.call("GET", "/nonsense", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == answer.document["request_id"] == answer.audit["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", " ", "a b", "x" * 129, "caf\u00e9", "a\tb", "<script>", 'a"b', "a,b", "a%0d%0ab", "a;b", "../x", "{}"]
)
def test_an_insane_one_is_replaced(cast: Cast, given: str) -> None:
    answer = cast.viewer.call("GET", "/nonsense", headers={"X-Request-Id": given})
    assert re.fullmatch(r"req_[0-9a-z]{26}", answer.headers["X-Request-Id"])
    assert answer.document["request_id"] == answer.headers["X-Request-Id"]


def test_a_key_is_no_request_id(app: Flask, database: Database) -> None:
    key = make_key(database)
    answer = Client(app, key).call("GET", "/nonsense", headers={"X-Request-Id": key.token})
    assert key.token not in str(answer.headers) + answer.response.text + str(dict(answer.audit))


def send_raw(caller: Client, operation: Operation, places: Places, body: bytes, **options: Any) -> TestResponse:
    """Any bytes as the body of the operation."""
    given = {"content_type": "application/json", **options}
    return caller.send(operation.method, places.path(operation.rule), data=body, **given)


@pytest.fixture
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No call of the test may have been logged as a failure."""
    yield
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


@pytest.mark.usefixtures("_quiet")
def test_malformed_json_is_400_everywhere(cast: Cast, places: Places) -> None:
    if not places.database.is_sqlite:
        pytest.skip("it is refused before any database is asked; thousands of calls on one are enough")
    small = {name: body for name, body in MALFORMED.items() if len(body) < 10_000}
    assert len(small) > 90
    assert len(with_body()) >= 5
    for operation in with_body():
        path = places.path(operation.rule)
        for name, body in small.items():
            response = cast.admin.send(operation.method, path, data=body, content_type="application/json")
            assert response.status_code == 400, (operation.id, name)
            assert document_of(response)["type"] == "/problems/malformed-json", (operation.id, name)


# JSON, but no object: or an object that says nothing or far too much.
STRANGE: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "a number": b"1e2",
    "a text": b'"approved"',
    "an array": b"[]",
    "an array of objects": b'[{"decision": "approved"}]',
    "an unknown field": b'{"nonsense": 1}',
    "fields of Python": b'{"__class__": 1, "__init__": {}, "self": 1}',
    "the prototype": b'{"__proto__": {"admin": true}}',
    "an empty name": b'{"": 1}',
    "a pointer's characters": b'{"a/b~c": 1}',
    "1,000 unknown fields": b"{" + b",".join(b'"f%d":1' % number for number in range(1000)) + b"}",
    "a name of 10,000 characters": b'{"' + b"x" * 10_000 + b'": 1}',
    "32 objects within": b'{"a":' * 30 + b"1" + b"}" * 30,
}


@pytest.mark.usefixtures("_quiet")
def test_json_that_is_no_fitting_object_is_422_everywhere(cast: Cast, places: Places) -> None:
    for operation in with_body():
        assert operation.body is not None
        for name, body in STRANGE.items():
            response = send_raw(cast.admin, operation, places, body)
            is_open = not operation.body.fields  # its keys are the caller's to choose
            if is_open and body.startswith(b"{") and response.status_code == 200:
                continue
            assert response.status_code == 422, (operation.id, name, response.text)
            check_problem(response)


# What a careless reader stumbles over: in all fields at once, and those that pass for text once in each field alone.
TEXTS = (
    "", " ", "\n", "x" * 70_000, "\u0085\u2028\ufeff\u202e", "e\u0301" * 40, "\U0001f3ac" * 300, "%s%n{0}{{7*7}}",
    "\x7f\x01", "9999-12-31T23:59:60Z", "http://[::1", "\uffff",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**53 + 1, 2**63 - 1, 2**64 - 1, -(2**63), 1e308, 5e-324, -0.0, *TEXTS,
    "../../etc/passwd", "'; DROP TABLE projects; --", "<script>", "2026-13-45T99:99:99Z", "0000-00-00", "//", "::1/129",
    [], {}, [[]], [None], [1, "a", {}], {"a": None}, {"": {"": []}}, ["x"] * 1000,
)  # fmt: skip


@pytest.mark.usefixtures("_quiet")
def test_no_value_of_any_field_is_500(cast: Cast, places: Places) -> None:
    seen: set[tuple[str, str]] = set()
    for operation in with_body():
        assert operation.body is not None
        names, path = list(operation.body.fields) or ["key_1"], places.path(operation.rule)
        bodies: list[dict[str, Any]] = [dict.fromkeys(names, value) for value in VALUES]
        new = {(operation.method, name) for name in names} - seen if len(names) > 1 else set()
        bodies += [{name: text} for _, name in sorted(new) for text in TEXTS]
        seen |= new
        for body in bodies:
            response = cast.admin.send(operation.method, path, json=body)
            assert response.status_code < 500, (operation.id, body, response.text)


def test_a_large_body_is_413_everywhere(cast: Cast, places: Places) -> None:
    for operation in with_body():
        assert operation.largest_body <= LARGEST_BODY
        for length in (operation.largest_body + 1, LARGEST_BODY + 1):
            is_problem(send_raw(cast.admin, operation, places, b"{}".ljust(length)), 413, "body-too-large")
        chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        stream = io.BytesIO(b"{}".ljust(operation.largest_body + 1))
        response = cast.admin.send(
            operation.method, places.path(operation.rule), input_stream=stream, environ=chunked,
            content_type="application/json",
        )  # fmt: skip
        is_problem(response, 413, "body-too-large")


NOT_JSON = (
    "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary=\u00e9", "application/octet-stream", "application/jsonp", "json", "/", "*/*",
    "\u00e9/\u00e9", "x" * 5000,
)  # fmt: skip


def test_another_kind_of_body_is_415_everywhere(cast: Cast, places: Places) -> None:
    for operation in with_body():
        for kind in NOT_JSON:
            is_problem(send_raw(cast.admin, operation, places, b"{}", content_type=kind), 415, "unsupported-media-type")


HEADERS = (
    "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range", "Accept",
    "Accept-Charset", "Accept-Encoding", "Accept-Language", "Cookie", "Expect", "Forwarded", "Origin",
    "Referer", "TE", "Trailer", "Upgrade", "User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Forwarded-Proto", "X-Request-Id", "Content-Encoding", "Content-Language", "Cache-Control", "Prefer",
)  # fmt: skip
HEADER_VALUES = (
    "", " ", "*", ",", ",,,,", '"', '"' * 999, "W/", 'w/"x"', '"a", W/"b", *', "\u00e9\u00ff", "x" * 8000, "0", "-1",
    "bytes=0-", "bytes=9-1,-,x", "Sun, 99 Foo 9999 99:99:99 GMT", "9" * 400, 'a=b;c="d', "[::1", "\t",
)  # fmt: skip


@pytest.mark.usefixtures("_quiet")
def test_no_header_is_500(cast: Cast, places: Places) -> None:
    """All of them with each value, and a great many of them; what is too much is 431."""
    read, write = places.path("/projects/<id>"), places.path("/characters/<id>/approvals")
    noise = {f"X-Noise-{number}": "x" for number in range(500)}
    for headers in (noise, *(dict.fromkeys(HEADERS, value) for value in HEADER_VALUES)):
        too_much = len(headers) > MOST_HEADERS or len("".join(headers.values())) > LARGEST_HEADERS
        assert cast.admin.send("GET", read, headers=headers).status_code in ((431,) if too_much else (200, 304)), (
            headers
        )
        response = cast.admin.send("POST", write, json={"decision": "nonsense"}, headers=headers)
        assert response.status_code == (431 if too_much else 422), headers
    for value in HEADER_VALUES:
        answer = cast.admin.call("GET", read, headers={"Host": value})
        assert answer.status in (200, 400), value
