"""What is checked before anything is started. Each refusal is one sentence."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import redis

from config import Settings
from deploy.errors import StartError

_EARLIER_START_ENDS_WITHIN = 15.0
_OLDEST_REDIS = (6, 2)


@contextmanager
def only_start(folder: Path) -> Iterator[Path]:
    """Be the one start of this home. Gives the lock file that every program holds while anything of it is alive.

    Raises:
        StartError: another start holds the home, or programs of a killed one do not end.
    """
    launcher = _open(folder / "launcher.lock")
    programs = folder / "programs.lock"
    try:
        if not _lock(launcher):
            raise StartError(f"CALLSHEET_HOME {folder.parent} is already in use by another `make run`.")
        _wait_for_earlier_programs(programs)
        yield programs
    finally:
        os.close(launcher)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for_earlier_programs(path: Path) -> None:
    """A start that was killed leaves programs that are still stopping; two of them must not share a Redis file."""
    descriptor = _open(path)
    give_up = time.monotonic() + _EARLIER_START_ENDS_WITHIN
    try:
        while not _lock(descriptor):
            if time.monotonic() > give_up:
                raise StartError(
                    f"CALLSHEET_HOME {path.parent.parent} is still in use by programs of an earlier start."
                )
            time.sleep(0.05)
    finally:
        os.close(descriptor)


def ports_are_free(settings: Settings) -> None:
    """Raises StartError: a port that is needed cannot be listened on."""
    if settings.demo and settings.port == settings.demo_receiver_port:
        raise StartError(f"PORT and CALLSHEET_DEMO_RECEIVER_PORT must differ; both are {settings.port}.")
    _port_is_free("PORT", settings.host, settings.port)
    if settings.demo:
        _port_is_free("CALLSHEET_DEMO_RECEIVER_PORT", "127.0.0.1", settings.demo_receiver_port)


def _port_is_free(variable: str, host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror:
        raise StartError(f"CALLSHEET_HOST must be an address of this machine; {host} is not known.") from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise StartError(f"CALLSHEET_HOST must be an address of this machine; {host} is not.") from None
        reason = (
            "is in use by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        )
        raise StartError(f"{variable} must be a free port; {port} {reason}.") from None


def redis_is_reachable(url: str) -> None:
    """Raises StartError: the Redis of REDIS_URL does not answer, or is too old."""
    try:
        parts = urlsplit(url)
        place = f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
            version = _version(client)
    except ValueError as error:
        raise StartError(f"REDIS_URL must be a URL such as redis://host:6379/0 ({error}).") from None
    except (redis.RedisError, OSError) as error:
        raise StartError(f"REDIS_URL must name a Redis that answers; {place} does not ({_reason(error)}).") from None
    if version < _OLDEST_REDIS:
        wanted, found = (".".join(map(str, numbers)) for numbers in (_OLDEST_REDIS, version))
        raise StartError(f"REDIS_URL must name a Redis of version {wanted} or later; {place} is {found}.")


def _version(client: redis.Redis) -> tuple[int, ...]:
    with suppress(redis.RedisError, LookupError, ValueError, TypeError):  # INFO may be forbidden by an ACL
        return tuple(int(part) for part in str(client.info("server")["redis_version"]).split(".")[:2])
    return _OLDEST_REDIS


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
