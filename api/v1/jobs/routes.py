"""Generation jobs for those who want something made: submitting, following, changing, cancelling, retrying."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.access import Permission
from domain.db import Row
from domain.entities import Kind
from domain.jobs.commands import cancel_job, change_job, retry_job, submit_job
from domain.jobs.models import ENDED
from domain.jobs.queries import JOB, JOBS, jobs_of, represent_job, visible_jobs
from domain.listing import LARGEST_LIMIT
from domain.shape import shape_of_one, shaped
from domain.studio import KINDS

from ...answers import Answer, created, etag_of, one
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from ...operation import Quick
from ...preconditions import expected_versions, named_versions
from ...waiting import Waits
from .schemas import JobChangeSchema, JobKindSchema, JobSchema, NewJobSchema

blueprint = Blueprint("jobs", __name__, description="What is to be made for characters, scenes and segments.")
SUBMIT = Permission.SUBMIT_JOBS


def shown(row: Row) -> Answer:
    """The job as it is."""
    return one(represent_job(row), etag=etag_of(row))


@blueprint.operation("GET", "/jobs", id="list_jobs", permission=Permission.READ, returns=JobSchema, listing=JOBS)
def list_jobs(call: Call) -> Answer:
    """List jobs, newest first."""
    return answer_list(call, JOBS, visible_jobs(call.actor), represent_job)


@blueprint.operation(
    "POST", "/jobs", id="submit_job", permission=SUBMIT, returns=JobSchema, body=NewJobSchema, status=201
)
def post_job(call: Call, body: dict[str, Any]) -> Answer:
    """Submit a job. It waits for the jobs it names, and is then given to whoever works on its kind."""
    row = submit_job(call.session, call.context, call.services.settings.job_kinds, body)
    return created(represent_job(row), f"/api/v1/jobs/{row['id']}", etag=etag_of(row))


@blueprint.operation(
    "GET", "/jobs/<id:id>", id="get_job", permission=Permission.READ, loads=JOB, returns=JobSchema, shape=JOBS,
    waits=Waits.QUERY, quick=Quick.ONE,
)  # fmt: skip
def get_job(call: Call) -> Answer:
    """Get a job: with `wait`, when it has ended or changes, since `If-None-Match` or else since the call."""
    shape = shape_of_one(JOBS, call.query)
    (data,) = shaped(call.session, JOBS, shape, [call.target], represent_job)
    answer = one(data, etag=etag_of(call.target, None if shape.is_whole else data))
    return answer if _is_news(call) else replace(answer, awaits=(call.target["id"],))


def _is_news(call: Call) -> bool:
    """Whether whoever waits for the job to change is to wait no longer."""
    version = (call.target["id"], call.target["version"])
    known = named_versions(call.header("If-None-Match"))
    if known is None:
        if call.prepared is None:
            call.prepared = version  # as it was at the first look
        known = {call.prepared}
    return call.target["status"] in ENDED or version not in known


@blueprint.operation(
    "PATCH", "/jobs/<id:id>", id="update_job", permission=SUBMIT, loads=JOB, returns=JobSchema, body=JobChangeSchema
)
def patch_job(call: Call, body: dict[str, Any]) -> Answer:
    """Change the priority or the dependencies of a job that nobody works on yet."""
    return shown(change_job(call.session, call.context, call.target, body, expected_versions(call)))


@blueprint.operation("POST", "/jobs/<id>/cancel", id="cancel_job", permission=SUBMIT, loads=JOB, returns=JobSchema)
def post_cancellation(call: Call) -> Answer:
    """Cancel a job. One that is running is asked to stop, and cancelled when its worker has or is silent.

    A worker that completes it before it hears of that has done it: the job is `succeeded`.
    """
    return shown(cancel_job(call.session, call.context, call.target))


@blueprint.operation("POST", "/jobs/<id>/retry", id="retry_job", permission=SUBMIT, loads=JOB, returns=JobSchema)
def post_retry(call: Call) -> Answer:
    """Queue a job once more that failed or was cancelled. Its attempts are counted on."""
    return shown(retry_job(call.session, call.context, call.target))


@blueprint.operation(
    "GET", "/job-kinds", id="get_job_kinds", permission=Permission.READ, returns=JobKindSchema, results=True
)
def list_kinds(call: Call) -> Answer:
    """List the kinds of job that there are, each with the JSON Schema of its parameters."""
    kinds = [kind.represent() for kind in call.services.settings.job_kinds.values()]
    return Answer({"data": kinds, "page": {"next": None, "limit": LARGEST_LIMIT}})


def _register_nested(kind: Kind) -> None:
    def get_nested(call: Call) -> Answer:
        return answer_list(call, JOBS, jobs_of(kind.object, call.target["id"]), represent_job)

    get_nested.__doc__ = f"List the jobs {'of' if kind.object == 'project' else 'for'} a {kind.object}, newest first."
    blueprint.operation(
        "GET", f"/{kind.plural}/<id>/jobs", id=f"list_{kind.object}_jobs", permission=Permission.READ, loads=kind,
        returns=JobSchema, listing=JOBS,
    )(get_nested)  # fmt: skip


for _kind in KINDS:
    _register_nested(_kind)
