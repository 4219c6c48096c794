"""POST /webhooks: registering where events go."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from domain.audit.models import api_audit_log
from domain.db import Database
from domain.events.catalogue import MOST_PATTERNS, PATTERNS
from domain.idempotency.models import idempotency_records
from domain.projects.queries import MOST_LISTED
from domain.webhooks.models import webhook_secrets, webhooks
from domain.webhooks.queries import signing_secrets
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import KEYRING
from tests.support.clock import NOON

# Not resolved, whatever the network: a literal.
URL = "https://93.184.216.34/callsheet"


def register(client: Client, **fields: Any) -> Answer:
    return client.post("/webhooks", {"url": URL, "event_types": ["asset.approved"], **fields})


def test_it_works(cast: Cast, database: Database) -> None:
    answer = register(cast.admin, description="ShotGrid bridge")
    secret = answer.data["secret"]
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/v1/webhooks/{answer.data['id']}"
    assert secret.startswith("whsec_")
    assert answer.data == {
        "id": answer.data["id"],
        "object": "webhook",
        "url": URL,
        "description": "ShotGrid bridge",
        "event_types": ["asset.approved"],
        "project_ids": None,
        "payload_version": "v1",
        "signature": "v1",
        "public_keys": [],
        "filter": None,
        "ordering": "none",
        "timeout_seconds": 20,
        "max_concurrency": None,
        "rate_per_minute": None,
        "header_names": [],
        "auth_type": None,
        "enabled": True,
        "status": "healthy",
        "failing_since": None,
        "disabled_reason": None,
        "created_at": "2026-03-01T12:00:00.000Z",
        "updated_at": "2026-03-01T12:00:00.000Z",
        "version": 1,
        "secret": secret,
    }
    with database.reading() as session:
        assert signing_secrets(session, KEYRING, [answer.data["id"]], NOON) == {answer.data["id"]: [secret]}


def test_it_takes_everything_that_may_be_chosen(cast: Cast) -> None:
    chosen = {
        "event_types": ["asset.*", "job.completed", "webhook.failing"],
        "project_ids": [cast.project["id"]],
        "payload_version": "v1-thin",
        "enabled": False,
    }
    data = register(cast.admin, **chosen).data
    assert {name: data[name] for name in chosen} == chosen
    assert data["status"] == "disabled"


def test_its_secret_is_shown_once_and_kept_nowhere_in_the_clear(cast: Cast, database: Database) -> None:
    sent = {"url": URL, "event_types": ["*"]}
    first = cast.admin.post("/webhooks", sent, headers={"Idempotency-Key": "one"})
    secret: str = first.data["secret"]
    again = cast.admin.post("/webhooks", sent, headers={"Idempotency-Key": "one"})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.data == {**first.data, "secret": None}
    assert "secret" not in cast.admin.get(f"/webhooks/{first.data['id']}").data
    assert "secret" not in cast.admin.get("/webhooks").data[0]
    with database.reading() as session:
        for table in (api_audit_log, idempotency_records, webhook_secrets, webhooks):
            for row in session.execute(select(table)).mappings():
                assert secret not in repr(dict(row))
                assert secret.removeprefix("whsec_") not in repr(dict(row))


FORBIDDEN_URLS = (
    "", "tools.example.com", "//tools.example.com/", "ftp://tools.example.com/", "file:///etc/passwd", "gopher://x/",
    "javascript:alert(1)", "http:/x", "http://", "https:///path", "http://user@93.184.216.34/",
    "http://user:password@93.184.216.34/", "http://93.184.216.34@127.0.0.1/", "http://@93.184.216.34/",
    "https://93.184.216.34/#fragment", "https://93.184.216.34:0/", "https://93.184.216.34:65536/",
    "https://93.184.216.34:x/", "https://93.184.216.34 /", "https://93.184.216.34/\n", "https://93.184.216.34\\@x/",
    "https://93.184.216.34/" + "x" * 2000, "http://[::1", "http://[93.184.216.34]/",
    # Forbidden addresses as they are.
    "http://127.0.0.1/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/",
    "http://100.64.0.1/", "http://0.0.0.0/", "http://224.0.0.1/", "http://255.255.255.255/", "http://localhost/",
    "http://[::1]/", "http://[::]/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[ff02::1]/",
    # IPv4 in IPv6: mapped, compatible, NAT64, 6to4, Teredo.
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:a00:1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/", "http://[2002:7f00:1::]/", "http://[2001:0:5ef5:79fd::1]/",
    "http://[fe80::1%25eth0]/", "http://[::1%25lo]/", "http://[2606:4700::1%25lo]/",
    # Spellings of 127.0.0.1 and 10.0.0.1 that resolvers read and people do not.
    "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/", "http://0177.0.0.1/",
    "http://127.0.0.1./", "http://017700000001/", "http://0x7F.0.0.0x1/", "http://127.0.0.01/", "http://10.1/",
    "http://\uff11\uff12\uff17.0.0.1/", "http://127\u30020\u30020\u30021/", "http://\u2460\u2461\u2466.0.0.1/",
    "http://%31%32%37.0.0.1/", "http://loc%61lhost/", "http://a..b/", "http://.../", "http://" + "a" * 64 + ".com/",
)  # fmt: skip


@pytest.mark.parametrize("url", FORBIDDEN_URLS, ids=ascii)
def test_it_refuses_a_url_that_no_webhook_may_have(cast: Cast, url: str) -> None:
    answer = register(cast.admin, url=url).refused(422, "invalid")
    assert answer.fields == ["/url"]
    assert answer.document["errors"][0]["code"] == "forbidden"
    assert answer.document["errors"][0]["message"].endswith((".", "callsheet."))


def test_it_refuses_several_mistakes_together(cast: Cast) -> None:
    bad = {"url": "x", "event_types": [], "payload_version": "v9", "signature": "v9", "project_ids": []}
    answer = register(cast.admin, **bad).refused(422, "invalid")
    assert sorted(answer.fields) == sorted(f"/{name}" for name in bad)


BAD_FIELDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown event type": ({"event_types": ["asset.approved", "asset.nonsense"]}, ["/event_types/1"]),
    "an unknown family": ({"event_types": ["asset.approved", "asset.approved", "x.*"]}, ["/event_types/2"]),
    "two stars": ({"event_types": ["**"]}, ["/event_types/0"]),
    "a regular expression": ({"event_types": ["asset.(a+)+"]}, ["/event_types/0"]),
    "event types that are no list": ({"event_types": "*"}, ["/event_types"]),
    "an event type that is no text": ({"event_types": [1]}, ["/event_types/0"]),
    "an event type that is null": ({"event_types": [None]}, ["/event_types/0"]),
    "too many event types": ({"event_types": ["x"] * (MOST_PATTERNS + 1)}, ["/event_types"]),
    "an unknown project": ({"project_ids": ["prj_" + "0" * 26]}, ["/project_ids/0"]),
    "no projects": ({"project_ids": []}, ["/project_ids"]),
    "too many projects": ({"project_ids": ["x"] * (MOST_LISTED + 1)}, ["/project_ids"]),
    "a long description": ({"description": "x" * 2001}, ["/description"]),
    "an enabled that is no boolean": ({"enabled": "yes"}, ["/enabled"]),
    "an enabled that is a number": ({"enabled": 1}, ["/enabled"]),
    "a secret of one's own": ({"secret": "whsec_x"}, ["/secret"]),
    "an id of one's own": ({"id": "whk_x"}, ["/id"]),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_it_refuses_a_field_that_breaks_a_rule(cast: Cast, database: Database, name: str) -> None:
    fields, at_fault = BAD_FIELDS[name]
    assert register(cast.admin, **fields).refused(422, "invalid").fields == at_fault
    with database.reading() as session:
        assert session.execute(select(webhooks)).first() is None


def test_it_refuses_an_unknown_event_type_and_names_those_there_are(cast: Cast) -> None:
    message = register(cast.admin, event_types=["nonsense"]).document["errors"][0]["message"]
    assert all(f"`{name}`" in message for name in PATTERNS if not name.endswith(".*"))


def test_it_tells_a_hundred_mistakes_and_no_more(cast: Cast) -> None:
    answer = register(cast.admin, **{f"field{number}": 1 for number in range(5000)}).refused(422, "invalid")
    assert len(answer.fields) == 100


def test_it_refuses_everybody_but_an_admin_for_everything(cast: Cast) -> None:
    for caller in (cast.creator, cast.reviewer, cast.viewer, cast.stranger):
        register(caller).refused(403, "forbidden")
