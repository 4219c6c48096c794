"""How the web server's lines look under `make run`: `granian --log-config deploy/granian.json`."""

from __future__ import annotations

import logging


class WithoutThreadAdvice(logging.Filter):
    """Drops Granian's advice to have few threads: ours spend their time waiting, for the database and in long polls."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads" not in record.getMessage()
