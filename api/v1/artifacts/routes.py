"""The files of jobs: a worker sends what it made, whoever sees the job reads it."""

from __future__ import annotations

from domain.access import Permission
from domain.artifacts.commands import Kept, keep_artifact, write_blob
from domain.artifacts.queries import ARTIFACTS, artifacts_of, load_artifact, represent_artifact
from domain.artifacts.rules import TAKEN, check_name, media_type_of
from domain.artifacts.store import StoreUnavailable, TooLarge
from domain.jobs.leases import require_lease
from domain.jobs.queries import JOB

from ...answers import Answer, one
from ...blueprint import Blueprint
from ...call import Call
from ...digests import check_digest
from ...downloads import file_answer, unavailable
from ...file_documentation import giving_file, taking_file
from ...lists import answer_list
from ...problems import Problem
from ...uploads import Upload
from .schemas import ArtifactSchema

blueprint = Blueprint("artifacts", __name__, description="Files that jobs made.")
MEBIBYTE = 1024 * 1024


@blueprint.operation(
    "GET", "/jobs/<id>/artifacts", id="list_artifacts", permission=Permission.READ, loads=JOB,
    returns=ArtifactSchema, listing=ARTIFACTS,
)  # fmt: skip
def list_artifacts(call: Call) -> Answer:
    """List the artifacts of a job, by name."""
    return answer_list(call, ARTIFACTS, artifacts_of(call.target["id"]), represent_artifact)


@blueprint.operation(
    "GET", "/jobs/<id>/artifacts/<artifact_name>", id="get_artifact", permission=Permission.READ, loads=JOB,
    returns=ArtifactSchema, document=giving_file,
)  # fmt: skip
def get_artifact(call: Call, artifact_name: str) -> Answer:
    """Download an artifact, whole or a range of its bytes."""
    return file_answer(call, load_artifact(call.session, call.target, artifact_name))


def _keep(call: Call) -> Kept:
    """Pass the body on to the store, before the transaction: it takes as long as its sender does."""
    assert call.upload is not None
    _, job_id, _, name = call.path.rsplit("/", 3)
    with call.services.database.reading() as session:
        job = JOB.load(session, call.actor, job_id)
    token = _lease_token(call)
    media_type = media_type_of(call.environ.get("CONTENT_TYPE", ""))
    if media_type is None:
        raise Problem("unsupported-media-type", f"Send as `Content-Type` {TAKEN}.")
    check_name(name)
    require_lease(job, token)
    call.upload.kept = _stored(call, call.upload, job_id, name, media_type)
    check_digest(call.header("Content-Digest"), call.upload.kept.sha256)
    return call.upload.kept


def _lease_token(call: Call) -> str:
    token = call.header("Lease-Token")
    if not token:
        raise Problem("bad-request", "Send the `lease_token` of the claim as the header `Lease-Token`.")
    return token


def _stored(call: Call, upload: Upload, job_id: str, name: str, media_type: str) -> Kept:
    megabytes = call.services.settings.artifact_max_mb
    refusal = Problem("body-too-large", f"Keep an artifact to {megabytes:,} MiB (`CALLSHEET_ARTIFACT_MAX_MB`).")
    if (upload.declared or 0) > megabytes * MEBIBYTE:
        raise refusal
    try:
        with call.environ["wsgi.input"].throughout():
            return write_blob(call.services.artifacts, job_id, name, media_type, upload, megabytes * MEBIBYTE)
    except TooLarge:
        raise refusal from None
    except StoreUnavailable as error:
        raise unavailable(call, error) from error


@blueprint.operation(
    "PUT", "/jobs/<id>/artifacts/<artifact_name>", id="put_artifact", permission=Permission.WORK_JOBS, loads=JOB,
    returns=ArtifactSchema, prepare=_keep, uploads=True, document=taking_file,
)  # fmt: skip
def put_artifact(call: Call, artifact_name: str) -> Answer:  # noqa: ARG001 - `_keep` has read it
    """Keep a file of a running job, for the worker that holds its lease; one of the same name is replaced.

    The body is the file, of the type that `Content-Type` names, with a `Content-Length` or in chunks. Of one in chunks
    only `Content-Digest` tells that it was cut short. Sending it again is safe. When the job succeeds, the files of its
    last attempt become a take of its target.
    """
    assert call.upload is not None
    row, call.upload.replaced = keep_artifact(
        call.session, call.context, call.target, _lease_token(call), call.prepared
    )
    call.upload.named = True
    return one(represent_artifact(row))
