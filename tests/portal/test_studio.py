"""Browsing the studio."""

from __future__ import annotations

import pytest

from domain.characters.models import CHARACTERS
from domain.ports import Services
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from tests.portal.conftest import SignIn
from tests.portal.factories import make_approval, make_asset, make_project
from tests.support.page import Visitor
from tests.support.queries import recorded

STUDIO = "/portal/studio"


@pytest.fixture
def studio(services: Services) -> dict[str, str]:
    now = services.clock()
    with services.database.transaction() as session:
        project = make_project(session, now)
        character = make_asset(session, CHARACTERS, project, now, status="in_review")
        scene = make_asset(session, SCENES, project, now, name="Harbour at dusk")
        segment = make_asset(
            session, SEGMENTS, project, now, name="Shot 1", scene_id=scene, frame_in=1001, frame_out=1048
        )
        make_approval(session, "character", character, project, now, note="Age the seams.")
    return {"project": project, "character": character, "scene": scene, "segment": segment}


def test_no_projects(ada: Visitor) -> None:
    assert "No projects yet" in ada.get(STUDIO).text


def test_projects_lead_to_their_assets(ada: Visitor, studio: dict[str, str]) -> None:
    page = ada.get(ada.get(STUDIO).links()["Northlight"])
    assert page.heading == "Northlight active"
    assert page.links()["Mira Voss"] == f"{STUDIO}/character/{studio['character']}"


@pytest.mark.parametrize("plural", ["characters", "scenes", "segments", "about"])
def test_every_part_of_a_project(ada: Visitor, studio: dict[str, str], plural: str) -> None:
    project = ada.get(f"{STUDIO}/projects/{studio['project']}")
    page = ada.get(next(href for text, href in project.links().items() if text.lower().startswith(plural)))
    current = [link.text for link in page.tree.all("a") if link.attributes.get("aria-current") == "page"]
    assert current[0] == "Studio"
    assert current[1].lower().startswith(plural)


@pytest.mark.parametrize("noun", ["character", "scene", "segment"])
def test_every_kind_of_asset(ada: Visitor, studio: dict[str, str], noun: str) -> None:
    page = ada.get(f"{STUDIO}/{noun}/{studio[noun]}")
    assert studio[noun] in page.text
    assert '"mood": "<dusk>"' in page.text


def test_decisions_are_shown(ada: Visitor, studio: dict[str, str]) -> None:
    assert "Age the seams." in ada.get(f"{STUDIO}/character/{studio['character']}").text


def test_segments_show_their_frames(ada: Visitor, studio: dict[str, str]) -> None:
    assert "1001–1048 48 frames" in ada.get(f"{STUDIO}/scene/{studio['scene']}").text


def test_what_is_not_there_is_missing(ada: Visitor, studio: dict[str, str]) -> None:
    for path in (
        "projects/prj_x",
        f"projects/{studio['project']}/nothing",
        "character/chr_x",
        f"project/{studio['project']}",
    ):
        ada.get(f"{STUDIO}/{path}", 404)


def test_a_member_of_other_projects_sees_nothing_of_it(
    sign_in: SignIn, services: Services, studio: dict[str, str]
) -> None:
    with services.database.transaction() as session:
        other = make_project(session, services.clock(), "Tin Harbour")
    visitor = sign_in("viewer", [other])
    assert "Northlight" not in visitor.get(STUDIO).text
    visitor.get(f"{STUDIO}/projects/{studio['project']}", 404)
    visitor.get(f"{STUDIO}/character/{studio['character']}", 404)


@pytest.mark.parametrize("path", ["", "/projects/{project}/segments", "/scene/{scene}"])
def test_the_count_of_statements_does_not_grow(
    ada: Visitor, services: Services, studio: dict[str, str], path: str
) -> None:
    counts = []
    for _ in range(2):
        with recorded(services.database) as seen:
            ada.get(STUDIO + path.format(**studio))
        counts.append(len(seen))
        with services.database.transaction() as session:
            for _ in range(20):
                project = make_project(session, services.clock())
                make_asset(session, CHARACTERS, project, services.clock())
                make_asset(session, SEGMENTS, studio["project"], services.clock(), scene_id=studio["scene"])
    assert counts[0] == counts[1] <= 10
