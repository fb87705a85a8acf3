"""One person from end to end: what the descriptors of a challenge may be apart."""

from __future__ import annotations

import random

import numpy as np
import pytest

from devices.face.liveness import Liveness, LivenessSettings, Mode, Verdict
from devices.face.models import Descriptor


def faces(number: int, away: float = 0.0) -> list[Descriptor]:
    """Descriptors of one face, `away` from that of the others."""
    draw = np.random.default_rng(5)
    middle = np.zeros(128)
    middle[0] = away
    return [middle + draw.normal(0, 0.01, 128) for _ in range(number)]


def challenged() -> Liveness:
    return Liveness(LivenessSettings(mode=Mode.CHALLENGE), random.Random(1))


@pytest.mark.parametrize(("away", "same"), [(0.0, True), (0.2, True), (0.4, False)])
def test_who_looks_straight_later_is_who_was_compared(away: float, same: bool) -> None:
    """Another face that took over with the first movement was let in (#5: 1 of 300): as far away as 0.47."""
    liveness = challenged()
    assert liveness.same_person(faces(3), (), faces(7, away)) is same
    assert (liveness.verdict(1.0) is Verdict.ATTACK) is not same


def test_one_later_face_beside_its_points_is_no_other_person() -> None:
    assert challenged().same_person(faces(3), (), [*faces(4), *faces(1, 0.6)])


def test_turned_faces_may_be_further_away() -> None:
    assert challenged().same_person(faces(3), faces(2, 0.38), faces(4))
    assert not challenged().same_person(faces(3), faces(2, 0.5), faces(4))
