"""JSON as people read it: indented, and coloured by spans made on the server, so nothing shifts on load."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup, escape

TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")(?P<colon>\s*:)?'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<word>true|false|null)"
)


def pretty_json(value: Any) -> str:
    """Two-space indented JSON of a value, or of JSON text; text that is not JSON is returned as it is."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def coloured_json(text: str) -> Markup:
    """The text with keys, strings, numbers and words in spans. Everything is escaped, whatever the text holds."""
    pieces: list[Markup] = []
    end = 0
    for match in TOKEN.finditer(text):
        pieces.append(escape(text[end : match.start()]))
        pieces.append(_token(match))
        end = match.end()
    pieces.append(escape(text[end:]))
    return Markup("").join(pieces)


def _token(match: re.Match[str]) -> Markup:
    if match["string"] and match["colon"]:
        return Markup('<span class="json-key">{}</span>{}').format(match["string"], match["colon"])
    kind = "string" if match["string"] else "number" if match["number"] else "word"
    return Markup('<span class="json-{}">{}</span>').format(kind, match[0])
