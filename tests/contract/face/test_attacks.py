"""Pictures of a face before the camera, through exactly the attempt of the kiosk, on a clock of the test."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from devices.face.attempt import Attempt, Limits
from devices.face.liveness import Liveness, LivenessSettings, Mode
from devices.face.template import Engine, load_engine
from devices.ports import FaceBand, FaceDecided, FaceGuidance, FaceHint, FacePresence, Image
from devices.simulated.faces import card_photo
from tests.contract.face.booth import live

OWNER = 22
PERIOD = 0.1


@functools.cache
def engine() -> Engine:
    return load_engine({})


class Sitting:
    """One attempt and what it says; the clock goes on by `PERIOD` with every picture."""

    def __init__(self, mode: Mode, draw: int = 1) -> None:
        self.hints: list[FaceHint] = []
        liveness = Liveness(LivenessSettings(mode), random.Random(draw))
        enrolled = engine().enrol(card_photo(OWNER))
        self.attempt = Attempt(1, engine(), Limits(), enrolled, self._say, 0.0, liveness)
        self.now = 0.0
        self._noise = np.random.default_rng(draw)

    def _say(self, guidance: FaceGuidance) -> None:
        self.hints.append(guidance.hint)

    def see(self, picture: Callable[[float], Image], seconds: float = 20.0) -> FaceDecided:
        end = self.now + seconds
        while self.now < end:
            image = picture(self.now).copy()
            image[::4, ::4] ^= self._noise.integers(0, 4, image[::4, ::4].shape, np.uint8)
            self.attempt.look(image, self.now)
            if self.attempt.over(self.now):
                return self.attempt.decide()
            self.now += PERIOD
        raise AssertionError("the attempt does not end")


def person(at: float) -> Image:
    pictures = live(OWNER)
    return pictures[int(at / PERIOD) % len(pictures)]


def print_out(yaw: float) -> Image:
    """A photo on paper, turned about its upright axis."""
    image, far = live(OWNER)[0], 900.0
    turn = math.radians(yaw)
    lens = np.array([[far, 0, 320], [0, far, 240], [0, 0, 1]])
    pose = np.array([[math.cos(turn), 0, 0], [0, 1, 0], [-math.sin(turn), 0, far]])
    return np.asarray(
        cv2.warpPerspective(
            image, lens @ pose @ np.array([[1.0, 0, -320], [0, 1, -240], [0, 0, 1]]), (640, 480), borderMode=1
        ),
        np.uint8,
    )


def test_a_person_who_stands_there_is_accepted() -> None:
    decided = Sitting(Mode.PASSIVE).see(person)
    assert (decided.band, decided.presence) == (FaceBand.ACCEPT, FacePresence.LIVE)


def test_a_picture_that_is_turned_ends_the_face_check() -> None:
    sitting = Sitting(Mode.PASSIVE)
    decided = sitting.see(lambda at: print_out(25.0 * math.sin(3.0 * at)))
    assert decided.presence is FacePresence.ATTACK
    assert decided.band is not FaceBand.ACCEPT


@pytest.mark.parametrize("draw", range(4))
def test_a_picture_does_not_answer_the_challenge(draw: int) -> None:
    sitting = Sitting(Mode.CHALLENGE, draw)
    decided = sitting.see(lambda at: print_out(25.0 * math.sin(1.5 * max(0.0, at - 1.5))))
    assert decided.presence is FacePresence.ATTACK
    assert set(sitting.hints) & {FaceHint.TURN_LEFT, FaceHint.TURN_RIGHT, FaceHint.BLINK}


def test_without_the_challenge_answered_nobody_is_accepted() -> None:
    decided = Sitting(Mode.CHALLENGE).see(lambda at: live(OWNER)[0])
    assert decided.presence is FacePresence.ATTACK
    assert decided.band is not FaceBand.ACCEPT


def test_the_same_picture_passes_when_nothing_is_judged() -> None:
    decided = Sitting(Mode.OFF).see(lambda at: print_out(25.0 * math.sin(1.5 * at)))
    assert decided.band is FaceBand.ACCEPT


def test_a_face_that_takes_the_place_of_another_is_none() -> None:
    """The first of three pictures is of the card's owner, the others are not."""
    strangers = live(88)
    sitting = Sitting(Mode.PASSIVE)
    decided = sitting.see(lambda at: person(at) if at < 0.5 else strangers[int(at / PERIOD) % len(strangers)])
    assert decided.band is not FaceBand.ACCEPT
