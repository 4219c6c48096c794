"""Generation jobs for those who make things: claiming one, and telling how it goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.access import Permission
from domain.clock import rfc3339
from domain.jobs.changing import queue_topic
from domain.jobs.claiming import Ask, check_ask, claim_job
from domain.jobs.queries import JOB, represent_job
from domain.jobs.rules import JobTerms
from domain.jobs.working import complete_job, fail_job, heartbeat

from ...answers import NOTHING, Answer, etag_of, one
from ...blueprint import Blueprint
from ...call import Call
from ...costs import Cost
from ...waiting import Waits
from .farm_schemas import (
    ClaimedJobSchema,
    ClaimSchema,
    CompletionSchema,
    FailureSchema,
    HeartbeatAnswerSchema,
    HeartbeatSchema,
)
from .routes import shown
from .schemas import JobSchema

blueprint = Blueprint("farm", __name__, description="Jobs as workers of a farm take and report them.")
WORK = Permission.WORK_JOBS
# A farm says all the time that it lives: that must not keep it from saying what it made.
AS_READ = Cost(by_body=lambda _body: ("read", 1), told="Costs a token of reads.")


@blueprint.operation(
    "POST", "/jobs/claim", id="claim_job", permission=WORK, returns=ClaimedJobSchema, body=ClaimSchema,
    also_status=204, waits=Waits.BODY,
)  # fmt: skip
def post_claim(call: Call, body: dict[str, Any]) -> Answer:
    """Take a queued job, under a lease: the highest priority first, then the oldest. 204 when there is none in time."""
    terms = JobTerms.of(call.services.settings)
    check_ask(terms.kinds, body["worker"], body["kinds"])
    ask = Ask(body["worker"], body["kinds"], terms.lease, terms.worker_failures)
    claimed = claim_job(call.session, call.context, ask)
    if claimed is None:
        return replace(NOTHING, awaits=tuple(map(queue_topic, body["kinds"])))
    row, token = claimed
    lease = {"lease_token": token, "lease_expires_at": rfc3339(row["lease_expires_at"])}
    return one({**represent_job(row), **lease}, etag=etag_of(row))


@blueprint.operation(
    "POST", "/jobs/<id>/heartbeat", id="heartbeat_job", permission=WORK, loads=JOB, returns=HeartbeatAnswerSchema,
    body=HeartbeatSchema, cost=AS_READ,
)  # fmt: skip
def post_heartbeat(call: Call, body: dict[str, Any]) -> Answer:
    """Renew the lease, tell how far the job is, and hear whether to stop."""
    until = heartbeat(call.session, call.context, call.target, body, JobTerms.of(call.services.settings).lease)
    return one({"cancel": bool(call.target["cancel_requested"]), "lease_expires_at": rfc3339(until)})


@blueprint.operation(
    "POST", "/jobs/<id>/complete", id="complete_job", permission=WORK, loads=JOB, returns=JobSchema,
    body=CompletionSchema,
)  # fmt: skip
def post_completion(call: Call, body: dict[str, Any]) -> Answer:
    """The job is done."""
    return shown(complete_job(call.session, call.context, call.target, body))


@blueprint.operation(
    "POST", "/jobs/<id>/fail", id="fail_job", permission=WORK, loads=JOB, returns=JobSchema, body=FailureSchema
)
def post_failure(call: Call, body: dict[str, Any]) -> Answer:
    """The attempt came to nothing: the job is queued again, fails, or is cancelled where that was asked for."""
    return shown(fail_job(call.session, call.context, call.target, body))
