"""Jobs in the portal: listed, shown with their files, drawn, cancelled, retried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import RowMapping, insert, select

from domain.access import SYSTEM
from domain.artifacts.commands import keep_artifact, write_blob
from domain.audit.models import api_audit_log
from domain.db import Row
from domain.events.commands import Context
from domain.jobs.commands import submit_job
from domain.jobs.kinds import BUILT_IN_KINDS
from domain.jobs.models import job_failures, jobs
from domain.ports import Services
from domain.prepared import update_row
from domain.segments.models import segments
from tests.factories import LEASE, change_job, leased, make_artifact, make_job, make_project, make_scene, make_segment
from tests.portal.conftest import SignIn
from tests.support.page import HTMX, Visitor

JOBS = "/portal/jobs"
PNG = b"\x89PNG\r\n\x1a\n rest of it"


@pytest.fixture
def segment(services: Services) -> Row:
    scene = make_scene(services.database, make_project(services.database, name="Umbrella"))
    return make_segment(services.database, scene, name="Needle through silk")


def submit(services: Services, segment: Row, **given: Any) -> str:
    asked = {"kind": "generate", "target": {"object": "segment", "id": segment["id"]}, **given}
    with services.database.transaction() as session:
        return str(submit_job(session, Context(SYSTEM, services.clock()), BUILT_IN_KINDS, asked)["id"])


def start(services: Services, job_id: str) -> None:
    started = {"status": "running", "worker": "farm-7", "attempts": 1, "started_at": services.clock()}
    change_job(services.database, job_id, **started, **leased())


def running(services: Services, segment: Row) -> str:
    job_id = submit(services, segment)
    start(services, job_id)
    return job_id


def keep(services: Services, job: Row, name: str, media_type: str, data: bytes = PNG) -> None:
    kept = write_blob(services.artifacts, job["id"], name, media_type, [data], 1000)
    with services.database.transaction() as session:
        keep_artifact(session, Context(SYSTEM, services.clock()), job, LEASE, kept)


def job_row(services: Services, job_id: str) -> RowMapping:
    with services.database.reading() as session:
        return session.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one()


def actions(services: Services) -> list[str]:
    with services.database.reading() as session:
        chosen = select(api_audit_log.c.action).where(api_audit_log.c.action.startswith("job."))
        chosen = chosen.order_by(api_audit_log.c.id)
        return list(session.execute(chosen).scalars())


def test_it_works(ada: Visitor, services: Services, segment: Row) -> None:
    job_id = submit(services, segment, params={"prompt": "silk"}, priority=80)
    page = ada.get(JOBS)
    assert page.links()["Needle through silk"].endswith(segment["id"])
    shown = ada.get(page.links()["Generate"])
    assert shown.heading == "Generate of Needle through silk"
    for text in ("queued", '"prompt": "silk"', "80", "0 of 3", "Submitted", job_id[-6:]):
        assert text in shown.text


def test_there_are_none(ada: Visitor) -> None:
    assert "No jobs yet" in ada.get(JOBS).text


def test_they_are_filtered(ada: Visitor, services: Services, segment: Row) -> None:
    submit(services, segment)
    make_job(services.database, segment, status="failed", kind="render")
    assert "Render" not in ada.get(f"{JOBS}?kind=generate").links()
    assert "Generate" not in ada.get(f"{JOBS}?status=failed").links()
    assert "No job matches" in ada.get(f"{JOBS}?status=succeeded").text
    assert "Show all jobs" in ada.get(f"{JOBS}?target={segment['id']}").links()


def test_what_moves_is_asked_for_again(ada: Visitor, services: Services, segment: Row) -> None:
    job_id = submit(services, segment)
    assert 'hx-trigger="every 2s"' in ada.get(f"{JOBS}/{job_id}").response.text
    fragment = ada.get(f"{JOBS}/{job_id}", headers=HTMX)
    assert "<html" not in fragment.response.text
    ended = make_job(services.database, segment, status="succeeded")
    assert "hx-trigger" not in ada.get(f"{JOBS}/{ended['id']}").response.text


def test_pictures_are_shown_and_the_rest_is_saved(ada: Visitor, services: Services, segment: Row) -> None:
    job = make_job(services.database, segment, status="running")
    keep(services, job, "frame.png", "image/png")
    keep(services, job, "notes.txt", "text/plain", b"notes")
    page = ada.get(f"{JOBS}/{job['id']}")
    (picture,) = page.tree.all("img")
    got = ada.client.get(picture.attributes["src"])
    assert (got.data, got.content_type) == (PNG, "image/png")
    assert got.headers["Content-Disposition"] == 'inline; filename="frame.png"'
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    saved = ada.client.get(page.links()["notes.txt"])
    assert saved.data == b"notes"
    assert saved.headers["Content-Disposition"] == 'attachment; filename="notes.txt"'
    assert ada.client.get(f"{JOBS}/{job['id']}/files/nothing.png").status_code == 404


def test_a_film_can_be_sought(ada: Visitor, services: Services, segment: Row) -> None:
    job = make_job(services.database, segment, status="running")
    keep(services, job, "shot.mp4", "video/mp4", b"0123456789")
    film = f"{JOBS}/{job['id']}/files/shot.mp4"
    whole = ada.client.get(film)
    assert (whole.data, whole.headers["Accept-Ranges"], whole.headers["Content-Length"]) == (
        b"0123456789",
        "bytes",
        "10",
    )
    assert whole.headers["Cache-Control"] == "private, no-cache"
    for asked, body, told in (("0-1", b"01", "0-1/10"), ("7-", b"789", "7-9/10"), ("-3", b"789", "7-9/10")):
        part = ada.client.get(film, headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, body, f"bytes {told}")
        assert part.headers["Content-Length"] == str(len(body))
    behind = ada.client.get(film, headers={"Range": "bytes=10-"})
    assert (behind.status_code, behind.data, behind.headers["Content-Range"]) == (416, b"", "bytes */10")
    head = ada.client.head(film)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", "10")


def test_a_file_that_the_browser_has_is_not_sent_again(ada: Visitor, services: Services, segment: Row) -> None:
    job = make_job(services.database, segment, status="running")
    keep(services, job, "frame.png", "image/png")
    picture = f"{JOBS}/{job['id']}/files/frame.png"
    first = ada.client.get(picture)
    assert first.data == PNG
    etag = first.headers["ETag"]
    again = ada.client.get(picture, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    keep(services, job, "frame.png", "image/png", b"another")
    assert ada.client.get(picture, headers={"If-None-Match": etag}).data == b"another"


def test_a_file_that_is_replaced_while_it_is_asked_for_is_the_new_one(
    ada: Visitor, services: Services, segment: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(services.database, segment, status="running")
    keep(services, job, "frame.png", "image/png")
    read = services.artifacts.read

    def replaced(blob: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        monkeypatch.undo()
        keep(services, job, "frame.png", "image/png", b"another")
        services.artifacts.delete(blob)
        return read(blob, start, stop)

    monkeypatch.setattr(services.artifacts, "read", replaced)
    assert ada.client.get(f"{JOBS}/{job['id']}/files/frame.png").data == b"another"


def test_a_file_whose_bytes_are_lost_is_not_found(ada: Visitor, services: Services, segment: Row) -> None:
    job = make_job(services.database, segment, status="running")
    made = make_artifact(services.database, job, size=9)
    ada.get(f"{JOBS}/{job['id']}/files/{made['name']}", 404)


def test_a_preview_is_asked_for_on_the_page_of_an_asset(ada: Visitor, services: Services, segment: Row) -> None:
    place = f"{JOBS}/previews/segment/{segment['id']}"
    shown = ada.submit(ada.get(f"/portal/studio/segment/{segment['id']}"), place)
    assert shown.heading == "Preview of Needle through silk"
    with services.database.reading() as session:
        job = session.execute(select(jobs)).mappings().one()
    assert (job["kind"], job["target_id"], job["status"]) == ("preview", segment["id"], "queued")
    assert job["submitted_by"]["type"] == "user"
    assert actions(services) == ["job.submit"]


def test_one_is_cancelled_and_retried(ada: Visitor, services: Services, segment: Row) -> None:
    job_id = submit(services, segment)
    question = ada.get(f"{JOBS}/{job_id}/cancel")
    assert question.heading == "Cancel this generate job?"
    shown = ada.submit(question, f"{JOBS}/{job_id}/cancel")
    assert job_row(services, job_id)["status"] == "cancelled"
    ada.submit(shown, f"{JOBS}/{job_id}/retry")
    assert job_row(services, job_id)["status"] == "queued"
    assert actions(services) == ["job.cancel", "job.retry"]


def test_one_that_has_ended_says_so(ada: Visitor, services: Services, segment: Row) -> None:
    job_id = submit(services, segment)
    question = ada.get(f"{JOBS}/{job_id}/cancel")
    ada.submit(question, f"{JOBS}/{job_id}/cancel")
    assert "only one that has not ended" in ada.submit(question, f"{JOBS}/{job_id}/cancel").text


def test_one_for_what_is_archived_is_not_offered_again_and_says_why(
    ada: Visitor, services: Services, segment: Row
) -> None:
    job_id = make_job(services.database, segment, status="failed")["id"]
    offered = ada.get(f"{JOBS}/{job_id}")
    with services.database.transaction() as session:
        update_row(session, segments, segment["id"], {"status": "archived"})
    because = "The segment is archived: nothing can be made for it."
    assert because in ada.submit(offered, f"{JOBS}/{job_id}/retry").text
    assert job_row(services, job_id)["status"] == "failed"
    page = ada.get(f"{JOBS}/{job_id}")
    assert f"It cannot be retried. {because}" in page.text
    assert f"{JOBS}/{job_id}/retry" not in page.text


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_who_may_not_is_not_offered_it(sign_in: SignIn, services: Services, segment: Row, role: str) -> None:
    job_id = submit(services, segment)
    visitor = sign_in(role)
    page = visitor.get(f"{JOBS}/{job_id}")
    assert "Cancel job" not in page.text
    token = page.form("/portal/sign-out")["csrf_token"]
    visitor.post(f"{JOBS}/{job_id}/cancel", {"csrf_token": token}, 403)
    assert job_row(services, job_id)["status"] == "queued"


def test_jobs_of_other_projects_are_not_there(sign_in: SignIn, services: Services, segment: Row) -> None:
    job = make_job(services.database, segment, status="running")
    keep(services, job, "frame.png", "image/png")
    visitor = sign_in("creator", [make_project(services.database)["id"]])
    assert "No jobs yet" in visitor.get(JOBS).text
    visitor.get(f"{JOBS}/{job['id']}", 404)
    assert visitor.client.get(f"{JOBS}/{job['id']}/files/frame.png").status_code == 404


def test_workers_that_are_not_given_it_again_are_named(ada: Visitor, services: Services, segment: Row) -> None:
    job_id = submit(services, segment)
    assert "waits for a worker" in ada.get(JOBS).text
    often = services.settings.job_worker_failures
    failed = {"farm-1": often, "farm-2": often + 1, "farm-3": often - 1}
    with services.database.transaction() as session:
        rows = [{"job_id": job_id, "worker": worker, "count": count} for worker, count in failed.items()]
        session.execute(insert(job_failures), rows)
    page = ada.get(f"{JOBS}/{job_id}")
    assert "It waits for another worker than farm-1 and farm-2: who fails" in page.text
    change_job(services.database, job_id, status="failed")
    assert "another worker" not in ada.get(f"{JOBS}/{job_id}").text


def test_what_is_not_there_is_not_found(ada: Visitor) -> None:
    ada.get(f"{JOBS}/job_00000000000000000000000000", 404)


def test_what_it_depends_on_and_what_happened_are_shown(ada: Visitor, services: Services, segment: Row) -> None:
    first = submit(services, segment)
    second = submit(services, segment, depends_on=[first])
    page = ada.get(f"{JOBS}/{second}")
    assert page.links()["Generate"] == f"{JOBS}/{first}"
    assert "waiting" in page.text
    failed = make_job(
        services.database, segment, status="failed", attempts=3, worker="farm-9", started_at=services.clock(),
        finished_at=services.clock(), error={"code": "out_of_memory", "message": "Frame 8."},
    )  # fmt: skip
    text = ada.get(f"{JOBS}/{failed['id']}").text
    assert "attempt 3 by farm-9" in text
    assert "out_of_memory Frame 8." in text
