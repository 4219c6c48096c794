"""The programs of Callsheet, as supervisord's configuration."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from config import ROOT, Settings, redis_socket
from deploy import redis_server

# All but Redis are one group, so that they stop together and Redis after them.
GROUP = "callsheet"
WEB = f"{GROUP}:web"
# As in `jobs.queues`, which is not imported: the launcher would hold all of RQ in memory for as long as it runs.
QUEUE, PREVIEWS = "deliveries", "previews"
SPARE_THREADS = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """One start: its programs and how to reach the supervisor that runs them."""

    folder: Path
    control_socket: Path
    hold: Path
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def configuration(self) -> Path:
        return self.folder / "supervisord.conf"


def plan(settings: Settings, folder: Path, hold: Path) -> Plan:
    """Write the supervisor's configuration into `folder`, readable by this user alone."""
    socket = redis_socket(settings.home)
    if socket.parent == settings.home / "redis":
        made = Plan(folder, folder / "control.sock", hold)
    else:  # the home's path is too long for sockets
        made = Plan(folder, redis_server.private_folder(socket.parent) / "control.sock", hold)
    text = _configuration(settings, made)
    made.configuration.touch(mode=0o600)
    made.configuration.write_text(text, encoding="utf-8")
    return made


def _configuration(settings: Settings, plan: Plan) -> str:
    sections = [_supervisor(plan)]
    if settings.embedded_redis:
        sections.append(_program(plan, "redis", _redis(settings), grace=4, priority=1, autostart=True))
    programs = _group(settings)
    sections += [
        _program(plan, name, argv, grace=grace, copies=copies) for name, (argv, grace, copies) in programs.items()
    ]
    sections.append(_section(f"group:{GROUP}", programs=",".join(programs), priority="900"))
    return "\n".join(sections)


def _group(settings: Settings) -> dict[str, tuple[list[str], int, int]]:
    """Name to command line, seconds it may take to stop, number of copies."""
    programs = {
        "web": (web(settings), 4, 1),
        "worker": (worker(), 4, settings.delivery_workers),
        "previews": (worker(PREVIEWS), 4, 1),
        "sweeper": ([sys.executable, "-m", "jobs.sweeper"], 4, 1),
    }
    if settings.demo:
        programs["receiver"] = ([sys.executable, "-m", "dev.receiver"], 2, 1)
    return programs


def _redis(settings: Settings) -> list[str]:
    socket = redis_socket(settings.home)
    redis_server.private_folder(socket.parent)
    return redis_server.command(socket, redis_server.private_folder(settings.home / "redis"))


def web(settings: Settings, application: str = "wsgi:app") -> list[str]:
    """The web server's command line."""
    # Those that work (`domain.gate`) and those that wait, and a few that refuse who comes beyond them.
    threads = str(settings.web_threads + settings.web_waiters + SPARE_THREADS)
    return [
        *(sys.executable, _script("granian"), "--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--log-config", str(ROOT / "deploy" / "granian.json")),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--workers", str(settings.web_workers), "--blocking-threads", threads, "--backpressure", threads),
        *("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "2"),
        application,
    ]


def worker(queue: str = QUEUE) -> list[str]:
    """A worker of one queue.

    The Redis address is in RQ_REDIS_URL: a command line can be read by every user of the machine.
    """
    return [
        *(sys.executable, _script("rq"), "worker", queue, "--worker-class", "jobs.worker.DeliveryWorker"),
        *("--serializer", "rq.serializers.JSONSerializer", "--worker-ttl", "30", "--disable-job-desc-logging"),
    ]


def _script(name: str) -> str:
    """A console script, run by our Python rather than by its first line, which cannot hold a long path or a space."""
    return str(Path(sys.executable).parent / name)


def _supervisor(plan: Plan) -> str:
    if plan.control_socket.parent == plan.folder:
        socket = f"%(here)s/{plan.control_socket.name}"
    else:
        socket = _escaped(str(plan.control_socket))
    login = {"username": "callsheet", "password": plan.password}
    supervisord = {
        "nodaemon": "true",
        "logfile": "/dev/null",
        "logfile_maxbytes": "0",
        "pidfile": "%(here)s/supervisord.pid",
    }
    if os.getuid() == 0:
        supervisord["user"] = "root"
    return "\n".join(
        (
            _section("supervisord", **supervisord),
            _section("unix_http_server", file=socket, chmod="0700", **login),
            _section("supervisorctl", serverurl=f"unix://{socket}", **login),
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        )
    )


def _program(
    plan: Plan, name: str, argv: list[str], *, grace: int, copies: int = 1, priority: int = 900, autostart: bool = False
) -> str:
    """Restarted for ever: supervisord waits 1, 2, 3 … s between quick tries, and `deploy.watch` has it start over."""
    guard = [sys.executable, "-S", "-E", "-s", "-m", "deploy.supervised"]
    options = ["--name", name, "--grace", str(grace), "--hold", str(plan.hold)]
    return _section(
        f"program:{name}",
        command=" ".join(_escaped(_quoted(part)) for part in (*guard, *options, "--", *argv)),
        process_name="%(program_name)s" if copies == 1 else "%(program_name)s%(process_num)d",
        numprocs=str(copies),
        directory=_escaped(str(ROOT)),
        priority=str(priority),
        autostart="true" if autostart else "false",
        autorestart="true",
        startsecs="1",
        startretries="5",
        stopwaitsecs=str(grace + 3),
        redirect_stderr="true",
        stdout_logfile="/dev/fd/1",
        stdout_logfile_maxbytes="0",
    )


def _section(name: str, **options: str) -> str:
    return "\n".join((f"[{name}]", *(f"{key} = {value}" for key, value in options.items()), ""))


def _quoted(argument: str) -> str:
    """One word for supervisord's shlex; two quotes keep a blank apart from a character that would start a comment."""
    return re.sub(r"(?<=\s)(?=[;#])", "''", shlex.quote(argument))


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
