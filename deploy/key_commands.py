"""The command line of API keys: `flask --app wsgi keys create`, `list`, `rotate`, `revoke`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import select

from domain.access import SYSTEM, Role, Scope
from domain.api_keys.commands import create_key, revoke_key, rotate_key
from domain.api_keys.models import api_keys
from domain.api_keys.queries import STATUSES, load_key, status_of
from domain.api_keys.rules import ALLOWLIST_MODES, ENFORCE, GRACE, READ_PER_MINUTE, WRITE_PER_MINUTE, NewKey
from domain.audit.commands import differences, made_of, note_action
from domain.clock import parse_rfc3339
from domain.db import Session
from domain.errors import Invalid
from domain.ports import Services

from .console import by, carry_out

ONCE = "its text follows on standard output, this once."


def key_commands(services: Services) -> AppGroup:
    """The group."""
    group = AppGroup("keys", help="API keys.")
    _add_create(group, services)
    _add_rotate(group, services)
    _add_revoke(group, services)
    _add_list(group, services)
    return group


def _write(services: Services, action: str, work: Callable[[Session], tuple[Any, dict[str, Any]]]) -> Any:
    """Do it and note it in one transaction. `work` gives its result, and what the audit keeps."""

    def write() -> Any:
        with services.database.transaction() as session:
            result, changes = work(session)
            note_action(session, SYSTEM, "cli", f"api_key.{action}", services.clock(), changes=by(changes))
            return result

    return carry_out(write)


def _add_create(group: AppGroup, services: Services) -> None:
    @group.command("create")
    @click.option("--name", required=True)
    @click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
    @click.option("--scope", type=click.Choice([scope.value for scope in Scope]), required=True)
    @click.option("--project", "project_ids", multiple=True, help="Project id, for the scope `project`.")
    @click.option("--description", default="")
    @click.option("--tag", "tags", multiple=True, help="A word to find it by.")
    @click.option("--read-per-minute", type=int, default=READ_PER_MINUTE, show_default=True)
    @click.option("--write-per-minute", type=int, default=WRITE_PER_MINUTE, show_default=True)
    @click.option("--allow-cidr", "allowed_cidrs", multiple=True, help="Address range it may be used from.")
    @click.option(
        "--allowlist-mode", type=click.Choice(ALLOWLIST_MODES), default=ENFORCE, show_default=True,
        help="`dry_run` lets others in, and the portal shows who they are.",
    )  # fmt: skip
    @click.option("--expires-at", help="RFC 3339 time, or `never`.")
    def create(expires_at: str | None, **fields: Any) -> None:
        """Create a key and print it, alone, on standard output: it cannot be shown again."""
        now = services.clock()

        def work(session: Session) -> tuple[tuple[str, str], dict[str, Any]]:
            expiry = _expiry(expires_at, now, services.settings.key_days)
            made = create_key(session, SYSTEM, services.keyring, NewKey(**fields, expires_at=expiry), now)
            return made, made_of(made[0], {**fields, "expires_at": expiry})

        key_id, token = _write(services, "create", work)
        click.echo(f"{key_id} was created; {ONCE}", err=True)
        click.echo(token)


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


def _add_revoke(group: AppGroup, services: Services) -> None:
    @group.command("revoke")
    @click.argument("key_id")
    @click.option("--reason", default="", help="Shown with the key.")
    def revoke(key_id: str, reason: str) -> None:
        """End the key KEY_ID (key_…) for good."""

        def work(session: Session) -> tuple[None, dict[str, Any]]:
            now = services.clock()
            key = load_key(session, SYSTEM, key_id, for_update=True)
            revoke_key(session, SYSTEM, key_id, now, reason)
            told = {"id": key_id, "name": key["name"], **({"reason": reason} if reason else {})}
            return None, told | differences({"status": status_of(key, now)}, {"status": "revoked"})

        _write(services, "revoke", work)
        click.echo(f"{key_id} is revoked.", err=True)


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


def _shown(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _expiry(text: str | None, now: datetime, days: int) -> datetime | None:
    if text is None:
        return now + timedelta(days=days)
    if text == "never":
        return None
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        message = "Give the expiry as a time such as 2027-01-01T00:00:00Z, or `never`."
        raise Invalid.field("expires_at", "invalid", message) from None
