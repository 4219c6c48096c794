"""Forwarding: every sealed row reaches every target at least once, in order, whatever is down meanwhile."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from domain.db import Database
from domain.forwards.models import audit_forwards
from domain.forwards.queries import states_of_targets
from domain.forwards.targets import parse_targets
from domain.seals.commands import prune_sealed
from jobs import forwarding, syslog
from jobs.forwarding import Forwarding
from tests.factories import KEYRING
from tests.support.receiver import Answer, Receiver, receiver
from tests.support.sealing import Trail
from tests.support.syslog import SyslogServer
from tests.support.tampering import LOG

TOKEN = "the token of the collector"


@pytest.fixture
def trail(database: Database, home: Path) -> Trail:
    return Trail(database, home)


def forwarder(trail: Trail, *urls: str) -> Forwarding:
    return Forwarding(trail.database, trail.clock, parse_targets(",".join(urls)), TOKEN)


def forward(trail: Trail, *urls: str) -> None:
    made = forwarder(trail, *urls)
    made.start()
    made.settle()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def state(trail: Trail) -> Any:
    with trail.database.reading() as session:
        (only,) = states_of_targets(session)
        return only


def test_it_works(trail: Trail, tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    trail.seal(3)
    forward(trail, f"file://{path}")
    trail.seal(2)
    forward(trail, f"file://{path}")

    written = lines(path)
    assert [entry["id"] for entry in written] == trail.sealed()
    assert [entry["sequence"] for entry in written] == [1, 2, 3, 4, 5]
    assert written[0]["params"] == {"query": {"n": 0}}
    assert written[0]["at"] == "2026-03-01T12:00:01.000Z"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (state(trail).behind, state(trail).failing_since) == (0, None)


def test_only_what_is_sealed_is_forwarded(trail: Trail, tmp_path: Path) -> None:
    trail.seal(2)
    trail.write(3)
    forward(trail, f"file://{tmp_path}/a")
    assert len(lines(tmp_path / "a")) == 2


def test_many_batches_are_one_stream(trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "MOST_ROWS", 4)
    trail.seal(10, 11)
    forward(trail, f"file://{tmp_path}/a")
    assert [entry["id"] for entry in lines(tmp_path / "a")] == trail.sealed()


def test_a_file_that_cannot_be_written_is_tried_again(trail: Trail, tmp_path: Path) -> None:
    folder = tmp_path / "not yet"
    url = f"file://{folder}/a".replace(" ", "%20")
    trail.seal(2)
    for failures in (1, 2, 3):
        forward(trail, url)
        assert state(trail).failures == failures
        assert "No such file" in state(trail).error
        forward(trail, url)  # too early: it waits
        assert state(trail).failures == failures
        trail.clock.advance(seconds=2**failures)
    assert state(trail).failing_since == trail.clock.now - timedelta(seconds=14)
    folder.mkdir()
    trail.clock.advance(seconds=10)
    forward(trail, url)
    assert len(lines(folder / "a")) == 2
    assert (state(trail).failures, state(trail).failing_since, state(trail).error) == (0, None, None)


def test_a_half_written_line_is_ended(trail: Trail, tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    path.write_text('{"half":')
    trail.seal(1)
    forward(trail, f"file://{path}")
    half, whole = path.read_text().splitlines()
    assert (half, json.loads(whole)["sequence"]) == ('{"half":', 1)


def test_a_target_that_is_down_holds_up_no_other(trail: Trail, tmp_path: Path) -> None:
    trail.seal(3)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    forward(trail, f"syslog+tcp://127.0.0.1:{port}", f"file://{tmp_path}/a")
    assert len(lines(tmp_path / "a")) == 3
    with trail.database.reading() as session:
        by_target = {one.target.partition(":")[0]: one for one in states_of_targets(session)}
    assert (by_target["syslog+tcp"].behind, by_target["syslog+tcp"].failures) == (3, 1)
    assert by_target["file"].behind == 0


def test_one_sender_has_the_lease(trail: Trail, tmp_path: Path) -> None:
    trail.seal(2)
    url = f"file://{tmp_path}/a"
    forward(trail, url)
    with trail.database.transaction() as session:
        session.execute(update(audit_forwards).values(due_at=trail.clock.now + timedelta(seconds=60), sequence=0))
    forward(trail, url)
    assert len(lines(tmp_path / "a")) == 2
    trail.clock.advance(seconds=61)  # whoever had it is dead
    forward(trail, url)
    assert [entry["sequence"] for entry in lines(tmp_path / "a")] == [1, 2, 1, 2]


def test_who_has_lost_the_lease_moves_nothing(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    trail.seal(2)

    def take_over(*_: object) -> None:
        with trail.database.transaction() as session:
            session.execute(update(audit_forwards).values(lease_token="another", sequence=1))

    monkeypatch.setattr(forwarding, "_append", take_over)
    forward(trail, "file:///nowhere/a")
    with trail.database.reading() as session:
        assert session.execute(select(audit_forwards.c.sequence)).scalar_one() == 1


def test_what_was_pruned_meanwhile_is_left_out_and_said(
    trail: Trail, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trail.seal(4)
    with trail.database.transaction() as session:
        prune_sealed(session, KEYRING, LOG.at <= trail.clock.now, 3, trail.clock.now)
    forward(trail, f"file://{tmp_path}/a")
    assert [entry["sequence"] for entry in lines(tmp_path / "a")] == [4]
    assert "3 rows were pruned before" in caplog.text


def test_a_target_that_is_taken_out_is_forgotten(trail: Trail, tmp_path: Path) -> None:
    forward(trail, f"file://{tmp_path}/a", f"file://{tmp_path}/b")
    forward(trail, f"file://{tmp_path}/b")
    assert state(trail).target == f"file://{tmp_path}/b"


class TestCollector:
    """Batches of NDJSON over HTTP."""

    @pytest.fixture
    def collector(self) -> Iterator[Receiver]:
        with receiver() as listening:
            yield listening

    def test_it_takes_batches(self, trail: Trail, collector: Receiver) -> None:
        trail.seal(3)
        forward(trail, collector.url)
        (arrival,) = collector.arrivals
        assert [json.loads(line)["id"] for line in arrival.body.splitlines()] == trail.sealed()
        assert arrival.headers["content-type"] == "application/x-ndjson"
        assert arrival.headers["authorization"] == f"Bearer {TOKEN}"

    @pytest.mark.parametrize("status", [302, 400, 401, 429, 500, 503])
    def test_it_gets_the_same_again_until_it_takes_it(self, trail: Trail, collector: Receiver, status: int) -> None:
        trail.seal(2)
        collector.answer = lambda _: Answer(status=status, headers={"Location": "http://127.0.0.1:9/"})
        forward(trail, collector.url)
        assert str(status) in state(trail).error
        collector.answer = lambda _: Answer()
        trail.clock.advance(seconds=2)
        forward(trail, collector.url)
        first, second = collector.arrivals
        assert first.body == second.body
        assert state(trail).behind == 0

    def test_a_batch_that_is_too_large_gets_smaller(self, trail: Trail, collector: Receiver) -> None:
        trail.seal(20)
        collector.answer = lambda arrival: Answer(413 if arrival.body.count(b"\n") > 8 else 200)
        for _ in range(8):
            forward(trail, collector.url)
            trail.clock.advance(minutes=6)
        taken = [one for one in collector.arrivals if one.body.count(b"\n") <= 8]
        assert [json.loads(line)["sequence"] for one in taken for line in one.body.splitlines()] == list(range(1, 21))

    def test_the_token_is_nowhere_else(
        self, trail: Trail, collector: Receiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        trail.seal(1)
        collector.answer = lambda _: Answer(status=403)
        forward(trail, collector.url)
        assert "does not take the audit" in caplog.text
        assert TOKEN not in caplog.text + str(state(trail))


class TestSyslog:
    """RFC 5424 over real sockets."""

    def test_udp(self, trail: Trail) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
            listening.bind(("127.0.0.1", 0))
            listening.settimeout(5)
            trail.seal(2)
            forward(trail, f"syslog+udp://127.0.0.1:{listening.getsockname()[1]}")
            received = [parsed(listening.recv(65536)) for _ in range(2)]
        assert [message["entry"]["id"] for message in received] == trail.sealed()
        assert state(trail).behind == 0

    def test_tcp(self, trail: Trail) -> None:
        with SyslogServer() as server:
            trail.seal(3)
            forward(trail, f"syslog+tcp://127.0.0.1:{server.port}")
        assert [parsed(message)["entry"]["id"] for message in server.messages] == trail.sealed()
        assert state(trail).behind == 0

    def test_a_receiver_that_dies_before_the_end_gets_it_all_again(
        self, trail: Trail, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(syslog, "SECONDS", 2.0)
        trail.seal(3)
        with SyslogServer(reset_after=1) as server:
            url = f"syslog+tcp://127.0.0.1:{server.port}"
            forward(trail, url)
            assert (state(trail).behind, state(trail).failures) == (3, 1)
            server.reset_after = None
            trail.clock.advance(seconds=2)
            forward(trail, url)
        assert [parsed(message)["entry"]["id"] for message in server.messages[-3:]] == trail.sealed()
        assert state(trail).behind == 0

    def test_the_message(self) -> None:
        entry = {
            **dict.fromkeys(("key_id", "user_id", "action", "route", "ip", "request_id")),
            "sequence": 7, "id": "aud_1", "at": "2026-03-01T12:00:00.000Z", "source": "api", "method": "GET",
            "status_code": 403, "route": 'a"b\\c]d\ne', "user_agent": "é\n",
        }  # fmt: skip
        message = parsed(syslog.message_of(entry))
        assert message["priority"] == 13 * 8 + 4
        assert message["at"] == "2026-03-01T12:00:00.000Z"
        assert message["structure"] == (
            r'callsheet@32473 sequence="7" id="aud_1" method="GET" route="a\"b\\c\]d e" status_code="403"'
        )
        assert message["entry"] == entry

    def test_a_datagram_that_would_be_too_large_says_so(self) -> None:
        entry = {**dict.fromkeys(syslog._TOLD), "at": "2026-03-01T12:00:00.000Z", "source": "cli", "id": "aud_1"}
        message = syslog.message_of({**entry, "changes": {"x": "y" * 9000}}, syslog.LARGEST_DATAGRAM)
        assert message.endswith(b'[callsheet@32473 id="aud_1" truncated="true"]')


_MESSAGE = re.compile(
    rb"<(?P<priority>\d+)>1 (?P<at>\S+) (?P<host>\S+) callsheet - (?P<source>\S+) "
    rb'\[(?P<structure>(?:[^"\\\]]|"(?:[^"\\\]]|\\.)*")*)\] (?P<entry>\{.*\})'
)


def parsed(message: bytes) -> dict[str, Any]:
    """The parts of an RFC 5424 message of ours."""
    found = _MESSAGE.fullmatch(message)
    assert found, message
    parts: dict[str, Any] = {name: value.decode() for name, value in found.groupdict().items()}
    return {**parts, "priority": int(parts["priority"]), "entry": json.loads(parts["entry"])}
