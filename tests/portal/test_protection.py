"""What protects every page: CSRF, permissions, headers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Blueprint, Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from domain.access import Permission
from domain.ports import Services
from portal.blueprint import LARGEST_FORM, PortalBlueprint
from portal.context import EXTENSION
from tests.portal.conftest import SignIn
from tests.portal.factories import changes_of
from tests.support.page import HTMX, Visitor

FORM = "/portal/sign-in"
ADMIN_PAGES = ("/portal/api-keys", "/portal/api-keys/new", "/portal/users")


def test_a_post_without_token_is_refused(ada: Visitor) -> None:
    page = ada.post("/portal/sign-out", {}, 403)
    assert page.heading == "This page was open for too long"


def test_a_post_with_the_token_of_another_session_is_refused(ada: Visitor, visitor: Visitor) -> None:
    token = visitor.get(FORM).form(FORM)["csrf_token"]
    ada.post("/portal/sign-out", {"csrf_token": token}, 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
def test_a_post_from_another_site_is_refused(ada: Visitor, headers: dict[str, str]) -> None:
    token = ada.get("/portal/").form("/portal/sign-out")["csrf_token"]
    ada.post("/portal/sign-out", {"csrf_token": token}, 403, headers)


def test_nobody_may_upload_a_file(app: Flask) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n'
    body = head + b"x" * LARGEST_FORM + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    environ = EnvironBuilder(FORM, method="POST", data=body, content_type=kind).get_environ()
    assert run_wsgi_app(app, environ)[1] == "413 REQUEST ENTITY TOO LARGE"


def test_htmx_sends_the_token_in_a_header(ada: Visitor) -> None:
    token = ada.get("/portal/").form("/portal/sign-out")["csrf_token"]
    ada.post("/portal/theme", {"theme": "dark"}, 303, {"X-CSRF-Token": token})


@pytest.mark.parametrize("role", ["creator", "reviewer", "viewer"])
def test_only_admins_see_the_admin_pages(sign_in: SignIn, services: Services, role: str) -> None:
    visitor = sign_in(role)
    for path in ADMIN_PAGES:
        assert visitor.get(path, 403).heading == "You cannot open this"
    told = changes_of(services, "portal.refuse")
    assert [(change["method"], change["path"]) for change in told] == [("GET", path) for path in ADMIN_PAGES]
    menu = visitor.get("/portal/").links()
    assert "Studio" in menu
    assert "API keys" not in menu


def test_signed_out_every_page_leads_to_the_sign_in(app: Flask, visitor: Visitor) -> None:
    paths = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("portal.")
        and "GET" in (rule.methods or ())
        and not rule.arguments
        and rule.endpoint != "portal.session.sign_in"
    ]
    assert len(paths) >= 5
    for path in paths:
        assert visitor.get(path, 303).response.headers["Location"].startswith(FORM)


def test_every_slice_of_the_portal_declares_its_permission(app: Flask) -> None:
    slices = {name: blueprint for name, blueprint in app.blueprints.items() if name.startswith("portal.")}
    assert all(isinstance(blueprint, PortalBlueprint) for blueprint in slices.values())
    public = [name for name, blueprint in slices.items() if getattr(blueprint, "permission", None) is None]
    assert public == ["portal.session"]
    assert getattr(slices["portal.users"], "permission", None) is Permission.MANAGE_USERS


def test_a_slice_that_declares_nothing_is_refused(
    make_app: Callable[[], Flask], services: Services, ada: Visitor, app_cookie: str
) -> None:
    app = make_app()
    app.extensions[EXTENSION] = services
    forgetful = Blueprint("forgetful", __name__)
    forgetful.add_url_rule("/forgetful", view_func=lambda: "secrets", endpoint="show")
    portal = app.blueprints["portal"]
    portal._got_registered_once = False
    portal.register_blueprint(forgetful)
    app.register_blueprint(portal, name="again", url_prefix="/portal/again")
    visitor, cookie = Visitor(app), ada.client.get_cookie(app_cookie)
    assert cookie is not None
    visitor.client.set_cookie(app_cookie, cookie.value)
    visitor.get("/portal/api-keys")  # it is signed in here, too
    visitor.get("/portal/again/forgetful", 403)


def test_htmx_is_sent_to_the_sign_in_as_a_whole(visitor: Visitor) -> None:
    answer = visitor.get("/portal/studio", 401, HTMX)
    assert answer.response.headers["HX-Redirect"] == FORM


@pytest.mark.parametrize("path", ["/", "/portal/", FORM, "/portal/nothing-here"])
def test_every_answer_carries_the_headers(visitor: Visitor, path: str) -> None:
    headers = visitor.client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-Id"].startswith("req_")


def test_the_root_leads_to_the_portal(visitor: Visitor) -> None:
    assert visitor.get("/", 302).response.headers["Location"] == "/portal/"


def test_a_missing_page_looks_like_the_others(ada: Visitor, visitor: Visitor) -> None:
    assert ada.get("/portal/nothing-here", 404).heading == "There is nothing here"
    assert visitor.get("/portal/nothing-here", 404).heading == "There is nothing here"
    assert visitor.get("/elsewhere", 404).heading == "There is nothing here"


def test_htmx_gets_an_error_as_a_notice(ada: Visitor) -> None:
    answer = ada.get("/portal/nothing-here", 404, HTMX)
    assert answer.response.headers["HX-Retarget"] == "#notices"
    assert "<html" not in answer.response.text


def test_an_unexpected_error_tells_nothing_but_its_id(
    app: Flask, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> str:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setitem(app.view_functions, "portal.users.list_users", broken)
    page = ada.get("/portal/users", 500)
    assert page.heading == "Something broke on our side"
    assert "swordfish" not in page.response.text
    assert page.response.headers["X-Request-Id"] in page.response.text


def test_the_theme_is_rendered_by_the_server(ada: Visitor) -> None:
    page = ada.get("/portal/")
    assert "data-theme" not in page.tree.all("html")[0].attributes
    dark = ada.post("/portal/theme", {**page.form("/portal/theme"), "theme": "dark"})
    assert dark.tree.all("html")[0].attributes["data-theme"] == "dark"
    system = ada.post("/portal/theme", {**page.form("/portal/theme"), "theme": "system"})
    assert "data-theme" not in system.tree.all("html")[0].attributes
