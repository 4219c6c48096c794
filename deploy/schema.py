"""A database that this version can work on: migrated, and made under the secret key we have."""

from __future__ import annotations

from domain.crypto import Keyring
from domain.db import Database
from domain.operations.commands import check_secret_key


def bring_up_to_date(database: Database, keyring: Keyring) -> None:
    """Migrate, and check the secret key.

    Raises:
        WrongSecretKey: it is not the one this database was made with.
    """
    from migrations.run import upgrade  # the web server's processes need no Alembic

    upgrade(database)
    with database.transaction() as session:
        check_secret_key(session, keyring)
