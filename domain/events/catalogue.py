"""The catalogue of event types and the patterns that subscribe to them."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import FieldError

OPERATIONAL_FAMILIES = ("webhook", "api_key")

TYPES: dict[str, str] = {
    **{
        f"{noun}.{verb}": f"A {noun} was {verb}."
        for noun in ("project", "character", "scene", "segment")
        for verb in ("created", "updated", "archived")
    },
    "metadata.updated": "Metadata of a project, character, scene or segment changed.",
    "asset.submitted": "A character, scene or segment was submitted for review.",
    "asset.approved": "A character, scene or segment was approved.",
    "asset.rejected": "A character, scene or segment was rejected.",
    "asset.changes_requested": "Changes to a character, scene or segment were requested.",
    "job.submitted": "A generation job was submitted.",
    "job.started": "A generation job was claimed by a worker.",
    "job.completed": "A generation job succeeded.",
    "job.failed": "A generation job failed for good.",
    "job.cancelled": "A generation job was cancelled.",
    "webhook.test": "An admin pressed the test button.",
    "webhook.failing": "A webhook's deliveries keep failing.",
    "webhook.disabled": "A webhook was disabled.",
    "webhook.recovered": "A failing webhook works again.",
    "api_key.expiring": "An API key expires soon.",
}
FAMILIES = tuple(dict.fromkeys(name.partition(".")[0] for name in TYPES))
PATTERNS = ("*", *(f"{family}.*" for family in FAMILIES), *TYPES)


MOST_PATTERNS = 100


def family_of(event_type: str) -> str:
    """`asset` of `asset.approved`."""
    return event_type.partition(".")[0]


def is_operational(event_type: str) -> bool:
    """Whether `*` leaves it out, so that a webhook about webhooks cannot loop by accident."""
    return family_of(event_type) in OPERATIONAL_FAMILIES


def types_of(patterns: Iterable[str]) -> list[str]:
    """The event types that these patterns name, as a subscription's do."""
    wanted = set(patterns)
    return [
        name
        for name in TYPES
        if name in wanted or f"{family_of(name)}.*" in wanted or ("*" in wanted and not is_operational(name))
    ]


def check_patterns(patterns: list[str]) -> list[FieldError]:
    """The mistakes in a subscription's list of patterns."""
    if not patterns:
        return [FieldError("/event_types", "required", "Name at least one event type, `asset.*` or `*`.")]
    if len(patterns) > MOST_PATTERNS:
        return [FieldError("/event_types", "length", f"Name at most {MOST_PATTERNS} event types.")]
    return [
        FieldError(
            f"/event_types/{index}",
            "unknown",
            f"There is no event type {pattern[:60]!r}; there are `*`, families such as `asset.*`, and "
            + ", ".join(f"`{name}`" for name in TYPES)
            + ".",
        )
        for index, pattern in enumerate(patterns)
        if pattern not in PATTERNS
    ]
