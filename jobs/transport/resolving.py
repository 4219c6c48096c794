"""Names to addresses: looked up once for each connection, refused unless the policy accepts every answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial

from domain.webhooks.addresses import Network, check_addresses, check_url

from .progress import Phase, Progress

RESOLVE_SECONDS = 3.0
# A look-up cannot be cancelled. In threads of their own, names that hang hold up other names and never the database.
NAMES_AT_ONCE = 32


class CheckedResolver:
    """Resolves a name once for each connection and gives its first address, if the policy accepts every one."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(NAMES_AT_ONCE, thread_name_prefix="resolve")

    async def resolve(self, host: str, port: int, progress: Progress) -> str:
        """The address to connect to.

        Raises:
            ForbiddenAddress: see `check_addresses`.
            OSError: the name has no address, or no server said.
        """
        progress.enter(Phase.DNS)
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        progress.answers = [str(entry[4][0]) for entry in found]
        return check_addresses(progress.answers, self._allowed)[0]

    def close(self) -> None:
        """Wait for no name: nothing ends a look-up but the system's own deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)


_resolvers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="resolve")


def target_check(allowed: tuple[Network, ...]) -> Callable[[str], None]:
    """The `CheckTarget` port: the policy over a URL and what its host resolves to now.

    A name that cannot be resolved yet is accepted: its deliveries fail and are retried like any other failure.
    """

    def check(url: str) -> None:
        host = check_url(url)
        future = _resolvers.submit(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        try:
            found = future.result(RESOLVE_SECONDS)
        except (OSError, UnicodeError, FutureTimeout):
            return
        check_addresses(sorted({str(entry[4][0]) for entry in found}), allowed)

    return check
