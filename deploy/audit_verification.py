"""The command line of the audit: `flask --app wsgi audit verify`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from deploy.console import by
from domain.access import SYSTEM
from domain.audit.commands import note_action
from domain.clock import parse_rfc3339
from domain.ports import Services
from domain.seals.checkpoints import CheckpointFile
from domain.seals.verification import Tally, Verification

# Each is told on a line of its own; past these they are counted.
MOST_TOLD = 1000
SEALED_WITHIN = 3.0  # seconds


def add_verify(group: AppGroup, services: Services) -> None:
    """Add the command to its group."""

    @group.command("verify")
    @click.option(
        "--checkpoints", type=click.Path(path_type=Path), help="A copy of the checkpoint file kept elsewhere."
    )
    @click.option("--since", help="RFC 3339 time: leave out what was sealed before.")
    @click.option("--allow-late", is_flag=True, help="Rows that were sealed long after their time are no failure.")
    def verify(checkpoints: Path | None, since: str | None, allow_late: bool) -> None:
        """Compare every row with its seal, and the seals with the checkpoint file. Exit status 1: something differs."""
        file = CheckpointFile.in_home(services.settings.home) if checkpoints is None else CheckpointFile(checkpoints)
        checking = Verification(
            services.database, services.keyring, services.clock(), _lines(file), _moment(since), _show_progress,
            lambda: time.sleep(SEALED_WITHIN),
        )  # fmt: skip
        counted = _tell_findings(checking, allow_late)
        _tell_tally(checking.tally, counted)
        _note(services, {"findings": str(counted), "seals": str(checking.tally.seals)})
        raise SystemExit(1 if counted else 0)


def _note(services: Services, changes: dict[str, str]) -> None:
    """Who reads the trail is in it, except where it is a copy that cannot be written."""
    try:
        with services.database.transaction() as session:
            note_action(session, SYSTEM, "cli", "audit.verify", services.clock(), changes=by(changes))
    except SQLAlchemyError as error:
        click.echo(f"This verification is not in the trail: it cannot be written ({type(error).__name__}).", err=True)


def _lines(file: CheckpointFile) -> Iterator[str]:
    try:
        yield from file.lines()
    except OSError as error:
        click.echo(f"{file.path} cannot be read ({error.strerror}).", err=True)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise click.BadParameter("give a time such as 2027-01-01T00:00:00Z.", param_hint="--since") from None


def _tell_findings(checking: Verification, allow_late: bool) -> int:
    told = counted = 0
    for finding in checking.run():
        told += 1
        counted += not (allow_late and finding.what == "late")
        if told <= MOST_TOLD:
            click.echo(f"{finding.what}: {finding.where}: {finding.message}")
    if told > MOST_TOLD:
        click.echo(f"… and {told - MOST_TOLD} more.")
    return counted


def _tell_tally(tally: Tally, counted: int) -> None:
    for first, last in tally.gaps:
        click.echo(f"pruned: within places {first} to {last}, as recorded.")
    click.echo(
        f"Checked: rows {tally.rows} (pruned {tally.pruned}), seals {tally.seals}. Findings: {counted or 'none'}."
    )


def _show_progress(tally: Tally) -> None:
    """On a terminal one line that is written over; in a log a line for each hundred thousand rows."""
    if sys.stderr.isatty():
        click.echo(f"\r{tally.rows} rows in {tally.seals} seals …", err=True, nl=False)
    elif tally.rows and tally.seals % 1000 == 0:
        click.echo(f"{tally.rows} rows in {tally.seals} seals …", err=True)
