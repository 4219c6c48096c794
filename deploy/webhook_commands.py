"""The command line of webhooks: `flask --app wsgi webhooks replay`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup

from domain.access import SYSTEM
from domain.audit.commands import note_action
from domain.clock import parse_rfc3339
from domain.errors import Invalid
from domain.events.commands import Context
from domain.ports import Services
from domain.replays.commands import Plan, Terms, Wanted, plan_replay, start_replay, told_of
from domain.replays.selection import STATUSES

from .console import by, carry_out


def group(services: Services) -> AppGroup:
    """The commands, to be added to the application's."""
    group = AppGroup("webhooks", help="Webhooks.")

    @group.command("replay")
    @click.argument("webhook_id")
    @click.option("--since", help="Events from this RFC 3339 time on; from the first that is kept when absent.")
    @click.option("--until", help="Events before this RFC 3339 time; until now when absent.")
    @click.option("--status", type=click.Choice(STATUSES), help="What failed, or what it never got; all when absent.")
    @click.option("--event-type", "event_types", multiple=True, help="A type, family or `*`. May be repeated.")
    @click.option("--rate-per-minute", type=int, help="Events queued in a minute.")
    @click.option("--dry-run", is_flag=True, help="Only count.")
    def replay(webhook_id: str, dry_run: bool, **given: Any) -> None:
        """Send the webhook WEBHOOK_ID (whk_…) events again; prints the replay's id, alone, on standard output.

        A dry run prints how many events there are.
        """
        plan = carry_out(lambda: _plan(services, webhook_id, given))
        if dry_run:
            click.echo(plan.count)
            return
        replay_id = carry_out(lambda: _start(services, plan))
        click.echo(f"Events: {plan.count:,}; the sweeper queues {plan.per_minute:,} a minute.", err=True)
        click.echo(replay_id)

    return group


def _plan(services: Services, webhook_id: str, given: dict[str, Any]) -> Plan:
    times = {name: _moment(name, given[name]) for name in ("since", "until")}
    wanted = Wanted(**{**given, **times, "event_types": given["event_types"] or None})
    with services.database.reading() as session:
        return plan_replay(session, SYSTEM, webhook_id, wanted, Terms.of(services.settings), services.clock())


def _start(services: Services, plan: Plan) -> str:
    now = services.clock()
    with services.database.transaction() as session:
        replay_id = start_replay(session, Context(SYSTEM, now), plan)
        note_action(session, SYSTEM, "cli", "webhook.replay", now, changes=by(told_of(replay_id, plan)))
        return replay_id


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise Invalid.field(name, "invalid", "Give a time such as 2027-01-01T00:00:00Z.") from None
