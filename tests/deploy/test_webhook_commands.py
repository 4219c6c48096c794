"""`flask webhooks replay`: what it prints, what it refuses, and what it leaves in the audit trail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask

from domain.access import SYSTEM
from domain.db import Database
from domain.replays.queries import load_replay
from tests.deploy.test_key_commands import actions, app
from tests.factories import make_event, make_webhook

__all__ = ["app"]


def replay(app: Flask, *arguments: str) -> Result:
    app.extensions["callsheet"].clock.advance(minutes=1)  # events of the factories are of noon
    return app.test_cli_runner().invoke(args=["webhooks", "replay", *arguments])


def test_it_works(app: Flask, database: Database) -> None:
    hook = make_webhook(database).id
    make_event(database, "asset.approved")
    result = replay(app, hook, "--since", "2026-03-01T12:00:00Z", "--event-type", "asset.*", "--event-type", "job.*",
                    "--rate-per-minute", "60")  # fmt: skip
    assert result.exit_code == 0
    assert "Events: 1; the sweeper queues 60 a minute" in result.stderr
    with database.reading() as session:
        row = load_replay(session, SYSTEM, result.stdout.strip())
    assert (row["count"], row["per_minute"], row["event_types"]) == (1, 60, ["asset.*", "job.*"])
    assert row["until"] - row["since"] == timedelta(minutes=1)
    [(action, changes)] = actions(database)
    assert (action, changes["webhook_id"]["to"], changes["count"]["to"]) == ("webhook.replay", hook, 1)
    assert changes["by"]


def test_a_dry_run_prints_the_count(app: Flask, database: Database) -> None:
    hook = make_webhook(database).id
    make_event(database, "asset.approved")
    assert replay(app, hook, "--dry-run").stdout == "1\n"
    assert replay(app, hook, "--dry-run", "--status", "failed").stdout == "0\n"
    assert actions(database) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "yesterday"), "since: Give a time such as"),
        (("--event-type", "nonsense"), "There is no event type"),
        (("--rate-per-minute", "0"), "rate_per_minute: Give a rate"),
    ],
)
def test_it_refuses_what_cannot_be(app: Flask, database: Database, arguments: tuple[str, ...], sentence: str) -> None:
    result = replay(app, make_webhook(database).id, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_a_disabled_webhook_is_refused(app: Flask, database: Database) -> None:
    result = replay(app, make_webhook(database, enabled=False).id)
    assert result.exit_code == 1
    assert "disabled" in result.stderr


def test_a_webhook_that_is_not_there_is_refused(app: Flask) -> None:
    assert "There is no webhook" in replay(app, "whk_nonsense").stderr
