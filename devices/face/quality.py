"""Is this frame fit for comparison, and if not, what can the person do? Words follow ISO/IEC 29794-5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from devices.face.models import FoundFace
from devices.ports import FaceHint, Image


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a good frame. Lengths as a share of the frame's height unless noted, brightness 0..255."""

    near: float = 0.62  # height of the detector's box
    far: float = 0.22
    eyes: float = 48.0  # pixels between the eyes that the descriptor needs (150 px face chip)
    aside: float = 0.2  # centre of the face from the oval's centre
    above: float = 0.2
    dark: float = 55.0
    bright: float = 225.0
    contrast: float = 14.0  # standard deviation within the face
    sharp: float = 35.0  # variance of the Laplacian on a face scaled to 112 px
    turn: float = 0.1  # nose off the middle of the eyes, in eye distances: about 20 degrees
    roll: float = 15.0  # degrees


@dataclass(frozen=True, slots=True)
class Judgement:
    """`sharpness` orders good frames; 0 without a face."""

    hint: FaceHint
    sharpness: float = 0.0


LIMITS = Limits()


def judge(image: Image, faces: Sequence[FoundFace], limits: Limits = LIMITS) -> Judgement:
    """`image`: BGR frame as the camera sees it (not mirrored); `faces`: largest first.

    LEFT and RIGHT are the person's own, which is also the direction on a mirrored preview.
    """
    height, width = image.shape[:2]
    if not faces:
        # A dark room hides the face: say so instead of "nobody there".
        return Judgement(FaceHint.TOO_DARK if float(image.mean()) < 24 else FaceHint.NO_FACE)
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
    patch = _patch(image, face)
    light, contrast = float(patch.mean()), float(patch.std())
    sharpness = float(cv2.Laplacian(patch, cv2.CV_32F).var())
    patch.fill(0)
    if light < limits.dark or contrast < limits.contrast:
        return Judgement(FaceHint.TOO_BRIGHT if light > limits.bright else FaceHint.TOO_DARK)
    if light > limits.bright:
        return Judgement(FaceHint.TOO_BRIGHT)
    turn, roll = pose(face)
    if abs(turn) > limits.turn or abs(roll) > limits.roll:
        return Judgement(FaceHint.LOOK_STRAIGHT)
    if sharpness < limits.sharp:
        return Judgement(FaceHint.HOLD_STILL, sharpness)
    return Judgement(FaceHint.GOOD, sharpness)


def pose(face: FoundFace) -> tuple[float, float]:
    """(turn, roll): the nose's distance from the middle of the eyes along their line, in eye distances (about
    0.005 per degree of yaw); the slope of that line in degrees."""
    left, right = face.eyes
    line = right - left
    span = float(np.linalg.norm(line)) or 1.0
    turn = float((face.points[4] - (left + right) / 2) @ line) / span**2
    return turn, float(np.degrees(np.arctan2(line[1], line[0])))


def _off_oval(face: FoundFace, width: int, height: int, limits: Limits) -> FaceHint | None:
    left, top, right, bottom = face.box
    dx = ((left + right) / 2 - width / 2) / height
    dy = ((top + bottom) / 2 - height / 2) / height
    if abs(dx) > limits.aside and abs(dx) >= abs(dy):
        # The picture's right is the person's left: back towards the middle means to the person's right.
        return FaceHint.RIGHT if dx > 0 else FaceHint.LEFT
    if abs(dy) > limits.above:
        return FaceHint.UP if dy > 0 else FaceHint.DOWN
    return None


def _patch(image: Image, face: FoundFace) -> Image:
    """The face as 112 x 112 gray pixels, so that limits do not depend on the camera."""
    height, width = image.shape[:2]
    left, top, right, bottom = face.box
    crop = image[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    gray = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) if crop.ndim == 3 else crop
    return np.asarray(cv2.resize(gray, (112, 112), interpolation=cv2.INTER_AREA), np.uint8)
