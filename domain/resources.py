"""The kinds of object that others name, for `expand`: how to find many at once, and how each is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import select

from .db import Row, Session
from .entities import Kind, represent
from .list_spec import Reference
from .studio import KINDS
from .webhooks.models import webhooks
from .webhooks.queries import projects_of, public_keys_of, represent_webhook


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object.

    Attributes:
        find: rows by id; one statement, however many.
        show: a row as the API shows it.
        references: what its rows name in turn.
    """

    find: Callable[[Session, Collection[str]], Mapping[str, Row]]
    show: Callable[[Row], dict[str, Any]]
    references: Mapping[str, Reference] = field(default_factory=dict)


def _find_entities(kind: Kind, session: Session, ids: Collection[str]) -> Mapping[str, Row]:
    chosen = select(kind.table).where(kind.table.c.id.in_(sorted(ids)))
    return {row["id"]: row for row in session.execute(chosen).mappings()}


def _find_webhooks(session: Session, ids: Collection[str]) -> Mapping[str, Row]:
    """With one more statement for their public keys, and one for those that are limited to projects."""
    rows = session.execute(select(webhooks).where(webhooks.c.id.in_(sorted(ids)))).mappings().all()
    limited = [row["id"] for row in rows if not row["all_projects"]]
    projects = projects_of(session, limited) if limited else {}
    keys = public_keys_of(session, ids, None)
    return {
        row["id"]: {**row, "project_ids": projects.get(row["id"]), "public_keys": keys.get(row["id"], [])}
        for row in rows
    }


RESOURCES: Mapping[str, Resource] = {
    **{
        kind.object: Resource(partial(_find_entities, kind), partial(represent, kind), kind.listing.references)
        for kind in KINDS
    },
    "webhook": Resource(_find_webhooks, lambda row: represent_webhook(row, row["project_ids"], row["public_keys"])),
}
