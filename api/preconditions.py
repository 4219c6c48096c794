"""`If-Match` and `If-None-Match` on writes (RFC 9110, section 13): which versions the caller says it has read."""

from __future__ import annotations

import re

from werkzeug.http import parse_etags

from domain.entity_commands import Expected

from .call import Call

_ETAG = re.compile(r"([a-z]+_[0-9a-z]{26})-(\d{1,9})(?:-[0-9a-f]+)?")


class _Every:
    """`*`: there must be one, whatever its version."""

    def __contains__(self, tag: object) -> bool:
        return True


def expected_versions(call: Call) -> Expected:
    """The objects and versions that `If-Match` names; None without the header."""
    return named_versions(call.header("If-Match"))


def named_versions(given: str | None) -> Expected:
    """The objects and versions that the tags of a header name; None without the header."""
    if given is None:
        return None
    tags = parse_etags(given)
    if tags.star_tag:
        return _Every()
    found = [_ETAG.fullmatch(tag) for tag in tags.as_set() if tag]
    return frozenset((match[1], int(match[2])) for match in found if match)


def only_new(call: Call) -> bool:
    """Whether the caller wants nothing to be changed that is there already: `If-None-Match: *`."""
    return parse_etags(call.header("If-None-Match")).star_tag
