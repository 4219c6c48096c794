"""The form that registers a webhook: its shape, and the choices it lays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, post_load

from domain.events.catalogue import FAMILIES, OPERATIONAL_FAMILIES, TYPES, family_of
from domain.webhooks.rules import NewWebhook

from ..forms import FormSchema

PAYLOADS = (
    ("v1", "Full", "The whole object as the API shows it, and what changed."),
    ("v1-thin", "Thin", "Ids and a link only; the receiver asks the API for the rest."),
)
REACHES = (
    ("all", "Every project", "Those to come included."),
    ("chosen", "Chosen projects", "Only events of the projects ticked below."),
)
SEVERAL = ("event_types", "project_ids")
DEFAULTS: dict[str, Any] = {"reach": "all", "payload_version": "v1", "enabled": "1"}


class NewWebhookForm(FormSchema):
    """Where to, which events, of which projects, in which form."""

    url = fields.String(required=True)
    description = fields.String(load_default="")
    event_types = fields.List(fields.String(), load_default=list)
    reach = fields.String(load_default="all")
    project_ids = fields.List(fields.String(), load_default=list)
    payload_version = fields.String(required=True, error_messages={"required": "Choose what is sent."})
    enabled = fields.Boolean(load_default=False)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What the command takes. Ticked projects count only where projects are chosen."""
        chosen = data["project_ids"] if data.pop("reach") == "chosen" else None
        return {"wanted": NewWebhook(**{**data, "url": data["url"].strip(), "project_ids": chosen})}


@dataclass(frozen=True, slots=True)
class Family:
    """Event types with one first word.

    Attributes:
        name: that word.
        types: (event type, what it tells) pairs.
        operational: whether `*` leaves it out.
    """

    name: str
    types: Sequence[tuple[str, str]]
    operational: bool


def event_families() -> list[Family]:
    """The catalogue as the form lays it out."""
    return [
        Family(name, [pair for pair in TYPES.items() if family_of(pair[0]) == name], name in OPERATIONAL_FAMILIES)
        for name in FAMILIES
    ]
