"""A database remembers the secret key that it was made with."""

from __future__ import annotations

import pytest

from domain.crypto import Keyring
from domain.db import Database
from domain.operations.commands import check_secret_key
from domain.operations.queries import WrongSecretKey
from tests.factories import KEYRING

OTHER = Keyring(b"another secret of at least 32 byte")


def check(database: Database, keyring: Keyring) -> None:
    with database.transaction() as session:
        check_secret_key(session, keyring)


def test_it_works(database: Database) -> None:
    for _ in range(3):
        check(database, KEYRING)


def test_it_refuses_another_key(database: Database) -> None:
    check(database, KEYRING)
    with pytest.raises(WrongSecretKey, match="CALLSHEET_SECRET_KEY"):
        check(database, OTHER)
    check(database, KEYRING)
