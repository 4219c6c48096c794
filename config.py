"""Settings: read from the environment once, frozen, and refused loudly.

Every setting is one row of `VARIABLES`; `docs/operations.md` shows the same table and a test holds the two together.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config_values import LONGEST_DAYS, Network
from config_values import database_url as _database_url
from config_values import days_by_class as _days_by_class
from config_values import field_names as _field_names
from config_values import flag as _flag
from config_values import host as _host
from config_values import job_kinds as _job_kinds
from config_values import networks as _networks
from config_values import redis_url as _redis_url
from config_values import seconds as _seconds
from config_values import secret_key as _secret_key
from config_values import token as _token
from config_values import whole_number as _whole_number
from domain.artifacts.places import Folder, Place, parse_place
from domain.audit import CLASSES
from domain.forwards.targets import Target, parse_targets
from domain.jobs.kinds import JobKinds
from domain.replays import FASTEST

ROOT = Path(__file__).resolve().parent
# A unix socket's path is limited to 108 bytes by the kernel (unix(7)).
LONGEST_SOCKET_PATH = 100


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
    Variable("CALLSHEET_WEB_THREADS", "16", _whole_number(1, 512), "Calls each web server process works on at once."),
    Variable(
        "CALLSHEET_WEB_WAITERS", "1000", _whole_number(0, 10_000),
        "Calls and streams more that may wait in each web server process for something to happen, or for the rest of "
        "their body. Waiting for something to happen, a key has half of them at most; bodies are counted for no key.",
    ),
    Variable(
        "CALLSHEET_STREAMS_PER_KEY", "10", _whole_number(1, 10_000),
        "Event streams that a key may keep open in each web server process.",
    ),
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
    Variable(
        "CALLSHEET_WEBHOOK_DISABLE_DAYS", "5", _whole_number(0, 365),
        "Days without one success after which a failing webhook is disabled; 0 for never.",
    ),
    Variable(
        "CALLSHEET_REPLAY_PER_MINUTE", "6000", _whole_number(1, FASTEST),
        "Events that a replay queues in a minute, where it does not name its own rate.",
    ),
    Variable(
        "CALLSHEET_ATTEMPT_BODY_DAYS", "7", _whole_number(0, LONGEST_DAYS),
        "Days that headers and bodies of attempts are kept; 0: as long as their delivery.",
    ),
    Variable(
        "CALLSHEET_DELIVERY_DAYS", "30", _whole_number(0, LONGEST_DAYS),
        "Days that deliveries and their attempts are kept; 0: for ever.",
    ),
    Variable(
        "CALLSHEET_EVENT_DAYS", "90", _whole_number(0, LONGEST_DAYS),
        "Days that events are kept, and can be replayed; 0: for ever.",
    ),
    Variable(
        "CALLSHEET_JOB_KINDS", "", _job_kinds,
        "TOML file that describes kinds of generation job besides the built-in ones.", "none",
    ),
    Variable(
        "CALLSHEET_JOB_LEASE_SECONDS", "60", _whole_number(1, 86400),
        "Seconds that a worker with a generation job may be silent before somebody else is given it.",
    ),
    Variable(
        "CALLSHEET_JOB_WORKER_FAILURES", "2", _whole_number(1, 1000),
        "How often a worker fails a job before it is not given that job again.",
    ),
    Variable("CALLSHEET_KEY_DAYS", "365", _whole_number(1, 3650), "Days until a new API key expires by default."),
    Variable(
        "CALLSHEET_ARTIFACTS", None, parse_place,
        "Where files of jobs are kept: a folder, or a bucket such as `s3://name/prefix?endpoint=https://host&region=…`.",
        "`CALLSHEET_HOME/artifacts`",
    ),
    Variable("CALLSHEET_ARTIFACT_MAX_MB", "512", _whole_number(1, 1_000_000), "MiB that one file of a job may have."),
    Variable(
        "CALLSHEET_AUDIT_DAYS",
        "",
        _days_by_class(CLASSES),
        "Days that the audit keeps `reads`, `writes`, `refusals` and `actions`, such as `reads=90,refusals=365`; "
        "0, or not named: for ever.",
        "for ever",
    ),
    Variable(
        "CALLSHEET_AUDIT_MASK_FIELDS",
        "",
        _field_names,
        "Comma-separated names of fields and metadata whose values the audit does not keep, besides those of secrets.",
        "none",
    ),
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
    web_waiters: int
    streams_per_key: int
    delivery_workers: int
    database_pool: int
    trusted_proxies: tuple[Network, ...]
    cookie_secure: bool
    webhook_allow_cidrs: tuple[Network, ...]
    webhook_schedule: tuple[int, ...]
    webhook_disable_days: int
    replay_per_minute: int
    attempt_body_days: int
    delivery_days: int
    event_days: int
    job_kinds: JobKinds
    job_lease_seconds: int
    job_worker_failures: int
    key_days: int
    artifacts: Place
    artifact_max_mb: int
    audit_days: Mapping[str, int]
    audit_mask_fields: tuple[str, ...]
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
            "artifacts": values["artifacts"] or Folder(home / "artifacts"),
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
