"""The guard around one program: whatever dies, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from config import ROOT
from tests.support.waiting import wait_until

GUARD = (sys.executable, "-S", "-E", "-s", "-m", "deploy.supervised", "--name", "it")
# Starts a child in a session of its own that ignores SIGTERM, as stubborn as a descendant can be, then stays.
LEAVES_A_CHILD = "setsid sh -c 'trap \"\" TERM; while :; do sleep {mark}; done' & echo ready; exec sleep {mark}"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def mark(request: pytest.FixtureRequest) -> Iterator[str]:
    """A number of seconds that only this test's processes sleep for."""
    made = f"9{os.getpid()}.{abs(hash(request.node.name)) % 100000}"
    yield made
    for pid in _living(made):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*command: str, grace: float = 5, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        argv = (*wrapper, *GUARD, "--grace", str(grace), "--", *command)
        started.append(subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def _living(mark: str) -> set[int]:
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(mark in argument for argument in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def _nothing_is_left(mark: str) -> None:
    wait_until(lambda: not _living(mark), 10, f"processes are left: {_living(mark)}")


def _ready(guard: subprocess.Popen[str]) -> None:
    assert guard.stdout is not None
    assert guard.stdout.readline() == "it       | ready\n"


def _program(guard: subprocess.Popen[str]) -> int:
    return int(psutil.Process(guard.pid).children()[0].pid)


def test_it_passes_on_output_line_by_line_and_the_exit_status(start: Start) -> None:
    guard = start("sh", "-c", "echo one; echo two >&2; printf three; exit 7")

    output, _ = guard.communicate(timeout=10)

    assert output == "it       | one\nit       | two\nit       | three\n"
    assert guard.returncode == 7


def test_it_ends_by_the_signal_its_program_ended_by(start: Start) -> None:
    guard = start("sh", "-c", "kill -KILL $$")

    assert guard.wait(10) == -signal.SIGKILL


def test_it_says_what_it_cannot_start(start: Start) -> None:
    guard = start("no-such-program")

    assert (
        guard.communicate(timeout=10)[0] == "it       | no-such-program cannot be started: No such file or directory.\n"
    )
    assert guard.returncode == 127


def test_a_killed_program_leaves_no_descendant(start: Start, mark: str) -> None:
    guard = start("sh", "-c", LEAVES_A_CHILD.format(mark=mark))
    _ready(guard)

    os.kill(_program(guard), signal.SIGKILL)

    assert guard.wait(10) == -signal.SIGKILL
    _nothing_is_left(mark)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_its_program(start: Start, mark: str, signum: signal.Signals) -> None:
    guard = start("sh", "-c", LEAVES_A_CHILD.format(mark=mark))
    _ready(guard)

    guard.send_signal(signum)

    assert guard.wait(10) == -signal.SIGTERM
    _nothing_is_left(mark)


def test_a_program_that_does_not_stop_is_killed_after_its_grace(start: Start, mark: str) -> None:
    guard = start("sh", "-c", f"trap '' TERM; echo ready; while :; do sleep {mark}; done", grace=0.2)
    _ready(guard)

    guard.terminate()

    assert guard.wait(10) == -signal.SIGKILL
    _nothing_is_left(mark)


def test_the_program_dies_with_a_killed_guard(start: Start, mark: str) -> None:
    guard = start("sh", "-c", f"echo ready; exec sleep {mark}")
    _ready(guard)

    guard.kill()

    _nothing_is_left(mark)


def test_everything_ends_with_a_killed_parent(start: Start, mark: str) -> None:
    parent = start("sh", "-c", LEAVES_A_CHILD.format(mark=mark), wrapper=("sh", "-c", '"$@" & wait', "sh"))
    _ready(parent)

    parent.kill()

    _nothing_is_left(mark)


def test_a_reader_that_stops_reading_does_not_stop_the_program(start: Start, tmp_path: Path) -> None:
    done = tmp_path / "done"
    start("sh", "-c", f"head -c 3000000 /dev/zero | tr '\\0' 'x' | fold -w 100; touch {done}; sleep 60")

    wait_until(done.exists, 30, "the program waits for its reader")
