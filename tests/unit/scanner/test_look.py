"""One scanner over drawn cards: sides told before anything is read, numbers accepted from frames that differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from devices.ports import Image, ScanHint
from devices.scanner import Outcome, Scanner, Side
from devices.simulated.printed.other import OtherKind
from devices.simulated.printed.shot import shoot
from devices.simulated.printed.sides import back, front
from tests.helpers import printed_cards as cards


class Desk:
    """A scanner, and what entered its recogniser."""

    def __init__(self) -> None:
        self.read: list[Image] = []
        self.scanner = Scanner(today=lambda: cards.TODAY, seen=lambda line: self.read.append(line.copy()))
        self._at = 0.0

    def show(self, images: Iterable[Image], step: float = 0.2) -> list[Outcome]:
        outcomes = []
        for image in images:
            self._at += step
            before = image.copy()
            outcomes.append(self.scanner.look(image, self._at))
            assert np.array_equal(image, before), "the caller's frame was changed"
        return outcomes


@pytest.fixture(scope="module")
def _desk() -> Desk:
    return Desk()


@pytest.fixture
def desk(_desk: Desk) -> Desk:
    _desk.scanner.forget()
    _desk.read.clear()
    return _desk


def number(outcomes: list[Outcome]) -> bytes | None:
    return next((bytes(outcome.number) for outcome in outcomes if outcome.number is not None), None)


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "upside down"])
def test_a_front_is_read_from_two_frames(desk: Desk, turned: bool) -> None:
    outcomes = desk.show(cards.fronts(turned)[:2])
    assert [outcome.side for outcome in outcomes] == [Side.FRONT, Side.FRONT]
    assert outcomes[0].number is None
    assert outcomes[0].raw == cards.NUMBER
    assert outcomes[1].number == cards.NUMBER
    assert outcomes[1].hint is ScanHint.READING


@pytest.mark.parametrize("rotation", [33, 270])
def test_a_card_is_read_however_it_is_turned(desk: Desk, rotation: float) -> None:
    sheet = front(cards.SPECIMEN, 2)
    shots = cards.poses(replace(cards.PLAIN, width=660, rotation=rotation, y=10), 3)
    assert number(desk.show(shoot(sheet, shot) for shot in shots)) == cards.NUMBER


@pytest.mark.parametrize("direction", [45, 200])
def test_a_card_is_read_at_a_tilt_of_fifteen_degrees(desk: Desk, direction: float) -> None:
    sheet = front(cards.SPECIMEN, 3)
    shots = cards.poses(replace(cards.PLAIN, tilt=15.0, direction=direction, rotation=8.0), 3)
    assert number(desk.show(shoot(sheet, shot) for shot in shots)) == cards.NUMBER


def test_a_card_that_lies_dead_still_is_never_accepted(desk: Desk) -> None:
    outcomes = desk.show(cards.still_fronts() * 2)
    assert number(outcomes) is None
    assert all(outcome.raw == cards.NUMBER for outcome in outcomes)
    assert [outcome.hint for outcome in outcomes[:3]] == [ScanHint.READING, ScanHint.READING, ScanHint.STILL]


def test_a_card_that_lay_still_is_read_when_it_is_moved(desk: Desk) -> None:
    still = desk.show(cards.still_fronts())
    assert still[-1].hint is ScanHint.STILL
    moved = desk.show(cards.fronts()[1:3])
    assert number(moved) == cards.NUMBER
    assert ScanHint.STILL not in [outcome.hint for outcome in moved if outcome.number is not None]


def test_the_same_frame_again_and_again_is_never_accepted(desk: Desk) -> None:
    assert number(desk.show([cards.fronts()[0]] * 5)) is None


@pytest.mark.parametrize(("rotation", "tilt"), [(0, 0.0), (180, 15.0), (17, 15.0), (90, 0.0), (222, 15.0)])
def test_nothing_of_a_back_is_read(desk: Desk, rotation: float, tilt: float) -> None:
    shot = replace(cards.PLAIN, width=660, tilt=tilt, direction=rotation + 40, rotation=rotation)
    outcomes = desk.show(shoot(back(run), replace(shot, seed=run, table=run)) for run in range(3))
    assert [outcome.side for outcome in outcomes] == [Side.BACK] * 3
    assert [outcome.hint for outcome in outcomes] == [ScanHint.FACE_DOWN] * 3
    assert desk.read == []


def test_a_back_forgets_the_front_before_it(desk: Desk) -> None:
    desk.show(cards.fronts()[:1])
    desk.show(cards.backs()[:1])
    assert number(desk.show(cards.fronts()[1:2])) is None
    assert number(desk.show(cards.fronts()[2:3])) == cards.NUMBER


@pytest.mark.parametrize("kind", OtherKind)
def test_nothing_of_other_cards_is_read(desk: Desk, kind: OtherKind) -> None:
    outcomes = desk.show(cards.others(kind))
    assert {outcome.side for outcome in outcomes} <= {Side.OTHER, Side.UNCLEAR, None}
    nothing = (ScanHint.NO_CARD,) if kind is OtherKind.BLANK_CARD else ()
    assert outcomes[-1].hint in (ScanHint.OTHER_CARD, ScanHint.UNCLEAR, *nothing)
    assert desk.read == []


def test_other_cards_are_named_once_they_lie_there(desk: Desk) -> None:
    hints = [outcome.hint for outcome in desk.show(cards.others(OtherKind.DRIVING_LICENCE))]
    assert hints == [ScanHint.UNCLEAR, ScanHint.OTHER_CARD, ScanHint.OTHER_CARD]


def test_an_empty_table_is_no_card(desk: Desk) -> None:
    assert {outcome.hint for outcome in desk.show(cards.empty_tables())} == {ScanHint.NO_CARD}


def test_a_dark_room_is_unclear(desk: Desk) -> None:
    dark = [shoot(front(cards.SPECIMEN, 1), replace(cards.PLAIN, light=0.05))]
    assert [outcome.hint for outcome in desk.show(dark)] == [ScanHint.UNCLEAR]
    assert desk.read == []


def test_a_lamp_on_the_code_is_unclear_after_a_while(desk: Desk) -> None:
    outcomes = desk.show(cards.glaring_fronts())
    assert number(outcomes) is None
    assert outcomes[-1].hint is ScanHint.UNCLEAR


def test_another_card_in_its_place_is_not_mixed_with_the_first(desk: Desk) -> None:
    second = replace(cards.SPECIMEN, code="7731")
    shots = cards.poses(count=2)
    mixed = [shoot(front(card, 1), shot) for card, shot in zip((cards.SPECIMEN, second), shots, strict=True)]
    assert number(desk.show(mixed)) is None


def test_a_card_that_went_away_is_forgotten(desk: Desk) -> None:
    desk.show(cards.fronts()[:1])
    desk.show(cards.empty_tables(), step=0.5)
    assert number(desk.show(cards.fronts()[1:2])) is None


def test_only_three_lines_of_a_front_are_read(desk: Desk) -> None:
    """Each line twice, and none of them wider than its box: name, address and photo have no way in."""
    desk.show(cards.fronts()[:1])
    assert len(desk.read) == 6
    for line in desk.read:
        height, width = line.shape
        assert height < 6.0 * 12
        assert width < 42 * 12 * 1.4


@pytest.mark.parametrize("shape", [(1, 1), (4, 9000), (720, 3), (90, 160)])
def test_pictures_of_any_shape_are_looked_at(desk: Desk, shape: tuple[int, int]) -> None:
    draw = np.random.default_rng(1)
    for image in (np.zeros((*shape, 3), np.uint8), draw.integers(0, 255, (*shape, 3), np.uint8)):
        assert desk.show([image])[0].number is None
    assert desk.read == []


def test_an_outcome_shows_nothing_and_is_overwritten(desk: Desk) -> None:
    outcome = desk.show(cards.fronts()[:2])[1]
    assert cards.NUMBER.decode() not in repr(outcome)
    outcome.wipe()
    assert outcome.raw is not None
    assert not any(outcome.raw)
    assert outcome.number is not None
    assert not any(outcome.number)
