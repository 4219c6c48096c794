"""The engine: who may read its file, and what its errors tell."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from domain.accounts.models import users
from domain.db import Database, storable
from tests.factories import make_user


def test_a_new_sqlite_database_is_for_this_user_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "new.db"
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{path}")
        with database.transaction():
            files = list(tmp_path.iterdir())
    finally:
        os.umask(before)
        database.dispose()
    assert path in files
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_errors_do_not_name_what_a_statement_was_given(database: Database) -> None:
    user = {**make_user(database), "password_hash": "a hash that is nobody's business"}
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        session.execute(insert(users).values(user))
    assert "nobody's business" not in str(caught.value)


def test_text_is_made_fit_for_both_databases() -> None:
    assert storable("caf\udce9\0 ångström") == "caf?␀ ångström"
