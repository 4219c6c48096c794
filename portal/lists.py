"""Lists as pages show them: the query language of `domain.listing`, behind a filter bar and a pager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from sqlalchemy import Select

from domain import listing
from domain.db import Row, Session
from domain.errors import BadQuery


class ListPage:
    """One page of a list, with the addresses of the first and the next.

    Args:
        filters: by the name used in the page's address, the query parameter of `domain.listing` that it stands for.
        sort: instead of the list's own.
    """

    def __init__(
        self,
        session: Session,
        spec: listing.ListSpec,
        statement: Select[Any],
        filters: Mapping[str, str],
        sort: str | None = None,
    ) -> None:
        self.chosen = {name: request.args.get(name, "").strip() for name in filters}
        order = [("sort", sort)] if sort else []
        given = [(filters[name], value) for name, value in self.chosen.items() if value]
        cursor = request.args.get("cursor", "")
        parameters = [*order, *given, *([("cursor", cursor)] if cursor else [])]
        try:
            page = listing.fetch(session, listing.parse(spec, parameters), statement)
        except BadQuery:
            # An address kept from another time: show the list rather than a lesson in its grammar.
            self.chosen, cursor, given = dict.fromkeys(filters, ""), "", []
            page = listing.fetch(session, listing.parse(spec, order), statement)
        self.rows: list[Row] = list(page.rows)
        self.filtered = bool(given)
        self.first_href = self._href() if cursor else None
        self.next_href = self._href(cursor=page.next) if page.next else None

    def _href(self, **more: str) -> str:
        kept = {name: value for name, value in self.chosen.items() if value}
        values: dict[str, Any] = {**(request.view_args or {}), **kept, **more}
        return url_for(request.endpoint or "", **values)
