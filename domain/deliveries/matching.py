"""Which webhook hears of which event, said in SQL: for events as they happen, and for those of long ago."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select

from ..events.catalogue import OPERATIONAL_FAMILIES
from ..events.models import events
from ..webhooks.models import webhook_event_types, webhook_projects, webhooks


def is_wanted() -> ColumnElement[bool]:
    """That the row of `webhooks` asks for the row of `events`: its types and projects."""
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
    )
