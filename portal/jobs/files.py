"""The files of jobs, for pages to show: pictures and films as such, everything else to be saved."""

from __future__ import annotations

from flask import abort
from werkzeug.wrappers import Response

from domain.artifacts.queries import load_artifact
from domain.artifacts.rules import PLAYED, SHOWN
from domain.artifacts.store import StoreUnavailable
from domain.jobs.queries import JOB

from ..context import actor, note_alone, services
from .actions import blueprint

__all__ = ["blueprint"]  # with these views on it


@blueprint.get("/<job_id>/files/<name>")
def show_file(job_id: str, name: str) -> Response:
    """One file. What a browser would run is never shown in the portal's place: its type is not one of those shown."""
    with services().database.reading() as session:
        job = JOB.load(session, actor(), job_id)
        artifact = load_artifact(session, job, name)
    inline = artifact["media_type"] in SHOWN | PLAYED
    if not inline:
        note_alone("artifact.download", {"id": artifact["id"], "job_id": job_id, "name": name})
    try:
        with services().gate.outside():
            pieces = services().artifacts.read(artifact["blob"]) if artifact["size"] else iter(())
    except FileNotFoundError:
        abort(404)
    except StoreUnavailable:
        abort(503)
    response = Response(pieces, content_type=artifact["media_type"])
    response.headers["Content-Length"] = str(artifact["size"])
    response.headers["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{artifact["name"]}"'
    return response
