"""The text of a key: refused with no I/O when it is not exactly as it was made."""

from __future__ import annotations

import re
import string

import pytest

from domain.api_keys.tokens import ALPHABET, Malformed, check_digits, make_token, public_id_of


def test_it_works() -> None:
    public_id, token = make_token()
    assert re.fullmatch(r"csk_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}", token)
    assert public_id_of(token) == public_id == token.split("_")[1]


def test_it_holds_160_random_bits_and_more() -> None:
    assert 62**32 > 2**160
    assert len({make_token()[1] for _ in range(1000)}) == 1000


def test_check_digits_are_padded_to_six() -> None:
    made = [check_digits(f"csk_{number}") for number in range(5000)]
    assert {len(digits) for digits in made} == {6}


def test_it_refuses_every_change_of_one_character() -> None:
    _, token = make_token()
    for index, character in enumerate(token):
        for other in ALPHABET + "_-":
            if other != character:
                with pytest.raises(Malformed):
                    public_id_of(token[:index] + other + token[index + 1 :])


def test_it_refuses_two_neighbours_that_changed_places() -> None:
    _, token = make_token()
    for index in range(len(token) - 1):
        swapped = token[:index] + token[index + 1] + token[index] + token[index + 2 :]
        if swapped != token:
            with pytest.raises(Malformed):
                public_id_of(swapped)


def test_it_refuses_what_was_cut_off_or_added_to() -> None:
    _, token = make_token()
    for text in (token[:-1], token[1:], token + "A", " " + token, token + "\n", "", "csk", "csk___", token * 2):
        with pytest.raises(Malformed):
            public_id_of(text)


@pytest.mark.parametrize("character", ["é", "\0", "０", "\u0661", "²", *string.punctuation])
def test_it_refuses_other_characters(character: str) -> None:
    _, token = make_token()
    with pytest.raises(Malformed):
        public_id_of(token[:10] + character + token[11:])
