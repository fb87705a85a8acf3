"""Drawn people: repeatable, turnable, and a card photo as a card would hold it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from devices.face.models import Models
from devices.face.photo import MAX_BYTES, decode_photo
from devices.face.quality import pose
from devices.simulated.camera import Condition, SimulatedCamera
from devices.simulated.faces import FAR_SEEDS, Face, card_photo, render

SEED = FAR_SEEDS["employee"]


@pytest.fixture(scope="module")
def models() -> Models:
    return Models()


def portrait(**view: float) -> np.ndarray:
    return render(Face(SEED), (320, 320), unit=80, centre=(160, 160), **view)


def test_the_same_seed_is_the_same_person() -> None:
    assert np.array_equal(portrait(), portrait())


def test_card_photo_is_gray_jpeg_2000_of_a_card_s_size() -> None:
    photo = card_photo(SEED)
    assert len(photo) <= MAX_BYTES
    assert decode_photo(photo).shape == (320, 240)


def test_the_head_turns(models: Models) -> None:
    turns = []
    for yaw in (-14, 0, 14):
        (face,) = models.find(portrait(yaw=yaw))
        turns.append(pose(face)[0])
    assert turns[0] < turns[1] - 0.03 < turns[1] + 0.03 < turns[2]


def test_eyes_close() -> None:
    """Closed lids hide iris and white: the eye region loses its contrast."""
    traits = Face(SEED).traits
    x, y = 160 + int(80 * traits.eye_apart), 160 + int(80 * traits.eye_height)
    eye = np.s_[y - 5 : y + 5, x - 10 : x + 10]
    assert portrait(blink=1.0)[eye].std() < portrait(blink=0.0)[eye].std() * 0.75


def test_less_light_is_darker() -> None:
    assert portrait(light=0.4).mean() < portrait().mean() * 0.6


def test_seeds_of_the_personas_differ() -> None:
    assert len(set(FAR_SEEDS.values())) == len(FAR_SEEDS) >= 10


def test_unknown_condition_is_refused() -> None:
    with pytest.raises(ValueError, match="fog"):
        SimulatedCamera().set_condition("fog")
    assert Condition("two people") is Condition.TWO_PEOPLE


def test_card_photo_survives_an_independent_decoder() -> None:
    decoded = cv2.imdecode(np.frombuffer(card_photo(SEED), np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert np.abs(decoded.astype(int) - decode_photo(card_photo(SEED))).max() <= 1
