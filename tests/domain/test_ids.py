"""Ids: their form, their order, and that none comes twice."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import uuid
from datetime import timedelta

import pytest

from domain import ids
from domain.clock import system_clock
from domain.ids import ALPHABET, id_at, is_id, made_at, new_id, new_id_stem
from tests.support.threads import at_once

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
    made = at_once(8, lambda: [new_id("chr") for _ in range(2000)])
    assert len({one for mine in made for one in mine}) == 16_000
    assert all(mine == sorted(mine) for mine in made)


def test_a_clock_that_is_set_back_changes_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    in_an_hour = (time.time_ns() // 1_000_000 + 3_600_000) << 12
    monkeypatch.setattr(ids, "_last", in_an_hour)  # as if an id had been made before the clock was set back
    made = [new_id("chr") for _ in range(3)]
    assert made == sorted(made)
    assert as_uuid(made[0]).int >> 80 == in_an_hour >> 12


def test_a_stem_and_a_number_make_an_id() -> None:
    assert is_id(new_id_stem("dlv", 6) + "00002f", "dlv")


NO_IDS = (
    "", "chr", "chr_", "_" + "0" * 26, "chr_" + "0" * 25, "chr_" + "0" * 27, "chr_" + "u" * 26, "CHR_" + "0" * 26,
    "chr_" + "A" * 26, "chr_" + "0" * 25 + "\n", "scn_" + "0" * 26,
)  # fmt: skip


@pytest.mark.parametrize("text", NO_IDS)
def test_it_refuses_what_is_no_id(text: str) -> None:
    assert not is_id(text, "chr")


def test_an_id_tells_when_it_was_made() -> None:
    before = system_clock()
    row_id = new_id("aud")
    assert before <= made_at(row_id) <= system_clock() + timedelta(milliseconds=1)
    assert id_at("aud", made_at(row_id)) <= row_id < id_at("aud", made_at(row_id) + timedelta(milliseconds=1))
    assert made_at(id_at("aud", before)) == before


@pytest.mark.parametrize("text", ["", "aud_", "aud_1", "aud_" + "z" * 26, "aud_" + "I" * 26, "aud_" + "0" * 27])
def test_what_is_no_id_tells_no_time(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        made_at(text)


def test_a_child_that_is_forked_while_ids_are_made_makes_its_own() -> None:
    """It has neither the thread that would let go of the lock, nor what its parent has drawn for the ids to come."""
    new_id("key")  # something is drawn
    holds = threading.Event()

    def hold() -> None:
        with ids._lock:
            holds.set()
            time.sleep(0.2)  # how long it is held, so that the fork falls into it; nothing is waited for

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(5)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(5)  # ends it if it hangs
        try:
            os.write(writing, new_id("key").encode())
        finally:
            os._exit(0)
    thread.join()
    os.close(writing)
    with os.fdopen(reading) as told:
        made = told.read()
    assert os.waitpid(child, 0)[1] == 0
    assert is_id(made, "key")
    assert made[-12:] != new_id("key")[-12:]
