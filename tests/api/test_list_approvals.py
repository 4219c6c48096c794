"""GET /characters/{id}/approvals, and the same of scenes and segments."""

from __future__ import annotations

import pytest

from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.entities import Kind
from domain.studio import ASSETS
from tests.api.conftest import Cast
from tests.factories import make_approval, make_asset, make_character


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.object)
def test_it_works(cast: Cast, database: Database, kind: Kind) -> None:
    asset = make_asset(database, kind, cast.project)
    first = make_approval(database, kind, asset, "rejected", "Too dark.")
    second = make_approval(database, kind, {**asset, "status": "rejected", "version": 2}, "approved")
    make_approval(database, kind, make_asset(database, kind, cast.project))
    answer = cast.viewer.get(f"/{kind.plural}/{asset['id']}/approvals")
    assert answer.ids == [second, first]
    assert answer.data[1]["note"] == "Too dark."
    assert answer.data[1]["decided_by"] == {"type": "system", "id": "system", "name": "Callsheet"}
    assert cast.viewer.get(f"/{kind.plural}/{asset['id']}/approvals", decision="rejected").ids == [first]


def test_it_pages(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    path = f"/characters/{asset['id']}/approvals"
    made = [make_approval(database, CHARACTERS, asset) for _ in range(3)]
    page = cast.viewer.get(path, limit=2)
    rest = cast.viewer.get(path, limit=2, cursor=page.document["page"]["next"])
    assert page.ids + rest.ids == made[::-1]


def test_it_refuses_the_decisions_on_a_foreign_asset(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.foreign_project)
    cast.reviewer.get(f"/characters/{asset['id']}/approvals").refused(404, "not-found")


def test_it_refuses_an_unknown_parameter(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    answer = cast.viewer.get(f"/characters/{asset['id']}/approvals", note="x").refused(400, "bad-query")
    assert "`decision`" in answer.document["detail"]
