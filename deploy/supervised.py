"""Runs one program so that nothing of it is left behind, however it, this process or the parent dies.

    python -m deploy.supervised [--name NAME] [--grace SECONDS] [--hold FILE] -- PROGRAM [ARGUMENT…]

- The program dies when this process dies: the kernel sends it SIGKILL.
- This process stops the program when its own parent dies: the kernel sends SIGTERM, and a look at the parent's id
  covers a parent that died before that was arranged.
- When the program has ended, every process it started and left behind is ended too, in whatever process group it is
  (an RQ work horse, a web server's workers): this process adopts them.
- SIGTERM, SIGINT, SIGHUP and SIGQUIT all mean stop: SIGTERM to the program, SIGKILL after `--grace` seconds.
- Its output goes through line by line, each line after `NAME | `.
- `--hold` keeps a shared lock on a file for as long as anything of the program may be alive.

It ends as the program ended. Standard library only, and few modules of it: one of these runs for every program.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from deploy.output import Lines, Output
from deploy.processes import (
    adopt_orphans,
    children_of,
    end_descendants,
    end_like,
    reap,
    send,
    signal_at_parents_death,
)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
# Tells a program started by `Guard` which process started it, so that it can see whether that one has died.
PARENT_VARIABLE = "SUPERVISED_BY"
_LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Args:
        grace: seconds it may take to stop before it is killed.
        rest_grace: the same for what it leaves behind.
        death_signal: what it gets when this process dies.
        new_session: keep the terminal's Ctrl-C and hang-up from it.
        end_orphans: end what has lost its parent below the program while the program lives on.
    """

    argv: Sequence[str]
    name: str = ""
    grace: float = 5.0
    rest_grace: float = 1.0
    death_signal: int = signal.SIGKILL
    new_session: bool = False
    end_orphans: bool = False
    environ: Mapping[str, str] | None = None


class Guard:
    """One running program and everything below it. Make it in a process that has no second thread yet.

    Args:
        parent: stop when this process dies; None: do not look.
    """

    def __init__(self, program: Program, parent: int | None = None) -> None:
        self.program = program
        self.output = Output()
        self.asked_to_stop = 0
        self._parent = parent
        self._orphans: set[int] = set()
        self._look_at = 0.0
        self._kill_at: float | None = None
        self._lines = Lines(f"{program.name:<8} | ".encode() if program.name else b"", self.output.add)
        self._wake, self._wake_write = os.pipe()
        for end in (self._wake, self._wake_write):
            os.set_blocking(end, False)
        self._listen()
        adopt_orphans()
        self.pid, self._pipe = _start(program)

    def say(self, line: str) -> None:
        """Print a line of our own. Any thread may call it."""
        self.output.add(line.encode() + b"\n")
        os.write(self._wake_write, b"\0")

    def stop(self, signum: int = signal.SIGTERM) -> None:
        """Ask the program to stop; the second call changes nothing."""
        if not self.asked_to_stop:
            self.asked_to_stop = signum
            self._kill_at = time.monotonic() + self.program.grace
            send([self.pid], signal.SIGTERM)

    def wait(self) -> int:
        """Until the program has ended and nothing of it is left. Returns its wait status."""
        status = None
        while status is None:
            self._turn()
            status = reap().get(self.pid)
        end_descendants(self.program.rest_grace)
        if self._pipe >= 0:
            self._lines.drain(self._pipe)
        self._lines.finish()
        while self.output.waiting and select.select([], [self.output.descriptor], [], 1.0)[1]:
            self.output.write()
        self._close()
        return status

    def _turn(self) -> None:
        """Wait for output, a signal or the next look at the parent, and act on it."""
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            send([self.pid], signal.SIGKILL)
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_EVERY
            self._look()
        readers = [self._wake, self._pipe] if self._pipe >= 0 else [self._wake]
        writers = [self.output.descriptor] if self.output.waiting else []
        readable, writable, _ = select.select(readers, writers, [], 0.05 if self._kill_at else _LOOK_EVERY)
        if writable:
            self.output.write()
        if self._wake in readable:
            for signum in os.read(self._wake, 512):
                if signum in STOP_SIGNALS:
                    self.stop(signum)
        if self._pipe in readable:
            self._pump()

    def _look(self) -> None:
        """At the parent, and at orphans: SIGTERM at first sight, SIGKILL at the second. This process adopts them."""
        if self._parent is not None and os.getppid() != self._parent:
            self.stop()
        if not self.program.end_orphans:
            return
        orphans = children_of(os.getpid()) - {self.pid}
        send(orphans - self._orphans, signal.SIGTERM)
        send(orphans & self._orphans, signal.SIGKILL)
        self._orphans = orphans

    def _pump(self) -> None:
        if data := os.read(self._pipe, 65536):
            self._lines.feed(data)
        else:  # the program closed its output and lives on
            os.close(self._pipe)
            self._pipe = -1

    def _listen(self) -> None:
        for signum in (*STOP_SIGNALS, signal.SIGCHLD):
            # Under nohup a hang-up stays ignored.
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, _noted)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        for descriptor in (self._wake, self._wake_write, self._pipe):
            if descriptor >= 0:
                os.close(descriptor)


def _noted(_signum: int, _frame: object) -> None:
    """The signal's number has already been written to the wake-up pipe."""


def _start(program: Program) -> tuple[int, int]:
    """Fork and exec. Signals are held back meanwhile, so that none reaches a handler of ours in the child."""
    reader, writer = os.pipe()
    held = signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP_SIGNALS, signal.SIGCHLD))
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become(program, parent, writer, held)
        finally:
            os._exit(127)
    signal.pthread_sigmask(signal.SIG_SETMASK, held)
    os.close(writer)
    return pid, reader


def _become(program: Program, parent: int, output: int, mask: Iterable[int]) -> NoReturn:
    """In the child: tie it to its parent, give it its output and default signals, and turn into the program."""
    signal_at_parents_death(program.death_signal)
    if os.getppid() != parent:
        os._exit(1)
    if program.new_session:
        os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for signum in (*STOP_SIGNALS, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    environ = {**(os.environ if program.environ is None else program.environ), PARENT_VARIABLE: str(os.getpid())}
    try:
        os.execvpe(program.argv[0], list(program.argv), environ)  # noqa: S606  # no shell is wanted
    except OSError as error:
        os.write(2, f"{program.argv[0]} cannot be started: {error.strerror}.\n".encode())
        os._exit(127)


def _hold(path: str) -> None:
    """A shared lock for the life of this process; the descriptor is not inherited by the program."""
    fcntl.flock(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), fcntl.LOCK_SH)


def _arguments(argv: list[str]) -> tuple[dict[str, str], list[str]]:
    separator = argv.index("--")
    names = [name.removeprefix("--") for name in argv[:separator:2]]
    return dict(zip(names, argv[1:separator:2], strict=True)), argv[separator + 1 :]


def main(argv: list[str]) -> NoReturn:
    options, command = _arguments(argv)
    parent = int(os.environ.get(PARENT_VARIABLE, os.getppid()))
    signal_at_parents_death(signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
    if "hold" in options:
        _hold(options["hold"])
    program = Program(command, options.get("name", ""), float(options.get("grace", "5")))
    end_like(Guard(program, parent).wait())


if __name__ == "__main__":
    main(sys.argv[1:])
