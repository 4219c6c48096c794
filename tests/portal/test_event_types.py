"""The catalogue's pages: every type, and each with example and schema per payload version."""

from __future__ import annotations

import pytest

from domain.events.catalogue import TYPES
from tests.portal.conftest import SignIn
from tests.support.page import Visitor

LIST = "/portal/event-types"


def test_it_works(ada: Visitor) -> None:
    page = ada.get(ada.get("/portal/webhooks").links()["Event types"])
    assert page.heading == "Event types"
    links = page.links()
    for event_type, description in TYPES.items():
        assert links[event_type] == f"{LIST}/{event_type}"
        assert description in page.text


@pytest.mark.parametrize("event_type", ["asset.approved", "metadata.updated", "job.failed", "webhook.failing"])
def test_a_type_shows_example_and_schema_of_each_version(ada: Visitor, event_type: str) -> None:
    whole = ada.get(f"{LIST}/{event_type}")
    assert whole.heading == event_type
    assert TYPES[event_type] in whole.text
    assert '"changes"' in whole.text
    assert "https://json-schema.org/draft/2020-12/schema" in whole.text
    thin = ada.get(whole.links()["Thin · v1-thin"])
    assert '"links"' in thin.text
    assert '"changes"' not in thin.text
    assert ada.get(f"{LIST}/{event_type}?payload_version=nonsense").text == whole.text


def test_every_role_may_read_it_and_finds_its_way(sign_in: SignIn) -> None:
    viewer = sign_in("viewer")
    assert "asset.approved" in viewer.get(LIST).links()
    assert "Webhooks" not in viewer.get(LIST).links()
    assert viewer.get(f"{LIST}/asset.approved").links()["Event types"] == LIST


def test_there_are_no_others(ada: Visitor) -> None:
    ada.get(f"{LIST}/asset.eaten", 404)
