"""Where artifacts are kept: a folder, or a bucket of an S3-compatible store; read from the configuration, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

EXPECTED = (
    "the path of a folder, or a bucket such as s3://name/prefix?endpoint=https://s3.example.com&region=eu-central-1"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # as S3 names them
_PREFIX = re.compile(r"[A-Za-z0-9._/-]{0,200}")
_OPTIONS = frozenset({"endpoint", "region"})


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that every process of Callsheet reaches."""

    path: Path


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket. Who may use it is told by `AWS_ACCESS_KEY_ID` and the other variables that S3's clients know.

    Attributes:
        prefix: what every name in it begins with, without slashes at its ends; may be empty.
        endpoint: the server's URL; None for Amazon's.
    """

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"


Place = Folder | Bucket


def parse_place(text: str) -> Place:
    """The place that a setting names.

    Raises:
        ValueError: says what would be valid.
    """
    if "://" not in text:
        if not Path(text).expanduser().is_absolute() or "\0" in text:
            raise ValueError(EXPECTED)
        return Folder(Path(text).expanduser())
    try:
        parts = urlsplit(text)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        endpoint = options.get("endpoint")
        valid = (
            parts.scheme == "s3"
            and _BUCKET.fullmatch(parts.netloc)
            and _PREFIX.fullmatch(parts.path)
            and set(options) <= _OPTIONS
            and (endpoint is None or _is_server(endpoint))
        )
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(EXPECTED)
    return Bucket(parts.netloc, parts.path.strip("/"), endpoint, options.get("region", "us-east-1"))


def _is_server(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.username
