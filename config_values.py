"""How the text of a setting is read. Each raises ValueError with the words that end “must be …”."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from domain.jobs.kinds import JobKinds, parse_kinds

LONGEST_NUMBER = 12  # digits
LONGEST_WAIT = 30 * 86400  # seconds
LONGEST_DAYS = 36_500
MOST_ATTEMPTS = 30
MOST_FIELDS = 100
FIELD_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,251}[A-Za-z0-9])?")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER and low <= int(text) <= high):
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def flag(text: str) -> bool:
    values = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in values:
        raise ValueError("1 or 0")
    return values[text.lower()]


def networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError("a comma-separated list of CIDR ranges such as 10.0.0.0/8,fd00::/8") from error


def seconds(text: str) -> tuple[int, ...]:
    wait, parts = whole_number(0, LONGEST_WAIT), [part.strip() for part in text.split(",")]
    try:
        if len(parts) > MOST_ATTEMPTS:
            raise ValueError
        return tuple(wait(part) for part in parts)
    except ValueError:
        sentence = (
            f"a comma-separated list of up to {MOST_ATTEMPTS} whole seconds of {LONGEST_WAIT} at most, such as 0,5,300"
        )
        raise ValueError(sentence) from None


def host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if HOST_NAME.fullmatch(text) and not text.replace(".", "").isdigit():
            return text
        raise ValueError("an address or host name of this machine, such as 127.0.0.1 or 0.0.0.0") from None


def database_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    expected = "a URL such as postgresql://user:password@host/callsheet or sqlite:////var/lib/callsheet.db"
    if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        try:
            return make_url(f"postgresql+psycopg://{rest}").render_as_string(hide_password=False)
        except (ArgumentError, ValueError):
            raise ValueError(expected) from None
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1 and rest != "/:memory:":
        return text
    raise ValueError(expected)


def redis_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        server = parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0
        if server and (parts.path.strip("/") or "0").isdigit():
            return text
        if parts.scheme == "unix" and parts.path:
            return text
    except ValueError:
        pass
    raise ValueError("a URL such as redis://host:6379/0 or unix:///run/redis.sock")


def secret_key(text: str) -> bytes:
    if len(text) < 32:
        raise ValueError("at least 32 characters of random text, for example from `openssl rand -hex 32`")
    return text.encode()


def token(text: str) -> str:
    if len(text) < 16 or not text.isascii() or any(c.isspace() for c in text):
        raise ValueError("at least 16 ASCII characters without spaces")
    return text


def job_kinds(text: str) -> JobKinds:
    """The built-in kinds of job, and those of the TOML file with this path; none for no path."""
    try:
        return parse_kinds(Path(text).expanduser().read_text(encoding="utf-8") if text else "")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the path of a TOML file that can be read ({error})") from None
    except ValueError as error:
        raise ValueError(f"the path of a TOML file of kinds of job ({error})") from None


def days_by_class(classes: Sequence[str]) -> Callable[[str], Mapping[str, int]]:
    """`reads=90,refusals=365`: days by class, 0 for those that are not named."""

    def parse(text: str) -> Mapping[str, int]:
        found, days = dict.fromkeys(classes, 0), whole_number(0, LONGEST_DAYS)
        named = [part.partition("=") for part in text.split(",") if part.strip()]
        names = [name.strip() for name, _, _ in named]
        try:
            if len(set(names)) < len(names) or not set(names) <= set(classes):
                raise ValueError
            return found | {name.strip(): days(amount.strip()) for name, _, amount in named}
        except ValueError:
            allowed = f"{', '.join(classes)}, each once, with days from 0 to {LONGEST_DAYS:,}"
            raise ValueError(f"such as reads=90,refusals=365 (of {allowed})") from None

    return parse


def field_names(text: str) -> tuple[str, ...]:
    """Comma-separated names."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if len(names) > MOST_FIELDS or not all(FIELD_NAME.fullmatch(name) for name in names):
        raise ValueError(
            f"up to {MOST_FIELDS} comma-separated names of letters, digits, _ and -, such as fee,home_address"
        )
    return names
