"""Token buckets: a read and a write bucket for each key, one for each address without a key."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import redis
from flask import Flask
from sqlalchemy import select, update

from api.admission import ADDRESS_PER_MINUTE
from api.limits import RedisLimiter
from domain.db import Database
from domain.operations.commands import BUCKET_KEPT, prune
from domain.operations.models import rate_buckets
from jobs.runtime import quick_redis
from tests.api.client import Client, check_headers, document_of
from tests.api.conftest import Cast, MakeApp
from tests.factories import change_key, make_character, make_key
from tests.support.clock import NOON
from tests.support.threads import at_once
from tests.support.waiting import wait_until

NO_REDIS = "unix:///nowhere/redis.sock"


def test_it_works(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, read_per_minute=3))
    answers = [caller.get("/projects") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"3"}
    assert answers[0].headers["RateLimit-Policy"] == '"read";q=3;w=60'
    assert answers[0].headers["RateLimit"] == '"read";r=2;t=20'
    assert answers[3].audit["rate_limit"] == "read 0/3"


def test_it_refuses_and_says_how_long_to_wait(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, read_per_minute=6))
    answers = [caller.get("/projects") for _ in range(7)]
    answer = answers[-1].refused(429, "quota-exceeded")
    assert answer.document["violated-policies"] == ["read"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 10


def test_waiting_as_long_as_it_says_is_enough(database: Database) -> None:
    """With Redis away, where the clock is ours: whatever the rate and wherever in the second it is asked."""
    now = 1_000_000.25
    limiter = RedisLimiter(quick_redis(NO_REDIS), database, lambda: now)
    for per_minute in (1, 7, 59):
        bucket = f"of {per_minute}"
        assert limiter.take(bucket, per_minute, per_minute).allowed
        refusal = limiter.take(bucket, per_minute)
        assert not refusal.allowed
        now += refusal.retry_after
        assert limiter.take(bucket, per_minute).allowed


def test_it_counts_reads_and_writes_apart(app: Flask, database: Database, cast: Cast) -> None:
    caller = Client(app, make_key(database, read_per_minute=1, write_per_minute=1))
    asset = make_character(database, cast.project)
    path = f"/characters/{asset['id']}/approvals"
    assert caller.get("/projects").status == 200
    assert caller.post(path, {"decision": "approved"}).headers["RateLimit-Policy"] == '"write";q=1;w=60'
    caller.post(path, {"decision": "rejected"}).refused(429, "quota-exceeded")
    caller.get("/projects").refused(429, "quota-exceeded")
    limits = caller.get("/me").data["rate_limits"]
    assert (limits["read"]["remaining"], limits["write"]["remaining"]) == (0, 0)


def test_it_counts_for_a_key_from_wherever_it_calls(app: Flask, make_app: MakeApp, database: Database) -> None:
    key = make_key(database, read_per_minute=2)
    callers = [Client(app, key, "198.51.100.1"), Client(make_app(), key, "198.51.100.2")]
    assert [caller.get("/projects").status for caller in callers] == [200, 200]
    for caller in callers:
        caller.get("/projects").refused(429, "quota-exceeded")


def _is_let_in(caller: Client) -> bool:
    return caller.send("GET", "/projects").status_code == 200


def test_a_changed_limit_holds_from_the_next_call_in_every_process(
    app: Flask, make_app: MakeApp, database: Database, cast: Cast
) -> None:
    key = make_key(database, read_per_minute=100)
    callers = [Client(app, key), Client(make_app(), key)]
    for caller in callers:
        assert caller.get("/projects").headers["X-RateLimit-Limit"] == "100"
    cast.admin.call("PATCH", f"/api-keys/{key.id}", json={"read_per_minute": 4})
    answers = [callers[number % 2].get("/projects") for number in range(8)]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"4"}
    assert 429 in [answer.status for answer in answers]
    cast.admin.call("PATCH", f"/api-keys/{key.id}", json={"read_per_minute": 60_000})
    for caller in callers:
        assert caller.get("/projects").headers["X-RateLimit-Limit"] == "60000"
        wait_until(partial(_is_let_in, caller), 1, "it is held to the old limit")


def test_it_counts_what_it_refuses_for_another_reason(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, "viewer", read_per_minute=3))
    answers = [caller.get(path) for path in ("/nonsense", "/audit", "/projects/nonsense", "/me")]
    assert [answer.status for answer in answers] == [404, 403, 404, 200]
    caller.get("/projects").refused(429, "quota-exceeded")


UNREAD: dict[str, tuple[str, dict[str, Any]]] = {
    "body": ("", {"data": b" " * 1_100_000}),
    "length": ("", {"data": b"{}", "environ": {"CONTENT_LENGTH": "x"}}),
    "parameters": ("?" + "a=1&" * 60, {"data": b"{}"}),
    "address": ("?a=" + "x" * 20_000, {"data": b"{}"}),
    "headers": ("", {"data": b"{}", "headers": {f"X-{number}": "1" for number in range(70)}}),
}


@pytest.mark.parametrize("path", ["/batch", "/graphql"])
@pytest.mark.parametrize("why", UNREAD)
def test_what_a_body_would_cost_costs_one_when_it_is_not_read(
    app: Flask, database: Database, path: str, why: str
) -> None:
    query, sent = UNREAD[why]
    caller = Client(app, make_key(database, "admin", write_per_minute=2))
    statuses = [caller.send("POST", path + query, **sent).status_code for _ in range(4)]
    assert statuses[0] in {400, 413, 414, 431}
    assert statuses == [statuses[0], statuses[0], 429, 429]


def test_a_batch_that_is_too_long_costs_one(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, "admin", write_per_minute=20))
    answer = caller.post("/batch", {"operations": [{}] * 501}).refused(422, "invalid")
    assert answer.headers["X-RateLimit-Remaining"] == "19"


def test_it_refuses_for_the_limit_before_it_looks_at_the_path(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, "viewer", read_per_minute=1))
    caller.get("/projects")
    for path in ("/nonsense", "/audit", "/projects/nonsense"):
        caller.get(path).refused(429, "quota-exceeded")


def test_it_admits_no_more_than_the_limit_at_once(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, read_per_minute=5))
    caller.get("/me")
    statuses = at_once(12, lambda: caller.send("GET", "/projects").status_code)
    assert (statuses.count(200), statuses.count(429)) == (5, 7)


def test_it_goes_on_over_new_connections_when_redis_was_restarted(
    database: Database, redis_client: redis.Redis, redis_url: str
) -> None:
    limiter, bucket = RedisLimiter(quick_redis(redis_url), database), f"restarted-{id(database)}"
    assert limiter.take(bucket, 10).remaining == 9
    redis_client.script_flush()
    redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
    assert limiter.take(bucket, 10).remaining == 8
    assert not limiter.degraded


def drain_address(redis_client: redis.Redis, address: str) -> None:
    """Leave its bucket so empty that no test is slow enough to see it fill."""
    seconds, micros = redis_client.time()
    bucket = f"address:{address}"
    redis_client.set(f"callsheet:bucket:{{{bucket}}}:{bucket}", f"-100 {seconds * 1_000_000 + micros}")


def test_it_limits_callers_without_a_key_by_their_address(app: Flask, redis_client: redis.Redis) -> None:
    one, other = Client(app, address="198.51.100.1"), Client(app, address="198.51.100.2")
    assert one.get("/projects").refused(401, "key-missing").headers["X-RateLimit-Remaining"] == "119"
    drain_address(redis_client, "198.51.100.1")
    answer = one.get("/projects").refused(429, "quota-exceeded")
    assert answer.document["violated-policies"] == ["address"]
    assert int(answer.headers["Retry-After"]) > 40
    assert one.send("GET", "/openapi.json").status_code == 429
    other.get("/projects").refused(401, "key-missing")


def test_it_limits_the_addresses_of_one_network_together(app: Flask) -> None:
    """Whoever has one IPv6 address has the 2^64 beside it."""
    first = Client(app, address="2001:db8:7::1").get("/projects")
    second = Client(app, address="2001:db8:7::ffff:1").get("/projects")
    other = Client(app, address="2001:db8:7:1::1").get("/projects")
    left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in (first, second, other)]
    assert left == [ADDRESS_PER_MINUTE - 1, ADDRESS_PER_MINUTE - 2, ADDRESS_PER_MINUTE - 1]


def test_a_key_is_not_held_up_by_others_at_its_address(
    app: Flask, database: Database, redis_client: redis.Redis
) -> None:
    drain_address(redis_client, "192.0.2.10")
    assert Client(app, make_key(database)).get("/projects").status == 200


@pytest.fixture(scope="module")
def without_redis(make_app: MakeApp) -> Flask:
    return make_app(redis_url=NO_REDIS)


def test_without_redis_limits_hold_through_the_database(
    app: Flask, without_redis: Flask, make_app: MakeApp, database: Database
) -> None:
    key = make_key(database, read_per_minute=3)
    callers = [Client(without_redis, key), Client(make_app(redis_url=NO_REDIS), key)]
    answers = [callers[number % 2].get("/projects") for number in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "20"
    assert callers[0].get("/me").data["rate_limits"]["read"]["remaining"] == 0


def test_without_redis_nothing_fails(app: Flask, without_redis: Flask, cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    assert cast.reviewer.key is not None
    caller = Client(without_redis, cast.reviewer.key)
    assert caller.post(f"/characters/{asset['id']}/approvals", {"decision": "approved"}).status == 201
    assert caller.get("/characters").status == 200
    Client(without_redis).get("/characters").refused(401, "key-missing")
    ready = without_redis.test_client().get("/readyz")
    document = document_of(ready)
    assert (ready.status_code, document["status"]) == (200, "degraded")
    assert document["checks"]["redis"]["status"] == "failing"


def test_without_redis_a_revoked_key_is_refused_within_a_second(
    app: Flask, without_redis: Flask, database: Database
) -> None:
    """What another process did is seen when this one reads the key again."""
    key = make_key(database)
    assert Client(without_redis, key).get("/projects").status == 200
    change_key(database, key.id, revoked_at=NOON)
    caller = Client(without_redis, key)
    wait_until(lambda: caller.send("GET", "/projects").status_code == 401, 2, "the revoked key is still taken")
    caller.get("/projects").refused(401, "key-revoked")


def test_full_buckets_are_pruned(app: Flask, without_redis: Flask, database: Database) -> None:
    for address in ("198.51.100.1", "198.51.100.2"):
        Client(without_redis, address=address).get("/projects")
    with database.transaction() as session:
        old = rate_buckets.c.name.contains("198.51.100.1")
        session.execute(update(rate_buckets).where(old).values(updated_at=0))
        newest = max(session.execute(select(rate_buckets.c.updated_at)).scalars())
        prune(session, NOON.fromtimestamp(newest, NOON.tzinfo) + BUCKET_KEPT - timedelta(seconds=1))
        (left,) = session.execute(select(rate_buckets.c.name)).scalars()
    assert "198.51.100.2" in left


def test_its_headers_are_on_every_answer(cast: Cast) -> None:
    for method, path in (("GET", "/openapi.json"), ("GET", "/docs"), ("HEAD", "/docs"), ("OPTIONS", "/me")):
        check_headers(cast.viewer.send(method, path))
