"""One attempt: the request that is sent, and what is kept of it and of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from domain.clock import Clock
from domain.deliveries.claiming import Claimed
from domain.deliveries.recording import Attempt
from domain.webhooks.signing import signed_headers

from .transport import Reply, Transport

AGENT = "Callsheet-Webhooks/1"
FIXED = {"Content-Type": "application/json", "User-Agent": AGENT, "Accept-Encoding": "identity"}
SHORTEST_SECRET = 6  # characters; shorter words of a header would be found everywhere
HIDDEN = "…"  # what is kept of a header's value that only the receiver may see


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as its deliveries are sent.

    Attributes:
        headers: its own, which are sent and never kept; None where they cannot be read.
        secrets: those in force, newest first; None where none can be read.
    """

    url: str
    deadline: float
    headers: Mapping[str, str] | None
    secrets: Sequence[str] | None


async def attempt(transport: Transport, target: Target, claimed: Claimed, most: int, clock: Clock) -> Attempt:
    """Send it once.

    Args:
        most: attempts that the schedule has.
    """
    started_at = clock()
    headers = FIXED
    if claimed.scheduled > most:  # it may be what its worker died of, and is not sent for ever
        reply = Reply(0, error="abandoned", message="Not sent: how the last attempt ended was never recorded.")
    elif not target.secrets:
        reply = Reply(0, error="no_secret", message="Not sent: the webhook has no signing secret that can be read.")
    elif target.headers is None:
        reply = Reply(0, error="no_headers", message="Not sent: the webhook's own headers cannot be read.")
    else:
        stamp = int(started_at.timestamp())
        headers = FIXED | signed_headers(target.secrets, claimed.event_id, stamp, claimed.body)
        reply = await transport.post(
            target.url, {**target.headers, **headers}, claimed.body, deadline=target.deadline, traced=claimed.is_test
        )
    own = target.headers or {}
    conceal = _concealing(own)
    return Attempt(
        claimed=claimed,
        started_at=started_at,
        duration_ms=reply.duration_ms,
        status_code=reply.status_code,
        error=reply.error,
        message=reply.message,
        address=reply.address,
        request_headers={**dict.fromkeys(own, HIDDEN), **headers},
        response_headers={name: conceal(value) for name, value in reply.headers.items()} if own else reply.headers,
        response_body=conceal(reply.body),
        details=reply.details,
        retry_after=retry_after(reply.headers, started_at),
    )


def _concealing(headers: Mapping[str, str]) -> Callable[[str], str]:
    """Takes an endpoint's credentials out of what it answers: some receivers repeat the request that they refuse."""
    words = {word for value in headers.values() for word in (value, value.rpartition(" ")[2])}
    secrets = sorted((word for word in words if len(word) >= SHORTEST_SECRET), key=len, reverse=True)

    def conceal(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, HIDDEN)
        return text

    return conceal


def retry_after(headers: Mapping[str, str], now: datetime) -> int | None:
    """Seconds that the receiver asks to be left alone for (RFC 9110, 10.2.3: a number or a date); None without one."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    if not value:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    try:
        return max(0, round((parsedate_to_datetime(value) - now).total_seconds()))
    except (ValueError, TypeError):
        return None
