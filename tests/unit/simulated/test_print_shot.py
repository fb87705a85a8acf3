"""What the camera sees of a print: where the card lies, and what each kind of trouble does to the picture."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest

from devices.simulated.printed.shot import HEIGHT, TABLES, WIDTH, Glare, Hand, Shot, corners, shoot
from devices.simulated.printed.sides import back

FLAT = back(1)
PLAIN = Shot(noise=0.0)


def difference(one: Shot, other: Shot) -> float:
    return float(np.abs(shoot(FLAT, one).astype(int) - shoot(FLAT, other).astype(int)).mean())


def sharpness(shot: Shot) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(shoot(FLAT, shot), cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def test_same_shot_same_picture_another_seed_other_noise() -> None:
    one = shoot(FLAT, Shot(seed=1))
    assert (one.shape, one.dtype) == ((HEIGHT, WIDTH, 3), np.dtype(np.uint8))
    assert np.array_equal(one, shoot(FLAT, Shot(seed=1)))
    assert not np.array_equal(one, shoot(FLAT, Shot(seed=2)))


def test_untilted_card_has_the_asked_width_and_place() -> None:
    where = corners(Shot(width=856, x=30, y=-10))
    assert where[0] == pytest.approx((640 + 30 - 428, 360 - 10 - 269.9), abs=0.1)
    assert where[2] == pytest.approx((640 + 30 + 428, 360 - 10 + 269.9), abs=0.1)


def test_tilted_away_side_is_seen_smaller() -> None:
    for direction, near, far in ((0.0, (1, 2), (0, 3)), (90.0, (2, 3), (0, 1))):
        where = corners(Shot(tilt=15, direction=direction))
        lengths = [float(np.linalg.norm(where[a] - where[b])) for a, b in (near, far)]
        assert abs(lengths[0] / lengths[1] - 1) > 0.1


def test_print_is_found_where_the_corners_say() -> None:
    shot = Shot(tilt=12, direction=130, rotation=200, width=800, x=20, y=15, noise=1)
    target = np.array([(0, 0), (1712, 0), (1712, 1080), (0, 1080)], np.float32)
    straight = cv2.warpPerspective(
        shoot(FLAT, shot), cv2.getPerspectiveTransform(corners(shot), target), (1712, 1080), flags=cv2.INTER_CUBIC
    )
    inner = (slice(80, -80), slice(80, -80))
    gray = [cv2.GaussianBlur(cv2.cvtColor(each, cv2.COLOR_BGR2GRAY)[inner], (0, 0), 3) for each in (straight, FLAT)]
    assert np.corrcoef(gray[0].ravel(), gray[1].ravel())[0, 1] > 0.97


@pytest.mark.parametrize(
    "change",
    [
        {"defocus": 2.0},
        {"motion": 9.0},
        {"light": 0.4},
        {"slope": 0.6},
        {"warmth": 1.0},
        {"glare": (Glare(0, 0, 200, 90, 20, 1.0),)},
        {"hand": Hand(10, 10, 60, 0.5)},
        {"table": 3},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_trouble_is_seen(change: dict[str, Any]) -> None:
    assert difference(PLAIN, dataclasses.replace(PLAIN, **change)) > 1


def test_blur_takes_sharpness_and_glare_hides_print() -> None:
    assert sharpness(dataclasses.replace(PLAIN, defocus=2.5)) < 0.3 * sharpness(PLAIN)
    assert sharpness(dataclasses.replace(PLAIN, motion=12)) < 0.5 * sharpness(PLAIN)
    lit = shoot(FLAT, dataclasses.replace(PLAIN, glare=(Glare(0, 0, 160, 90, 0, 1.0),)))
    assert lit[HEIGHT // 2 - 40 : HEIGHT // 2 + 40, WIDTH // 2 - 40 : WIDTH // 2 + 40].min() == 255


def test_tilt_moves_the_mirrored_lamp() -> None:
    lamp = (Glare(0, 0, 60, 60, 0, 1.0),)

    def brightest(shot: Shot) -> float:
        gray = cv2.GaussianBlur(cv2.cvtColor(shoot(FLAT, shot), cv2.COLOR_BGR2GRAY), (0, 0), 25)
        return float(cv2.minMaxLoc(gray)[3][0])

    still, tilted = Shot(glare=lamp, noise=0), Shot(glare=lamp, noise=0, tilt=3, direction=0)
    assert 80 < brightest(tilted) - brightest(still) < 160  # twice the angle: 1150 px x tan(6 degrees) = 121


def test_every_table_and_none_on_it() -> None:
    empty = [shoot(None, Shot(table=table, noise=0)).tobytes() for table in range(TABLES)]
    assert len(set(empty)) == TABLES
