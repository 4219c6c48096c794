"""Which webhook hears of which event, said in SQL: for events as they happen, and for those of long ago."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Double, and_, case, cast, exists, func, literal, not_, or_, select

from ..columns import is_listed, kind_at, text_at
from ..events.catalogue import OPERATIONAL_FAMILIES
from ..events.models import events
from ..webhooks.models import webhook_event_types, webhook_filters, webhook_projects, webhooks


def is_wanted() -> ColumnElement[bool]:
    """That the row of `webhooks` asks for the row of `events`: its types, projects and filter."""
    pattern = webhook_event_types.c.pattern
    matches = or_(
        pattern == events.c.type,
        pattern == events.c.family + ".*",
        and_(pattern == "*", *(events.c.family != family for family in OPERATIONAL_FAMILIES)),
    )
    in_project = select(webhook_projects.c.project_id).where(
        webhook_projects.c.webhook_id == webhooks.c.id, webhook_projects.c.project_id == events.c.project_id
    )
    return and_(
        select(pattern).where(webhook_event_types.c.webhook_id == webhooks.c.id, matches).exists(),
        or_(webhooks.c.all_projects, in_project.exists()),
        _passes_filter(),
    )


def _passes_filter() -> ColumnElement[bool]:
    """That every condition holds of the full body. What was too large to be sent whole is not judged by what is left.

    The first of the three is all that a webhook without a filter costs.
    """
    unmet = select(webhook_filters.c.number).where(
        webhook_filters.c.webhook_id == webhooks.c.id, not_(func.coalesce(_holds(), False))
    )
    return or_(
        webhooks.c.filter.is_(None),
        not_(exists(unmet.correlate(webhooks, events))),
        kind_at(events.c.body, "truncated") == "boolean",
    )


def _holds() -> ColumnElement[bool]:
    """That the condition in the row of `webhook_filters` holds of the event's body; NULL is no."""
    path, op, value = webhook_filters.c.path, webhook_filters.c.op, webhook_filters.c.value
    place = (
        select(kind_at(events.c.body, path).label("kind"), text_at(events.c.body, path).label("text"))
        .correlate(webhook_filters, events)
        .subquery("place")
    )
    kind, text = place.c.kind, place.c.text
    # Letters of ASCII in either case, as in lists.
    found = func.replace(func.lower(text), func.lower(value), "") != func.lower(text)
    holds = case(
        (_is_one_of(op, "eq", "in", "ne"), is_listed(events.c.body, path, value) != (op == "ne")),
        (op == "isnull", (func.coalesce(kind, "null") == "null") == (value == "true")),
        (op == "contains", and_(kind == "string", found)),
        (webhook_filters.c.value_number.is_(None), and_(kind == "string", _compares(op, text, value))),
        (kind == "number", _compares(op, cast(text, Double), webhook_filters.c.value_number)),
    )
    return select(holds).select_from(place).correlate(webhook_filters, events).scalar_subquery()


def _compares(op: ColumnElement[str], found: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
    """That what was found stands to the value as `gt`, `gte`, `lt` or `lte` says."""
    return or_(
        and_(found < value, _is_one_of(op, "lt", "lte")),
        and_(found > value, _is_one_of(op, "gt", "gte")),
        and_(found == value, _is_one_of(op, "gte", "lte")),
    )


def _is_one_of(op: ColumnElement[str], *names: str) -> ColumnElement[bool]:
    return op.in_([literal(name, op.type) for name in names])  # each with a mark of its own, as in lists
