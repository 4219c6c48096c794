from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..db import Row, Session
from ..entities import Kind
from ..errors import FieldError


class RuleBook:
    def complete(self, project_id: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
        return dict(given), []

    def merged(
        self, project_id: str, now: Mapping[str, Any], patch: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[FieldError]]:
        return {k: v for k, v in {**now, **patch}.items() if v is not None}, []


def rules_for(session: Session, object: str, project_ids: Collection[str]) -> RuleBook:
    return RuleBook()


def write_values(
    session: Session, kind: Kind, rows: Sequence[Row], rules: RuleBook, keys: Collection[str] | None = None
) -> None:
    pass
