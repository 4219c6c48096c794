"""POST /api-keys: making a key, and what is no key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from domain.api_keys.models import api_key_secrets, api_keys
from domain.api_keys.rules import HIGHEST_LIMIT, MOST_CIDRS, MOST_TAGS
from domain.audit.models import api_audit_log
from domain.clock import rfc3339
from domain.db import Database
from domain.idempotency.models import idempotency_records
from domain.projects.queries import MOST_LISTED
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import Key, make_key
from tests.support.clock import NOON

NAMED = {"name": "ShotGrid sync", "role": "creator", "scope": "full"}


def ask(client: Client, **fields: Any) -> Answer:
    return client.post("/api-keys", {**NAMED, **fields})


def test_it_works(cast: Cast, app: Flask) -> None:
    answer = ask(cast.admin, description="Both ways")
    data, token = answer.data, answer.data["key"]
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/v1/api-keys/{data['id']}"
    assert cast.admin.key is not None
    assert data == {
        "id": data["id"], "object": "api_key", **NAMED, "description": "Both ways", "tags": [], "project_ids": None,
        "read_per_minute": 100, "write_per_minute": 20, "allowed_cidrs": [],
        "allowlist_mode": "enforce", "expires_at": rfc3339(NOON + timedelta(days=365)), "status": "active",
        "suspended_at": None, "suspended_reason": None, "revoked_at": None, "revoked_reason": None,
        "last_used_at": None, "last_used_ip": None,
        "secrets": [{
            "id": token.split("_")[1], "status": "active", "created_at": rfc3339(NOON), "retired_at": None,
            "expires_at": None, "last_used_at": None, "last_used_ip": None,
        }],
        "created_by": {"type": "api_key", "id": cast.admin.key.id, "name": data["created_by"]["name"]},
        "created_at": rfc3339(NOON), "updated_at": rfc3339(NOON), "version": 1, "key": token,
    }  # fmt: skip
    me = Client(app, Key(data["id"], token)).get("/me")
    assert (me.data["id"], me.data["rate_limits"]["write"]["limit"]) == (data["id"], 20)


def test_it_takes_everything_that_may_be_chosen(cast: Cast) -> None:
    chosen = {
        "scope": "project", "project_ids": [cast.project["id"]], "tags": ["farm", "nächtlich"],
        "read_per_minute": 1, "write_per_minute": HIGHEST_LIMIT, "expires_at": "2099-01-01T00:00:00.000Z",
        "allowed_cidrs": ["10.0.0.0/8", "2001:db8::/32"],
    }  # fmt: skip
    data = ask(cast.admin, **chosen).data
    assert {name: data[name] for name in chosen} == chosen


def test_it_keeps_ranges_in_one_form_and_everything_once(cast: Cast) -> None:
    data = ask(cast.admin, allowed_cidrs=["192.0.2.7", " 2001:DB8:0::/32", "192.0.2.7/32"], tags=["b", "a", "b"]).data
    assert (data["allowed_cidrs"], data["tags"]) == (["192.0.2.7/32", "2001:db8::/32"], ["b", "a"])


def test_never_is_a_deliberate_choice(cast: Cast) -> None:
    assert ask(cast.admin, expires_at=None).data["expires_at"] is None


def test_its_text_is_shown_once_and_kept_nowhere_in_the_clear(cast: Cast, database: Database) -> None:
    first = cast.admin.post("/api-keys", NAMED, headers={"Idempotency-Key": "one"})
    again = cast.admin.post("/api-keys", NAMED, headers={"Idempotency-Key": "one"})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.data == {**first.data, "key": None}
    assert "key" not in cast.admin.get(f"/api-keys/{first.data['id']}").data
    secret = first.data["key"].split("_")[2]
    with database.reading() as session:
        for table in (api_audit_log, idempotency_records, api_key_secrets, api_keys):
            for row in session.execute(select(table)).mappings():
                assert secret not in repr(dict(row))
                assert secret.encode() not in bytes(row.get("digest") or b"")


BAD_FIELDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no name": ({"name": " \t"}, ["/name"]),
    "a name that is null": ({"name": None}, ["/name"]),
    "a name that is no text": ({"name": 7}, ["/name"]),
    "a long name": ({"name": "x" * 201}, ["/name"]),
    "a long description": ({"description": "x" * 2001}, ["/description"]),
    "an unknown role": ({"role": "root"}, ["/role"]),
    "a role in capitals": ({"role": "Admin"}, ["/role"]),
    "roles": ({"role": ["admin"]}, ["/role"]),
    "an unknown scope": ({"scope": "*"}, ["/scope"]),
    "a scope that is null": ({"scope": None}, ["/scope"]),
    "the scope without projects": ({"scope": "project"}, ["/project_ids"]),
    "the scope with no projects": ({"scope": "project", "project_ids": []}, ["/project_ids"]),
    "an unknown project": ({"scope": "project", "project_ids": ["prj_" + "0" * 26]}, ["/project_ids/0"]),
    "projects without the scope": ({"project_ids": ["prj_" + "0" * 26]}, ["/project_ids"]),
    "too many projects": ({"scope": "project", "project_ids": ["x"] * (MOST_LISTED + 1)}, ["/project_ids"]),
    "a limit of nothing": ({"read_per_minute": 0}, ["/read_per_minute"]),
    "a limit below nothing": ({"write_per_minute": -1}, ["/write_per_minute"]),
    "a limit without end": ({"write_per_minute": HIGHEST_LIMIT + 1}, ["/write_per_minute"]),
    "a limit as text": ({"read_per_minute": "100"}, ["/read_per_minute"]),
    "a limit that is true": ({"read_per_minute": True}, ["/read_per_minute"]),
    "half a call": ({"read_per_minute": 0.5}, ["/read_per_minute"]),
    "no limit": ({"read_per_minute": None}, ["/read_per_minute"]),
    "ranges that are no list": ({"allowed_cidrs": "10.0.0.0/8"}, ["/allowed_cidrs"]),
    "too many ranges": ({"allowed_cidrs": ["10.0.0.0/8"] * (MOST_CIDRS + 1)}, ["/allowed_cidrs"]),
    "tags that are no list": ({"tags": "farm"}, ["/tags"]),
    "tags with spaces, commas, or nothing": ({"tags": ["a b", "a,b", "", "ok", "x" * 51]}, ["/tags/0", "/tags/1",
                                                                                           "/tags/2", "/tags/4"]),
    "too many tags": ({"tags": [str(n) for n in range(MOST_TAGS + 1)]}, ["/tags"]),
    "an id of one's own": ({"id": "key_x"}, ["/id"]),
    "a text of one's own": ({"key": "csk_x"}, ["/key"]),
    "a status": ({"status": "active"}, ["/status"]),
    "a misspelt field": ({"expires": None}, ["/expires"]),
}  # fmt: skip


def refused_with(cast: Cast, database: Database, fields: dict[str, Any], at_fault: list[str]) -> None:
    """422 that names these fields, and nothing stored."""
    assert ask(cast.admin, **fields).refused(422, "invalid").fields == at_fault
    with database.reading() as session:
        assert len(session.execute(select(api_keys)).all()) == 1  # the caller's own


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_it_refuses_a_field_that_breaks_a_rule(cast: Cast, database: Database, name: str) -> None:
    refused_with(cast, database, *BAD_FIELDS[name])


BAD_CIDRS = (
    "", "x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "/8", "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0/8", "10.0.0.256",
    "010.0.0.0/8", "0x0a.0.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "10.0.0.0 /8", "10.0.0.0/\u0668",
    "2001:db8::1/32", "2001:db8::/129", "2001:db8:::/32", ":", "fe80::1%eth0", "fe80::%1/64", "::ffff:10.0.0.0/104",
    "localhost", "10.0.0.0-10.0.0.9", "*", "10.*", "10.0.0.0/8,10.1.0.0/16", "\uff11\uff10.0.0.0/8", "9" * 5000,
)  # fmt: skip


def test_it_refuses_what_is_no_range_and_names_each(cast: Cast, database: Database) -> None:
    expected = [f"/allowed_cidrs/{number}" for number in range(len(BAD_CIDRS))]
    refused_with(cast, database, {"allowed_cidrs": list(BAD_CIDRS)}, expected)


def test_it_says_what_a_range_with_host_bits_would_be(cast: Cast) -> None:
    answer = ask(cast.admin, allowed_cidrs=["10.1.2.3/8", "2001:db8::1/32"])
    messages = [error["message"] for error in answer.document["errors"]]
    assert "write 10.0.0.0/8" in messages[0]
    assert "write 2001:db8::/32" in messages[1]


BAD_TIMES: tuple[Any, ...] = (
    "", "never", "2099-01-01", "2099-01-01T00:00:00", "2099-01-01 00:00:00Z", "20990101T000000Z", "2099-W01-1T00:00Z",
    "2099-13-01T00:00:00Z", "2099-02-30T00:00:00Z", "2099-01-01T24:30:00Z", "2099-01-01T00:00:00+25:00",
    "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", rfc3339(NOON), "2020-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z", "2099-01-01T00:00Z", "\u0662099-01-01T00:00:00Z", 4102444800, True, [], {},
)  # fmt: skip


@pytest.mark.parametrize("moment", BAD_TIMES, ids=ascii)
def test_it_refuses_what_is_no_time_to_come(cast: Cast, database: Database, moment: Any) -> None:
    refused_with(cast, database, {"expires_at": moment}, ["/expires_at"])


def test_it_takes_any_offset_and_cuts_to_milliseconds(cast: Cast) -> None:
    shown = [ask(cast.admin, expires_at=text).data["expires_at"] for text in (
        "2099-01-01T00:00:00.123456789+05:30", "2099-01-01t00:00:00z",
    )]  # fmt: skip
    assert shown == ["2098-12-31T18:30:00.123Z", "2099-01-01T00:00:00.000Z"]


def test_it_refuses_several_mistakes_together(cast: Cast) -> None:
    bad = {"name": "", "role": "x", "scope": "x", "read_per_minute": 0, "write_per_minute": 0, "tags": [""]}
    assert set(ask(cast.admin, **bad).refused(422, "invalid").fields) == {*(f"/{n}" for n in bad if n != "tags"),
                                                                            "/tags/0"}  # fmt: skip


def test_it_refuses_everybody_but_an_admin_for_everything(cast: Cast) -> None:
    for caller in (cast.creator, cast.reviewer, cast.viewer, cast.stranger):
        ask(caller).refused(403, "forbidden")
        caller.post("/api-keys", b"{").refused(403, "forbidden")


def test_it_refuses_an_admin_whose_scope_is_not_full(cast: Cast, app: Flask, database: Database) -> None:
    for scope, projects in (("project", [cast.project["id"]]), ("read_only", [])):
        ask(Client(app, make_key(database, "admin", scope, projects))).refused(403, "forbidden")


def test_a_key_that_is_bound_to_places_makes_none_that_is_not(app: Flask, database: Database) -> None:
    admin = Client(app, make_key(database, allowed_cidrs=["192.0.2.0/24", "2001:db8::/32"]))
    for ranges in ([], ["0.0.0.0/0"], ["192.0.2.0/23"], ["192.0.2.0/25", "198.51.100.7"], ["2001::/16"]):
        assert "192.0.2.0/24" in ask(admin, allowed_cidrs=ranges).refused(403, "forbidden").document["detail"]
    assert ask(admin, allowed_cidrs=["192.0.2.0/25", "192.0.2.200", "2001:db8:7::/48"]).status == 201


SAID = {
    "name": (1, "Must be a text, in quotes."),
    "read_per_minute": ("20", "Must be a whole number, such as 20, without quotes."),
    "allowed_cidrs": ("10.0.0.0/8", "Must be a list, such as [] or [1, 2]."),
    "scope": (None, "Give a value: null is none here."),
}


@pytest.mark.parametrize("field", SAID)
def test_a_value_of_another_type_is_told_what_would_be_right(cast: Cast, field: str) -> None:
    value, said = SAID[field]
    (error,) = ask(cast.admin, **{field: value}).refused(422, "invalid").document["errors"]
    assert (error["field"], error["message"]) == (f"/{field}", said)
