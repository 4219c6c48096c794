"""Conditions of one call, put on a statement so that it serves every call whose conditions differ in values alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam
from sqlalchemy.sql import visitors


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a call asks of the rows.

    Attributes:
        key: the same for conditions of the same form.
        values: those that a statement of `applied` is executed with.
    """

    conditions: Sequence[ColumnElement[bool]]
    key: Hashable
    values: Mapping[str, Any]
    _names: Mapping[int, str]

    @classmethod
    def of(cls, conditions: Sequence[ColumnElement[bool]]) -> Narrowing | None:
        """These conditions; None when their form cannot be told from their values."""
        # By the same key SQLAlchemy itself remembers what it has compiled.
        keys = [condition._generate_cache_key() for condition in conditions]
        found = [key for key in keys if key is not None]
        binds = [bind for key in found for bind in key.bindparams]
        if len(found) < len(keys) or any(bind.expanding for bind in binds):
            return None
        named = list(enumerate(binds))
        values = {f"given_{number}": bind.value for number, bind in named}
        return cls(conditions, tuple(key.key for key in found), values, {id(b): f"given_{n}" for n, b in named})

    def applied(self, statement: Select[Any]) -> Select[Any]:
        """The statement under conditions of this form."""
        if not self.conditions:
            return statement

        def open_(element: Any, **_options: Any) -> Any:
            name = self._names.get(id(element)) if isinstance(element, BindParameter) else None
            return None if name is None else bindparam(name, type_=element.type)

        return statement.where(*(visitors.replacement_traverse(each, {}, open_) for each in self.conditions))
