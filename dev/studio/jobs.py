"""Generation jobs of the past weeks. All have ended: no farm that tries the demo out is given one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from domain.segments.models import SEGMENTS

from .assets import Asset
from .past import Past, past_id
from .people import Staff

COUNT = 180
OUTCOMES = {"succeeded": 80, "failed": 13, "cancelled": 7}
FAILURES = (
    ("out_of_memory", "The GPU ran out of memory at frame {frame}."),
    ("model_unavailable", "No node has loaded lumen-video-2."),
    ("lease_expired", "The worker {worker} was not heard of for as long as its lease was."),
)
LOOKS = ("Storm light, long lens, grain of 500T.", "Overcast, no shadows, handheld.", "Night, one lamp, rain on glass.")


def job_rows(rng: Random, past: Past, staff: Staff, assets: Sequence[Asset]) -> Iterator[dict[str, Any]]:
    """A row for each job; `rng` is its own, so that the rest of the studio does not depend on how many there are."""
    segments = [asset.row for asset in assets if asset.kind is SEGMENTS]
    people = [staff.users["priya"], staff.users["elias"], staff.keys["ShotGrid sync"]]
    for _ in range(COUNT):
        segment = rng.choice(segments)
        submitted = past.between(past.ago(days=20), past.ago(hours=3))
        started = submitted + timedelta(seconds=rng.randint(2, 2400))
        took = timedelta(seconds=rng.randint(40, 3000))
        status = rng.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        kind = rng.choice(("generate", "generate", "render"))
        worker = f"farm-{rng.randint(1, 12):02}"
        attempts = 3 if status == "failed" else rng.choices((1, 2, 3), (90, 8, 2))[0]
        yield {
            "id": past_id("job", submitted), "project_id": segment["project_id"], "kind": kind,
            "target_object": "segment", "target_id": segment["id"], "params": _params(rng, kind, segment),
            "priority": rng.choice((30, 50, 50, 50, 80)), "status": status, "attempts": attempts, "worker": worker,
            "submitted_by": rng.choice(people).as_data(), "cancel_requested": status == "cancelled",
            "depends_on": [], "max_attempts": 3, "attempts_before": 0, "lease_digest": None, "lease_expires_at": None,
            "created_at": submitted, "started_at": started, "finished_at": started + took,
            "updated_at": started + took, "version": 2 + 2 * attempts, **_ending(rng, status, worker, segment, took),
        }  # fmt: skip


def _params(rng: Random, kind: str, segment: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "render":
        return {"frame_in": segment["frame_in"], "frame_out": segment["frame_out"], "quality": "final"}
    return {"model": "lumen-video-2", "prompt": f"{segment['name']}. {rng.choice(LOOKS)}", "seed": rng.randrange(2**16)}


def _ending(rng: Random, status: str, worker: str, segment: Mapping[str, Any], took: timedelta) -> dict[str, Any]:
    frames = segment["frame_out"] - segment["frame_in"] + 1
    reached = frames if status == "succeeded" else rng.randrange(frames)
    code, text = rng.choice(FAILURES)
    seconds = took.total_seconds()
    return {
        "progress": round(100 * reached / frames, 1),
        "message": f"Frame {reached} of {frames}",
        "result": {"frames": frames} if status == "succeeded" else None,
        "error": {"code": code, "message": text.format(frame=reached, worker=worker)} if status == "failed" else None,
        "cost": {"amount": f"{seconds * 0.0011:.2f}", "currency": "EUR", "gpu_seconds": seconds}
        if status == "succeeded" else None,
    }  # fmt: skip
