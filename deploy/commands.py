"""The command line: `flask --app wsgi db`, `seed`, `users`; `keys`, `audit` and `webhooks` have files of their own."""

from __future__ import annotations

import secrets
import sys

import click
from flask import Flask
from flask.cli import AppGroup

from deploy import audit_commands, webhook_commands
from deploy.schema import bring_up_to_date, take_back
from dev.seed import seed_studio
from domain.access import SYSTEM, Role
from domain.accounts.commands import create_user
from domain.audit.commands import made_of, note_action
from domain.ports import Services

from .console import by, carry_out
from .key_commands import key_commands


def register(app: Flask, services: Services) -> None:
    """Add the commands to the application."""
    app.cli.add_command(_database_commands(services))
    app.cli.add_command(_user_commands(services))
    app.cli.add_command(key_commands(services))
    app.cli.add_command(audit_commands.group(services))
    app.cli.add_command(webhook_commands.group(services))

    @app.cli.command("seed")
    @click.option("--if-empty", is_flag=True, help="Do nothing when there are users or projects.")
    def seed(if_empty: bool) -> None:
        """Fill the database with the demo studio."""
        message = carry_out(lambda: seed_studio(services, only_if_empty=if_empty))
        if message:
            click.echo(message)


def _database_commands(services: Services) -> AppGroup:
    group = AppGroup("db", help="The schema.")

    @group.command("upgrade")
    @click.argument("revision", default="head")
    def upgrade(revision: str) -> None:
        """Bring the schema to REVISION, the newest by default."""
        carry_out(lambda: bring_up_to_date(services.database, services.keyring, revision))
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

        click.echo(carry_out(write))
        if made:
            click.echo(chosen)

    return group


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
