"""The real product as a test sees it: started as `make run` starts it, on free ports, in a home of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import requests

from config import ROOT
from deploy.supervised import PARENT_VARIABLE
from tests.support.waiting import wait_until

LAUNCH = (sys.executable, "-m", "deploy.launch")
_READY = "Callsheet is ready: "
_READY_WITHIN = 60.0
# What `make run` promises is ten seconds.
_GONE_WITHIN = 15.0
# For tests that need neither the demo studio nor two web processes: ready in a fraction of the time.
SMALL = {"CALLSHEET_DEMO": "0", "CALLSHEET_WEB_WORKERS": "1"}
_SETTINGS = ("PORT", "DATABASE_URL", "REDIS_URL", "CALLSHEET_", "MAKE", "MFLAGS")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, **settings: str) -> dict[str, str]:
    """This process's environment with these settings and no others of Callsheet."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return {**inherited, "CALLSHEET_HOME": str(home), **settings}


class Product:
    """One start of Callsheet. `output` is all it has printed so far."""

    def __init__(self, home: Path, command: Sequence[str] = LAUNCH, **settings: str) -> None:
        self.home = home
        self.port = int(settings.get("PORT", free_port()))
        self.receiver_port = int(settings.get("CALLSHEET_DEMO_RECEIVER_PORT", free_port()))
        ports = {"PORT": str(self.port), "CALLSHEET_DEMO_RECEIVER_PORT": str(self.receiver_port)}
        self.environment = environment(home, **{**settings, **ports})
        self._log = home.with_name(f"{home.name}.log")
        with self._log.open("ab") as log:
            self._printed_before = log.tell()
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def receiver_url(self) -> str:
        return f"http://127.0.0.1:{self.receiver_port}"

    @property
    def output(self) -> str:
        return self._log.read_bytes()[self._printed_before :].decode(errors="replace")

    def wait_for_output(self, text: str, seconds: float = _READY_WITHIN) -> None:
        """Until it has printed `text`."""

        def printed() -> bool:
            assert text in self.output or self.process.poll() is None, f"it ended without {text!r}:\n{self.output}"
            return text in self.output

        wait_until(printed, seconds, lambda: f"{text!r} was not printed:\n{self.output}")

    def wait_until_ready(self) -> None:
        self.wait_for_output(_READY)

    def wait_until_answering(self) -> None:
        """Until `/readyz` says that every part is well."""
        wait_until(self._is_well, _READY_WITHIN, lambda: f"not every part is well:\n{self.output}")

    def _is_well(self) -> bool:
        with suppress(requests.ConnectionError, ValueError):
            return bool(requests.get(f"{self.url}/readyz", timeout=5).json()["status"] == "ok")
        return False

    def wait(self, seconds: float = _GONE_WITHIN) -> int:
        """Until what was started has ended; its exit status."""
        return self.process.wait(seconds)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ask it to stop, and see that nothing is left. Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        status = self.wait()
        self.assert_nothing_is_left()
        return status

    def processes(self) -> dict[int, str]:
        """Every living process of this start, by its environment or command line: id to command line."""
        found = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                command = " ".join(process.cmdline())
                ours = process.environ().get("CALLSHEET_HOME") == str(self.home) or str(self.home) in command
                if ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = command
        return found

    def pid(self, program: str) -> int | None:
        """The program of this name: `launch`, `supervisord`, or one that the supervisor runs. Not its guard."""
        if program in ("launch", "supervisord"):
            pattern = rf"-m (deploy|supervisor)\.{program}\b"
            return next((pid for pid, command in self.processes().items() if re.search(pattern, command)), None)
        guard = self.guard(program)
        return next(filter(_is_program, self.children(guard)), None) if guard else None

    def guard(self, program: str) -> int | None:
        """The guard that the program of this name runs under."""
        pattern = rf"-m deploy\.supervised --name {program} "
        return next((pid for pid, command in self.processes().items() if re.search(pattern, command)), None)

    def children(self, pid: int) -> list[int]:
        """Web server processes of `web`, the work horse of a busy `worker`."""
        with suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(pid).children()]
        return []

    def wait_for_another(self, program: str, old: int, seconds: float = 20) -> int:
        """The process id of `program` once it is not `old` any more."""
        found = wait_until(
            lambda: (pid := self.pid(program)) != old and pid,
            seconds,
            lambda: f"{program} was not started again:\n{self.output}",
        )
        assert found
        return found

    def assert_nothing_is_left(self) -> None:
        """No process of this start lives."""
        wait_until(
            lambda: not self.processes(), _GONE_WITHIN, lambda: f"these are left: {self.processes()}\n{self.output}"
        )

    def kill_everything(self) -> None:
        """For the end of a test that failed."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _is_program(pid: int) -> bool:
    """Whether a guard started this process; no when the guard adopted it. Redis overwrites its environment."""
    with suppress(psutil.Error):
        return psutil.Process(pid).environ().get(PARENT_VARIABLE, str(pid)) == str(pid)
    return False


@contextmanager
def running(home: Path, command: Sequence[str] = LAUNCH, **settings: str) -> Iterator[Product]:
    """A start that is ready. It may be stopped inside; nothing of it is left afterwards in any case."""
    product = Product(home, command, **settings)
    try:
        product.wait_until_ready()
        yield product
        product.stop()
    finally:
        product.kill_everything()


def run(home: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, with these settings."""
    given = environment(home, **settings)
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)
