"""The pages of a webhook in a real browser: only what matters is in sight, and nothing is too wide."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from domain.ports import Services
from tests.factories import make_webhook
from tests.portal.test_in_browser import address, page

__all__ = ["address", "page"]

pytestmark = pytest.mark.browser
TERMS: dict[str, Any] = {
    "event_types": ["asset.*", "job.completed"],
    "filter": {"data.status[in]": ["approved", "rejected"], "data.position[gte]": 10},
    "signature": "v1a",
    "ordering": "entity",
    "rate_per_minute": 600,
    "max_concurrency": 4,
    "headers": {"X-Studio-Key": "a", "X-Render-Farm-Pool": "b"},
    "auth": {"type": "basic", "username": "farm", "password": "b"},
}


def make(services: Services) -> str:
    return make_webhook(services.database, keyring=services.keyring, **TERMS).id


def test_it_works(page: Page, services: Services) -> None:
    page.goto("/portal/webhooks/new")
    expect(page.locator("#token")).to_be_hidden()
    page.check("#auth-bearer")
    expect(page.locator("#token")).to_be_visible()
    expect(page.locator("#password")).to_be_hidden()
    page.fill("#url", "https://93.184.216.34/in")
    page.check("#event-asset")
    page.fill("#token", "a-token")
    page.fill("#filter", "data.status = approved")
    page.click("text=Add webhook >> nth=-1")
    expect(page.locator("h1")).to_have_text("Webhook added")
    page.click("text=I have copied the secret")
    expect(page.locator("body")).to_contain_text("data.status = approved")
    expect(page.locator("body")).to_contain_text("bearer token")


def test_headers_that_are_kept_are_out_of_sight(page: Page, services: Services) -> None:
    page.goto(f"/portal/webhooks/{make(services)}/edit")
    expect(page.locator("#headers")).to_be_hidden()
    page.check("#own_headers-replace")
    expect(page.locator("#headers")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_its_window(page: Page, services: Services, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    one = f"/portal/webhooks/{make(services)}"
    for path in (one, f"{one}/edit", f"{one}/rotate", f"{one}/delete", "/portal/webhooks/new"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
