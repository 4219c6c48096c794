"""GET /event-types and /event-types/{event_type}: the catalogue."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from domain.events.catalogue import TYPES
from tests.api.conftest import Cast


def test_it_works(cast: Cast) -> None:
    answer = cast.viewer.get("/event-types")
    assert answer.status == 200
    assert answer.document["page"] == {"next": None, "limit": 200}
    assert [entry["name"] for entry in answer.data] == list(TYPES)
    for entry in answer.data:
        assert entry["object"] == "event_type"
        assert entry["description"] == TYPES[entry["name"]]
        assert [form["payload_version"] for form in entry["forms"]] == ["v1", "v1-thin"]
        for form in entry["forms"]:
            Draft202012Validator.check_schema(form["schema"])
            Draft202012Validator(form["schema"]).validate(form["example"])


def test_it_shows_one_type(cast: Cast) -> None:
    listed = {entry["name"]: entry for entry in cast.creator.get("/event-types").data}
    for name in ("asset.approved", "api_key.expiring"):
        assert cast.creator.get(f"/event-types/{name}").data == listed[name]
    assert not listed["asset.approved"]["operational"]
    assert listed["api_key.expiring"]["operational"]
    whole, thin = listed["asset.approved"]["forms"]
    assert whole["example"]["changes"] == {"status": {"from": "in_review", "to": "approved"}}
    assert thin["example"]["data"].keys() == {"object", "id", "links"}


def test_it_tells_that_there_is_no_such_type(cast: Cast) -> None:
    for name in ("asset.eaten", "asset.*", "*", "%00"):
        cast.viewer.get(f"/event-types/{name}").refused(404, "not-found")


def test_it_needs_a_key(cast: Cast) -> None:
    cast.nobody.get("/event-types").refused(401, "key-missing")
