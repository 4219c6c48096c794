"""A checkpoint: one signed line of JSON that says what is sealed so far, and the file of them outside the database."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from ..clock import parse_rfc3339, rfc3339
from ..crypto import Keyring

# What else may be signed with the key begins with other words.
_DOMAIN = b"callsheet audit checkpoint 1\n"
NO_HEAD = "0" * 64
LONGEST_LINE = 2000
TAIL = 64 * 1024


class Kind(StrEnum):
    """What a seal tells of its rows."""

    SEALED = "sealed"
    LATE = "sealed_late"  # found behind the others: their time had been sealed before
    PRUNED = "pruned"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One seal.

    Attributes:
        seal: its number, from 1, without gaps.
        first, last: the sequences of its rows; `last` is `first - 1` where there are none.
        count: how many rows; of a pruning, which leaves rows between out, fewer than the range has.
        root: the Merkle root of their leaves, in hexadecimal.
        size: the rows sealed up to here, pruned ones included.
        previous: the head of the seal before.
        until: rows of this time and before were all sealed, as far as they had been committed.
        at: when it was made.
        signature: Ed25519 over the others, in base64.
    """

    seal: int
    kind: str
    first: int
    last: int
    count: int
    root: str
    size: int
    previous: str
    until: datetime
    at: datetime
    signature: str = ""

    def signed(self, keyring: Keyring) -> Checkpoint:
        """The same with its signature."""
        return replace(self, signature=base64.b64encode(keyring.sign(_DOMAIN + self._body())).decode())

    def is_signed(self, keyring: Keyring) -> bool:
        """Whether the signature is the installation's."""
        return keyring.has_signed(_DOMAIN + self._body(), base64.b64decode(self.signature))

    @property
    def head(self) -> str:
        """What the next seal names as `previous`."""
        return hashlib.sha256(self.line.encode()).hexdigest()

    @property
    def line(self) -> str:
        """The line of the file, without its end."""
        return orjson.dumps(self._fields() | {"signature": self.signature}).decode()

    def _body(self) -> bytes:
        return orjson.dumps(self._fields())

    def _fields(self) -> dict[str, Any]:
        fields = asdict(self) | {"until": rfc3339(self.until), "at": rfc3339(self.at)}
        del fields["signature"]
        return fields


def parse(line: str) -> Checkpoint:
    """The checkpoint of a line.

    Raises:
        ValueError: it is not written as `line` writes it.
    """
    try:
        fields = orjson.loads(line)
        made = Checkpoint(**fields | {"until": parse_rfc3339(fields["until"]), "at": parse_rfc3339(fields["at"])})
        same = made.line == line and bool(base64.b64decode(made.signature, validate=True))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None
    numbers = (made.seal, made.first, made.last, made.count, made.size)
    if not same or not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("not a checkpoint")
    return made


class CheckpointFile:
    """Lines in `CALLSHEET_HOME/audit`, appended and synced to the disk, never changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def in_home(cls, home: Path) -> CheckpointFile:
        """The file of this installation."""
        return cls(home / "audit" / "checkpoints.ndjson")

    def lines(self) -> Iterator[str]:
        """Every whole line, in order; a half one at the end was being written when somebody was killed.

        Raises:
            OSError: there is no such file, or it cannot be read.
        """
        with self.path.open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                if line.endswith(b"\n"):
                    yield line[:-1].decode("utf-8", "replace")
                elif file.peek(1):
                    yield line.decode("utf-8", "replace")

    @contextmanager
    def appending(self) -> Iterator[Appender]:
        """Be the only one who appends. Makes the file when it is absent.

        Raises:
            OSError: the file cannot be written.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_new:
                _sync_folder(self.path.parent)
            yield Appender(file)


class Appender:
    """The open, locked file. A half line at its end, of somebody who was killed, is cut off."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.last_line = self._mended_tail()

    def append(self, lines: Iterable[str]) -> None:
        """Write the lines; they are on the disk afterwards."""
        written = "".join(f"{line}\n" for line in lines).encode()
        if written:
            self._file.write(written)
            os.fsync(self._file.fileno())

    def _mended_tail(self) -> str | None:
        size = self._file.seek(0, os.SEEK_END)
        start = self._file.seek(max(0, size - TAIL))
        whole, _, half = self._file.read().rpartition(b"\n")
        if half:
            os.ftruncate(self._file.fileno(), size - len(half))
        kept = size - len(half) > start
        return whole.rpartition(b"\n")[2].decode("utf-8", "replace") if kept else None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
