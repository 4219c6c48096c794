"""A start: ready, greeted once, faster the second time."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.processes import SMALL, Product, running

pytestmark = pytest.mark.e2e

# Blanks, and characters that mean something to a shell, to supervisord's configuration and to a URL.
AWKWARD = "a home; with #5 100% 'quotes' & more"


def test_it_is_ready_and_greets_an_empty_database_once(home: Path) -> None:
    with running(home) as first:
        assert requests.get(f"{first.url}/readyz", timeout=5).json()["status"] == "ok"
        greeting, _, _ = first.output.partition("supervisord started")
        assert f"{first.url}/portal" in greeting
        assert "curl" in greeting

    began = time.monotonic()
    with running(home) as second:
        print(f"second start ready after {time.monotonic() - began:.1f} s")
        assert "curl" not in second.output


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A start without a demo, with two workers."""
    with running(tmp_path_factory.mktemp("small") / "home", **SMALL, CALLSHEET_DELIVERY_WORKERS="2") as started:
        yield started


def test_it_starts_without_a_demo(small: Product) -> None:
    assert "curl" not in small.output
    assert small.guard("receiver") is None


def test_it_starts_in_an_awkward_home(tmp_path: Path) -> None:
    with running(tmp_path / AWKWARD, **SMALL) as product:
        assert product.pid("redis")


def test_it_starts_in_a_home_with_a_path_too_long_for_sockets(tmp_path: Path) -> None:
    with running(tmp_path / ("long" * 30), **SMALL) as product:
        assert requests.get(f"{product.url}/readyz", timeout=5).json()["checks"]["redis"]["status"] == "ok"


def test_it_runs_beside_a_given_redis(home: Path, redis_url: str) -> None:
    with running(home, **SMALL, REDIS_URL=redis_url) as product:
        assert product.guard("redis") is None
        assert requests.get(f"{product.url}/readyz", timeout=5).json()["status"] == "ok"


def test_it_runs_several_workers(small: Product) -> None:
    commands = list(small.processes().values())
    assert sum("rq worker deliveries" in command and "supervised" not in command for command in commands) == 2


def test_what_is_secret_is_for_this_user_alone(small: Product) -> None:
    for path in ("run", "run/supervisord.conf", "redis", "secret_key"):
        assert stat.S_IMODE((small.home / path).stat().st_mode) & 0o077 == 0
