"""Two frames that differ, and none that contradicts."""

from __future__ import annotations

import numpy as np
import pytest

from devices.scanner.agree import Agreement, Rules, Vote
from devices.scanner.reading import Reading

NUMBER, OTHER = b"55021720352285", b"55021720352286"


class Frames:
    """Votes as a camera would bring them; `step` moves the card, `noise` the pixels."""

    def __init__(self) -> None:
        self.place = 0.0
        self._draw = np.random.default_rng(3)
        self._patch = self._draw.integers(40, 200, (60, 107), np.uint8)

    def vote(
        self,
        number: bytes = NUMBER,
        *,
        step: float = 5.0,
        noise: bool = True,
        sure: float = 0.95,
        birthday: bool = True,
    ) -> Vote:
        self.place += step
        corners = np.array([[0, 0], [800, 0], [800, 500], [0, 500]], np.float64) + self.place
        patch = self._patch.copy()
        if noise:
            patch += self._draw.integers(0, 8, patch.shape, np.uint8)
        return Vote(Reading(bytearray(number), sure, birthday), corners, patch)


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def agreement() -> Agreement:
    return Agreement()


def test_two_frames_that_differ_agree(agreement: Agreement, frames: Frames) -> None:
    assert agreement.add(frames.vote()) is None
    assert agreement.add(frames.vote()) == NUMBER


def test_one_frame_never_suffices_however_sure(agreement: Agreement, frames: Frames) -> None:
    assert agreement.add(frames.vote(sure=1.0)) is None


def test_a_card_that_lies_dead_still_is_one_frame(agreement: Agreement, frames: Frames) -> None:
    assert [agreement.add(frames.vote(step=0.0)) for _ in range(20)] == [None] * 20
    assert [agreement.add(frames.vote(step=0.05)) for _ in range(20)] == [None] * 20


def test_a_card_that_lies_still_is_waited_for_until_it_moves(agreement: Agreement, frames: Frames) -> None:
    waits = []
    for vote in (frames.vote(step=0.0), frames.vote(step=0.0, sure=0.6), frames.vote(step=0.0), frames.vote(step=0.0)):
        agreement.add(vote)
        waits.append(agreement.waits)
    assert waits == [False, False, False, True]
    agreement.add(frames.vote())
    assert not agreement.waits


def test_a_picture_that_stands_still_is_one_frame_wherever_the_corners_are_found(
    agreement: Agreement, frames: Frames
) -> None:
    assert [agreement.add(frames.vote(noise=False)) for _ in range(20)] == [None] * 20


def test_a_third_that_contradicts_stands_in_the_way(agreement: Agreement, frames: Frames) -> None:
    agreement.add(frames.vote())
    agreement.add(frames.vote(OTHER, sure=0.6))
    assert agreement.add(frames.vote()) is None
    assert agreement.add(frames.vote()) is None


def test_a_contradiction_counts_as_long_as_it_is_recent(agreement: Agreement, frames: Frames) -> None:
    agreement.add(frames.vote(OTHER))
    answers = [agreement.add(frames.vote()) for _ in range(Rules().recent + 1)]
    assert answers[: Rules().recent - 1] == [None] * (Rules().recent - 1)
    assert answers[-1] == NUMBER


def test_guesses_neither_help_nor_contradict(agreement: Agreement, frames: Frames) -> None:
    agreement.add(frames.vote())
    assert agreement.add(frames.vote(OTHER, sure=0.3)) is None
    assert len(agreement) == 1
    assert agreement.add(frames.vote()) == NUMBER


def test_readings_that_are_not_sure_enough_do_not_add_up(agreement: Agreement, frames: Frames) -> None:
    assert [agreement.add(frames.vote(sure=0.6)) for _ in range(6)] == [None] * 6


def test_without_the_birthday_in_the_expiry_a_third_frame_is_needed(agreement: Agreement, frames: Frames) -> None:
    assert agreement.add(frames.vote(birthday=False)) is None
    assert agreement.add(frames.vote(birthday=False)) is None
    assert agreement.add(frames.vote(birthday=False)) == NUMBER


def test_what_was_read_is_overwritten(agreement: Agreement, frames: Frames) -> None:
    votes = [frames.vote(step=0.0) for _ in range(Rules().recent + 2)]
    weak = frames.vote(sure=0.1)
    for vote in (*votes, weak):
        agreement.add(vote)
    agreement.forget()
    assert len(agreement) == 0
    for vote in (*votes, weak):
        assert not any(vote.reading.digits)
        assert not vote.patch.any()
