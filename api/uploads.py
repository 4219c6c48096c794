"""A request's body on its way to the store of artifacts: counted and passed on in pieces, never held whole."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain.artifacts.commands import Kept
from domain.artifacts.store import PIECE
from domain.ports import Services

from .problems import Problem
from .request_limits import MOST_DRAINED, declared_length

log = logging.getLogger("callsheet.api")


@dataclass(slots=True)
class Upload:
    """The body of one call.

    Attributes:
        size: bytes read so far.
        kept: what the store has of it, once it has.
        named: whether an artifact has it, or will if the call's transaction commits.
        replaced: the blob that nothing names any more once the call's transaction has committed.
    """

    environ: Mapping[str, Any]
    size: int = 0
    kept: Kept | None = None
    named: bool = False
    replaced: str | None = None

    @property
    def declared(self) -> int | None:
        """The `Content-Length`; None for a body in chunks.

        Raises:
            Problem: 400, it is no number.
        """
        return declared_length(self.environ)[0]

    def __iter__(self) -> Iterator[bytes]:
        """The pieces.

        Raises:
            Problem: 400, the caller sent less than it declared.
        """
        declared, chunked = declared_length(self.environ)
        left = None if chunked else declared or 0
        while left is None or left > 0:
            piece = self.environ["wsgi.input"].read(PIECE if left is None else min(PIECE, left))
            if not piece:
                break
            self.size += len(piece)
            left = None if left is None else left - len(piece)
            yield piece
        if left:
            raise Problem("bad-request", "The body ended before its `Content-Length`.")

    def drain(self) -> None:
        """Read on after a refusal, so that the caller can read it; of a large body not to its end. Only for one who was
        let in: it takes as long as the sender likes.
        """
        with contextlib.suppress(Problem, OSError):
            for _ in self:
                if self.size >= MOST_DRAINED:
                    return

    @contextlib.contextmanager
    def settling(self, services: Services) -> Iterator[None]:
        """Remove from the store what the outcome leaves without a name. What cannot be is found by the sweeper."""
        try:
            yield
        except Exception:
            # Once it is named its row may be there, whatever failed: the answer to a COMMIT can be lost on its way.
            if not self.named:
                _remove(services, self._unnamed)
            raise
        _remove(services, self.replaced if self.named else self._unnamed)

    @property
    def _unnamed(self) -> str | None:
        return None if self.kept is None else self.kept.blob


def _remove(services: Services, blob: str | None) -> None:
    if blob is None:
        return
    try:
        with services.gate.outside():
            services.artifacts.delete(blob)
    except Exception as error:
        log.warning("a blob without an artifact is left to the sweeper: %s", error)
