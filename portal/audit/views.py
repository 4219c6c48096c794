"""The audit trail: who did what, when, from where, with what result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response as FlaskResponse
from flask import current_app, request, url_for
from werkzeug.wrappers import Response

from domain import listing
from domain.access import Permission
from domain.audit.export import FORMATS, PAGES_ALONE, read_export
from domain.audit.queries import AUDIT, known_values, load_entry, names_of, trail
from domain.db import Session
from domain.errors import BadQuery

from ..blueprint import PortalBlueprint
from ..context import actor, note_alone, services
from ..formatting import plain, short_id
from ..htmx import render, wants_fragment
from . import filters

blueprint = PortalBlueprint("audit", __name__, permission=Permission.READ_AUDIT, url_prefix="/audit")

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Result:
    """One page of the trail.

    Attributes:
        names: of the keys and users in it, by id.
        problem: what is wrong with the query, when there are no rows because of it.
    """

    page: listing.Page
    names: dict[str, str]
    problem: BadQuery | None = None


@blueprint.get("")
def list_entries() -> Response:
    """The trail, newest first, narrowed by the filter bar."""
    pairs, now = filters.given(request.args.items(multi=True)), services().clock()
    fields = filters.field_values(pairs)
    with services().database.reading() as reading:
        result = _find(reading, pairs)
        # A fragment leaves the filter bar as it is.
        choices = {} if wants_fragment() else _choices(reading, fields)
    response = render(
        "portal/audit/list.html",
        "list",
        http_status=400 if result.problem else 200,
        result=result,
        problem=plain(str(result.problem)),
        pairs=pairs,
        fields=fields,
        extras=[(name, value) for name, value in pairs if name not in (*filters.FIELDS, *listing.PAGING)],
        spans=[(name, label, _href(query)) for name, label, query in filters.spans(pairs, now)],
        span=filters.current_span(pairs, now),
        next_href=_href({**dict(pairs), "cursor": result.page.next}) if result.page.next else None,
        first_href=_href(_without(pairs, "cursor")) if dict(pairs).get("cursor") else None,
        exports=[(format_, _href({**dict(_narrowing(pairs)), "format": format_}, "export")) for format_ in FORMATS],
        **choices,
    )
    if not result.problem:
        note_alone("audit.read", {"query": dict(pairs)})
    if wants_fragment():
        response.headers["HX-Push-Url"] = _href(dict(pairs))  # the bar sends its empty fields too
    return response


@blueprint.get("/export")
def export() -> Response:
    """All that the filters leave, as a file."""
    pairs = filters.given(request.args.items(multi=True))
    chosen, format_ = _narrowing(pairs), dict(pairs).get("format", "")
    wanted = read_export(filters.conditions(chosen), format_, services().clock())
    with services().database.reading() as reading:
        body = wanted.or_broken(wanted.written(reading, services().database))
    note_alone("audit.export", {"format": format_, "query": dict(chosen)})
    return FlaskResponse(body, headers=wanted.headers, content_type=wanted.content_type)


@blueprint.get("/<entry_id>")
def show(entry_id: str) -> Response:
    """One entry, whole."""
    with services().database.reading() as reading:
        entry = load_entry(reading, actor(), entry_id)
        names = names_of(reading, [entry])
    note_alone("audit.read", {"id": entry_id})
    return render("portal/audit/show.html", entry=entry, names=names)


def _find(reading: Session, pairs: filters.Pairs) -> Result:
    try:
        conditions = filters.conditions(pairs)
        query = listing.parse(AUDIT, conditions)
    except BadQuery as error:
        return Result(listing.Page([], None, 0), {}, error)
    page = listing.fetch(reading, query, trail(conditions))
    return Result(page, names_of(reading, page.rows))


def _choices(reading: Session, fields: Mapping[str, str]) -> dict[str, Any]:
    rules = {rule.rule for rule in current_app.url_map.iter_rules() if rule.rule.startswith(f"{API}/")}
    routes = sorted(rule.replace("<", "{").replace(">", "}") for rule in rules)
    known = known_values(reading)
    choices = {
        "key_id": _told_apart(known["key_id"]),
        "user_id": _told_apart(known["user_id"]),
        "route": [(route, route.removeprefix(API)) for route in routes],
        "action": known["action"],
        "method": [(method, method) for method in filters.METHODS],
        filters.STATUS: [*filters.CLASSES, *filters.CODES],
        "source": filters.DOORS,
    }
    return {"choices": {name: _with(options, fields[name]) for name, options in choices.items()}}


def _told_apart(named: filters.Pairs) -> filters.Pairs:
    """The names, each that is there more than once with its id."""
    times = Counter(name for _, name in named)
    return [(id_, f"{name} ({short_id(id_)})" if times[name] > 1 else name) for id_, name in named]


def _with(options: Sequence[tuple[str, str]], value: str) -> filters.Pairs:
    """The options, and the value that the address brings if it is none of them, so that the bar says what holds."""
    known = not value or any(value == option for option, _ in options)
    return [*options] if known else [*options, (value, value)]


def _href(query: Mapping[str, str], view: str = "list_entries") -> str:
    """The trail's address. Names come from the caller, so they are no keyword arguments of `url_for`."""
    path = url_for(f"portal.audit.{view}")
    return f"{path}?{urlencode(query, safe='/:', quote_via=quote)}" if query else path


def _narrowing(pairs: filters.Pairs) -> filters.Pairs:
    """The query without what is about pages, or about a file."""
    return [(name, value) for name, value in pairs if name not in ("format", *PAGES_ALONE)]


def _without(pairs: filters.Pairs, name: str) -> dict[str, str]:
    return {key: value for key, value in pairs if key != name}
