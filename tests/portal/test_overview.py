"""The last day at a glance."""

from __future__ import annotations

from datetime import timedelta

from domain.characters.models import CHARACTERS
from domain.ports import Services
from tests.portal.conftest import SignIn
from tests.portal.factories import make_approval, make_asset, make_call, make_key, make_project
from tests.support.page import HTMX, Visitor


def test_an_empty_studio(ada: Visitor) -> None:
    page = ada.get("/portal/")
    assert "no call yet" in page.text
    assert "every endpoint is healthy" in page.text


def test_it_counts_the_last_day(ada: Visitor, services: Services) -> None:
    now = services.clock()
    with services.database.transaction() as session:
        key_id, _ = make_key(session, services, expires_at=now + timedelta(days=3))
        for status in (200, 200, 404, 503):
            make_call(session, key_id, now, status)
        make_call(session, key_id, now - timedelta(days=2), 500)
        project = make_project(session, now)
        asset = make_asset(session, CHARACTERS, project, now, status="in_review")
        make_approval(session, "character", asset, project, now, "Lock it.")
    page = ada.get("/portal/")
    figures = [node.text for node in page.tree.all("span") if node.attributes.get("class") == "stat-value"]
    assert figures == ["4", "0", "0", "1", "1"]
    assert "50 % errors" in page.text
    assert "Lock it." in page.text
    assert "Render farm" in page.links()


def test_those_who_are_no_admins_see_the_studio_only(sign_in: SignIn) -> None:
    page = sign_in("viewer").get("/portal/")
    assert "In review" in page.text
    assert "API calls" not in page.text
    assert "Webhooks" not in page.text


def test_htmx_refreshes_the_figures_alone(ada: Visitor) -> None:
    page = ada.get("/portal/", headers=HTMX)
    assert page.response.text.lstrip().startswith('<div class="stats">')
