"""The catalogue: each type's schema is valid and true of its example, and strict enough to find what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from domain.access import SYSTEM
from domain.db import Database
from domain.events.catalogue import TYPES
from domain.events.commands import LARGEST_BODY, Context, Happening, write_events
from domain.events.examples import example_data, example_event
from domain.events.schemas import PAYLOAD_VERSIONS, schema_of
from domain.webhooks import commands as webhooks
from tests.factories import make_project, make_webhook
from tests.support.clock import NOON
from tests.support.schemas import mistakes_in

EVERY = [(event_type, version) for event_type in TYPES for version in PAYLOAD_VERSIONS]


@pytest.mark.parametrize(("event_type", "version"), EVERY)
def test_it_works(event_type: str, version: str) -> None:
    Draft202012Validator.check_schema(schema_of(event_type, version))
    example = example_event(event_type, version)
    assert (example["type"], example["version"]) == (event_type, version)
    assert mistakes_in(example) == []


@pytest.mark.parametrize(("event_type", "version"), EVERY)
def test_every_member_of_the_example_is_needed_or_known(event_type: str, version: str) -> None:
    example = example_event(event_type, version)
    for name in example:
        assert mistakes_in({key: value for key, value in example.items() if key != name or name in ("type", "version")}
                           if name not in ("type", "version") else {**example, "surplus": 1}), name  # fmt: skip
    assert mistakes_in({**example, "data": {**example["data"], "id": "nonsense"}})
    assert mistakes_in({**example, "timestamp": "yesterday"})


@pytest.mark.parametrize(
    ("event_type", "change"),
    [
        ("asset.approved", {"data": {"status": "rejected"}}),
        ("asset.approved", {"data": {"object": "project"}}),
        ("asset.approved", {"changes": {"status": {"from": "in_review", "to": "rejected"}}}),
        ("asset.approved", {"changes": {"status": {"to": "approved"}}}),
        ("asset.approved", {"actor": {"type": "robot"}}),
        ("character.created", {"changes": {"name": {"from": None, "to": "Mara"}}}),
        ("character.updated", {"data": {"frame_in": 1}}),
        ("character.updated", {"changes": {"flavour": {"from": 1, "to": 2}}}),
        ("metadata.updated", {"changes": {"name": {"from": 1, "to": 2}}}),
        ("segment.created", {"data": {"frame_in": "1001"}}),
        ("project.archived", {"data": {"status": "active"}}),
        ("job.completed", {"data": {"progress": 101}}),
        ("api_key.expiring", {"data": {"key": "csk_a_b_c"}}),
    ],
)
def test_it_finds_what_does_not_fit(event_type: str, change: dict[str, Any]) -> None:
    event = example_event(event_type, "v1")
    assert mistakes_in({**event, **{name: {**event[name], **value} for name, value in change.items()}})


def test_the_fixture_refuses_an_event_that_does_not_fit(database: Database) -> None:
    data, changes = example_data("asset.approved")
    happening = Happening("asset.approved", None, {**data, "surprise": 1}, changes)
    with pytest.raises(AssertionError, match="surprise"), database.transaction() as session:
        write_events(session, Context(SYSTEM, NOON), [happening])


def test_what_is_too_large_is_sent_thin_and_fits_too(database: Database) -> None:
    project = make_project(database, description="x" * 20_000, metadata={f"k{n}": "y" * 10_000 for n in range(6)})
    data, changes = example_data("asset.approved")
    happening = Happening("asset.approved", project["id"], {**data, "description": "x" * LARGEST_BODY}, changes)
    with database.transaction() as session:
        write_events(session, Context(SYSTEM, NOON), [happening])


@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize("version", PAYLOAD_VERSIONS)
def test_the_test_button_sends_what_fits(database: Database, event_type: str, version: str) -> None:
    """The fixture of the suite checks both bodies."""
    hook = make_webhook(database, payload_version=version)
    with database.transaction() as session:
        webhooks.send_test(session, Context(SYSTEM, NOON), hook.id, event_type)
