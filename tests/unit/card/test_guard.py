"""Nothing but the listed commands reaches a card; the My Number least of all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.card import apdu
from devices.card.apdu import Command, Response
from devices.card.guard import Forbidden, Guard
from devices.card.profile import MY_NUMBER_CARD

JPKI, VISUAL, LEAVE = MY_NUMBER_CARD.jpki, MY_NUMBER_CARD.visual, MY_NUMBER_CARD.leave
TEXT = bytes.fromhex("D3921000310001010408")
OK = Response(b"", 0x9000)
READABLE = {JPKI: {0x0006, 0x000A, 0x000B}, VISUAL: {0x0002, 0x0004}, LEAVE: set()}
PINS = {JPKI: {0x0018}, VISUAL: {0x0012}, LEAVE: set()}
KEYS = {JPKI: {0x0017}, VISUAL: set(), LEAVE: set()}


def guard_in(aid: bytes) -> Guard:
    guard = Guard(MY_NUMBER_CARD)
    select = apdu.select_application(aid)
    guard.check(select)
    guard.learn(select, OK)
    return guard


def allowed(guard: Guard, command: Command) -> bool:
    try:
        guard.check(command)
    except Forbidden:
        return False
    return True


def at(aid: bytes, file: int) -> Guard:
    """As if the card had this file selected, however that came about."""
    guard = guard_in(aid)
    guard.learn(apdu.select_file(file), OK)
    return guard


@pytest.mark.parametrize("aid", [JPKI, VISUAL, LEAVE])
def test_files_that_may_be_selected(aid: bytes) -> None:
    guard = guard_in(aid)
    selectable = {file for file in range(0x10000) if allowed(guard, apdu.select_file(file))}
    assert selectable == READABLE[aid] | PINS[aid] | KEYS[aid]


@pytest.mark.parametrize("aid", [JPKI, VISUAL, LEAVE])
def test_files_that_may_be_read_by_short_identifier(aid: bytes) -> None:
    guard = guard_in(aid)
    read = {p1 for p1 in range(0x80, 0x100) if allowed(guard, Command(0, 0xB0, p1, 0, le=256))}
    assert read == {0x80 | file for file in READABLE[aid]}


@pytest.mark.parametrize("aid", [JPKI, VISUAL, LEAVE])
def test_pins_that_may_be_verified_by_short_identifier(aid: bytes) -> None:
    guard = guard_in(aid)
    verified = {p2 for p2 in range(0x100) if allowed(guard, Command(0, 0x20, 0, p2, b"1234"))}
    assert verified == {0x80 | file for file in PINS[aid]}


@pytest.mark.parametrize("aid", [JPKI, VISUAL, LEAVE])
def test_current_file_decides(aid: bytes) -> None:
    for file in range(0x100):
        guard = at(aid, file)
        assert allowed(guard, apdu.read_binary(0, 256)) == (file in READABLE[aid])
        assert allowed(guard, apdu.tries_query()) == (file in PINS[aid])
        assert allowed(guard, apdu.compute_signature(b"x")) == (file in KEYS[aid])


def test_my_number_has_no_way() -> None:
    """券面 EF 0005 and its PIN 0013, and the whole text application."""
    guard = guard_in(VISUAL)
    assert not allowed(guard, apdu.select_file(0x0005))
    assert not allowed(guard, apdu.select_file(0x0013))
    assert not allowed(guard, Command(0, 0xB0, 0x85, 0, le=256))
    assert not allowed(guard, Command(0, 0x20, 0, 0x93, b"1"))
    assert not allowed(Guard(MY_NUMBER_CARD), apdu.select_application(TEXT))


def test_beginning_of_an_identifier_is_not_enough() -> None:
    guard = Guard(MY_NUMBER_CARD)
    for aid in (JPKI, VISUAL, LEAVE):
        assert allowed(guard, apdu.select_application(aid))
        assert not any(allowed(guard, apdu.select_application(aid[:size])) for size in range(len(aid)))
        assert not allowed(guard, apdu.select_application(aid + b"\0"))


def test_unknown_state_refuses() -> None:
    guard = Guard(MY_NUMBER_CARD)
    for command in (apdu.select_file(0x000A), apdu.read_binary(0, 1), apdu.tries_query(), apdu.get_response(1)):
        assert not allowed(guard, command)


@pytest.mark.parametrize("answer", [None, Response(b"", 0x6A82), Response(b"", 0x6F00)])
def test_selection_that_did_not_succeed_makes_the_state_unknown(answer: Response | None) -> None:
    guard = guard_in(JPKI)
    guard.learn(apdu.select_application(VISUAL), answer)
    assert not allowed(guard, apdu.select_file(0x000A))
    assert not allowed(guard, apdu.select_file(0x0002))


def test_lost_answer_makes_the_state_unknown() -> None:
    guard = at(JPKI, 0x000A)
    guard.learn(apdu.read_binary(0, 256), None)
    assert not allowed(guard, apdu.read_binary(0, 256))
    assert not allowed(guard, apdu.select_file(0x000A))


def test_failed_file_selection_leaves_no_current_file() -> None:
    guard = at(JPKI, 0x000A)
    guard.learn(apdu.select_file(0x000B), Response(b"", 0x6A82))
    assert not allowed(guard, apdu.read_binary(0, 256))


def test_short_identifier_changes_the_current_file() -> None:
    guard = at(JPKI, 0x0018)
    guard.learn(Command(0, 0xB0, 0x8A, 0, le=256), OK)
    assert allowed(guard, apdu.read_binary(0, 256))
    assert not allowed(guard, apdu.tries_query())


def test_card_key_signs_in_the_card_face_application_only() -> None:
    assert allowed(guard_in(VISUAL), apdu.internal_authenticate(b"x"))
    assert not allowed(guard_in(JPKI), apdu.internal_authenticate(b"x"))
    assert not allowed(Guard(MY_NUMBER_CARD), apdu.internal_authenticate(b"x"))


def _known_forms() -> Iterator[tuple[int, int]]:
    yield from ((0x00, 0xA4), (0x00, 0xB0), (0x00, 0x20), (0x00, 0xC0), (0x80, 0x2A))


@pytest.mark.parametrize("aid", [JPKI, VISUAL, LEAVE])
def test_every_other_class_and_instruction_is_refused(aid: bytes) -> None:
    known = set(_known_forms())
    for file in (0x0002, 0x000A, 0x0012, 0x0018):
        guard = at(aid, file)
        for cla in range(0x100):
            for ins in range(0x100):
                if (cla, ins) not in known:
                    assert not allowed(guard, Command(cla, ins, 0x00, 0x80, b"12"))


@given(
    st.sampled_from([None, JPKI, VISUAL, LEAVE]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=16),
    st.none() | st.integers(1, 256),
)
def test_refusal_tells_no_data(
    aid: bytes | None, cla: int, ins: int, p1: int, p2: int, data: bytes, le: int | None
) -> None:
    guard = Guard(MY_NUMBER_CARD) if aid is None else guard_in(aid)
    command = Command(cla, ins, p1, p2, data, le)
    if not allowed(guard, command):
        with pytest.raises(Forbidden) as caught:
            guard.check(command)
        assert len(data) < 4 or ins == 0xA4 or data.hex() not in str(caught.value)
