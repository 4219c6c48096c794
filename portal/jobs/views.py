"""Generation jobs: the list with its filters, and one with its files, what it waits for and its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from werkzeug.wrappers import Response

from domain.access import Permission
from domain.artifacts.queries import artifacts_of
from domain.artifacts.rules import PLAYED, SHOWN
from domain.db import Row, Session
from domain.errors import Conflict
from domain.jobs.commands import check_target
from domain.jobs.history import history_of
from domain.jobs.models import BROKEN, ENDED, STATUSES, job_failures, jobs
from domain.jobs.queries import JOB, JOBS, visible_jobs
from domain.studio_counts import names_of
from domain.takes.models import takes

from ..blueprint import PortalBlueprint
from ..context import actor, services
from ..formatting import sentence
from ..htmx import render
from ..lists import ListPage

blueprint = PortalBlueprint("jobs", __name__, permission=Permission.READ, url_prefix="/jobs")

FILTERS = {"status": "status", "kind": "kind", "target": "target_id"}


@blueprint.get("")
def list_jobs() -> Response:
    """The jobs that the viewer sees, the newest first. The fragment asks again while one of them moves."""
    with services().database.reading() as session:
        page = ListPage(session, JOBS, visible_jobs(actor()), FILTERS)
        names = names_of(session, {(row["target_object"], row["target_id"]) for row in page.rows})
    return render(
        "portal/jobs/list.html",
        "list",
        page=page,
        names=names,
        moving=any(row["status"] in ("queued", "running") for row in page.rows),
        statuses=[(status, sentence(status)) for status in STATUSES],
        kinds=[(name, sentence(name)) for name in services().settings.job_kinds],
    )


@blueprint.get("/<job_id>")
def show(job_id: str) -> Response:
    """One job. The fragment, which is all of the page that may change, asks again until it has ended."""
    with services().database.reading() as session:
        job = JOB.load(session, actor(), job_id)
        files = session.execute(artifacts_of(job_id).order_by("name")).mappings().all()
        take = session.execute(select(takes).where(takes.c.job_id == job_id)).mappings().first()
        context: dict[str, Any] = {
            "needed": _jobs(session, job["depends_on"]),
            "barred": _barred(session, job) if job["status"] == "queued" else (),
            "final_because": _final_because(session, job),
            "history": history_of(session, job),
            "names": names_of(session, {(job["target_object"], job["target_id"]), ("project", job["project_id"])}),
        }
    may = actor().may(Permission.SUBMIT_JOBS)
    return render(
        "portal/jobs/show.html",
        "state",
        job=job,
        files=files,
        take=take,
        shown=SHOWN,
        played=PLAYED,
        moving=job["status"] not in ENDED,
        may_cancel=may and job["status"] not in ENDED and not job["cancel_requested"],
        may_retry=may and job["status"] in BROKEN and context["final_because"] is None,
        **context,
    )


def _final_because(session: Session, job: Row) -> str | None:
    """Why a job that failed or was cancelled stays so."""
    try:
        if job["status"] in BROKEN:
            check_target(session, job)
    except Conflict as error:
        return str(error)
    return None


def _barred(session: Session, job: Row) -> Sequence[str]:
    """The workers that have failed it so often that they are not given it again."""
    often = job_failures.c.count >= services().settings.job_worker_failures
    chosen = select(job_failures.c.worker).where(job_failures.c.job_id == job["id"], often)
    return session.execute(chosen.order_by(job_failures.c.worker)).scalars().all()


def _jobs(session: Session, ids: Sequence[str]) -> Sequence[Row]:
    return session.execute(select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.id)).mappings().all() if ids else ()
