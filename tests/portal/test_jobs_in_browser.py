"""The page of a job in a real browser: all of it moves with the job, and what has not changed stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from domain.access import SYSTEM
from domain.db import Row
from domain.events.commands import Context
from domain.jobs.working import complete_job
from domain.ports import Services
from tests.factories import LEASE, change_job
from tests.portal.test_in_browser import address, page
from tests.portal.test_jobs import JOBS, job_row, keep, running, segment, start, submit

__all__ = ["address", "page", "segment"]

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """The page asks every two seconds: of a busy machine not much is left of Playwright's five."""
    expect.set_options(timeout=15_000)
    yield
    expect.set_options(timeout=5_000)


def complete(services: Services, job_id: str, **given: Any) -> None:
    with services.database.transaction() as session:
        job = dict(job_row(services, job_id))
        complete_job(session, Context(SYSTEM, services.clock()), job, {"lease_token": LEASE, **given})


def test_all_of_it_moves(page: Page, services: Services, segment: Row) -> None:
    job_id = submit(services, segment)
    page.goto(f"{JOBS}/{job_id}")
    expect(page.locator("main")).to_contain_text("0 of 3")
    start(services, job_id)
    expect(page.locator("main")).to_contain_text("1 of 3")
    expect(page.locator("main")).to_contain_text("farm-7")
    keep(services, job_row(services, job_id), "notes.txt", "text/plain")
    complete(services, job_id, result={"frames": 96}, cost={"amount": "0.42", "currency": "EUR"})
    for text in ("succeeded", "Result", '"frames": 96', "0.42 EUR", "take 1"):
        expect(page.locator("main")).to_contain_text(text)
    expect(page.locator("main")).not_to_contain_text("not yet")
    expect(page.locator("text=Cancel job")).to_have_count(0)
    expect(page.locator("[hx-get]")).to_have_count(0)  # it asks no more


def test_files_are_fetched_once(page: Page, services: Services, segment: Row) -> None:
    job_id = running(services, segment)
    keep(services, job_row(services, job_id), "frame-1.png", "image/png")
    fetched: list[str] = []
    page.on(
        "request", lambda request: fetched.append(request.url.rpartition("/")[2]) if "/files/" in request.url else None
    )
    page.goto(f"{JOBS}/{job_id}")
    page.evaluate("document.querySelector('.files img').same = true")
    for progress in (10, 20):
        change_job(services.database, job_id, progress=progress)
        expect(page.locator(".job-state")).to_contain_text(f"{progress} %")
    keep(services, job_row(services, job_id), "frame-0.png", "image/png")
    expect(page.locator(".files img")).to_have_count(2)
    assert page.evaluate("document.querySelectorAll('.files img')[1].same")
    assert sorted(fetched) == ["frame-0.png?version=1", "frame-1.png?version=1"]
    keep(services, job_row(services, job_id), "frame-1.png", "image/png", b"another")
    expect(page.locator("img[src$='frame-1.png?version=2']")).to_have_count(1)


def test_an_open_question_stays_open_until_the_job_has_ended(page: Page, services: Services, segment: Row) -> None:
    job_id = submit(services, segment)
    page.goto(f"{JOBS}/{job_id}")
    page.click(".page-actions >> text=Cancel job")
    expect(page.locator("dialog")).to_contain_text("Nobody will be given this job.")
    start(services, job_id)
    expect(page.locator("dialog[open]")).to_contain_text("The worker farm-7 is asked to stop at its next heartbeat.")
    complete(services, job_id)
    expect(page.locator("dialog")).to_have_count(0)
