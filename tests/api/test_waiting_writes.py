"""A write that waits: each look is a transaction of its own, and what a look that found nothing did is undone."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import EnvironBuilder, run_wsgi_app

from api.admission import PREFIX
from api.answers import Answer, one
from api.blueprint import Blueprint
from api.call import Call
from api.gateway import Gateway
from api.schemas import AnswerSchema, RequestSchema, text_field, wait_field
from api.waiting import Waits
from domain.access import Permission
from domain.audit.models import api_audit_log
from domain.db import Database, Row, Session, signal_after_commit
from domain.event_cursors.models import event_cursors
from domain.idempotency.models import idempotency_records
from domain.ports import Services
from domain.signals import Changed
from tests.api.conftest import Cast
from tests.support.clock import NOON
from tests.support.waiting import wait_until

blueprint = Blueprint("claims", __name__)


class ClaimSchema(RequestSchema):
    """What is claimed."""

    wait = wait_field("Seconds to wait for something to claim.")


class ClaimedSchema(AnswerSchema):
    """What was claimed."""

    name = text_field("a job")


looks = threading.Semaphore(0)


@blueprint.operation(
    "POST", "/claims", id="claim", permission=Permission.READ, returns=ClaimedSchema, body=ClaimSchema,
    waits=Waits.BODY,
)  # fmt: skip
def claim(call: Call, _body: dict[str, Any]) -> Answer:
    """Claim whatever there is; each look leaves a row."""
    names = list(call.session.execute(select(event_cursors.c.name).order_by(event_cursors.c.name)).scalars())
    _add(call.session, call.actor.id, f"look {len(names)}", call)
    looks.release()
    return one({"name": names[0]}) if names else Answer({"data": {"name": ""}}, awaits=("claims",))


def _add(session: Session, key_id: str, name: str, call: Call) -> None:
    row = {"key_id": key_id, "name": name, "position": 1, "created_at": call.now, "updated_at": call.now}
    session.execute(event_cursors.insert().values(row))


@pytest.fixture
def gateway(services: Services) -> Gateway:
    app = Flask("claims")
    app.register_blueprint(blueprint, url_prefix=PREFIX)
    wait_until(services.changes.mark, 5, "the hub does not listen")
    return Gateway(app, services)


def called(gateway: Gateway, cast: Cast, body: dict[str, Any], idempotency_key: str = "") -> tuple[int, Any]:
    """Status and document of a claim."""
    assert cast.admin.key is not None
    headers = {"Authorization": f"Bearer {cast.admin.key.token}"}
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    environ = EnvironBuilder(f"{PREFIX}/claims", method="POST", json=body, headers=list(headers.items())).get_environ()
    pieces, status, _ = run_wsgi_app(gateway, environ)
    return int(status[:3]), orjson.loads(b"".join(pieces))


def rows(database: Database) -> tuple[list[str], int, int]:
    """What is there to claim, and how many idempotency keys and audit rows there are."""
    with database.reading() as session:
        names = list(session.execute(select(event_cursors.c.name).order_by(event_cursors.c.name)).scalars())
        counts = [session.execute(select(func.count()).select_from(table)).scalar_one()
                  for table in (idempotency_records, api_audit_log)]  # fmt: skip
    return names, counts[0], counts[1]


def looked(count: int) -> None:
    for _ in range(count):
        assert looks.acquire(timeout=10)


@pytest.fixture(autouse=True)
def unseen() -> None:
    while looks.acquire(blocking=False):
        pass


def test_it_works(gateway: Gateway, cast: Cast, database: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        claiming: Future[tuple[int, Any]] = pool.submit(called, gateway, cast, {"wait": 30}, "one")
        looked(1)
        assert cast.admin.key is not None
        wait_until(lambda: rows(database) == ([], 0, 0), 5, "the first look left something")
        make(database, cast.admin.key.id, "a job")
        assert claiming.result(timeout=20) == (200, {"data": {"name": "a job"}})
    assert rows(database) == (["a job", "look 1"], 0, 1)  # whoever asks again wants what there is then


def make(database: Database, key_id: str, name: str) -> Row:
    row = {"key_id": key_id, "name": name, "position": 1, "created_at": NOON, "updated_at": NOON}
    with database.transaction() as session:
        session.execute(event_cursors.insert().values(row))
        signal_after_commit(session, Changed("claims"))
    return row


def test_the_last_look_stands(gateway: Gateway, cast: Cast, database: Database) -> None:
    assert called(gateway, cast, {"wait": 0.2}) == (200, {"data": {"name": ""}})
    looked(2)
    assert rows(database) == (["look 0"], 0, 1)


@pytest.mark.parametrize("body", [{}, {"wait": 0}])
def test_without_wait_it_looks_once(gateway: Gateway, cast: Cast, database: Database, body: dict[str, Any]) -> None:
    assert called(gateway, cast, body)[0] == 200
    looked(1)
    assert not looks.acquire(blocking=False)
    assert rows(database) == (["look 0"], 0, 1)


@pytest.mark.parametrize("wait", [-1, 61, "30", True, None, 1e400])
def test_a_bad_wait_is_refused(gateway: Gateway, cast: Cast, database: Database, wait: Any) -> None:
    status, problem = called(gateway, cast, {"wait": wait})
    assert status in (400, 422), problem
    assert rows(database) == ([], 0, 1)
