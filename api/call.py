"""One call of the API, from its first byte to its audit row."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from domain.access import Actor
from domain.api_keys.queries import Credential
from domain.audit.commands import AuditEntry
from domain.audit.masking import clean_text, mask, masked_params
from domain.db import Row, Session
from domain.events.commands import Context
from domain.ids import new_id
from domain.ports import Grant, Services, client_address

from .costs import ONE, Cost
from .json_body import BadJson, load_strict
from .response import Response
from .uploads import Upload

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_UNREAD = object()
READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Call:
    """Everything known of the call being answered."""

    services: Services
    environ: Mapping[str, Any]
    at: datetime
    request_id: str
    ip: str
    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    route: str | None = None  # the template that the path fits
    started: float = field(default_factory=time.perf_counter)
    credential: Credential | None = None
    key_id: str | None = None  # also of a refused key
    secret_id: str | None = None
    grant: Grant | None = None
    bucket: str = "address"
    cost: Cost = ONE
    told: Callable[[Any], Any] | None = None  # what the audit is told of the body, in place of it
    raw_body: bytes = b""
    dropped: int = 0  # bytes of a body that was too large to be kept
    upload: Upload | None = None  # in place of `raw_body`, where that is a file
    problem: str | None = None
    idempotency: str | None = None
    audited: bool = False
    changes: Mapping[str, Any] | None = None  # old and new values, for the audit
    prepared: Any = None
    read_already: Sequence[tuple[str, str]] = ()  # of the query, by the door
    now: datetime = field(init=False)  # later than `at` in a call that has waited
    patient: bool = False  # whether it rather waits than to be answered that there is nothing yet
    woken: bool = True  # whether what it looks for may have changed since its last look
    # After waiting: lets this call in once more, or raises what refuses it by now. Not bound to it: no call must hold
    # itself, or only the collector, which stops every thread, would give back what it holds.
    readmit: Callable[[Call], None] | None = None
    _session: Session | None = None
    _target: Row | None = None
    _body: Any = _UNREAD

    def __post_init__(self) -> None:
        self.now = self.at

    @classmethod
    def begin(cls, services: Services, environ: Mapping[str, Any]) -> Call:
        """The call of a request as WSGI tells it (PEP 3333)."""
        given, query = environ.get("HTTP_X_REQUEST_ID", ""), environ.get("QUERY_STRING", "")
        sane = _SANE_REQUEST_ID.fullmatch(given) is not None and clean_text(given) == given
        forwarded = environ.get("HTTP_X_FORWARDED_FOR")
        return cls(
            services,
            environ,
            services.clock(),
            request_id=given if sane else new_id("req"),
            ip=client_address(environ.get("REMOTE_ADDR"), forwarded, services.settings.trusted_proxies),
            method=environ["REQUEST_METHOD"].upper(),
            path=path_of(environ),
            query=tuple(parse_qsl(_decoded(query), keep_blank_values=True, errors="replace")) if query else (),
        )

    def header(self, name: str) -> str | None:
        """A header of the request."""
        value: str | None = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return value

    @property
    def writes(self) -> bool:
        """Whether the method may change something."""
        return self.method not in READS

    @property
    def is_let_in(self) -> bool:
        """Whether a key allows the call, and the key's limit does."""
        return self.credential is not None and self.grant is not None and self.grant.allowed

    @property
    def actor(self) -> Actor:
        """Who calls."""
        assert self.credential is not None
        return self.credential.actor

    @property
    def session(self) -> Session:
        """The database session of the operation."""
        assert self._session is not None
        return self._session

    def set_session(self, session: Session) -> None:
        """Open the operation's session; `session` gives it."""
        self._session = session

    def set_target(self, row: Row) -> None:
        """Keep the loaded row; `target` gives it."""
        self._target = row

    @property
    def target(self) -> Row:
        """The row that the operation declared with `loads`, visible to the caller, locked when the operation writes."""
        assert self._target is not None
        return self._target

    @property
    def context(self) -> Context:
        """What commands ask for."""
        return Context(self.actor, self.now, self.request_id)

    def audit_entry(self, response: Response) -> AuditEntry:
        """The call's row; an answer that streams has no length yet."""
        return AuditEntry(
            at=self.at,
            source="api",
            key_id=self.key_id,
            secret_id=self.secret_id,
            method=self.method[:20],
            route=self.route,
            path=clean_text(self.path, 2000),
            params=masked_params(self._query_for_audit(), self._told_body()),
            changes=mask(self.changes) if self.changes else None,
            status_code=response.status,
            problem=self.problem,
            request_id=self.request_id,
            idempotency=self.idempotency,
            rate_limit=None if self.grant is None else f"{self.bucket} {self.grant.remaining}/{self.grant.limit}",
            ip=self.ip,
            user_agent=clean_text(self.environ.get("HTTP_USER_AGENT"), 400),
            bytes_in=len(self.raw_body) + self.dropped if self.upload is None else self.upload.size,
            bytes_out=response.length,
            duration_ms=round((time.perf_counter() - self.started) * 1000, 3),
        )

    def note_refused(self, slugs: Iterable[str]) -> None:
        """Have the audit keep how many parts of an answer that is none as a whole were refused, by slug of problem."""
        refused = Counter(slugs)
        if refused:
            self.changes = {"refused": dict(refused)}

    def _query_for_audit(self) -> dict[str, Any]:
        """Every value of every parameter: what was given twice counted twice."""
        given: dict[str, list[str]] = {}
        for name, value in (*self.read_already, *self.query):
            given.setdefault(name, []).append(value)
        return {name: values[0] if len(values) == 1 else values for name, values in given.items()}

    def _told_body(self) -> Any:
        body = self.body_for_audit()
        return body if self.told is None else self.told(body)

    def body_for_audit(self) -> Any:
        """The body, or how long it is when it cannot be read."""
        try:
            return self.body_value()
        except BadJson:
            return {"unreadable_bytes": len(self.raw_body)}

    def body_value(self) -> Any:
        """The JSON of the body, None for an empty one. Read once.

        Raises:
            BadJson: it is not acceptable JSON.
        """
        if self._body is _UNREAD:
            self._body = load_strict(self.raw_body) if self.raw_body else None
        return self._body


def path_of(environ: Mapping[str, Any]) -> str:
    """The path of a request, decoded, with one slash at its beginning."""
    return "/" + _decoded(environ.get("PATH_INFO", "")).lstrip("/")


def _decoded(text: str) -> str:
    """WSGI hands bytes over as Latin-1; these are UTF-8."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")
