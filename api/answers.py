"""The two forms of success: one object, or a page of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import orjson

from domain.db import Row
from domain.listing import Page

from .call import Call
from .response import Response


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view returns.

    Attributes:
        once: secrets that `data` holds in this answer, and null in every replay of it.
        undo: it tells what would be: the transaction is to be rolled back.
        stream: the body in pieces, in place of the document.
        opens: gives it, once the call holds no connection any more: of a read, where that may take long.
        awaits: the topics (see `domain.signals.Changed`) of which one may change it, where the caller might rather wait
            for that; empty for an answer that is not worth waiting longer for.
    """

    document: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    once: Mapping[str, str] = field(default_factory=dict)
    undo: bool = False
    stream: Iterator[bytes] | None = None
    opens: Callable[[], Iterator[bytes]] | None = None
    content_type: str = "application/json"
    awaits: tuple[str, ...] = ()

    def response(self) -> Response:
        """The HTTP response."""
        if self.status == 204:
            return Response(status=204, headers=dict(self.headers))
        body = self._body(self.once) if self.stream is None else self.stream
        return Response(body, self.status, {"Content-Type": self.content_type, **self.headers})

    def kept(self) -> bytes:
        """The body as it may be stored."""
        return self._body(dict.fromkeys(self.once))

    def _body(self, once: Mapping[str, str | None]) -> bytes:
        return orjson.dumps({**self.document, "data": {**self.document["data"], **once}} if once else self.document)


def one(data: Mapping[str, Any], *, etag: str | None = None) -> Answer:
    """`{"data": {…}}`."""
    return Answer({"data": data}, headers={} if etag is None else {"ETag": etag})


def created(
    data: Mapping[str, Any], location: str, *, once: Mapping[str, str] | None = None, etag: str | None = None
) -> Answer:
    """201 with the address of what was made. `once`: see `Answer`."""
    headers = {"Location": location} if etag is None else {"Location": location, "ETag": etag}
    return Answer({"data": data}, 201, headers, once or {})


NOTHING = Answer({}, 204)


def many(call: Call, rows: Sequence[Mapping[str, Any]], page: Page) -> Answer:
    """`{"data": […], "page": {…}}` and a `Link` to the next page (RFC 8288)."""
    headers = {}
    if page.next is not None:
        query = urlencode([(n, v) for n, v in call.query if n != "cursor"] + [("cursor", page.next)])
        headers["Link"] = f'<{call.path}?{query}>; rel="next"'
    shown: dict[str, Any] = {"next": page.next, "limit": page.limit}
    if page.total is not None:
        shown["total"] = page.total
    return Answer({"data": rows, "page": shown}, headers=headers)


def etag_of(row: Row, shaped: Mapping[str, Any] | None = None) -> str:
    """A strong tag: the version goes up with every change of the representation.

    Args:
        shaped: what is answered when that is not the whole object alone: a tag of its own, for what `fields` leaves out
            and `expand` puts in is not the version's to tell.
    """
    version = f"{row['id']}-{row['version']}"
    return f'"{version}"' if shaped is None else f'"{version}-{sha256(orjson.dumps(shaped)).hexdigest()[:8]}"'
