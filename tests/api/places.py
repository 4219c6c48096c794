"""Real paths for the rules of registered operations: an object, or another good word, for every parameter."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from sqlalchemy import select

from api.blueprint import Operation
from api.v1 import BLUEPRINTS
from domain.access import SYSTEM
from domain.db import Database, Row
from domain.deliveries.models import webhook_deliveries
from domain.events.commands import Context
from domain.webhooks.commands import send_test
from tests.api.client import BASE
from tests.factories import make_character, make_project, make_scene, make_segment, make_webhook
from tests.support.clock import NOON

_PARAMETER = re.compile(r"([\w-]+)/<(?:\w+:)?(\w+)>")


def operations() -> list[Operation]:
    """Every operation of every registered blueprint."""
    return [operation for blueprint in BLUEPRINTS for operation in blueprint.operations]


class Places:
    """One object of each noun, each made when first named; those of the studio are in one project."""

    def __init__(self, database: Database, project: Row | None = None) -> None:
        self.database = database
        self.project = project or make_project(database)
        self._words: dict[str, Callable[[], str]] = {
            "projects": lambda: str(self.project["id"]),
            "characters": lambda: str(self.character["id"]),
            "scenes": lambda: str(self.scene["id"]),
            "segments": lambda: str(self.segment["id"]),
            "webhooks": lambda: self.webhook,
            "deliveries": lambda: self.delivery,
        }

    @cached_property
    def character(self) -> Row:
        return make_character(self.database, self.project)

    @cached_property
    def scene(self) -> Row:
        return make_scene(self.database, self.project)

    @cached_property
    def segment(self) -> Row:
        return make_segment(self.database, self.scene)

    @cached_property
    def webhook(self) -> str:
        return make_webhook(self.database).id

    @cached_property
    def delivery(self) -> str:
        with self.database.transaction() as session:
            return send_test(session, Context(SYSTEM, NOON), self.webhook, "asset.approved")

    def path(self, rule: str) -> str:
        """The rule with every parameter filled in, below the base."""
        return BASE + _PARAMETER.sub(lambda found: f"{found[1]}/{self._words[found[1]]()}", rule)
