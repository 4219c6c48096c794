"""What the catalogue says of an object is what the API says of it: names, which are always there, null, words, ids."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from flask import Flask

from domain.events.definitions import entity, expiring_key, job
from domain.jobs.models import STATUSES
from domain.studio import KINDS

Schema = dict[str, Any]
# Of a job: what the document writes out in schemas of their own.
NESTED = {"target", "error", "cost"}
CASES = [*((kind.object, entity(kind)) for kind in KINDS), ("job", job(STATUSES))]


@pytest.fixture(scope="session")
def components(shared_app: Flask) -> dict[str, Schema]:
    document = orjson.loads(shared_app.test_client().get("/openapi.json").data)
    found: dict[str, Schema] = document["components"]["schemas"]
    return found


def essence(schema: Schema, components: dict[str, Schema]) -> Schema:
    """What both say in the same words: types, null, words, the patterns of ids."""
    if "$ref" in schema:
        return essence(components[schema["$ref"].rpartition("/")[2]], components)
    words = [schema["const"]] if "const" in schema else schema.get("enum", [])
    types = schema.get("type", "string" if words else [])
    pattern = schema.get("pattern", "")
    return {
        "words": words,
        "types": sorted([types] if isinstance(types, str) else types),
        "id": pattern if "_[" in pattern else None,
    }


@pytest.mark.parametrize(("noun", "schema"), CASES)
def test_it_works(components: dict[str, Schema], noun: str, schema: Schema) -> None:
    of_api = components[noun.capitalize()]
    assert set(schema["properties"]) == set(of_api["properties"])
    assert set(schema["required"]) == set(of_api["required"])
    for name in schema["properties"].keys() - NESTED:
        member = schema["properties"][name]
        assert essence(member, components) == essence(of_api["properties"][name], components), name


def test_it_holds_for_keys_too(components: dict[str, Schema]) -> None:
    schema, of_api = expiring_key(), components["ApiKey"]
    assert set(schema["properties"]) - {"expires_within_days"} == set(of_api["properties"]) - {"key"}
    for name in set(schema["properties"]) & set(of_api["properties"]) - {"expires_at"}:
        ours, theirs = (essence(each["properties"][name], components) for each in (schema, of_api))
        assert (ours["words"], ours["types"]) == (theirs["words"], theirs["types"]), name
