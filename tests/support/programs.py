"""Programs of this machine that some tests need, and developers may not have."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def require(*names: str) -> None:
    """Skip the test, or fail it where nothing may be skipped, unless all of these are on PATH."""
    if missing := [name for name in names if shutil.which(name) is None]:
        give_up(f"not on this machine: {', '.join(missing)}")


def give_up(reason: str) -> NoReturn:
    """Skip the test, or fail it where CALLSHEET_TEST_REQUIRE_ALL is 1."""
    if os.environ.get("CALLSHEET_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
