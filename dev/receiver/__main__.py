"""`python -m dev.receiver [--port N] [--secrets-file PATH]`"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from config import Settings

from .app import create_receiver
from .secrets import FILE_NAME


class Handler(WSGIRequestHandler):
    """HTTP/1.1, so that senders may keep their connections; calls are not logged, for the page shows them."""

    protocol_version = "HTTP/1.1"
    server_version = "Callsheet demo receiver"
    sys_version = ""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


def main(argv: Sequence[str] | None = None) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT."""
    settings = Settings.from_env()
    parser = argparse.ArgumentParser(prog="python -m dev.receiver", description="Shows the webhooks that arrive here.")
    parser.add_argument("--port", type=int, default=settings.demo_receiver_port)
    parser.add_argument("--secrets-file", type=Path, default=settings.home / FILE_NAME)
    options = parser.parse_args(argv)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server(
        "127.0.0.1", options.port, create_receiver(options.secrets_file), threaded=True, request_handler=Handler
    )
    server.daemon_threads = True  # type: ignore[attr-defined]  # socketserver's, of the threaded kind
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    print(f"The demo receiver listens at http://127.0.0.1:{server.port}/", flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
