"""The portal in a real browser: the strict policy breaks nothing, and scripts add only comfort."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from domain.access import SYSTEM
from domain.accounts.commands import create_user
from domain.api_keys.commands import rotate_key
from domain.ports import Services
from domain.scenes.models import SCENES
from tests.portal.conftest import PASSWORD
from tests.portal.factories import make_asset, make_call, make_key, make_project

pytestmark = pytest.mark.browser

# What reaches over the edge of its window or of its table, which hides it behind a scroll bar.
TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll('.table-box')]
  .filter(box => box.scrollWidth > box.clientWidth).map(box => box.innerText)"""

# The contrast of every field's border with what is behind the field, by the formula of WCAG 2.2.
BORDERS = """() => {
  const parse = colour => colour.match(/[0-9.]+/g).map(Number)
  const light = colour => parse(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0)
  const behind = element => {
    const colour = getComputedStyle(element).backgroundColor
    return element.parentElement && parse(colour)[3] === 0 ? behind(element.parentElement) : colour
  }
  return [...document.querySelectorAll('.input, .choices')].filter(field => field.offsetWidth).map(field => {
    const [dark, bright] = [getComputedStyle(field).borderTopColor, behind(field.parentElement)]
      .map(light).sort((one, other) => one - other)
    return [field.id || field.className, (bright + 0.05) / (dark + 0.05)]
  })
}"""
LONG_NAMES = ("render_farm_lyon_nightly_sync_production_2026_key", "Averyverylongnamewithoutanyspaces" * 6)


@pytest.fixture
def address(app: Flask, services: Services) -> Iterator[str]:
    """The portal, served, with one user, two projects and two keys."""
    with services.database.transaction() as session:
        values = {"email": "ada@example.com", "name": "Ada Mori", "password": PASSWORD, "role": "admin"}
        create_user(session, SYSTEM, **values, project_ids=None, now=services.clock())
        make_project(session, services.clock())
        make_key(session, services, "Render farm")
        make_key(session, services, "Kitsu")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A signed-in tab that fails the test for any error or refusal in its console."""
    context = browser.new_context(base_url=address, permissions=["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    mistakes: list[str] = []
    tab.on("console", lambda message: mistakes.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: mistakes.append(str(error)))
    sign_in(tab)
    yield tab
    context.close()
    assert mistakes == []


def sign_in(tab: Page) -> None:
    tab.goto("/portal/sign-in")
    tab.fill("#email", "ada@example.com")
    tab.fill("#password", PASSWORD)
    tab.click("main button[type=submit]")
    tab.wait_for_url("**/portal/")


def test_filtering_replaces_the_list_alone(page: Page) -> None:
    page.goto("/portal/api-keys")
    page.evaluate("window.same = true")
    page.fill("#q", "Kit")
    page.wait_for_url("**q=Kit**")
    page.get_by_text("Render farm").wait_for(state="detached")
    assert page.locator("tbody tr").count() == 1
    assert page.evaluate("window.same")
    page.go_back()
    page.get_by_text("Render farm").wait_for()
    assert page.locator("tbody tr").count() == 2
    assert page.locator("h1").count() == 1


def test_revoking_opens_a_dialog(page: Page) -> None:
    page.goto("/portal/api-keys")
    page.click("text=Render farm")
    page.click(".page-actions >> text=Revoke")
    assert page.locator("dialog[open] h2").inner_text() == "Revoke “Render farm”?"
    page.click("dialog[open] >> text=Cancel")
    assert page.locator("dialog[open]").count() == 0
    page.click(".page-actions >> text=Revoke")
    page.click("dialog[open] >> text=Revoke key")
    assert "is revoked" in page.locator("#notices").inner_text()


def test_rotating_in_a_dialog_shows_the_new_key(page: Page) -> None:
    page.goto("/portal/api-keys")
    page.click("text=Render farm")
    page.click(".page-actions >> text=Rotate")
    page.select_option("dialog[open] #grace_seconds", "3600")
    page.click("dialog[open] >> text=Rotate key")
    assert page.locator("h1").inner_text() == "Key rotated"
    page.click("text=Copy key")
    page.wait_for_selector("[data-copied]")
    assert page.evaluate("navigator.clipboard.readText()").startswith("csk_")
    page.click("text=I have copied the key")
    assert page.locator("tbody").first.locator("tr").count() == 2


def test_an_id_is_copied(page: Page) -> None:
    page.goto("/portal/api-keys")
    page.click("text=Kitsu")
    page.click(".copy-button")
    page.wait_for_selector(".copy-button[data-copied]")
    assert page.evaluate("navigator.clipboard.readText()").startswith("key_")


def test_the_theme_changes_at_once_and_stays(page: Page) -> None:
    page.click(".themes button[value=dark]")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_its_window(page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in ("", "studio", "api-keys", "api-keys/new", "users", "webhooks", "audit"):
        page.goto(f"/portal/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@pytest.mark.parametrize("width", [390, 1280])
def test_long_names_wrap(page: Page, services: Services, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    now = services.clock()
    with services.database.transaction() as session:
        for number, name in enumerate(LONG_NAMES):
            project_id = make_project(session, now, name)
            scene_id = make_asset(session, SCENES, project_id, now, name=name, code="code" * 25, description=name)
            expires, tags = now + timedelta(days=80), ["nightly", "t" * 50, "farm"]
            key_id, _ = make_key(
                session, services, name, scope="project", project_ids=[project_id], expires_at=expires, tags=tags
            )
            make_call(session, key_id, now)
            values = {"email": f"{'a' * 60}{number}@example.com", "name": name, "password": PASSWORD, "role": "viewer"}
            create_user(session, SYSTEM, **values, project_ids=None, now=now)
    key, scene = f"api-keys/{key_id}", f"studio/scene/{scene_id}"
    project = f"studio/projects/{project_id}/scenes"
    for path in ("api-keys", key, f"{key}/edit", f"{key}/revoke", "users", "studio", project, scene, "audit", ""):
        page.goto(f"/portal/{path}")
        assert page.evaluate(TOO_WIDE) == [], path
        heights = page.locator("td .status, td time").evaluate_all("all => all.map(one => one.offsetHeight)")
        assert all(height <= 36 for height in heights), path
    page.goto("/portal/api-keys/new")
    page.fill("#name", "x" * 200)
    page.click("main .form-actions button")
    assert page.locator("h1").inner_text() == "Key created"
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_borders_of_fields_stand_out(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in ("api-keys", "api-keys/new", "webhooks/new", "audit"):
        page.goto(f"/portal/{path}")
        borders = page.evaluate(BORDERS)
        assert borders, path
        assert [(name, ratio) for name, ratio in borders if ratio < 3] == [], path


def test_a_phone_shows_when_keys_and_secrets_end(page: Page, services: Services) -> None:
    with services.database.transaction() as session:
        expires = services.clock() + timedelta(days=5, hours=1)
        key_id, _ = make_key(session, services, "Vendor", role="viewer", scope="read_only", expires_at=expires)
        rotate_key(session, SYSTEM, services.keyring, key_id, services.clock(), 7260)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/portal/api-keys")
    row = page.locator("tr", has_text="Vendor")
    assert "Viewer, read only, expires in 5 days" in row.inner_text()
    assert "never expires" in page.locator("tr", has_text="Kitsu").inner_text()
    page.goto(f"/portal/api-keys/{key_id}")
    assert "stops working in 2 hours" in page.locator("tr", has_text="retiring").inner_text()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert "stops working" not in page.locator("tr", has_text="retiring").inner_text()


def test_a_long_description_leaves_the_actions_in_sight(page: Page, services: Services) -> None:
    with services.database.transaction() as session:
        key_id, _ = make_key(session, services, "Vendor", description="What the vendor sends. " * 80)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"/portal/api-keys/{key_id}")
    revoke, whole = page.locator(".page-actions >> text=Revoke"), "document.querySelector('.lede').clientHeight"
    assert revoke.evaluate("button => button.getBoundingClientRect().bottom < 400")
    clamped = page.evaluate(whole)
    page.click("text=Show all of it")
    assert page.evaluate(whole) > 5 * clamped
    page.click("text=Show less")
    assert page.evaluate(whole) == clamped


def test_everything_works_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False, viewport={"width": 390, "height": 800})
    tab = context.new_page()
    sign_in(tab)
    tab.click(".topbar button")
    tab.click("text=API keys")
    tab.fill("#q", "Render")
    tab.click(".filters button")
    tab.click("text=Render farm")
    tab.click("text=Suspend")
    tab.fill("#suspend-reason", "Who is this?")
    tab.click("text=Suspend key")
    assert "Who is this?" in tab.locator("main").inner_text()
    tab.click("text=Revoke")
    assert tab.locator("h1").inner_text() == "Revoke “Render farm”?"
    tab.click("text=Revoke key")
    assert "is revoked" in tab.locator("#notices").inner_text()
    context.close()
