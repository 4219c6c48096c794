"""Changing and archiving projects, characters, scenes and segments, and finding or making them by external id."""

from __future__ import annotations

from collections.abc import Container, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import IntegrityError

from .access import Permission
from .db import Row, Session, is_duplicate
from .entities import Kind, represent
from .entity_creation import create
from .entity_rules import check_external_id, check_fields, check_frames, without_none
from .errors import Conflict, FieldError, Invalid, Stale
from .events.commands import Context, Happening, record_events
from .external_ids.commands import claim_ids, release_ids, rows_of
from .external_ids.queries import find_by_external_id
from .finding import find_row
from .metadata.commands import remembered_rules, rules_for, still_holds, write_values
from .metadata.rules import RuleBook, same_json
from .prepared import Condition, update_row
from .scenes.models import SCENES

# What a caller says it has read, each an object's id and version; None when it does not say.
Expected = Container[tuple[str, int]] | None
SUBMITTABLE = ("draft", "changes_requested", "rejected")


class _OutOfDate(Exception):
    """The rules that a change was made by are no longer those of the project; nothing has been written."""


def change(
    session: Session, context: Context, kind: Kind, entity: Row, given: Mapping[str, Any], expected: Expected = None
) -> Row:
    """Change fields of an entity (its row, locked by this transaction); `metadata` and `external_ids` are merged.

    A submission for review emits `asset.submitted`, changed metadata `metadata.updated`, other fields `….updated`, each
    alone. What is given as it was changes nothing.

    Raises:
        Forbidden: the actor may not.
        Stale: the entity's version is not an expected one.
        Invalid: fields that break a rule.
        Conflict: the status cannot be reached from here; `allowed` names those that can.
    """
    context.actor.require(Permission.WRITE)
    if "strict_metadata" in given and given["strict_metadata"] != entity["strict_metadata"]:
        context.actor.require(Permission.DEFINE_FIELDS)
    errors = check_fields(kind, given) + check_frames({**entity, **given})
    if "scene_id" in given:
        errors += _check_scene(session, entity, given["scene_id"])
    new: dict[str, Any] = {**given}
    if errors:
        raise Invalid(*errors)
    if "external_ids" in given:
        new["external_ids"] = without_none({**entity["external_ids"], **given["external_ids"]})
        errors = check_fields(kind, {"external_ids": new["external_ids"]})
    if "metadata" in given:
        return _change_metadata(session, context, kind, entity, new, errors, expected)
    if errors:
        raise Invalid(*errors)
    require_expected(kind.object, entity, expected)
    return _apply(session, context, kind, entity, new)


def _change_metadata(
    session: Session,
    context: Context,
    kind: Kind,
    entity: Row,
    new: Mapping[str, Any],
    errors: list[FieldError],
    expected: Expected,
) -> Row:
    """Merge metadata by the rules that are remembered; where they refuse it or are out of date, by those that hold."""
    project_id = _project_of(kind, entity)
    rules = remembered_rules(kind.object, project_id)
    if rules is not None:
        metadata, mistakes = rules.merged(project_id, entity["metadata"], new["metadata"])
        if not errors + mistakes:
            require_expected(kind.object, entity, expected)
            held = still_holds(kind, project_id, rules)
            with suppress(_OutOfDate):
                return _apply(session, context, kind, entity, {**new, "metadata": metadata}, rules, held)
    rules = rules_for(session, kind.object, {project_id})
    metadata, mistakes = rules.merged(project_id, entity["metadata"], new["metadata"])
    if errors + mistakes:
        raise Invalid(*errors, *mistakes)
    require_expected(kind.object, entity, expected)
    return _apply(session, context, kind, entity, {**new, "metadata": metadata}, rules)


def _apply(
    session: Session,
    context: Context,
    kind: Kind,
    entity: Row,
    new: Mapping[str, Any],
    rules: RuleBook | None = None,
    held: Condition | None = None,
) -> Row:
    """Write what differs, and tell of it. `_OutOfDate`, and nothing written, where `held` is given and not the case."""
    changed = {name: value for name, value in new.items() if not same_json(entity[name], value)}
    if not changed:
        return entity
    if "status" in changed:
        _require_move(kind, entity["status"], changed["status"])
    after = _write(session, context, kind, entity, changed, held)
    if "external_ids" in changed:
        _rename(session, kind, entity, changed["external_ids"])
    if rules is not None and "metadata" in changed:
        keys = {key for key, _, _ in _differences(entity["metadata"], changed["metadata"])}
        write_values(session, kind, [after], rules, keys)
    record_events(session, context, _happenings(kind, entity, after, changed))
    return after


def archive(session: Session, context: Context, kind: Kind, entity: Row, expected: Expected = None) -> Row:
    """Archive an entity (its row, locked by this transaction). One that is archived already stays as it is.

    Raises:
        Forbidden: the actor may not.
        Stale: the entity's version is not an expected one.
    """
    context.actor.require(Permission.WRITE)
    require_expected(kind.object, entity, expected)
    if entity["status"] == "archived":
        return entity
    changed = {"status": "archived"}
    after = _write(session, context, kind, entity, changed)
    record_events(session, context, _happenings(kind, entity, after, changed))
    return after


def put_by_external_id(
    session: Session,
    context: Context,
    kind: Kind,
    system: str,
    external_id: str,
    given: Mapping[str, Any],
    expected: Expected = None,
    *,
    only_new: bool = False,
) -> tuple[Row, bool]:
    """Change the entity that another system calls so, or create it. Whether it was created comes with it.

    Raises:
        Forbidden, Invalid, Conflict, Stale: as `change` and `create` do.
        Stale: one was expected to be there, or not to be there (`only_new`).
    """
    errors = check_external_id(f"/external_ids/{system}", system, external_id) + check_fields(kind, given)
    if errors:
        raise Invalid(*errors)
    for _ in range(2):  # the second time when somebody made it at the same moment
        found = find_by_external_id(
            session, context.actor, kind, system, external_id, _project_named(session, context, kind, given)
        )
        if found is not None and only_new:
            raise Stale(f"There is a {kind.object} that {system} calls {external_id!r}: {found}.")
        if found is not None:
            entity = kind.load(session, context.actor, found, for_update=True)
            fields = {name: value for name, value in given.items() if name != "project_id"}
            return change(session, context, kind, entity, fields, expected), False
        if expected is not None:
            raise Stale(f"There is no {kind.object} that {system} calls {external_id!r}.")
        named = {**given, "external_ids": {**given.get("external_ids", {}), system: external_id}}
        try:
            return create(session, context, kind, named), True
        except Invalid as refusal:
            if any((e.field, e.code) != (f"/external_ids/{system}", "taken") for e in refusal.errors):
                raise
            error = refusal
    raise error


def possible_moves(kind: Kind, status: str) -> tuple[str, ...]:
    """The statuses that a PATCH may move an entity to."""
    if kind.object == "project":
        return ("archived",) if status == "active" else ("active",)
    return ("in_review",) if status in SUBMITTABLE else ()


def require_expected(word: str, row: Row, expected: Expected) -> None:
    """Raise `Stale` unless the row, locked by this transaction and called `word`, is at an expected version."""
    if expected is not None and (row["id"], row["version"]) not in expected:
        raise Stale(f"This {word} is at version {row['version']} now: read it again and decide anew.")


def _require_move(kind: Kind, status: str, wanted: str) -> None:
    allowed = possible_moves(kind, status)
    if wanted in allowed:
        return
    hint = f"it can be moved to {' or '.join(allowed)}" if allowed else "it cannot be moved by a change of its fields"
    if wanted == "archived":
        hint += "; DELETE archives it"
    elif status == "in_review":
        hint += "; a reviewer decides about it"
    raise Conflict(f"This {kind.object} is `{status}`: {hint}.", allowed)


def _check_scene(session: Session, segment: Row, scene_id: Any) -> list[FieldError]:
    """Whether a segment may move to this scene: one of its own project."""
    scene = find_row(session, SCENES.table, SCENES.prefix, scene_id) if isinstance(scene_id, str) else None
    if scene is not None and scene["project_id"] == segment["project_id"]:
        return []
    return [FieldError("/scene_id", "unknown", f"There is no scene {str(scene_id)[:40]!r} in this segment's project.")]


def _write(
    session: Session,
    context: Context,
    kind: Kind,
    entity: Row,
    changed: Mapping[str, Any],
    held: Condition | None = None,
) -> dict[str, Any]:
    """UPDATE the row if it is still at the version that was read, and give it as it is now. `held`: see `_apply`."""
    values = {**changed, "version": entity["version"] + 1, "updated_at": context.now}
    try:
        written = update_row(session, kind.table, entity["id"], values, entity["version"], held)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        message = f"The code {changed.get('code')!r} is taken by another {kind.object}."
        raise Invalid.field("code", "taken", message) from None
    if written:
        return {**entity, **values}
    if held is not None:
        raise _OutOfDate
    raise Stale(f"This {kind.object} was changed by another call: read it again and decide anew.")


def _rename(session: Session, kind: Kind, entity: Row, now: Mapping[str, str]) -> None:
    gone = {system: name for system, name in entity["external_ids"].items() if now.get(system) != name}
    fresh = {system: name for system, name in now.items() if entity["external_ids"].get(system) != name}
    if gone:
        release_ids(session, [entity["id"]], gone)
    refused = claim_ids(session, rows_of(kind, entity, fresh))
    if refused:
        raise Invalid(*refused[entity["id"]])


def _happenings(kind: Kind, before: Row, after: Row, changed: Mapping[str, Any]) -> list[Happening]:
    data, project_id = represent(kind, after), _project_of(kind, before)
    told: list[Happening] = []
    fields = {name: {"from": before[name], "to": value} for name, value in changed.items() if name != "metadata"}
    status = fields.get("status", {})
    if status and (kind.object != "project" or status["to"] == "archived"):
        del fields["status"]
        verb = f"{kind.object}.archived" if status["to"] == "archived" else "asset.submitted"
        told.append(Happening(verb, project_id, data, {"status": status}))
    if fields:
        told.insert(0, Happening(f"{kind.object}.updated", project_id, data, fields))
    if "metadata" in changed:
        differences = _differences(before["metadata"], changed["metadata"])
        keys = {f"metadata.{key}": {"from": was, "to": now} for key, was, now in differences}
        told.append(Happening("metadata.updated", project_id, data, keys))
    return told


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Key, old and new value of what differs; None for what is absent."""
    both = [(key, before.get(key), after.get(key)) for key in {**before, **after}]
    return [(key, was, now) for key, was, now in both if not same_json(was, now)]


def _project_of(kind: Kind, entity: Row) -> str:
    return str(entity["id"] if kind.object == "project" else entity["project_id"])


def _project_named(session: Session, context: Context, kind: Kind, given: Mapping[str, Any]) -> str | None:
    """The project that the fields name, directly or by a scene, if the actor sees it."""
    if kind.object != "segment":
        named = given.get("project_id")
        return named if isinstance(named, str) else None
    if not isinstance(given.get("scene_id"), str):
        return None
    scene = find_row(session, SCENES.table, SCENES.prefix, given["scene_id"])
    return None if scene is None or not context.actor.sees(scene["project_id"]) else str(scene["project_id"])
