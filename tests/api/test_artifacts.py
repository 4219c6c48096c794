"""Files of jobs: sent by the worker that holds the lease, kept whole or not at all, read by whoever sees the job."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from domain.artifacts.models import artifacts
from domain.artifacts.rules import MOST_OF_A_JOB
from domain.db import Database, Row
from domain.ids import new_id
from domain.ports import Services
from tests.api.client import Answer, Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import LEASE, make_job, make_key, make_scene, make_segment
from tests.support.clock import NOON

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
MEBIBYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def empty_store(services: Services) -> None:
    for name in blobs(services):
        services.artifacts.delete(name)


@pytest.fixture
def segment(database: Database, cast: Cast) -> Row:
    return make_segment(database, make_scene(database, cast.project))


@pytest.fixture
def job(database: Database, segment: Row) -> Row:
    return make_job(database, segment, status="running")


def put(client: Client, job: Row, name: str = "frame.png", data: bytes = PNG, **options: Any) -> Answer:
    headers = {"Lease-Token": LEASE, **options.pop("headers", {})}
    given = {"data": data, "content_type": "image/png", **options}
    return client.call("PUT", f"/jobs/{job['id']}/artifacts/{name}", headers=headers, **given)


def blobs(services: Services) -> list[str]:
    return list(services.artifacts.older_than(datetime.now(UTC) + timedelta(days=1)))


def rows(database: Database) -> list[Row]:
    with database.reading() as session:
        return list(session.execute(select(artifacts)).mappings())


def test_it_works(cast: Cast, job: Row, services: Services) -> None:
    answer = put(cast.creator, job)
    assert answer.status == 200
    digest = hashlib.sha256(PNG).hexdigest()
    url = f"/api/v1/jobs/{job['id']}/artifacts/frame.png"
    expected = {"object": "artifact", "job_id": job["id"], "name": "frame.png", "media_type": "image/png",
                "size": len(PNG), "sha256": digest, "url": url, "project_id": cast.project["id"]}  # fmt: skip
    assert answer.data.items() >= expected.items()
    assert answer.audit["bytes_in"] == len(PNG)
    assert answer.audit["route"] == "/api/v1/jobs/{id}/artifacts/{artifact_name}"
    assert len(blobs(services)) == 1

    got = cast.viewer.call("GET", url)
    assert got.status == 200
    assert got.response.data == PNG
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["Content-Length"] == str(len(PNG))
    assert got.headers["ETag"] == f'"{digest}"'
    assert got.headers["Content-Disposition"] == 'attachment; filename="frame.png"'
    assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert cast.viewer.get(f"/jobs/{job['id']}/artifacts").data == [answer.data]


def test_it_is_streamed_in_chunks(cast: Cast, job: Row) -> None:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(PNG), "wsgi.input_terminated": True}
    answer = put(cast.creator, job, data=b"", environ=environ)
    assert (answer.status, answer.data["size"]) == (200, len(PNG))


def test_an_empty_file_is_kept(cast: Cast, job: Row) -> None:
    answer = put(cast.creator, job, data=b"")
    assert answer.data["size"] == 0
    assert cast.viewer.call("GET", answer.data["url"]).response.data == b""


def test_the_same_name_is_replaced(cast: Cast, job: Row, services: Services) -> None:
    first = put(cast.creator, job).data
    second = put(cast.creator, job, data=b"other", content_type="image/webp; q=1").data
    assert (second["id"], second["version"], second["media_type"]) == (first["id"], 2, "image/webp")
    assert cast.viewer.call("GET", second["url"]).response.data == b"other"
    assert len(blobs(services)) == 1


def test_ranges(cast: Cast, job: Row) -> None:
    url = put(cast.creator, job, data=b"0123456789").data["url"]

    def asked(value: str, **also: str) -> Answer:
        return cast.viewer.call("GET", url, headers={"Range": value, **also})

    for value, body, told in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=8-", b"89", "bytes 8-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=5-999", b"56789", "bytes 5-9/10"),
    ):
        answer = asked(value)
        assert (answer.status, answer.response.data, answer.headers["Content-Range"]) == (206, body, told)
        assert answer.headers["Content-Length"] == str(len(body))
    for value in ("bytes=1-2,4-5", "bytes=4-2", "lines=1-2", "bytes=-", "bytes=x-2"):
        answer = asked(value)
        assert (answer.status, answer.response.data) == (200, b"0123456789")
    answer = asked("bytes=2-4", **{"If-Range": '"another"'})
    assert (answer.status, answer.response.data) == (200, b"0123456789")
    for value in ("bytes=10-", "bytes=-0"):
        refused = asked(value).refused(416, "range-not-satisfiable")
        assert refused.headers["Content-Range"] == "bytes */10"


def test_who_has_it_is_told_so(cast: Cast, job: Row) -> None:
    answer = put(cast.creator, job)
    etag = f'"{answer.data["sha256"]}"'
    again = cast.viewer.call("GET", answer.data["url"], headers={"If-None-Match": etag})
    assert (again.status, again.response.data) == (304, b"")
    head = cast.viewer.call("HEAD", answer.data["url"])
    assert (head.status, head.response.data, head.headers["Content-Length"]) == (200, b"", str(len(PNG)))


def test_it_needs_the_lease(cast: Cast, job: Row, services: Services, database: Database) -> None:
    put(cast.creator, job, headers={"Lease-Token": "lease_of_somebody_else"}).refused(409, "conflict")
    put(cast.creator, job, headers={"Lease-Token": ""}).refused(400, "bad-request")
    assert (blobs(services), rows(database)) == ([], [])


@pytest.mark.parametrize("status", ["queued", "succeeded", "failed", "cancelled"])
def test_it_needs_a_running_job(cast: Cast, segment: Row, database: Database, services: Services, status: str) -> None:
    ended = make_job(database, segment, status=status)
    put(cast.creator, ended).refused(409, "conflict")
    assert blobs(services) == []


def test_who_may(cast: Cast, job: Row, services: Services) -> None:
    for caller in (cast.reviewer, cast.viewer):
        put(caller, job).refused(403, "forbidden")
    put(cast.stranger, job).refused(404, "not-found")
    url = put(cast.creator, job).data["url"]
    cast.stranger.get(url).refused(404, "not-found")
    cast.nobody.get(url).refused(401, "key-missing")
    assert len(blobs(services)) == 1


def test_what_is_too_large_is_refused(make_app: Any, app: Any, cast: Cast, job: Row, database: Database) -> None:
    small = make_app(artifact_max_mb="1")
    client, services = Client(small, cast.creator.key), small.extensions["callsheet"]
    told = put(client, job, data=b"x" * (MEBIBYTE + 1)).refused(413, "body-too-large").document["detail"]
    assert "1 MiB" in told
    stream = io.BytesIO(b"x" * (MEBIBYTE + 1))
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": stream, "wsgi.input_terminated": True}
    put(client, job, data=b"", environ=environ).refused(413, "body-too-large")
    assert (blobs(services), rows(database)) == ([], [])
    assert put(client, job, data=b"x" * MEBIBYTE).status == 200


def test_what_ends_early_is_refused(cast: Cast, job: Row, services: Services, database: Database) -> None:
    environ = {"CONTENT_LENGTH": str(len(PNG) + 1), "wsgi.input": io.BytesIO(PNG)}
    put(cast.creator, job, data=b"", environ=environ).refused(400, "bad-request")
    assert (blobs(services), rows(database)) == ([], [])


def test_bytes_that_changed_are_refused(cast: Cast, job: Row, services: Services) -> None:
    digest = base64.b64encode(hashlib.sha256(PNG).digest()).decode()
    headers = {"Content-Digest": f"sha-256=:{digest}:"}
    put(cast.creator, job, headers=headers, data=PNG[:-1]).refused(400, "bad-request")
    assert blobs(services) == []
    assert put(cast.creator, job, headers=headers).status == 200


def left_unread(client: Client, job: Row, status: int, problem: str) -> int:
    """Bytes of a file that were not read before it was refused."""
    body = io.BytesIO(PNG)
    put(client, job, data=b"", environ={"wsgi.input": body, "CONTENT_LENGTH": str(len(PNG))}).refused(status, problem)
    return len(PNG) - body.tell()


def test_who_is_let_in_is_read_to_the_end(cast: Cast, job: Row) -> None:
    """So that the refusal can be read; nobody else is waited for."""
    database, app = cast.nobody.services.database, cast.nobody.app
    assert left_unread(cast.viewer, job, 403, "forbidden") == 0
    assert left_unread(cast.nobody, job, 401, "key-missing") == len(PNG)
    elsewhere = Client(app, make_key(database, allowed_cidrs=["198.51.100.0/24"]))
    assert left_unread(elsewhere, job, 403, "address-not-allowed") == len(PNG)
    hasty = Client(app, make_key(database, write_per_minute=1))
    put(hasty, job)
    assert left_unread(hasty, job, 429, "quota-exceeded") == len(PNG)


@pytest.mark.parametrize("name", [".hidden", "a%20b", "%00", "-x", "x" * 121, "é.png", "..", "a%5Cb"])
def test_names_are_plain(cast: Cast, job: Row, services: Services, name: str) -> None:
    assert put(cast.creator, job, name).refused(422, "invalid").fields == ["/name"]
    assert blobs(services) == []


def test_a_slash_makes_another_path(cast: Cast, job: Row, services: Services) -> None:
    """However it is written: the server decodes a path before anything sees it."""
    put(cast.creator, job, "a%2Fb").refused(404, "not-found")
    assert blobs(services) == []


@pytest.mark.parametrize(
    "media_type", ["text/html", "image/svg+xml", "application/javascript", "text/xml", "nonsense", "a/b", "multipart/x"]
)
def test_types_that_a_browser_runs_are_refused(cast: Cast, job: Row, media_type: str) -> None:
    put(cast.creator, job, content_type=media_type).refused(415, "unsupported-media-type")


@pytest.mark.parametrize("media_type", ["video/mp4", "model/gltf-binary", "application/x-exr", "text/plain", ""])
def test_types_of_a_farm_are_taken(cast: Cast, job: Row, media_type: str) -> None:
    assert put(cast.creator, job, content_type=media_type).status == 200


def test_no_blob_is_left_of_a_write_that_failed(cast: Cast, job: Row, services: Services, database: Database) -> None:
    """What refuses it is found in the transaction, when the store has the bytes."""
    common = {"project_id": job["project_id"], "job_id": job["id"], "media_type": "image/png", "size": 1,
              "sha256": "0" * 64, "attempt": 1, "created_at": NOON, "updated_at": NOON}  # fmt: skip
    full = [{"id": new_id("art"), "name": f"{n}.png", "blob": f"x/{n}", **common} for n in range(MOST_OF_A_JOB)]
    with database.transaction() as session:
        session.execute(insert(artifacts), full)
    told = put(cast.creator, job).refused(409, "conflict").document["detail"]
    assert "500 artifacts" in told
    assert blobs(services) == []
    assert put(cast.creator, job, "7.png").status == 200  # one that is there may be replaced


def test_a_commit_whose_answer_was_lost_keeps_the_file(
    cast: Cast, job: Row, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is told that it failed, and by a repetition that it did not."""
    dialect, commit = services.database.engine.dialect, services.database.engine.dialect.do_commit

    def broken(connection: Any) -> None:
        commit(connection)
        monkeypatch.setattr(dialect, "do_commit", commit)
        raise OperationalError("COMMIT", None, ConnectionError("the connection was lost"))

    url = put(cast.creator, job, data=b"the first").data["url"]
    again = {"Idempotency-Key": "once"}
    monkeypatch.setattr(dialect, "do_commit", broken)
    sent = {"data": PNG, "content_type": "image/png", "headers": {"Lease-Token": LEASE, **again}}
    failed = cast.creator.send("PUT", url, **sent)  # unchecked: what is there was audited, and what was answered
    assert failed.status_code >= 500
    assert put(cast.creator, job, headers=again).status == 200
    assert cast.viewer.get(url).response.data == PNG
    assert len(blobs(services)) == 2  # the first is left to the sweeper


def test_a_lost_file_is_told(cast: Cast, job: Row, services: Services) -> None:
    url = put(cast.creator, job).data["url"]
    services.artifacts.delete(blobs(services)[0])
    cast.viewer.get(url).refused(404, "not-found")


@pytest.mark.parametrize(("asked", "status", "read"), [({}, 200, b"another"), ({"Range": "bytes=2-3"}, 206, b"ot")])
def test_a_reader_who_meets_a_replacement_gets_it(
    cast: Cast, job: Row, services: Services, monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, str], status: int, read: bytes,
) -> None:  # fmt: skip
    """Its row has been read, its bytes are gone by the time that they are opened."""
    url, opened = put(cast.creator, job).data["url"], services.artifacts.read

    def late(*what: Any) -> Iterator[bytes]:
        monkeypatch.undo()
        put(cast.creator, job, data=b"another")
        return opened(*what)

    monkeypatch.setattr(services.artifacts, "read", late)
    got = cast.viewer.call("GET", url, headers=asked)
    assert (got.status, got.response.data) == (status, read)
    assert got.headers["ETag"] == f'"{hashlib.sha256(b"another").hexdigest()}"'


def test_there_may_be_others(cast: Cast, job: Row) -> None:
    for name in ("b.png", "a.png", "c.exr"):
        put(cast.creator, job, name)
    listed = cast.viewer.get(f"/jobs/{job['id']}/artifacts", fields="name", limit=2)
    assert [row["name"] for row in listed.data] == ["a.png", "b.png"]
    assert cast.viewer.get(f"/jobs/{job['id']}/artifacts", sort="-size", media_type="image/png").status == 200


def test_where_the_store_is_stays_untold(make_app: MakeApp, cast: Cast, job: Row) -> None:
    client = Client(make_app(artifacts="s3://the-bucket?endpoint=http://127.0.0.1:9"), cast.creator.key)
    refused = put(client, job).refused(503, "store-unavailable")
    assert refused.headers["Retry-After"] == "5"
    assert not [told for told in ("the-bucket", "127.0.0.1") if told in refused.response.text]
