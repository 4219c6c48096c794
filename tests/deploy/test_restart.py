"""What dies is started again, and said."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest

from deploy.programs import QUEUE
from jobs.queues import DELIVERIES
from tests.support.processes import Product, running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("restart") / "home") as started:
        yield started


@pytest.mark.parametrize("program", ["redis", "web", "worker", "previews", "sweeper", "receiver"])
def test_a_killed_program_is_started_again(product: Product, program: str) -> None:
    before, pid = len(product.output), product.pid(program)
    assert pid

    os.kill(pid, signal.SIGKILL)
    product.wait_for_another(program, pid)

    product.wait_until_answering()
    said = re.compile(rf"exited: {program} \(terminated by SIGKILL; not expected\)(?s:.*)spawned: '{program}'")
    wait_until(lambda: said.search(product.output, before), 10, lambda: f"it was not said:\n{product.output}")


@pytest.mark.parametrize("program", ["redis", "web", "worker"])
def test_a_program_is_started_again_when_its_guard_is_killed(product: Product, program: str) -> None:
    pid, guard = product.pid(program), product.guard(program)
    assert pid
    assert guard
    below = [pid, *product.children(pid)]

    os.kill(guard, signal.SIGKILL)

    product.wait_for_another(program, pid)
    wait_until(lambda: not set(below) & set(product.processes()), 10, f"an orphan of {program} lives on")
    product.wait_until_answering()


def test_a_killed_web_process_is_replaced(product: Product) -> None:
    web = product.pid("web")
    assert web
    before = set(product.children(web))

    os.kill(min(before), signal.SIGKILL)

    wait_until(lambda: len(set(product.children(web)) - before) == 1, 20, "the web server did not replace its process")
    product.wait_until_answering()


def test_the_worker_listens_to_the_queue_that_the_bell_rings() -> None:
    assert QUEUE == DELIVERIES
