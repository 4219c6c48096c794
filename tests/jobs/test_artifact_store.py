"""The stores of artifacts: what is written is read again, whole or not at all. In a folder, and in a real bucket."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.artifacts.places import Bucket, Folder
from domain.artifacts.store import ArtifactStore, Measured, StoreUnavailable, TooLarge
from domain.ids import new_id
from jobs.artifact_store import open_store
from tests.support.object_store import BUCKET, CREDENTIALS, object_store

FOREVER = datetime.max.replace(tzinfo=UTC)
JOB = new_id("job")
NAME = f"{JOB}/{new_id('blob')}"


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with object_store() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield Bucket(BUCKET, "studio/artifacts", url)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "folder":
        return open_store(Folder(tmp_path / "artifacts"))
    store = open_store(request.getfixturevalue("bucket"))
    for name in list(store.older_than(FOREVER)):
        store.delete(name)
    return store


def test_it_works(store: ArtifactStore) -> None:
    store.write(NAME, [b"first ", b"second"])
    assert b"".join(store.read(NAME)) == b"first second"


def test_a_range_is_read(store: ArtifactStore) -> None:
    store.write(NAME, [b"0123456789"])
    assert b"".join(store.read(NAME, 3, 7)) == b"3456"
    assert b"".join(store.read(NAME, 8)) == b"89"
    assert b"".join(store.read(NAME, 4, 4)) == b""


def test_an_empty_file_is_a_file(store: ArtifactStore) -> None:
    store.write(NAME, [])
    assert b"".join(store.read(NAME)) == b""


def test_many_megabytes_pass(store: ArtifactStore) -> None:
    piece = os.urandom(1024 * 1024)
    measured = Measured((piece for _ in range(23)), 23 * len(piece))
    store.write(NAME, measured)
    assert measured.size == 23 * len(piece)
    assert b"".join(store.read(NAME)) == piece * 23
    assert b"".join(store.read(NAME, 20 * len(piece) + 5, 20 * len(piece) + 9)) == piece[5:9]


def test_what_is_too_large_is_not_kept(store: ArtifactStore) -> None:
    measured = Measured((b"x" * 1024 for _ in range(20_000)), 1024 * 15_000)
    with pytest.raises((TooLarge, StoreUnavailable)):
        store.write(NAME, measured)
    assert isinstance(measured.failure, TooLarge)
    with pytest.raises(FileNotFoundError):
        store.read(NAME)
    assert list(store.older_than(datetime.now(UTC) + timedelta(days=1))) == []


def test_what_ends_early_is_not_kept(store: ArtifactStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError("the caller went away")

    measured = Measured(broken(), 1000)
    with pytest.raises((ConnectionError, StoreUnavailable)):
        store.write(NAME, measured)
    assert isinstance(measured.failure, ConnectionError)
    with pytest.raises(FileNotFoundError):
        store.read(NAME)


def test_what_is_deleted_is_gone(store: ArtifactStore) -> None:
    store.write(NAME, [b"x"])
    store.delete(NAME)
    store.delete(NAME)
    with pytest.raises(FileNotFoundError):
        store.read(NAME)


def test_a_folder_that_goes_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deletes the last file in it between its making and its use."""
    store, make = open_store(Folder(tmp_path / "artifacts")), tempfile.mkstemp

    def late(**where: Any) -> tuple[int, str]:
        monkeypatch.undo()
        store.delete(f"{JOB}/{new_id('blob')}")
        return make(**where)

    monkeypatch.setattr(tempfile, "mkstemp", late)
    store.write(NAME, [b"x"])
    assert b"".join(store.read(NAME)) == b"x"


def test_the_old_are_found(store: ArtifactStore) -> None:
    store.write(NAME, [b"x"])
    now = datetime.now(UTC)
    assert list(store.older_than(now - timedelta(days=1))) == []
    assert list(store.older_than(now + timedelta(seconds=2))) == [NAME]


def test_what_is_not_ours_is_not_found(store: ArtifactStore) -> None:
    """A folder or bucket may be somebody's whose files lie there, too."""
    for name in ("film.mov", "shots/film.mov", f"{JOB}/film.mov", f"shots/{NAME}", f"{NAME}/film.mov"):
        store.write(name, [b"x"])
    assert list(store.older_than(FOREVER)) == []


def test_a_draft_that_was_left_is_found(tmp_path: Path) -> None:
    store = open_store(Folder(tmp_path / "artifacts"))
    (tmp_path / "artifacts" / JOB).mkdir(parents=True)
    (tmp_path / "artifacts" / JOB / ".draft-abc").touch()
    assert list(store.older_than(FOREVER)) == [f"{JOB}/.draft-abc"]


def test_others_may_delete_while_the_old_are_looked_for(store: ArtifactStore) -> None:
    names = {f"{new_id('job')}/{new_id('blob')}" for _ in range(3)}
    for name in names:
        store.write(name, [b"x"])
    found = store.older_than(FOREVER)
    first = next(found)
    for name in names - {first}:
        store.delete(name)
    assert set(found) <= names


def test_the_digest_is_of_what_passed() -> None:
    measured = Measured([b"abc"], 3)
    assert list(measured) == [b"abc"]
    assert measured.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="folder of artifacts"):
        open_store(Folder(tmp_path / "file" / "artifacts")).write(NAME, [b"x"])


def test_a_bucket_that_does_not_answer_is_told(bucket: Bucket) -> None:
    store = open_store(Bucket(BUCKET, "", "http://127.0.0.1:9"))
    with pytest.raises(StoreUnavailable, match="bucket of artifacts"):
        store.write(NAME, [b"x"])
