"""The people who may sign in."""

from __future__ import annotations

from tests.portal.conftest import SignIn
from tests.support.page import Visitor


def test_it_lists_everybody(ada: Visitor, sign_in: SignIn) -> None:
    sign_in("viewer", [])
    page = ada.get("/portal/users")
    assert "viewer@example.com" in page.text
    assert "chosen projects" in page.text
    assert "$argon2" not in page.response.text


def test_it_filters(ada: Visitor, sign_in: SignIn) -> None:
    sign_in("viewer", [])
    assert "viewer@example.com" not in ada.get("/portal/users?role=admin").text
    assert "Nobody matches" in ada.get("/portal/users?q=zzz").text
