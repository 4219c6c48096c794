"""What every template may use: filters, and the macros of `templates/ui` as the global `ui`.

A block that is rendered alone does not see its template's imports, so the macros are globals of the environment.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined

from domain.clock import parse_rfc3339, rfc3339

from . import charts, formatting, highlight

FILTERS = {
    "changed": formatting.changed,
    "coloured_json": highlight.coloured_json,
    "counted": formatting.counted,
    "exact": formatting.exact,
    "initials": formatting.initials,
    "iso": rfc3339,
    "joined": formatting.joined,
    "moment": parse_rfc3339,
    "number": formatting.number,
    "percent_of": formatting.percent,
    "pretty_json": highlight.pretty_json,
    "relative": formatting.relative,
    "sentence": formatting.sentence,
    "shares": charts.shares,
    "short_id": formatting.short_id,
    "size": formatting.size,
    "spans": charts.spans,
    "spark_points": charts.spark_points,
    "subject": formatting.subject,
    "tone": formatting.tone,
    "words": formatting.words,
}


def register(env: Environment) -> None:
    """Add the filters and the `ui` macros. Globals that the macros call, such as `csrf_field`, must be there before."""
    env.undefined = StrictUndefined
    env.trim_blocks = env.lstrip_blocks = True
    env.filters.update(FILTERS)
    env.globals["ui"] = Macros(env)


class Macros:
    """Every macro of `templates/ui`, by name. Macros call one another through it too.

    They are compiled when the first page asks for one: most commands and some web processes show none.
    """

    def __init__(self, env: Environment) -> None:
        self._env = env

    def __getattr__(self, name: str) -> Any:
        for template in self._env.list_templates(filter_func=lambda path: path.startswith("ui/")):
            macros = vars(self._env.get_template(template).module)
            vars(self).update({key: value for key, value in macros.items() if not key.startswith("_")})
        if name not in vars(self):
            raise AttributeError(name)
        return vars(self)[name]
