"""How paths are written in rules: `<id:id>` is an id where a word of its own may stand, too."""

from __future__ import annotations

import re
from collections.abc import Mapping

from werkzeug.routing import BaseConverter

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class IdConverter(BaseConverter):
    """Whatever has an underscore, as every id has. `/jobs/claim` is a path by itself, whatever the method."""

    regex = "[^/_]*_[^/]*"
    part_isolating = True


CONVERTERS: Mapping[str, type[BaseConverter]] = {"id": IdConverter}


def template_of(rule: str) -> str:
    """The rule as OpenAPI and the audit write it: `/jobs/{id}`."""
    return _PARAMETER.sub(r"{\1}", rule)
