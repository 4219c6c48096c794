"""Where the audit trail is forwarded to: URLs of the configuration, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

from ..webhooks.addresses import ForbiddenAddress, check_url

SYSLOG_PORT = 514
_TARGETS = "file:///path.ndjson, syslog+udp://host:514, syslog+tcp://host:601 or https://collector.example.com/path"
EXPECTED = f"a comma-separated list of URLs, each given once: {_TARGETS}"


class Way(StrEnum):
    """How rows travel."""

    FILE = "file"
    SYSLOG_UDP = "syslog+udp"
    SYSLOG_TCP = "syslog+tcp"
    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Target:
    """One system that takes the audit.

    Attributes:
        url: as it is configured, which is its name in the database; it holds no secret.
    """

    url: str
    way: Way
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def shown(self) -> str:
        """As the log tells it."""
        return shown(self.url)


def shown(url: str) -> str:
    """A target's URL without its query, which may hold what is nobody's business."""
    return url.partition("?")[0]


def parse_targets(text: str) -> tuple[Target, ...]:
    """The targets of a comma-separated list.

    Raises:
        ValueError: says what would be valid.
    """
    urls = [part.strip() for part in text.split(",") if part.strip()]
    if len(set(urls)) < len(urls):
        raise ValueError(EXPECTED)
    return tuple(map(_parse, urls))


def _parse(url: str) -> Target:
    try:
        parts = urlsplit(url)
        way, port = Way(parts.scheme), parts.port
    except ValueError:
        raise ValueError(EXPECTED) from None
    if way in (Way.HTTP, Way.HTTPS):
        return _collector(url, way)
    if parts.query or parts.fragment or re.search(r"[\s\x00-\x1f@]", url):
        raise ValueError(EXPECTED)
    if way == Way.FILE:
        return _file(url, parts)
    if not parts.hostname or parts.path.strip("/") or port == 0:
        raise ValueError(EXPECTED)
    return Target(url, way, host=parts.hostname, port=port or SYSLOG_PORT)


def _collector(url: str, way: Way) -> Target:
    """Without TLS only on this machine: what is sent names people, and a token goes with it."""
    try:
        host = check_url(url)
    except ForbiddenAddress as error:
        raise ValueError(f"{EXPECTED} ({error})") from None
    if way == Way.HTTP and host not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(f"{EXPECTED}; a collector on another machine is reached by https://")
    return Target(url, way, host=host)


def _file(url: str, parts: SplitResult) -> Target:
    if parts.netloc or not parts.path.strip("/") or parts.path.endswith("/"):
        raise ValueError(EXPECTED)
    return Target(url, Way.FILE, path=unquote(parts.path))
