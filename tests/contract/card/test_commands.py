"""Command by command: forms, lengths, offsets, status words; and what alien software sends."""

from __future__ import annotations

import pytest

from devices.simulated.card import CardPulled, EndOfFile, Fault, FaultPlan, FaultRule
from devices.simulated.world import World
from tests.contract.card.talk import COMMON, JPKI, VISUAL, Talk

# What OpenSC sends while it looks for a driver, before it asks for the JPKI application.
ALIEN = [
    "00A4040007627601FF000000",
    "00A4040006A00000000101",
    "00A404000BE82B0601040181C31F020100",
    "00A4040C0FD23300000045737445494420763335",
    "00CADF3005",
    "00CB3FFF035C017E08",
    "00A4040009A0000003080000100000",
    "00A4040C07A000000116DB0000",
    *(f"00A4040C07A00000007901{last:02X}00" for last in range(16)),
    "00A404000CF276A288BCFBA69D34F31001",
    "00A4040006D2760001240100",
]


@pytest.mark.parametrize("apdu", ALIEN)
@pytest.mark.parametrize("inside", [None, JPKI, VISUAL])
def test_alien_software_hears_no(talk: Talk, apdu: str, inside: str | None) -> None:
    if inside:
        talk.select(inside)
    assert talk.status(apdu) in (0x6A82, 0x6D00, 0x6A88)


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("00A40000", 0x6A86),
        ("00A40000023F00", 0x6A82),
        ("00A4040C06D392F0002602", 0x6A82),
        ("00A4040C", 0x6700),
        ("00A4020C02000A", 0x6A82),
        ("00A4080C02000A", 0x6A86),
        ("00B0000000", 0x6986),
        ("00200080", 0x6986),
        ("00D6000001FF", 0x6D00),
        ("80200080", 0x6E00),
        ("802A00000411223344" + "00", 0x6A88),
        ("00A4", 0x6700),
        ("", 0x6700),
        ("00CA004300", 0x6A88),
    ],
)
def test_before_an_application_is_selected(talk: Talk, apdu: str, status: int) -> None:
    assert talk.status(apdu) == status


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("00A4020C021234", 0x6A82),
        ("00A4020C0100", 0x6700),
        ("00B08A00", 0x6700),
        ("00B0FF0000", 0x6A86),
        ("00B0800000", 0x6A86),
        ("00B08F0000", 0x6A82),
        ("00B0980000", 0x6981),
        ("0020018004" + b"1234".hex(), 0x6A86),
        ("00200040", 0x6A86),
        ("0020008A", 0x6981),
        ("802A06970411223344" + "00", 0x6A86),
        ("802A00970411223344" + "00", 0x6982),
        ("802A008A0411223344" + "00", 0x6981),
        ("802A00000411223344" + "00", 0x6A88),
        ("00B0000000", 0x6986),
        ("0084000000" + "00", 0x6700),
        ("0084010008", 0x6A86),
    ],
)
def test_inside_the_jpki_application(talk: Talk, apdu: str, status: int) -> None:
    talk.select(JPKI)
    assert talk.status(apdu) == status


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("00B2010C", 0x6700),
        ("00B2010401AA00", 0x6700),
        ("00B2010400", 0x6986),
        ("00B201FC00", 0x6A82),
        ("00880080", 0x6986),
        ("00880019" + "0411223344" + "00", 0x6A86),
        ("00880099", 0x6700),
        ("0088009900", 0x6700),
        ("803200810411223344", 0x6981),
        ("803200800411223344", 0x6986),
        ("803201800411223344", 0x6A86),
        ("8032009C0411223344", 0x6982),
    ],
)
def test_inside_the_common_application(talk: Talk, apdu: str, status: int) -> None:
    talk.select(COMMON)
    assert talk.status(apdu) == status


def test_a_new_pin_has_a_length(talk: Talk) -> None:
    talk.select(COMMON)
    talk.verify("001C", "1234")
    assert talk.status("80320080") == 0x6700
    assert talk.status("8032008011" + "31" * 17) == 0x6700
    assert talk.status("80320080043132333400") == 0x6700


@pytest.mark.parametrize("apdu", ["00CA0042", "00CA004201AA00", "00CA004201"])
def test_lengths_of_get_data(talk: Talk, apdu: str) -> None:
    assert talk.status(apdu) == 0x6700


def test_there_is_no_session_key_outside_an_application(talk: Talk) -> None:
    assert talk.status("80AE000004" + "11223344") == 0x6D00


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        (f"00A4040C00000A{JPKI}0000", 0x9000),
        (f"00A4040C00000A{JPKI}00", 0x6700),
        (f"00A4040C000000{JPKI}", 0x6700),
        ("00A4040C0000", 0x6700),
    ],
)
def test_extended_commands_have_lengths_too(world: World, apdu: str, status: int) -> None:
    assert Talk(world.card("employee", interface="contact_extended")).status(apdu) == status


def test_select_may_carry_le_and_return_fci(talk: Talk) -> None:
    assert talk.send(f"00A4040C0A{JPKI}00") == (b"", 0x9000)
    aid = bytes.fromhex(JPKI)
    assert talk.send(f"00A404000A{JPKI}00") == (b"\x6f\x0c\x84\x0a" + aid, 0x9000)
    assert talk.send(f"00A404000A{JPKI}") == (b"", 0x9000)
    assert talk.send("00A4040005D392F0002600") == (b"\x6f\x0c\x84\x0a" + aid, 0x9000)  # a part of the name will do


def test_the_short_identifier_selects_the_file(talk: Talk) -> None:
    talk.select(JPKI)
    first, status = talk.send("00B08A0010")
    assert status == 0x9000
    rest, _ = talk.send("00B0001010")
    both, _ = talk.send("00B0000020")
    assert first + rest == both
    assert talk.send("00B08A1010") == (rest, 0x9000)
    assert talk.status("00200098") == 0x63C3
    assert talk.status("00200080") == 0x63C3


def test_reading_to_the_end(world: World, talk: Talk) -> None:
    talk.select(JPKI)
    content = world.cards["employee"].jpki[0x000A]
    assert talk.read("000A") == content
    assert content[-1] == 0xFF  # the file is longer than the certificate
    size = len(content)
    assert talk.send(f"00B0{size - 4:04X}08") == (content[-4:], 0x6282)
    assert talk.send(f"00B0{size - 4:04X}00") == (content[-4:], 0x9000)
    assert talk.send(f"00B0{size - 1:04X}01") == (content[-1:], 0x9000)
    assert talk.status(f"00B0{size:04X}01") == 0x6B00
    assert talk.status("00B07FFF00") == 0x6B00


def test_other_manners_at_the_end_of_a_file(world: World) -> None:
    size = len(world.cards["employee"].jpki[0x000A])
    warn = Talk(world.card("employee", end_of_file=EndOfFile.WARN))
    exact = Talk(world.card("employee", end_of_file=EndOfFile.EXACT))
    for talk in (warn, exact):
        talk.select(JPKI)
        talk.file("000A")
    assert warn.send(f"00B0{size - 4:04X}00") == (b"\xff" * 4, 0x6282)
    assert exact.send(f"00B0{size - 4:04X}00") == (b"", 0x6C04)
    assert exact.send(f"00B0{size - 4:04X}04") == (b"\xff" * 4, 0x9000)


def test_answers_in_two_steps(world: World) -> None:
    talk = Talk(world.card("employee", chained=True))
    assert talk.select(JPKI) == 0x9000
    assert talk.file("000A") == 0x9000
    content = world.cards["employee"].jpki[0x000A]
    assert talk.send("00B0000010") == (b"", 0x6110)
    assert talk.send("00C0000020") == (b"", 0x6C10)
    assert talk.send("00C0000010") == (content[:16], 0x9000)
    assert talk.send("00C0000010") == (b"", 0x6D00)
    assert talk.send("00B0000000") == (b"", 0x6100)
    assert talk.send("00C0000000") == (content[:256], 0x9000)
    assert talk.send("00B0000000") == (b"", 0x6100)
    assert talk.send("00C00000FA") == (content[:250], 0x6106)
    assert talk.send("00C0000006") == (content[250:256], 0x9000)


def test_long_answers_in_many_steps(world: World) -> None:
    talk = Talk(world.card("employee", chained=True, extended="always"))
    talk.select(JPKI)
    content = world.cards["employee"].jpki[0x000A]
    assert talk.status("00B08A00000000") == 0x6100
    fetched, status = b"", 0x6100
    while status >> 8 == 0x61:
        data, status = talk.send(f"00C00000{status & 0xFF:02X}")
        fetched += data
    assert (fetched, status) == (content, 0x9000)


def test_challenges_differ(talk: Talk) -> None:
    talk.select(VISUAL)
    first, status = talk.send("0084000000")
    second, _ = talk.send("0084000008")
    assert (len(first), status, len(second)) == (256, 0x9000, 8)
    assert first[:8] != second


def test_data_of_a_signature_has_limits(talk: Talk) -> None:
    talk.select(JPKI)
    talk.verify("0018", "1234")
    talk.file("0017")
    assert talk.status("802A0080") == 0x6700
    assert talk.status("802A008001AA") == 0x6700  # no Le
    assert talk.status("802A008001AA10") == 0x6C00
    assert talk.status("802A0080F6" + "AA" * 246 + "00") == 0x6700
    _, status = talk.send("802A0080F5" + "AA" * 245 + "00")
    assert status == 0x9000
    assert talk.status("802A02801F" + "AA" * 31 + "00") == 0x6700


def test_another_kind_of_card(world: World) -> None:
    card = world.card("driving_licence")
    talk = Talk(card)
    assert card.atr != world.card("employee").atr
    assert talk.select(JPKI) == 0x6A82
    assert talk.select("A0000001510000") == 0x6A82
    assert card.counters == {}


def test_a_mute_card(world: World) -> None:
    card = world.card("mute")
    assert card.power_on() == b""
    assert card.process(bytes.fromhex("00200080")) == b""


def test_faults_strike_where_they_were_planned(world: World) -> None:
    plan = FaultPlan(
        [
            FaultRule(Fault(answer=b"\x6f\x00"), at=0),
            FaultRule(Fault(answer=b""), ins=0x20, times=2),
            FaultRule(Fault(pull=True), at=5),
        ]
    )
    talk = Talk(world.card("employee", faults=FaultPlan.from_json(plan.to_json())))
    assert talk.select(JPKI) == 0x6F00
    assert talk.select(JPKI) == 0x9000
    assert talk.file("0018") == 0x9000
    assert talk.card.process(bytes.fromhex("0020008004") + b"1234") == b""
    assert talk.card.process(bytes.fromhex("00200080")) == b""
    assert talk.card.verify_count["jpki/0018"] == 0
    with pytest.raises(CardPulled):
        talk.send("00200080")
    talk.card.power_on()
    talk.select(JPKI)
    assert talk.tries("0018") == 0x63C3


def test_a_delay_ends_when_it_is_released(world: World) -> None:
    talk = Talk(world.card("employee", faults=lambda index, apdu: Fault(delay=3600)))
    talk.card.release()
    assert talk.select(JPKI) == 0x9000
