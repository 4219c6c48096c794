"""Creating projects, characters, scenes and segments: one or many, in the same few statements.

A draft is a mapping of fields as a caller gave them. Each either becomes a row or is refused by itself; what to do with
the others is the caller's choice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Select, Table, bindparam, func, or_, select

from .access import Permission
from .db import Row, Session, wait_for_lock
from .entities import Kind, represent
from .entity_rules import check_fields, check_frames, code_from_name, without_none
from .errors import Conflict, DomainError, FieldError, Invalid
from .events.commands import Context, Happening, record_events
from .external_ids.commands import claim_ids, release_ids, rows_of
from .filters import LARGEST_INTEGER
from .ids import new_id
from .inserting import insert_new_rows
from .metadata.commands import insert_values, rules_for, values_of
from .metadata.rules import RuleBook
from .projects.models import projects
from .scenes.models import scenes

Draft = Mapping[str, Any]
POSITION_STEP = 10
# How often a code made from a name is made anew when others take it at the same moment. Whoever makes one anew holds
# the lock: those who look for the next number get one after another, and only a code that was given can be in the way.
CODE_ROUNDS = 20
NUMBERING = 0xC0DE5
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_PARENTS: dict[str, Select[*tuple[Any, ...]]] = {
    "project": select(
        projects.c.id, projects.c.id.label("project_id"), projects.c.status, projects.c.status.label("project_status")
    ).where(projects.c.id.in_(_IDS)),
    "scene": select(scenes.c.id, scenes.c.project_id, scenes.c.status, projects.c.status.label("project_status"))
    .join(projects, projects.c.id == scenes.c.project_id)
    .where(scenes.c.id.in_(_IDS)),
}


@dataclass(slots=True)
class _Making:
    """A draft on its way to a row."""

    given: Draft
    row: dict[str, Any] = field(default_factory=dict)
    refusal: DomainError | None = None

    def refuse(self, errors: Sequence[FieldError]) -> None:
        if errors:
            earlier = self.refusal.errors if isinstance(self.refusal, Invalid) else ()
            self.refusal = Invalid(*earlier, *errors)


def create(session: Session, context: Context, kind: Kind, draft: Draft) -> Row:
    """Create one entity.

    Raises:
        Forbidden: the actor may not.
        Invalid: fields that break a rule.
        Conflict: the parent is archived.
    """
    made = create_many(session, context, kind, [draft])[0]
    if isinstance(made, DomainError):
        raise made
    return made


def create_many(session: Session, context: Context, kind: Kind, drafts: Sequence[Draft]) -> list[Row | DomainError]:
    """Create an entity of each draft, with its event: the row, or why there is none, for each.

    The number of statements does not grow with that of the drafts.

    Raises:
        Forbidden: the actor may not.
    """
    is_project = kind.object == "project"
    context.actor.require(Permission.CREATE_PROJECT if is_project else Permission.WRITE)
    makings = [_Making(draft) for draft in drafts]
    for making in makings:
        making.row = {**_fresh(kind, context), **making.given}
        making.refuse(check_fields(kind, making.given) + check_frames(making.given))
        if not making.given.get("name"):
            making.refuse([FieldError("/name", "required", f"Give the {kind.object} a name.")])
    if not is_project:
        _place(session, context, kind, makings)
    for making in _open(makings):
        making.row["external_ids"] = without_none(making.row["external_ids"])
    rules = rules_for(session, kind.object, {m.row["project_id"] for m in _open(makings) if not is_project})
    for making in _open(makings):
        complete, errors = rules.complete(making.row.get("project_id", ""), making.row["metadata"])
        making.row["metadata"] = complete
        making.refuse(errors)
    _claim_external_ids(session, kind, makings)
    _insert(session, kind, makings)
    _tell(session, context, kind, [making.row for making in _open(makings)], rules)
    return [making.refusal or making.row for making in makings]


def _open(makings: Sequence[_Making]) -> list[_Making]:
    return [making for making in makings if making.refusal is None]


def _fresh(kind: Kind, context: Context) -> dict[str, Any]:
    return {
        "id": new_id(kind.prefix),
        "code": "",
        "description": "",
        "status": "active" if kind.object == "project" else "draft",
        "external_ids": {},
        "metadata": {},
        "created_at": context.now,
        "updated_at": context.now,
        "version": 1,
        **({"frame_in": None, "frame_out": None} if kind.object == "segment" else {}),
        **({"strict_metadata": False} if kind.object == "project" else {}),
    }


def _place(session: Session, context: Context, kind: Kind, makings: Sequence[_Making]) -> None:
    """Find each draft's parent, and the position after the last where none was given."""
    parent, column = ("scene", "scene_id") if kind.object == "segment" else ("project", "project_id")
    wanted = {making.given[column] for making in makings if isinstance(making.given.get(column), str)}
    found = _parents(session, parent, wanted)
    for making in makings:
        parent_id = making.given.get(column)
        at = found.get(parent_id) if isinstance(parent_id, str) else None
        if parent_id is None:
            making.refuse([FieldError(f"/{column}", "required", f"Name the {parent} that it belongs to.")])
        elif at is None or not context.actor.sees(at["project_id"]):
            message = f"There is no {parent} {str(parent_id)[:40]!r} that this caller can see."
            making.refuse([FieldError(f"/{column}", "unknown", message)])
        elif making.refusal is None and at["archived"]:
            making.refusal = Conflict(f"The {at['archived']} is archived: nothing can be added to it.")
        else:
            making.row["project_id"] = at["project_id"]
    if "position" in kind.table.c:
        _number(session, kind, column, [m for m in _open(makings) if m.given.get("position") is None])


def _parents(session: Session, parent: str, ids: set[str]) -> dict[str, dict[str, Any]]:
    """By id: the project, and the word for what is archived of them, if anything."""
    if not ids:
        return {}
    rows = session.execute(_PARENTS[parent], {"ids": list(ids)})
    return {
        row.id: {
            "project_id": row.project_id,
            "archived": "project" if row.project_status == "archived" else parent if row.status == "archived" else "",
        }
        for row in rows
    }


def _number(session: Session, kind: Kind, column: str, makings: Sequence[_Making]) -> None:
    if not makings:
        return
    ids = {making.row[column] for making in makings}
    rows = session.execute(_last_positions(kind.table, column), {"ids": list(ids)})
    positions: dict[str, int] = {row[0]: row[1] for row in rows}
    for making in makings:
        parent_id = making.row[column]
        following = min(positions.get(parent_id, 0) + POSITION_STEP, LARGEST_INTEGER)
        positions[parent_id] = making.row["position"] = following


@cache
def _last_positions(table: Table, column: str) -> Select[*tuple[Any, ...]]:
    parent = table.c[column]
    return select(parent, func.max(table.c.position)).where(parent.in_(_IDS)).group_by(parent)


def _claim_external_ids(session: Session, kind: Kind, makings: Sequence[_Making]) -> None:
    rows = [row for m in _open(makings) for row in rows_of(kind, m.row, m.row["external_ids"])]
    refused = claim_ids(session, rows)
    for making in _open(makings):
        making.refuse(refused.get(making.row["id"], []))
    if refused:
        release_ids(session, refused)


def _insert(session: Session, kind: Kind, makings: Sequence[_Making]) -> None:
    """INSERT what is left; a code that somebody has is refused, or numbered if it was made from a name."""
    waiting = _open(makings)
    for attempt in range(CODE_ROUNDS):
        if not waiting:
            return
        unnamed = [making for making in waiting if not making.given.get("code")]
        _make_codes(session, kind, unnamed, look_first=attempt > 0)
        new = insert_new_rows(session, kind.table, [making.row for making in waiting], ["id"])
        waiting = [making for making in waiting if (making.row["id"],) not in new]
        for making in waiting:
            if making.given.get("code"):
                message = f"The code {making.given['code']!r} is taken by another {kind.object}."
                making.refuse([FieldError("/code", "taken", message)])
        refused = [making.row["id"] for making in waiting if making.refusal is not None]
        if refused:
            release_ids(session, refused)
        waiting = _open(waiting)
    for making in waiting:
        making.refuse([FieldError("/code", "taken", "No free code could be made from the name: give one.")])


def _make_codes(session: Session, kind: Kind, makings: Sequence[_Making], *, look_first: bool) -> None:
    """Codes from names; with `look_first`, numbered past those that are there."""
    if not makings:
        return
    if look_first:
        wait_for_lock(session, NUMBERING)
    taken: dict[str, set[str]] = defaultdict(set)
    bases = {making.row["id"]: code_from_name(kind, making.row["name"]) for making in makings}
    if look_first:
        column = kind.table.c.code
        stems = set(bases.values())
        similar = or_(column.in_(stems), *(column.startswith(stem + "-", autoescape=True) for stem in stems))
        scope = select(kind.project_column.label("scope"), column).where(similar)
        if kind.object != "project":
            scope = scope.where(kind.project_column.in_({making.row["project_id"] for making in makings}))
        for row in session.execute(scope):
            taken["" if kind.object == "project" else row.scope].add(row.code)
    for making in makings:
        codes = taken[making.row.get("project_id", "")]
        making.row["code"] = _free(bases[making.row["id"]], codes)
        codes.add(making.row["code"])


def _free(base: str, taken: set[str]) -> str:
    number, code = 1, base
    while code in taken:
        number += 1
        code = f"{base}-{number}"
    return code


def _tell(session: Session, context: Context, kind: Kind, rows: Sequence[Row], rules: RuleBook) -> None:
    if not rows:
        return
    insert_values(session, (value for row in rows for value in values_of(kind, row, rules)))
    record_events(
        session,
        context,
        [
            Happening(f"{kind.object}.created", row["id"] if kind.object == "project" else row["project_id"],
                      represent(kind, row))
            for row in rows
        ],
    )  # fmt: skip
