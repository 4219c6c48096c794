"""The GraphQL explorer in a real browser: it asks with the key that is typed, and keeps it nowhere."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from domain.db import Database
from tests.api.conftest import Cast
from tests.factories import make_scene


def test_its_page_takes_nothing_from_elsewhere(app: Flask) -> None:
    response = app.test_client().get("/graphql-explorer")
    assert response.status_code == 200
    assert "http://" not in response.text
    assert "https://" not in response.text
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_asks_with_the_key_that_is_typed(
    browser: Browser, address: str, cast: Cast, database: Database, width: int, scheme: str, tmp_path: Path
) -> None:
    make_scene(database, cast.project, name="The lamp goes out")
    assert cast.viewer.key is not None
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    tab = context.new_page()
    mistakes: list[str] = []
    tab.on("console", lambda message: mistakes.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: mistakes.append(str(error)))
    tab.goto("/graphql-explorer")
    tab.fill("#key", cast.viewer.key.token)
    tab.click("#key-form button")
    tab.click("button.graphiql-execute-button")
    tab.locator(".result-window", has_text="The lamp goes out").wait_for()
    pictures = Path(os.environ.get("EXPLORER_PICTURES", tmp_path))
    tab.screenshot(path=pictures / f"explorer-{width}-{scheme}.png")
    kept = tab.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert cast.viewer.key.token not in kept
    context.close()
    assert mistakes == []
