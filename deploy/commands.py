"""The command line: `flask --app wsgi db upgrade`, `seed`, `users create`, `keys create|revoke`, `audit export`."""

from __future__ import annotations

import secrets
import sys
from dataclasses import asdict
from datetime import datetime, timedelta

import click
from flask import Flask
from flask.cli import AppGroup

from deploy import audit_commands
from deploy.cli import by, run
from deploy.schema import bring_up_to_date, take_back
from dev.seed import seed_studio
from domain.access import SYSTEM, Role, Scope
from domain.accounts.commands import create_user
from domain.api_keys.commands import READ_PER_MINUTE, WRITE_PER_MINUTE, NewKey, create_key, revoke_key
from domain.api_keys.queries import load_key, status_of
from domain.audit.commands import differences, made_of, note_action
from domain.clock import parse_rfc3339
from domain.errors import Invalid
from domain.ports import Services


def register(app: Flask, services: Services) -> None:
    """Add the commands to the application."""
    app.cli.add_command(_database_commands(services))
    app.cli.add_command(_user_commands(services))
    app.cli.add_command(_key_commands(services))
    app.cli.add_command(audit_commands.group(services))

    @app.cli.command("seed")
    @click.option("--if-empty", is_flag=True, help="Do nothing when there are users or projects.")
    def seed(if_empty: bool) -> None:
        """Fill the database with the demo studio."""
        message = run(lambda: seed_studio(services, only_if_empty=if_empty))
        if message:
            click.echo(message)


def _database_commands(services: Services) -> AppGroup:
    group = AppGroup("db", help="The schema.")

    @group.command("upgrade")
    @click.argument("revision", default="head")
    def upgrade(revision: str) -> None:
        """Bring the schema to REVISION, the newest by default."""
        run(lambda: bring_up_to_date(services.database, services.keyring, revision))
        click.echo(f"The schema is at {revision}.", err=True)

    @group.command("downgrade")
    @click.argument("revision")
    def downgrade(revision: str) -> None:
        """Take the schema back to REVISION; `base` removes every table."""
        take_back(services.database, revision)
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
        shown, now = name or email.partition("@")[0], services.clock()

        def write() -> str:
            with services.database.transaction() as session:
                user_id = create_user(
                    session, SYSTEM, email=email, name=shown, password=chosen, role=role,
                    project_ids=projects or None, now=now,
                )  # fmt: skip
                given = {"email": email, "name": shown, "role": role, "project_ids": projects or None}
                note_action(session, SYSTEM, "cli", "user.create", now, changes=by(made_of(user_id, given)))
                return user_id

        click.echo(run(write))
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
                note_action(session, SYSTEM, "cli", "api_key.create", now, changes=by(made_of(key_id, asdict(wanted))))
            click.echo(f"{key_id} was created; its text follows on standard output, this once.", err=True)
            return token

        click.echo(run(write))

    @group.command("revoke")
    @click.argument("key_id")
    def revoke(key_id: str) -> None:
        """End the key KEY_ID (key_…) for good."""
        now = services.clock()

        def write() -> None:
            with services.database.transaction() as session:
                key = load_key(session, SYSTEM, key_id, for_update=True)
                revoke_key(session, SYSTEM, key_id, now)
                told = {"id": key_id, "name": key["name"]}
                told |= differences({"status": status_of(key, now)}, {"status": "revoked"})
                note_action(session, SYSTEM, "cli", "api_key.revoke", now, changes=by(told))

        run(write)
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


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
