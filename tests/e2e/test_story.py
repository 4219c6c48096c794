"""The main job, with every real part: an admin in Chromium, a script over HTTP, the studio's tool behind a webhook."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from config import ROOT
from tests.support.processes import Product
from tests.support.receiver import Receiver, receiver
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.browser]
EMAIL, PASSWORD = "ada@callsheet.local", "a password of some length"


def test_the_demo_works_as_it_is_printed(demo: Product) -> None:
    """The curl line that the first start prints makes a verified webhook arrive at the demo receiver."""
    line = next(text for text in demo.output.splitlines() if text.strip().startswith("curl "))
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    arrivals = _wait_for_arrivals(demo)
    assert arrivals[0]["type"] == "asset.approved"
    assert arrivals[0]["verified"] is True


def test_an_approval_reaches_the_studio_and_is_on_record(demo: Product, browser: Browser) -> None:
    _create_admin(demo)
    page = browser.new_page(base_url=demo.url)
    refused: list[str] = []
    page.on(
        "console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None
    )
    with receiver() as tool:
        _sign_in(page)
        key = _create_key(page)
        secret = _register_webhook(page, tool.url)
        _press_test(page, tool, secret)
        character = _approve(demo, key)
        _the_tool_hears(tool, secret, character)
        _the_delivery_is_shown(page)
        _the_call_is_audited(page, character)
    assert refused == []
    page.close()


def _wait_for_arrivals(product: Product) -> list[dict[str, object]]:
    def arrived() -> list[dict[str, object]]:
        found: list[dict[str, object]] = requests.get(f"{product.receiver_url}/arrivals", timeout=5).json()["arrivals"]
        return found

    return wait_until(arrived, 20, "nothing arrived at the demo receiver")


def _create_admin(product: Product) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "create", "--email", EMAIL, "--name", "Ada"]
    done = subprocess.run(
        [*command, "--role", "admin", "--password", PASSWORD],
        cwd=ROOT, env=product.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def _create_key(page: Page) -> str:
    page.get_by_role("link", name="API keys").first.click()
    page.get_by_role("link", name="Create key").first.click()
    page.get_by_label("Name", exact=True).fill("Review script")
    page.get_by_label("Role", exact=True).select_option("admin")
    page.locator("input[name=scope][value=full]").check()
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Key created")
    found = re.search(r"csk_\w{12}_\w{32}_\w{6}", page.content())
    assert found
    page.get_by_role("link", name="I have copied the key").click()
    assert found.group() not in page.content()
    return found.group()


def _register_webhook(page: Page, url: str) -> str:
    page.get_by_role("link", name="Webhooks").first.click()
    page.get_by_role("link", name="Add webhook").first.click()
    page.get_by_label("URL", exact=True).fill("http://user@169.254.169.254/")
    page.locator("input[name=event_types][value='asset.*']").check()
    page.get_by_role("button", name="Add webhook").click()
    expect(page.get_by_text("must not hold a user name").first).to_be_visible()
    page.get_by_label("URL", exact=True).fill(url)
    page.get_by_role("button", name="Add webhook").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Webhook added")
    found = re.search(r"whsec_[A-Za-z0-9+/=]{40,}", page.content())
    assert found
    return found.group()


def _press_test(page: Page, tool: Receiver, secret: str) -> None:
    page.get_by_role("button", name="Send test").click()
    expect(page.locator("#outcome")).to_contain_text("200", timeout=15_000)
    expect(page.locator("#outcome")).to_contain_text("thanks")
    assert page.get_by_role("heading", level=1).inner_text() == "Webhook added", (
        "the test must show its outcome in place"
    )
    (arrival,) = tool.arrivals
    arrival.verify(secret)
    assert arrival.event["type"] == "webhook.test"
    page.get_by_role("link", name="I have copied the secret").click()
    assert secret not in page.content()


def _approve(product: Product, key: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {key}"}
    listing = f"{product.url}/api/v1/characters"
    found = requests.get(f"{listing}?status=in_review&limit=1", headers=headers, timeout=10).json()
    (character,) = found["data"]
    decision = {"decision": "approved", "note": "Ship it."}
    url = f"{listing}/{character['id']}/approvals"
    answer = requests.post(url, json=decision, headers={**headers, "X-Request-Id": "story-1"}, timeout=10)
    assert answer.status_code == 201, answer.text
    return {**character, "key": key}


def _the_tool_hears(tool: Receiver, secret: str, character: dict[str, object]) -> None:
    tool.wait_for(2)
    arrival = tool.arrivals[-1]
    arrival.verify(secret)
    event = arrival.event
    assert (event["type"], event["version"], event["request_id"]) == ("asset.approved", "v1", "story-1")
    assert (event["data"]["id"], event["data"]["status"]) == (character["id"], "approved")
    assert event["changes"] == {"status": {"from": "in_review", "to": "approved"}}
    assert event["actor"]["type"] == "api_key"
    assert event["actor"]["name"] == "Review script"


def _the_delivery_is_shown(page: Page) -> None:
    page.reload()
    page.get_by_role("link", name="asset.approved").first.click()
    expect(page.locator("main")).to_contain_text("asset.approved")
    expect(page.locator("main")).to_contain_text("delivered", ignore_case=True)
    expect(page.locator("main")).to_contain_text("webhook-signature", ignore_case=True)


def _the_call_is_audited(page: Page, character: dict[str, object]) -> None:
    page.goto("/portal/audit?request_id=story-1")
    rows = page.locator("main table tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Review script")
    expect(rows).to_contain_text("201")
    rows.get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text(str(character["id"]))
    assert str(character["key"]) not in page.content()
