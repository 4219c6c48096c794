"""What `flask seed` and the first `make run` leave in the database."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, func, select

from dev.seed import seed_studio
from domain.accounts.models import users
from domain.accounts.passwords import verify_password
from domain.approvals.models import approvals
from domain.audit.models import api_audit_log
from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.errors import Conflict
from domain.jobs.kinds import BUILT_IN_KINDS
from domain.jobs.models import jobs
from domain.jobs.queries import represent_job
from domain.projects.models import projects
from domain.studio import ASSETS, KINDS
from tests.dev.conftest import Studio, services_for
from tests.support.databases import SqliteDatabases

DECIDED = ("approved", "rejected", "changes_requested")


def rows(database: Database, statement: Select[Any]) -> list[Any]:
    with database.reading() as session:
        return list(session.execute(statement))


@pytest.mark.parametrize(
    ("plural", "at_least"), [("projects", 3), ("characters", 45), ("scenes", 66), ("segments", 640)]
)
def test_there_is_enough_of_everything(studio: Studio, plural: str, at_least: int) -> None:
    table = next(kind.table for kind in KINDS if kind.plural == plural)
    [(count,)] = rows(studio.services.database, select(func.count()).select_from(table))
    assert count >= at_least


@pytest.mark.parametrize(("plural", "at_least"), [("characters", 12), ("scenes", 15), ("segments", 220)])
def test_enough_waits_for_a_decision_and_every_status_occurs(studio: Studio, plural: str, at_least: int) -> None:
    table = next(kind.table for kind in ASSETS if kind.plural == plural)
    found = dict(
        map(tuple, rows(studio.services.database, select(table.c.status, func.count()).group_by(table.c.status)))
    )
    assert found["in_review"] >= at_least
    assert set(found) >= {"draft", "in_review", *DECIDED}


def test_among_the_first_characters_of_each_project_one_waits_for_a_decision(studio: Studio) -> None:
    table = CHARACTERS.table
    for (project_id,) in rows(studio.services.database, select(projects.c.id)):
        first = select(table.c.status).where(table.c.project_id == project_id).order_by(table.c.name).limit(5)
        assert "in_review" in [status for (status,) in rows(studio.services.database, first)]


def test_an_assets_status_is_its_latest_decision(studio: Studio) -> None:
    latest: dict[str, list[str]] = {}
    for asset_id, decision in rows(
        studio.services.database,
        select(approvals.c.asset_id, approvals.c.decision).order_by(approvals.c.created_at, approvals.c.id),
    ):
        latest.setdefault(asset_id, []).append(decision)
    for kind in ASSETS:
        for row in rows(studio.services.database, select(kind.table)):
            history = latest.get(row.id, [])
            if row.status in DECIDED:
                assert history[-1] == row.status
            elif row.status == "in_review":
                assert not history or history[-1] != "approved"
            else:
                assert not history
    assert Counter(min(len(history), 3) for history in latest.values()).keys() == {1, 2, 3}


def test_decisions_are_of_the_last_three_weeks_by_people_who_may_decide(studio: Studio) -> None:
    now = studio.services.clock()
    reviewers = {row.id for row in rows(studio.services.database, select(users.c.id).where(users.c.role == "reviewer"))}
    for row in rows(studio.services.database, select(approvals)):
        assert now - timedelta(days=22) < row.created_at < now
        assert row.decided_by["id"] in reviewers or row.decided_by["name"] == "Dailies room"
        assert row.note
        assert "{" not in row.note


def test_jobs_have_ended_and_fit_their_kinds(studio: Studio) -> None:
    """None can be claimed by a farm that somebody tries out on the demo."""
    found = rows(studio.services.database, select(jobs).where(jobs.c.kind != "preview"))
    assert len(found) >= 100
    assert {row.status for row in found} == {"succeeded", "failed", "cancelled"}
    assert all(BUILT_IN_KINDS[row.kind].check(row.params) == [] for row in found)
    now = studio.services.clock()
    assert all(row.created_at < row.started_at < row.finished_at < now for row in found)
    shown = [represent_job(row._mapping) for row in found]
    assert all(job["error"] for job in shown if job["status"] == "failed")
    assert all(job["cost"] and job["progress"] == 100 for job in shown if job["status"] == "succeeded")


def test_previews_of_what_is_in_review_are_drawn_next(studio: Studio) -> None:
    found = rows(studio.services.database, select(jobs).where(jobs.c.kind == "preview"))
    assert {row.status for row in found} == {"queued"}
    assert Counter(row.target_object for row in found) == {"character": 3, "segment": 6}
    assert len({row.project_id for row in found}) == 3


def test_codes_differ_frames_count_from_1001_and_every_asset_has_external_ids(studio: Studio) -> None:
    for kind in ASSETS:
        found = rows(studio.services.database, select(kind.table))
        assert len({(row.project_id, row.code) for row in found}) == len(found)
        assert all(row.external_ids and row.metadata for row in found)
        assert {system for row in found for system in row.external_ids} == {"shotgrid", "ftrack", "kitsu", "ayon"}
        if kind.plural == "segments":
            assert all(row.frame_in == 1001 and 10 <= row.frame_out - row.frame_in < 24 * 20 for row in found)
            assert Counter(row.name for row in found).most_common(1)[0][1] <= 4


def test_an_admin_is_told_how_to_sign_in_and_what_to_call(studio: Studio) -> None:
    shown = dict(re.findall(r"^ +(Portal|E-mail|Password|Key) +(\S+)$", studio.text, re.MULTILINE))
    [row] = rows(studio.services.database, select(users).where(users.c.email == shown["E-mail"]))
    assert row.role == "admin"
    assert verify_password(row.password_hash, shown["Password"])
    [command] = [line for line in studio.text.splitlines() if line.startswith("curl")]
    assert shown["Key"] in command
    [asset_id] = re.findall(r"chr_\w+", command)
    [asset] = rows(studio.services.database, select(CHARACTERS.table).where(CHARACTERS.table.c.id == asset_id))
    assert asset.status == "in_review"
    others = [line for line in studio.text.splitlines() if not line.startswith("curl") and str(studio.home) not in line]
    assert max(map(len, others)) <= 80


def test_the_seed_is_in_the_audit_trail_beside_a_day_of_calls(studio: Studio) -> None:
    now = studio.services.clock()
    found = rows(studio.services.database, select(api_audit_log))
    assert 850 <= len(found) <= 1000
    assert all(now - timedelta(hours=25) < row.at <= now for row in found)
    assert {row.source for row in found} == {"api", "portal", "system"}
    assert {row.status_code for row in found if row.source == "api"} >= {200, 201, 304, 401, 403, 404, 422, 429}
    assert [row.action for row in found if row.source == "system"] == ["studio.seed"]
    assert "csk_" not in str([row.changes for row in found])


def test_a_filled_database_is_left_alone(studio: Studio) -> None:
    before = rows(studio.services.database, select(func.count()).select_from(users))
    assert seed_studio(studio.services, only_if_empty=True) is None
    with pytest.raises(Conflict, match="already has users or projects"):
        seed_studio(studio.services)
    assert rows(studio.services.database, select(func.count()).select_from(users)) == before


def test_two_studios_hold_the_same_under_other_ids(sqlite_databases: SqliteDatabases, tmp_path: Path) -> None:
    contents, ids, told = [], [], []
    for number in range(2):
        with sqlite_databases.fresh() as url:
            services = services_for(url, tmp_path / str(number))
            told.append(seed_studio(services))
            names = {kind.plural: rows(services.database, _content(kind.table)) for kind in KINDS}
            decisions = select(approvals.c.decision, approvals.c.note).order_by(approvals.c.decision, approvals.c.note)
            contents.append(names | {"approvals": rows(services.database, decisions)})
            ids.append({row.id for row in rows(services.database, select(projects.c.id))})
            services.database.dispose()
    assert contents[0] == contents[1]
    assert ids[0].isdisjoint(ids[1])
    assert told[0] != told[1]


def _content(table: Any) -> Select[Any]:
    return select(table.c.code, table.c.name, table.c.description, table.c.status, table.c.external_ids).order_by(
        table.c.code
    )
