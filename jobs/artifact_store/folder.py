"""Artifacts as files: written beside their place, synced, and renamed into it."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from domain.artifacts.store import PIECE, StoreUnavailable, is_blob
from domain.ids import is_id

_DRAFT = ".draft-"
TRIES = 100


class FolderStore:
    """See `domain.artifacts.store.ArtifactStore`.

    Args:
        folder: made when something is first written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        path = self._folder / name
        descriptor, draft = _draft_in(path.parent)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for piece in pieces:
                    with _told():
                        _write_all(file.fileno(), piece)
                with _told():
                    os.fsync(descriptor)
            with _told():
                os.rename(draft, path)
                _sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        with _told():
            file = (self._folder / name).open("rb", buffering=0)
            file.seek(start)
        return _Pieces(file, None if stop is None else stop - start)

    def delete(self, name: str) -> None:
        path = self._folder / name
        with _told():
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()  # where it was the last

    def older_than(self, moment: datetime) -> Iterator[str]:
        for job in _names_in(self._folder):
            for name in _names_in(self._folder / job) if is_id(job, "job") else ():
                ours = is_blob(f"{job}/{name}") or name.startswith(_DRAFT)
                if ours and _is_old_file(self._folder / job / name, moment):
                    yield f"{job}/{name}"


class _Pieces:
    """What is left of a file, closed at its end or by the server when the reader goes away (PEP 3333)."""

    def __init__(self, file: BinaryIO, left: int | None) -> None:
        self._file = file
        self._left = left

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> bytes:
        wanted = PIECE if self._left is None else min(PIECE, self._left)
        piece = self._file.read(wanted) if wanted else b""
        if not piece:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


def _draft_in(folder: Path) -> tuple[int, str]:
    """A new file, open. Whoever deletes the last file of a folder removes it, too: perhaps as soon as it is made here.

    Raises:
        StoreUnavailable: it cannot be made.
    """
    for _ in range(TRIES):
        with _told(), contextlib.suppress(FileNotFoundError, FileExistsError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return tempfile.mkstemp(dir=folder, prefix=_DRAFT)
    raise StoreUnavailable("The folder of artifacts cannot be used: what is made in it goes at once.")


def _names_in(folder: Path) -> list[str]:
    """What it holds; nothing where it is no folder, or has gone since it was found."""
    with _told(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return os.listdir(folder)
    return []


def _is_old_file(path: Path, moment: datetime) -> bool:
    with _told(), contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_mtime < moment.timestamp()
    return False


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    """A rename is durable once the folder that it happened in is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreUnavailable(f"The folder of artifacts cannot be used: {error.strerror}.") from error
