"""Kinds of job: a TOML file describes more of them; parameters are held against each kind's JSON Schema."""

from __future__ import annotations

import pytest

from config import ROOT
from domain.jobs.kinds import BUILT_IN_KINDS, parse_kinds

OWN = parse_kinds((ROOT / "dev" / "job_kinds.toml").read_text())
TYPE = 'type = "object"\n'


def test_it_works() -> None:
    assert list(BUILT_IN_KINDS) == ["preview", "generate", "render"]
    assert list(OWN) == ["preview", "generate", "render", "upscale", "voice"]
    assert [kind.name for kind in OWN.values() if kind.built_in] == ["preview"]
    assert OWN["upscale"].check({"factor": 2}) == []


def test_each_mistake_has_a_pointer() -> None:
    errors = OWN["upscale"].check({"denoise": 2, "~a/b": 1})
    assert sorted((error.field, error.code) for error in errors) == [
        ("/params/denoise", "invalid"),
        ("/params/factor", "required"),
        ("/params/~0a~1b", "unknown_field"),
    ]


def test_a_message_is_not_as_long_as_what_it_is_about() -> None:
    (error,) = BUILT_IN_KINDS["generate"].check({"prompt": "x" * 100_000})
    assert len(error.message) < 400


def test_a_kind_may_be_described_anew() -> None:
    kinds = parse_kinds(f"[kinds.render.params]\n{TYPE}additionalProperties = false")
    assert kinds["render"].check({"quality": "final"})[0].field == "/params/quality"


def test_a_schema_may_refer_to_its_own_parts() -> None:
    text = f'[kinds.a.params]\n{TYPE}properties.x."$ref" = "#/$defs/x"\n"$defs".x.type = "integer"'
    assert parse_kinds(text)["a"].check({"x": "1"})[0].field == "/params/x"


BAD = {
    "kinds = 1": "tables",
    "other = 1": "nothing else",
    "[kinds.a": "not TOML",
    "[kinds.preview.params]\n" + TYPE: "cannot be a kind",
    "[kinds.A.params]\n" + TYPE: "cannot be a kind",
    "[kinds.a]\ndescription = 1\n[kinds.a.params]\n" + TYPE: "description",
    "[kinds.a]\nparams = 1": "JSON Schema `params`",
    "[kinds.a.params]\n": "`type`",
    "[kinds.a.params]\nminimum = 'x'\n" + TYPE: "no JSON Schema",
    "[kinds.a.params]\n" + TYPE + 'properties.x."$ref" = "http://127.0.0.1:9/x"': "not in it",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=BAD[text]):
        parse_kinds(text)
