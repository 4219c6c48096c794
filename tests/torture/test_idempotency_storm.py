"""One effect for each `Idempotency-Key`, whoever calls at once and whatever is killed meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from domain.approvals.models import approvals
from domain.audit.models import api_audit_log
from domain.characters.models import characters
from domain.db import Database
from domain.deliveries.models import webhook_deliveries
from domain.events.models import events
from domain.idempotency.models import idempotency_records
from tests.factories import SECRET, Webhook, make_key, make_project, make_scene, make_segment, make_webhook
from tests.support.processes import running
from tests.support.receiver import receiver
from tests.support.storm import Round, Storm, Write

pytestmark = pytest.mark.torture
KEYS = 200
CALLERS = 50


def test_every_key_has_one_effect(database_url: str, home: Path) -> None:
    """In every tenth round web server processes are killed."""
    settings = {"DATABASE_URL": database_url, "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_DEMO": "0"}
    database = Database(database_url)
    with receiver() as tool, running(home, CALLSHEET_WEBHOOK_ALLOW_CIDRS="127.0.0.0/8", **settings) as product:
        token = make_key(database).token
        storm = Storm(product, token, CALLERS)
        writes = _writes(database, make_webhook(database, url=tool.url))
        rounds = [storm.send(write, kill=number % 10 == 5) for number, write in enumerate(writes)]
        for result in rounds:
            check_answers(result)
        tool.wait_for(KEYS)
        product.stop()
    _report(rounds)
    check_trace(database, rounds)
    database.dispose()


def _writes(database: Database, webhook: Webhook) -> list[Write]:
    """Creations and tests, whose second effect nothing would refuse, and decisions."""
    project = make_project(database)
    scene = make_scene(database, project)
    made = []
    for number in range(KEYS):
        path, body = "/characters", {"name": f"Twin {number}", "project_id": project["id"]}
        if number % 3 == 1:
            path, body = f"/webhooks/{webhook.id}/test", {"event_type": "asset.approved"}
        elif number % 3 == 2:
            path, body = f"/segments/{make_segment(database, scene)['id']}/approvals", {"decision": "approved"}
        made.append(Write(f"/api/v1{path}", json.dumps(body).encode(), f"key {number}"))
    return made


def check_answers(result: Round) -> None:
    """All callers have the one answer; it is a replay for all but one, or for all when the first was lost."""
    assert {reply.status for reply in result.finals} <= {201, 202}, Counter(reply.body for reply in result.finals)
    assert len({(reply.status, reply.body) for reply in result.finals}) == 1
    firsts = [reply for reply in result.finals if not reply.is_replay]
    assert len(firsts) == 1 or (len(firsts) == 0 and result.unanswered)
    assert bool(result.unanswered) <= result.killed, "a connection broke although nothing was killed"


def check_trace(database: Database, rounds: Sequence[Round]) -> None:
    """An event, its delivery and a kept answer for each round, an audit row for each answer."""
    with database.reading() as session:
        by_request = Counter(session.execute(select(events.c.request_id)).scalars())
        by_event = Counter(session.execute(select(webhook_deliveries.c.event_id)).scalars())
        decided = Counter(session.execute(select(approvals.c.asset_id)).scalars())
        named = Counter(session.execute(select(characters.c.name)).scalars())
        records = session.execute(select(idempotency_records.c.idempotency_key, idempotency_records.c.status_code))
        kept = {row.idempotency_key: row.status_code for row in records}
        audited = session.execute(select(api_audit_log.c.request_id, api_audit_log.c.status_code)).all()
    statuses = dict(audited)
    assert len(audited) == len(statuses), "a call was audited twice"
    for result in rounds:
        answered = {reply.request_id: reply.status for reply in result.replies}
        assert sum(by_request[request_id] for request_id in [*answered, *result.unanswered]) == 1, result.write
        assert {request_id: statuses.get(request_id) for request_id in answered} == answered
    assert len(by_event) == sum(by_event.values()) == sum(by_request.values()) == len(rounds)
    assert set(decided.values()) == set(named.values()) == {1}
    assert len(decided) + len(named) == sum(not result.write.path.endswith("/test") for result in rounds)
    assert kept == {result.write.idempotency_key: result.finals[0].status for result in rounds}


def _report(rounds: Sequence[Round]) -> None:
    passing = Counter(reply.status for result in rounds for reply in result.passing)
    broken = [len(result.unanswered) for result in rounds if result.killed]
    print(f"{len(rounds)} keys: {dict(passing)} temporary refusals; connections broken by each kill: {broken}")
    assert sum(map(bool, broken)) * 2 > len(broken), "too few kills struck a call"
