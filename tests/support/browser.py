"""The Chromium of this machine, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.support.programs import give_up

NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = ("gpu", "background-networking", "component-update", "sync", "quic")


def executable() -> str | None:
    """The first of `NAMES` on PATH."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Without one the test is skipped, or fails: see `give_up`."""
    path = executable()
    if path is None:
        give_up(f"no browser: none of {', '.join(NAMES)} is on PATH")
    flags = [*(f"--disable-{name}" for name in _QUIET), "--no-first-run"]
    if os.getuid() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()
