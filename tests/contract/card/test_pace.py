"""The pace model: worked examples by hand, and its two users, the counter and the shell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.simulated.card.files import ATR_MY_NUMBER
from devices.simulated.card.pace import Pace, Traffic, contact_parameters, link_seconds
from devices.simulated.world import World
from tests.contract.card.talk import JPKI, Talk

ETU = 128 / 13.56  # microseconds


def test_a_short_exchange_over_the_air() -> None:
    # Two frames of 15 and 2 bytes, 3 more and SOF 12 + EOF 10 each; 8 + 10 before the card, 14 before the reader.
    etus = 10 * (15 + 3) + 22 + 18 + 10 * (2 + 3) + 22 + 14
    assert link_seconds(Pace.NFC106, 15, 2) == pytest.approx(etus * ETU / 1e6)


def test_an_answer_of_258_bytes_needs_a_second_frame() -> None:
    # 253 bytes, an acknowledgement, 5 bytes.
    etus = 10 * (5 + 3) + 22 + 18 + 10 * 256 + 22 + 14 + 10 * 3 + 22 + 18 + 10 * (5 + 3) + 22 + 14
    assert link_seconds(Pace.NFC106, 5, 258) == pytest.approx(etus * ETU / 1e6)


def test_a_contact_card_goes_by_its_atr() -> None:
    assert contact_parameters(ATR_MY_NUMBER) == (372 / 4e6, 254)
    assert contact_parameters(bytes.fromhex("3BDA13FF8131FB468012392F31C173C601C03B")) == (372 / 4 / 4e6, 0xFB)
    assert contact_parameters(b"") == contact_parameters(b"\x3b\x00") == (372 / 4e6, 32)
    etus = 11 * (15 + 4) + 22 + 11 * (2 + 4) + 22
    assert link_seconds(Pace.USB, 15, 2, ATR_MY_NUMBER) == pytest.approx(etus * 93e-6)


@given(atr=st.binary(max_size=40))
def test_no_atr_is_too_odd(atr: bytes) -> None:
    etu, _ = contact_parameters(atr)
    assert 0 < etu < 0.01


@given(st.integers(4, 300), st.integers(2, 70_000), st.sampled_from([Pace.USB, Pace.NFC106]))
def test_more_bytes_never_take_less(command: int, response: int, pace: Pace) -> None:
    seconds = link_seconds(pace, command, response, ATR_MY_NUMBER)
    assert 0 < seconds < link_seconds(pace, command, response + 1, ATR_MY_NUMBER)
    assert seconds < link_seconds(pace, command + 1, response, ATR_MY_NUMBER)
    assert link_seconds(Pace.NONE, command, response) == 0


def test_the_card_counts_what_passes(world: World) -> None:
    card = world.card("employee", pace=Pace.NFC106)
    talk = Talk(card)
    talk.select(JPKI)
    talk.send("00B08A0000")
    assert (card.traffic.apdus, card.traffic.command_bytes, card.traffic.response_bytes) == (2, 20, 260)
    expected = link_seconds(Pace.NFC106, 15, 2) + link_seconds(Pace.NFC106, 5, 258)
    assert card.traffic.link_seconds == card.traffic.nfc106_seconds == pytest.approx(expected)
    assert card.last_seconds == pytest.approx(link_seconds(Pace.NFC106, 5, 258))
    card.power_off()
    card.power_on()
    assert card.traffic.apdus == 2


def test_thinking_is_no_link_time(world: World) -> None:
    card = world.card("employee", pace=Pace.NFC106)
    talk = Talk(card)
    talk.select(JPKI)
    talk.verify("0018", "1234")
    before = card.traffic.link_seconds
    assert card.traffic.work_seconds == 0
    talk.file("0017")
    talk.send("802A008003AABBCC00")
    assert card.traffic.work_seconds > 0
    assert card.last_seconds == pytest.approx(link_seconds(Pace.NFC106, 9, 258) + card.traffic.work_seconds)
    assert card.traffic.link_seconds - before < 0.1


def test_without_a_pace_the_other_figures_are_there() -> None:
    traffic = Traffic()
    assert traffic.count(Pace.NONE, bytes(5), bytes(258), ATR_MY_NUMBER) == 0
    assert traffic.link_seconds == traffic.work_seconds == 0
    assert traffic.nfc106_seconds > 0.02
    assert traffic.usb_seconds > 0.2
