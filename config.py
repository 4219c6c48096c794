"""Settings: read from the environment once, frozen, and refused loudly.

Every setting is one row of `VARIABLES`; `docs/operations.md` shows the same table and a test holds the two together.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from domain.forwards.targets import Target, parse_targets

ROOT = Path(__file__).resolve().parent
# A unix socket's path is limited to 108 bytes by the kernel (unix(7)).
LONGEST_SOCKET_PATH = 100
LONGEST_NUMBER = 12  # digits
LONGEST_WAIT = 30 * 86400  # seconds
MOST_ATTEMPTS = 30
HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,251}[A-Za-z0-9])?")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(Exception):
    """A setting is missing or wrong. The message is one sentence that names the variable and what would be valid."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: how it is read and what it means."""

    name: str
    default: str | None
    parse: Callable[[str], Any]
    help: str
    default_text: str = ""

    @property
    def field(self) -> str:
        """The attribute of `Settings` that holds it."""
        return self.name.removeprefix("CALLSHEET_").lower()


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER and low <= int(text) <= high):
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _flag(text: str) -> bool:
    values = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in values:
        raise ValueError("1 or 0")
    return values[text.lower()]


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError("a comma-separated list of CIDR ranges such as 10.0.0.0/8,fd00::/8") from error


def _seconds(text: str) -> tuple[int, ...]:
    wait, parts = _whole_number(0, LONGEST_WAIT), [part.strip() for part in text.split(",")]
    try:
        if len(parts) > MOST_ATTEMPTS:
            raise ValueError
        return tuple(wait(part) for part in parts)
    except ValueError:
        sentence = (
            f"a comma-separated list of up to {MOST_ATTEMPTS} whole seconds of {LONGEST_WAIT} at most, such as 0,5,300"
        )
        raise ValueError(sentence) from None


def _host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if HOST_NAME.fullmatch(text) and not text.replace(".", "").isdigit():
            return text
        raise ValueError("an address or host name of this machine, such as 127.0.0.1 or 0.0.0.0") from None


def _database_url(text: str) -> str:
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


def _redis_url(text: str) -> str:
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


def _secret_key(text: str) -> bytes:
    if len(text) < 32:
        raise ValueError("at least 32 characters of random text, for example from `openssl rand -hex 32`")
    return text.encode()


def _token(text: str) -> str:
    if len(text) < 16 or not text.isascii() or any(c.isspace() for c in text):
        raise ValueError("at least 16 ASCII characters without spaces")
    return text


VARIABLES = (
    Variable(
        "CALLSHEET_HOME", str(ROOT / "var"), Path,
        "Folder of the embedded database and Redis, artifacts and generated secrets.", "`./var`",
    ),
    Variable("DATABASE_URL", None, _database_url, "PostgreSQL 15 or later, or SQLite.", "SQLite in `CALLSHEET_HOME`"),
    Variable("REDIS_URL", None, _redis_url, "Redis 6.2 or later.", "an embedded Redis in `CALLSHEET_HOME`"),
    Variable("PORT", "8000", _whole_number(1, 65535), "Port of the web server."),
    Variable("CALLSHEET_HOST", "127.0.0.1", _host, "Address the web server listens on."),
    Variable(
        "CALLSHEET_SECRET_KEY", None, _secret_key,
        "The one secret that key digests, encryption and seals derive from. The same on every host.",
        "made once in `CALLSHEET_HOME/secret_key`",
    ),
    Variable(
        "CALLSHEET_METRICS_TOKEN", None, _token,
        "Bearer token that `GET /metrics` asks for.", "made once in `CALLSHEET_HOME/metrics_token`",
    ),
    Variable("CALLSHEET_DEMO", "1", _flag, "1: an empty database gets the demo studio, `make run` a receiver."),
    Variable("CALLSHEET_DEMO_RECEIVER_PORT", "8010", _whole_number(1, 65535), "Port of the demo receiver."),
    Variable("CALLSHEET_WEB_WORKERS", "2", _whole_number(1, 64), "Web server processes."),
    Variable("CALLSHEET_WEB_THREADS", "16", _whole_number(1, 512), "Threads in each web server process."),
    Variable("CALLSHEET_DELIVERY_WORKERS", "1", _whole_number(1, 64), "RQ worker processes that deliver webhooks."),
    Variable("CALLSHEET_DATABASE_POOL", "16", _whole_number(1, 512), "Database connections each process may hold."),
    Variable(
        "CALLSHEET_TRUSTED_PROXIES", "", _networks,
        "Ranges of the reverse proxies whose `X-Forwarded-For` is believed.", "none",
    ),
    Variable(
        "CALLSHEET_COOKIE_SECURE", "0", _flag,
        "1 when the portal is served over TLS: cookies become `Secure` and take the `__Host-` prefix.",
    ),
    Variable(
        "CALLSHEET_WEBHOOK_ALLOW_CIDRS", "", _networks,
        "Private ranges that webhooks may reach (render farms). Demo mode adds 127.0.0.0/8.", "none",
    ),
    Variable(
        "CALLSHEET_WEBHOOK_SCHEDULE", "0,5,300,1800,7200,18000,36000,50400,72000,86400", _seconds,
        "Seconds to wait before each attempt of a delivery.",
    ),
    Variable("CALLSHEET_KEY_DAYS", "365", _whole_number(1, 3650), "Days until a new API key expires by default."),
    Variable(
        "CALLSHEET_AUDIT_FORWARD", "", parse_targets,
        "Where the audit is forwarded to: `file://`, `syslog+udp://`, `syslog+tcp://` and `https://` URLs.", "none",
    ),
    Variable("CALLSHEET_AUDIT_FORWARD_TOKEN", None, _token, "Bearer token for the collectors among them.", "none"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, validated. Made by `Settings.from_env`."""

    home: Path
    database_url: str
    redis_url: str
    embedded_redis: bool
    port: int
    host: str
    secret_key: bytes
    metrics_token: str
    demo: bool
    demo_receiver_port: int
    web_workers: int
    web_threads: int
    delivery_workers: int
    database_pool: int
    trusted_proxies: tuple[Network, ...]
    cookie_secure: bool
    webhook_allow_cidrs: tuple[Network, ...]
    webhook_schedule: tuple[int, ...]
    key_days: int
    audit_forward: tuple[Target, ...]
    audit_forward_token: str | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read and check every variable; make the home folder and the generated secrets when absent.

        Raises:
            ConfigError: a variable has a value that cannot be used, or is unknown.
        """
        env = os.environ if environ is None else environ
        _refuse_unknown(env)
        values = {variable.field: _read(variable, env) for variable in VARIABLES}
        home = _home(values["home"])
        loopback = (ipaddress.ip_network("127.0.0.0/8"),) if values["demo"] else ()
        made = {
            "home": home,
            "database_url": values["database_url"] or f"sqlite:///{home / 'callsheet.db'}",
            "redis_url": values["redis_url"] or f"unix://{redis_socket(home)}",
            "embedded_redis": values["redis_url"] is None,
            "secret_key": values["secret_key"] or _made_once(home / "secret_key").encode(),
            "metrics_token": values["metrics_token"] or _made_once(home / "metrics_token"),
            "webhook_allow_cidrs": values["webhook_allow_cidrs"] + loopback,
        }
        return cls(**{**values, **made})


def redis_socket(home: Path) -> Path:
    """Where the embedded Redis of `home` listens: inside it, or in the temporary folder when that path is too long."""
    socket = home / "redis" / "redis.sock"
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"callsheet-{os.getuid()}-{digest}" / "redis.sock"


def _read(variable: Variable, env: Mapping[str, str]) -> Any:
    text = env.get(variable.name, "").strip()
    if not text:
        return None if variable.default is None else variable.parse(variable.default)
    try:
        return variable.parse(text)
    except ValueError as error:
        raise ConfigError(f"{variable.name} must be {error}.") from None


def _refuse_unknown(env: Mapping[str, str]) -> None:
    known = {variable.name for variable in VARIABLES}
    for name in sorted(env):
        if name.startswith("CALLSHEET_") and name not in known and not name.startswith("CALLSHEET_TEST_"):
            raise ConfigError(f"{name} is not a setting of Callsheet; docs/operations.md lists those there are.")


def _home(path: Path) -> Path:
    home = path.expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"CALLSHEET_HOME must be a folder that can be written: {home} ({error.strerror}).") from None
    if not os.access(home, os.W_OK | os.X_OK):
        raise ConfigError(f"CALLSHEET_HOME must be a folder that can be written: {home}.")
    return home


def _made_once(path: Path) -> str:
    """The secret in `path`, made when absent; two processes that start together agree on one."""
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    return path.read_text().strip()
