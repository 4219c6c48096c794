"""Example data of each event type: what the test button sends and the documentation shows."""

from __future__ import annotations

from typing import Any

from ..db import Row
from .catalogue import family_of

_AT = "2026-01-01T00:00:00.000Z"
_TAIL = "0" * 25 + "1"
_COMMON = {"created_at": _AT, "updated_at": _AT, "version": 2}
_ASSET = {
    "project_id": f"prj_{_TAIL}",
    "name": "Mara Voss",
    "code": "mara-voss",
    "description": "Lighthouse keeper, 34, never without her brass compass.",
    "status": "in_review",
    "external_ids": {"shotgrid": "1042"},
    "metadata": {"costume": "oilskin"},
}
_PLACES = {
    "scene": {"name": "The lamp goes out", "code": "sc-010", "position": 10},
    "segment": {"name": "Wide on the cliff", "code": "sh-0010", "position": 10, "frame_in": 1001, "frame_out": 1096},
}


def example_data(event_type: str, webhook: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """`data` and `changes` of an example event, as sent to `webhook` by its test button."""
    family, _, verb = event_type.partition(".")
    if family == "webhook":
        return {"object": "webhook", "id": webhook["id"], "url": webhook["url"]}, {}
    if family == "api_key":
        return {"object": "api_key", "id": f"key_{_TAIL}", "name": "Render farm", "expires_at": _AT, "status": "active",
                "expires_within_days": 7}, {}  # fmt: skip
    if family == "project":
        data = {"object": "project", "id": f"prj_{_TAIL}", **_ASSET, "name": "The Salt Line", "status": "active"}
        del data["project_id"]
        return data | _COMMON, {}
    if family == "job":
        return _example_job(verb), {}
    return _example_asset(family, verb)


def _example_asset(family: str, verb: str) -> tuple[dict[str, Any], dict[str, Any]]:
    noun = family if family in ("character", "scene", "segment") else "character"
    prefix = {"character": "chr", "scene": "scn", "segment": "seg"}[noun]
    data: dict[str, Any] = {"object": noun, "id": f"{prefix}_{_TAIL}", **_ASSET, **_PLACES.get(noun, {}), **_COMMON}
    if noun == "segment":
        data["scene_id"] = f"scn_{_TAIL}"
    if family_of(f"{family}.{verb}") == "asset":
        after = "in_review" if verb == "submitted" else verb
        before = "draft" if verb == "submitted" else "in_review"
        return data | {"status": after}, {"status": {"from": before, "to": after}}
    return data, {}


def _example_job(verb: str) -> dict[str, Any]:
    status = {"submitted": "queued", "started": "running", "completed": "succeeded"}.get(verb, verb)
    return {
        "object": "job",
        "id": f"job_{_TAIL}",
        "project_id": f"prj_{_TAIL}",
        "kind": "preview",
        "target": {"object": "segment", "id": f"seg_{_TAIL}"},
        "status": status,
        "progress": 100 if status == "succeeded" else 0,
        **_COMMON,
    }
