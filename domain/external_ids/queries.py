"""Finding an entity by what another system calls it."""

from __future__ import annotations

from sqlalchemy import select

from ..access import Actor
from ..db import Session
from ..entities import Kind
from ..errors import Conflict
from .commands import scope_of
from .models import external_ids


def find_by_external_id(
    session: Session, actor: Actor, kind: Kind, system: str, external_id: str, project_id: str | None = None
) -> str | None:
    """The id of the entity that the actor sees under this name, in this project when one is given; None without one.

    Raises:
        Conflict: several of the actor's projects have it.
    """
    table = external_ids
    chosen = select(table.c.entity_id, table.c.scope).where(
        table.c.object == kind.object, table.c.system == system, table.c.external_id == external_id
    )
    if project_id is not None:
        chosen = chosen.where(table.c.scope == scope_of(kind, project_id))
    found = [
        row.entity_id for row in session.execute(chosen) if actor.sees(row.entity_id if row.scope == "" else row.scope)
    ]
    if len(found) > 1:
        raise Conflict(f"{len(found)} projects have a {kind.object} that {system} calls {external_id!r}: {found[:5]}.")
    return found[0] if found else None
