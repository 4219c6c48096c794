"""Answering with a page, or with the one block of it that htmx asked for."""

from __future__ import annotations

from typing import Any, cast

from flask import current_app, make_response, render_template, request, url_for
from flask_login import current_user
from htmx_flask.requests import HtmxHeaders
from werkzeug.wrappers import Response

from .context import actor
from .navigation import menu_for

THEME_COOKIE = "callsheet_theme"
THEMES = ("light", "dark")


def headers() -> HtmxHeaders:
    """What htmx says of this request."""
    return cast(HtmxHeaders, request.htmx)  # type: ignore[attr-defined]


def wants_fragment() -> bool:
    """Whether a part of the page is enough: htmx swaps a target, and is not restoring or boosting a whole page."""
    asked = headers()
    whole = asked.boosted or asked.history_restore_request or request.headers.get("HX-Request-Type") == "full"
    return bool(asked) and not whole


def render(template: str, block: str | None = None, /, http_status: int = 200, **context: Any) -> Response:
    """The page, or only its named block where htmx asked for a fragment.

    Args:
        template: its name.
        block: the block that the fragment is; None when the page has none.
    """
    context = {**frame(), **context}
    if block is not None and wants_fragment():
        body = _render_block(template, block, context)
    else:
        body = render_template(template, **context)
    response = make_response(body, http_status)
    response.vary.add("HX-Request")
    return response


def link(endpoint: str, **values: Any) -> str | None:
    """The page's address, or None while there is no such page: for links from one slice to another."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def frame() -> dict[str, Any]:
    """What the layouts need besides the page's own context."""
    theme = request.cookies.get(THEME_COOKIE)
    context: dict[str, Any] = {"theme": theme if theme in THEMES else None, "docs_url": "/api/v1/docs"}
    if current_user.is_authenticated:
        known = set(current_app.view_functions)
        context |= {"viewer": actor(), "menu": menu_for(actor(), known)}
    return context


def _render_block(name: str, block: str, context: dict[str, Any]) -> str:
    template = current_app.jinja_env.get_template(name)
    current_app.update_template_context(context)
    return "".join(template.blocks[block](template.new_context(context)))
