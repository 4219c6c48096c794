"""Pages, one after the other, hold every row that was there throughout exactly once, whatever others write."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, Select, Table, delete, insert, select, update

from domain.accounts.queries import USERS
from domain.api_keys.queries import API_KEYS
from domain.approvals.queries import APPROVALS
from domain.audit.queries import AUDIT
from domain.db import Database, Json, Moment, Row
from domain.deliveries.queries import DELIVERIES
from domain.entities import Kind
from domain.ids import new_id
from domain.list_spec import ListSpec
from domain.listing import fetch, parse
from domain.metadata.commands import rules_for, write_values
from domain.metadata.queries import ENTITIES
from domain.metadata_fields.models import metadata_fields
from domain.metadata_fields.queries import FIELDS, fields_of
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.studio import KINDS
from domain.webhooks.queries import WEBHOOKS
from tests.factories import make_event, make_field, make_project, make_scene, make_webhook
from tests.support.clock import NOON

STABLE = 17
INSERTS = 25
LIMIT = 4
TEXTS = ("", "B", "a", "a", "b", "é", "😀", "\uffee")
_numbers = itertools.count(1)


@dataclass
class Case:
    """A list, and what rows of it need beside random values.

    Attributes:
        fixed: what its rows have: ids of what they hang under, and what must be unique.
        kind: whose metadata is written with every change.
    """

    spec: ListSpec
    table: Table
    fixed: Callable[[], Mapping[str, Any]]
    statement: Select[Any]
    kind: Kind | None = None
    sorts: list[str] = field(default_factory=list)


def cases(database: Database) -> dict[str, Case]:
    project = make_project(database)
    scene = make_scene(database, project)
    hook = make_webhook(database, event_types=["asset.approved"])
    event = make_event(database, "metadata.updated")
    place = {"project_id": project["id"]}

    def numbered(*names: str) -> Callable[[], dict[str, str]]:
        return lambda: {name: f"{name}-{next(_numbers)}" for name in names}

    def case(spec: ListSpec, fixed: Mapping[str, Any], *unique: str, statement: Any = None) -> Case:
        table: Any = spec.id_column.table
        fresh = numbered(*unique)
        chosen: Select[Any] = select(table) if statement is None else statement
        return Case(spec, table, lambda: dict(fixed) | fresh(), chosen)

    found = {
        "approvals": case(APPROVALS, place),
        "webhooks": case(WEBHOOKS, {}),
        "deliveries": case(DELIVERIES, {"webhook_id": hook.id, "event_id": event}, "replay_id"),
        "audit": case(AUDIT, {}),
        "api_keys": case(API_KEYS, {}),
        "users": case(USERS, {}, "email"),
        "fields": case(FIELDS, {**place, "type": "json"}, "key", statement=fields_of(project["id"])),
    }
    for kind in KINDS:
        parents = {"scene_id": scene["id"]} if kind is SEGMENTS else {}
        found[kind.plural] = case(kind.listing, parents if kind is PROJECTS else {**place, **parents}, "code")
    scenes = found["scenes"]
    found["entities"] = Case(ENTITIES, scenes.table, scenes.fixed, select(ENTITIES.id_column.table))
    for name, each in found.items():
        each.sorts = [sign + key for key in each.spec.sortable for sign in ("", "-")]
        each.sorts += MIXED.get(name, [])
    for key, type_word in METADATA.items():
        make_field(database, project, "scene", key, type_word)
    found["metadata"] = Case(SCENES.listing, scenes.table, scenes.fixed, scenes.statement, SCENES)
    signs = itertools.product(METADATA, ("", "-"), ("", ",id", ",-id"))
    found["metadata"].sorts = [f"{sign}metadata.{key}{tie}" for key, sign, tie in signs]
    return found


MIXED = {
    "segments": ["-frame_in,name", "name,-position", "frame_out,-frame_in,id", "status,-version,-id",
                 "-frame_in,-frame_out"],
    "audit": ["at,-id", "-at,id"],
    "deliveries": ["last_status_code,-created_at", "-last_status_code,status,id"],
    "characters": ["status,-name", "-created_at,name"],
}  # fmt: skip
METADATA = {"n": "number", "s": "string", "b": "boolean", "d": "date", "t": "datetime"}
NAMES = (
    *("approvals", "webhooks", "deliveries", "audit", "api_keys", "users", "fields", "entities", "metadata"),
    *(kind.plural for kind in KINDS),
)


def some_value(chance: random.Random, column: Column[Any]) -> Any:
    """A value of few, so that many rows tie; none at all where there may be none."""
    if column.nullable and chance.random() < 0.3:
        return None
    if isinstance(column.type, Moment):
        return NOON + timedelta(microseconds=chance.choice((0, 1, 333, 1_000_000)))
    if isinstance(column.type, Boolean):
        return chance.random() < 0.5
    if isinstance(column.type, Integer | Float):
        return chance.choice((-1, 0, 1, 2))
    if isinstance(column.type, Json):
        return {}
    if isinstance(column.type, LargeBinary):
        return b""
    return chance.choice(TEXTS)


def some_metadata(chance: random.Random) -> dict[str, Any]:
    values = {
        "n": chance.choice((-1, 0, 23.976, 24, 1e22)), "s": chance.choice(TEXTS), "b": chance.random() < 0.5,
        "d": chance.choice(("2026-01-31", "2026-02-01")), "t": f"2026-02-01T00:00:0{chance.randrange(3)}.000Z",
    }  # fmt: skip
    return {key: value for key, value in values.items() if chance.random() < 0.7}


class Writer:
    """Inserts rows and changes what is there, but for the columns of the sort, until it is stopped."""

    def __init__(self, database: Database, case: Case, seed: int) -> None:
        self.database, self.case, self.chance = database, case, random.Random(seed)
        self.stable: list[Row] = []
        self.written = 0
        self.failure: Exception | None = None
        self._moved = threading.Condition()
        self._stop = threading.Event()

    def add(self, count: int) -> list[Row]:
        return [self._insert() for _ in range(count)]

    def _insert(self) -> Row:
        table = self.case.table
        row = {column.name: some_value(self.chance, column) for column in table.c if column.name != "seq"}
        row |= {"id": new_id("row"), **self.case.fixed()}
        if self.case.kind is not None:
            row["metadata"] = some_metadata(self.chance)
        with self.database.transaction() as session:
            session.execute(insert(table).values(row))
            self._write_metadata(session, row)
        return row

    def _change(self, kept: set[str]) -> None:
        row = self.chance.choice(self.stable)
        table = self.case.table
        fixed = {"id", "metadata", *self.case.fixed(), *kept}
        names = [column.name for column in table.c if column.name not in fixed and not column.foreign_keys]
        name = self.chance.choice(names)
        with self.database.transaction() as session:
            values = {name: some_value(self.chance, table.c[name])}
            session.execute(update(table).where(table.c.id == row["id"]).values(values))
            self._write_metadata(session, row)

    def _write_metadata(self, session: Any, row: Row) -> None:
        if self.case.kind is not None:
            rules = rules_for(session, self.case.kind.object, [row["project_id"]])
            write_values(session, self.case.kind, [row], rules)

    def _run(self, kept: set[str]) -> None:
        try:
            for number in itertools.count():
                if self._stop.is_set():
                    return
                if number < INSERTS:
                    self._insert()
                else:
                    self._change(kept)
                with self._moved:
                    self.written += 1
                    self._moved.notify_all()
        except Exception as error:
            self.failure = error
            with self._moved:
                self._moved.notify_all()

    def wait(self) -> None:
        """Until something more was written."""
        with self._moved:
            before = self.written
            assert self._moved.wait_for(lambda: self.written > before or self.failure, timeout=20)
        assert self.failure is None, self.failure

    @contextmanager
    def running(self, kept: set[str]) -> Iterator[None]:
        self._stop.clear()
        thread = threading.Thread(target=self._run, args=(kept,))
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(timeout=20)
        assert self.failure is None, self.failure

    def forget_others(self) -> None:
        """Only the stable rows stay, so that every walk begins with the same."""
        table = self.case.table
        known = [row["id"] for row in self.stable]
        with self.database.transaction() as session:
            session.execute(delete(table).where(table.c.id.not_in(known), table.c.id.like("row_%")))


def ids_of(database: Database, case: Case, sort: str, between: Callable[[], None]) -> list[str]:
    """Every id that the pages of the list show."""
    seen: list[str] = []
    cursor: list[tuple[str, str]] = []
    with database.reading() as session:
        while True:
            query = parse(case.spec, [("sort", sort), ("limit", str(LIMIT)), *cursor])
            page = fetch(session, query, case.statement)
            seen += [row["id"] for row in page.rows]
            assert len(seen) <= 4 * (STABLE + INSERTS), f"sort={sort} never ends"
            if page.next is None:
                return seen
            cursor = [("cursor", page.next)]
            between()


@pytest.mark.parametrize("name", NAMES)
def test_pages_hold_every_stable_row_once(database: Database, name: str) -> None:
    case = cases(database)[name]
    writer = Writer(database, case, seed=len(name))
    writer.stable = writer.add(STABLE)
    stable = {row["id"] for row in writer.stable}
    for sort in case.sorts:
        kept = {term.removeprefix("-") for term in sort.split(",")}
        kept |= {str(order.column.key) for order in parse(case.spec, [("sort", sort)]).sort.orders}
        with writer.running(kept | ({"object"} if case.table is metadata_fields else set())):
            seen = ids_of(database, case, sort, writer.wait)
        assert len(seen) == len(set(seen)), f"sort={sort} repeats a row"
        assert stable <= set(seen), f"sort={sort} skips a row"
        # What stands still stands in one order, whether or not others write.
        writer.forget_others()
        alone = ids_of(database, case, sort, lambda: None)
        assert [row for row in seen if row in stable] == [row for row in alone if row in stable], sort
