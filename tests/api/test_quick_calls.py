"""Quick calls that come at the same time are answered together: each as if it had come alone."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from werkzeug.test import EnvironBuilder

from api.call import Call
from api.gateway import GROUPS_AT_ONCE, Gateway
from api.operation import Quick
from app import Callsheet
from config import Settings
from domain.access import SYSTEM
from domain.api_keys.commands import revoke_key
from domain.db import Database
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import change_key, make_character, make_key
from tests.support.clock import NOON
from tests.support.queries import recorded
from tests.support.waiting import wait_until

Asked = Callable[[], Answer]


@pytest.fixture
def gateway(app: Callsheet, cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """That knows the routes, for whatever comes first to one goes alone; and whose callers wait as long as it takes."""
    monkeypatch.setattr("api.gateway.PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr("api.gateway.LONGEST_GROUP_SECONDS", 60.0)
    character = make_character(database, cast.project)
    for path in ("/characters", f"/characters/{character['id']}", f"/projects/{cast.project['id']}/characters"):
        assert cast.admin.get(path).status == 200
    return app.api


@contextmanager
def nobody_works(gateway: Gateway) -> Iterator[None]:
    """Every turn is taken: calls queue up."""
    settings = gateway._services.settings
    assert isinstance(settings, Settings)
    with ExitStack() as turns:
        for _ in range(settings.web_threads):
            turns.enter_context(gateway._services.gate)
        yield


def queued(gateway: Gateway) -> int:
    return sum(len(group._queue) for group in gateway._groups.values())


def together(
    gateway: Gateway, asked: Sequence[Asked], meanwhile: Callable[[], object] = lambda: None, kinds: int = 1
) -> list[Answer]:
    """The answers, when all but the first of each kind have to wait for their turn."""
    with ThreadPoolExecutor(len(asked)) as pool:
        with nobody_works(gateway):
            futures = [pool.submit(one) for one in asked]
            wait_until(lambda: queued(gateway) == len(asked) - GROUPS_AT_ONCE * kinds, 10, "the calls do not queue up")
            meanwhile()
        return [future.result() for future in futures]


def check_tokens(answers: Sequence[Answer], before: int) -> None:
    """Each took one token, of a bucket that gets another every two seconds."""
    least = min(int(answer.headers["X-RateLimit-Remaining"]) for answer in answers)
    assert before - len(answers) <= least <= before - len(answers) + 4


def test_it_works(gateway: Gateway, app: Callsheet, cast: Cast, database: Database) -> None:
    caller = Client(app, make_key(database, read_per_minute=30))
    rows = [make_character(database, cast.project) for _ in range(14)]
    asked: list[Asked] = [partial(caller.get, f"/characters/{row['id']}") for row in rows]
    caller.get("/characters")
    with recorded(database) as statements:
        answers = together(gateway, asked)
    assert [answer.data["id"] for answer in answers] == [row["id"] for row in rows]
    check_tokens(answers, 29)
    commits = sum(statement.startswith("INSERT INTO api_audit_log") for statement in statements)
    assert commits <= 2 * GROUPS_AT_ONCE, "the first ones alone, the others with whoever of their two successors began"


def test_each_is_refused_for_its_own_faults(gateway: Gateway, cast: Cast, app: Callsheet, database: Database) -> None:
    row, foreign = make_character(database, cast.project), make_character(database, cast.foreign_project)
    one, every = f"/characters/{row['id']}", "/characters"
    revoked, suspended = make_key(database), make_key(database)
    change_key(database, revoked.id, revoked_at=NOON)
    change_key(database, suspended.id, suspended_at=NOON)
    elsewhere, spent = make_key(database, allowed_cidrs=["203.0.113.0/24"]), make_key(database, read_per_minute=1)
    assert Client(app, spent).get(one).status == 200
    etag = cast.admin.get(one).headers["ETag"]
    asked: dict[str, tuple[Asked, int]] = {
        "read": (lambda: cast.admin.get(one), 200),
        "no key": (lambda: cast.nobody.get(one), 401),
        "revoked": (lambda: Client(app, revoked).get(one), 401),
        "suspended": (lambda: Client(app, suspended).get(one), 401),
        "elsewhere": (lambda: Client(app, elsewhere).get(one), 403),
        "spent": (lambda: Client(app, spent).get(one), 429),
        "foreign": (lambda: cast.creator.get(f"/characters/{foreign['id']}"), 404),
        "unknown field": (lambda: cast.admin.get(one, fields="colour"), 400),
        "bad cursor": (lambda: cast.admin.get(every, cursor="x"), 400),
        "known": (lambda: cast.admin.call("GET", one, headers={"If-None-Match": etag}), 304),
        "head": (lambda: cast.admin.call("GET", every, headers={"X-Request-Id": "mine"}), 200),
        "nested": (lambda: cast.reviewer.get(f"/projects/{cast.project['id']}/characters", limit=1), 200),
    }
    answers = together(gateway, [ask for ask, _ in asked.values()], kinds=2)
    told = dict(zip(asked, answers, strict=True))
    assert {name: answer.status for name, answer in told.items()} == {
        name: status for name, (_, status) in asked.items()
    }
    assert told["read"].data["id"] == row["id"]
    assert told["head"].headers["X-Request-Id"] == "mine"
    for name in ("revoked", "suspended", "elsewhere", "foreign", "unknown field"):
        alone = asked[name][0]()
        assert {**alone.document, "request_id": ""} == {**told[name].document, "request_id": ""}


def test_a_key_that_is_revoked_while_its_calls_wait_lets_none_of_them_in(
    gateway: Gateway, cast: Cast, app: Callsheet, database: Database
) -> None:
    row, key = make_character(database, cast.project), make_key(database)
    caller, path = Client(app, key), f"/characters/{row['id']}"
    assert caller.get(path).status == 200

    def revoke() -> None:
        with database.transaction() as session:
            revoke_key(session, SYSTEM, key.id, NOON)

    answers = together(gateway, [lambda: caller.get(path)] * 8, revoke)
    assert {(answer.status, answer.problem) for answer in answers} == {(401, "key-revoked")}


def test_whoever_gets_no_turn_in_time_goes_alone(
    gateway: Gateway, app: Callsheet, cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.gateway.LONGEST_GROUP_SECONDS", 0.0)
    caller, row = Client(app, make_key(database, read_per_minute=30)), make_character(database, cast.project)
    caller.get("/characters")
    answers = together(gateway, [lambda: caller.get(f"/characters/{row['id']}")] * 8)
    assert {answer.data["id"] for answer in answers} == {row["id"]}
    check_tokens(answers, 29)


def test_a_limiter_that_fails_is_told_to_each_and_audited(
    gateway: Gateway, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_takes: object) -> None:
        raise ValueError("nobody expected this")

    monkeypatch.setattr(gateway._services.limiter, "take_all", fail)
    for path in ("/characters", "/nowhere"):
        answer = cast.viewer.send("GET", path)
        assert answer.status_code == 500
        assert cast.viewer._audit_row(answer.headers["X-Request-Id"])["problem"] == "internal-error"


def test_where_no_group_is_begun_callers_go_alone(
    gateway: Gateway, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.gateway.PATIENCE_SECONDS", 0.01)
    with ThreadPoolExecutor(8) as pool:
        with nobody_works(gateway):
            futures = [pool.submit(cast.viewer.get, "/characters") for _ in range(8)]
            wait_until(lambda: gateway._groups[Quick.PAGE]._places == 0, 10, "nobody came")
            wait_until(lambda: queued(gateway) == 0, 10, "they stay in the queue")
        assert {future.result().status for future in futures} == {200}


def test_a_key_that_is_revoked_before_its_turn_is_refused(gateway: Gateway, cast: Cast, database: Database) -> None:
    key, row = make_key(database), make_character(database, cast.project)
    headers = [("Authorization", f"Bearer {key.token}")]
    task = gateway._task(EnvironBuilder(f"/api/v1/characters/{row['id']}", headers=headers).get_environ())
    gateway._answering.answer([task], patience=0.0)
    assert (task.is_admitted, task.response) == (True, None)
    with database.transaction() as session:
        revoke_key(session, SYSTEM, key.id, NOON)
    gateway._answering.answer_alone(task)
    assert task.response is not None
    assert (task.response.status, task.call.problem, task.call.audited) == (401, "key-revoked", True)


def test_nothing_of_them_is_left_to_the_collector(gateway: Gateway, cast: Cast, app: Callsheet) -> None:
    asked: list[Asked] = [
        lambda: cast.viewer.get("/characters"),
        lambda: cast.viewer.get("/characters", fields="colour"),
        lambda: cast.nobody.get("/characters"),
        lambda: cast.viewer.get("/characters", cursor="x"),
    ] * 4
    together(gateway, asked)
    gc.collect()
    gc.disable()
    try:
        before = count_calls()
        together(gateway, asked)
        assert count_calls() == before
    finally:
        gc.enable()


def count_calls() -> int:
    return sum(isinstance(found, Call) for found in gc.get_objects())


@pytest.mark.parametrize(
    ("method", "query", "headers", "is_quick"),
    [
        ("GET", "", {}, True),
        ("GET", "limit=5&cursor=abc&fields=id,name", {}, True),
        ("GET", "limit=5&status=draft", {}, False),  # what is looked for may be far away
        ("GET", "total=true", {}, False),
        ("GET", "sort=name", {}, False),
        ("GET", "q=mara", {}, False),
        ("GET", "&".join(["limit=5"] * 200), {}, False),
        ("GET", "", {"CONTENT_LENGTH": "12"}, False),  # its sender may be slow
        ("GET", "", {"HTTP_TRANSFER_ENCODING": "chunked"}, False),
        ("POST", "", {}, False),
    ],
)
def test_what_may_take_longer_is_not_quick(
    gateway: Gateway, method: str, query: str, headers: dict[str, str], is_quick: bool
) -> None:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/api/v1/characters", "QUERY_STRING": query, **headers}
    assert (gateway._group_of(environ) is not None) is is_quick
