"""However the product is stopped or killed, all of it goes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import LAUNCH, SMALL, Product, running

pytestmark = pytest.mark.e2e


def _kill(program: str, signum: signal.Signals) -> Callable[[Product], None]:
    def end(product: Product) -> None:
        pid = product.pid(program)
        assert pid
        os.kill(pid, signum)

    return end


def _control_c(product: Product) -> None:
    """What a terminal does: SIGINT to the whole foreground group."""
    os.killpg(product.process.pid, signal.SIGINT)


# By what is done: how, and the exit status.
ENDINGS: dict[str, tuple[Callable[[Product], None], int]] = {
    "Ctrl-C": (_control_c, 0),
    "SIGTERM to the launcher": (_kill("launch", signal.SIGTERM), 0),
    "SIGHUP to the launcher": (_kill("launch", signal.SIGHUP), 0),
    "kill -9 of the launcher": (_kill("launch", signal.SIGKILL), -signal.SIGKILL),
    "kill -9 of the supervisor": (_kill("supervisord", signal.SIGKILL), 1),
    "SIGTERM to the supervisor": (_kill("supervisord", signal.SIGTERM), 1),
}


@pytest.mark.parametrize(("end", "status"), ENDINGS.values(), ids=ENDINGS)
def test_nothing_is_left(home: Path, end: Callable[[Product], None], status: int) -> None:
    with running(home, **SMALL) as product:
        end(product)

        assert product.wait() == status
        product.assert_nothing_is_left()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_make_ends(home: Path, tmp_path: Path, signum: signal.Signals) -> None:
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"run:\n\t@{' '.join(LAUNCH)}\n")

    with running(home, ("make", "--file", str(makefile), "run"), **SMALL) as product:
        product.process.send_signal(signum)
        if signum == signal.SIGINT:  # make alone does not pass it on; a terminal sends it to both
            _control_c(product)

        product.wait()
        product.assert_nothing_is_left()


def test_it_stops_while_it_prepares(home: Path) -> None:
    product = Product(home)
    product.stop(signal.SIGINT)

    assert "ready" not in product.output


def test_it_starts_at_once_after_it_was_killed(home: Path) -> None:
    with running(home, **SMALL) as killed:
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.wait()

        with running(home, **SMALL, PORT=str(killed.port)) as again:
            again.wait_until_answering()
