"""The vault forgets completely, also what comes too late."""

from __future__ import annotations

import pytest

from devices.blob import Blob
from devices.secret import SecretBytes
from kiosk.reception.states import ReceptionId
from kiosk.runtime.vault import ReceptionOver, Vault

HERE = ReceptionId("here")
THERE = ReceptionId("there")


@pytest.fixture
def vault() -> Vault:
    vault = Vault()
    vault.open(HERE)
    return vault


def test_a_payload_is_found_under_its_handle_and_the_handle_says_nothing(vault: Vault) -> None:
    secret = SecretBytes(b"8317")
    handle = vault.put(HERE, "pin", secret)
    assert vault.get(handle) is secret
    assert handle == "pin:1"
    assert len(vault) == 1


def test_wipe_overwrites_every_payload_of_the_reception_and_no_other(vault: Vault) -> None:
    vault.open(THERE)
    mine, blob, theirs = SecretBytes(b"mine"), Blob.of(b"photo"), SecretBytes(b"theirs")
    handle = vault.put(HERE, "certificate", mine)
    vault.put(HERE, "photo", blob)
    kept = vault.put(THERE, "certificate", theirs)
    vault.wipe(HERE)
    assert mine.wiped
    assert blob.closed
    assert not theirs.wiped
    with pytest.raises(ReceptionOver):
        vault.get(handle)
    assert vault.get(kept) is theirs
    vault.wipe(HERE)


def test_what_comes_after_the_end_is_wiped_at_the_door(vault: Vault) -> None:
    vault.wipe(HERE)
    late = SecretBytes(b"late")
    with pytest.raises(ReceptionOver):
        vault.put(HERE, "photo", late)
    assert late.wiped
    assert len(vault) == 0


def test_what_is_taken_belongs_to_the_taker(vault: Vault) -> None:
    pin = SecretBytes(b"8317")
    handle = vault.put(HERE, "pin", pin)
    assert vault.take(handle) is pin
    with pytest.raises(ReceptionOver):
        vault.take(handle)
    vault.wipe(HERE)
    assert not pin.wiped


def test_opening_twice_keeps_what_is_there_and_wipe_all_ends_everything(vault: Vault) -> None:
    secret = SecretBytes(b"x")
    vault.put(HERE, "pin", secret)
    vault.open(HERE)
    assert len(vault) == 1
    vault.open(THERE)
    vault.wipe_all()
    assert secret.wiped
    assert len(vault) == 0
