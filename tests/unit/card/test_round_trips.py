"""How few commands a file costs, and that no card is lost that knows only the longer forms."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.card import jpki, tlv, visual
from devices.card.capability import Reach, announced, historical_bytes
from devices.card.channel import CHUNK, LONG_CHUNK, CardChannel
from devices.card.profile import MY_NUMBER_CARD
from devices.errors import CardProtocol, CardRemoved, DeviceError, PinBlocked, PinWrong
from devices.secret import SecretBytes
from tests.helpers.cards import Direct, channel, person, personas, world

JPKI = MY_NUMBER_CARD.jpki


def issuers() -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(world().auth_ca)]


def reads(length: int) -> int:
    return max(1, math.ceil(length / CHUNK))


def pin() -> SecretBytes:
    return SecretBytes(personas()["employee"].pin.encode())


def number() -> SecretBytes:
    return SecretBytes(personas()["employee"].number_b.encode())


def nothing(done: int, total: int) -> None:
    pass


# --- how many ------------------------------------------------------------------------------------------------------


def test_identity_costs_one_selection_the_label_and_the_certificate() -> None:
    card, direct = channel(world().card("employee"))
    jpki.read_identity(card, issuers())
    assert len(direct.sent) == 2 + reads(len(person("employee").auth_certificate))


def test_tries_and_signature_cost_one_command_each() -> None:
    card, direct = channel(world().card("employee"))
    identity = jpki.read_identity(card, issuers())
    direct.sent.clear()
    assert (jpki.pin_tries(card), visual.number_tries(card)) == (3, 10)
    assert len(direct.sent) == 3  # one of them selects the card-face application
    direct.sent.clear()
    jpki.sign(card, identity.key, pin(), b"message")
    assert len(direct.sent) == 5


def test_card_face_costs_its_length_and_six() -> None:
    card, direct = channel(world().card("employee"))
    visual.read_face(card, number(), b"message", None, nothing)
    face = tlv.total_of(0xFF20)(person("employee").visual[0x0002])
    cv = tlv.total_of(0x7F21)(person("employee").visual[0x0004])
    assert len(direct.sent) == 5 + reads(face) + reads(cv)


# --- cards that do not know the short forms ------------------------------------------------------------------------


class Older(Direct):
    """Refuses short file identifiers of some commands with `status`."""

    def __init__(self, status: int, instructions: frozenset[int]) -> None:
        super().__init__(world().card("employee"))
        self._status = status.to_bytes(2)
        self._instructions = instructions

    def transmit(self, command: bytes | bytearray) -> bytes:
        reference = command[2] if command[1] == 0xB0 else command[3]
        short = reference & 0x80 and reference != 0x80 and command[1] in (0xB0, 0x20, 0x2A)
        if short and command[1] in self._instructions:
            self.sent.append(bytes(command))
            return self._status
        return super().transmit(command)


@pytest.mark.parametrize("status", [0x6A82, 0x6A86, 0x6A81, 0x6B00, 0x6985, 0x6986, 0x6D00, 0x6700, 0x6F00, 0x6A88])
@pytest.mark.parametrize("instructions", [{0xB0, 0x20, 0x2A}, {0xB0}, {0x20}, {0x2A}])
def test_a_card_without_short_identifiers_is_used_as_well(status: int, instructions: set[int]) -> None:
    older = Older(status, frozenset(instructions))
    card = CardChannel(older)
    identity = jpki.read_identity(card, issuers())
    assert identity.token == "card"
    assert (jpki.pin_tries(card), visual.number_tries(card)) == (3, 10)
    assert jpki.sign(card, identity.key, pin(), b"message")
    face = visual.read_face(card, number(), b"message", None, nothing)
    assert face.intact
    assert face.clone_checked
    assert older.card.verify_count["jpki/0018"] == 1
    assert older.card.verify_count["visual/0012"] == 1


@pytest.mark.parametrize("instructions", [{0xB0, 0x20, 0x2A}, set()])
def test_a_wrong_pin_costs_one_try_in_either_form(instructions: set[int]) -> None:
    older = Older(0x6A86, frozenset(instructions))
    card = CardChannel(older)
    identity = jpki.read_identity(card, issuers())
    for left in (2, 1):
        with pytest.raises(PinWrong) as caught:
            jpki.sign(card, identity.key, SecretBytes(b"9999"), b"message")
        assert caught.value.tries_left == left
    with pytest.raises(PinBlocked):
        jpki.sign(card, identity.key, SecretBytes(b"9999"), b"message")
    with pytest.raises(PinBlocked):
        jpki.sign(card, identity.key, pin(), b"message")
    assert older.card.verify_count["jpki/0018"] == 3


@pytest.mark.parametrize("status", [0x6A82, 0x6A86, 0x6985, 0x6986, 0x6D00, 0x6700, 0x6F00, 0x6C04, 0x6104])
@pytest.mark.parametrize("number_too", [False, True])
def test_verify_is_sent_once_whatever_it_hears(status: int, number_too: bool) -> None:
    """Also when the counter was told in the same form before."""

    class Odd(Direct):
        def transmit(self, command: bytes | bytearray) -> bytes:
            if command[1] == 0x20 and len(command) > 4:
                self.sent.append(bytes(command))
                return status.to_bytes(2)
            return super().transmit(command)

    odd = Odd(world().card("employee"))
    card = CardChannel(odd)
    identity = jpki.read_identity(card, issuers())

    def work() -> object:
        if number_too:
            return visual.read_face(card, number(), b"message", None, nothing)
        return jpki.sign(card, identity.key, pin(), b"message")

    with pytest.raises(DeviceError):
        work()
    assert len([sent for sent in odd.sent if sent[1] == 0x20 and len(sent) > 4]) == 1
    assert odd.sent[-1].endswith(MY_NUMBER_CARD.leave)


def test_verify_has_the_form_in_which_the_counter_was_told() -> None:
    """Were it the other way round, the first refusal could be one of a PIN."""
    older = Older(0x6A86, frozenset({0x20}))
    card = CardChannel(older)
    jpki.sign(card, jpki.read_identity(card, issuers()).key, pin(), b"message")
    assert [sent.hex()[:8] for sent in older.sent if sent[1] == 0x20] == ["00200098", "00200080", "00200080"]


# --- extended length -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("atr", "reach"),
    [
        ("3BE000FF8131FE4514", Reach.SHORT),  # no historical bytes
        ("3BC5FF8131FB458073C6010000", Reach.SHORT),  # capabilities without extended length
        ("3BDA13FF8131FB468012392F31C173C601C03B", Reach.UNPROVEN),
        ("3B888001000005E0B381A1007F", Reach.SHORT),  # contactless, made by the reader
        ("3B", Reach.SHORT),
        ("", Reach.SHORT),
        ("3BDA13FF8131FB468012392F31C173C601", Reach.SHORT),  # cut off
        ("3B080073C601C0900000", Reach.UNPROVEN),  # category 00, with a status indicator
        ("3B060073C601C090", Reach.SHORT),  # ... which the object would reach into
        ("3B058173C601C0", Reach.SHORT),  # a category of its own
    ],
)
def test_what_the_historical_bytes_announce(atr: str, reach: Reach) -> None:
    assert announced(bytes.fromhex(atr)) is reach


@given(st.binary(max_size=40))
def test_any_bytes_are_an_atr(atr: bytes) -> None:
    assert announced(atr) in (Reach.SHORT, Reach.UNPROVEN)
    assert len(historical_bytes(atr)) in (0, atr[1] & 0x0F if len(atr) > 1 else 0)


class Long:
    """One file; extended READ BINARY is answered by `extended(offset, le, true answer)`."""

    def __init__(self, size: int, extended: Callable[[int, int, bytes], bytes]) -> None:
        self.content = b"\x30\x82" + size.to_bytes(2) + bytes(index % 251 for index in range(size))
        self.sent: list[bytes] = []
        self._extended = extended

    def transmit(self, command: bytes | bytearray) -> bytes:
        self.sent.append(bytes(command))
        if command[1] != 0xB0:
            return b"\x90\x00"
        offset = command[3] if command[2] & 0x80 else int.from_bytes(command[2:4])
        if len(command) == 7:
            le = int.from_bytes(command[5:7])
            return self._extended(offset, le, self.content[offset : offset + le] + b"\x90\x00")
        return self.content[offset : offset + (command[4] or 256)] + b"\x90\x00"


def read(long: Long, reach: Reach, *, prove: bool) -> CardChannel:
    card = CardChannel(long, reach=reach)
    card.select_application(JPKI)
    content = card.read_file(MY_NUMBER_CARD.certificate, tlv.total_of(0x30), prove=prove)
    assert content is not None
    assert bytes(content) == long.content
    return card


def works(offset: int, le: int, answer: bytes) -> bytes:
    return answer


@settings(max_examples=40)
@given(st.integers(4, 20000))
def test_a_long_file_in_the_fewest_reads(size: int) -> None:
    long = Long(size, works)
    card = read(long, Reach.UNPROVEN, prove=True)
    rest = max(0, len(long.content) - CHUNK)
    assert len(long.sent) - 2 == (math.ceil(rest / LONG_CHUNK) if rest > CHUNK else rest > 0)
    assert card.reach is (Reach.PROVEN if rest > CHUNK else Reach.UNPROVEN)


@pytest.mark.parametrize(
    "extended",
    [
        lambda offset, le, answer: b"\x67\x00",
        lambda offset, le, answer: b"\x6d\x00",
        lambda offset, le, answer: b"\x90\x00",
        lambda offset, le, answer: answer[:100] + b"\x62\x82",
        lambda offset, le, answer: answer[:256] + b"\x90\x00",  # cut by the reader
        lambda offset, le, answer: b"\x6c\x00",
    ],
)
def test_a_card_that_announces_too_much(extended: Callable[[int, int, bytes], bytes]) -> None:
    long = Long(9000, extended)
    card = read(long, Reach.UNPROVEN, prove=True)
    assert card.reach is Reach.REFUTED
    assert len([sent for sent in long.sent if len(sent) == 7]) == 1
    again = Long(9000, extended)
    read(again, card.reach, prove=True)
    assert [len(sent) for sent in again.sent if len(sent) == 7] == []


def test_a_trial_that_breaks_the_link_shows_as_one() -> None:
    def fails(offset: int, le: int, answer: bytes) -> bytes:
        raise CardRemoved("PC/SC 0x80100016")

    card = CardChannel(Long(9000, fails), reach=Reach.UNPROVEN)
    card.select_application(JPKI)
    with pytest.raises(CardRemoved):
        card.read_file(MY_NUMBER_CARD.certificate, tlv.total_of(0x30), prove=True)
    assert card.reach is Reach.ON_TRIAL


def test_nothing_is_tried_out_where_it_must_not_fail() -> None:
    """After a PIN or a number was verified a lost card would cost the patient another try."""
    long = Long(9000, works)
    assert read(long, Reach.UNPROVEN, prove=False).reach is Reach.UNPROVEN
    assert all(len(sent) != 7 for sent in long.sent)
    assert read(Long(9000, works), Reach.PROVEN, prove=False).reach is Reach.PROVEN


# --- bounds --------------------------------------------------------------------------------------------------------


def test_a_file_in_crumbs_is_given_up() -> None:
    class Crumbs(Long):
        def transmit(self, command: bytes | bytearray) -> bytes:
            answer = super().transmit(command)
            return answer if command[1] != 0xB0 or command[2] & 0x80 else answer[:1] + b"\x90\x00"

    crumbs = Crumbs(0x7000, works)
    card = CardChannel(crumbs)
    card.select_application(JPKI)
    with pytest.raises(CardProtocol, match="crumbs"):
        card.read_file(MY_NUMBER_CARD.certificate, tlv.total_of(0x30))
    assert len(crumbs.sent) < 600


@settings(deadline=None)
@given(st.lists(st.binary(max_size=5000), max_size=40), st.sampled_from(list(Reach)))
def test_any_card_of_any_reach_gives_a_result_or_a_typed_error(answers: list[bytes], reach: Reach) -> None:
    class Script:
        def __init__(self) -> None:
            self.left = [*answers]

        def transmit(self, command: bytes | bytearray) -> bytes:
            return self.left.pop(0) if self.left else b"\x6f\x00"

    card = CardChannel(Script(), reach=reach)
    for work in (
        lambda: jpki.read_identity(card, issuers()),
        lambda: visual.read_face(card, number(), b"", None, nothing),
        lambda: visual.number_tries(card),
        lambda: jpki.pin_tries(card),
    ):
        try:
            work()
        except DeviceError:
            continue
