"""Brings the database up to date and, in demo mode, fills an empty one. Run by `deploy.launch` before anything starts.

It loads no more than it needs: a second start spends most of its time loading code.
"""

from __future__ import annotations

import sys
import traceback

from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from config import ConfigError, Settings
from deploy.errors import StartError
from deploy.schema import bring_up_to_date
from domain.accounts.models import users
from domain.crypto import Keyring
from domain.db import Database, check_reachable
from domain.operations.queries import WrongSecretKey
from domain.projects.models import projects


def main() -> int:
    try:
        settings = Settings.from_env()
        _database_is_reachable(settings.database_url)
        _prepare(settings)
    except (ConfigError, StartError) as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:
        traceback.print_exc()
        print(f"Callsheet cannot start: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _prepare(settings: Settings) -> None:
    database = Database(settings.database_url, 1)
    try:
        bring_up_to_date(database, Keyring(settings.secret_key))
    except WrongSecretKey as error:
        raise StartError(str(error)) from None
    if settings.demo and _is_empty(database):
        _seed(settings)
    database.dispose()


def _is_empty(database: Database) -> bool:
    with database.reading() as session:
        return not any(session.execute(select(table.c.id).limit(1)).first() for table in (users, projects))


def _seed(settings: Settings) -> None:
    from app import build_services
    from dev.seed import seed_studio

    services = build_services(settings)
    services.database.after_commit = lambda _signals: None  # nothing is running yet that could be told
    if welcome := seed_studio(services, only_if_empty=True):
        print(welcome)


def _database_is_reachable(url: str) -> None:
    try:
        place = make_url(url).render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError):
        raise StartError("DATABASE_URL must be a URL such as postgresql://user:password@host:5432/callsheet.") from None
    try:
        check_reachable(url)
    except SQLAlchemyError as error:
        raise StartError(
            f"DATABASE_URL must name a database that answers; {place} does not ({_reason(error)})."
        ) from None


def _reason(error: SQLAlchemyError) -> str:
    """The one line of the driver's message that says what went wrong."""
    lines = [
        line.strip().rstrip(".") for line in str(getattr(error, "orig", None) or error).splitlines() if line.strip()
    ]
    failures = [line.rpartition("failed: ")[2] for line in lines if "failed: " in line]
    return (failures or lines or [type(error).__name__])[-1]


if __name__ == "__main__":
    sys.exit(main())
