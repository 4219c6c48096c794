"""The command line of API keys: `flask --app wsgi keys create`, `change`, `rotate`, `suspend`, `resume`, `revoke`,
`list`, `show`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import select

from domain.access import SYSTEM
from domain.api_keys.commands import change_key, create_key, resume_key, revoke_key, rotate_key, suspend_key
from domain.api_keys.models import api_keys
from domain.api_keys.queries import STATUSES, load_key, represent_keys, status_of
from domain.api_keys.rules import GRACE, NewKey
from domain.audit.commands import made_of, note_action
from domain.db import Session
from domain.ports import Services

from .console import by, carry_out
from .key_options import of_change, of_new_key, read_change, read_expiry

ONCE = "its text follows on standard output, this once."


def key_commands(services: Services) -> AppGroup:
    """The group."""
    group = AppGroup("keys", help="API keys.")
    for add in (_add_create, _add_change, _add_rotate, _add_suspend, _add_resume, _add_revoke, _add_list, _add_show):
        add(group, services)
    return group


def _write(services: Services, action: str, work: Callable[[Session], tuple[Any, dict[str, Any] | None]]) -> Any:
    """Do it and note it in one transaction. `work` gives its result, and what the audit keeps: None, if it did
    nothing."""

    def write() -> Any:
        with services.database.transaction() as session:
            result, changes = work(session)
            if changes is not None:
                note_action(session, SYSTEM, "cli", f"api_key.{action}", services.clock(), changes=by(changes))
            return result

    return carry_out(write)


def _add_create(group: AppGroup, services: Services) -> None:
    @group.command("create")
    @of_new_key
    def create(expires_at: str | None, **fields: Any) -> None:
        """Create a key and print it, alone, on standard output: it cannot be shown again."""
        now = services.clock()

        def work(session: Session) -> tuple[tuple[str, str], dict[str, Any]]:
            default = now + timedelta(days=services.settings.key_days)
            expiry = default if expires_at is None else read_expiry(expires_at)
            made = create_key(session, SYSTEM, services.keyring, NewKey(**fields, expires_at=expiry), now)
            return made, made_of(made[0], {**fields, "expires_at": expiry})

        key_id, token = _write(services, "create", work)
        click.echo(f"{key_id} was created; {ONCE}", err=True)
        click.echo(token)


def _alter(
    services: Services, action: str, key_id: str, alter: Callable[[Session, datetime], dict[str, Any] | None]
) -> bool:
    """Do it to the key, its row locked, and note it under the key's id and name.

    Args:
        alter: gives what it changed, None if nothing was done.

    Returns:
        Whether anything was done.
    """

    def work(session: Session) -> tuple[bool, dict[str, Any] | None]:
        key = load_key(session, SYSTEM, key_id, for_update=True)
        changes = alter(session, services.clock())
        return changes is not None, None if changes is None else {"id": key_id, "name": key["name"], **changes}

    return bool(_write(services, action, work))


def _add_change(group: AppGroup, services: Services) -> None:
    @group.command("change")
    @click.argument("key_id")
    @of_change
    def change(key_id: str, **options: Any) -> None:
        """Change the key KEY_ID (key_…): what is given, and nothing else."""
        given = carry_out(lambda: read_change(options))
        changed = _alter(
            services, "change", key_id, lambda session, now: change_key(session, SYSTEM, key_id, given, now) or None
        )
        click.echo(f"{key_id} is changed." if changed else "Nothing was changed.", err=True)


def _add_rotate(group: AppGroup, services: Services) -> None:
    @group.command("rotate")
    @click.argument("key_id")
    @click.option("--grace-seconds", type=int, default=GRACE, show_default=True, help="The old secret works so long.")
    def rotate(key_id: str, grace_seconds: int) -> None:
        """Give the key KEY_ID (key_…) a new secret and print its text, alone, on standard output."""

        def work(session: Session) -> tuple[str, dict[str, Any]]:
            added, token = rotate_key(session, SYSTEM, services.keyring, key_id, services.clock(), grace_seconds)
            return token, {"id": key_id, "added": added, "grace_seconds": grace_seconds}

        token = _write(services, "rotate", work)
        click.echo(f"{key_id} has a new secret; {ONCE}", err=True)
        click.echo(token)


def _add_suspend(group: AppGroup, services: Services) -> None:
    _add_refusing(group, services, "suspend", suspend_key, "Refuse the key KEY_ID (key_…) until it is resumed.")


def _add_revoke(group: AppGroup, services: Services) -> None:
    _add_refusing(group, services, "revoke", revoke_key, "End the key KEY_ID (key_…) for good.")


def _add_refusing(
    group: AppGroup, services: Services, action: str, refuse: Callable[..., dict[str, Any]], told: str
) -> None:
    @group.command(action, help=told)
    @click.argument("key_id")
    @click.option("--reason", default="", help="Shown with the key.")
    def command(key_id: str, reason: str) -> None:
        _alter(services, action, key_id, lambda session, now: refuse(session, SYSTEM, key_id, now, reason))
        click.echo(f"{key_id} is {action.removesuffix('e')}ed.", err=True)


def _add_resume(group: AppGroup, services: Services) -> None:
    @group.command("resume")
    @click.argument("key_id")
    def resume(key_id: str) -> None:
        """Accept the suspended key KEY_ID (key_…) again."""
        _alter(services, "resume", key_id, lambda session, now: resume_key(session, SYSTEM, key_id, now))
        click.echo(f"{key_id} is resumed.", err=True)


def _add_list(group: AppGroup, services: Services) -> None:
    @group.command("list")
    @click.option("--status", type=click.Choice(STATUSES), help="Only these.")
    def list_keys(status: str | None) -> None:
        """List keys by name, one a line: id, status, role, scope, expiry, last use and name, with tabs between."""
        now = services.clock()
        with services.database.reading() as session:
            rows = session.execute(select(api_keys).order_by(api_keys.c.name, api_keys.c.id)).mappings().all()
        for row in rows:
            if status in (None, status_of(row, now)):
                moments = (_shown(row["expires_at"]), _shown(row["last_used_at"]))
                fields = (row["id"], status_of(row, now), row["role"], row["scope"], *moments, row["name"])
                click.echo("\t".join(fields))


def _add_show(group: AppGroup, services: Services) -> None:
    @group.command("show")
    @click.argument("key_id")
    def show(key_id: str) -> None:
        """Print the key KEY_ID (key_…) as JSON, as the API shows it: never its text."""

        def read() -> dict[str, Any]:
            with services.database.reading() as session:
                (shown,) = represent_keys(session, [load_key(session, SYSTEM, key_id)], services.clock())
                return shown

        click.echo(json.dumps(carry_out(read), indent=2, ensure_ascii=False))


def _shown(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
