"""Blobs that nothing names: removed after a day, and only from a store that is this installation's and no other's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.artifacts.places import Bucket, Folder
from domain.artifacts.store import ArtifactStore
from domain.clock import system_clock
from domain.db import Database
from domain.ids import new_id
from jobs.artifact_store import open_store
from jobs.orphans import MARKER, Orphans
from tests.factories import make_artifact, make_job, make_project, make_scene, make_segment
from tests.jobs.test_artifact_store import FOREVER, bucket
from tests.support.databases import SqliteDatabases

__all__ = ["bucket"]  # a fixture


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, home: Path) -> ArtifactStore:
    if request.param == "folder":
        return open_store(Folder(home / "artifacts"))
    whole: Bucket = request.getfixturevalue("bucket")
    return open_store(replace(whole, prefix=new_id("orphans")))


@pytest.fixture
def other(sqlite_databases: SqliteDatabases) -> Iterator[Database]:
    """The database of another installation."""
    with sqlite_databases.fresh() as url:
        made = Database(url)
        yield made
        made.dispose()


def orphans(database: Database, store: ArtifactStore, hours: int = 25) -> Orphans:
    """As the sweeper of an installation sees them when so much time has passed."""
    return Orphans(database, store, lambda: system_clock() + timedelta(hours=hours))


def unnamed(store: ArtifactStore) -> str:
    name = f"{new_id('job')}/{new_id('blob')}"
    store.write(name, [b"left behind"])
    return name


def named(database: Database, store: ArtifactStore) -> str:
    segment = make_segment(database, make_scene(database, make_project(database)))
    blob: str = make_artifact(database, make_job(database, segment))["blob"]
    store.write(blob, [b"kept"])
    return blob


def left(store: ArtifactStore) -> set[str]:
    return set(store.older_than(FOREVER))


def test_it_works(database: Database, store: ArtifactStore) -> None:
    assert orphans(database, store).remove() == 0  # the store is empty: it is ours now
    kept, orphan = named(database, store), unnamed(store)
    assert orphans(database, store, hours=23).remove() == 0
    assert left(store) == {kept, orphan}
    assert orphans(database, store).remove() == 1
    assert left(store) == {kept}


def test_a_store_from_before_there_were_marks_is_known_by_a_file(database: Database, store: ArtifactStore) -> None:
    kept, _ = named(database, store), unnamed(store)
    assert orphans(database, store).remove() == 0
    assert orphans(database, store).remove() == 1
    assert left(store) == {kept}


def test_nothing_is_removed_from_anothers(
    database: Database, other: Database, store: ArtifactStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Both have the same secret key; one of them may have been told of the other's store by mistake."""
    orphans(database, store).remove()
    files = {named(database, store), unnamed(store)}
    theirs = orphans(other, store)
    with caplog.at_level(logging.WARNING):
        assert [theirs.remove(), theirs.remove()] == [0, 0]
    assert len(caplog.messages) == 1
    assert "another installation's store" in caplog.text
    assert left(store) == files
    assert orphans(database, store).remove() == 1


def test_nothing_is_removed_where_all_files_are_unknown(
    database: Database, store: ArtifactStore, caplog: pytest.LogCaptureFixture
) -> None:
    """They may be those of an installation that has not left its mark yet."""
    orphan, ours = unnamed(store), orphans(database, store)
    with caplog.at_level(logging.WARNING):
        assert [ours.remove(), ours.remove()] == [0, 0]
    assert len(caplog.messages) == 1
    assert left(store) == {orphan}
    with pytest.raises(FileNotFoundError):
        store.read(MARKER)
    kept = named(database, store)
    assert [ours.remove(), ours.remove()] == [0, 1]
    assert left(store) == {kept}


def test_the_mark_tells_nothing_of_the_secret(database: Database, store: ArtifactStore) -> None:
    orphans(database, store).remove()
    assert b"".join(store.read(MARKER)).startswith(b"ins_")
