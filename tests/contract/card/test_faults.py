"""The language of faults, and what each of them does to the card and to the answer."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.simulated.card import CardPulled, VirtualCard
from devices.simulated.card.faults import Fault, FaultPlan, FaultRule, ScriptError
from devices.simulated.world import World
from tests.contract.card.talk import JPKI, Talk

WRONG = "0020008004" + b"9999".hex()


def talk_with(world: World, script: str) -> Talk:
    talk = Talk(world.card("employee", faults=FaultPlan.parse(script)))
    talk.select(JPKI)
    return talk


def test_a_script_becomes_rules() -> None:
    plan = FaultPlan.parse(
        """
        # a comment
        at 12: pull          # another
        ins 20: answer 6983; at 3: delay 5
        every B0: 61xx
        ins b0 3: cut 10, delay 0.5
        at 4..5: hang after
        every: reset
        """
    )
    assert plan.rules == (
        FaultRule(Fault(pull=True), at=12),
        FaultRule(Fault(answer=b"\x69\x83"), ins=0x20),
        FaultRule(Fault(delay=5.0), at=3),
        FaultRule(Fault(two_steps=True), ins=0xB0, times=None),
        FaultRule(Fault(cut=10, delay=0.5), ins=0xB0, skip=2),
        FaultRule(Fault(delay=3600.0, late=True), at=4),
        FaultRule(Fault(delay=3600.0, late=True), at=5),
        FaultRule(Fault(reset=True), times=None),
    )
    assert FaultPlan.from_json(json.loads(json.dumps(plan.to_json()))).rules == plan.rules


def test_rules_of_before_are_still_read() -> None:
    old = [{"at": 1, "ins": None, "times": None, "answer": "6f00", "pull": False, "delay": 0.0}]
    assert FaultPlan.from_json(old).rules == (FaultRule(Fault(answer=b"\x6f\x00"), at=1, times=None),)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("at 3", "line 1: 'at 3': allowed: WHEN: WHAT"),
        ("\n\nat x: pull", "line 3: 'at x': allowed: at N, at N..M, ins HH"),
        ("at 5..4: pull", "line 1: 'at 5..4': allowed: at N"),
        ("at 1..9999: pull", "line 1: 'at 1..9999'"),
        ("ins 2: pull", "line 1: 'ins 2': allowed"),
        ("ins 20 0: pull", "line 1: 'ins 20 0'"),
        ("sometimes: pull", "line 1: 'sometimes'"),
        ("at 1: explode", "line 1: 'explode': allowed: pull, pull after, hang"),
        ("at 1: pull; at 2: answer 698", "line 1: 'answer 698': allowed"),
        ("at 1: delay -1", "line 1: 'delay -1'"),
        ("at 1: delay 1e9", "line 1: 'delay 1e9'"),
        ("at 1: pull,", "line 1: '': allowed: pull"),
        ("at 1: sw 69", "line 1: 'sw 69'"),
        ("at 1: garbage 99999", "line 1: 'garbage 99999'"),
        ("at 1:", "line 1: 'at 1:': allowed: WHEN: WHAT"),
    ],
)
def test_bad_scripts_name_line_and_what_is_allowed(script: str, message: str) -> None:
    with pytest.raises(ScriptError, match=re.escape(message)):
        FaultPlan.parse(script)


WORDS = (
    "at", "ins", "every", ":", ";", ",", "#", "1", "12", "3..5", "9..2", "20", "B0", "zz", "pull", "after", "hang",
    "delay", "0.5", "answer", "6983", "698", "sw", "cut", "61xx", "6Cxx", "\n",
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join)))
def test_any_text_is_a_script_or_an_error_of_one_kind(script: str) -> None:
    with contextlib.suppress(ScriptError):
        FaultPlan.parse(script)


def test_an_answer_lost_after_the_command_was_carried_out(world: World) -> None:
    talk = talk_with(world, "ins 20: pull after")
    talk.file("0018")
    with pytest.raises(CardPulled):
        talk.send(WRONG)
    assert talk.card.counters["jpki/0018"] == 2
    before = talk_with(world, "ins 20: pull")
    before.file("0018")
    with pytest.raises(CardPulled):
        before.send(WRONG)
    assert before.card.counters["jpki/0018"] == 3


def test_another_status_word_although_it_was_carried_out(world: World) -> None:
    talk = talk_with(world, "ins 20: sw 9000")
    talk.file("0018")
    assert talk.status(WRONG) == 0x9000
    assert talk.card.counters["jpki/0018"] == 2
    assert talk.status(WRONG) == 0x63C1


def test_answers_of_no_byte_and_of_one(world: World) -> None:
    talk = talk_with(world, "at 1: answer; at 2: answer 90; at 3: garbage 40")
    assert talk.card.process(bytes.fromhex("00B08A0000")) == b""
    assert talk.card.process(bytes.fromhex("00B08A0000")) == b"\x90"
    nonsense = talk.card.process(bytes.fromhex("00B08A0000"))
    assert len(nonsense) == 40
    again = talk_with(world, "at 1: garbage 40")
    assert again.card.process(bytes.fromhex("00B08A0000")) == nonsense


def test_cut_data(world: World) -> None:
    content = world.cards["employee"].jpki[0x000A]
    talk = talk_with(world, "ins B0 2: cut 10")
    assert talk.send("00B08A0000") == (content[:256], 0x9000)
    assert talk.send("00B08A0000") == (content[:10], 0x9000)
    assert talk.send("00B08A0000") == (content[:256], 0x9000)


def test_data_in_two_steps(world: World) -> None:
    content = world.cards["employee"].jpki[0x000A]
    talk = talk_with(world, "ins B0: 61xx")
    assert talk.status("00B08A0010") == 0x6110
    assert talk.send("00C0000010") == (content[:16], 0x9000)
    assert talk.send("00B08A0010") == (content[:16], 0x9000)


def test_the_length_is_told_first(world: World) -> None:
    content = world.cards["employee"].jpki[0x000A]
    size = len(content)
    talk = talk_with(world, "every B0: 6Cxx")
    talk.file("000A")
    assert talk.send("00B0000000") == (content[:256], 0x9000)
    assert talk.status(f"00B0{size - 7:04X}00") == 0x6C07
    assert talk.send(f"00B0{size - 7:04X}07") == (content[-7:], 0x9000)


def test_a_reset_by_somebody_else(world: World) -> None:
    talk = talk_with(world, "ins B0: reset")
    talk.file("000A")
    assert talk.status("00B0000010") == 0x6986
    assert talk.file("000A") == 0x6A82


def test_a_hanging_card_is_released(world: World) -> None:
    talk = talk_with(world, "at 1: hang; at 2: hang after")
    talk.card.release()
    assert talk.file("000A") == 0x9000
    assert talk.send("00B0000001")[1] == 0x9000


def test_pulled_and_put_back(world: World) -> None:
    card: VirtualCard = talk_with(world, "at 1: pull").card
    with pytest.raises(CardPulled):
        card.process(bytes.fromhex("00200080"))
    card.power_on()
    talk = Talk(card)
    assert talk.file("0018") == 0x6A82
