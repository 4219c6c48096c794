"""What an API key may be: its fields, their bounds, and that nobody gives a key more than they hold. Writes nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ..access import BY_ROLE, BY_SCOPE, Actor, Permission, Role, Scope
from ..clock import to_milliseconds
from ..db import Session
from ..errors import FieldError, Forbidden, Invalid
from ..projects.queries import check_projects

READ_PER_MINUTE, WRITE_PER_MINUTE = 100, 20
HIGHEST_LIMIT = 1_000_000
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_REASON = 200, 2000, 500
MOST_CIDRS, LONGEST_CIDR = 100, 60
ENFORCE, DRY_RUN = "enforce", "dry_run"
ALLOWLIST_MODES = (ENFORCE, DRY_RUN)
MOST_TAGS, LONGEST_TAG = 20, 50
# No comma, which separates values of a filter, and no space, which separates tags in a form.
TAG_PATTERN = r"[^\u0000-\u0020\u007f,]+"
MOST_SECRETS, MOST_IN_FORCE = 20, 10  # of one key: kept in all, and working at one time
LONGEST_GRACE = 30 * 24 * 3600  # seconds
GRACE = 24 * 3600
_TAG = re.compile(TAG_PATTERN)
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class NewKey:
    """What an admin asks for. `expires_at` None means never."""

    name: str
    role: str
    scope: str
    description: str = ""
    project_ids: Sequence[str] = ()
    read_per_minute: int = READ_PER_MINUTE
    write_per_minute: int = WRITE_PER_MINUTE
    allowed_cidrs: Sequence[str] = ()
    allowlist_mode: str = ENFORCE
    tags: Sequence[str] = ()
    expires_at: datetime | None = None


FIELDS = tuple(NewKey.__dataclass_fields__)


def settled(session: Session, wanted: NewKey, now: datetime, fresh: Iterable[str] = FIELDS) -> dict[str, Any]:
    """The fields as they are kept: trimmed, ranges in their canonical form, everything once.

    Args:
        fresh: the fields that are new or change; an expiry that stays may have passed.

    Raises:
        Invalid: fields that break a rule.
    """
    errors = _check_words(wanted) + _check_limits(wanted)
    if "expires_at" in fresh and wanted.expires_at is not None and wanted.expires_at <= now:
        errors.append(FieldError("/expires_at", "past", "The expiry must lie in the future."))
    ends = wanted.expires_at
    if "expires_at" in fresh and ends is not None:
        ends = to_milliseconds(ends)
    errors += _check_projects(session, wanted)
    ranges, mistakes = _read_cidrs(wanted.allowed_cidrs)
    errors += mistakes + _check_tags(wanted.tags)
    if errors:
        raise Invalid(*errors)
    return asdict(wanted) | {
        "name": wanted.name.strip(),
        "expires_at": ends,
        "project_ids": sorted(set(wanted.project_ids)),
        "allowed_cidrs": list(dict.fromkeys(map(str, ranges))),
        "tags": list(dict.fromkeys(wanted.tags)),
    }


def refuse_more_than_held(actor: Actor, key: Mapping[str, Any]) -> None:
    """Nobody makes a key, or comes by the text of one, that may do more than they may, or from more places.

    Limits and expiry are an admin's to allot: they are no rights.

    Args:
        key: its `role`, `scope`, `project_ids`, `allowed_cidrs` and `allowlist_mode`.

    Raises:
        Forbidden: it would.
    """
    held = {permission for permission in Permission if actor.may(permission)}
    asked = BY_ROLE[Role(key["role"])] & BY_SCOPE[Scope(key["scope"])]
    if not asked <= held or not _sees_all(actor, key):
        raise Forbidden("A key cannot be given more than its maker holds.")
    bound_to = key["allowed_cidrs"] if key["allowlist_mode"] == ENFORCE else ()
    if actor.allowed_cidrs and not is_within(bound_to, actor.allowed_cidrs):
        ranges = ", ".join(actor.allowed_cidrs)
        raise Forbidden(f"A key cannot be used from more places than its maker: list ranges within {ranges}.")


def check_reason(reason: str) -> None:
    """Raise `Invalid` when a reason is too long."""
    if len(reason) > LONGEST_REASON or "\0" in reason:
        raise Invalid.field("reason", "length", f"Keep the reason to {LONGEST_REASON:,} characters.")


def check_grace(seconds: int, longest: int = LONGEST_GRACE) -> None:
    """Raise `Invalid` when a rotation's grace is out of range."""
    if not 0 <= seconds <= longest:
        message = f"The grace must be from 0 to {longest:,} seconds ({longest // 86_400} days)."
        raise Invalid.field("grace_seconds", "range", message)


def _sees_all(actor: Actor, key: Mapping[str, Any]) -> bool:
    if actor.project_ids is None:
        return True
    return key["scope"] == Scope.PROJECT and set(key["project_ids"]) <= actor.project_ids


def is_within(inner: Sequence[str], outer: Sequence[str]) -> bool:
    """Whether every address of `inner`, of which none means any, is in `outer`."""
    around = [ipaddress.ip_network(cidr) for cidr in outer]
    return bool(inner) and all(_is_below(ipaddress.ip_network(cidr), around) for cidr in inner)


def _is_below(network: _Network, around: Iterable[_Network]) -> bool:
    # Of one version, which the type checker cannot know.
    return any(network.version == other.version and network.subnet_of(other) for other in around)  # type: ignore[arg-type]


def _check_words(wanted: NewKey) -> list[FieldError]:
    errors = []
    if not 1 <= len(wanted.name.strip()) <= LONGEST_NAME or "\0" in wanted.name:
        errors.append(FieldError("/name", "length", f"Give a name of 1 to {LONGEST_NAME} characters."))
    if len(wanted.description) > LONGEST_DESCRIPTION or "\0" in wanted.description:
        message = f"Keep the description to {LONGEST_DESCRIPTION:,} characters."
        errors.append(FieldError("/description", "length", message))
    if wanted.role not in list(Role):
        errors.append(FieldError("/role", "unknown", f"The role must be one of {', '.join(Role)}."))
    if wanted.scope not in list(Scope):
        errors.append(FieldError("/scope", "unknown", f"The scope must be one of {', '.join(Scope)}."))
    if wanted.allowlist_mode not in ALLOWLIST_MODES:
        message = f"The mode of the allowlist must be one of {', '.join(ALLOWLIST_MODES)}."
        errors.append(FieldError("/allowlist_mode", "unknown", message))
    return errors


def _check_limits(wanted: NewKey) -> list[FieldError]:
    message = f"The limit must be from 1 to {HIGHEST_LIMIT:,} calls a minute."
    limits = {"read_per_minute": wanted.read_per_minute, "write_per_minute": wanted.write_per_minute}
    return [
        FieldError(f"/{name}", "range", message) for name, value in limits.items() if not 1 <= value <= HIGHEST_LIMIT
    ]


def _check_projects(session: Session, wanted: NewKey) -> list[FieldError]:
    if wanted.scope != Scope.PROJECT:
        if wanted.project_ids:
            return [FieldError("/project_ids", "unexpected", "Projects are listed only with the scope `project`.")]
        return []
    if not wanted.project_ids:
        return [FieldError("/project_ids", "required", "List at least one project for the scope `project`.")]
    return check_projects(session, wanted.project_ids)


def _check_tags(tags: Sequence[str]) -> list[FieldError]:
    if len(tags) > MOST_TAGS:
        return [FieldError("/tags", "length", f"Give at most {MOST_TAGS} tags.")]
    message = f"A tag is 1 to {LONGEST_TAG} characters without spaces and commas."
    return [
        FieldError(f"/tags/{index}", "invalid", message)
        for index, tag in enumerate(tags)
        if len(tag) > LONGEST_TAG or not _TAG.fullmatch(tag)
    ]


def _read_cidrs(cidrs: Sequence[str]) -> tuple[list[_Network], list[FieldError]]:
    if len(cidrs) > MOST_CIDRS:
        return [], [FieldError("/allowed_cidrs", "length", f"List at most {MOST_CIDRS} ranges.")]
    ranges, errors = [], []
    for index, cidr in enumerate(cidrs):
        try:
            ranges.append(_network(cidr.strip()))
        except ValueError as error:
            errors.append(FieldError(f"/allowed_cidrs/{index}", "invalid", f"{cidr[:LONGEST_CIDR]!r} {error}"))
    return ranges, errors


def _network(cidr: str) -> _Network:
    """The range.

    Raises:
        ValueError: how it is none, as the end of a sentence.
    """
    wrong = "is not an address or CIDR range such as 10.0.0.0/8 or 2001:db8::/32."
    prefix = cidr.partition("/")[2]
    if "%" in cidr or (prefix and not (prefix.isascii() and prefix.isdigit())) or cidr.endswith("/"):
        raise ValueError(wrong)
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise ValueError(wrong) from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(ipaddress.IPv6Network("::ffff:0:0/96")):
        raise ValueError("is IPv4 inside IPv6: write it as IPv4.")
    if "/" in cidr and network.network_address != ipaddress.ip_address(cidr.partition("/")[0]):
        raise ValueError(f"has bits set behind its prefix: write {network}, or the address alone.")
    return network
