"""The command line of the audit trail: `audit export`; `audit verify` is in `audit_verification`."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from deploy.audit_verification import add_verify
from deploy.console import by, carry_out, fail
from domain.access import SYSTEM
from domain.audit.commands import note_action
from domain.audit.export import FORMATS, Export, read_export
from domain.ports import Services


def group(services: Services) -> AppGroup:
    """The commands, to be added to the application's."""
    group = AppGroup("audit", help="The audit trail.")

    @group.command("export")
    @click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="ndjson", show_default=True)
    @click.option("--since", help="Nothing before this RFC 3339 time.")
    @click.option("--until", help="Nothing from this RFC 3339 time on.")
    @click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help=(
        "What the API's /audit/export takes: `key_id=key_…`, `status_code[gte]=400`, `sort=at`. May be repeated."
    ))  # fmt: skip
    def export(format_: str, since: str | None, until: str | None, filters: tuple[str, ...]) -> None:
        """Write the trail to standard output, newest first."""
        times = [(name, text) for name, text in (("at[gte]", since), ("at[lt]", until)) if text is not None]
        parameters = [*times, *map(_parameter, filters)]
        wanted = carry_out(lambda: read_export(parameters, format_, services.clock()))
        _write(services, wanted, parameters)

    add_verify(group, services)
    return group


def _parameter(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    return (name, value) if sign else fail(f"Give --filter as NAME=VALUE; {text[:60]!r} has no “=”.")


def _write(services: Services, wanted: Export, parameters: list[tuple[str, str]]) -> None:
    with services.database.reading() as reading:
        body = wanted.written(reading, services.database)
    with services.database.transaction() as session:
        told = {"format": wanted.format, "query": dict(parameters)}
        note_action(session, SYSTEM, "cli", "audit.export", wanted.until, changes=by(told))
    for piece in body:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
