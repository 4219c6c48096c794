"""Every answered call has its audit row, whatever is killed; and every row tells of a call that was made."""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from domain.audit.models import api_audit_log
from domain.characters.models import characters
from domain.db import Database
from tests.factories import SECRET, make_character, make_key, make_project
from tests.support.caller import Caller
from tests.support.processes import Product, running
from tests.support.threads import at_once
from tests.support.victims import choose_victims, strike

pytestmark = pytest.mark.torture
CALLS = int(os.environ.get("TORTURE_CALLS", "20000"))
CALLERS = 16
KILL_EVERY = max(1600, CALLS // 25)  # answers; to start anew costs more than they do
NAME = "the name of a call"
Request = tuple[str, str, str, bytes, dict[str, str]]  # id, method, path, body, headers


@dataclass(frozen=True, slots=True)
class Entry:
    """A call as its caller saw it; `status` is None when the connection broke."""

    request_id: str
    status: int | None
    began: float
    ended: float


@dataclass(slots=True)
class Journal:
    """What the callers noted, and from when until when each kill took place. By the monotonic clock."""

    entries: list[Entry] = field(default_factory=list)
    kills: list[tuple[float, float]] = field(default_factory=list)

    @property
    def answered(self) -> dict[str, int]:
        return {entry.request_id: entry.status for entry in self.entries if entry.status is not None}

    @property
    def in_flight(self) -> set[str]:
        """Calls without an answer that were under way at a kill."""
        return {entry.request_id for entry in self.entries if entry.status is None and self._was_killed(entry)}

    def told(self) -> str:
        answered = self.answered
        by_status = dict(sorted(Counter(answered.values()).items()))
        broken = len(self.entries) - len(answered)
        return f"{len(answered)} answers {by_status}, {broken} connections broken by {len(self.kills)} kills"

    def _was_killed(self, entry: Entry) -> bool:
        return any(entry.began <= until and since <= entry.ended for since, until in self.kills)


class Mix:
    """Calls of every kind: reads and writes, what succeeds, and what is refused at each step on the way in."""

    def __init__(self, database: Database) -> None:
        project = make_project(database)
        one = f"/characters/{make_character(database, project)['id']}"
        viewer = {"Authorization": f"Bearer {make_key(database, 'viewer').token}"}
        stranger = {"Authorization": "Bearer csk_nobody"}
        wanted = {"name": NAME, "project_id": project["id"]}
        self._kinds: Sequence[tuple[str, str, object, dict[str, str]]] = (
            ("GET", one, None, {}),  # 200
            ("GET", "/characters?limit=5", None, {}),  # 200
            ("POST", "/characters", wanted, {}),  # 201
            ("GET", "/characters/chr_00000000000000000000000000", None, {}),  # 404
            ("GET", "/characters?limit=x", None, {}),  # 400
            ("POST", "/characters", {**wanted, "name": ""}, {}),  # 422
            ("PATCH", one, {"description": "Old"}, {"If-Match": '"0"'}),  # 412
            ("POST", "/characters", wanted, viewer),  # 403
            ("PUT", "/characters", None, {}),  # 405
            ("GET", one, None, stranger),  # 401, and 429 when they are too many
            ("GET", "/nothing", None, viewer),  # 404, no such route
        )

    def request(self, number: int) -> Request:
        method, path, body, headers = self._kinds[number % len(self._kinds)]
        request_id = f"call-{number}"
        text = "" if body is None else json.dumps(body).replace(NAME, request_id)
        return request_id, method, f"/api/v1{path}", text.encode(), headers


class Load:
    """Callers who call without pause until `CALLS` are answered; one of them kills now and then."""

    def __init__(self, product: Product, token: str, mix: Mix) -> None:
        self.journal = Journal()
        self._product = product
        self._token = token
        self._mix = mix
        self._numbers = itertools.count()
        self._answers = itertools.count(1)
        self._random = random.Random(1)

    def call(self) -> None:
        """One caller, until there are enough answers."""
        with Caller(self._product.port, self._token) as caller:
            answers = 0
            while answers < CALLS:
                if self._attempt(caller):
                    answers = next(self._answers)
                    if answers % KILL_EVERY == 0:
                        self._kill()

    def _attempt(self, caller: Caller) -> bool:
        caller.connect()  # waiting for a server is no part of a call
        request = self._mix.request(next(self._numbers))
        began = time.monotonic()
        reply = caller.call(*request)
        status = None if reply is None else reply.status
        self.journal.entries.append(Entry(request[0], status, began, time.monotonic()))
        return reply is not None

    def _kill(self) -> None:
        victims = choose_victims(self._product, self._random)
        since = time.monotonic()
        strike(victims)
        self.journal.kills.append((since, time.monotonic()))


def test_no_answered_call_is_without_its_row(database_url: str, home: Path) -> None:
    settings = {"DATABASE_URL": database_url, "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_DEMO": "0"}
    database = Database(database_url)
    with running(home, **settings) as product:
        load = Load(product, make_key(database).token, Mix(database))
        began = time.monotonic()
        at_once(CALLERS, load.call)
        took = time.monotonic() - began
        product.stop()
    print(f"\n{database.engine.dialect.name}: {load.journal.told()} in {took:.0f} s")
    check_rows(database, load.journal)
    check_effects(database)
    database.dispose()


def check_rows(database: Database, journal: Journal) -> None:
    """A row for each answer, and at most one more for each call that was in flight at a kill."""
    chosen = select(api_audit_log.c.request_id, api_audit_log.c.status_code).where(api_audit_log.c.source == "api")
    with database.reading() as session:
        rows = session.execute(chosen).all()
    audited = {row.request_id: row.status_code for row in rows}
    answered, in_flight = journal.answered, journal.in_flight
    print(f"{len(rows)} audit rows, {len(rows) - len(answered)} of them of calls in flight at a kill")
    assert len(audited) == len(rows), "a call was audited twice"
    assert len(answered) >= CALLS
    assert len(in_flight) >= len(journal.kills), "the kills struck nobody"
    assert {name: audited.get(name) for name in answered} == answered, "an answer without its row"
    assert audited.keys() - answered.keys() <= in_flight, "a row of a call that nobody made, or that nothing struck"
    assert set(answered.values()) >= {200, 201, 400, 401, 403, 404, 405, 412, 422}, Counter(answered.values())


def check_effects(database: Database) -> None:
    """What was created is what the rows tell of, also where the caller never heard."""
    told = select(api_audit_log.c.request_id).where(api_audit_log.c.status_code == 201)
    with database.reading() as session:
        created = set(session.execute(told).scalars())
        made = Counter(session.execute(select(characters.c.name).where(characters.c.name.like("call-%"))).scalars())
    assert made.keys() == created
    assert set(made.values()) == {1}
