"""What the audit keeps of parameters: no secret, nothing a database cannot store, not more than a little."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.api_keys.tokens import make_token
from domain.audit.commands import AuditEntry
from domain.audit.masking import LARGEST, MASK, clean_text, mask, mask_also, masked_params
from domain.db import storable
from domain.jobs.leases import new_token
from domain.webhooks.signing import new_secret
from tests.support.clock import NOON

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
    encoded = [token.replace("_", bar) for bar in ("%5F", "%255f")]
    for text in (token, token.rpartition("_")[0], token.upper(), *encoded, new_secret(), new_token()):
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


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("see https://ada:hunter2@tools.example.com/x", f"see https://{MASK}@tools.example.com/x"),
        ("https://hunter2@tools.example.com/x@2x.png", f"https://{MASK}@tools.example.com/x@2x.png"),
        ("https://x.example/?a=1&access_token=hunter2&b=2", f"https://x.example/?a=1&access_token={MASK}&b=2"),
        ("https://x.example/hook?key=hunter2#top", f"https://x.example/hook?key={MASK}#top"),
        ("curl -H 'Authorization: Bearer hunter2hunter2'", f"curl -H 'Authorization: Bearer {MASK}'"),
        ("https://x.example/tokens?page=2", "https://x.example/tokens?page=2"),
        ("mail ada@example.com, a=b?token=x", "mail ada@example.com, a=b?token=x"),
        ("Bearer in the storm", "Bearer in the storm"),
        ("the ring bearer costumes", "the ring bearer costumes"),
        ("authorization: bearer  hunter2hunter2", f"authorization: bearer  {MASK}"),
        ("https://ada:hunt@r2@tools.example.com/x?y=a@b", f"https://{MASK}@tools.example.com/x?y=a@b"),
        ("https://x.example/#access_token=hunter2&page=2", f"https://x.example/#access_token={MASK}&page=2"),
    ],
)
def test_it_masks_inside_of_texts(text: str, kept: str) -> None:
    assert mask({"note": [text]}) == {"note": [kept]}


def test_it_masks_a_value_that_is_named_beside_it() -> None:
    headers = [{"name": "Authorization", "value": "hunter2"}, {"name": "Accept", "value": "text/csv"}]
    assert mask(headers) == [{"name": "Authorization", "value": MASK}, {"name": "Accept", "value": "text/csv"}]
    assert mask({"name": "The Secret Garden", "code": "tsg"}) == {"name": "The Secret Garden", "code": "tsg"}


def test_long_names_are_not_remembered() -> None:
    tracemalloc.start()
    for number in range(20):
        mask({str(number) * 100_000: "x"})
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 500_000


@pytest.fixture
def fee_is_masked() -> Iterator[None]:
    mask([given for given, _ in CONFIGURED])  # what is remembered of names must not outlive this
    mask_also(["fee", " Home-Address "])
    yield
    mask_also([])


CONFIGURED: list[tuple[Any, Any]] = [
    ({"fee": 5000}, {"fee": MASK}),
    ({"Fee": [1, {"a": 2}]}, {"Fee": MASK}),
    ({"home_address": "x", "home-address": "y"}, {"home_address": MASK, "home-address": MASK}),
    ({"metadata": {"fee": 5000, "lens_mm": 35}}, {"metadata": {"fee": MASK, "lens_mm": 35}}),
    ({"metadata.fee[gte]": "5000"}, {"metadata.fee[gte]": MASK}),
    ({"sort": "metadata.fee", "cursor": "eyJ5000"}, {"sort": "metadata.fee", "cursor": MASK}),
    ({"path": "/scenes/by-external/fee/5000"}, {"path": f"/scenes/by-external/fee/{MASK}"}),
    ({"path": "/scenes/by%2Dexternal/%66ee/5000"}, {"path": f"/scenes/by-external/fee/{MASK}"}),
    ({"path": "/scenes/by-external/fee/50%2300#a?b/c"}, {"path": f"/scenes/by-external/fee/{MASK}"}),
    ({"path": "%00/by-external/fee/1"}, {"path": f"{storable(chr(0))}/by-external/fee/{MASK}"}),
    ({"metadata.fee,id": 1}, {"metadata.fee,id": MASK}),
    ({"key": "fee", "min": 1, "max": 5000, "options": [1]}, {"key": MASK, "min": MASK, "max": MASK, "options": MASK}),
    ({"path": "/scenes/by-external/kitsu/50%2500"}, {"path": "/scenes/by-external/kitsu/50%2500"}),
    ({"coffee": 1, "fees": 2, "feed": 3}, {"coffee": 1, "fees": 2, "feed": 3}),
    (
        {"operations": [{"method": "PUT", "path": "/scenes/x/metadata/%66ee%20", "body": {"value": 5000}},
                        {"method": "PUT", "path": "/scenes/x/metadata/$made.name", "body": {"value": 5000}},
                        {"method": "PUT", "path": "/scenes/x/metadata/fee", "body": {"value": 5000}},
                        {"method": "PATCH", "path": "/scenes/x/metadata", "body": {"fee": 1, "day": 2}}]},
        {"operations": [{"method": "PUT", "path": "/scenes/x/metadata/%66ee%20", "body": MASK},
                        {"method": "PUT", "path": "/scenes/x/metadata/$made.name", "body": MASK},
                        {"method": "PUT", "path": "/scenes/x/metadata/fee", "body": MASK},
                        {"method": "PATCH", "path": "/scenes/x/metadata", "body": {"fee": MASK, "day": 2}}]},
    ),
]  # fmt: skip


@pytest.mark.usefixtures("fee_is_masked")
@pytest.mark.parametrize(("given", "kept"), CONFIGURED)
def test_it_masks_what_the_installation_names(given: Any, kept: Any) -> None:
    assert mask(given) == kept
    assert masked_params(given, [given]) == {"query": kept, "body": [kept]}


@pytest.mark.usefixtures("fee_is_masked")
def test_the_path_names_what_the_body_is_the_value_of() -> None:
    def kept(path: str, query: dict[str, str], body: Any) -> dict[str, Any] | None:
        entry = AuditEntry(at=NOON, source="api", path=path, params=masked_params(query, body))
        return entry.params

    path = "/api/v1/scenes/scn_1/metadata/fee"
    assert kept(path, {}, {"value": 5000}) == {"body": MASK}
    assert kept(path, {"dry_run": "1"}, {"value": 5000}) == {"query": {"dry_run": "1"}, "body": MASK}
    assert kept(path, {}, {"value": "x" * 9000}) == {"body": MASK}
    assert kept(path, {}, {"value": 2**70}) == {"body": MASK}
    assert kept(path, {"fields": "id"}, None) == {"query": {"fields": "id"}}
    assert kept(path, {}, None) is None
    assert kept("/api/v1/scenes/scn_1/metadata/day", {}, {"value": 1}) == {"body": {"value": 1}}
    for changed in ("metadata-fields/fld_1", "metadata%2Dfields/fld_1"):
        assert kept(f"/api/v1/projects/prj_1/{changed}", {}, {"default": 5000}) == {"body": MASK}


@pytest.mark.parametrize("name", ["headers", "auth", "Headers"])
@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        {"X-Farm": "hunter2"},
        {"type": "basic", "username": "hunter2", "password": "hunter2"},
        [["X-Farm", "hunter2"]],
        {"X-Farm": ["hunter2", {"a": "hunter2"}]},
        [{"name": "X-Farm", "value": "hunter2"}],
    ],
)
def test_every_value_of_headers_and_auth_is_masked(name: str, value: Any) -> None:
    assert "hunter2" not in repr(mask({"operations": [{"body": {name: value}}], name: {"from": None, "to": value}}))


def test_the_names_of_headers_are_kept() -> None:
    assert mask({"headers": {"X-Farm": "a"}, "auth": None}) == {"headers": {"X-Farm": MASK}, "auth": None}


def test_private_signing_keys_are_masked_by_their_form() -> None:
    assert mask({"note": "it is whsk_6Xb/dCcHpPea21PS1N9VY/NZ=="}) == {"note": f"it is {MASK}"}


def test_nothing_else_is_masked_by_default() -> None:
    given = {"fee": 5000, "home_address": "x", "path": "/scenes/x/metadata/fee", "body": 1}
    assert mask(given) == given


@pytest.mark.parametrize(
    "body",
    [
        {"password": "hunter2" * 1000},
        {"list": ["x" * 100] * 100, "token": "hunter2"},
        {"text": "x" * 4090 + " csk_AAAAAAAAAAAA_hunter2hunter2hunter2hunter2_CCCCCC"},
        {"text": "é" * 5000, "secret": "hunter2"},
        {"number": 2**70, "secret": "hunter2", "pad": "x" * 9000},
        [{"operations": [{"body": {"client_secret": "hunter2"}}]}] * 500,
    ],
)
def test_what_is_cut_was_masked_before(body: Any) -> None:
    kept = masked_params({}, body)
    assert kept is not None
    assert "hunter2" not in repr(kept)
    assert kept.keys() in ({"truncated", "bytes", "sha256", "head"}, {"body"})
    assert len(kept.get("head", "").encode()) <= LARGEST
