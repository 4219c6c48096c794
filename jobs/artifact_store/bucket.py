"""Artifacts as objects of an S3-compatible store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from domain.artifacts.places import Bucket
from domain.artifacts.store import PIECE, StoreUnavailable, is_blob

if TYPE_CHECKING:  # the library's types are in its stubs alone
    from obstore import GetOptions
    from obstore.store import S3Config

# The least that S3 takes as a part, and how many wait at once: what one upload holds in memory.
PART = 5 * 1024 * 1024
PARTS_AT_ONCE = 2
PATIENCE = timedelta(seconds=30)


class BucketStore:
    """See `domain.artifacts.store.ArtifactStore`. The library reads who may use it from `AWS_…` variables."""

    def __init__(self, bucket: Bucket) -> None:
        server: S3Config = {"region": bucket.region}
        if bucket.endpoint is not None:
            server["endpoint"] = bucket.endpoint
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            config=server,
            client_options={
                "allow_http": (bucket.endpoint or "").startswith("http://"),
                "connect_timeout": timedelta(seconds=5),
                "read_timeout": PATIENCE,
                "timeout": timedelta(hours=1),  # of a whole answer
            },
            retry_config={"max_retries": 3, "retry_timeout": PATIENCE},
        )

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        with _told():
            obstore.put(self._store, name, iter(pieces), chunk_size=PART, max_concurrency=PARTS_AT_ONCE)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        if stop is not None and stop <= start:
            return iter(())
        with _told():
            options: GetOptions = {}
            if start or stop is not None:  # of an empty object no range can be had, not even all of it
                options["range"] = {"offset": start} if stop is None else (start, stop)
            found = obstore.get(self._store, name, options=options)
            return self._pieces(found.stream(PIECE))

    def delete(self, name: str) -> None:
        with _told(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, name)

    def older_than(self, moment: datetime) -> Iterator[str]:
        with _told():
            for chunk in obstore.list(self._store):
                old = (each["path"] for each in chunk if each["last_modified"] < moment)
                yield from filter(is_blob, old)

    def _pieces(self, stream: Iterable[bytes]) -> Iterator[bytes]:
        with _told():
            for piece in stream:
                yield bytes(piece)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (BaseError, ValueError) as error:
        line = str(error).partition("\n")[0]
        raise StoreUnavailable(f"The bucket of artifacts cannot be used: {line}") from error
