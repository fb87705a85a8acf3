"""What real cards and readers do differently, as options; and try counters that outlive a process."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from devices.simulated.card import VirtualCard
from devices.simulated.card.counters import CounterFile
from devices.simulated.card.options import CardOptions, Interface
from devices.simulated.card.pace import Pace
from devices.simulated.world import World
from tests.contract.card.talk import JPKI, VISUAL, Talk

SIGN = "802A00800411223344" + "00"


def talk_to(world: World, **changes: object) -> Talk:
    return Talk(world.card("employee", **changes))


def check_byte(atr: bytes) -> int:
    value = 0
    for byte in atr[1:]:
        value ^= byte
    return value


@pytest.mark.parametrize("interface", list(Interface))
def test_every_atr_ends_with_its_check_byte(world: World, interface: Interface) -> None:
    assert check_byte(world.card("employee", interface=interface).atr) == 0
    assert len({world.card("employee", interface=each).atr for each in Interface}) == len(Interface)


@pytest.mark.parametrize(
    ("changes", "honoured"),
    [
        ({"interface": "contact_extended"}, True),
        ({"interface": "contact_extended", "extended": "lies"}, False),
        ({"interface": "contact_short"}, False),
        ({"interface": "contact_short", "extended": "always"}, True),
        ({"interface": "contactless"}, False),
        ({}, False),
    ],
)
def test_extended_length_is_as_announced(world: World, changes: dict[str, str], honoured: bool) -> None:
    talk = talk_to(world, **changes)
    talk.select(JPKI)
    content = world.cards["employee"].jpki[0x000A]
    assert talk.send("00B08A00000000") == ((content, 0x9000) if honoured else (b"", 0x6700))
    assert talk.send(f"00A4040C00000A{JPKI}") == (b"", 0x9000 if honoured else 0x6700)
    assert talk.status("00840000000100") == (0x6985 if honoured else 0x6700)
    assert talk.status("10200098" + "02" + "3132") == (0x9000 if honoured else 0x6884)


def test_extended_reads_end_as_short_ones(world: World) -> None:
    size = len(world.cards["employee"].jpki[0x000A])
    talk = talk_to(world, interface="contact_extended")
    talk.select(JPKI)
    talk.file("000A")
    assert talk.send(f"00B00000{0:02X}{size:04X}")[1] == 0x9000
    data, status = talk.send(f"00B00000{0:02X}{size + 1:04X}")
    assert (len(data), status) == (size, 0x6282)
    assert talk.status(f"00B0{size:04X}000000") == 0x6B00


def test_a_chain_of_commands_is_one_command(world: World) -> None:
    talk = talk_to(world, interface="contact_extended")
    talk.select(JPKI)
    talk.file("0018")
    assert talk.status("1020008002" + b"12".hex()) == 0x9000
    assert talk.card.verify_count["jpki/0018"] == 0
    assert talk.status("0020008002" + b"34".hex()) == 0x9000
    assert talk.card.verify_count["jpki/0018"] == 1
    assert talk.status("1020008002" + b"12".hex()) == 0x9000
    assert talk.status("00A4020C020017") == 0x6883
    assert talk.status("00A4020C020017") == 0x9000
    assert talk.status("1020008000" + "0FFF" + "31" * 0xFFF) == 0x9000
    assert talk.status("1020008002" + "3132") == 0x6700  # more than a card keeps


@pytest.mark.parametrize(
    ("query", "before", "after"), [("tries", 0x63C3, 0x63C3), ("verified", 0x63C3, 0x9000), ("silent", 0x6300, 0x6300)]
)
def test_how_the_question_for_tries_is_answered(world: World, query: str, before: int, after: int) -> None:
    talk = talk_to(world, query=query)
    talk.select(JPKI)
    assert talk.tries("0018") == before
    talk.verify("0018", "1234")
    assert talk.tries("0018") == after
    assert talk.card.verify_count["jpki/0018"] == 1


@pytest.mark.parametrize("blocked", ["6983", "6984"])
def test_how_a_blocked_pin_answers(world: World, blocked: str) -> None:
    talk = Talk(world.card("employee", blocked=blocked, counters={"jpki/0018": 1}))
    talk.select(JPKI)
    assert talk.verify("0018", "0000") == 0x63C0
    assert talk.verify("0018", "1234") == int(blocked, 16)
    assert talk.tries("0018") == 0x63C0


def test_the_first_command_after_each_power_up(world: World) -> None:
    talk = talk_to(world, drowsy=True)
    for _ in range(2):
        assert talk.select(JPKI) == 0x6F00
        assert talk.select(JPKI) == 0x9000
        talk.card.reset()
        assert talk.select(JPKI) == 0x9000  # no power-up
        talk.card.power_off()
        talk.card.power_on()


@pytest.mark.parametrize(("warm_reset", "status"), [("keep", 0x9000), ("clear", 0x6A82)])
def test_what_a_warm_reset_does(world: World, warm_reset: str, status: int) -> None:
    talk = talk_to(world, warm_reset=warm_reset)
    talk.select(JPKI)
    talk.card.reset()
    assert talk.file("0018") == status


def test_options_survive_their_json() -> None:
    options = CardOptions(interface=Interface.CONTACTLESS, pace=Pace.NFC106, drowsy=True)
    assert CardOptions.from_json(json.loads(json.dumps(options.to_json()))) == options
    assert CardOptions().changed(blocked="6983", reselect="keep").to_json()["blocked"] == "6983"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"pace": "fast"}, "pace: allowed: none, usb, nfc106"),
        ({"chained": 1}, "chained: allowed: true, false"),
        ({"colour": 1}, "colour: no such option of a card; allowed: interface,"),
        ({"reselect": None}, "reselect: allowed: clear, keep"),
    ],
)
def test_wrong_options_are_named(world: World, value: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        CardOptions.from_json(value)
    with pytest.raises(ValueError, match=re.escape(message)):
        world.card("employee", **value)


# --- counters in a file ----------------------------------------------------------------------------------------------


def card_with(world: World, file: CounterFile, name: str = "employee") -> VirtualCard:
    person = world.cards[name]
    return VirtualCard(person, counters=file.load(name), changed=lambda left: file.save(name, left))


def test_counters_outlive_the_card_object(world: World, tmp_path: Path) -> None:
    file = CounterFile(tmp_path / "made" / "counters.json")
    talk = Talk(card_with(world, file))
    talk.select(JPKI)
    talk.tries("0018")
    assert not (tmp_path / "made").exists()  # nothing moved yet
    assert talk.verify("0018", "9999") == 0x63C2
    talk.select(VISUAL)
    talk.verify("0012", "9" * 14)
    again = card_with(world, CounterFile(tmp_path / "made" / "counters.json"))
    assert (again.counters["jpki/0018"], again.counters["visual/0012"]) == (2, 9)
    other = card_with(world, file, "expired")
    Talk(other).select(JPKI)
    assert other.counters["jpki/0018"] == 3
    talk = Talk(again)
    talk.select(JPKI)
    assert talk.verify("0018", "1234") == 0x9000
    assert file.load("employee")["jpki/0018"] == 3
    assert file.load("nobody") == {}
    file.save("expired", {"jpki/0018": 1})
    assert file.load("expired") == {"jpki/0018": 1}
    assert file.load("employee")["jpki/0018"] == 3


def test_the_counter_is_in_the_file_before_the_answer_leaves(world: World, tmp_path: Path) -> None:
    file = CounterFile(tmp_path / "counters.json")

    def lost(left: dict[str, int]) -> None:
        file.save("employee", left)
        raise InterruptedError

    talk = Talk(VirtualCard(world.cards["employee"], changed=lost))
    talk.select(JPKI)
    talk.file("0018")
    with pytest.raises(InterruptedError):
        talk.send("0020008004" + b"9999".hex())
    assert file.load("employee")["jpki/0018"] == 2


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": {"jpki/0018": 16}}', '{"a": {"x": true}}', "\0"])
def test_another_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "counters.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"counters\.json: not a file of try counters: allowed"):
        CounterFile(path).load("employee")
    with pytest.raises(ValueError, match="not a file of try counters"):
        CounterFile(path).save("employee", {"jpki/0018": 1})
    assert path.read_text() == content
