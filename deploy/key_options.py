"""The options of `flask keys create` and `change`: declared once, and read into fields of a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import click

from domain.access import Role, Scope
from domain.api_keys.rules import ALLOWLIST_MODES, ENFORCE, FIELDS, READ_PER_MINUTE, WRITE_PER_MINUTE
from domain.clock import parse_rfc3339
from domain.errors import Invalid

Command = TypeVar("Command", bound=Callable[..., Any])
_Option = tuple[tuple[str, ...], dict[str, Any]]

_FIELDS: tuple[_Option, ...] = (
    (("--name",), {"required": True}),
    (("--role",), {"type": click.Choice([role.value for role in Role]), "required": True}),
    (("--scope",), {"type": click.Choice([scope.value for scope in Scope]), "required": True}),
    (("--project", "project_ids"), {"multiple": True, "help": "Project id, for the scope `project`."}),
    (("--description",), {"default": ""}),
    (("--tag", "tags"), {"multiple": True, "help": "A word to find it by."}),
    (("--read-per-minute",), {"type": int, "default": READ_PER_MINUTE, "show_default": True}),
    (("--write-per-minute",), {"type": int, "default": WRITE_PER_MINUTE, "show_default": True}),
    (("--allow-cidr", "allowed_cidrs"), {"multiple": True, "help": "Address range it may be used from."}),
    (("--allowlist-mode",), {
        "type": click.Choice(ALLOWLIST_MODES), "default": ENFORCE, "show_default": True,
        "help": "`dry_run` lets others in, and the portal shows who they are.",
    }),
    (("--expires-at",), {"help": "RFC 3339 time, or `never`."}),
)  # fmt: skip
# By field, the option that empties it. An empty value is no way to say so: it is also what an unset variable of a
# script gives, and a key without ranges works from anywhere.
_EMPTYING = {
    "tags": ("--no-tag", "Take all its tags away."),
    "allowed_cidrs": ("--no-allow-cidr", "Take all its ranges away: it may be used from anywhere."),
}


def of_new_key(command: Command) -> Command:
    """Add the options of a key that is made; what is absent has its default."""
    return _added(command, _FIELDS)


def of_change(command: Command) -> Command:
    """Add those of a key that is changed, all optional, and those that empty its lists; see `read_change`."""
    flags = (((flag, f"no_{field}"), {"is_flag": True, "help": said}) for field, (flag, said) in _EMPTYING.items())
    return _added(command, (*map(_optional, _FIELDS), *flags))


def read_change(options: dict[str, Any]) -> dict[str, Any]:
    """The fields that were given, and no others.

    Raises:
        click.UsageError: values for a list that shall be empty.
        Invalid: an expiry that is none.
    """
    values = {field: options[field] for field in FIELDS}
    given = {field: value for field, value in values.items() if value is not None and value != ()}
    for field, (flag, _) in _EMPTYING.items():
        if options[f"no_{field}"]:
            if field in given:
                raise click.UsageError(f"Give {flag.replace('no-', '')} or {flag}, not both.")
            given[field] = ()
    if "expires_at" in given:
        given["expires_at"] = read_expiry(given["expires_at"])
    return given


def read_expiry(text: str) -> datetime | None:
    """The moment, or None for `never`.

    Raises:
        Invalid: neither.
    """
    if text == "never":
        return None
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        message = "Give the expiry as a time such as 2027-01-01T00:00:00Z, or `never`."
        raise Invalid.field("expires_at", "invalid", message) from None


def _added(command: Command, options: Iterable[_Option]) -> Command:
    for names, attributes in reversed(tuple(options)):  # as decorators are: the last is the first to be applied
        command = click.option(*names, **attributes)(command)
    return command


def _optional(option: _Option) -> _Option:
    names, attributes = option
    kept = {name: value for name, value in attributes.items() if name not in ("required", "default", "show_default")}
    if "multiple" in kept:
        kept["help"] += " May be repeated; those given replace all that it has."
    return names, kept
