"""Depth told from points alone: a rough head, half a head and a sheet are turned before a pinhole camera."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devices.face.liveness.patch import CENTRE, SPAN, Points
from devices.face.liveness.solid import Surface, distance

FAR = 8.0  # eye distances from the camera
RNG = np.random.default_rng(5)
POINTS = np.column_stack([RNG.uniform(-0.8, 0.8, 60), RNG.uniform(-0.4, 1.3, 60)])


def head(flat: np.ndarray, share: float) -> np.ndarray:
    """Depth of another rough head than the judge's: a paraboloid and a wedge of a nose."""
    x, y = flat[:, 0], flat[:, 1]
    nose = np.clip(0.35 - 1.6 * np.abs(x), 0, None) * np.clip(y / 0.6, 0, 1) * (y < 0.75)
    return share * (1.0 - 0.45 * x**2 - 0.15 * (y - 0.35) ** 2 + nose)


def seen(share: float, yaw: float, noise: float = 0.0) -> Points:
    """Where the points are in the patch, `yaw` degrees to the person's left."""
    depth = head(POINTS, share)
    a = math.radians(yaw)
    x = POINTS[:, 0] * math.cos(a) + depth * math.sin(a)
    z = depth * math.cos(a) - POINTS[:, 0] * math.sin(a)
    scale = FAR / (FAR - z + depth.mean())
    places = np.column_stack([x, POINTS[:, 1]]) * scale[:, None]
    places += np.random.default_rng(1).normal(0, noise, places.shape)
    return np.asarray(places * SPAN + CENTRE, np.float32)


def share(depth: float, yaw: float, noise: float = 0.0) -> float:
    fitted = Surface(seen(depth, 0.0)).fit(seen(depth, yaw, noise), np.ones(60, np.bool_), FAR)
    assert fitted is not None
    return fitted[0].shift / math.sin(math.radians(yaw))


@pytest.mark.parametrize("yaw", [-30.0, -20.0, 20.0, 30.0])
def test_a_head_has_depth_half_of_it_has_half_and_a_sheet_has_none(yaw: float) -> None:
    assert share(1.0, yaw) == pytest.approx(1.0, abs=0.25)
    assert share(0.5, yaw) == pytest.approx(0.5, abs=0.15)
    assert abs(share(0.0, yaw)) < 0.08


def test_the_turn_is_told_from_the_foreshortening() -> None:
    for yaw in (20.0, 30.0):
        fitted = Surface(seen(1.0, 0.0)).fit(seen(1.0, yaw, 0.005), np.ones(60, np.bool_), FAR)
        assert fitted is not None
        assert math.degrees(math.asin(fitted[0].turned)) == pytest.approx(yaw, abs=6)


def test_points_that_went_astray_are_given_their_place_and_do_not_count() -> None:
    there = seen(1.0, 20.0)
    astray = there.copy()
    astray[:9] += 25
    found = np.ones(60, np.bool_)
    fitted = Surface(seen(1.0, 0.0)).fit(astray, found, FAR)
    assert fitted is not None
    assert np.abs(fitted[1] - there).max() < 3.0  # pixels


def test_too_few_points_say_nothing() -> None:
    found = np.zeros(60, np.bool_)
    found[:20] = True
    assert Surface(seen(1.0, 0.0)).fit(seen(1.0, 20.0), found, FAR) is None


def test_the_distance_is_that_of_a_usual_camera() -> None:
    assert distance(640, 80.0) == pytest.approx(6.8)
