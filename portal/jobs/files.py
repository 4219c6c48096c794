"""The files of jobs, for pages to show: pictures and films as such, everything else to be saved."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from flask import abort, request
from werkzeug.wrappers import Response

from domain.artifacts.queries import load_artifact
from domain.artifacts.rules import PLAYED, SHOWN
from domain.artifacts.serving import Serving, serving_of
from domain.artifacts.store import StoreUnavailable
from domain.db import Row
from domain.errors import NotFound
from domain.jobs.queries import JOB

from ..context import actor, note_alone, services
from .actions import blueprint

__all__ = ["blueprint"]  # with these views on it


@blueprint.get("/<job_id>/files/<name>")
def show_file(job_id: str, name: str) -> Response:
    """One file, or a range of it. What a browser would run is never shown in the portal's place: its type is not shown.

    Raises:
        NotFound: there is none, or its bytes are lost.
    """
    for _ in range(2):
        # One that was replaced after its row was read has lost its bytes, and its row names the new ones by now.
        with suppress(FileNotFoundError):
            return _answer(_load(job_id, name))
    raise NotFound("The bytes of this file are lost.")


def _load(job_id: str, name: str) -> Row:
    with services().database.reading() as session:
        return load_artifact(session, JOB.load(session, actor(), job_id), name)


def _answer(artifact: Row) -> Response:
    """The answer, whose bytes are at hand.

    Raises:
        FileNotFoundError: the store has not got them.
    """
    serving = serving_of(artifact, request.headers.get)
    pieces = _opened(artifact, serving)
    inline = artifact["media_type"] in SHOWN | PLAYED
    if not inline:
        names = ("id", "job_id", "name")
        note_alone("artifact.download", {name: artifact[name] for name in names})
    response = Response(pieces, serving.status, content_type=artifact["media_type"])
    response.headers.update(serving.headers)
    response.headers["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{artifact["name"]}"'
    # A browser may keep it, and asks before each use whether it is still that and still to be seen.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _opened(artifact: Row, serving: Serving) -> Iterable[bytes]:
    if request.method == "HEAD" or serving.start == serving.stop:
        return ()
    try:
        with services().gate.outside():
            return services().artifacts.read(artifact["blob"], serving.start, serving.stop)
    except StoreUnavailable:
        abort(503)
