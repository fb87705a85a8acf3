"""The quality gate on faces put together by hand: one rule, one hint."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from devices.face.models import FoundFace
from devices.face.quality import judge, pose
from devices.ports import FaceHint, Image

WIDTH, HEIGHT = 640, 480


def face(x: float = 320, y: float = 240, size: int = 180, turn: float = 0.0, roll: float = 0.0) -> FoundFace:
    half, eyes = size // 2, size * 0.42
    angle = np.radians(roll)
    axis = np.array([np.cos(angle), np.sin(angle)])
    middle = np.array([x, y - size * 0.12])
    left, right = middle - axis * eyes / 2, middle + axis * eyes / 2
    nose = middle + axis * eyes * turn + np.array([-axis[1], axis[0]]) * size * 0.3
    points = np.array([right + axis * 9, right - axis * 9, left - axis * 9, left + axis * 9, nose])
    box = (int(x) - half, int(y) - half, int(x) + half, int(y) + half)
    return FoundFace(box, 1.5, points, None)


def picture(level: int = 130, spread: int = 45, cell: int = 6) -> Image:
    """A checkerboard: mean `level`, standard deviation `spread`, as sharp as its cells are small."""
    rows, columns = np.indices((HEIGHT, WIDTH)) // cell
    values = level + np.where((rows + columns) % 2, spread, -spread)
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def half_lit() -> Image:
    """A window beside the person: one half of the face has four times the light of the other."""
    image = picture(level=120, spread=45)
    image[:, : WIDTH // 2] //= 4
    return image


def blurred(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 9), np.uint8)


@pytest.mark.parametrize(
    ("faces", "hint"),
    [
        ([], FaceHint.NO_FACE),
        ([face(size=180), face(x=560, size=120)], FaceHint.SEVERAL_FACES),
        ([face(size=180), face(x=560, size=70)], FaceHint.GOOD),  # somebody far behind does not matter
        ([face(size=320)], FaceHint.FARTHER),
        ([face(size=96)], FaceHint.CLOSER),
        ([face(x=460)], FaceHint.RIGHT),
        ([face(x=180)], FaceHint.LEFT),
        ([face(y=360)], FaceHint.UP),
        ([face(y=110)], FaceHint.DOWN),
        ([face(turn=0.16)], FaceHint.LOOK_STRAIGHT),
        ([face(turn=-0.16)], FaceHint.LOOK_STRAIGHT),
        ([face(roll=22)], FaceHint.LOOK_STRAIGHT),
        ([face()], FaceHint.GOOD),
    ],
)
def test_where_the_face_is(faces: list[FoundFace], hint: FaceHint) -> None:
    assert judge(picture(), faces).hint is hint


@pytest.mark.parametrize(
    ("image", "hint"),
    [
        (picture(level=22, spread=20), FaceHint.TOO_DARK),
        (picture(level=45, spread=30), FaceHint.GOOD),  # dim, and brightened before it is compared
        (half_lit(), FaceHint.TOO_DARK),
        (picture(level=130, spread=3), FaceHint.TOO_DARK),  # fog: nothing to see
        (picture(level=240, spread=15), FaceHint.TOO_BRIGHT),
        (picture(level=250, spread=2), FaceHint.TOO_BRIGHT),
        (blurred(picture(cell=60)), FaceHint.HOLD_STILL),
    ],
)
def test_how_the_picture_is(image: Image, hint: FaceHint) -> None:
    assert judge(image, [face()]).hint is hint


def test_a_dark_room_is_not_called_empty() -> None:
    assert judge(np.full((HEIGHT, WIDTH, 3), 12, np.uint8), []).hint is FaceHint.TOO_DARK


def test_a_face_at_the_edge_of_the_picture_is_judged() -> None:
    assert judge(picture(), [face(x=5, y=5)]).hint in (FaceHint.LEFT, FaceHint.DOWN)


@pytest.mark.parametrize("roll", [-12.0, 0.0, 9.0])
@pytest.mark.parametrize("turn", [-0.2, 0.0, 0.1])
def test_pose_reads_turn_and_roll_apart(turn: float, roll: float) -> None:
    assert pose(face(turn=turn, roll=roll)) == pytest.approx((turn, roll), abs=1e-6)


def test_sharpness_orders_frames() -> None:
    assert judge(picture(cell=6), [face()]).sharpness > judge(picture(cell=40), [face()]).sharpness > 0


def test_less_light_is_not_less_sharpness() -> None:
    full = judge(picture(level=130, spread=45), [face()]).sharpness
    assert judge(picture(level=43, spread=15), [face()]).sharpness == pytest.approx(full, rel=0.1)


def test_noise_does_not_pass_for_sharpness() -> None:
    noise = np.random.default_rng(2).normal(0, 8, (HEIGHT, WIDTH, 3))
    image = np.asarray(np.clip(blurred(picture(cell=60)) + noise, 0, 255), np.uint8)
    assert judge(image, [face()]).hint is FaceHint.HOLD_STILL


def test_the_nearer_the_face_the_less_room_in_the_oval() -> None:
    assert judge(picture(), [face(x=400, size=125)]).hint is FaceHint.GOOD
    assert judge(picture(), [face(x=400, size=260)]).hint is FaceHint.RIGHT
