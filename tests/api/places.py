"""Real paths for the rules of registered operations: an object, or another good word, for every parameter."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from api.operation import Operation
from api.v1 import BLUEPRINTS
from domain.access import SYSTEM
from domain.characters.models import CHARACTERS
from domain.db import Database, Row
from domain.entities import Kind
from domain.events.commands import Context
from domain.external_ids.commands import claim_ids, rows_of
from domain.metadata_fields.commands import create_field
from domain.projects.models import PROJECTS
from domain.replays.commands import Terms, Wanted, plan_replay, start_replay
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.webhooks.commands import send_test
from tests.api.client import BASE
from tests.factories import (
    change_job,
    change_key,
    leased,
    make_artifact,
    make_character,
    make_event,
    make_job,
    make_key,
    make_project,
    make_scene,
    make_segment,
    make_take,
    make_webhook,
)
from tests.support.clock import NOON

SYSTEM_NAME = "shotgrid"  # where each object of the studio is known by its own id
# Of every object of the studio; each path that asks for a key gets the next one.
METADATA = {f"key_{number}": number for number in range(40)}
_HELD = {"status": "running", "worker": "farm-1", **leased()}
# How a job is to stand for what may be done with it.
STATES: dict[str, dict[str, Any]] = {
    "cancel": {"status": "queued"},
    "retry": {"status": "failed"},
    **dict.fromkeys(("heartbeat", "complete", "fail", "artifacts/<artifact_name>"), _HELD),
}
_numbers = itertools.count(1)
_EXTERNAL = re.compile(r"(\w+)/by-external/<system>/<external_id>")
_PARAMETER = re.compile(r"([\w-]+)/<(?:\w+:)?(\w+)>")


def operations() -> list[Operation]:
    """Every operation of every registered blueprint."""
    return [operation for blueprint in BLUEPRINTS for operation in blueprint.operations]


class Places:
    """One object of each noun, each made when first named; those of the studio are in one project."""

    def __init__(self, database: Database, project: Row | None = None) -> None:
        self.database = database
        self._project = project
        self._keys = itertools.cycle(METADATA)
        self._words: dict[str, Callable[[], str]] = {
            "projects": lambda: str(self.project["id"]),
            "characters": lambda: str(self.character["id"]),
            "scenes": lambda: str(self.scene["id"]),
            "segments": lambda: str(self.segment["id"]),
            "webhooks": lambda: self.webhook,
            "jobs": lambda: str(self.job["id"]),
            "artifacts": lambda: str(self.artifact["name"]),
            "takes": lambda: str(self.take["id"]),
            "deliveries": lambda: self.delivery,
            "replays": lambda: self.replay,
            "api-keys": lambda: self.api_key,
            "metadata": lambda: next(self._keys),
            "metadata-fields": self.new_field,
            "event-types": lambda: "asset.approved",
            "events": lambda: str(self.event["id"]),
            "event-cursors": lambda: "nightly-sync",
        }

    @cached_property
    def project(self) -> Row:
        return self._known(PROJECTS, self._project or make_project(self.database, metadata=METADATA))

    @cached_property
    def character(self) -> Row:
        return self._known(CHARACTERS, make_character(self.database, self.project, metadata=METADATA))

    @cached_property
    def scene(self) -> Row:
        return self._known(SCENES, make_scene(self.database, self.project, metadata=METADATA))

    @cached_property
    def segment(self) -> Row:
        return self._known(SEGMENTS, make_segment(self.database, self.scene, metadata=METADATA))

    def _known(self, kind: Kind, entity: Row) -> Row:
        """The entity, once another system knows it by its id."""
        with self.database.transaction() as session:
            claim_ids(session, rows_of(kind, entity, {SYSTEM_NAME: entity["id"]}))
        return entity

    @cached_property
    def event(self) -> Row:
        return {"id": make_event(self.database, "scene.created", self.project["id"])}

    @cached_property
    def webhook(self) -> str:
        return make_webhook(self.database).id

    @cached_property
    def job(self) -> Row:
        return make_job(self.database, self.segment)

    @cached_property
    def artifact(self) -> Row:
        return make_artifact(self.database, self.job)

    @cached_property
    def take(self) -> Row:
        return make_take(self.database, make_job(self.database, self.segment, status="succeeded"))

    @cached_property
    def api_key(self) -> str:
        return make_key(self.database).id

    @cached_property
    def delivery(self) -> str:
        webhook_id = self.webhook
        with self.database.transaction() as session:
            return send_test(session, Context(SYSTEM, NOON), webhook_id, "asset.approved")

    @cached_property
    def replay(self) -> str:
        webhook_id = make_webhook(self.database).id
        with self.database.transaction() as session:
            plan = plan_replay(session, SYSTEM, webhook_id, Wanted(), Terms(60, 0), NOON)
            return start_replay(session, Context(SYSTEM, NOON), plan)

    def new_field(self) -> str:
        """The id of a metadata field that is there for one call."""
        given = {"entity": "character", "key": f"field_{next(_numbers)}", "type": "integer"}
        project = self.project
        with self.database.transaction() as session:
            return str(create_field(session, Context(SYSTEM, NOON), project, given)["id"])

    def path(self, rule: str) -> str:
        """The rule with every parameter filled in, below the base."""
        if rule.endswith("/resume"):
            change_key(self.database, self.api_key, suspended_at=NOON)
        if (step := rule.removeprefix("/jobs/<id>/")) in STATES:
            change_job(self.database, self.job["id"], **STATES[step])
        return BASE + _PARAMETER.sub(self._fill, _EXTERNAL.sub(self._fill_external, rule))

    def _fill(self, found: re.Match[str]) -> str:
        return f"{found[1]}/{self._words[found[1]]()}"

    def _fill_external(self, found: re.Match[str]) -> str:
        return f"{found[1]}/by-external/{SYSTEM_NAME}/{self._words[found[1]]()}"
