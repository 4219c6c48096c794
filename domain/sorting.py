"""What a list is sorted by: `sort=-created_at,name`, or `sort=-metadata.<key>`; the id breaks ties."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import cursors
from .errors import BadQuery
from .filters import quoted, type_word
from .keyset import Order
from .list_spec import ListSpec
from .metadata_filters import PREFIX


@dataclass(frozen=True, slots=True)
class MetadataSort:
    """A sort by metadata: rows with a value in its order, then those without; the id breaks ties in each."""

    key: str
    descending: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sort:
    """A parsed `sort`.

    Attributes:
        orders: what to sort by; nothing but the id when there is metadata, which comes first.
        signature: marks its cursors.
    """

    orders: tuple[Order, ...]
    signature: str
    metadata: MetadataSort | None = None

    def read_cursor(self, text: str) -> tuple[Any, ...]:
        """The values of a cursor; one of metadata, which comes first, stays as it came.

        Raises:
            BadQuery: it is no cursor of a list in this order.
        """
        leading = 0 if self.metadata is None else 1
        plain = cursors.decode(text, self.signature, leading + len(self.orders))
        words = [(type_word(order.column), order.nullable) for order in self.orders]
        return (*plain[:leading], *cursors.values(words, plain[leading:]))


@lru_cache(maxsize=1024)  # its orders are the same objects each time, which is what statements are remembered by
def read_sort(spec: ListSpec, sort: str) -> Sort:
    """Read a `sort`.

    Raises:
        BadQuery: an unknown or repeated name, or metadata beside other terms.
    """
    names: list[tuple[str, bool]] = []
    for text in sort.split(","):
        name = text.removeprefix("-")
        if name not in spec.sortable and not is_below(spec, name, PREFIX):
            allowed = quoted([*spec.sortable, *([f"{PREFIX}<key>"] if spec.entity else [])])
            raise BadQuery("sort", f"`sort` cannot use {name[:60]!r}; it may name {allowed}.")
        if any(name == each for each, _ in names):
            raise BadQuery("sort", f"`sort` names {name[:200]!r} twice.")
        names.append((name, text.startswith("-")))
    if all(name != "id" for name, _ in names):
        names.append(("id", names[0][1]))
    (first, descending), *others = names
    if any(name.startswith(PREFIX) for name, _ in others) or (first.startswith(PREFIX) and len(others) > 1):
        raise BadQuery("sort", "`sort` takes metadata as its first term, followed by nothing but `id`.")
    signature = cursors.signature_of(names)
    if first.startswith(PREFIX):
        by_id = Order("id", spec.id_column, others[0][1])
        return Sort((by_id,), signature, MetadataSort(first.removeprefix(PREFIX), descending))
    columns = {name: field.column for name, field in spec.fields.items()} | {"id": spec.id_column}
    return Sort(tuple(Order.by(name, columns[name], descending) for name, descending in names), signature)


def is_below(spec: ListSpec, name: str, *prefixes: str) -> bool:
    """Whether the list has such names, and this is one of them."""
    return spec.entity is not None and "\0" not in name and any(name.startswith(p) and name != p for p in prefixes)
