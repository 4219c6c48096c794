"""`make run`: checks, prepares the database, and keeps every program of Callsheet running until it is told to stop.

    make ── launch ── supervisord ─┬─ supervised ── redis-server
                                   ├─ supervised ── granian ── its workers
                                   ├─ supervised ── rq worker ── its work horse
                                   └─ …

Each arrow is a tie: when the upper process dies, however it dies, the kernel tells the lower one, and what is left of
the lower one's programs is ended. Exit status: 0 after a stop that was asked for, 1 when the start or the supervisor
failed, 2 when a setting or this machine is in the way.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from config import ROOT, ConfigError, Settings
from deploy import checks, redis_server
from deploy.control import Control
from deploy.errors import StartError
from deploy.processes import signal_at_parents_death
from deploy.programs import Plan, plan
from deploy.supervised import Guard, Program
from deploy.watch import Watch

# Longer than the slowest program of the group and then Redis may take.
_STOP_WITHIN = 14.0
# The programs' own guards stop them when the supervisor was killed; this is their time for it.
_GUARDS_END_WITHIN = 6.0


def main() -> int:
    os.chdir(ROOT)
    try:
        settings = Settings.from_env()
        folder = redis_server.private_folder(settings.home / "run")
        with checks.only_start(folder) as hold:
            return _launch(settings, folder, hold)
    except (ConfigError, StartError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _launch(settings: Settings, folder: Path, hold: Path) -> int:
    checks.ports_are_free(settings)
    if not settings.embedded_redis:
        checks.redis_is_reachable(settings.redis_url)
    made = plan(settings, folder, hold)
    try:
        return _prepare() or _supervise(settings, made)
    finally:
        made.configuration.unlink(missing_ok=True)


def _prepare() -> int:
    """Migrate and seed in a process of their own, so that this one stays small. Its exit status."""
    guard = Guard(Program([sys.executable, "-m", "deploy.prepare"], environ=_environ()), _make())
    status = os.waitstatus_to_exitcode(guard.wait())
    return 128 + guard.asked_to_stop if guard.asked_to_stop else abs(status)


def _supervise(settings: Settings, made: Plan) -> int:
    environ = {**_environ(), "RQ_REDIS_URL": settings.redis_url}
    argv = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(made.configuration)]
    # A session of its own: Ctrl-C and a hang-up reach this process, which then stops the supervisor in good order.
    program = Program(
        argv,
        grace=_STOP_WITHIN,
        rest_grace=_GUARDS_END_WITHIN,
        death_signal=signal.SIGTERM,
        new_session=True,
        end_orphans=True,
        environ=environ,
    )
    guard = Guard(program, _make())
    reasons: list[str] = []

    def fail(reason: str) -> None:
        reasons.append(reason)
        os.kill(os.getpid(), signal.SIGTERM)

    watch = Watch(settings, Control(made), guard.say, fail, lambda: bool(guard.asked_to_stop))
    threading.Thread(target=watch.run, name="watch", daemon=True).start()
    status = guard.wait()
    if not guard.asked_to_stop:
        reasons.append(f"The supervisor ended by itself ({_described(status)}).")
    for reason in reasons:
        print(reason, "Everything has been stopped.", file=sys.stderr)
    return 1 if reasons else 0


def _environ() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def _make() -> int | None:
    """The `make` that started this process; without one it does not depend on its parent, which may be a shell."""
    if "MAKELEVEL" not in os.environ:
        return None
    signal_at_parents_death(signal.SIGTERM)
    return os.getppid()


def _described(status: int) -> str:
    return (
        f"signal {os.WTERMSIG(status)}"
        if os.WIFSIGNALED(status)
        else f"exit status {os.waitstatus_to_exitcode(status)}"
    )


if __name__ == "__main__":
    sys.exit(main())
