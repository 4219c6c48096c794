"""A small studio for the fuzzer: two projects, something of every kind, and keys that never run into their limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import requests
from sqlalchemy import insert

from domain.access import SYSTEM
from domain.characters.models import CHARACTERS
from domain.db import Database, Row
from domain.ids import new_id
from domain.jobs.queries import JOB
from domain.replays.models import webhook_replays
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.studio import KINDS
from tests.factories import (
    Key,
    change_job,
    change_key,
    make_approval,
    make_artifact,
    make_asset,
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

PLENTY = 1_000_000
ASSETS_OF_EACH = 40
KEYS_TO_END = 600
REPLAYS_TO_END = 30
JOBS_TO_END = 360
STATUSES = ("running", "queued", "failed")


@dataclass(frozen=True, slots=True)
class Studio:
    """What was made: `ids` by prefix, a key's text by whose it is, and parameters that name something by path.

    Attributes:
        own: the ids of those keys, which no call may end or bind.
    """

    ids: dict[str, list[str]]
    keys: dict[str, str]
    own: list[str]
    named: dict[str, dict[str, str]]


def make_studio(database: Database) -> Studio:
    """Fill the database."""
    projects = [make_project(database, name=name) for name in ("The Salt Line", "Umbrella Season")]
    ids = {"prj": [project["id"] for project in projects]}
    named: dict[str, dict[str, str]] = {}
    for kind in (CHARACTERS, SCENES, SEGMENTS):
        assets = [make_asset(database, kind, projects[number % 2]) for number in range(ASSETS_OF_EACH)]
        make_approval(database, kind, assets[0], "rejected")
        ids[kind.prefix] = [asset["id"] for asset in assets]
        # One of its own, which nothing that is made up names: every call that archives one leaves fewer to decide on.
        named[f"/api/v1/{kind.plural}/{{id}}/approvals"] = {"id": make_asset(database, kind, projects[0])["id"]}
    segments = [make_segment(database, make_scene(database, projects[number % 2])) for number in range(2)]
    ids["job"] = [_job(database, segments[number % 2], STATUSES[number % 3]) for number in range(JOBS_TO_END)]
    for verb in ("heartbeat", "complete", "fail"):
        named[f"/api/v1/jobs/{{id}}/{verb}"] = {"id": _job(database, segments[0], "running")}
    held = _job(database, segments[0], "running")
    named["/api/v1/jobs/{id}/artifacts/{artifact_name}"] = {"id": held, "artifact_name": "frame.png"}
    with database.reading() as session:
        make_artifact(database, JOB.load(session, SYSTEM, held))
    ids["tak"] = [make_take(database, make_job(database, segment, status="succeeded"))["id"] for segment in segments]
    ids["evt"] = [make_event(database, "scene.created", project["id"]) for project in projects]
    ids["whk"] = [make_webhook(database, enabled=False).id]
    ids["rpl"] = [_replay(database) for _ in range(REPLAYS_TO_END)]
    ids["key"] = [make_key(database, "viewer").id for _ in range(KEYS_TO_END)]
    for key_id in ids["key"][::2]:
        change_key(database, key_id, suspended_at=NOON)
    callers = {"admin": _key(database, "admin"), "creator": _key(database, "creator", projects[0])}
    return Studio(ids, {role: key.token for role, key in callers.items()}, [key.id for key in callers.values()], named)


def name_things(url: str, studio: Studio) -> None:
    """Over HTTP, give one entity of each kind an external id and a metadata key, and one project a field; and have a
    delivery sent to a webhook that stays enabled, for nothing that is made up names it."""
    base, headers = f"{url}/api/v1", {"Authorization": f"Bearer {studio.keys['admin']}"}
    hook = {"url": "http://127.0.0.1:9/", "event_types": ["webhook.recovered"]}
    made = requests.post(f"{base}/webhooks", json=hook, headers=headers, timeout=20)
    assert made.status_code == 201, made.text
    tried = requests.post(f"{base}/webhooks/{made.json()['data']['id']}/test", json={}, headers=headers, timeout=20)
    assert tried.status_code == 202, tried.text
    studio.named["/api/v1/deliveries/{delivery_id}/retry"] = {"delivery_id": tried.json()["data"]["id"]}
    field = {"entity": "scene", "key": "weather", "type": "integer"}
    fields = f"{base}/projects/{studio.ids['prj'][0]}/metadata-fields"
    made = requests.post(fields, json=field, headers=headers, timeout=20)
    assert made.status_code == 201, made.text
    for kind in KINDS:
        entity_id, named = studio.ids[kind.prefix][0], {"system": "kitsu", "external_id": f"{kind.object} 1"}
        path = f"/{kind.plural}/{entity_id}"
        patch = {"external_ids": {named["system"]: named["external_id"]}, "metadata": {"notes": ["wet", 1]}}
        changed = requests.patch(base + path, json=patch, headers=headers, timeout=20)
        assert changed.status_code == 200, changed.text
        studio.named[f"/api/v1/{kind.plural}/by-external/{{system}}/{{external_id}}"] = named
        studio.named[f"/api/v1/{kind.plural}/{{id}}/metadata/{{key}}"] = {"id": entity_id, "key": "notes"}


def _job(database: Database, segment: Row, status: str) -> str:
    """A job; a running one is under a lease that does not run out, whose token is `LEASE`."""
    job_id = str(make_job(database, segment, status=status)["id"])
    change_job(database, job_id, lease_expires_at=NOON + timedelta(days=36_500))
    return job_id


def _replay(database: Database) -> str:
    """A replay that runs and whose next step never comes, to a webhook of its own."""
    replay_id, never = new_id("rpl"), NOON + timedelta(days=36_500)
    times = {"since": NOON, "until": NOON, "created_at": NOON, "updated_at": NOON, "next_at": never}
    row = {"id": replay_id, "webhook_id": make_webhook(database, enabled=False).id, "per_minute": 1, "count": 1}
    with database.transaction() as session:
        session.execute(insert(webhook_replays).values(**row, **times, created_by=SYSTEM.as_data()))
    return replay_id


def _key(database: Database, role: str, *projects: Row) -> Key:
    scope = "project" if projects else "full"
    return make_key(
        database, role, scope, [project["id"] for project in projects], read_per_minute=PLENTY, write_per_minute=PLENTY
    )
