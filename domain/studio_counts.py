"""Counts and names across the nouns of the studio, for overviews."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from .access import Actor
from .db import Session
from .entities import Kind, visible
from .projects.models import projects
from .studio import ASSETS, BY_OBJECT

Counts = dict[str, dict[str, int]]


def counts_by_status(session: Session, actor: Actor, kind: Kind, project_ids: Iterable[str]) -> Counts:
    """By project, how many of `kind` are in each status: one statement."""
    table = kind.table
    counted = (
        select(table.c.project_id, table.c.status, func.count())
        .where(table.c.project_id.in_(list(project_ids)), *visible(actor, kind))
        .group_by(table.c.project_id, table.c.status)
    )
    found: Counts = {}
    for project_id, status, count in session.execute(counted):
        found.setdefault(project_id, {})[status] = int(count)
    return found


def waiting_for_review(session: Session, actor: Actor) -> int:
    """How many characters, scenes and segments are in review: one statement."""
    parts = [
        select(func.count()).select_from(kind.table).where(kind.table.c.status == "in_review", *visible(actor, kind))
        for kind in ASSETS
    ]
    row = session.execute(select(*(part.scalar_subquery() for part in parts))).one()
    return sum(int(count) for count in row)


def names_of(session: Session, references: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names by id for (object, id) pairs: one statement for each noun among them."""
    wanted: dict[str, set[str]] = {}
    for noun, entity_id in references:
        if noun in BY_OBJECT:
            wanted.setdefault(noun, set()).add(entity_id)
    names: dict[str, str] = {}
    for noun, ids in wanted.items():
        table = BY_OBJECT[noun].table
        found = session.execute(select(table.c.id, table.c.name).where(table.c.id.in_(sorted(ids))))
        names |= {row.id: row.name for row in found}
    return names


def project_names(session: Session, actor: Actor, limit: int = 500) -> list[tuple[str, str]]:
    """Id and name of the projects the actor sees, in the order of their names, for a choice."""
    chosen = select(projects.c.id, projects.c.name).where(projects.c.status == "active")
    if actor.project_ids is not None:
        chosen = chosen.where(projects.c.id.in_(sorted(actor.project_ids)))
    return [(row.id, row.name) for row in session.execute(chosen.order_by(projects.c.name, projects.c.id).limit(limit))]
