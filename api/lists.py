"""Answering with a list: its grammar, its page and its form in one step, the same for every noun."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson
from sqlalchemy import Select

from domain.db import Row
from domain.documents import Document
from domain.list_spec import ListSpec
from domain.listing import fetch, parse
from domain.shape import shaped

from .answers import Answer, many
from .call import Call

Show = Callable[[Row], dict[str, Any]]


def answer_list(
    call: Call,
    spec: ListSpec,
    statement: Select[Any],
    show: Show,
    project_ids: Collection[str] | None = None,
    values: Mapping[str, Any] | None = None,
    document: Document | None = None,
) -> Answer:
    """The page of `statement` that the query asks for, each row as `show` gives it. For the rest see `fetch`.

    Args:
        document: what the database writes of a row, the same as `show` gives. Only of whole objects, so that `fields`
            and `expand` are done in one place.
    """
    query = parse(spec, call.query)
    page = fetch(call.session, query, statement, project_ids, values, document if query.shape.is_whole else None)
    if page.documents is not None:
        return many(call, orjson.Fragment(f"[{','.join(page.documents)}]"), page)
    return many(call, shaped(call.session, spec, query.shape, page.rows, show), page)
