"""Reads about the installation itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from ..crypto import Keyring
from ..db import Database, Session
from .models import heartbeats, installation

FINGERPRINT = "secret_key_fingerprint"
# A heartbeat of what does not work: each host has its own, which stops when it works again.
SEALING_FAULT = "sealing fault "


class WrongSecretKey(Exception):
    """This database was made under another `CALLSHEET_SECRET_KEY`."""


def compare_secret_key(session: Session, keyring: Keyring) -> None:
    """Refuse a secret key other than the one whose fingerprint the database remembers.

    Raises:
        WrongSecretKey: keys, webhook secrets and seals of this database could not be read.
    """
    chosen = select(installation.c.value).where(installation.c.name == FINGERPRINT)
    known = session.execute(chosen).scalar_one_or_none()
    if known is not None and known != keyring.fingerprint:
        raise WrongSecretKey(
            "CALLSHEET_SECRET_KEY (or CALLSHEET_HOME/secret_key) is not the one this database was made with."
        )


def refuse_wrong_secret_key(database: Database, keyring: Keyring) -> None:
    """`compare_secret_key` at the start of a process; a database that does not answer or has no tables yet passes."""
    try:
        with database.reading() as session:
            compare_secret_key(session, keyring)
    except DBAPIError:
        return


def last_beat(session: Session, name: str) -> datetime | None:
    """When the process was last seen alive."""
    return session.execute(select(heartbeats.c.at).where(heartbeats.c.name == name)).scalar_one_or_none()


def has_beat_since(session: Session, stem: str, moment: datetime) -> bool:
    """Whether anything whose name begins like this was noted at this time or later."""
    chosen = select(heartbeats.c.name).where(
        heartbeats.c.name.startswith(stem, autoescape=True), heartbeats.c.at >= moment
    )
    return session.execute(chosen.limit(1)).first() is not None
