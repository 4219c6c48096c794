"""One list of all entities, whatever their kind, for questions about their metadata."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, String, literal, select, union_all

from ..access import Actor
from ..clock import rfc3339
from ..db import Row
from ..entities import ASSET_STATUSES, Kind
from ..list_spec import ANY_ENTITY, ListSpec, Reference, Sortable
from ..studio import KINDS

_SHOWN = ("name", "code", "status", "metadata", "created_at", "updated_at", "version")


def _of_kind(kind: Kind) -> Select[Any]:
    return select(
        kind.table.c.id,
        literal(kind.object, String()).label("object"),
        kind.project_column.label("project_id"),
        *(kind.table.c[name] for name in _SHOWN),
    )


_entities = union_all(*map(_of_kind, KINDS)).subquery("entities")
_FILTERED = ("id", "object", "project_id", "name", "code", "status", "created_at", "updated_at", "version")
ENTITIES = ListSpec(
    _entities.c.id,
    {
        **Sortable.from_columns(
            {name: _entities.c[name] for name in _FILTERED},
            object=[kind.object for kind in KINDS],
            status=["active", *ASSET_STATUSES],
        ),
        "key": Sortable(_entities.c.metadata, sortable=False),
    },
    "name",
    shown=("id", "object", "project_id", *_SHOWN),
    references={"project": Reference("project_id", "project")},
    searched=(_entities.c.name, _entities.c.code),
    entity=ANY_ENTITY,
)


def entities_seen_by(actor: Actor) -> Select[Any]:
    """All entities in the actor's projects; a project is in itself."""
    chosen = select(_entities)
    if actor.project_ids is None:
        return chosen
    return chosen.where(_entities.c.project_id.in_(sorted(actor.project_ids)))


def represent_entity(row: Row) -> dict[str, Any]:
    """The entity as this list shows it: what all kinds have in common."""
    times = {name: rfc3339(row[name]) for name in ("created_at", "updated_at")}
    return {name: row[name] for name in ENTITIES.shown} | times
