"""A thousand random tamperings of the audit trail: a thousand found."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.db import Database
from tests.domain.test_seal_verification import check_tamperings
from tests.support.sealing import Trail

pytestmark = pytest.mark.torture
TAMPERINGS = 1000


def test_every_tampering_is_found(database: Database, home: Path) -> None:
    check_tamperings(Trail(database, home), TAMPERINGS, 2026)
