"""What metadata fields take: every type, every rule, and the merge."""

from __future__ import annotations

import time
from typing import Any

import pytest

from domain.metadata.patterns import compiled
from domain.metadata.rules import FieldRule, Replacement, RuleBook, same_json
from domain.metadata.types import TYPES
from domain.metadata_fields.definitions import read_definition

AT = "/metadata/k"
ENUM = {"options": ("a", "b", "c")}
LEAST, MOST = -(2**63), 2**63 - 1

# Type, rules, value, and the value as it is kept.
GOOD: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("string", {}, "", ""),
    ("string", {}, "é" * 500, "é" * 500),
    ("string", {"min": 2, "max": 3}, "ab", "ab"),
    ("string", {"pattern": "[A-Z]{2}[0-9]+"}, "SC10", "SC10"),
    ("text", {}, "x" * 10_000, "x" * 10_000),
    ("integer", {}, MOST, MOST),
    ("integer", {}, LEAST, LEAST),
    ("integer", {}, 3.0, 3),
    ("integer", {"min": 1, "max": 3}, 3, 3),
    ("number", {}, 23.976, 23.976),
    ("number", {}, 24, 24),
    ("number", {}, 1e300, 1e300),
    ("number", {"min": 0.5}, 0.5, 0.5),
    ("boolean", {}, False, False),
    ("date", {}, "2024-02-29", "2024-02-29"),
    ("date", {"min": "2026-01-01", "max": "2026-12-31"}, "2026-12-31", "2026-12-31"),
    ("datetime", {}, "2026-01-31T18:30:00+02:00", "2026-01-31T16:30:00.000Z"),
    ("datetime", {}, "2026-01-31t18:30:00.123456z", "2026-01-31T18:30:00.123Z"),
    ("datetime", {"max": "2026-01-01T00:00:00.000Z"}, "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.000Z"),
    ("enum", ENUM, "b", "b"),
    ("enum_list", ENUM, ["c", "a"], ["c", "a"]),
    ("enum_list", ENUM, [], []),
    ("enum_list", {**ENUM, "min": 1, "max": 2}, ["a"], ["a"]),
    ("url", {}, "https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
    ("url", {"pattern": "https://wiki\\..*"}, "https://wiki.example.com/", "https://wiki.example.com/"),
    ("json", {}, {"a": [1, None, {"b": False}]}, {"a": [1, None, {"b": False}]}),
    ("json", {}, False, False),
]
WRONG_KIND: dict[str, list[Any]] = {
    "string": [1, True, [], {}, "a\0b"],
    "text": [1.5, ["a"], "\0"],
    "integer": ["1", True, 1.5, 2**63, LEAST - 1, 1e300, float("nan"), []],
    "number": ["1.5", False, {}, float("inf"), float("nan")],
    "boolean": [0, 1, "true", []],
    "date": [20260101, "2026-02-30", "2026-1-1", "2026-01-01T00:00:00Z", "20260101", "2026-W01-1", "٢٠٢٦-01-01"],
    "datetime": [
        *(0, "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T24:00:01Z"),
        *("0001-01-01T00:00:00+02:00", "2026-01-01T00:00:00Z ", "2026-01-01T00:00:00+25:00"),
    ],
    "enum": [1, ["a"]],
    "enum_list": ["a", [1], {"a": 1}],
    "url": [
        *(1, "", "example.com", "ftp://example.com/", "javascript:alert(1)", "https://", "http://[::1"),
        *("https://user:pass@example.com/", "https://example.com/a b", "https://example.com/é"),
        *("https://example.com:99999/", "//example.com/"),
    ],
}
# Type, rules, value, and what is at fault.
BAD: list[tuple[str, dict[str, Any], Any, list[tuple[str, str]]]] = [
    *(
        (word, ENUM if "enum" in word else {}, value, [(AT, "type")])
        for word, values in WRONG_KIND.items()
        for value in values
    ),
    ("string", {}, "x" * 501, [(AT, "length")]),
    ("string", {"min": 2}, "a", [(AT, "length")]),
    ("string", {"max": 2}, "abc", [(AT, "length")]),
    ("string", {"pattern": "[A-Z]+"}, "ABc", [(AT, "pattern")]),
    ("string", {"pattern": "[A-Z]+"}, "AB\n", [(AT, "pattern")]),
    ("text", {}, "x" * 10_001, [(AT, "length")]),
    ("url", {}, "https://example.com/" + "x" * 2000, [(AT, "length")]),
    ("integer", {"min": 1}, 0, [(AT, "min")]),
    ("integer", {"max": 3}, 4, [(AT, "max")]),
    ("number", {"min": 0.5}, 0.49, [(AT, "min")]),
    ("date", {"min": "2026-01-02"}, "2026-01-01", [(AT, "min")]),
    ("datetime", {"max": "2026-01-01T00:00:00.000Z"}, "2026-01-01T00:00:00.001Z", [(AT, "max")]),
    ("enum", ENUM, "d", [(AT, "unknown")]),
    ("enum_list", ENUM, ["a", "d"], [(f"{AT}/1", "unknown")]),
    ("enum_list", ENUM, ["a", "b", "a"], [(f"{AT}/2", "duplicate")]),
    ("enum_list", {**ENUM, "min": 1}, [], [(AT, "length")]),
    ("enum_list", {**ENUM, "max": 1}, ["a", "b"], [(AT, "length")]),
    ("json", {}, "x" * 16_384, [(AT, "length")]),
]  # fmt: skip


def rule(type_: str, rules: dict[str, Any]) -> FieldRule:
    return FieldRule("k", type_, **rules)


def book(*rules: FieldRule, strict: bool = False) -> RuleBook:
    return RuleBook({"p": {each.key: each for each in rules}}, {"p"} if strict else ())


@pytest.mark.parametrize(("type_", "rules", "value", "kept"), GOOD, ids=lambda part: str(part)[:30])
def test_it_takes(type_: str, rules: dict[str, Any], value: Any, kept: Any) -> None:
    read, errors = rule(type_, rules).check(value)
    assert errors == []
    assert same_json(read, kept)
    assert rule(type_, rules).check(read) == (read, [])


@pytest.mark.parametrize(("type_", "rules", "value", "at_fault"), BAD, ids=lambda part: str(part)[:30])
def test_it_refuses(type_: str, rules: dict[str, Any], value: Any, at_fault: list[tuple[str, str]]) -> None:
    _, errors = rule(type_, rules).check(value)
    assert [(error.field, error.code) for error in errors] == at_fault
    assert all(error.message.startswith("`k`: ") and error.message.endswith(".") for error in errors)


def test_every_type_is_tried() -> None:
    assert {case[0] for case in GOOD} == {case[0] for case in BAD} == set(TYPES)


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|aa)+", "(a?){200}a{200}", "(.*a){20}", "([a-z]*[0-9]*){30}[A-Z]"])
def test_no_pattern_hangs(pattern: str) -> None:
    """Each takes Python's own `re` longer than anybody waits."""
    compiled(pattern)
    started = time.perf_counter()
    for text in ("a" * 9_999 + "!", "ab1" * 3_333):
        rule("text", {"pattern": pattern}).check(text)
    assert time.perf_counter() - started < 1


DEFINED = {"entity": "scene", "key": "k", "type": "string"}
BAD_DEFINITIONS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"entity": "job"}, [("/entity", "unknown")]),
    ({"type": "float"}, [("/type", "unknown")]),
    *(({"key": key}, [("/key", "pattern")]) for key in ("", "K", "1a", "_a", "a-b", "a" * 61, "é", "a\n", "a.b")),
    ({"min": 5, "max": 4}, [("/max", "range")]),
    ({"min": -1}, [("/min", "type")]),
    ({"max": 1.5}, [("/max", "type")]),
    ({"type": "integer", "min": "1"}, [("/min", "type")]),
    ({"type": "number", "max": True}, [("/max", "type")]),
    ({"type": "date", "min": "tomorrow"}, [("/min", "type")]),
    ({"type": "datetime", "min": "2026-01-02T00:00:00Z", "max": "2026-01-01T23:00:00-02:00"}, []),
    ({"type": "datetime", "min": "2026-01-02T00:00:00Z", "max": "2026-01-01T00:00:00Z"}, [("/max", "range")]),
    ({"type": "boolean", "min": 0}, [("/min", "unexpected")]),
    ({"type": "json", "max": 3}, [("/max", "unexpected")]),
    ({"type": "enum"}, [("/options", "required")]),
    ({"type": "enum", "options": []}, [("/options", "required")]),
    ({"type": "enum", "options": [str(n) for n in range(201)]}, [("/options", "required")]),
    ({"type": "enum", "options": ["a", "", "a", "x" * 501]},
     [("/options/1", "type"), ("/options/2", "duplicate"), ("/options/3", "type")]),
    ({"options": ["a"]}, [("/options", "unexpected")]),
    ({"type": "integer", "pattern": "1"}, [("/pattern", "unexpected")]),
    *(({"pattern": pattern}, [("/pattern", "pattern")]) for pattern in ("(", "a{1001}", r"\1", "(?=a)", "a" * 501)),
    ({"default": 1}, [("/default", "type")]),
    ({"default": "abc", "max": 2}, [("/default", "length")]),
    ({"type": "enum_list", "options": ["a"], "default": ["a", "z"]}, [("/default/1", "unknown")]),
    ({"description": "x" * 2001}, [("/description", "length")]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "at_fault"), BAD_DEFINITIONS, ids=lambda part: str(part)[:40])
def test_a_definition_is_judged(given: dict[str, Any], at_fault: list[tuple[str, str]]) -> None:
    _, errors = read_definition({**DEFINED, **given})
    assert [(error.field, error.code) for error in errors] == at_fault


def test_a_definition_is_brought_into_form() -> None:
    given = {"type": "datetime", "min": "2026-01-01T01:00:00+01:00", "default": "2026-01-01T00:00:00Z"}
    definition, errors = read_definition({**DEFINED, **given})
    assert errors == []
    assert definition.stored_rules == {"min": "2026-01-01T00:00:00.000Z", "default": "2026-01-01T00:00:00.000Z"}


def test_a_creation_gets_defaults_and_names_what_is_missing() -> None:
    rules = book(FieldRule("fps", "number", default=24), FieldRule("lens", "string", required=True))
    assert rules.complete("p", {"lens": "35", "mood": [1], "gone": None}) == (
        {"lens": "35", "mood": [1], "fps": 24},
        [],
    )
    assert [(e.field, e.code) for e in rules.complete("p", {"fps": 25})[1]] == [("/metadata/lens", "required")]
    assert rules.complete("another", {}) == ({}, [])


def test_a_merge_asks_for_what_is_required_only_when_it_changes_something() -> None:
    rules = book(FieldRule("lens", "string", required=True), FieldRule("fps", "number", required=True, default=24))
    assert rules.merged("p", {}, {}) == ({}, [])
    new, errors = rules.merged("p", {"a": 1}, {"a": 2})
    assert (new, [(e.field, e.code) for e in errors]) == ({"a": 2, "fps": 24}, [("/metadata/lens", "required")])
    assert [e.code for e in rules.merged("p", {"lens": "35", "fps": 1}, {"lens": None})[1]] == ["required"]
    assert rules.merged("p", {"lens": "35", "fps": 1}, {"fps": None}) == ({"lens": "35", "fps": 24}, [])


@pytest.mark.parametrize(("now", "patch", "then"), [  # RFC 7386, appendix A, a level down
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"a": "foo"}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ({"e": {"f": None}}, {"e": {"a": 1}}, {"e": {"f": None, "a": 1}}),
    ({"a": {"b": 1}}, {"a": Replacement({"c": None})}, {"a": {"c": None}}),
])  # fmt: skip
def test_it_merges(now: dict[str, Any], patch: dict[str, Any], then: dict[str, Any]) -> None:
    assert book().merged("p", now, patch) == (then, [])


def test_a_strict_project_names_what_it_takes() -> None:
    rules = book(FieldRule("fps", "number"), strict=True)
    _, errors = rules.merged("p", {"old": 1}, {"fsp": 24, "fps": 24, "old": None})
    [error] = errors
    assert (error.field, error.code) == ("/metadata/fsp", "unknown")
    assert "`fps`" in error.message


def test_undefined_keys_and_the_whole_have_limits() -> None:
    rules = book()
    assert [e.field for e in rules.complete("p", {"": 1, "x" * 121: 1, "a\0": 1, "a/~b": "x" * 20_000})[1]] == [
        "/metadata/", "/metadata/" + "x" * 121, "/metadata/a\0", "/metadata/a~1~0b",
    ]  # fmt: skip
    assert rules.complete("p", {"x" * 120: 1})[1] == []
    many = {str(number): number for number in range(200)}
    assert rules.complete("p", many)[1] == []
    assert [(e.field, e.code) for e in rules.merged("p", many, {"one": 1})[1]] == [("/metadata", "length")]
    large = {str(number): "x" * 16_000 for number in range(4)}
    assert rules.complete("p", large)[1] == []
    assert [(e.field, e.code) for e in rules.merged("p", large, {"5": "x" * 2_000})[1]] == [("/metadata", "length")]
    too_large = {**large, "5": "x" * 16_000, "6": 1}
    assert rules.merged("p", too_large, {"6": None})[1] == []


def test_numbers_and_truth_are_not_the_same() -> None:
    assert same_json({"a": [1, 2.0]}, {"a": [1.0, 2]})
    assert not same_json(1, True)
    assert not same_json({"a": [0]}, {"a": [False]})
    assert not same_json({"a": 1}, {"a": 1, "b": None})
