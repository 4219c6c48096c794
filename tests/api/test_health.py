"""GET /healthz, /readyz and /metrics."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from config import ROOT
from domain.characters.models import characters
from domain.db import Database
from domain.deliveries.figures import note_figures
from domain.operations.commands import beat
from tests.api.client import document_of
from tests.api.conftest import METRICS_TOKEN, Cast
from tests.factories import make_character, make_event, make_job, make_webhook
from tests.support.clock import NOON, StoppedClock
from tests.support.queries import without


def test_it_works(app: Flask) -> None:
    response = app.test_client().get("/healthz")
    assert (response.status_code, document_of(response)) == (200, {"status": "ok"})
    assert response.headers["Cache-Control"] == "no-store"


def test_readyz_names_every_part(app: Flask, database: Database, clock: StoppedClock) -> None:
    with database.transaction() as session:
        beat(session, "sweeper", NOON)
    response = app.test_client().get("/readyz")
    checks = document_of(response)["checks"]
    assert checks.keys() == {"database", "redis", "worker", "previews", "sweeper", "sealing", "forwarding"}
    well = {name: check["status"] for name, check in checks.items()}
    assert (well.pop("worker"), well.pop("previews")) == ("failing", "failing")
    assert set(well.values()) == {"ok"}
    assert (response.status_code, document_of(response)["status"]) == (200, "degraded")
    clock.advance(minutes=1)
    assert document_of(app.test_client().get("/readyz"))["checks"]["sweeper"]["status"] == "failing"


def test_metrics_tell_the_figures(app: Flask, database: Database, cast: Cast, clock: StoppedClock) -> None:
    hook = make_webhook(database)
    make_event(database, "asset.approved")
    cast.viewer.get("/projects")
    cast.viewer.get("/nonsense")
    clock.advance(seconds=30)
    response = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert response.status_code == 200
    for line in (
        'callsheet_deliveries{status="pending"} 1.0',
        "callsheet_oldest_due_seconds 30.0",
        'callsheet_api_calls_last_hour{status="2xx"} 1.0',
        'callsheet_api_calls_last_hour{status="4xx"} 1.0',
        "callsheet_redis_away 0.0",
        "callsheet_audit_sealed_rows 0.0",
        "callsheet_audit_oldest_unsealed_seconds 30.0",
        "callsheet_outbox_age_seconds 30.0",
        'callsheet_queue_depth{lane="first"} 1.0',
        'callsheet_queue_depth{lane="replay"} 0.0',
        f'callsheet_webhook_breaker{{webhook="{hook.id}"}} 0.0',
        "callsheet_replays_running 0.0",
    ):
        assert line in response.text.splitlines()


def test_metrics_tell_of_attempts(app: Flask, database: Database) -> None:
    for _ in range(2):
        with database.transaction() as session:
            note_figures(session, [("delivered", 25), ("delivered", 26), ("pending", 19_000), ("failed", 30_000)])
            note_figures(session, [])
    response = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    for line in (
        'callsheet_delivery_attempts_total{outcome="delivered"} 4.0',
        'callsheet_delivery_attempts_total{outcome="retry"} 2.0',
        'callsheet_delivery_attempts_total{outcome="failed"} 2.0',
        'callsheet_delivery_attempt_seconds_bucket{le="0.025"} 2.0',
        'callsheet_delivery_attempt_seconds_bucket{le="0.05"} 4.0',
        'callsheet_delivery_attempt_seconds_bucket{le="20.0"} 6.0',
        'callsheet_delivery_attempt_seconds_bucket{le="+Inf"} 8.0',
        "callsheet_delivery_attempt_seconds_count 8.0",
        "callsheet_delivery_attempt_seconds_sum 98.102",
    ):
        assert line in response.text.splitlines()


def test_metrics_tell_how_busy_the_farm_is(app: Flask, cast: Cast, database: Database, clock: StoppedClock) -> None:
    character = make_character(database, cast.project)
    for status in ("queued", "queued", "running", "succeeded"):
        make_job(database, character, status=status)
    clock.advance(seconds=90)
    response = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    for line in (
        'callsheet_jobs_queued{kind="generate"} 2.0',
        "callsheet_jobs_running 1.0",
        "callsheet_oldest_queued_job_seconds 90.0",
    ):
        assert line in response.text.splitlines()


def test_every_figure_is_explained(app: Flask) -> None:
    """By a line of the table in docs/operations.md."""
    response = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    told = set(re.findall(r"^# TYPE (\w+)", response.text, re.MULTILINE))
    explained = re.findall(r"^\| `(callsheet_\w+)", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert told == set(explained)


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer wrong", "Bearer é", f"Basic {METRICS_TOKEN}"])
def test_metrics_refuse_who_has_not_the_token(app: Flask, value: str | None) -> None:
    response = app.test_client().get("/metrics", headers={"Authorization": value} if value is not None else {})
    assert (response.status_code, response.content_type) == (401, "application/problem+json")
    assert "callsheet_" not in response.text
    assert response.headers["X-Request-Id"] == document_of(response)["request_id"] != ""


def test_metrics_refuse_an_api_key(cast: Cast, app: Flask) -> None:
    assert cast.admin.key is not None
    bearer = {"Authorization": f"Bearer {cast.admin.key.token}"}
    assert app.test_client().get("/metrics", headers=bearer).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
def test_they_refuse_to_be_written_to(app: Flask, path: str) -> None:
    response = app.test_client().post(path)
    assert (response.status_code, document_of(response)["type"]) == (405, "/problems/method-not-allowed")


def test_a_failure_tells_nothing_internal(cast: Cast, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    cast.viewer.get("/me")
    with without(database, characters):
        answer = cast.viewer.get("/characters")
    assert answer.status in (500, 503)
    assert answer.audit["status_code"] == answer.status
    for word in ("characters.", "SELECT", "sqlite", "psycopg", "table"):
        assert word not in answer.response.text
    assert "request failed" in caplog.text
