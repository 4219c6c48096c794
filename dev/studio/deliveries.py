"""Past deliveries and their attempts: the schedule is the real one, the receivers' tempers are made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

from domain.webhooks.retry import Schedule
from domain.webhooks.signing import signed_headers

from .hooks import BRIDGE, SCREEN, Registered
from .past import Past, cut, past_id

AGENT = "Callsheet-Webhooks/1"
# A delivery that still waits waits this long at least: a fresh demo sends nothing by itself.
LEAST_WAIT = timedelta(hours=2)
TOO_SLOW_MS = 20_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver made of an attempt."""

    status_code: int | None
    error: str | None
    message: str
    milliseconds: tuple[int, int]
    body: str = ""
    server: str = "nginx/1.26.2"
    extra: tuple[tuple[str, str], ...] = ()


ACCEPTED = Answer(
    200, None, "The receiver accepted it.", (2, 19), '{"received": true, "verified": true}', "Callsheet demo receiver"
)
ACCEPTED_FAR = Answer(202, None, "The receiver accepted it.", (74, 410), '{"queued": true}')
REFUSED = Answer(
    None, "refused", "The receiver refused the connection: nothing listens at that address and port.", (0, 2)
)
TIMEOUT = Answer(None, "timeout", "No complete answer within 20 seconds.", (TOO_SLOW_MS, TOO_SLOW_MS + 11))
DISCONNECTED = Answer(None, "disconnected", "The receiver closed the connection without an answer.", (1100, 7400))
BUSY = Answer(
    503,
    None,
    "The receiver answered 503.",
    (31, 96),
    "<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
    extra=(("Retry-After", "30"),),
)
BROKEN = Answer(
    500, None, "The receiver answered 500.", (120, 900), '{"error": "could not obtain lock on relation \\"shots\\""}'
)
GONE = Answer(
    410,
    None,
    "The receiver answered 410 Gone: it wants no more events.",
    (60, 90),
    "The screen has moved to the canteen. No bell there.",
)

# What went wrong at the demo receiver before it went well: one story for every so many deliveries.
HICCUPS = ((REFUSED,), (BUSY,), (REFUSED, REFUSED), (TIMEOUT,), (BUSY, TIMEOUT))
HICCUP_EVERY = 11
# The bridge's last days: overloaded, then stuck, then away.
DECLINE = (BUSY, BUSY, BROKEN, TIMEOUT, TIMEOUT, DISCONNECTED, REFUSED, REFUSED, REFUSED, REFUSED)


@dataclass(slots=True)
class Post:
    """Delivers the past: rows of deliveries and attempts for a webhook and its events."""

    rng: Random
    past: Past
    waits: Sequence[int]
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)

    def deliver(
        self, webhook: Registered, events: Sequence[dict[str, Any]], failing_from: datetime | None = None
    ) -> None:
        """Send it these events. From `failing_from` on nothing arrives any more."""
        for count, event in enumerate(events, start=1):
            if failing_from is not None and event["created_at"] >= failing_from:
                answers: Sequence[Answer] = DECLINE
            elif webhook.closed_at is not None and event is events[-1]:
                answers = (GONE,)
            elif webhook.hook.name in (BRIDGE, SCREEN):
                answers = (ACCEPTED_FAR,)
            else:
                hiccup = HICCUPS[count // HICCUP_EVERY % len(HICCUPS)] if count % HICCUP_EVERY == 0 else ()
                answers = (*hiccup, ACCEPTED)
            self._send(webhook, event, answers)

    def _send(self, webhook: Registered, event: dict[str, Any], answers: Sequence[Answer]) -> None:
        """One delivery: attempts by the schedule until one is final, the schedule ends or now is reached."""
        schedule, created = Schedule(self.waits, self.rng.random), event["created_at"]
        delivery = {"id": past_id("dlv", created), "webhook_id": webhook.id, "event_id": event["id"],
                    "event_type": event["type"], "created_at": created}  # fmt: skip
        due: datetime | None = created + timedelta(milliseconds=self.rng.randint(6, 40))
        status, made, finished, code = "pending", 0, None, None
        while due is not None and due < self.past.now and status == "pending":
            answer = answers[min(made, len(answers) - 1)]
            attempt = self._attempt(webhook, event, delivery["id"], made + 1, cut(due), answer)
            self.attempts.append(attempt)
            made, code = made + 1, answer.status_code
            ended = attempt["started_at"] + timedelta(milliseconds=attempt["duration_ms"])
            status = {200: "delivered", 202: "delivered", 410: "cancelled"}.get(code or 0, "pending")
            due = schedule.next_attempt(made, ended, 30 if answer is BUSY else None)
            finished = ended if status != "pending" or due is None else None
        if due is None and status == "pending":
            status = "failed"
        waiting = max(cut(due or self.past.now), self.past.now + LEAST_WAIT)
        delivery |= {"status": status, "attempts_count": made, "last_status_code": code, "finished_at": finished}
        self.deliveries.append(delivery | {"due_at": finished or waiting})

    def _attempt(
        self,
        webhook: Registered,
        event: dict[str, Any],
        delivery_id: str,
        number: int,
        started: datetime,
        answer: Answer,
    ) -> dict[str, Any]:
        thin = webhook.hook.payload_version == "v1-thin"
        body = (event["thin_body"] if thin else event["body"]).encode()
        headers = {"Content-Type": "application/json", "User-Agent": AGENT, "Accept-Encoding": "identity"}
        stamp, milliseconds = int(started.timestamp()), self.rng.randint(*answer.milliseconds)
        return {
            "delivery_id": delivery_id,
            "number": number,
            "started_at": started,
            "duration_ms": milliseconds,
            "address": _address(webhook) if answer.status_code else None,
            "status_code": answer.status_code,
            "error": answer.error,
            "message": answer.message,
            "request_headers": headers | signed_headers([webhook.secret], event["id"], stamp, body),
            "response_headers": _headers(answer, started + timedelta(milliseconds=milliseconds)),
            "response_body": answer.body,
        }


def _address(webhook: Registered) -> str:
    """Where it connected: the demo receiver, or an address reserved for documentation (RFC 5737)."""
    scheme, _, rest = webhook.url.partition("://")
    if scheme == "http":
        return rest.partition("/")[0]
    return "203.0.113.40:443" if webhook.hook.name == BRIDGE else "198.51.100.7:443"


def _headers(answer: Answer, at: datetime) -> dict[str, str]:
    if answer.status_code is None:
        return {}
    kind = "application/json" if answer.body.startswith("{") else "text/html; charset=utf-8"
    sent = {"Server": answer.server, "Date": format_datetime(at, usegmt=True), "Content-Type": kind}
    return sent | {"Content-Length": str(len(answer.body.encode()))} | dict(answer.extra)


def missed_from(events: Sequence[dict[str, Any]]) -> datetime:
    """When the bridge began to fail: with the fourth of its events from the end."""
    at: datetime = events[-4]["created_at"]
    return at
