"""The form of an API key: its shape, and the choices it lays out. What a key may be is `domain.api_keys` to say."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any

from marshmallow import fields, post_load, pre_load

from domain.access import Role, Scope
from domain.api_keys.queries import STATUSES
from domain.api_keys.rules import DRY_RUN, ENFORCE, FIELDS

from ..formatting import sentence
from ..forms import FormSchema, WholeNumber

NO_DAY = "Give the key's last day, or choose that it never ends."
ROLES = (
    (Role.VIEWER, "Viewer: reads"),
    (Role.CREATOR, "Creator: reads, writes, runs jobs"),
    (Role.REVIEWER, "Reviewer: reads, decides approvals"),
    (Role.ADMIN, "Admin: everything"),
)
SCOPES = (
    (Scope.READ_ONLY, "Read only", "Reads every project, whatever the role would allow beyond that."),
    (
        Scope.PROJECT,
        "Chosen projects",
        "What the role allows, in the projects chosen below; others do not exist for it.",
    ),
    (Scope.FULL, "Full", "What the role allows, in every project, those to come included."),
)
ALLOWLIST_MODES = (
    (ENFORCE, "Refuse calls from elsewhere", "What the allowed addresses are for."),
    (
        DRY_RUN,
        "Let them in, and show who they are",
        "To try the list: the key's page shows whom it would lock out.",
    ),
)
DAY, NEVER = "day", "never"
EXPIRIES = (
    (DAY, "After its last day", "A key that nobody remembers ends by itself."),
    (NEVER, "Never", "It works until somebody revokes it."),
)
STATUS_WORDS = tuple((status, sentence(status)) for status in STATUSES)
# Seconds for which a secret that is replaced goes on working.
GRACES = ((0, "Not at all: it stops now"), (3600, "1 hour"), (86_400, "24 hours"), (604_800, "7 days"),
          (2_592_000, "30 days"))  # fmt: skip


class KeyForm(FormSchema):
    """Name, rights, limits, where from, until when and tags: of a new key, or of one as it shall be."""

    name = fields.String(required=True)
    description = fields.String(load_default="")
    tags = fields.List(fields.String(), load_default=list)
    role = fields.String(required=True, error_messages={"required": "Choose a role."})
    scope = fields.String(required=True, error_messages={"required": "Choose a scope."})
    project_ids = fields.List(fields.String(), load_default=list)
    read_per_minute = WholeNumber(required=True)
    write_per_minute = WholeNumber(required=True)
    allowed_cidrs = fields.List(fields.String(), load_default=list)
    allowlist_mode = fields.String(load_default=ENFORCE)
    expiry = fields.String(load_default=DAY)
    expires_at = fields.Date(
        load_default=None, allow_none=False, error_messages=dict.fromkeys(("invalid", "null"), NO_DAY)
    )

    @pre_load
    def split(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Ranges and tags by lines, spaces or commas; projects and a last day count only where they were chosen."""
        lists = {name: _parts(data.get(name, "")) for name in ("allowed_cidrs", "tags")}
        projects = data.get("project_ids", []) if data.get("scope") == "project" else []
        given = {**data, **lists, "project_ids": projects, "expires_at": data.get("expires_at") or None}
        if data.get("expiry") == NEVER:
            del given["expires_at"]
        return given

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What the commands take. A key expires when its last day (UTC) ends."""
        day: date | None = data.pop("expires_at")
        del data["expiry"]
        return {**data, "expires_at": datetime.combine(day, time(23, 59, 59), UTC) if day else None}


class EditForm(KeyForm):
    """A key as it shall be, and the version that it had when the form was opened."""

    version = WholeNumber(required=True)


class RotationForm(FormSchema):
    """How long the old secret goes on working."""

    grace_seconds = WholeNumber(required=True)


def values_of(key: dict[str, Any]) -> dict[str, Any]:
    """A key, its `project_ids` among it, as the form shows it."""
    shown = {name: key[name] for name in FIELDS}
    shown |= {"allowed_cidrs": "\n".join(key["allowed_cidrs"]), "tags": " ".join(key["tags"])}
    day = f"{key['expires_at']:%Y-%m-%d}" if key["expires_at"] else ""
    return {**shown, "version": key["version"], "expiry": DAY if day else NEVER, "expires_at": day}


def _parts(text: Any) -> list[str]:
    return [part for part in re.split(r"[,\x00-\x20]+", str(text)) if part]
