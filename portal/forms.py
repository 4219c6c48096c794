"""Forms: a marshmallow schema reads the shape, a command enforces the rules, and both name the fields at fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from domain.errors import DomainError, Invalid

from .formatting import plain

MOST_SENTENCES = 5  # at one field
_DIGITS = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


class FormSchema(Schema):
    """A form's shape. What it does not name, such as the CSRF field, is left alone."""

    class Meta:
        unknown = EXCLUDE


class WholeNumber(fields.Integer):
    """A whole number in plain digits; marshmallow's own takes what Python's `int` does, such as `1_000`."""

    default_error_messages = dict.fromkeys(("invalid", "required"), "Give a whole number, such as 20.")

    def _deserialize(self, value: Any, *arguments: Any, **options: Any) -> int:
        if not _DIGITS.fullmatch(str(value).strip()):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *arguments, **options)


@dataclass(slots=True)
class Form:
    """A form as it was filled in.

    Attributes:
        values: what was typed, by field, for showing it again.
        errors: what is wrong, by field; "" for the form as a whole.
        data: the parsed values, empty while there are errors of shape.
    """

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def refuse(self, error: DomainError) -> None:
        """Take over the mistakes that a command found: `/allowed_cidrs/1` belongs to the field `allowed_cidrs`."""
        found: dict[str, list[str]] = {}
        if not isinstance(error, Invalid):
            self.errors[""] = plain(str(error))
            return
        for mistake in error.errors:
            found.setdefault(mistake.field.lstrip("/").partition("/")[0], []).append(plain(mistake.message))
        for name, sentences in found.items():
            told = list(dict.fromkeys(sentences))
            more = [f"And {len(told) - MOST_SENTENCES} more."] if len(told) > MOST_SENTENCES else []
            self.errors.setdefault(name, " ".join([*told[:MOST_SENTENCES], *more]))


def read_form(schema: FormSchema, several: tuple[str, ...] = ()) -> Form:
    """The posted form. `several` names the fields that may come more than once."""
    values: dict[str, Any] = {
        name: request.form.getlist(name) if name in several else value
        for name, value in request.form.items()
        if name in schema.fields
    }
    values |= {name: request.form.getlist(name) for name in several}
    try:
        return Form(values, data=schema.load(values))
    except ValidationError as error:
        return Form(values, errors=_first_of_each(error.messages_dict))


def _first_of_each(messages: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: str(found[0] if isinstance(found, list) else next(iter(found.values()))[0])
        for name, found in messages.items()
    }
