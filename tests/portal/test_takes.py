"""Takes on the page of what they are of, and the decision that names the one that was shown."""

from __future__ import annotations

import pytest
from sqlalchemy import RowMapping, select

from domain.approvals.models import approvals
from domain.db import Row
from domain.ports import Services
from portal.studio.screening import TAKES_SHOWN
from tests.factories import make_artifact, make_job, make_project, make_scene, make_segment, make_take
from tests.portal.conftest import SignIn
from tests.support.page import Visitor


@pytest.fixture
def segment(services: Services) -> Row:
    scene = make_scene(services.database, make_project(services.database))
    return make_segment(services.database, scene, name="Needle through silk", status="in_review")


@pytest.fixture
def takes(services: Services, segment: Row) -> list[Row]:
    ended = [make_job(services.database, segment, status="succeeded") for _ in range(2)]
    return [make_take(services.database, job, number=number) for number, job in enumerate(ended, start=1)]


def page_of(segment: Row) -> str:
    return f"/portal/studio/segment/{segment['id']}"


def approval(services: Services) -> RowMapping:
    with services.database.reading() as session:
        return session.execute(select(approvals)).mappings().one()


def test_it_works(ada: Visitor, services: Services, segment: Row, takes: list[Row]) -> None:
    page = ada.get(page_of(segment))
    assert "Decide on take 2" in page.text
    assert page.links()["Take 1"] == f"{page_of(segment)}?take=1"
    (large, *small) = page.tree.all("img")
    assert large.attributes["src"] == f"/portal/jobs/{takes[1]['job_id']}/files/preview.webp?version=1"
    assert large.attributes["alt"] == "Take 2 of Needle through silk: preview.webp"
    assert len(small) == 2
    older = ada.get(page.links()["Take 1"])
    assert older.form(f"{page_of(segment)}/decide")["take_id"] == takes[0]["id"]
    done = ada.submit(older, f"{page_of(segment)}/decide", decision="approved", note="Ship it.")
    made = approval(services)
    assert (made["decision"], made["take_id"], made["note"]) == ("approved", takes[0]["id"], "Ship it.")
    assert "Your decision is recorded for take 1: approved." in done.text
    assert done.links()["take 1"] == f"{page_of(segment)}?take=1"


@pytest.mark.parametrize("decision", ["changes_requested", "in_review"])
def test_the_take_that_was_decided_on_stays_in_view(
    ada: Visitor, segment: Row, takes: list[Row], decision: str
) -> None:
    older = ada.get(f"{page_of(segment)}?take=1")
    answer = ada.submit(older, f"{page_of(segment)}/decide", 303, decision=decision)
    assert answer.response.headers["Location"] == f"{page_of(segment)}?take=1"


def test_the_form_follows_the_picture(ada: Visitor, segment: Row, takes: list[Row]) -> None:
    page = ada.get(page_of(segment))
    headings = [heading.text for heading in page.tree.all("h2")]
    assert headings.index("Decide on take 2") < headings.index("About take 2")


def test_jobs_that_have_not_ended_are_told(ada: Visitor, services: Services, segment: Row) -> None:
    assert "Under way" not in ada.get(page_of(segment)).text
    drawn = make_job(services.database, segment, kind="preview")
    make_job(services.database, segment, kind="render", status="waiting")
    make_job(services.database, segment, kind="generate", status="running", message="Frame 40 of 96", progress=41)
    make_job(services.database, segment, kind="upscale", status="failed")
    page = ada.get(page_of(segment))
    assert page.links()["Preview"] == f"/portal/jobs/{drawn['id']}"
    for line in ("Preview: waits for a worker", "Render: waits for others", "Generate: Frame 40 of 96", "41 %"):
        assert line in page.text
    assert "Upscale" not in page.text
    assert "Nothing has been made" not in page.text
    make_take(services.database, make_job(services.database, segment, status="succeeded"))
    assert "Preview: waits for a worker" in ada.get(page_of(segment)).text


def test_files_of_an_attempt_that_failed_are_not_shown(ada: Visitor, services: Services, segment: Row) -> None:
    job = make_job(services.database, segment, status="succeeded", attempts=2)
    make_artifact(services.database, job, "a_half.png", attempt=1)
    make_take(services.database, job, thumbnail_id=None, media_id=None)
    page = ada.get(page_of(segment))
    (large,) = page.tree.all("img")
    assert large.attributes["alt"] == "Take 1 of Needle through silk: preview.webp"
    assert "a_half.png" not in page.text


def test_an_older_take_than_those_listed_is_shown_when_it_is_named(
    ada: Visitor, services: Services, segment: Row
) -> None:
    ended = [make_job(services.database, segment, status="succeeded") for _ in range(TAKES_SHOWN + 2)]
    first, *_ = [make_take(services.database, job, number=number) for number, job in enumerate(ended, start=1)]
    assert "Take 1" not in ada.get(page_of(segment)).links()
    page = ada.get(f"{page_of(segment)}?take=1")
    assert page.form(f"{page_of(segment)}/decide")["take_id"] == first["id"]
    (shown,) = [link for link in page.tree.all("a") if "aria-current" in link.attributes and "Take" in link.text]
    assert shown.text == "Take 1"


@pytest.mark.parametrize("number", ["3", "0", "-1", "01", "one", "٢", "9" * 30])
def test_a_take_that_there_is_not_is_not_found(ada: Visitor, segment: Row, takes: list[Row], number: str) -> None:
    assert "Decide on" not in ada.get(f"{page_of(segment)}?take={number}", 404).text


def test_without_takes_a_decision_names_none(ada: Visitor, services: Services, segment: Row) -> None:
    page = ada.get(page_of(segment))
    assert "Nothing has been made of it yet." in page.text
    ada.submit(page, f"{page_of(segment)}/decide", decision="changes_requested", note="")
    assert approval(services)["take_id"] is None


def test_a_decision_that_is_not_possible_says_so(ada: Visitor, services: Services, segment: Row) -> None:
    page = ada.get(page_of(segment))
    ada.submit(page, f"{page_of(segment)}/decide", decision="approved", note="")
    assert "what can be decided now is" in ada.submit(page, f"{page_of(segment)}/decide", decision="approved").text


def test_a_take_of_something_else_is_refused(ada: Visitor, services: Services, segment: Row) -> None:
    other = make_segment(services.database, {"id": segment["scene_id"], "project_id": segment["project_id"]})
    take = make_take(services.database, make_job(services.database, other, status="succeeded"))
    page = ada.get(page_of(segment))
    refused = ada.submit(page, f"{page_of(segment)}/decide", decision="approved", note="", take_id=take["id"])
    assert "Name a take of this segment" in refused.text


@pytest.mark.parametrize("role", ["viewer", "creator"])
def test_who_may_not_decide_is_not_asked(sign_in: SignIn, segment: Row, takes: list[Row], role: str) -> None:
    visitor = sign_in(role)
    page = visitor.get(page_of(segment))
    assert "Decide on" not in page.text
    token = page.form("/portal/sign-out")["csrf_token"]
    visitor.post(f"{page_of(segment)}/decide", {"csrf_token": token, "decision": "approved"}, 403)


def test_lists_show_the_newest(ada: Visitor, segment: Row, takes: list[Row]) -> None:
    for page in (
        f"/portal/studio/projects/{segment['project_id']}/segments",
        f"/portal/studio/scene/{segment['scene_id']}",
    ):
        (picture,) = ada.get(page).tree.all("img")
        assert picture.attributes["src"] == f"/portal/jobs/{takes[1]['job_id']}/files/preview.webp"
