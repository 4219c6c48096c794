"""The side table agrees with what entities show, whoever writes at the same time."""

from __future__ import annotations

import threading
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from domain.access import SYSTEM
from domain.db import Database, Row
from domain.entities import Kind
from domain.entity_commands import change
from domain.entity_creation import create_many
from domain.errors import DomainError
from domain.events.commands import Context
from domain.metadata.commands import rules_for
from domain.metadata.models import metadata_values
from domain.metadata.types import COLUMNS, side_columns
from domain.metadata_fields.commands import change_field, create_field, delete_field
from domain.metadata_fields.models import metadata_fields
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from migrations.run import differences, downgrade, upgrade
from tests.factories import make_field, make_project, make_scene
from tests.support.clock import NOON
from tests.support.queries import recorded
from tests.support.threads import at_once

CONTEXT = Context(SYSTEM, NOON)
VALUES: dict[str, list[Any]] = {
    "string": ["", "a", "Zoë"],
    "text": ["long"],
    "integer": [-1, 2**63 - 1, 9_007_199_254_740_993],
    "number": [0.1, 1e300, 24, 5e-324],
    "boolean": [True, False],
    "date": ["2026-01-31"],
    "datetime": ["2026-01-31T18:30:00+02:00"],
    "enum": ["a", "b"],
    "enum_list": [[], ["a"], ["b", "a"]],
    "url": ["https://example.com/"],
    "json": [{"a": 1e22}, [], False],
}
KEYS = tuple(VALUES)


def side_rows(database: Database) -> set[tuple[Any, ...]]:
    columns = [metadata_values.c[name] for name in ("entity_id", "key", "item", *COLUMNS)]
    with database.reading() as session:
        return set(map(tuple, session.execute(select(*columns))))


def expected_rows(database: Database, kind: Kind) -> set[tuple[Any, ...]]:
    """What the entities' JSON and the definitions call for."""
    with database.reading() as session:
        fields = {
            (row["project_id"], row["key"]): row["type"]
            for row in session.execute(select(metadata_fields)).mappings()
            if row["object"] == kind.object
        }
        rows = session.execute(select(kind.table)).mappings().all()
    return {
        (row["id"], key, *side.values())
        for row in rows
        for key, value in row["metadata"].items()
        if (type_ := fields.get((row["project_id"], key)))
        for side in side_columns(type_, value)
    }


def define(key: str) -> dict[str, Any]:
    """A field whose type is its key."""
    return {"entity": "scene", "key": key, "type": key, "options": ["a", "b"] if key.startswith("enum") else None}


def patch(database: Database, entity_id: str, given: dict[str, Any]) -> None:
    with database.transaction() as session:
        row = SCENES.load(session, SYSTEM, entity_id, for_update=True)
        change(session, CONTEXT, SCENES, row, {"metadata": given})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_they_agree_after_whatever_was_done(database: Database, seed: int) -> None:
    rng, project = Random(seed), make_project(database)
    fields: dict[str, Row] = {}
    scenes: list[str] = []

    def some_values() -> dict[str, Any]:
        return {key: rng.choice(VALUES[key]) for key in rng.sample(KEYS, rng.randint(1, 6))}

    def create() -> None:
        drafts = [{"name": "x", "project_id": project["id"], "metadata": some_values()} for _ in range(3)]
        with database.transaction() as session:
            made = create_many(session, CONTEXT, SCENES, drafts)
        scenes.extend(row["id"] for row in made if not isinstance(row, DomainError))

    def merge() -> None:
        gone = dict.fromkeys(rng.sample(KEYS, 2))
        if scenes:
            patch(database, rng.choice(scenes), {**some_values(), **gone})

    def toggle_field() -> None:
        key = rng.choice(KEYS)
        with database.transaction() as session:
            locked = PROJECTS.load(session, SYSTEM, project["id"], for_update=True)
            if key in fields:
                delete_field(session, CONTEXT, fields.pop(key))
            else:
                fields[key] = create_field(session, CONTEXT, locked, define(key))

    for step in range(90):
        rng.choice((create, merge, merge, toggle_field))()
        if step % 15 == 0:
            assert side_rows(database) == expected_rows(database, SCENES)
    assert side_rows(database) == expected_rows(database, SCENES)
    assert len(side_rows(database)) > 20


def test_writers_of_different_keys_lose_nothing(database: Database) -> None:
    project = make_project(database)
    make_field(database, project, "scene", "left", "integer")
    scene = make_scene(database, project)
    names = iter(("left", "right"))

    def write() -> None:
        key = next(names)
        for number in range(50):
            patch(database, scene["id"], {key: number, f"{key}_{number}": number})

    at_once(2, write)
    with database.reading() as session:
        row = SCENES.load(session, SYSTEM, scene["id"])
    expected = dict.fromkeys(("left", "right"), 49)
    expected |= {f"{key}_{number}": number for key in ("left", "right") for number in range(50)}
    assert row["metadata"] == expected
    assert row["version"] == 101
    assert side_rows(database) == expected_rows(database, SCENES)


def test_a_definition_and_writers_wait_for_each_other(database: Database) -> None:
    """Whatever the moment at which the field appears or goes, no typed value is without its row."""
    project = make_project(database)
    scenes = [make_scene(database, project)["id"] for _ in range(2)]
    turns = iter(("define", *scenes))
    over = threading.Event()

    def work() -> None:
        turn = next(turns)
        if turn != "define":
            number = 0
            while not over.is_set() or number < 20:
                number += 1
                patch(database, turn, {"integer": number})
            return
        try:
            for _ in range(12):
                field = make_field(database, project, "scene", "integer", "integer")
                with database.transaction() as session:
                    PROJECTS.load(session, SYSTEM, project["id"], for_update=True)
                    delete_field(session, CONTEXT, field)
            make_field(database, project, "scene", "integer", "integer")
        finally:
            over.set()

    at_once(3, work)
    assert side_rows(database) == expected_rows(database, SCENES)
    assert len(side_rows(database)) == 2


def test_rules_are_read_in_one_statement(database: Database) -> None:
    projects = [make_project(database), make_project(database, strict_metadata=True)]
    for project in projects:
        make_field(database, project, "scene", "fps", "number", default=24)
        make_field(database, project, "character", "age", "integer")
    with recorded(database) as seen, database.reading() as session:
        book = rules_for(session, "scene", [project["id"] for project in projects])
    assert len(seen) == 1
    assert [list(book.of(project["id"])) for project in projects] == [["fps"], ["fps"]]
    assert book.strict == {projects[1]["id"]}


def test_a_narrower_rule_waits_for_values_that_break_it(database: Database) -> None:
    """Checked in batches: one more than a batch holds."""
    project = make_project(database)
    field = make_field(database, project, "scene", "fps", "integer")
    drafts = [{"name": "x", "code": f"s-{n}", "project_id": project["id"], "metadata": {"fps": n}} for n in range(1001)]
    with database.transaction() as session:
        create_many(session, CONTEXT, SCENES, drafts)
    with database.transaction() as session:
        with pytest.raises(DomainError, match="1 scene of this project would not fit"):
            change_field(session, CONTEXT, field, {"max": 999})
        with pytest.raises(DomainError, match=r"1,000 scenes of this project would not fit: (scn_\w+, ){5}…"):
            change_field(session, CONTEXT, field, {"max": 0})
        assert change_field(session, CONTEXT, field, {"max": 1000})["rules"] == {"max": 1000}


def test_the_migration_takes_the_values_along(database: Database) -> None:
    project = make_project(database)
    downgrade(database, "0002")
    made = {"created_at": NOON, "updated_at": NOON}
    old = [("hat", "text", {}), ("ink", "text", {"options": ["red"]}), ("due", "date", {}), ("fps", "number", {})]
    with database.transaction() as session:
        for number, (key, type_, rules) in enumerate(old):
            named = {"id": f"fld_{number}", "project_id": project["id"], "object": "scene", "key": key, "type": type_}
            session.execute(insert(metadata_fields).values(**named, rules=rules, **made))
        old_rows = [("hat", "'fedora'", "NULL"), ("due", "NULL", "'2026-01-31T00:00:00.000000+00:00'")]
        for key, word, moment in old_rows:
            session.execute(
                text(
                    "INSERT INTO metadata_values (entity_id, key, project_id, object, text_value, time_value)"
                    f" VALUES ('scn_1', '{key}', '{project['id']}', 'scene', {word}, {moment})"
                )
            )
    upgrade(database)
    assert side_rows(database) == {
        ("scn_1", "hat", 0, "fedora", None, None, None),
        ("scn_1", "due", 0, "2026-01-31", None, None, None),
    }
    with database.reading() as session:
        types = dict(map(tuple, session.execute(select(metadata_fields.c.key, metadata_fields.c.type))))
    assert types == {"hat": "string", "ink": "enum", "due": "date", "fps": "number"}
    assert differences(database) == []
