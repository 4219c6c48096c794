"""Settings: each is read, each is documented, and a bad value gives one sentence that names it."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from config import ROOT, VARIABLES, ConfigError, Settings, redis_socket
from domain.artifacts.places import Bucket
from domain.forwards.targets import Target, Way
from domain.jobs.kinds import parse_kinds

OWN_KINDS = parse_kinds((ROOT / "dev" / "job_kinds.toml").read_text())
NAMES = [variable.name for variable in VARIABLES]
# A value for each that differs from its default, and the attribute that shows it.
OTHERS: dict[str, tuple[str, str, object]] = {
    "DATABASE_URL": ("postgres://u:p@db/callsheet", "database_url", "postgresql+psycopg://u:p@db/callsheet"),
    "REDIS_URL": ("rediss://redis:6380/2", "redis_url", "rediss://redis:6380/2"),
    "PORT": ("8001", "port", 8001),
    "CALLSHEET_HOST": ("0.0.0.0", "host", "0.0.0.0"),
    "CALLSHEET_SECRET_KEY": ("k" * 32, "secret_key", b"k" * 32),
    "CALLSHEET_METRICS_TOKEN": ("t" * 16, "metrics_token", "t" * 16),
    "CALLSHEET_DEMO": ("no", "demo", False),
    "CALLSHEET_DEMO_RECEIVER_PORT": ("8011", "demo_receiver_port", 8011),
    "CALLSHEET_WEB_WORKERS": ("3", "web_workers", 3),
    "CALLSHEET_WEB_THREADS": ("4", "web_threads", 4),
    "CALLSHEET_WEB_WAITERS": ("5", "web_waiters", 5),
    "CALLSHEET_STREAMS_PER_KEY": ("6", "streams_per_key", 6),
    "CALLSHEET_DELIVERY_WORKERS": ("5", "delivery_workers", 5),
    "CALLSHEET_DATABASE_POOL": ("6", "database_pool", 6),
    "CALLSHEET_COOKIE_SECURE": ("1", "cookie_secure", True),
    "CALLSHEET_WEBHOOK_SCHEDULE": ("0, 7,9", "webhook_schedule", (0, 7, 9)),
    "CALLSHEET_WEBHOOK_DISABLE_DAYS": ("0", "webhook_disable_days", 0),
    "CALLSHEET_REPLAY_PER_MINUTE": ("60", "replay_per_minute", 60),
    "CALLSHEET_ATTEMPT_BODY_DAYS": ("1", "attempt_body_days", 1),
    "CALLSHEET_DELIVERY_DAYS": ("0", "delivery_days", 0),
    "CALLSHEET_EVENT_DAYS": ("400", "event_days", 400),
    "CALLSHEET_JOB_KINDS": (str(ROOT / "dev" / "job_kinds.toml"), "job_kinds", OWN_KINDS),
    "CALLSHEET_JOB_LEASE_SECONDS": ("5", "job_lease_seconds", 5),
    "CALLSHEET_JOB_WORKER_FAILURES": ("3", "job_worker_failures", 3),
    "CALLSHEET_KEY_DAYS": ("30", "key_days", 30),
    "CALLSHEET_ARTIFACTS": (
        "s3://renders/studio/?endpoint=https://s3.example.com:9000&region=eu-central-1",
        "artifacts",
        Bucket("renders", "studio", "https://s3.example.com:9000", "eu-central-1"),
    ),
    "CALLSHEET_ARTIFACT_MAX_MB": ("20", "artifact_max_mb", 20),
    "CALLSHEET_AUDIT_DAYS": (
        "reads=30, actions=3650",
        "audit_days",
        {"reads": 30, "writes": 0, "refusals": 0, "actions": 3650},
    ),
    "CALLSHEET_AUDIT_MASK_FIELDS": ("fee, home-address", "audit_mask_fields", ("fee", "home-address")),
    "CALLSHEET_AUDIT_FORWARD": (
        " file:///var/log/audit.ndjson,syslog+tcp://siem ",
        "audit_forward",
        (
            Target("file:///var/log/audit.ndjson", Way.FILE, path="/var/log/audit.ndjson"),
            Target("syslog+tcp://siem", Way.SYSLOG_TCP, host="siem", port=514),
        ),
    ),
    "CALLSHEET_AUDIT_FORWARD_TOKEN": ("t" * 16, "audit_forward_token", "t" * 16),
}

BAD: tuple[tuple[str, str], ...] = (
    ("DATABASE_URL", "mysql://db/x"), ("DATABASE_URL", "callsheet.db"), ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///"), ("DATABASE_URL", "/var/lib/callsheet.db"),
    ("DATABASE_URL", "postgresql://u:p@h:notaport/db"), ("DATABASE_URL", "sqlite:///:memory:"),
    ("REDIS_URL", "redis://h:notaport/0"), ("REDIS_URL", "redis://h/notadb"), ("REDIS_URL", "redis://h:99999/0"),
    ("PORT", "9" * 5000), ("CALLSHEET_HOST", "no such host"), ("CALLSHEET_HOST", "1.2.3"), ("CALLSHEET_HOST", "-x"),
    ("CALLSHEET_WEBHOOK_SCHEDULE", "0,999999999999999999"), ("CALLSHEET_WEBHOOK_SCHEDULE", "0,2592001"),
    ("REDIS_URL", "http://redis/"), ("REDIS_URL", "redis://"), ("REDIS_URL", "localhost:6379"),
    ("REDIS_URL", "unix://"),
    ("PORT", "0"), ("PORT", "65536"), ("PORT", "-1"), ("PORT", "http"), ("PORT", "8000.0"), ("PORT", "²"),
    ("PORT", "0x50"),
    ("CALLSHEET_SECRET_KEY", "short"), ("CALLSHEET_SECRET_KEY", "x" * 31),
    ("CALLSHEET_METRICS_TOKEN", "x" * 15), ("CALLSHEET_METRICS_TOKEN", "a token with spaces in it"),
    ("CALLSHEET_METRICS_TOKEN", "é" * 16),
    ("CALLSHEET_DEMO", "maybe"), ("CALLSHEET_DEMO", "2"), ("CALLSHEET_COOKIE_SECURE", "on"),
    ("CALLSHEET_DEMO_RECEIVER_PORT", "none"),
    ("CALLSHEET_WEB_WORKERS", "0"), ("CALLSHEET_WEB_WORKERS", "65"), ("CALLSHEET_WEB_THREADS", "many"),
    ("CALLSHEET_DELIVERY_WORKERS", "0"), ("CALLSHEET_DATABASE_POOL", "0"), ("CALLSHEET_DATABASE_POOL", "513"),
    ("CALLSHEET_TRUSTED_PROXIES", "10.0.0.0/33"), ("CALLSHEET_TRUSTED_PROXIES", "10.0.0.1/8"),
    ("CALLSHEET_TRUSTED_PROXIES", "proxy.example.com"), ("CALLSHEET_WEBHOOK_ALLOW_CIDRS", "*"),
    ("CALLSHEET_WEBHOOK_ALLOW_CIDRS", "10.0.0.0/8;fd00::/8"),
    ("CALLSHEET_WEBHOOK_SCHEDULE", "soon"), ("CALLSHEET_WEBHOOK_SCHEDULE", "0,,5"),
    ("CALLSHEET_WEBHOOK_SCHEDULE", "-1"),
    ("CALLSHEET_WEBHOOK_SCHEDULE", "0,1.5"), ("CALLSHEET_WEBHOOK_SCHEDULE", ",".join(["1"] * 31)),
    ("CALLSHEET_REPLAY_PER_MINUTE", "0"), ("CALLSHEET_REPLAY_PER_MINUTE", "60001"),
    ("CALLSHEET_ARTIFACTS", "artifacts"), ("CALLSHEET_ARTIFACTS", "gs://bucket"), ("CALLSHEET_ARTIFACTS", "s3://"),
    ("CALLSHEET_ARTIFACTS", "s3://user:secret@bucket"), ("CALLSHEET_ARTIFACTS", "s3://bucket?acl=public"),
    ("CALLSHEET_ARTIFACTS", "s3://bucket?endpoint=ftp://host"), ("CALLSHEET_ARTIFACT_MAX_MB", "0"),
    ("CALLSHEET_ATTEMPT_BODY_DAYS", "week"), ("CALLSHEET_DELIVERY_DAYS", "-1"), ("CALLSHEET_EVENT_DAYS", "36501"),
    ("CALLSHEET_KEY_DAYS", "0"), ("CALLSHEET_KEY_DAYS", "3651"), ("CALLSHEET_KEY_DAYS", "forever"),
    ("CALLSHEET_AUDIT_DAYS", "30"), ("CALLSHEET_AUDIT_DAYS", "reads=soon"), ("CALLSHEET_AUDIT_DAYS", "reads=-1"),
    ("CALLSHEET_AUDIT_DAYS", "logins=30"), ("CALLSHEET_AUDIT_DAYS", "reads=1,reads=2"),
    ("CALLSHEET_AUDIT_DAYS", "reads=99999"), ("CALLSHEET_AUDIT_MASK_FIELDS", "a name"),
    ("CALLSHEET_AUDIT_MASK_FIELDS", "x" * 101), ("CALLSHEET_AUDIT_MASK_FIELDS", ",".join(["x"] * 101)),
    *(("CALLSHEET_AUDIT_FORWARD", value) for value in (
        "/var/log/audit.ndjson", "file://host/path", "file:///", "file:///folder/", "file:///a b", "file:///x?y=1",
        "syslog://siem", "syslog+udp://", "syslog+udp://siem:0", "syslog+tcp://siem:99999", "syslog+tcp://siem/path",
        "syslog+tcp://user:password@siem", "https://", "https://u:p@collector", "https://0x7f.1/", "ftp://siem",
        "http://collector.example.com/", "file:///a,file:///a", "syslog+udp://siem:port", "https://collector/#x",
    )),
    ("CALLSHEET_AUDIT_FORWARD_TOKEN", "short"), ("CALLSHEET_AUDIT_FORWARD_TOKEN", "a token with spaces"),
    ("CALLSHEET_HOME", "/dev/null/callsheet"), ("CALLSHEET_NONSENSE", "1"), ("CALLSHEET_PORT", "8000"),
)  # fmt: skip


def read(home: Path, **environ: str) -> Settings:
    return Settings.from_env({"CALLSHEET_HOME": str(home), **environ})


def test_it_works(home: Path) -> None:
    settings = read(home)
    assert settings.home == home
    assert settings.database_url == f"sqlite:///{home}/callsheet.db"
    assert settings.redis_url == f"unix://{redis_socket(home)}"
    assert settings.embedded_redis
    assert home.stat().st_mode & 0o777 == 0o700


def test_every_setting_is_read(home: Path) -> None:
    """Changing a variable changes the settings; no row of the table is only there to be read about."""
    ranges = {"CALLSHEET_TRUSTED_PROXIES": "trusted_proxies", "CALLSHEET_WEBHOOK_ALLOW_CIDRS": "webhook_allow_cidrs"}
    assert set(NAMES) == set(OTHERS) | set(ranges) | {"CALLSHEET_HOME"}
    for name, (text, attribute, value) in OTHERS.items():
        assert getattr(read(home, **{name: text}), attribute) == value
        assert getattr(read(home), attribute) != value
    for name, attribute in ranges.items():
        found = getattr(read(home, CALLSHEET_DEMO="0", **{name: "10.1.0.0/16, fd00::/8"}), attribute)
        assert [str(network) for network in found] == ["10.1.0.0/16", "fd00::/8"]


def test_the_demo_alone_lets_webhooks_reach_this_machine(home: Path) -> None:
    assert [str(network) for network in read(home).webhook_allow_cidrs] == ["127.0.0.0/8"]
    assert read(home, CALLSHEET_DEMO="0").webhook_allow_cidrs == ()


@pytest.mark.parametrize(("name", "value"), BAD, ids=lambda part: part[:40])
def test_it_refuses_a_bad_value_in_one_sentence(home: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read(home, **{name: value})
    sentence = str(refusal.value)
    assert sentence.startswith(name)
    assert re.search(r"[.)]$", sentence)
    assert "\n" not in sentence
    if name in ("CALLSHEET_SECRET_KEY", "CALLSHEET_METRICS_TOKEN", "CALLSHEET_AUDIT_FORWARD_TOKEN"):
        assert value not in sentence


def test_an_empty_value_is_none(home: Path) -> None:
    assert read(home, **{name: " " for name in NAMES if name != "CALLSHEET_HOME"}) == read(home)


def test_secrets_that_are_made_are_made_once(home: Path) -> None:
    first, second = read(home), read(home)
    assert first.secret_key == second.secret_key
    assert first.metrics_token == second.metrics_token
    assert len(first.secret_key) >= 32
    assert first.secret_key.decode() != first.metrics_token
    for name in ("secret_key", "metrics_token"):
        assert (home / name).stat().st_mode & 0o077 == 0


def test_it_refuses_a_home_that_cannot_be_written(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(ConfigError, match="CALLSHEET_HOME"):
        read(home)


def test_a_long_home_has_a_short_socket(tmp_path: Path) -> None:
    socket = redis_socket(tmp_path / ("x" * 120))
    assert len(os.fsencode(socket)) <= 100
    assert socket != redis_socket(tmp_path / ("y" * 120))


def test_every_setting_is_documented() -> None:
    table = (ROOT / "docs" / "operations.md").read_text()
    for name in NAMES:
        assert f"`{name}`" in table, f"docs/operations.md says nothing of {name}"


def test_no_code_reads_the_environment_by_itself() -> None:
    """But for the roots, which hand it on to what they start."""
    doors = [path for package in ("domain", "api", "portal") for path in (ROOT / package).rglob("*.py")]
    reads = [
        path
        for path in doors
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and ast.unparse(node.value) == "os"
    ]
    assert reads == []
