"""Data for tests: each function writes one thing with believable values, and gives its row or what cannot be read back.

Everything not named by the test is of no account to it. Names and codes are numbered, so that nothing collides.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, select, update

from domain.access import SYSTEM
from domain.accounts.commands import create_user
from domain.accounts.models import users
from domain.api_keys.commands import create_key
from domain.api_keys.models import api_keys
from domain.api_keys.rules import NewKey
from domain.approvals.commands import decide
from domain.artifacts.models import artifacts
from domain.characters.models import CHARACTERS
from domain.crypto import Keyring
from domain.db import Database, Row
from domain.entities import Kind, represent
from domain.events.commands import Context, Happening, record_events
from domain.events.examples import example_data
from domain.external_ids.commands import claim_ids, rows_of
from domain.ids import new_id
from domain.jobs.leases import digest_of
from domain.jobs.models import jobs
from domain.metadata.commands import rules_for, write_values
from domain.metadata_fields.commands import create_field
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.studio import KINDS
from domain.takes.models import takes
from domain.webhooks.commands import create_webhook
from domain.webhooks.rules import NewWebhook
from tests.support.clock import NOON

SECRET = "for tests alone, and long enough to be accepted"
KEYRING = Keyring(SECRET.encode())
PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: its id, and the text that cannot be read back."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook: its id, and the secret that cannot be read back; empty where a private key signs."""

    id: str
    secret: str


def accept_any_target(url: str) -> None:
    """The `CheckTarget` port of a test that is not about addresses."""


def make_entity(database: Database, kind: Kind, **fields: Any) -> Row:
    """A row of any of the four nouns."""
    number = next(_numbers)
    noon = {"created_at": NOON, "updated_at": NOON, "version": 1}
    names = {"name": f"{kind.object.title()} {number}", "code": f"{kind.object}-{number}", "description": ""}
    plain: dict[str, Any] = {"external_ids": {}, "metadata": {}}
    row = {"id": new_id(kind.prefix), **names, **plain, **noon, **fields}
    with database.transaction() as session:
        session.execute(insert(kind.table).values(row))
        made = dict(session.execute(select(kind.table).where(kind.table.c.id == row["id"])).mappings().one())
        if made["metadata"]:
            project_id = made[kind.listing.project_field]
            write_values(session, kind, [made], rules_for(session, kind.object, [project_id]))
        assert claim_ids(session, rows_of(kind, made, made["external_ids"])) == {}
        return made


def make_project(database: Database, **fields: Any) -> Row:
    return make_entity(database, PROJECTS, **fields)


def make_character(database: Database, project: Row, **fields: Any) -> Row:
    return make_entity(database, CHARACTERS, **{"project_id": project["id"], "status": "in_review", **fields})


def make_scene(database: Database, project: Row, **fields: Any) -> Row:
    placed = {"project_id": project["id"], "status": "in_review", "position": next(_numbers)}
    return make_entity(database, SCENES, **{**placed, **fields})


def make_segment(database: Database, scene: Row, **fields: Any) -> Row:
    placed = {"project_id": scene["project_id"], "scene_id": scene["id"], "position": next(_numbers)}
    return make_entity(database, SEGMENTS, **{**placed, "status": "in_review", **fields})


def make_asset(database: Database, kind: Kind, project: Row, **fields: Any) -> Row:
    """A character, scene or segment; a segment gets a scene of its own."""
    if kind is SEGMENTS:
        return make_segment(database, make_scene(database, project), **fields)
    return (make_character if kind is CHARACTERS else make_scene)(database, project, **fields)


def make_key(
    database: Database,
    role: str = "admin",
    scope: str = "full",
    project_ids: Sequence[str] = (),
    keyring: Keyring = KEYRING,
    **fields: Any,
) -> Key:
    """A key that never runs into its limits, unless `read_per_minute` or `write_per_minute` say otherwise."""
    name = f"{role} {next(_numbers)}"
    plenty = {"read_per_minute": 100_000, "write_per_minute": 100_000}
    wanted = NewKey(**{"name": name, "role": role, "scope": scope, "project_ids": project_ids, **plenty, **fields})
    with database.transaction() as session:
        return Key(*create_key(session, SYSTEM, keyring, wanted, NOON))


def change_key(database: Database, key_id: str, **values: Any) -> None:
    """What no command does yet: change columns of a key behind everybody's back."""
    with database.transaction() as session:
        session.execute(update(api_keys).where(api_keys.c.id == key_id).values(**values))


def make_webhook(
    database: Database,
    event_types: Sequence[str] = ("*",),
    project_ids: Sequence[str] | None = None,
    keyring: Keyring = KEYRING,
    **fields: Any,
) -> Webhook:
    url = f"https://tools.example.com/hooks/{next(_numbers)}"
    wanted = NewWebhook(**{"url": url, "event_types": event_types, "project_ids": project_ids, **fields})
    with database.transaction() as session:
        made, secret = create_webhook(session, Context(SYSTEM, NOON), keyring, wanted, accept_any_target)
        return Webhook(made, secret or "")


def make_event(database: Database, event_type: str, project_id: str | None = None, **fields: Any) -> str:
    """An event and the deliveries it calls for; its id."""
    example, changes = example_data(event_type)
    data: Mapping[str, Any] = {**example, "id": new_id(example["id"].partition("_")[0]), **fields}
    with database.transaction() as session:
        return record_events(session, Context(SYSTEM, NOON), [Happening(event_type, project_id, data, changes)])[0]


def make_approval(database: Database, kind: Kind, asset: Row, decision: str = "approved", note: str = "") -> str:
    """A decision on an asset that is open for it; its id."""
    with database.transaction() as session:
        return str(decide(session, Context(SYSTEM, NOON), kind, asset, decision, note)["id"])


def make_user(database: Database, role: str = "admin", project_ids: Sequence[str] | None = None, **fields: Any) -> Row:
    """A user who signs in with `PASSWORD`."""
    number = next(_numbers)
    known = {"email": f"user{number}@example.com", "name": f"User {number}", "password": PASSWORD, **fields}
    with database.transaction() as session:
        user_id = create_user(session, SYSTEM, role=role, project_ids=project_ids, now=NOON, **known)
        return dict(session.execute(select(users).where(users.c.id == user_id)).mappings().one())


def shown(kind: Kind, row: Row) -> dict[str, Any]:
    """The row as the API shows it."""
    return represent(kind, row)


def make_field(database: Database, project: Row, entity: str, key: str, type_: str, **fields: Any) -> Row:
    """A metadata field; `fields` as the API takes them."""
    with database.transaction() as session:
        given = {"entity": entity, "key": key, "type": type_, **fields}
        locked = PROJECTS.load(session, SYSTEM, project["id"], for_update=True)
        return create_field(session, Context(SYSTEM, NOON), locked, given)


LEASE = "lease_of-the-tests"


def make_job(database: Database, target: Row, **fields: Any) -> Row:
    """A job for a character, scene or segment; with the token `LEASE` when it is running."""
    kind = next(kind for kind in KINDS if target["id"].startswith(f"{kind.prefix}_"))
    row = {
        "id": new_id("job"), "project_id": target["project_id"], "kind": "generate", "target_object": kind.object,
        "target_id": target["id"], "submitted_by": SYSTEM.as_data(), "params": {}, "depends_on": [],
        "created_at": NOON, "updated_at": NOON, **fields,
    }  # fmt: skip
    if row.get("status") == "running":
        row = {"worker": "farm-1", "attempts": 1, "started_at": NOON, **row, **leased()}
    with database.transaction() as session:
        session.execute(insert(jobs).values(row))
        return dict(session.execute(select(jobs).where(jobs.c.id == row["id"])).mappings().one())


def make_artifact(database: Database, job: Row, name: str = "frame.png", **fields: Any) -> Row:
    """An artifact of a job: an empty file, for which the store is not asked."""
    row = {
        "id": new_id("art"), "project_id": job["project_id"], "job_id": job["id"], "name": name,
        "media_type": "image/png", "size": 0, "sha256": sha256(b"").hexdigest(), "attempt": job["attempts"],
        "blob": f"{job['id']}/{new_id('blob')}", "created_at": NOON, "updated_at": NOON, **fields,
    }  # fmt: skip
    with database.transaction() as session:
        session.execute(insert(artifacts).values(row))
    return row


def make_take(database: Database, job: Row, **fields: Any) -> Row:
    """The take that a job with an artifact made."""
    made = make_artifact(database, job, "preview.webp", media_type="image/webp")
    names = ("project_id", "target_object", "target_id", "kind", "params", "submitted_by")
    row = {
        "id": new_id("tak"), "number": 1, "job_id": job["id"], **{name: job[name] for name in names},
        "thumbnail_id": made["id"], "media_id": made["id"], "created_at": NOON, "updated_at": NOON, **fields,
    }  # fmt: skip
    with database.transaction() as session:
        session.execute(insert(takes).values(row))
    return row


def change_job(database: Database, job_id: str, **fields: Any) -> None:
    """Write fields of a job, past every rule."""
    with database.transaction() as session:
        session.execute(update(jobs).where(jobs.c.id == job_id).values(fields))


def leased() -> dict[str, Any]:
    """The columns of a lease whose token is `LEASE`."""
    return {"lease_digest": digest_of(LEASE), "lease_expires_at": NOON + timedelta(minutes=1)}
