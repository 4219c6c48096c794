"""Jobs as tests submit and work on them, over the API."""

from __future__ import annotations

from typing import Any

from domain.db import Row
from tests.api.client import Answer, Client


def submit(client: Client, asset: Row, word: str = "segment", **fields: Any) -> Answer:
    """Submit a job of kind `generate`, or of another."""
    body = {"kind": "generate", "target": {"object": word, "id": asset["id"]}, **fields}
    return client.post("/jobs", {name: value for name, value in body.items() if value is not ...})


def claim(client: Client, worker: str = "farm-1", *kinds: str) -> Answer:
    """Ask for a job."""
    return client.post("/jobs/claim", {"worker": worker, "kinds": list(kinds or ("generate",))})


def take(client: Client, worker: str = "farm-1") -> tuple[str, str]:
    """Claim a job that is there: its id and its lease's token."""
    answer = claim(client, worker)
    assert answer.status == 200, answer.status
    return answer.data["id"], answer.data["lease_token"]


def report(client: Client, held: tuple[str, str], verb: str, **fields: Any) -> Answer:
    """Say something of a job that is held."""
    job_id, token = held
    return client.post(f"/jobs/{job_id}/{verb}", {"lease_token": token, **fields})
