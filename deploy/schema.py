"""A database that this version can work on: migrated, and made under the secret key we have."""

from __future__ import annotations

from deploy.console import by
from domain.access import SYSTEM
from domain.audit.commands import differences, note_action
from domain.clock import system_clock
from domain.crypto import Keyring
from domain.db import Database
from domain.operations.commands import check_secret_key


def bring_up_to_date(database: Database, keyring: Keyring, revision: str = "head") -> None:
    """Migrate, and check the secret key.

    Raises:
        WrongSecretKey: it is not the one this database was made with.
    """
    from migrations import run  # the web server's processes need no Alembic

    before = run.current(database)
    run.upgrade(database, revision)
    _note(database, "schema.upgrade", before, run.current(database))
    if revision == "head":
        with database.transaction() as session:
            check_secret_key(session, keyring)


def take_back(database: Database, revision: str) -> None:
    """Migrate to an earlier revision. It is noted beforehand: the trail may go with it."""
    from migrations import run

    _note(database, "schema.downgrade", run.current(database), revision)
    run.downgrade(database, revision)


def _note(database: Database, action: str, before: str | None, after: str | None) -> None:
    told = differences({"revision": before}, {"revision": after})
    if told:
        with database.transaction() as session:
            note_action(session, SYSTEM, "system", action, system_clock(), changes=by(told))
