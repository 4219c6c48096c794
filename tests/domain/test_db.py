"""The engine: who may read its file, and what its errors tell."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, text
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


def test_opening_a_database_once_more_gives_up_no_lock_on_it(tmp_path: Path) -> None:
    """Without its lock, whichever other process closes it last removes the log that this one goes on writing to."""
    path = tmp_path / "open.db"
    database = Database(f"sqlite:///{path}")
    with database.transaction() as session:
        session.execute(text("CREATE TABLE things (name TEXT)"))
    Database(f"sqlite:///{path}").dispose()
    other = (
        f"import sqlite3; other = sqlite3.connect({str(path)!r}); other.execute('SELECT * FROM things'); other.close()"
    )
    subprocess.run([sys.executable, "-c", other], check=True)
    with database.transaction() as session:
        session.execute(text("INSERT INTO things VALUES ('kept')"))
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT name FROM things").fetchall() == [("kept",)]
    database.dispose()


def test_errors_do_not_name_what_a_statement_was_given(database: Database) -> None:
    user = {**make_user(database), "password_hash": "a hash that is nobody's business"}
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        session.execute(insert(users).values(user))
    assert "nobody's business" not in str(caught.value)


def test_text_is_made_fit_for_both_databases() -> None:
    assert storable("caf\udce9\0 ångström") == "caf?␀ ångström"
