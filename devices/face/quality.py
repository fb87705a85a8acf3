"""Is this frame fit for comparison, and if not, what can the person do? Words follow ISO/IEC 29794-5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from devices.face.models import FoundFace
from devices.ports import FaceHint, Image

PATCH = 112  # the face as a square of so many pixels, so that limits do not depend on the camera


@dataclass(frozen=True, slots=True)
class Oval:
    """What the page shows the person to fit the face into (`kiosk.ui.preview`), as shares of the frame's height;
    `down` is its centre's distance from the top."""

    tall: float = 0.74
    wide: float = 0.555
    down: float = 0.465


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a good frame. Lengths as a share of the frame's height unless noted, brightness 0..255."""

    near: float = 0.62  # height of the detector's box
    far: float = 0.22
    eyes: float = 48.0  # inter-eye distance in pixels that the descriptor needs (150 px face chip)
    slack: float = 0.12  # off the oval's centre, however large the face
    # Mean of the face. Of 102 people in studio light the darkest skin had 64 and the fairest 163: a stricter bound
    # would refuse people, not light. Brightened, a fifth of that light still serves (devices/face/enhance.py).
    dark: float = 26.0
    bright: float = 225.0
    contrast: float = 8.0  # standard deviation within the face
    uneven: float = 3.2  # brighter half of the face over the darker one
    # Variance of the Laplacian of the smoothed face, as if its contrast were 40. Of 13 photographs: 17 to 31 in focus,
    # 8 to 13 blurred by a seventieth of the face's height, and the same under noise of 10.
    sharp: float = 9.0
    turn: float = 0.1  # nose off the middle of the eyes, in eye distances: about 20 degrees
    roll: float = 15.0  # degrees


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of one face: sharpness, illumination (mean, contrast, uniformity: brighter over darker half),
    head pose (turn, roll), inter-eye distance in pixels."""

    sharpness: float
    illumination: float
    contrast: float
    unevenness: float
    turn: float
    roll: float
    eye_distance: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """`sharpness` orders good frames; 0 when it was not looked at. `quality`: None when the face's place decided."""

    hint: FaceHint
    sharpness: float = 0.0
    quality: Quality | None = None


LIMITS = Limits()
OVAL = Oval()


def judge(image: Image, faces: Sequence[FoundFace], limits: Limits = LIMITS) -> Judgement:
    """`image`: gray or BGR frame as the camera sees it (not mirrored); `faces`: the one to look at first.

    LEFT and RIGHT are the person's own, which is also the direction on a mirrored preview.
    """
    height, width = image.shape[:2]
    if not faces:
        # A dark room hides the face: say so instead of "nobody there".
        return Judgement(FaceHint.TOO_DARK if float(image[::8, ::8].mean()) < 24 else FaceHint.NO_FACE)
    face = faces[0]
    if any(other.height * 2 > face.height for other in faces[1:]):
        return Judgement(FaceHint.SEVERAL_FACES)
    if face.height > limits.near * height:
        return Judgement(FaceHint.FARTHER)
    if face.height < limits.far * height or face.eye_distance < limits.eyes:
        return Judgement(FaceHint.CLOSER)
    aside = _off_oval(face, width, height, limits)
    if aside is not None:
        return Judgement(aside)
    quality = measure(image, face)
    return Judgement(_hint(quality, limits), quality.sharpness, quality)


def measure(image: Image, face: FoundFace) -> Quality:
    """The components of quality of one face in a gray or BGR picture."""
    patch = _patch(image, face)
    left, right = float(patch[:, : PATCH // 2].mean()), float(patch[:, PATCH // 2 :].mean())
    mean, deviation = cv2.meanStdDev(patch)
    smooth = cv2.GaussianBlur(patch, (0, 0), 1.2)  # otherwise noise passes for sharpness
    edges = cv2.Laplacian(smooth, cv2.CV_16S)
    _, spread = cv2.meanStdDev(edges)
    for each in (patch, smooth, edges):
        each.fill(0)
    turn, roll = pose(face)
    return Quality(
        # A dim or flat picture is not a blurred one: in proportion to the contrast.
        sharpness=(float(spread[0, 0]) * 40 / max(float(deviation[0, 0]), 1.0)) ** 2,
        illumination=float(mean[0, 0]),
        contrast=float(deviation[0, 0]),
        unevenness=(max(left, right) + 1) / (min(left, right) + 1),
        turn=turn,
        roll=roll,
        eye_distance=face.eye_distance,
    )


def _hint(quality: Quality, limits: Limits) -> FaceHint:
    if quality.illumination > limits.bright:
        return FaceHint.TOO_BRIGHT
    if quality.illumination < limits.dark or quality.contrast < limits.contrast or quality.unevenness > limits.uneven:
        return FaceHint.TOO_DARK
    if abs(quality.turn) > limits.turn or abs(quality.roll) > limits.roll:
        return FaceHint.LOOK_STRAIGHT
    return FaceHint.HOLD_STILL if quality.sharpness < limits.sharp else FaceHint.GOOD


def pose(face: FoundFace) -> tuple[float, float]:
    """(turn, roll): the nose's distance from the middle of the eyes along their line, in eye distances (about
    0.005 per degree of yaw); the slope of that line in degrees."""
    left, right = face.eyes
    line = right - left
    span = float(np.linalg.norm(line)) or 1.0
    turn = float((face.points[4] - (left + right) / 2) @ line) / span**2
    return turn, float(np.degrees(np.arctan2(line[1], line[0])))


def _off_oval(face: FoundFace, width: int, height: int, limits: Limits) -> FaceHint | None:
    """Where to move so that the head lies inside the oval. A head is about 1.2 x 0.75 of the detector's box."""
    left, top, right, bottom = face.box
    size = face.height / height
    dx = ((left + right) / 2 - width / 2) / height
    dy = (top + bottom) / 2 / height - OVAL.down
    over_x = abs(dx) / max(limits.slack, OVAL.wide / 2 - 0.375 * size)
    over_y = abs(dy) / max(limits.slack, OVAL.tall / 2 - 0.6 * size)
    if max(over_x, over_y) <= 1:
        return None
    if over_x >= over_y:
        # The picture's right is the person's left: back towards the middle means to the person's right.
        return FaceHint.RIGHT if dx > 0 else FaceHint.LEFT
    return FaceHint.UP if dy > 0 else FaceHint.DOWN


def _patch(image: Image, face: FoundFace) -> Image:
    height, width = image.shape[:2]
    left, top, right, bottom = face.box
    crop = image[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    gray = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) if crop.ndim == 3 else crop
    return np.asarray(cv2.resize(gray, (PATCH, PATCH), interpolation=cv2.INTER_AREA), np.uint8)
