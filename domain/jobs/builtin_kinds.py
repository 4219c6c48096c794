"""The kinds of job that every installation has: what their parameters may be, as JSON Schema."""

from __future__ import annotations

from typing import Any

PREVIEW = "preview"
_SEED = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1, "description": "The same seed gives the same result."}
_FRAME = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
_SIDE = {"type": "integer", "minimum": 16, "maximum": 16384}

BUILT_IN: dict[str, dict[str, Any]] = {
    PREVIEW: {
        "description": "A storyboard picture and a short animation of the target, made by Callsheet itself.",
        "params": {
            "type": "object",
            "properties": {
                "seed": _SEED,
                "seconds": {"type": "number", "minimum": 0.5, "maximum": 10, "description": "Of the animation."},
            },
            "additionalProperties": False,
        },
    },
    "generate": {
        "description": "Pictures or film made by a model, on a farm.",
        "params": {
            "type": "object",
            "properties": {
                "model": {"type": "string", "minLength": 1, "maxLength": 200},
                "prompt": {"type": "string", "maxLength": 20_000},
                "negative_prompt": {"type": "string", "maxLength": 20_000},
                "seed": _SEED,
                "steps": {"type": "integer", "minimum": 1, "maximum": 1000},
                "seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 3600},
                "width": _SIDE,
                "height": _SIDE,
            },
        },
    },
    "render": {
        "description": "Frames rendered on a farm.",
        "params": {
            "type": "object",
            "properties": {
                "frame_in": _FRAME,
                "frame_out": _FRAME,
                "step": {"type": "integer", "minimum": 1, "maximum": 1000},
                "quality": {"enum": ["draft", "final"]},
                "width": _SIDE,
                "height": _SIDE,
            },
        },
    },
}
