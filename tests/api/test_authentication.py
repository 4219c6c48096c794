"""Who is let in: keys, addresses, and what a refusal tells and leaves behind."""

from __future__ import annotations

import string
from datetime import timedelta

import pytest
from flask import Flask

from domain.access import SYSTEM
from domain.api_keys.commands import revoke_key
from domain.api_keys.models import api_key_secrets
from domain.api_keys.tokens import check_digits, make_token
from domain.db import Database
from tests.api.client import Answer, Client, document_of
from tests.api.conftest import Cast, MakeApp
from tests.factories import Key, change_key, make_key, make_project
from tests.support.clock import NOON, StoppedClock


def with_headers(cast: Cast, **headers: str) -> Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return cast.nobody.call("GET", "/projects", headers=named)


def test_it_works(cast: Cast) -> None:
    answer = cast.viewer.get("/projects")
    assert answer.status == 200
    assert cast.viewer.key is not None
    assert answer.audit["key_id"] == cast.viewer.key.id
    assert answer.audit["secret_id"] == cast.viewer.key.token.split("_")[1]


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {}  "])
def test_it_takes_the_key_as_a_bearer(app: Flask, database: Database, form: str) -> None:
    key = make_key(database)
    assert Client(app, key).call("GET", "/me", headers={"Authorization": form.format(key.token)}).status == 200


def test_it_takes_the_key_in_its_own_header(app: Flask, database: Database) -> None:
    key = make_key(database)
    response = Client(app).send("GET", "/me", headers={"X-API-Key": key.token})
    assert document_of(response)["data"]["id"] == key.id


def test_it_reads_authorization_first(app: Flask, database: Database) -> None:
    key, other = make_key(database), make_key(database)
    answer = Client(app, key).call("GET", "/me", headers={"X-API-Key": other.token})
    assert answer.data["id"] == key.id


def test_it_refuses_a_call_without_a_key(cast: Cast) -> None:
    answer = with_headers(cast).refused(401, "key-missing")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="callsheet"'
    assert answer.headers["RateLimit-Policy"] == '"address";q=120;w=60'
    assert answer.audit["key_id"] is None


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "csk_x", "Digest a=b", "Bearer\tcsk"])
def test_it_refuses_another_scheme(cast: Cast, value: str) -> None:
    with_headers(cast, Authorization=value).refused(401, "key-malformed")


def mistyped(token: str) -> list[str]:
    """The token with one character changed, in several places, cut off, or with others about it."""
    middle, last = token[30], token[-1]
    other = next(letter for letter in string.ascii_letters if letter not in (middle, last))
    return [
        token[:-1], token + "x", token[:30] + other + token[31:], token[:-1] + other, token.upper(), token[1:],
        token.replace("csk", "CSK"), token.replace("_", "-"), token + "_", token[:20] + " " + token[20:], f'"{token}"',
        token.replace("_", "__", 1), "csk_" + "\u00e9" * 12 + token[16:], "csk___", "x" * 5000, "csk_%s_%s_%s",
    ]  # fmt: skip


def test_it_refuses_a_malformed_key(cast: Cast, database: Database) -> None:
    for text in mistyped(make_key(database).token):
        with_headers(cast, X_API_Key=text).refused(401, "key-malformed")


def test_it_refuses_a_key_that_was_never_made(cast: Cast) -> None:
    _, token = make_token()
    answer = with_headers(cast, X_API_Key=token).refused(401, "key-unknown")
    assert answer.audit["key_id"] is None


def test_it_refuses_a_known_id_with_another_secret(cast: Cast, app: Flask, database: Database) -> None:
    key = make_key(database)
    assert Client(app, key).get("/me").status == 200
    _, another = make_token()
    forged = forged_with(key.token.split("_")[1], another.split("_")[2])
    with_headers(cast, X_API_Key=forged).refused(401, "key-unknown")


def forged_with(public_id: str, secret: str) -> str:
    """A well-formed key of these parts: whoever knows an id can make one."""
    body = f"csk_{public_id}_{secret}"
    return f"{body}_{check_digits(body)}"


def refused(app: Flask, key: Key, reason: str) -> None:
    """Refused for this reason, with the key's id in the audit."""
    answer = Client(app, key).get("/projects").refused(401, f"key-{reason}")
    assert answer.audit["key_id"] == key.id
    assert answer.audit["secret_id"] == key.token.split("_")[1]
    assert answer.audit["problem"] == f"key-{reason}"


def test_it_refuses_an_expired_key(app: Flask, database: Database, clock: StoppedClock) -> None:
    key = make_key(database, expires_at=NOON + timedelta(seconds=1))
    assert Client(app, key).get("/me").status == 200
    clock.advance(seconds=1)
    refused(app, key, "expired")


def test_it_refuses_a_secret_that_was_rotated_out(app: Flask, database: Database, clock: StoppedClock) -> None:
    key = make_key(database)
    with database.transaction() as session:
        session.execute(api_key_secrets.update().values(expires_at=clock.now + timedelta(minutes=1)))
    assert Client(app, key).get("/me").status == 200
    clock.advance(minutes=1)
    refused(app, key, "expired")


def test_it_refuses_a_suspended_key(app: Flask, database: Database) -> None:
    key = make_key(database)
    change_key(database, key.id, suspended_at=NOON)
    refused(app, key, "suspended")


def test_it_refuses_a_revoked_key_at_its_next_request(app: Flask, make_app: MakeApp, database: Database) -> None:
    """In every process that shares the database and Redis, although each remembers the key."""
    key = make_key(database)
    other = make_app()
    for one in (app, other):
        assert Client(one, key).get("/me").status == 200
    with database.transaction() as session:
        revoke_key(session, SYSTEM, key.id, NOON)
    for one in (app, other):
        refused(one, key, "revoked")


def test_it_tells_a_wrong_secret_nothing_of_the_key(app: Flask, database: Database) -> None:
    """That a key was revoked is for its holder to know."""
    key = make_key(database)
    change_key(database, key.id, revoked_at=NOON)
    forged = Key(key.id, forged_with(key.token.split("_")[1], "A" * 32))
    Client(app, forged).get("/me").refused(401, "key-unknown")


def test_what_one_key_sees_is_not_shown_to_another(app: Flask, database: Database) -> None:
    ours, theirs = make_project(database), make_project(database)
    one = Client(app, make_key(database, "viewer", "project", [ours["id"]]))
    other = Client(app, make_key(database, "viewer", "project", [theirs["id"]]))
    for _ in range(2):
        assert (one.get("/projects").ids, other.get("/projects").ids) == ([ours["id"]], [theirs["id"]])
    assert "private" in one.get("/projects").headers["Cache-Control"]


ALLOWED: dict[str, tuple[list[str], str, bool]] = {
    "an address in a range": (["198.51.100.0/24"], "198.51.100.7", True),
    "an address": (["198.51.100.7"], "198.51.100.7", True),
    "an IPv6 address in a range": (["10.0.0.0/8", "2001:db8::/32"], "2001:db8::7", True),
    "an IPv4 address that came by IPv6": (["198.51.100.0/24"], "::ffff:198.51.100.7", True),
    "an IPv4 address that came by IPv6, in capitals": (["198.51.100.0/24"], "::FFFF:198.51.100.7", True),
    "an address outside": (["198.51.100.0/24"], "198.51.101.7", False),
    "an IPv6 address outside": (["2001:db8::/32"], "2001:db9::7", False),
    "another version": (["0.0.0.0/0"], "2001:db8::7", False),
    "no address": (["0.0.0.0/0", "::/0"], "", False),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_it_takes_a_key_from_the_addresses_that_its_list_names(app: Flask, database: Database, name: str) -> None:
    ranges, address, allowed = ALLOWED[name]
    caller = Client(app, make_key(database, allowed_cidrs=ranges), address)
    if allowed:
        assert caller.get("/projects").status == 200
    else:
        caller.get("/projects").refused(403, "address-not-allowed")


def test_it_refuses_an_address_before_it_counts_and_looks(app: Flask, database: Database) -> None:
    key = make_key(database, "viewer", allowed_cidrs=["198.51.100.0/24"], read_per_minute=1)
    inside, outside = Client(app, key, "198.51.100.7"), Client(app, key, "198.51.101.7")
    for path in ("/projects", "/webhooks", "/nonsense", "/me"):
        outside.get(path).refused(403, "address-not-allowed")
    assert inside.get("/projects").status == 200
    inside.get("/projects").refused(429, "quota-exceeded")
    outside.get("/projects").refused(403, "address-not-allowed")


def test_it_believes_no_forwarded_address_by_itself(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, allowed_cidrs=["198.51.100.0/24"]))
    named = {"X-Forwarded-For": "198.51.100.7", "X-Real-IP": "198.51.100.7", "Forwarded": "for=198.51.100.7"}
    answer = caller.call("GET", "/projects", headers=named).refused(403, "address-not-allowed")
    assert answer.audit["ip"] == "192.0.2.10"


@pytest.fixture(scope="module")
def behind_proxies(make_app: MakeApp) -> Flask:
    return make_app(trusted_proxies="192.0.2.0/28,2001:db8:1::/48")


FORWARDED: dict[str, tuple[str, str, str]] = {
    "the one that a proxy tells": ("192.0.2.10", "198.51.100.7", "198.51.100.7"),
    "the last that no proxy has": ("192.0.2.10", "203.0.113.1, 198.51.100.7, 192.0.2.11", "198.51.100.7"),
    "not the first, which anybody may write": ("192.0.2.10", "10.9.9.9, 198.51.100.7", "198.51.100.7"),
    "an IPv6 one": ("2001:db8:1::1", "2001:db8::7", "2001:db8::7"),
    "one with a port": ("192.0.2.10", "198.51.100.7:4711", "198.51.100.7"),
    "one in brackets": ("192.0.2.10", "[2001:db8::7]:4711", "2001:db8::7"),
    "a mapped one": ("192.0.2.10", "::ffff:198.51.100.7", "198.51.100.7"),
    "a mapped one in capitals": ("192.0.2.10", "::FFFF:198.51.100.7", "198.51.100.7"),
    "a mapped one in hexadecimal": ("192.0.2.10", "0:0:0:0:0:ffff:c633:6407", "198.51.100.7"),
    "an IPv6 one as it is kept": ("192.0.2.10", "2001:DB8:0:0::7", "2001:db8::7"),
    "the one that a mapped proxy tells": ("::FFFF:192.0.2.10", "198.51.100.7", "198.51.100.7"),
    "the peer, who is no proxy": ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
    "nobody, when the proxy tells nothing": ("192.0.2.10", "", "unknown"),
    "nobody, when the proxy tells nonsense": ("192.0.2.10", "198.51.100.7, nonsense", "unknown"),
    "nobody, when a proxy before the proxy tells nonsense": ("192.0.2.10", "nonsense, 192.0.2.11", "unknown"),
    "the outermost proxy, when all are": ("192.0.2.10", "192.0.2.12, 192.0.2.11", "192.0.2.12"),
}


@pytest.mark.parametrize("name", FORWARDED)
def test_behind_proxies_the_caller_is(behind_proxies: Flask, database: Database, name: str) -> None:
    peer, header, expected = FORWARDED[name]
    caller = Client(behind_proxies, make_key(database), peer)
    assert caller.call("GET", "/me", headers={"X-Forwarded-For": header}).audit["ip"] == expected


def test_behind_proxies_a_header_that_its_sender_spoilt_makes_nobody_the_proxy(
    behind_proxies: Flask, database: Database
) -> None:
    """The web server empties a header with bytes that are not ASCII, and with it what the proxy added."""
    key = make_key(database, allowed_cidrs=["192.0.2.0/24"])
    caller = Client(behind_proxies, key, "192.0.2.10")
    assert caller.get("/me").status == 200  # the proxy itself
    answer = caller.call("GET", "/me", headers={"X-Forwarded-For": ""}).refused(403, "address-not-allowed")
    assert answer.audit["ip"] == "unknown"


def test_it_checks_the_key_before_the_path(cast: Cast) -> None:
    for path in ("/nonsense", "", "/projects/", "/projects/%2e%2e/audit", "/webhooks"):
        cast.nobody.get(path).refused(401, "key-missing")
        assert cast.nobody.call("OPTIONS", path).status == 401


SIDE_DOORS = (
    "/api/v1//projects", "//api/v1/projects", "/api//v1/projects", "/api/v1/./projects", "/api/v1/x/../projects",
    "/api/v1/projects/", "/api/v1/projects;x=1", "/api/v1/Projects", "/API/v1/projects", "/api/v1%2fprojects",
    "/api%2fv1%2fprojects", "/api/v1/projects%00", "/api/v1/projects%20", "/api/v1\\projects", "/api/v1/%70rojects",
    "/static/../api/v1/projects", "/portal/../api/v1/projects", "/api/v1/openapi.json/../projects",
    "/api/v1/docs/../projects", "/api/v1/docs/", "/api/v1/openapi.json/",
)  # fmt: skip


@pytest.mark.parametrize("path", SIDE_DOORS)
def test_no_spelling_of_a_path_comes_past_the_key(app: Flask, database: Database, path: str) -> None:
    make_project(database, name="The Salt Line")
    response = app.test_client().get(path, follow_redirects=True)
    assert response.status_code in (401, 404)
    assert "Salt Line" not in response.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "X" * 100])
def test_it_refuses_a_method_that_is_not_there(cast: Cast, method: str) -> None:
    response = cast.admin.send(method, "/me")
    assert (response.status_code, document_of(response)["type"]) == (405, "/problems/method-not-allowed")
    assert {"GET", "HEAD", "OPTIONS"} == set(response.headers["Allow"].split(", "))


def test_it_lets_no_header_change_the_method(cast: Cast) -> None:
    answer = cast.viewer.call("GET", "/projects", headers={"X-HTTP-Method-Override": "DELETE"})
    assert (answer.status, answer.audit["method"]) == (200, "GET")


def test_it_tells_the_methods_of_a_path(cast: Cast) -> None:
    answer = cast.viewer.call("OPTIONS", "/webhooks")
    assert answer.status == 200
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_it_keeps_the_request_id_that_a_caller_gives(cast: Cast) -> None:
    answer = cast.viewer.call("GET", "/me", headers={"X-Request-Id": "render-42:frame.7"})
    assert answer.headers["X-Request-Id"] == answer.audit["request_id"] == "render-42:frame.7"


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "é", "<script>", 'a"b', "a,b", "a;b", "a\u2028b"])
def test_it_gives_another_request_id_for_one_that_is_not_plain(cast: Cast, given: str) -> None:
    answer = cast.viewer.call("GET", "/me", headers={"X-Request-Id": given.encode().decode("latin-1")})
    assert answer.headers["X-Request-Id"].startswith("req_")
