"""A worker of a farm in one file, with nothing but the public API: claim, make, tell how far it is, complete or fail.

    FARM_KEY=csk_… python -m dev.farm_worker --url http://127.0.0.1:8000 --kinds generate,render --name farm-1

What it makes is a list of frames that it counts. Copy it, and put your renderer into `make`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import random
import struct
import threading
import time
import urllib.error
import urllib.request
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger("farm_worker")
LONGEST_PAUSE = 10.0
LEAST_APART = 2.0  # seconds from one claim that finds nothing to the next: a server need not have room for who waits
LONGEST_MESSAGE = 2000


class Refused(Exception):
    """The API said no, and would say so again."""


class Dropped(Exception):
    """The work is to be dropped: somebody cancelled the job, or it is somebody else's."""


@dataclass(frozen=True)
class Api:
    """The API below `url`, with one key."""

    url: str
    key: str

    def post(self, path: str, body: Mapping[str, Any], patience: float = 0) -> Any:
        """`data` of the answer, None for 204. `patience`: seconds that the call itself may wait."""
        return self.send("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"}, patience)

    def send(self, method: str, path: str, data: bytes, headers: Mapping[str, str], patience: float = 0) -> Any:
        """Any call. What may pass is tried again until it does; what cannot be is `Refused`."""
        headers = {"Authorization": f"Bearer {self.key}", **headers}
        # The same in every try: what was done is told again and not done twice. A claim alone is made anew: where its
        # answer was lost, the job is somebody's again once that lease has run out.
        headers["Idempotency-Key"] = uuid.uuid4().hex
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        pause = 0.2
        while True:
            try:
                with urllib.request.urlopen(request, timeout=patience + 30) as answer:
                    return json.load(answer)["data"] if answer.status != 204 else None
            except urllib.error.HTTPError as error:
                told = error.read().decode(errors="replace")
                if error.code < 500 and error.code != 429 and "/idempotency-in-progress" not in told:
                    raise Refused(f"{path}: {told[:300]}") from None
                pause = max(pause, float(error.headers.get("Retry-After", 0)))
                log.warning("%s answers %s", path, error.code)
            except (OSError, http.client.HTTPException, ValueError) as error:  # refused, cut off, or half an answer
                log.warning("%s cannot be asked: %s", path, error)
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST_PAUSE)


@dataclass
class Held:
    """A job, and this worker's lease of it."""

    api: Api
    job: Mapping[str, Any]
    progress: float = 0
    message: str = ""
    done: threading.Event = field(default_factory=threading.Event)
    dropped: threading.Event = field(default_factory=threading.Event)

    def say(self, verb: str, **told: Any) -> Any:
        """Tell something of the job."""
        return self.api.post(f"/jobs/{self.job['id']}/{verb}", {"lease_token": self.job["lease_token"], **told})

    def keep(self, name: str, media_type: str, data: bytes) -> None:
        """Send a file of what was made."""
        headers = {"Lease-Token": self.job["lease_token"], "Content-Type": media_type}
        self.api.send("PUT", f"/jobs/{self.job['id']}/artifacts/{name}", data, headers)

    def fail(self, code: str, message: str) -> None:
        """Give the job up."""
        try:
            self.say("fail", error={"code": code, "message": message[:LONGEST_MESSAGE]})
        except Refused as refusal:  # the lease was lost: the job is somebody else's, or has ended
            log.warning("%s", refusal)

    @contextmanager
    def alive(self, seconds: float) -> Iterator[None]:
        """Say meanwhile, that often, that the work goes on and how far it is; hear whether it is still wanted."""
        beating = threading.Thread(target=self._beat, args=(seconds,), daemon=True)
        beating.start()
        try:
            yield
        finally:
            self.done.set()
            beating.join()

    def _beat(self, seconds: float) -> None:
        while not self.done.wait(seconds) and not self.dropped.is_set():
            try:
                cancel = self.say("heartbeat", progress=self.progress, message=self.message)["cancel"]
            except Refused as refusal:
                log.warning("lost: %s", refusal)
                cancel = True
            if cancel:
                self.dropped.set()


def make(held: Held, frames: int, seconds_each: float) -> dict[str, Any]:
    """The work itself. `params.fail_with` shows what a failure looks like."""
    for frame in range(1, frames + 1):
        if held.dropped.wait(seconds_each):
            raise Dropped
        if "fail_with" in held.job["params"] and frame > frames // 2:
            raise ValueError(held.job["params"]["fail_with"])
        held.progress, held.message = 100 * frame / frames, f"Frame {frame} of {frames}"
    return {"frames": frames}


def picture(frames: int, side: int = 6, tall: int = 72) -> bytes:
    """A grey wedge with a bar for each frame, as PNG (RFC 2083)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + b"".join(bytes([255 * frame // frames]) * side for frame in range(frames))
    head = struct.pack(">IIBBBBB", frames * side, tall, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(row * tall)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def work(held: Held, options: argparse.Namespace) -> None:
    """Do one job, and tell how it ended. Whatever goes wrong ends this attempt, and not the worker."""
    try:
        with held.alive(options.beat):
            made = make(held, options.frames, options.seconds)
            if options.picture:
                held.keep("wedge.png", "image/png", picture(options.frames))
        held.say("complete", result=made, cost={"gpu_seconds": options.frames * options.seconds})
    except Dropped:
        held.fail("cancelled", "Stopped.")
    except Exception as error:
        log.exception("%s came to nothing", held.job["id"])
        held.fail("render_failed", str(error) or repr(error))


def claim(api: Api, options: argparse.Namespace) -> Any:
    """The next job, as soon as there is one."""
    asked = {"worker": options.name, "kinds": options.kinds.split(","), "wait": options.wait}
    while True:
        began = time.monotonic()
        job = api.post("/jobs/claim", asked, patience=options.wait)
        if job is not None:
            return job
        time.sleep(max(0.0, began + LEAST_APART - time.monotonic()))


def main() -> None:
    """Work until stopped; what it had is somebody else's once its lease runs out."""
    parser = argparse.ArgumentParser(prog="python -m dev.farm_worker", description=__doc__.partition("\n")[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", default=os.environ.get("FARM_KEY", ""), help="or FARM_KEY, which `ps` does not show")
    parser.add_argument("--kinds", default="generate,render")
    parser.add_argument("--name", default=os.uname().nodename)
    parser.add_argument("--wait", type=float, default=30, help="seconds that a claim waits for a job")
    parser.add_argument("--beat", type=float, default=10, help="seconds between two heartbeats")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=0.25, help="for each frame")
    parser.add_argument("--picture", action="store_true", help="send a picture with each job, which makes it a take")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    api = Api(options.url.rstrip("/"), options.key)
    while True:
        job = claim(api, options)
        log.info("%s: %s for %s", job["id"], job["kind"], job["target"]["id"])
        work(Held(api, job), options)


if __name__ == "__main__":
    main()
