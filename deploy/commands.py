"""The command line: `flask --app wsgi db upgrade`, `seed`, `users create`, `keys create|revoke`."""

from __future__ import annotations

import getpass
import os
import secrets
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn, TypeVar

import click
from flask import Flask
from flask.cli import AppGroup

from deploy.schema import bring_up_to_date
from dev.seed import seed_studio
from domain.access import SYSTEM, Role, Scope
from domain.accounts.commands import create_user
from domain.api_keys.commands import READ_PER_MINUTE, WRITE_PER_MINUTE, NewKey, create_key, revoke_key
from domain.audit.commands import note_action
from domain.clock import parse_rfc3339
from domain.errors import DomainError, Invalid
from domain.operations.queries import WrongSecretKey
from domain.ports import Services

Result = TypeVar("Result")


def register(app: Flask, services: Services) -> None:
    """Add the commands to the application."""
    app.cli.add_command(_database_commands(services))
    app.cli.add_command(_user_commands(services))
    app.cli.add_command(_key_commands(services))

    @app.cli.command("seed")
    @click.option("--if-empty", is_flag=True, help="Do nothing when there are users or projects.")
    def seed(if_empty: bool) -> None:
        """Fill the database with the demo studio."""
        message = _run(lambda: seed_studio(services, only_if_empty=if_empty))
        if message:
            click.echo(message)


def _database_commands(services: Services) -> AppGroup:
    group = AppGroup("db", help="The schema.")

    @group.command("upgrade")
    @click.argument("revision", default="head")
    def upgrade(revision: str) -> None:
        """Bring the schema to REVISION, the newest by default."""
        from migrations import run  # the web server's processes need no Alembic

        if revision != "head":
            run.upgrade(services.database, revision)
        else:
            _run(lambda: bring_up_to_date(services.database, services.keyring))
        click.echo(f"The schema is at {revision}.", err=True)

    @group.command("downgrade")
    @click.argument("revision")
    def downgrade(revision: str) -> None:
        """Take the schema back to REVISION; `base` removes every table."""
        from migrations import run

        run.downgrade(services.database, revision)
        click.echo(f"The schema is at {revision}.", err=True)

    return group


def _user_commands(services: Services) -> AppGroup:
    group = AppGroup("users", help="People who sign in to the portal.")

    @group.command("create")
    @click.option("--email", required=True)
    @click.option("--name", help="How the portal calls them; the part before the @ when absent.")
    @click.option(
        "--role", type=click.Choice([role.value for role in Role]), default=Role.VIEWER.value, show_default=True
    )
    @click.option("--project", "projects", multiple=True, help="The role holds only in these projects.")
    @click.option("--password", help="Asked for on a terminal, read from standard input, or made when `-`.")
    def create(email: str, name: str | None, role: str, projects: tuple[str, ...], password: str | None) -> None:
        """Create a user; prints the id, and the password when it was made here."""
        made = password == "-"  # noqa: S105 - a word that asks for one
        chosen = secrets.token_urlsafe(15) if made else password or _ask_password()
        now = services.clock()

        def write() -> str:
            with services.database.transaction() as session:
                user_id = create_user(
                    session, SYSTEM, email=email, name=name or email.partition("@")[0], password=chosen, role=role,
                    project_ids=projects or None, now=now,
                )  # fmt: skip
                note_action(
                    session, SYSTEM, "cli", "user.create", now, changes=by_account({"id": user_id, "email": email})
                )
                return user_id

        click.echo(_run(write))
        if made:
            click.echo(chosen)

    return group


def _key_commands(services: Services) -> AppGroup:
    group = AppGroup("keys", help="API keys.")

    @group.command("create")
    @click.option("--name", required=True)
    @click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
    @click.option("--scope", type=click.Choice([scope.value for scope in Scope]), required=True)
    @click.option("--project", "projects", multiple=True, help="Project id, for the scope `project`.")
    @click.option("--description", default="")
    @click.option("--read-per-minute", type=int, default=READ_PER_MINUTE, show_default=True)
    @click.option("--write-per-minute", type=int, default=WRITE_PER_MINUTE, show_default=True)
    @click.option("--allow-cidr", "cidrs", multiple=True, help="Address range it may be used from.")
    @click.option("--expires-at", help="RFC 3339 time, or `never`.")
    def create(projects: tuple[str, ...], cidrs: tuple[str, ...], expires_at: str | None, **fields: str) -> None:
        """Create a key and print it, alone, on standard output: it cannot be shown again."""
        now = services.clock()

        def write() -> str:
            expiry = _expiry(expires_at, now, services.settings.key_days)
            # The remaining fields come from click under their own names, each of its option's type.
            wanted = NewKey(**fields, project_ids=projects, allowed_cidrs=cidrs, expires_at=expiry)  # type: ignore[arg-type]
            with services.database.transaction() as session:
                key_id, token = create_key(session, SYSTEM, services.keyring, wanted, now)
                note_action(session, SYSTEM, "cli", "api_key.create", now, changes=by_account({"id": key_id, **fields}))
            click.echo(f"{key_id} was created; its text follows on standard output, this once.", err=True)
            return token

        click.echo(_run(write))

    @group.command("revoke")
    @click.argument("key_id")
    def revoke(key_id: str) -> None:
        """End the key KEY_ID (key_…) for good."""
        now = services.clock()

        def write() -> None:
            with services.database.transaction() as session:
                revoke_key(session, SYSTEM, key_id, now)
                note_action(session, SYSTEM, "cli", "api_key.revoke", now, changes=by_account({"id": key_id}))

        _run(write)
        click.echo(f"{key_id} is revoked.", err=True)

    return group


def _expiry(text: str | None, now: datetime, days: int) -> datetime | None:
    if text is None:
        return now + timedelta(days=days)
    if text == "never":
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:
        message = "Give the expiry as a time such as 2027-01-01T00:00:00Z, or `never`."
        raise Invalid.field("expires_at", "invalid", message) from None


def by_account(changes: dict[str, str]) -> dict[str, str]:
    """What was done, and which account of this machine did it."""
    return changes | {"by": os.environ.get("SUDO_USER") or getpass.getuser()}


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def _run(action: Callable[[], Result]) -> Result:
    """Run, and turn what the domain refuses into sentences on standard error."""
    try:
        return action()
    except Invalid as error:
        _fail("\n".join(f"{item.field.lstrip('/')}: {item.message}" for item in error.errors))
    except (DomainError, WrongSecretKey) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(1)
