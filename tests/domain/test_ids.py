"""Ids: their form, their order, and that none comes twice."""

from __future__ import annotations

import re
import threading
import uuid

import pytest

from domain import ids
from domain.ids import ALPHABET, is_id, new_id, new_id_stem

PREFIXES = ("prj", "chr", "scn", "seg", "apr", "evt", "whk", "dlv", "key", "usr", "aud")


def as_uuid(made: str) -> uuid.UUID:
    number = 0
    for character in made.partition("_")[2]:
        number = number * 32 + ALPHABET.index(character)
    return uuid.UUID(int=number)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_it_works(prefix: str) -> None:
    made = new_id(prefix)
    assert re.fullmatch(prefix + r"_[0-9a-hjkmnp-tv-z]{26}", made)
    assert is_id(made, prefix)
    assert (as_uuid(made).version, as_uuid(made).variant) == (7, uuid.RFC_4122)


def test_they_sort_as_they_were_made() -> None:
    made = [new_id("chr") for _ in range(5000)]
    assert made == sorted(made)


def test_none_comes_twice_from_several_threads() -> None:
    made: list[list[str]] = [[] for _ in range(8)]
    barrier = threading.Barrier(len(made))

    def make(mine: list[str]) -> None:
        barrier.wait()
        mine.extend(new_id("chr") for _ in range(2000))

    threads = [threading.Thread(target=make, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for mine in made for one in mine}) == 16_000
    assert all(mine == sorted(mine) for mine in made)


def test_a_clock_that_is_set_back_changes_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_id("chr")
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0)
    assert before < new_id("chr") < new_id("chr")


def test_a_stem_and_a_number_make_an_id() -> None:
    assert is_id(new_id_stem("dlv", 6) + "00002f", "dlv")


NO_IDS = (
    "", "chr", "chr_", "_" + "0" * 26, "chr_" + "0" * 25, "chr_" + "0" * 27, "chr_" + "u" * 26, "CHR_" + "0" * 26,
    "chr_" + "A" * 26, "chr_" + "0" * 25 + "\n", "scn_" + "0" * 26,
)  # fmt: skip


@pytest.mark.parametrize("text", NO_IDS)
def test_it_refuses_what_is_no_id(text: str) -> None:
    assert not is_id(text, "chr")
