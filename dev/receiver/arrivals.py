"""What has arrived at the demo receiver, and whether it can be believed."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from domain.clock import rfc3339, system_clock

KEPT = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request to `/hooks/<name>`.

    Attributes:
        id: of the message; the same on every attempt.
        attempt: how many times this message has arrived by now.
        verified: whether a known secret made its signature, in time.
        reason: why it is not.
        status: what was answered.
    """

    number: int
    received_at: datetime
    name: str
    id: str
    type: str
    attempt: int
    verified: bool
    reason: str
    status: int
    headers: dict[str, str]
    text: str
    body: Any

    def as_data(self) -> dict[str, Any]:
        """As `/arrivals` shows it."""
        return {
            **{name: getattr(self, name) for name in ("id", "type", "name", "verified", "reason", "status", "attempt")},
            "received_at": rfc3339(self.received_at),
            "headers": self.headers,
            "body": self.text if self.body is None else self.body,
        }

    @property
    def pretty(self) -> str:
        """The body for reading."""
        return self.text if self.body is None else json.dumps(self.body, indent=2, ensure_ascii=False)

    @property
    def subject(self) -> str:
        """What it is about, in a few words."""
        data = self.body.get("data") if isinstance(self.body, dict) else None
        if not isinstance(data, dict):
            return ""
        known = [data.get(name) for name in ("name", "code", "url", "id")]
        return next((text for text in known if isinstance(text, str) and text), "")


@dataclass(slots=True)
class Arrivals:
    """The last 500, in memory. Any thread may use it."""

    clock: Callable[[], datetime] = system_clock
    _kept: deque[Arrival] = field(default_factory=lambda: deque(maxlen=KEPT))
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _proven: set[str] = field(default_factory=set)
    _number: int = 0
    _lock: Lock = field(default_factory=Lock)

    def take(
        self, name: str, headers: Mapping[str, str], raw: bytes, secrets: Sequence[Webhook], status: int
    ) -> Arrival:
        """Check and keep one. A name that has proven itself once must go on doing so: 401 when it does not."""
        reason = why_not_verified(secrets, headers, raw)
        text, body = _read(raw)
        with self._lock:
            self._number += 1
            message = headers.get("Webhook-Id", "")
            self._counts[name, message] += 1
            if reason and name in self._proven:
                status = 401
            elif not reason:
                self._proven.add(name)
            arrival = Arrival(
                number=self._number,
                received_at=self.clock(),
                name=name,
                id=message,
                type=str(body.get("type", "")) if isinstance(body, dict) else "",
                attempt=self._counts[name, message] if message else 1,
                verified=not reason,
                reason=reason,
                status=status,
                headers=dict(headers),
                text=text,
                body=body,
            )
            if len(self._kept) == KEPT:
                self._forget(self._kept[0])
            self._kept.append(arrival)
        return arrival

    def newest_first(self) -> list[Arrival]:
        """All that are kept."""
        with self._lock:
            return list(reversed(self._kept))

    def clear(self) -> None:
        """Forget what arrived; a name that has proven itself stays so."""
        with self._lock:
            self._kept.clear()
            self._counts.clear()

    def _forget(self, arrival: Arrival) -> None:
        """Stop counting a message when its last arrival leaves, so that memory stays bounded."""
        if not any(other.id == arrival.id and other.name == arrival.name for other in list(self._kept)[1:]):
            self._counts.pop((arrival.name, arrival.id), None)


def why_not_verified(secrets: Sequence[Webhook], headers: Mapping[str, str], raw: bytes) -> str:
    """Empty when one of the secrets made the signature, recently enough; else a sentence."""
    reason = "No signing secret is known here."
    for secret in secrets:
        try:
            secret.verify(raw, dict(headers), json_parse=False)
        except WebhookVerificationError as error:
            reason = f"{error}."
        except ValueError:  # a signature that is not base64, a body that is not UTF-8
            reason = "The signature or the body is malformed."
        else:
            return ""
    return reason


def _read(raw: bytes) -> tuple[str, Any]:
    """The text, and the JSON in it, None when there is none."""
    text = raw.decode("utf-8", "replace")
    try:
        return text, json.loads(text)
    except (ValueError, RecursionError):
        return text, None
