"""What is derived from the one secret."""

from __future__ import annotations

import pytest

from domain.crypto import CannotDecrypt, Keyring

KEYRING = Keyring(b"one secret of at least 32 bytes..")
OTHER = Keyring(b"another secret of at least 32 byte")


def test_it_works() -> None:
    sealed = KEYRING.encrypt(b"whsec_x", "webhook_secrets/1")
    assert KEYRING.decrypt(sealed, "webhook_secrets/1") == b"whsec_x"
    assert b"whsec_x" not in sealed


def test_it_never_seals_twice_alike() -> None:
    assert len({KEYRING.encrypt(b"x", "row") for _ in range(1000)}) == 1000


def test_it_refuses_the_ciphertext_of_another_row() -> None:
    with pytest.raises(CannotDecrypt, match="webhook_secrets/2"):
        KEYRING.decrypt(KEYRING.encrypt(b"x", "webhook_secrets/1"), "webhook_secrets/2")


def test_it_refuses_another_secret_key() -> None:
    with pytest.raises(CannotDecrypt):
        OTHER.decrypt(KEYRING.encrypt(b"x", "row"), "row")


def test_it_refuses_every_damaged_byte() -> None:
    sealed = KEYRING.encrypt(b"x", "row")
    for index in range(len(sealed)):
        damaged = sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :]
        with pytest.raises(CannotDecrypt):
            KEYRING.decrypt(damaged, "row")


@pytest.mark.parametrize("length", [0, 1, 8, 11, 12, 27])
def test_it_refuses_what_is_too_short(length: int) -> None:
    with pytest.raises(CannotDecrypt):
        KEYRING.decrypt(KEYRING.encrypt(b"", "row")[:length], "row")


def test_each_purpose_has_a_key_of_its_own() -> None:
    purposes = ("api-key pepper", "encryption at rest", "flask", "fingerprint")
    assert len({KEYRING.derive(purpose) for purpose in purposes}) == len(purposes)
    assert KEYRING.derive("flask") == Keyring(b"one secret of at least 32 bytes..").derive("flask")


def test_the_fingerprint_and_digests_differ_between_secrets() -> None:
    assert KEYRING.fingerprint != OTHER.fingerprint
    assert KEYRING.digest("csk_x") != OTHER.digest("csk_x")
    assert KEYRING.digest("csk_x") != KEYRING.digest("csk_y")
