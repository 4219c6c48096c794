"""The last day at a glance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Response

from domain.access import Actor, Permission
from domain.api_keys.queries import expiring_keys
from domain.approvals.queries import latest_approvals
from domain.audit.queries import calls_by_hour
from domain.db import Session
from domain.deliveries.statistics import deliveries_by_status
from domain.events.queries import latest_events
from domain.studio_counts import names_of, waiting_for_review
from domain.webhooks.queries import status_of, webhooks_in_trouble

from .. import charts
from ..blueprint import PortalBlueprint
from ..context import actor, services
from ..htmx import render

blueprint = PortalBlueprint("overview", __name__, permission=Permission.READ)

HOURS = 24
EXPIRES_SOON = timedelta(days=14)
SHOWN = 6


@blueprint.get("/")
def show() -> Response:
    """What happened, and what needs somebody."""
    now, who = services().clock(), actor()
    with services().database.reading() as session:
        activity = _activity(session, who)
        calls = _calls(session, now) if who.may(Permission.READ_AUDIT) else None
        deliveries = _deliveries(session, now) if who.may(Permission.MANAGE_WEBHOOKS) else None
        keys = expiring_keys(session, now, now + EXPIRES_SOON, SHOWN) if who.may(Permission.MANAGE_KEYS) else None
    return render("portal/overview/show.html", "day", calls=calls, deliveries=deliveries, keys=keys, **activity)


def _activity(session: Session, who: Actor) -> dict[str, Any]:
    approvals = latest_approvals(session, who.project_ids, SHOWN)
    events = latest_events(session, who.project_ids, SHOWN)
    references = [(row["asset_object"], row["asset_id"]) for row in approvals]
    references += [(row["entity_object"], row["entity_id"]) for row in events]
    return {
        "approvals": approvals,
        "events": events,
        "names": names_of(session, references),
        "in_review": waiting_for_review(session, who),
    }


def _calls(session: Session, now: datetime) -> dict[str, Any]:
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    found = calls_by_hour(session, start)
    hours = [start + timedelta(hours=index) for index in range(HOURS)]
    columns = [charts.Column(f"{hour:%H}:00", *found.get(f"{hour:%Y-%m-%dT%H}", (0, 0))) for hour in hours]
    return {
        "columns": columns,
        "chart": charts.bars(columns, "call", "error"),
        "total": sum(column.total for column in columns),
        "errors": sum(column.bad for column in columns),
    }


def _deliveries(session: Session, now: datetime) -> dict[str, Any]:
    counts = deliveries_by_status(session, now - timedelta(hours=HOURS))
    trouble = [{**row, "status": status_of(row)} for row in webhooks_in_trouble(session, SHOWN)]
    waiting = counts.get("pending", 0) + counts.get("sending", 0)
    return {
        "delivered": counts.get("delivered", 0),
        "failed": counts.get("failed", 0),
        "waiting": waiting,
        "total": sum(counts.values()),
        "trouble": trouble,
    }
