"""Loading many in one statement: what one level of a query asks for is gathered, then found together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from graphql import GraphQLResolveInfo

from domain.db import Session
from domain.list_query import ListQuery
from domain.listing import Page
from domain.listing_each import Each
from domain.resources import RESOURCES

from ..call import Call
from .weight import Weight

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Find = Callable[[Collection[K]], Mapping[K, V]]
# An object and the project that it is in.
Parent = tuple[str, str]
NO_PAGE = Page((), None, 0)


class Loader(Generic[K, V]):
    """Finds together what is asked for before the running event loop comes round again."""

    def __init__(self, find: Find[K, V]) -> None:
        self._find = find
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._waiting: list[K] = []

    def load(self, key: K) -> asyncio.Future[V | None]:
        """What `find` gives for the key; None when it gives nothing. A key is looked for once."""
        future = self._asked.get(key)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._asked[key] = loop.create_future()
            if not self._waiting:
                # A turn later: what else this level asks for is asked in this one and the next.
                loop.call_soon(loop.call_soon, self._dispatch)
            self._waiting.append(key)
        return future

    def _dispatch(self) -> None:
        keys, self._waiting = self._waiting, []
        try:
            found = self._find(keys)
        except Exception as error:
            for key in keys:
                self._asked[key].set_exception(error)
            return
        for key in keys:
            self._asked[key].set_result(found.get(key))


@dataclass(slots=True)
class Loaders:
    """The loaders of one call, each made when first needed."""

    call: Call
    weight: Weight = field(default_factory=Weight)
    _known: dict[Hashable, Loader[Any, Any]] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """The call's."""
        return self.call.session

    def forget(self) -> None:
        """Something has changed: what was loaded is no longer so."""
        self._known.clear()

    def reference(self, noun: str, entity_id: str) -> asyncio.Future[dict[str, Any] | None]:
        """An object as the API shows it. Whoever sees what names it sees it too."""
        resource = RESOURCES[noun]

        def find(ids: Collection[str]) -> dict[str, dict[str, Any]]:
            return {each: resource.show(row) for each, row in resource.find(self.session, ids).items()}

        return self._of(("reference", noun), find).load(entity_id)

    def page(self, each: Each, asked: Hashable, query: ListQuery, parent: Parent) -> asyncio.Future[Page | None]:
        """The page of a parent's list. `asked`: the same for the same query."""
        read = _by_parent(self.session, each.fetch, query)

        def find(parents: Collection[Parent]) -> Mapping[Parent, Page]:
            if self.weight.is_too_much:
                return dict.fromkeys(parents, NO_PAGE)
            found = read(parents)
            self.weight.add_rows(row for page in found.values() for row in page.rows)
            return found

        return self._of((each, "page", asked), find).load(parent)

    def count(self, each: Each, asked: Hashable, query: ListQuery, parent: Parent) -> asyncio.Future[int | None]:
        """How many rows the list has on all pages."""
        return self._of((each, "count", asked), _by_parent(self.session, each.count, query)).load(parent)

    def _of(self, name: Hashable, find: Find[K, V]) -> Loader[K, V]:
        if name not in self._known:
            self._known[name] = Loader(find)
        return self._known[name]


# What a resolver is told of its field.
Info = GraphQLResolveInfo[Loaders]


def _by_parent(session: Session, read: Callable[..., Mapping[str, V]], query: ListQuery) -> Find[Parent, V]:
    def find(parents: Collection[Parent]) -> dict[Parent, V]:
        found = read(session, query, [parent_id for parent_id, _ in parents], {project for _, project in parents})
        return {parent: found[parent[0]] for parent in parents}

    return find
