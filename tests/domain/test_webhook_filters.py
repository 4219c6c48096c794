"""A webhook's filter: what may be asked, and that the database answers as a plain evaluation in Python does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from domain.access import SYSTEM
from domain.db import Database
from domain.deliveries.models import webhook_deliveries
from domain.errors import Invalid
from domain.events.commands import LARGEST_BODY, Context, Happening, record_events
from domain.webhooks.filters import DEEPEST_PATH, MOST_CONDITIONS, read_filter
from domain.webhooks.models import webhook_filters, webhooks
from tests.factories import make_event, make_webhook
from tests.support.clock import NOON
from tests.support.queries import recorded
from tests.support.schemas import any_event

Filter = Mapping[str, Any]


def heard(
    database: Database, filters: Sequence[Filter | None], data: dict[str, Any], changes: dict[str, Any] | None = None
) -> list[bool]:
    """Which of these filters let an event with this data through."""
    hooks = [make_webhook(database, filter=one).id for one in filters]
    whole = {"object": "character", "id": "chr_1", **data}
    with any_event(), database.transaction() as session:
        (event_id,) = record_events(session, Context(SYSTEM, NOON), [Happening("asset.approved", None, whole, changes)])
    with database.transaction() as session:
        table = webhook_deliveries
        found = set(session.execute(select(table.c.webhook_id).where(table.c.event_id == event_id)).scalars())
        session.execute(delete(webhooks))
    return [hook in found for hook in hooks]


def test_it_works(database: Database) -> None:
    data = {"status": "approved", "position": 12, "metadata": {"costume": "Oilskin"}, "scene_id": None}
    cases: list[tuple[Filter | None, bool]] = [
        (None, True),
        ({"data.status": "approved"}, True),
        ({"data.status": "rejected"}, False),
        ({"data.status[in]": ["rejected", "approved"]}, True),
        ({"data.position[gte]": 12, "data.position[lt]": 20}, True),
        ({"data.position[gte]": 10, "data.status[ne]": "approved"}, False),
        ({"data.metadata.costume[contains]": "oil"}, True),
        ({"data.scene_id[isnull]": True, "data.nothing[isnull]": True}, True),
        ({"data.status[isnull]": True}, False),
        ({"changes.status.to": "approved"}, True),
        ({"changes.status.from": "draft"}, False),
    ]
    changes = {"status": {"from": "in_review", "to": "approved"}}
    assert heard(database, [one for one, _ in cases], data, changes) == [passes for _, passes in cases]


def place(body: Any, path: str) -> tuple[bool, Any]:
    """Whether there is something at the path, and what."""
    for step in path.split("."):
        if not isinstance(body, dict) or step not in body:
            return False, None
        body = body[step]
    return True, body


def kind(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "null")


def same(value: Any, other: Any) -> bool:
    if kind(value) != kind(other):
        return False
    return float(value) == float(other) if kind(value) == "number" else bool(value == other)


def lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def passes(wanted: Filter, body: Any) -> bool:
    """What the documentation says, in Python."""
    return all(holds(name, value, body) for name, value in wanted.items())


def holds(name: str, value: Any, body: Any) -> bool:
    path, _, rest = name.partition("[")
    op = rest.removesuffix("]") or "eq"
    _, found = place(body, path)
    if op == "isnull":
        return (found is None) is value
    if op in ("eq", "ne", "in"):
        listed = any(same(found, one) for one in (value if op == "in" else [value]))
        return listed != (op == "ne")
    if op == "contains":
        return isinstance(found, str) and lower(value) in lower(found)
    if kind(found) != kind(value) or kind(value) not in ("number", "string"):
        return False
    left, right = (float(found), float(value)) if kind(value) == "number" else (found.encode(), value.encode())
    return bool({"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[op])


NAMES = st.sampled_from(["a", "b", "é", "a-b", "A", "a b", "1x"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4) | st.sampled_from(
    ["1", "true", "null", "a", "A", "é", "É", "", '"', "10", "9", "%", "_", "\\"]
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = TEXTS | NUMBERS | st.booleans()
VALUES = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda steps: ".".join(("data", *steps)))


@st.composite
def conditions(draw: st.DrawFn, data: dict[str, Any]) -> Filter:
    """A filter about this data, with values that are often in it."""
    wanted: dict[str, Any] = {}
    for path in draw(st.lists(PATHS, min_size=1, max_size=2, unique=True)):
        found = place({"data": data}, path)[1]
        near = st.just(found) | SCALARS if isinstance(found, str | int | float) else SCALARS
        op = draw(st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "isnull"]))
        value: Any = draw(near)
        if op == "in":
            value = [value, *draw(st.lists(SCALARS, max_size=3))]
        elif op == "isnull":
            value = draw(st.booleans())
        elif op == "contains" and not (isinstance(value, str) and value):
            value = "a"
        elif op in ("gt", "gte", "lt", "lte") and isinstance(value, bool):
            value = 1
        wanted[path if op == "eq" else f"{path}[{op}]"] = value
    return wanted


CASES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4).flatmap(
    lambda data: st.tuples(st.just(data), st.lists(conditions(data), min_size=6, max_size=6))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=CASES)
def test_the_database_answers_as_python_does(database: Database, case: tuple[dict[str, Any], list[Filter]]) -> None:
    data, filters = case
    assert heard(database, filters, data) == [passes(one, {"data": data}) for one in filters]


def test_an_event_too_large_to_be_sent_whole_is_let_through(database: Database) -> None:
    large = {"status": "draft", "description": "x" * LARGEST_BODY}
    assert heard(database, [{"data.status": "approved"}], large) == [True]
    assert heard(database, [{"data.status": "approved"}], {"status": "draft", "truncated": True}) == [False]


def test_it_is_one_statement_however_many_conditions(database: Database) -> None:
    many = {f"data.a{number}": number for number in range(MOST_CONDITIONS)}
    for one in (None, many, {"data.status": "approved"}):
        make_webhook(database, filter=one)
    with recorded(database) as seen:
        make_event(database, "asset.approved")
    assert len(seen) == 2


BAD: dict[str, Any] = {
    "no conditions": {},
    "too many": {f"data.a{number}": 1 for number in range(MOST_CONDITIONS + 1)},
    "another root": {"id": "evt_1"},
    "a root alone": {"data": 1},
    "a root with a dot": {"data.": 1},
    "an empty step": {"data..a": 1},
    "too deep": {"data" + ".a" * DEEPEST_PATH: 1},
    "a quote": {'data.a"b': 1},
    "a backslash": {"data.a\\b": 1},
    "a place in a list": {"data.tags.0": 1},
    "a signed place": {"data.tags.-1": 1},
    "an unknown operator": {"data.a[like]": "x"},
    "an open bracket": {"data.a[gt": 1},
    "null": {"data.a": None},
    "a list": {"data.a": [1]},
    "an object": {"data.a": {}},
    "in of no list": {"data.a[in]": "a,b"},
    "in of nothing": {"data.a[in]": []},
    "in of null": {"data.a[in]": [None]},
    "in of too many": {"data.a[in]": list(range(201))},
    "gt of a boolean": {"data.a[gt]": True},
    "contains of a number": {"data.a[contains]": 1},
    "contains of nothing": {"data.a[contains]": ""},
    "isnull of a text": {"data.a[isnull]": "true"},
    "a long text": {"data.a": "x" * 1001},
}


@pytest.mark.parametrize("name", BAD)
def test_it_refuses_what_is_no_condition_and_says_what_is(name: str) -> None:
    conditions, errors = read_filter({"data.good": 1, **BAD[name]} if len(BAD[name]) == 1 else BAD[name])
    assert len(errors) == 1
    assert errors[0].field.startswith("/filter")
    assert errors[0].message.endswith((".", "none."))
    assert len(conditions) <= 1


def test_nothing_is_kept_of_a_filter_with_a_mistake(database: Database) -> None:
    with pytest.raises(Invalid):
        make_webhook(database, filter={"data.a": 1, "b": 2})
    with database.reading() as session:
        assert session.execute(select(webhook_filters)).first() is None
