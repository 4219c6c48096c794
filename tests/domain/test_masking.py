"""What the audit keeps of parameters: no secret, nothing a database cannot store, not more than a little."""

from __future__ import annotations

import hashlib

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.api_keys.tokens import make_token
from domain.audit.masking import LARGEST, MASK, clean_text, mask, masked_params
from domain.webhooks.signing import new_secret

ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=20,
)


def test_it_works() -> None:
    assert mask({"name": "Mara", "password": "x", "list": [{"token": 1}], "n": 1}) == {
        "name": "Mara", "password": MASK, "list": [{"token": MASK}], "n": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["secret", "client_secret", "PASSWORD", "passwd", "access_token", "Authorization", "api_key", "apiKey", "API-KEY",
     "key", "Cookie", "credentials", "x-api-key"],
)  # fmt: skip
def test_it_masks_by_name(name: str) -> None:
    assert mask({name: ["hunter2"]}) == {name: MASK}


@pytest.mark.parametrize("name", ["key_id", "keyboard", "monkey", "name", "keys", "status_code", "code"])
def test_it_leaves_other_names(name: str) -> None:
    assert mask({name: "x"}) == {name: "x"}


def test_it_masks_by_form() -> None:
    _, token = make_token()
    for text in (token, token.rpartition("_")[0], new_secret()):
        assert mask(f"<{text}>") == f"<{MASK}>"
        assert clean_text(text) == MASK


def test_it_keeps_the_head_and_a_hash_of_what_is_long() -> None:
    params = masked_params({}, {"note": "x" * 10_000})
    whole = orjson.dumps({"body": {"note": "x" * 10_000}})
    assert params == {
        "truncated": True, "bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest(),
        "head": whole[:LARGEST].decode(),
    }  # fmt: skip


def test_it_masks_what_is_nested_too_deep_to_look_at() -> None:
    deep: object = "csk"
    for _ in range(40):
        deep = [deep]
    assert MASK in repr(mask(deep))
    assert "csk" not in repr(mask(deep))


def test_it_keeps_nothing_of_nothing() -> None:
    assert masked_params({}, None) is None


@settings(max_examples=200, deadline=None)
@given(query=st.dictionaries(st.text(), st.text(), max_size=3), body=ANYTHING)
def test_both_databases_can_store_what_it_gives(query: dict[str, str], body: object) -> None:
    text = orjson.dumps(masked_params(query, body)).decode()
    assert "\\u0000" not in text


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a" * 5000])
def test_texts_are_made_storable(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned is not None
    assert "\0" not in cleaned
    assert len(cleaned.encode()) <= 1000 * 4
