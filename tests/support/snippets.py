"""The code blocks of a page of the documentation, as it prints them."""

from __future__ import annotations

import re

from config import ROOT

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of every block of `docs/<page>`, in order."""
    return _BLOCK.findall((ROOT / "docs" / page).read_text())


def program(page: str, language: str) -> str:
    """Every block in this language, as one program."""
    return "\n".join(text for word, text in blocks(page) if word == language)


def only(page: str, language: str) -> str:
    """The one block in this language."""
    (text,) = (text for word, text in blocks(page) if word == language)
    return text
