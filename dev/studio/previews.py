"""Previews that are drawn as soon as the studio is up, of what waits for a decision: something to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from domain.characters.models import CHARACTERS
from domain.jobs.builtin_kinds import PREVIEW
from domain.segments.models import SEGMENTS

from .assets import Asset
from .content import PRODUCTIONS
from .past import Past, past_id
from .people import Staff

PER_PRODUCTION = {CHARACTERS.object: 1, SEGMENTS.object: 2}


def preview_rows(past: Past, staff: Staff, assets: Sequence[Asset]) -> Iterator[dict[str, Any]]:
    """A queued job for the first few characters and segments in review of each production."""
    priya = staff.users["priya"].as_data()
    left = {(code, noun): count for code in _codes(assets) for noun, count in PER_PRODUCTION.items()}
    chosen = [asset for asset in assets if asset.row["status"] == "in_review"]
    for number, asset in enumerate(sorted(chosen, key=lambda asset: asset.kind.object)):
        place = (asset.production.code, asset.kind.object)
        if not left.get(place):
            continue
        left[place] -= 1
        at = past.ago(minutes=4) + timedelta(seconds=number / 10)
        yield {
            "id": past_id("job", at), "project_id": asset.row["project_id"], "kind": PREVIEW,
            "target_object": asset.kind.object, "target_id": asset.row["id"], "params": {"seed": number},
            "status": "queued", "submitted_by": priya, "depends_on": [], "created_at": at, "updated_at": at,
        }  # fmt: skip


def _codes(assets: Sequence[Asset]) -> list[str]:
    found = list(dict.fromkeys(asset.production.code for asset in assets))
    assert len(found) == len(PRODUCTIONS)
    return found
