"""The thread beside the supervisor: starts things in order, says when all is ready, has the given-up tried again."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xmlrpc.client import Error

import redis

from config import Settings
from deploy.control import Control
from deploy.programs import WEB

_POLL = 0.05
_TRY_GIVEN_UP_EVERY = 20.0
_SUPERVISOR_IS_UP_WITHIN = 30.0
_REDIS_IS_UP_WITHIN = 20.0
_READY_WITHIN = 60.0
# Worker and sweeper are heard of a moment after the web server answers.
_WELL_WITHIN = 3.0


class StartFailed(Exception):
    """The start cannot succeed. The message is one sentence."""


@dataclass
class Watch:
    """`say` prints a line; `fail` ends the start with a reason."""

    settings: Settings
    control: Control
    say: Callable[[str], None]
    fail: Callable[[str], None]
    stopping: Callable[[], bool]
    _web_starts: set[int] = field(default_factory=set)

    def run(self) -> None:
        """The whole life of the thread; the process ends under it."""
        try:
            self._start()
            while not self.stopping():
                time.sleep(_TRY_GIVEN_UP_EVERY)
                for name in self.control.start_those_given_up():
                    self.say(f"{name} failed too often in a row; trying it again.")
        except StartFailed as error:
            self.fail(str(error))
        except (OSError, Error) as error:
            if not self.stopping():
                self.fail(f"The supervisor does not answer ({error}).")

    def _start(self) -> None:
        if not self._until(self.control.is_up, _SUPERVISOR_IS_UP_WITHIN):
            raise StartFailed("The supervisor did not start; its reason is above.")
        if self.settings.embedded_redis and not self._until(self._redis_answers, _REDIS_IS_UP_WITHIN):
            self.say("Redis does not answer yet; Callsheet starts without it and uses it when it does.")
        self.control.start_group()
        if not self._until(self._web_is_ready, _READY_WITHIN) and not self.stopping():
            self.say(f"Callsheet is not ready after {_READY_WITHIN:.0f} seconds: {self._state()}; it is tried on.")
            self._until(self._web_is_ready, float("inf"))
        self._until(self._everything_is_well, _WELL_WITHIN)
        if not self.stopping():
            self.say(f"Callsheet is ready: http://{_authority(self.settings)}/portal{self._ailments()}")

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        give_up = time.monotonic() + seconds
        while not self.stopping():
            if condition():
                return True
            if time.monotonic() > give_up:
                return False
            time.sleep(_POLL)
        return False

    def _redis_answers(self) -> bool:
        with redis.Redis.from_url(self.settings.redis_url, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except (redis.RedisError, OSError):
                return False

    def _web_is_ready(self) -> bool:
        if self._readyz()[0] == http.client.OK:
            return True
        self._web_starts.add(self.control.start_time(WEB))
        if len(self._web_starts - {0}) > 1:
            raise StartFailed("The web server ended before it was ready; its reason is above.")
        return False

    def _readyz(self) -> tuple[int, dict[str, Any]]:
        """Status (0: no answer) and document."""
        connection = http.client.HTTPConnection(_authority(self.settings), timeout=5)
        try:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            return response.status, json.load(response)
        except (OSError, ValueError, http.client.HTTPException):
            return 0, {}
        finally:
            connection.close()

    def _everything_is_well(self) -> bool:
        return self._readyz()[1].get("status") == "ok"

    def _ailments(self) -> str:
        checks = self._readyz()[1].get("checks", {})
        ailments = [f"{name}: {check.get('detail')}" for name, check in checks.items() if check.get("status") != "ok"]
        return f" (not everything is well yet; {' '.join(ailments)})" if ailments else ""

    def _state(self) -> str:
        status = self._readyz()[0]
        return f"/readyz answers {status}{self._ailments()}" if status else "the web server does not answer"


def _authority(settings: Settings) -> str:
    """Host and port to reach this server at from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  # compared, not bound
    return f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
