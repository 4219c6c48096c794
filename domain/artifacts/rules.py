"""What an artifact may be called, and which types of file are taken."""

from __future__ import annotations

import re

from ..errors import Invalid

LONGEST_NAME = 120
FILE_NAME_PATTERN = rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}"
LONGEST_MEDIA_TYPE = 100
MOST_OF_A_JOB = 500
DEFAULT_MEDIA_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"(image|video|audio|model|font|text|application)/[a-z0-9][a-z0-9.+_-]*")
# A browser would run them as a page of ours.
_ACTIVE = re.compile(r".*(html|xml|svg|script|wasm|flash|x-msdownload).*")
# What pages show: formats that browsers only draw.
SHOWN = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})
PLAYED = frozenset({"video/mp4", "video/webm"})
TAKEN = "an image, video, audio, model, font, text or application type, such as image/png, and none that a browser runs"


def check_name(name: str) -> None:
    """Refuse a name that is none for a file.

    Raises:
        Invalid: says what a name may be.
    """
    if not re.fullmatch(FILE_NAME_PATTERN, name):
        message = f"Name it with 1 to {LONGEST_NAME} letters, digits, `.`, `_` and `-`, the first no `.` or `-`."
        raise Invalid.field("name", "invalid", message)


def media_type_of(header: str) -> str | None:
    """The type that a `Content-Type` names, without its parameters; None for one that is not taken."""
    named = header.partition(";")[0].strip().lower() or DEFAULT_MEDIA_TYPE
    taken = len(named) <= LONGEST_MEDIA_TYPE and _MEDIA_TYPE.fullmatch(named) and not _ACTIVE.fullmatch(named)
    return named if taken else None
