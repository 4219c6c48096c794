"""What answers hold: `fields`, `expand`, `q`, `total`, and the links and tags that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from domain.accounts.queries import USERS
from domain.approvals.queries import APPROVALS
from domain.audit.queries import AUDIT
from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.deliveries.queries import DELIVERIES
from domain.entities import Kind
from domain.list_spec import ListSpec
from domain.metadata.queries import ENTITIES
from domain.metadata_fields.queries import FIELDS
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.shape import paths_of
from domain.studio import KINDS
from domain.webhooks.queries import WEBHOOKS
from tests.api.client import Answer
from tests.api.conftest import Cast
from tests.api.walking import walk
from tests.factories import (
    make_approval,
    make_asset,
    make_character,
    make_field,
    make_project,
    make_scene,
    make_segment,
    make_webhook,
    shown,
)
from tests.support.queries import recorded


@pytest.fixture
def lists(cast: Cast, database: Database) -> list[tuple[str, ListSpec]]:
    """The path of a list of each kind, with something in it."""
    hook = make_webhook(database, project_ids=[cast.project["id"]])
    scene = make_scene(database, cast.project)
    make_segment(database, scene)
    character = make_character(database, cast.project)
    make_approval(database, CHARACTERS, character)
    make_field(database, cast.project, SCENES.object, "fps", "number")
    cast.admin.post(f"/webhooks/{hook.id}/test", {})
    project = f"/projects/{cast.project['id']}"
    return [
        *((f"/{kind.plural}", kind.listing) for kind in KINDS),
        *((f"{project}/{kind.plural}", kind.listing) for kind in (CHARACTERS, SCENES, SEGMENTS)),
        (f"/scenes/{scene['id']}/segments", SEGMENTS.listing),
        (f"/characters/{character['id']}/approvals", APPROVALS),
        (f"{project}/metadata-fields", FIELDS),
        ("/metadata", ENTITIES),
        ("/webhooks", WEBHOOKS),
        (f"/webhooks/{hook.id}/deliveries", DELIVERIES),
        ("/audit", AUDIT),
    ]


def test_every_list_takes_every_member_and_reference(cast: Cast, lists: list[tuple[str, ListSpec]]) -> None:
    for path, spec in lists:
        plain = cast.admin.get(path, limit=1)
        assert set(plain.data[0]) == set(spec.shown), path
        for name in spec.shown:
            assert set(cast.admin.get(path, limit=1, fields=name).data[0]) == {name}, path
        assert cast.admin.get(path, limit=1, fields=",".join(spec.shown)).data[0].keys() == plain.data[0].keys()
        for expanded in paths_of(spec.references):
            found = cast.admin.get(path, limit=1, expand=expanded).data[0]
            assert set(found) == {*spec.shown, expanded.partition(".")[0]}
            for name in expanded.split("."):
                found = found[name]
            assert found["object"] in ("asset", expanded.rpartition(".")[2], "character")
        total = cast.admin.get(path, limit=1, total="true").document["page"]
        assert total["total"] >= 1
        assert "total" not in cast.admin.get(path, limit=1, total="false").document["page"]


def test_every_list_refuses_what_it_does_not_offer(cast: Cast, lists: list[tuple[str, ListSpec]]) -> None:
    for path, spec in lists:
        refused: dict[str, tuple[str, str]] = {
            "fields=": ("fields", "`id`"),
            "fields=id,": ("fields", "`id`"),
            "fields=secret": ("fields", "`id`"),
            "fields=id,id": ("fields", "twice"),
            "fields=id&fields=id": ("fields", "twice"),
            "total=1": ("total", "`true` or `false`"),
            "total=": ("total", "`true` or `false`"),
            "total=TRUE": ("total", "`true` or `false`"),
            "total[eq]=true": ("total[eq]", "`total`"),
            "fields[in]=id": ("fields[in]", "`fields`"),
            "nonsense=1": ("nonsense", "`total`"),
        }
        if spec.references:
            first = next(iter(spec.references))
            for text in ("", "id", f"{first},", f"{first}.", f"{first}.id", f".{first}", f"{first}.{first}"):
                refused[f"expand={text}"] = ("expand", f"`{first}`")
            refused[f"expand={first},{first}"] = ("expand", "twice")
        else:
            refused["expand=project"] = ("expand", "`total`")
        if spec.searched:
            refused |= {"q=": ("q", "1 to 10 words"), "q=%20": ("q", "1 to 10 words"), "q=%00": ("q", "NUL")}
            refused |= {"q=a&q=a": ("q", "twice"), "q=" + "a%20" * 11: ("q", "1 to 10 words")}
        else:
            refused["q=a"] = ("q", "`total`")
        if not spec.entity:
            refused |= {"metadata.fps=1": ("metadata.fps", "`limit`"), "sort=metadata.fps": ("sort", "`id`")}
            refused["external_ids.kitsu=1"] = ("external_ids.kitsu", "`limit`")
        for query, (parameter, named) in refused.items():
            answer = cast.admin.call("GET", f"{path}?{query}").refused(400, "bad-query")
            assert answer.document["parameter"] == parameter, (path, query)
            assert named in answer.document["detail"], (path, query)


def test_it_shows_what_a_segment_is_in(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project)
    segment = make_segment(database, scene)
    query = {"expand": "scene,scene.project,project", "fields": "id,scene_id"}
    expected = {
        "id": segment["id"],
        "scene_id": scene["id"],
        "scene": {**shown(SCENES, scene), "project": shown(PROJECTS, cast.project)},
        "project": shown(PROJECTS, cast.project),
    }
    assert cast.viewer.get("/segments", **query).data == [expected]
    assert cast.viewer.get(f"/segments/{segment['id']}", **query).data == expected
    # A path brings what leads to it.
    deep = cast.viewer.get(f"/segments/{segment['id']}", expand="scene.project").data
    assert deep == {**shown(SEGMENTS, segment), "scene": expected["scene"]}


def test_each_row_has_its_own(cast: Cast, database: Database) -> None:
    scenes = [make_scene(database, project) for project in (cast.project, cast.foreign_project, cast.project)]
    for scene in [*scenes, *scenes]:
        make_segment(database, scene)
    for row in cast.admin.get("/segments", expand="scene.project").data:
        assert row["scene"]["id"] == row["scene_id"]
        assert row["scene"]["project"]["id"] == row["scene"]["project_id"] == row["project_id"]


def test_an_approval_shows_its_asset(cast: Cast, database: Database) -> None:
    for kind in (CHARACTERS, SCENES, SEGMENTS):
        asset = make_asset(database, kind, cast.project)
        make_approval(database, kind, asset)
        (found,) = cast.viewer.get(f"/{kind.plural}/{asset['id']}/approvals", expand="asset,project").data
        assert found["asset"]["name"] == asset["name"]
        assert found["project"] == shown(PROJECTS, cast.project)


def test_a_delivery_shows_its_webhook_without_its_secret(cast: Cast, database: Database) -> None:
    hook = make_webhook(database, project_ids=[cast.project["id"]])
    cast.admin.post(f"/webhooks/{hook.id}/test", {})
    (found,) = cast.admin.get(f"/webhooks/{hook.id}/deliveries", expand="webhook").data
    assert found["webhook"] == cast.admin.get(f"/webhooks/{hook.id}").data
    assert "secret" not in found["webhook"]


QUERIES: dict[str, list[str]] = {
    "storm": ["Storm at sea", "Ågnes"],
    "STORM sea": ["Storm at sea"],
    "sea storm": ["Storm at sea"],
    " sea\tstorm ": ["Storm at sea"],
    "nothing storm": [],
    "100%": ["100% done"],
    "%": ["100% done"],
    "_": ["under_score"],
    "SEA-7": ["Storm at sea"],
    "å": ["100% done"],
    "Å": ["Ågnes"],
}


@pytest.mark.parametrize("text", QUERIES)
def test_it_finds_every_word_in_name_code_or_description(cast: Cast, database: Database, text: str) -> None:
    make_scene(database, cast.project, name="Storm at sea", code="sea-7", position=1)
    make_scene(database, cast.project, name="Ågnes", description="waits for the\nstorm", position=2)
    make_scene(database, cast.project, name="100% done", description="på", code="x", position=3)
    make_scene(database, cast.project, name="under_score", code="y", position=4)
    assert [row["name"] for row in cast.viewer.get("/scenes", q=text).data] == QUERIES[text]


def test_the_total_is_of_what_the_filters_leave(cast: Cast, database: Database) -> None:
    for number in range(5):
        make_character(database, cast.project, status="approved" if number % 2 else "draft")
    make_character(database, cast.foreign_project, status="draft")
    first = cast.creator.get("/characters", status="draft", total="true", limit=1)
    assert first.document["page"]["total"] == 3
    after = cast.creator.get(
        "/characters", status="draft", total="true", limit=2, cursor=first.document["page"]["next"]
    )
    assert after.document["page"] == {"next": None, "limit": 2, "total": 3}


def test_links_keep_every_parameter(cast: Cast, database: Database) -> None:
    for number in range(3):
        make_character(database, cast.project, name=f"Zoë & Co, {number}%", description="a b")
    query: dict[str, Any] = {
        "name[contains]": "Zoë & Co, ", "q": "a b", "fields": "name", "expand": "project", "total": "true",
        "sort": "-name", "status[ne]": "archived", "description": None,
    }  # fmt: skip
    query.pop("description")
    rows = walk(cast.viewer, "/characters", 1, **query)
    assert [row["name"][-2] for row in rows] == ["2", "1", "0"]
    assert all(set(row) == {"name", "project"} for row in rows)


def test_a_cursor_goes_on_under_other_filters(cast: Cast, database: Database) -> None:
    rows = [make_character(database, cast.project, name=name) for name in "abcd"]
    cursor = cast.viewer.get("/characters", limit=2).document["page"]["next"]
    found = cast.viewer.get("/characters", cursor=cursor, limit=50, **{"name[ne]": "c", "fields": "id"})
    assert found.ids == [rows[3]["id"]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_one_refuses_what_it_does_not_offer(cast: Cast, database: Database, kind: Kind) -> None:
    row = cast.project if kind is PROJECTS else make_asset(database, kind, cast.project)
    path = f"/{kind.plural}/{row['id']}"
    refused = {
        "fields=": "fields", "fields=nonsense": "fields", "fields=id,id": "fields", "fields=id&fields=id": "fields",
        "expand=": "expand", "expand=nonsense": "expand", "expand=metadata": "expand", "limit=1": "limit",
        "name=x": "name", "q=x": "q", "total=true": "total", "fields%00=id": "fields\0",
    }  # fmt: skip
    for query, parameter in refused.items():
        answer = cast.viewer.call("GET", f"{path}?{query}").refused(400, "bad-query")
        assert answer.document["parameter"] == parameter
        assert "`id`" in answer.document["detail"] or "`fields`" in answer.document["detail"] or kind is not PROJECTS


def tag(answer: Answer) -> str:
    assert answer.status == 200
    return answer.headers["ETag"]


def test_each_form_of_one_has_a_tag_of_its_own(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project)
    path = f"/scenes/{scene['id']}"
    forms = ["", "?fields=id", "?fields=id,name", "?expand=project", "?fields=id&expand=project"]
    tags = [tag(cast.viewer.call("GET", path + form)) for form in forms]
    assert len(set(tags)) == len(forms)
    assert tags[0] == f'"{scene["id"]}-1"'
    for form, known in zip(forms, tags, strict=True):
        again = cast.viewer.call("GET", path + form, headers={"If-None-Match": known})
        assert (again.status, again.headers["ETag"], again.response.data) == (304, known, b"")
    assert cast.viewer.call("GET", path + forms[1], headers={"If-None-Match": tags[0]}).status == 200


@pytest.mark.parametrize("form", ["fields=id", "expand=project"])
def test_the_tag_of_a_form_guards_a_change(cast: Cast, database: Database, form: str) -> None:
    path = f"/scenes/{make_scene(database, cast.project)['id']}"
    known = {"If-Match": tag(cast.creator.call("GET", f"{path}?{form}"))}
    assert cast.creator.call("PATCH", path, json={"name": "New"}, headers=known).status == 200
    cast.creator.call("PATCH", path, json={"name": "Newer"}, headers=known).refused(412, "precondition-failed")


def test_the_tag_changes_with_what_is_expanded(cast: Cast, database: Database) -> None:
    path = f"/scenes/{make_scene(database, cast.project)['id']}?expand=project"
    before = tag(cast.viewer.call("GET", path))
    assert tag(cast.viewer.call("GET", path)) == before
    with database.transaction() as session:
        session.execute(update(PROJECTS.table).values(name="Renamed", version=2))
    answer = cast.viewer.call("GET", path, headers={"If-None-Match": before})
    assert answer.data["project"]["name"] == "Renamed"
    assert tag(answer) != before


def without_key(statements: list[str]) -> list[str]:
    """A key is remembered for a second: when that has just passed, the call reads it again."""
    return [statement for statement in statements if "FROM api_keys" not in statement]


COSTS: dict[str, int] = {
    "": 2,
    "fields=id,name": 2,
    "q=seg": 2,
    "sort=-name": 2,
    "expand=scene": 3,
    "expand=scene.project": 4,
    "expand=scene,scene.project,project": 4,
    "expand=project": 3,
    "total=true": 3,
    "metadata.fps=24": 3,
    "metadata.fps=24&metadata.mood[ne]=x": 3,
    "sort=metadata.fps": 3,
    "sort=metadata.fps&metadata.fps[gt]=1&metadata.mood[isnull]=true": 3,
    "external_ids.kitsu[isnull]=true": 2,
    "total=true&expand=scene&metadata.fps=24": 5,
}


@pytest.mark.parametrize("query", COSTS)
def test_a_list_costs_the_same_for_one_row_and_for_fifty(cast: Cast, database: Database, query: str) -> None:
    make_field(database, cast.project, SEGMENTS.object, "fps", "number")
    make_field(database, cast.project, SEGMENTS.object, "mood", "string")

    def make(number: int) -> None:
        for _ in range(number):
            make_segment(database, make_scene(database, cast.project), metadata={"fps": 24})

    def cost(limit: int) -> int:
        cast.viewer.get("/me")
        with recorded(database) as seen:
            response = cast.viewer.send("GET", f"/segments?{query}&limit={limit}".replace("?&", "?"))
        assert response.status_code == 200, response.text
        return len(without_key(seen))

    make(2)
    one = cost(1)
    make(50)
    assert (one, cost(50)) == (COSTS[query], COSTS[query])


def one_costs(cast: Cast, database: Database, kind: Kind) -> Callable[[str], int]:
    row = cast.project if kind is PROJECTS else make_asset(database, kind, cast.project)

    def cost(query: str) -> int:
        cast.viewer.get("/me")
        with recorded(database) as seen:
            response = cast.viewer.send("GET", f"/{kind.plural}/{row['id']}{query}")
        assert response.status_code == 200, response.text
        return len(without_key(seen))

    return cost


def test_one_costs_a_statement_for_each_level(cast: Cast, database: Database) -> None:
    cost = one_costs(cast, database, SEGMENTS)
    assert [cost(query) for query in ("", "?fields=id", "?expand=scene", "?expand=scene.project")] == [2, 2, 3, 4]


def test_portal_lists_offer_no_members() -> None:
    assert USERS.shown == ()


def test_a_project_shows_no_parent(cast: Cast, database: Database) -> None:
    assert PROJECTS.listing.references == {}
    make_project(database)
    assert "fields" in cast.viewer.get("/projects", expand="x").refused(400, "bad-query").document["detail"]
