"""The form of a new API key: its shape. What a key may be is `domain.api_keys.commands` to say."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from marshmallow import fields, post_load, pre_load

from domain.api_keys.rules import NewKey

from ..forms import FormSchema

WHOLE: dict[str, Any] = {"invalid": "Give a whole number.", "required": "Give a whole number."}


class NewKeyForm(FormSchema):
    """Name, rights, limits, where from and until when."""

    name = fields.String(required=True)
    description = fields.String(load_default="")
    role = fields.String(required=True, error_messages={"required": "Choose a role."})
    scope = fields.String(required=True, error_messages={"required": "Choose a scope."})
    project_ids = fields.List(fields.String(), load_default=list)
    read_per_minute = fields.Integer(required=True, error_messages=WHOLE)
    write_per_minute = fields.Integer(required=True, error_messages=WHOLE)
    allowed_cidrs = fields.List(fields.String(), load_default=list)
    expires_at = fields.Date(load_default=None, allow_none=True, error_messages={"invalid": "Give a date."})

    @pre_load
    def split(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """One range a line or between commas; an empty date is none; projects count only where the scope has them."""
        ranges = str(data.get("allowed_cidrs", "")).replace(",", "\n").split()
        projects = data.get("project_ids", []) if data.get("scope") == "project" else []
        return {**data, "allowed_cidrs": ranges, "project_ids": projects, "expires_at": data.get("expires_at") or None}

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What the command takes. A key expires when its last day (UTC) ends."""
        day: date | None = data.pop("expires_at")
        expires_at = datetime.combine(day, time(23, 59, 59), UTC) if day else None
        return {"wanted": NewKey(**data, expires_at=expires_at)}
