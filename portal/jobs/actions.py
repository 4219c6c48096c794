"""What people do to jobs: have a preview drawn, cancel, retry."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, flash, redirect, url_for
from werkzeug.wrappers import Response

from domain.audit.commands import differences
from domain.db import Row, Session
from domain.errors import Conflict, Invalid
from domain.events.commands import Context
from domain.jobs.builtin_kinds import PREVIEW
from domain.jobs.commands import cancel_job, retry_job, submit_job
from domain.jobs.queries import JOB
from domain.studio import ASSETS, BY_OBJECT

from ..context import actor, note, request_id, services
from ..formatting import plain
from ..htmx import render
from .views import blueprint

__all__ = ["blueprint"]  # with these views on it

LARGEST_SEED = 2**32


@blueprint.post("/previews/<noun>/<asset_id>")
def draw(noun: str, asset_id: str) -> Response:
    """Submit a job that draws this asset, each time another picture; go to it."""
    if BY_OBJECT.get(noun) not in ASSETS:
        abort(404)
    seed = services().clock().microsecond * 4099 % LARGEST_SEED
    given = {"kind": PREVIEW, "target": {"object": noun, "id": asset_id}, "params": {"seed": seed}}
    try:
        with services().database.transaction() as writing:
            job = submit_job(writing, _context(), services().settings.job_kinds, given)
            note(writing, "job.submit", {"id": job["id"], "kind": PREVIEW, "target_id": asset_id})
    except (Conflict, Invalid) as error:
        flash(plain(str(error)), "warn")
        return redirect(url_for("portal.studio.show_asset", noun=noun, asset_id=asset_id), 303)
    return _to(job["id"])


@blueprint.get("/<job_id>/cancel")
def ask_cancel(job_id: str) -> Response:
    """The question before it is cancelled, as a page, for browsers without script."""
    with services().database.reading() as session:
        job = JOB.load(session, actor(), job_id)
    return render("portal/jobs/cancel.html", job=job)


@blueprint.post("/<job_id>/cancel")
def cancel(job_id: str) -> Response:
    """Cancel it, or ask its worker to stop, and go back to it; one that has ended says so."""
    return _act(job_id, "job.cancel", cancel_job)


@blueprint.post("/<job_id>/retry")
def retry(job_id: str) -> Response:
    """Queue it again, and go back to it."""
    return _act(job_id, "job.retry", retry_job)


def _act(job_id: str, action: str, command: Callable[[Session, Context, Row], Row]) -> Response:
    try:
        with services().database.transaction() as writing:
            job = JOB.load(writing, actor(), job_id, for_update=True)
            after = command(writing, _context(), job)
            names = ("status", "cancel_requested")
            changes = differences({n: job[n] for n in names}, {n: after[n] for n in names})
            note(writing, action, {"id": job_id, **changes})
    except Conflict as error:
        flash(plain(str(error)), "warn")
    return _to(job_id)


def _context() -> Context:
    return Context(actor(), services().clock(), request_id())


def _to(job_id: str) -> Response:
    return redirect(url_for("portal.jobs.show", job_id=job_id), 303)
