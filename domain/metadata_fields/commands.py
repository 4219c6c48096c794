"""Defining metadata fields. A definition and what entities hold never disagree: each waits for the other."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from ..access import Permission
from ..db import Row, Session, has_member
from ..entities import Kind
from ..entity_commands import Expected, require_expected
from ..errors import Conflict, Invalid
from ..events.commands import Context
from ..ids import new_id
from ..metadata.commands import insert_values, rule_of, values_of
from ..metadata.models import metadata_values
from ..metadata.rules import FieldRule, RuleBook, same_json
from ..projects.models import projects
from ..studio import BY_OBJECT
from .definitions import Definition, read_definition
from .models import metadata_fields

MOST_FIELDS = 200
AT_ONCE = 1000
_NAMED = 5


def create_field(session: Session, context: Context, project: Row, given: Mapping[str, Any]) -> Row:
    """Define a field for one kind of entity of a project (its row, locked by this transaction).

    Values that entities hold under the key already are taken in. A required field asks nothing of the entities that are
    there until their metadata is written again.

    Raises:
        Forbidden: the actor may not define fields.
        Invalid: the definition breaks a rule, or the key has a field.
        Conflict: entities hold values that do not fit, or there are too many fields.
    """
    context.actor.require(Permission.DEFINE_FIELDS)
    definition = _read(given)
    key, entity = definition.rule.key, definition.entity
    same = (metadata_fields.c.project_id == project["id"], metadata_fields.c.object == entity)
    taken = session.execute(select(metadata_fields.c.key).where(*same)).scalars().all()
    if key in taken:
        raise Invalid.field("key", "taken", f"A field {key!r} is defined for a {entity} of this project.")
    if len(taken) >= MOST_FIELDS:
        raise Conflict(f"This project has {MOST_FIELDS} fields for a {entity}: delete one first.")
    field = {
        "id": new_id("fld"),
        "project_id": project["id"],
        "object": entity,
        "key": key,
        "type": definition.rule.type,
        **_changeable(definition),
        "created_at": context.now,
        "updated_at": context.now,
        "version": 1,
    }
    session.execute(insert(metadata_fields).values(field))
    _note_change(session, project["id"])
    _check_holders(session, BY_OBJECT[entity], project["id"], definition.rule)
    _take_in(session, BY_OBJECT[entity], project["id"], definition.rule)
    return field


def change_field(
    session: Session, context: Context, field: Row, given: Mapping[str, Any], expected: Expected = None
) -> Row:
    """Change a field of a project that this transaction has locked: all but its entity, key and type.

    Raises:
        Forbidden, Invalid, Conflict: as `create_field` does.
        Stale: the field's version is not an expected one.
    """
    context.actor.require(Permission.DEFINE_FIELDS)
    fixed = {"entity": field["object"], "key": field["key"], "type": field["type"]}
    now = {"required": field["required"], "description": field["description"], **field["rules"]}
    definition = _read({**now, **given, **fixed})
    require_expected("metadata field", field, expected)
    changed = {name: value for name, value in _changeable(definition).items() if not same_json(value, field[name])}
    if not changed:
        return field
    if _limits(definition.rule) != _limits(rule_of(field)):
        _check_holders(session, BY_OBJECT[field["object"]], field["project_id"], definition.rule)
    values = {**changed, "version": field["version"] + 1, "updated_at": context.now}
    session.execute(update(metadata_fields).where(metadata_fields.c.id == field["id"]).values(values))
    _note_change(session, field["project_id"])
    return {**field, **values}


def delete_field(session: Session, context: Context, field: Row, expected: Expected = None) -> None:
    """Delete a field of a project that this transaction has locked. Entities keep their values, as JSON without a type.

    Raises:
        Forbidden: the actor may not define fields.
        Stale: the field's version is not an expected one.
    """
    context.actor.require(Permission.DEFINE_FIELDS)
    require_expected("metadata field", field, expected)
    kind = BY_OBJECT[field["object"]]
    entities = select(kind.table.c.id).where(kind.project_column == field["project_id"])
    same = (metadata_values.c.key == field["key"], metadata_values.c.entity_id.in_(entities))
    session.execute(delete(metadata_values).where(*same))
    session.execute(delete(metadata_fields).where(metadata_fields.c.id == field["id"]))
    _note_change(session, field["project_id"])


def _read(given: Mapping[str, Any]) -> Definition:
    definition, errors = read_definition(given)
    if errors:
        raise Invalid(*errors)
    return definition


def _changeable(definition: Definition) -> dict[str, Any]:
    return {
        "required": definition.rule.required,
        "rules": definition.stored_rules,
        "description": definition.description,
    }


def _limits(rule: FieldRule) -> tuple[Any, ...]:
    return rule.min, rule.max, rule.pattern, rule.options


def _note_change(session: Session, project_id: str) -> None:
    """Tell who read the rules before. A random number, so that one which was rolled back never comes again."""
    changed = update(projects).where(projects.c.id == project_id)
    session.execute(changed.values(fields_version=secrets.randbits(62)))


def _check_holders(session: Session, kind: Kind, project_id: str, rule: FieldRule) -> None:
    """Raise `Conflict` when entities hold values that the rule refuses."""
    refused, first = 0, ""
    named: list[str] = []
    for rows in _holders(session, kind, project_id, rule.key):
        for row in rows:
            _, errors = rule.check(row["metadata"][rule.key])
            if errors:
                refused, first = refused + 1, first or errors[0].message
                named += [row["id"]] if len(named) < _NAMED else []
    if refused:
        shown = ", ".join(named) + (", …" if refused > len(named) else "")
        raise Conflict(
            f"{refused:,} {kind.plural if refused > 1 else kind.object} of this project would not fit: {shown}. {first}"
        )


def _take_in(session: Session, kind: Kind, project_id: str, rule: FieldRule) -> None:
    book = RuleBook({project_id: {rule.key: rule}})
    for rows in _holders(session, kind, project_id, rule.key):
        insert_values(session, (value for row in rows for value in values_of(kind, row, book)))


def _holders(session: Session, kind: Kind, project_id: str, key: str) -> Iterator[Sequence[RowMapping]]:
    """The entities of a project that hold a key, in batches."""
    table, last = kind.table, ""
    columns = (table.c.id, kind.project_column.label("project_id"), table.c.metadata)
    chosen = select(*columns).where(kind.project_column == project_id, has_member(table.c.metadata, key))
    while rows := session.execute(
        chosen.where(table.c.id > last).order_by(table.c.id).limit(AT_ONCE)
    ).mappings().all():  # fmt: skip
        yield rows
        last = rows[-1]["id"]
