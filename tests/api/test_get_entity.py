"""GET /projects/{id}, /characters/{id}, /scenes/{id}, /segments/{id}."""

from __future__ import annotations

import pytest

from domain.db import Database, Row
from domain.entities import Kind
from domain.projects.models import PROJECTS
from domain.studio import ASSETS, KINDS
from tests.api.conftest import Cast
from tests.factories import make_asset, shown

# Text that some database, decoder or log cannot take, where an id belongs.
HOSTILE_IDS = (
    "%00", "chr_%00", "%ed%a0%80", "%ff%fe", "9" * 400, "-1", "1e309", "chr_" + "0" * 25, "chr_" + "0" * 27,
    "CHR_" + "0" * 26, "chr_" + "u" * 26, "' OR 1=1 --", "..%2f..%2fetc%2fpasswd", "%f0%9f%8e%ac", "{id}", "*",
)  # fmt: skip


def make_one(database: Database, kind: Kind, project: Row, **fields: object) -> Row:
    return project if kind is PROJECTS else make_asset(database, kind, project, **fields)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_works(cast: Cast, database: Database, kind: Kind) -> None:
    row = make_one(database, kind, cast.project)
    answer = cast.creator.get(f"/{kind.plural}/{row['id']}")
    assert answer.status == 200
    assert answer.document == {"data": shown(kind, row)}
    assert answer.headers["ETag"] == f'"{row["id"]}-1"'
    assert answer.headers["Vary"] == "Authorization, X-API-Key"
    assert answer.audit["route"] == f"/api/v1/{kind.plural}/{{id}}"


def test_it_shows_times_in_utc_with_milliseconds(cast: Cast) -> None:
    data = cast.creator.get(f"/projects/{cast.project['id']}").data
    assert data["created_at"] == data["updated_at"] == "2026-03-01T12:00:00.000Z"


@pytest.mark.parametrize("tags", ['"{tag}"', 'W/"{tag}"', '"other", "{tag}"', "*"])
def test_it_sends_nothing_again_to_who_has_this_version(cast: Cast, tags: str) -> None:
    path = f"/projects/{cast.project['id']}"
    tag = cast.viewer.get(path).headers["ETag"]
    answer = cast.viewer.call("GET", path, headers={"If-None-Match": tags.format(tag=tag.strip('"'))})
    assert (answer.status, answer.response.data, answer.headers["ETag"]) == (304, b"", tag)


def test_it_sends_it_to_who_has_another_version(cast: Cast) -> None:
    path = f"/projects/{cast.project['id']}"
    assert cast.viewer.call("GET", path, headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_refuses_to_tell_that_a_foreign_object_exists(cast: Cast, database: Database, kind: Kind) -> None:
    foreign = make_one(database, kind, cast.foreign_project)
    hidden = cast.reviewer.get(f"/{kind.plural}/{foreign['id']}").refused(404, "not-found")
    absent = cast.reviewer.get(f"/{kind.plural}/{kind.prefix}_{'0' * 26}").refused(404, "not-found")
    for answer, told in ((hidden, foreign["id"]), (absent, f"{kind.prefix}_{'0' * 26}")):
        assert answer.document["detail"] == f"There is no {kind.object} {told!r} that this caller can see."


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_refuses_what_is_no_id(cast: Cast, kind: Kind) -> None:
    for text in HOSTILE_IDS:
        cast.viewer.get(f"/{kind.plural}/{text}").refused(404, "not-found")


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.object)
def test_it_refuses_the_id_of_another_noun(cast: Cast, kind: Kind) -> None:
    cast.viewer.get(f"/{kind.plural}/{cast.project['id']}").refused(404, "not-found")


def test_it_answers_head_as_get_without_a_body(cast: Cast) -> None:
    path = f"/projects/{cast.project['id']}"
    seen, head = cast.viewer.get(path), cast.viewer.call("HEAD", path)
    assert head.response.data == b""
    for name in ("ETag", "Content-Length", "Content-Type"):
        assert head.headers[name] == seen.headers[name]


def test_it_refuses_head_where_it_would_refuse_get(cast: Cast) -> None:
    assert cast.reviewer.call("HEAD", f"/projects/{cast.foreign_project['id']}").status == 404
    assert cast.nobody.call("HEAD", f"/projects/{cast.project['id']}").status == 401
    assert cast.viewer.call("HEAD", "/webhooks").status == 403
