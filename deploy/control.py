"""Talks to the running supervisor over its socket."""

from __future__ import annotations

from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]  # it has no types

from deploy.programs import GROUP, Plan


class Control:
    """The supervisor of one start. Each call may raise OSError or xmlrpc.client.Error while it starts or stops."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def is_up(self) -> bool:
        """Whether the supervisor answers."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except OSError:
            return False

    def start_group(self) -> None:
        """Start everything but Redis, which starts by itself."""
        self._call("startProcessGroup", GROUP, False)

    def start_time(self, program: str) -> int:
        """When the program was last started, in seconds since 1970."""
        return int(self._call("getProcessInfo", program)["start"])

    def start_those_given_up(self) -> list[str]:
        """Have each program that failed too often in a row tried again; their names."""
        every = self._call("getAllProcessInfo")
        given_up = [f"{info['group']}:{info['name']}" for info in every if info["statename"] == "FATAL"]
        for program in given_up:
            try:
                self._call("startProcess", program, False)
            except Fault:  # it was started meanwhile
                continue
        return [program.rpartition(":")[2] for program in given_up]

    def _call(self, method: str, *arguments: object) -> Any:
        """One call on a connection of its own: one that has failed cannot be used again."""
        transport = SupervisorTransport("callsheet", self._plan.password, f"unix://{self._plan.control_socket}")
        with ServerProxy("http://localhost", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
