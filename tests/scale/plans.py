"""How PostgreSQL runs the statements that a list sends, taken on their way to the database, and what they cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, text

from domain.db import Database

Sent = list[tuple[str, Any]]


@contextmanager
def sent(database: Database) -> Iterator[Sent]:
    """The statements and their values as the driver gets them."""
    found: Sent = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        found.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def plan_of(database: Database, ask: Callable[[], object]) -> dict[str, Any]:
    """How the last statement is run that `ask` sends."""
    with sent(database) as found:
        ask()
    last, bound = found[-1]
    with database.engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + last, bound)
        (row,) = cursor.fetchall()
    explained: dict[str, Any] = row[0][0]
    return explained


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from nodes(below)


def indexes(explained: dict[str, Any]) -> set[str]:
    """The indexes that the plan reads; no table is read from its start to its end."""
    found = list(nodes(explained["Plan"]))
    assert not [node for node in found if node["Node Type"].endswith("Seq Scan")], explained
    return {node["Index Name"] for node in found if "Index Name" in node}


def rows_read(explained: dict[str, Any]) -> float:
    """The most rows that any step gave or threw away."""
    lost = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")
    return max(
        float((node["Actual Rows"] + sum(node.get(name, 0) for name in lost)) * node["Actual Loops"])
        for node in nodes(explained["Plan"])
    )


def backend_pid(database: Database) -> int:
    with database.reading() as session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def cpu_ns(pid: int) -> int:
    """What this thread and the server's process have computed so far (Linux's schedstat, in nanoseconds)."""
    served = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return served + time.thread_time_ns()
