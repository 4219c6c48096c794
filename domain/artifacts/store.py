"""The port of the store that holds artifacts' bytes, and what is found out about them on their way there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from ..ids import is_id

PIECE = 256 * 1024  # bytes that are read and written at a time


def is_blob(name: str) -> bool:
    """Whether it has the form of the names that blobs of artifacts have: the id of a job, `/`, an id of its own."""
    job, _, blob = name.partition("/")
    return is_id(job, "job") and is_id(blob, "blob")


class TooLarge(Exception):
    """More bytes came than an artifact may have. Nothing was kept of them."""


class StoreUnavailable(Exception):
    """The store does not answer, or refuses."""


class ArtifactStore(Protocol):
    """Bytes by name. A name is written once; it stands for the same bytes until it is deleted.

    Each call raises `StoreUnavailable` when the store cannot be used.
    """

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Keep what the pieces hold, all of it or, when one of them raises, nothing."""
        ...

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, in pieces. Opened at once.

        Raises:
            FileNotFoundError: nothing has this name.
        """
        ...

    def delete(self, name: str) -> None:
        """Forget it; no error when there is nothing."""
        ...

    def older_than(self, moment: datetime) -> Iterator[str]:
        """The names of blobs that were written before that moment, and of what was begun of one and left. Whatever else
        is there is somebody else's.
        """
        ...


class Measured:
    """Pieces on their way: counted, hashed, and refused when they are too many.

    Attributes:
        size: bytes so far.
    """

    def __init__(self, pieces: Iterable[bytes], largest: int) -> None:
        self._pieces = pieces
        self._largest = largest
        self._digest = hashlib.sha256()
        self.size = 0
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        """The pieces. What ends them early is kept in `failure` too: a store may wrap it in an error of its own."""
        try:
            for piece in self._pieces:
                self.size += len(piece)
                if self.size > self._largest:
                    raise TooLarge
                self._digest.update(piece)
                yield piece
        except Exception as error:
            self.failure = error
            raise

    @property
    def sha256(self) -> str:
        """Of what has passed, in hexadecimal."""
        return self._digest.hexdigest()
