"""Signing in and out."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest
from flask import Flask, flash
from sqlalchemy import delete, func, select, update

from domain.accounts.models import sessions, users
from domain.audit.models import api_audit_log
from domain.ports import Services
from portal.auth import ADDRESS_PER_MINUTE
from tests.portal.conftest import PASSWORD, Clock, SignIn
from tests.support.page import HTMX, Visitor

FORM = "/portal/sign-in"


def count_sessions(services: Services) -> int:
    with services.database.reading() as session:
        return int(session.execute(select(func.count()).select_from(sessions)).scalar_one())


def actions(services: Services) -> list[str | None]:
    with services.database.reading() as session:
        return list(session.execute(select(api_audit_log.c.action).order_by(api_audit_log.c.id)).scalars())


def test_it_works(ada: Visitor, services: Services) -> None:
    assert ada.get("/portal/").heading == "Overview"
    assert count_sessions(services) == 1
    assert actions(services) == ["session.create"]


def test_looking_at_the_page_writes_nothing(visitor: Visitor, services: Services) -> None:
    visitor.get(FORM)
    assert count_sessions(services) == 0


def test_a_wrong_password_and_an_unknown_address_read_the_same(
    sign_in: SignIn, visitor: Visitor, services: Services
) -> None:
    sign_in()
    page = visitor.get(FORM)
    wrong = visitor.submit(page, FORM, status=422, email="admin@example.com", password="not the password")
    unknown = visitor.submit(page, FORM, status=422, email="nobody@example.com", password="not the password")
    assert "do not fit together" in wrong.text
    assert wrong.text == unknown.text
    assert wrong.form(FORM)["email"] == "admin@example.com"
    assert wrong.form(FORM)["password"] == ""
    assert actions(services)[-2:] == ["session.refuse", "session.refuse"]


def test_an_inactive_user_is_refused_and_signed_out(ada: Visitor, services: Services) -> None:
    with services.database.transaction() as session:
        session.execute(update(users).values(active=False))
    assert ada.get("/portal/", 303).response.headers["Location"].startswith(FORM)
    page = ada.get(FORM)
    ada.submit(page, FORM, status=422, email="admin@example.com", password=PASSWORD)


def test_guessing_is_slowed_down(sign_in: SignIn, visitor: Visitor, services: Services) -> None:
    page = visitor.get(FORM)
    for _ in range(5):
        visitor.submit(page, FORM, status=422, email="admin@example.com", password="a guess that is wrong")
    slowed = visitor.submit(page, FORM, status=429, email="admin@example.com", password="a guess that is wrong")
    assert slowed.response.headers["Retry-After"] == "12"
    assert "Too many attempts" in slowed.text
    with services.database.reading() as session:
        kept = session.execute(select(api_audit_log).order_by(api_audit_log.c.id.desc())).mappings().first()
    assert kept is not None
    assert (kept["action"], kept["status_code"], kept["problem"]) == ("session.refuse", 429, "quota-exceeded")


def test_it_leads_where_one_was_going(sign_in: SignIn, visitor: Visitor) -> None:
    sign_in()
    asked = visitor.get("/portal/studio?q=x", 303).response.headers["Location"]
    page = visitor.get(asked)
    assert visitor.submit(page, FORM, email="admin@example.com", password=PASSWORD).heading == "Studio"


def test_it_leads_to_no_other_site(sign_in: SignIn, visitor: Visitor) -> None:
    sign_in()
    for bad in ("https://evil.example/", "//evil.example/portal/", "/portal/\\evil", "/portal", "/portal/%0d%0aX:+y"):
        page = visitor.get(f"{FORM}?next={bad}")
        assert page.form(FORM)["next"] == "/portal/"


def test_the_session_is_renewed(sign_in: SignIn, visitor: Visitor, app_cookie: str) -> None:
    sign_in()
    page = visitor.get(FORM)
    before = visitor.client.get_cookie(app_cookie)
    visitor.submit(page, FORM, email="admin@example.com", password=PASSWORD)
    after = visitor.client.get_cookie(app_cookie)
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert after.http_only
    assert after.same_site == "Lax"


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(
    ada: Visitor, services: Services, app_cookie: str
) -> None:
    stolen = ada.client.get_cookie(app_cookie)
    assert stolen is not None
    page = ada.submit(ada.get("/portal/"), "/portal/sign-out")
    assert "You are signed out" in page.text
    assert count_sessions(services) == 0
    ada.client.set_cookie(app_cookie, stolen.value)
    ada.get("/portal/", 303)


def test_a_request_that_outlives_the_sign_out_does_not_bring_the_session_back(
    app: Flask, ada: Visitor, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sign_out_meanwhile() -> str:
        with services.database.transaction() as session:
            session.execute(delete(sessions))
        flash("The session changes, so it is written.")
        return ""

    monkeypatch.setitem(app.view_functions, "portal.users.list_users", sign_out_meanwhile)
    ada.get("/portal/users")
    assert count_sessions(services) == 0
    ada.get("/portal/", 303)


def test_guessers_of_one_network_count_as_one(
    sign_in: SignIn, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in()
    page = visitor.get(FORM)
    for host in range(1, 6):
        monkeypatch.setattr("portal.auth.client_ip", lambda host=host: f"2001:db8::{host}")
        visitor.submit(page, FORM, status=422, email="admin@example.com", password="a guess that is wrong")
    visitor.submit(page, FORM, status=429, email="admin@example.com", password="a guess that is wrong")


def guess(visitor: Visitor, account: int, forwarded_for: str) -> int:
    """A wrong password for an account of its own; the status."""
    form = {**visitor.get(FORM).form(FORM), "email": f"user{account}@example.com", "password": "a guess that is wrong"}
    headers = {"X-Forwarded-For": forwarded_for}
    return visitor.client.post(FORM, data=form, headers=headers).status_code


@pytest.fixture
def _quick_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing a password takes its time; these are counted before."""
    monkeypatch.setattr("portal.auth.verify_password", lambda _known, _given: False)


@pytest.mark.usefixtures("_quick_guesses")
def test_an_address_is_limited_whatever_account_it_tries_and_whatever_it_claims(visitor: Visitor) -> None:
    """No proxy is configured, so nobody is believed to call for somebody else."""
    statuses = [guess(visitor, number, f"198.51.100.{number}") for number in range(ADDRESS_PER_MINUTE + 1)]
    assert statuses == [422] * ADDRESS_PER_MINUTE + [429]


@pytest.mark.usefixtures("_quick_guesses")
def test_behind_a_configured_proxy_each_caller_is_limited_alone(visitor: Visitor, services: Services) -> None:
    object.__setattr__(services.settings, "trusted_proxies", (ip_network("127.0.0.0/8"),))
    for number in range(ADDRESS_PER_MINUTE):
        assert guess(visitor, number, "203.0.113.1, 198.51.100.1") == 422
    # What stands before the last address that no proxy has is whatever the caller likes.
    assert guess(visitor, 98, "203.0.113.2, 198.51.100.1") == 429
    assert guess(visitor, 99, "203.0.113.1, 198.51.100.2") == 422


def test_an_idle_session_ends(ada: Visitor, clock: Clock) -> None:
    clock.ahead = timedelta(hours=7)
    ada.get("/portal/")
    clock.ahead = timedelta(hours=14)
    ada.get("/portal/")
    clock.ahead = timedelta(hours=23)
    ada.get("/portal/", 303)


def test_a_page_that_refreshes_itself_is_nobodys_presence(ada: Visitor, clock: Clock) -> None:
    clock.ahead = timedelta(hours=7)
    ada.get("/portal/", headers=HTMX)
    clock.ahead = timedelta(hours=9)
    ada.get("/portal/", 303)


def test_no_session_lasts_longer_than_a_week(ada: Visitor, clock: Clock) -> None:
    for hours in range(7, 7 * 24, 7):
        clock.ahead = timedelta(hours=hours)
        ada.get("/portal/")
    clock.ahead = timedelta(days=7, minutes=1)
    ada.get("/portal/", 303)
