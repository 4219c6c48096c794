"""Roots and leaves are those of RFC 9162."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from domain.seals.merkle import leaf_of, root_of

# The test vectors of Certificate Transparency's reference implementation.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("size", range(1, 9))
def test_it_works(size: int) -> None:
    hashes = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in LEAVES[:size]]
    assert root_of(hashes).hex() == ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]) == hashlib.sha256(b"").digest()


def test_a_leaf_knows_every_value_its_type_and_its_column() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows: list[dict[str, Any]] = [
        {"a": "x"}, {"a": "x", "b": ""}, {"a": "x", "b": "y"}, {"a": "y", "b": "x"}, {"b": "x"}, {"a": b"x"},
        {"a": 1}, {"a": "1"}, {"a": 1.0}, {"a": float("nan")}, {"a": 2**80}, {"a": "x\0"}, {"a": "\udc80"},
        {"a": noon}, {"a": noon + timedelta(microseconds=1)}, {"a": "1", "b": "2"}, {"a": "1b t1:2"}, {"ab": "x"},
    ]  # fmt: skip
    assert len({leaf_of(row) for row in rows}) == len(rows)


def test_a_leaf_is_the_same_for_the_same_row() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert leaf_of({"a": 1, "b": "x", "c": None}) == leaf_of({"b": "x", "a": 1})
    assert leaf_of({"a": noon}) == leaf_of({"a": noon.astimezone(timezone(timedelta(hours=2)))})
