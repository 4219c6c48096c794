"""Metadata as entities are written: their project's rules, and the rows by type that filters and sorts read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, insert, literal_column, select

from ..db import Row, Session, upsert
from ..entities import Kind
from ..metadata_fields.models import metadata_fields
from ..prepared import Condition
from ..projects.models import projects
from .models import metadata_values
from .rules import FieldRule, RuleBook
from .types import side_columns

MOST_REMEMBERED = 1000
# By object and project.
_remembered: dict[tuple[str, ...], RuleBook] = {}
_seen = projects.alias("seen")
_RULES = (
    select(
        projects.c.id,
        projects.c.strict_metadata,
        projects.c.fields_version,
        select(_seen.c.fields_version).where(_seen.c.id == projects.c.id).scalar_subquery().label("seen_version"),
        *(metadata_fields.c[name] for name in ("key", "type", "required", "rules")),
    )
    .outerjoin_from(
        projects,
        metadata_fields,
        and_(metadata_fields.c.project_id == projects.c.id, metadata_fields.c.object == bindparam("object")),
    )
    .where(projects.c.id.in_(bindparam("project_ids", expanding=True)))
    .order_by(metadata_fields.c.key)
    .with_for_update(key_share=True, read=True, of=projects)
)


def rules_for(session: Session, object: str, project_ids: Collection[str]) -> RuleBook:  # noqa: A002 - the contract's word
    """The fields that these projects define for one kind of entity, in one statement.

    They stay as they are until the transaction ends: this takes a shared lock on each project, and who defines a field
    has locked the project against that. Where this had to wait for such a one, PostgreSQL gives the project as it is
    now but its fields as they were when the statement began: the two versions differ, and the fields are read again.

    Args:
        object: `character`, `scene`, `segment` or `project`.
    """
    if not project_ids:
        return RuleBook()
    given = {"object": object, "project_ids": sorted(project_ids)}
    rows = session.execute(_RULES, given).mappings().all()
    if any(row["fields_version"] != row["seen_version"] for row in rows):
        rows = session.execute(_RULES, given).mappings().all()
    rules: dict[str, dict[str, FieldRule]] = {}
    for row in rows:
        if row["key"] is not None:
            rules.setdefault(row["id"], {})[row["key"]] = rule_of(row)
    strict = {row["id"] for row in rows if row["strict_metadata"]}
    book = RuleBook(rules, strict, {row["id"]: row["fields_version"] for row in rows})
    if len(book.versions) == 1:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[object, *book.versions] = book
    return book


def remembered_rules(object: str, project_id: str) -> RuleBook | None:  # noqa: A002 - the contract's word
    """What this process read last, which may be out of date: what is written by it must be subject to `still_holds`."""
    return _remembered.get((object, project_id))


def still_holds(kind: Kind, project_id: str, rules: RuleBook) -> Condition:
    """Whether a project's fields are those of `rules`: for the WHERE of an entity's UPDATE, in place of `rules_for`.

    Where it holds, it holds until the transaction ends.
    """
    known = {"rules_version": rules.versions[project_id], "rules_strict": project_id in rules.strict}
    return _SAME_RULES[kind.object == "project"], {**known, "rules_project": project_id}


_of_rules = and_(
    projects.c.id == bindparam("rules_project"),
    projects.c.fields_version == bindparam("rules_version"),
    projects.c.strict_metadata == bindparam("rules_strict"),
)
# By whether it is the project itself that is changed: the UPDATE locks it then.
_SAME_RULES: dict[bool, ColumnElement[bool]] = {
    True: _of_rules,
    False: exists(select(literal_column("1")).where(_of_rules).with_for_update(key_share=True, read=True)),
}


def rule_of(field: Row) -> FieldRule:
    """The rule that a row of `metadata_fields` holds."""
    rules = field["rules"]
    bounds = {name: rules.get(name) for name in ("default", "min", "max", "pattern")}
    options = tuple(rules.get("options", ()))
    return FieldRule(field["key"], field["type"], field["required"], options=options, **bounds)


def write_values(
    session: Session, kind: Kind, rows: Sequence[Row], rules: RuleBook, keys: Collection[str] | None = None
) -> None:
    """Bring the rows by type of these entities up to their metadata, in two statements at most.

    Args:
        rows: entities as they are now.
        keys: the keys that may have changed; None for all.
    """
    typed = {key for row in rows for key in rules.of(project_of(kind, row)) if keys is None or key in keys}
    if not rows or (keys is not None and not typed):
        return
    made = [value for row in rows for value in values_of(kind, row, rules, keys)]
    if made and keys is not None and _replaces_all(kind, rows, rules, typed):
        upsert(session, metadata_values, ["entity_id", "key", "item"], made)
        return
    gone = delete(metadata_values).where(metadata_values.c.entity_id.in_([row["id"] for row in rows]))
    session.execute(gone if keys is None else gone.where(metadata_values.c.key.in_(sorted(typed))))
    insert_values(session, made)


def _replaces_all(kind: Kind, rows: Sequence[Row], rules: RuleBook, keys: Set[str]) -> bool:
    """Whether no row of these keys is left over once the new ones are written: each has one, and none is of a list."""
    return all(
        key in row["metadata"] and rules.of(project_of(kind, row))[key].type != "enum_list"
        for row in rows
        for key in keys & rules.of(project_of(kind, row)).keys()
    )


# Asked for something back, many rows are one statement.
_INSERT_VALUES = insert(metadata_values).returning(metadata_values.c.key)


def insert_values(session: Session, values: Iterable[dict[str, Any]]) -> None:
    """INSERT rows of `metadata_values`, in one statement or none."""
    made = list(values)
    if made:
        session.execute(_INSERT_VALUES, made)


def values_of(kind: Kind, row: Row, rules: RuleBook, keys: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of `metadata_values` that an entity has; `keys`: only of these."""
    project_id = project_of(kind, row)
    of_project = rules.of(project_id)
    where = {"entity_id": row["id"], "project_id": project_id, "object": kind.object}
    for key, value in row["metadata"].items():
        if key in of_project and (keys is None or key in keys):
            for columns in side_columns(of_project[key].type, value):
                yield {**where, "key": key, **columns}


def project_of(kind: Kind, row: Row) -> str:
    """The project that an entity is in: a project is in itself."""
    return str(row["id"] if kind.object == "project" else row["project_id"])
