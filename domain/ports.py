"""What both doors are given by the composition root: the database, and ports to what the domain may not import."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from .artifacts.store import ArtifactStore
from .audit.commands import AuditWriter
from .clock import Clock
from .crypto import Keyring
from .db import Database
from .events.positions import Feed
from .gate import Gate
from .jobs.kinds import JobKinds
from .seals.statistics import Figure
from .webhooks.commands import CheckTarget

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = "unknown"  # an address that a proxy did not tell


class Options(Protocol):
    """The settings that the doors read; `config.Settings` has them."""

    @property
    def home(self) -> Path: ...
    @property
    def port(self) -> int: ...
    @property
    def demo(self) -> bool: ...
    @property
    def demo_receiver_port(self) -> int: ...
    @property
    def webhook_schedule(self) -> tuple[int, ...]: ...
    @property
    def metrics_token(self) -> str: ...
    @property
    def cookie_secure(self) -> bool: ...
    @property
    def trusted_proxies(self) -> tuple[Network, ...]: ...
    @property
    def key_days(self) -> int: ...
    @property
    def audit_mask_fields(self) -> tuple[str, ...]: ...
    @property
    def replay_per_minute(self) -> int: ...
    @property
    def artifact_max_mb(self) -> int: ...
    @property
    def delivery_days(self) -> int: ...
    @property
    def job_kinds(self) -> JobKinds: ...
    @property
    def job_lease_seconds(self) -> int: ...
    @property
    def job_worker_failures(self) -> int: ...
    @property
    def streams_per_key(self) -> int: ...


class Grant(NamedTuple):
    """What the limiter said of one call.

    Attributes:
        allowed: whether it may go on.
        limit: the bucket's size, and its refill in a minute.
        remaining: whole tokens left.
        reset_seconds: until the bucket is full again.
        retry_after: seconds after which this call would be allowed, whole and sufficient; 0 when it is.
        epoch: the key's epoch as other processes know it, None when nobody said.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    retry_after: int
    epoch: int | None = None


class Take(NamedTuple):
    """What is to be taken of a bucket: `cost` tokens, or all where it holds fewer when full; a cost of 0 only looks."""

    bucket: str
    per_minute: int
    cost: float = 1
    key_id: str | None = None


class Limiter(Protocol):
    """Token buckets, and the epochs of keys read in the same round trip."""

    def take(self, bucket: str, per_minute: int, cost: float = 1, key_id: str | None = None) -> Grant:
        """See `Take`."""
        ...

    def take_all(self, takes: Sequence[Take]) -> list[Grant | Exception]:
        """One after the other, in one round trip; where the limit could not be counted, what kept it from that."""
        ...

    def publish_epoch(self, key_id: str, epoch: int) -> None:
        """Tell every process that what it remembers of the key is stale."""
        ...

    @property
    def degraded(self) -> bool:
        """Whether Redis is away and the database counts instead."""
        ...


class Changes(Protocol):
    """What calls wait for. A topic is a word such as `jobs`, or the id of what changes (see `signals.Changed`)."""

    def tell(self, topics: Collection[str]) -> None:
        """Wake whoever waits for one of these, in every process. Best effort."""
        ...

    def mark(self) -> int:
        """The present moment, to be taken before one looks."""
        ...

    def wait(self, topics: Collection[str], mark: int, seconds: float) -> bool:
        """Until one of these may have changed since the mark, or so many seconds are over; whether one may have."""
        ...


class Health(Protocol):
    """What `/readyz` asks: each part's name and what is wrong with it, None when well; and more for `/metrics`."""

    def check(self) -> dict[str, str | None]: ...

    def figures(self) -> list[Figure]: ...


@dataclass(frozen=True, slots=True)
class Services:
    """One per application."""

    database: Database
    keyring: Keyring
    clock: Clock
    limiter: Limiter
    audit: AuditWriter
    health: Health
    check_target: CheckTarget
    artifacts: ArtifactStore
    changes: Changes
    feed: Feed
    gate: Gate
    settings: Options


def client_address(peer: str | None, forwarded_for: str | None, trusted: tuple[Network, ...]) -> str:
    """The caller's address: the peer, or the last address of `X-Forwarded-For` that no trusted proxy has.

    The header is believed only as far as configured proxies vouch for it. `UNKNOWN`, which is on no allowlist, when a
    proxy tells what cannot be read: a caller's own bytes in the header may spoil all of it, and whoever spoils it must
    not pass for the proxy.

    Args:
        forwarded_for: the header; None when there is none.
    """
    address = _plain(peer or "")
    hops = [] if forwarded_for is None else forwarded_for.split(",")
    for hop in map(_plain, reversed(hops)):
        if not _is_in(address, trusted):
            break
        if not _is_address(hop):
            return UNKNOWN
        address = hop
    return address


def spelled(address: str) -> str:
    """The address in the spelling that limits, allowlists and the audit trail know it by: IPv4 as such, even when it
    comes inside IPv6; IPv6 in small letters and as short as may be (RFC 5952).

    Raises:
        ValueError: it is none.
    """
    found = ipaddress.ip_address(address)
    return str((found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None) or found)


def limited_as(address: str) -> str:
    """The name under which an address is limited: of IPv6 its /64, all of which one caller has."""
    if ":" not in address or not _is_address(address):
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))


def _plain(text: str) -> str:
    text = text.strip().removeprefix("::ffff:")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]  # some proxies tell the port
    return spelled(text) if ":" in text and _is_address(text) else text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_in(text: str, networks: tuple[Network, ...]) -> bool:
    if not networks or not _is_address(text):
        return False
    address = ipaddress.ip_address(text)
    return any(address.version == network.version and address in network for network in networks)
