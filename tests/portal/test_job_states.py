"""What the page of a job says of how it stands: in the words of the list, and never in those of work that is over."""

from __future__ import annotations

import pytest

from domain.access import Actor, Role, Scope
from domain.db import Row
from domain.events.commands import Context
from domain.jobs.working import fail_job
from domain.ports import Services
from tests.factories import LEASE, change_job, make_job
from tests.portal.test_jobs import JOBS, job_row, running, segment
from tests.support.page import Node, Page, Visitor

__all__ = ["segment"]

FARM = Actor("api_key", "key_1", "Render farm", Role.CREATOR, Scope.FULL, None)
LAST_WORD = "Frame 40 of 96"


def cancelled(ada: Visitor, services: Services, segment: Row, message: str = "") -> Page:
    """The page of a running job that Ada cancelled, and whose worker let go of it."""
    job_id = running(services, segment)
    change_job(services.database, job_id, message=LAST_WORD)
    ada.submit(ada.get(f"{JOBS}/{job_id}"), f"{JOBS}/{job_id}/cancel")
    with services.database.transaction() as session:
        given = {"lease_token": LEASE, "error": {"code": "cancelled", "message": message}}
        fail_job(session, Context(FARM, services.clock()), dict(job_row(services, job_id)), given)
    return ada.get(f"{JOBS}/{job_id}")


def with_class(page: Page, tag: str, name: str) -> list[Node]:
    return [node for node in page.tree.all(tag) if name in node.attributes.get("class", "").split()]


def headline(page: Page) -> str:
    (panel,) = with_class(page, "div", "job-state")
    return panel.all("strong")[0].text


def test_it_works(ada: Visitor, services: Services, segment: Row) -> None:
    page = cancelled(ada, services, segment)
    (steps,) = with_class(page, "ol", "steps")
    asked, done = [step.text for step in steps.all("li")][-2:]
    assert asked.startswith("Cancel requested Ada Admin, ")
    assert done.startswith("Cancelled Render farm, ")
    assert headline(page) == "Stopped before it was done"
    assert LAST_WORD not in page.text
    assert not with_class(page, "p", "job-error")
    assert page.text.casefold().count("cancelled") == 2  # its status, and what happened


def test_who_asked_is_named_while_the_worker_has_not_heard(ada: Visitor, services: Services, segment: Row) -> None:
    job_id = running(services, segment)
    shown = ada.submit(ada.get(f"{JOBS}/{job_id}"), f"{JOBS}/{job_id}/cancel")
    assert "Cancel requested Ada Admin, " in shown.text
    assert "Cancel requested" not in ada.get(f"{JOBS}/{running(services, segment)}").text


def test_what_the_worker_says_of_stopping_is_shown(ada: Visitor, services: Services, segment: Row) -> None:
    page = cancelled(ada, services, segment, "Let go between two frames.")
    (panel,) = with_class(page, "div", "job-state")
    assert "Let go between two frames." in panel.text
    assert not with_class(page, "p", "job-error")


def test_one_that_failed_has_its_error_alone(ada: Visitor, services: Services, segment: Row) -> None:
    error = {"code": "out_of_memory", "message": ""}
    job = make_job(services.database, segment, status="failed", attempts=3, message=LAST_WORD, error=error)
    page = ada.get(f"{JOBS}/{job['id']}")
    assert headline(page) == "Given up after 3 attempts"
    assert LAST_WORD not in page.text
    assert [line.text for line in with_class(page, "p", "job-error")] == ["out_of_memory"]


@pytest.mark.parametrize(
    ("status", "words"), [("queued", "waits for a worker"), ("waiting", "waits for others"), ("failed", None)]
)
def test_one_that_nobody_has_begun_says_so(
    ada: Visitor, services: Services, segment: Row, status: str, words: str | None
) -> None:
    job = make_job(services.database, segment, status=status)
    if words:
        assert words in ada.get(JOBS).text
    assert headline(ada.get(f"{JOBS}/{job['id']}")) == (words or "nobody had begun it").capitalize()
