"""Every operation of the API is guarded: who holds nothing but the wrong permission is refused by each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from flask import Flask

from app import build_services, create_app
from config import Settings
from domain.access import Permission
from domain.db import Database
from tests.api.client import Client
from tests.factories import SECRET, make_key

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def app(database_url: str, redis_url: str, home: Path) -> Iterator[Flask]:
    environ = {"CALLSHEET_HOME": str(home), "CALLSHEET_SECRET_KEY": SECRET}
    settings = Settings.from_env({**environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url})
    services = build_services(settings)
    yield create_app(settings, services)
    services.database.dispose()


def operations(app: Flask) -> dict[tuple[str, str], str]:
    """The permission of each method and path, but for those that need no key."""
    document = orjson.loads(app.test_client().get("/openapi.json").data)
    return {
        (method, path): item[method]["x-permission"]
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and item[method].get("security") != []
    }


def test_every_operation_refuses_who_lacks_its_permission(app: Flask, database: Database) -> None:
    """403, or 404 where the path names an object that is not there: never an answer."""
    found = operations(app)
    assert set(found.values()) <= set(Permission)
    assert len(found) > 20
    viewer, nobody = Client(app, make_key(database, "viewer", expires_at=None)), Client(app)
    for (method, path), permission in found.items():
        concrete = re.sub(r"\{\w+\}", "nonsense", path)
        assert nobody.send(method.upper(), concrete).status_code in (401, 429)
        status = viewer.send(method.upper(), concrete, json={}).status_code
        if "/event-cursors/" in path and method != "get":  # any name will do, and is there then
            assert status == 200
        elif path.endswith(("/batch", "/graphql")):  # asks what each of its operations needs, and there are none
            assert status == 422
        elif permission == Permission.READ:
            assert status == (404 if "{" in path else 200), path
        else:
            assert status in (403, 404), path
            assert status == 403 or "{id}" in path, path
