"""The form of a webhook: its shape, and the choices it lays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, post_load, pre_load

from domain.db import Row
from domain.events.catalogue import FAMILIES, OPERATIONAL_FAMILIES, TYPES, family_of
from domain.webhooks.headers import AUTH_PARTS
from domain.webhooks.rules import LONGEST_TIMEOUT, PLAIN

from ..forms import FormSchema, WholeNumber
from .terms import read_conditions, read_headers, write_conditions

PAYLOADS = (
    ("v1", "Full", "The whole object as the API shows it, and what changed."),
    ("v1-thin", "Thin", "Ids and a link only; the receiver asks the API for the rest."),
)
REACHES = (
    ("all", "Every project", "Those to come included."),
    ("chosen", "Chosen projects", "Only events of the projects ticked below."),
)
SIGNATURES = (
    (
        "v1",
        "With a secret",
        "HMAC-SHA-256. The receiver holds the secret too; every Standard Webhooks library checks it.",
    ),
    ("v1a", "With a private key", "Ed25519. The receiver needs nothing secret: it checks with a public key."),
)
ORDERINGS = (
    ("none", "As they come", "Each event is sent at once, so a retried one may arrive behind a later one."),
    ("entity", "In order for each entity", "An event waits for earlier ones of the same character, scene or job."),
)
KEEP = "keep"
AUTHS = (
    ("none", "None", "Requests carry the signature alone."),
    ("bearer", "Bearer token", "Authorization: Bearer …"),
    ("basic", "User name and password", "Authorization: Basic …"),
)
KEEP_AUTH = (KEEP, "Keep it", "What it has stays as it is.")
OWN_HEADERS = (
    (KEEP, "Keep them", "They stay as they are."),
    ("replace", "Replace them", "By those written below; by none when there are none."),
)
# Seconds for which what signed before goes on signing beside what a rotation makes.
GRACES = ((0, "Not at all: it stops now"), (3600, "1 hour"), (86_400, "24 hours"), (604_800, "7 days"))
SEVERAL = ("event_types", "project_ids")
DEFAULTS: dict[str, Any] = {
    "reach": "all", "payload_version": "v1", "signature": "v1", "ordering": "none", "auth": "none",
    "own_headers": "replace", "timeout_seconds": LONGEST_TIMEOUT, "enabled": "1",
}  # fmt: skip


class WebhookForm(FormSchema):
    """Where to, which events, of which projects, in which form and on what terms: of a new webhook, or of one as it
    shall be."""

    url = fields.String(required=True)
    description = fields.String(load_default="")
    event_types = fields.List(fields.String(), load_default=list)
    reach = fields.String(load_default="all")
    project_ids = fields.List(fields.String(), load_default=list)
    filter = fields.String(load_default="")
    payload_version = fields.String(required=True, error_messages={"required": "Choose what is sent."})
    signature = fields.String(load_default="v1")
    ordering = fields.String(load_default="none")
    timeout_seconds = WholeNumber(load_default=LONGEST_TIMEOUT)
    max_concurrency = WholeNumber(load_default=None, allow_none=True)
    rate_per_minute = WholeNumber(load_default=None, allow_none=True)
    auth = fields.String(load_default="none")
    token = fields.String(load_default="")
    username = fields.String(load_default="")
    password = fields.String(load_default="")
    own_headers = fields.String(load_default="replace")
    headers = fields.String(load_default="")
    enabled = fields.Boolean(load_default=False)

    @pre_load
    def empty(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """An empty limit is none."""
        return {**data, **{name: data.get(name) or None for name in ("max_concurrency", "rate_per_minute")}}

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The terms, by the names of `NewWebhook`; without headers and `auth` that are to stay."""
        chosen = data["project_ids"] if data.pop("reach") == "chosen" else None
        auth, parts = data.pop("auth"), {name: data.pop(name) for name in ("token", "username", "password")}
        own, headers = data.pop("own_headers"), data.pop("headers")
        terms = {**data, "url": data["url"].strip(), "project_ids": chosen, "filter": read_conditions(data["filter"])}
        if own != KEEP:
            terms["headers"] = read_headers(headers)
        if auth != KEEP:
            # Only the parts of the chosen kind count; the others are out of sight.
            asked = {name: parts[name].strip() if name == "token" else parts[name] for name in AUTH_PARTS.get(auth, ())}
            terms["auth"] = None if auth == "none" else {"type": auth, **asked}
        return terms


class RotationForm(FormSchema):
    """How long what signed before goes on signing."""

    grace_seconds = WholeNumber(required=True)


def values_of(webhook: Row, project_ids: Sequence[str]) -> dict[str, Any]:
    """A webhook as the form shows it; of headers and authentication only that they stay."""
    shown = {name: webhook[name] for name in (*PLAIN, "event_types")}
    return {
        **shown,
        "filter": write_conditions(webhook["filter"]),
        "reach": "all" if webhook["all_projects"] else "chosen",
        "project_ids": list(project_ids),
        "enabled": "1" if webhook["enabled"] else "",
        "auth": KEEP if webhook["auth_type"] else "none",
        "own_headers": KEEP if webhook["header_names"] else "replace",
    }


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
