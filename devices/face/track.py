"""Follow one face from frame to frame: found once on a reduced picture, then looked for only where it was.

The detector costs by the pixel: 18 ms for a frame of 640 x 480, 2 ms for a region of 1.5 faces that is scaled so that
the face has the size at which the detector is quick and sure. The five points are always taken
from the full picture, so that the descriptor does not pay for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from devices.face.models import FoundFace
from devices.ports import Image

Box = tuple[int, int, int, int]

ACQUIRE_SCORE = 0.3  # of the detector; clutter reaches 0.2 now and then
FOLLOW_SCORE = 0.0  # where a face was a moment ago
GAP_SECONDS = 0.25  # not found for that long: gone. A blurred frame or two is not
SILENT_SECONDS = 2.0  # no frame at all for that long: whoever is there now may be another
AROUND = 1.5  # side of the region, in heights of the face
FACE = 84.0  # height of the face in the scaled region; the detector's smallest is 80
ASTRAY = 0.6  # farther from where it was, in heights of the face: somebody else
_NEAR_HEIGHT = 360  # a picture of this height shows the detector every face that is near enough to be compared
_FAR_HEIGHT = 480  # those of people who are to come closer, too
_FAR_EVERY = 4  # looks for a face
_AROUND_EVERY = 20  # frames between two looks at the whole picture while a face is followed
_PAIR_EVERY = 6  # the same while there is a second one


class Finder(Protocol):
    """What finds faces: `devices.face.models.Models`."""

    def detect(self, gray: Image, *, minimum: float) -> list[tuple[Box, float]]:
        """(left, top, right, bottom) and score of every face in a gray picture."""

    def landmarks(self, gray: Image, box: Box, score: float) -> FoundFace: ...


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """`faces`: largest first, or the one that is followed first. `lost`: whoever was followed is gone or is another;
    without faces and not lost: a blurred frame, which says nothing."""

    faces: list[FoundFace]
    lost: bool


class Tracker:
    """Of one attempt, on one thread. Frames of an attempt may differ in size."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._face: FoundFace | None = None
        self._height = 0.0  # smoothed: the detector's boxes come in steps of a fifth
        self._seen = float("-inf")
        self._missed: float | None = None  # it was not found in a frame since then
        self._others: list[FoundFace] = []
        self._looks = 0
        self._followed = 0

    def see(self, gray: Image, at: float) -> Sight:
        """`gray`: height x width; `at` in seconds."""
        patience = SILENT_SECONDS if self._missed is None else GAP_SECONDS
        before = self._face if at - self._seen <= patience else None
        face = None if before is None else self._follow(gray, before)
        if face is not None:
            self._followed += 1
            if self._followed % (_PAIR_EVERY if self._others else _AROUND_EVERY) == 0:
                self._others = [
                    other for other in self._acquire(gray, _NEAR_HEIGHT) if _astray(other, face, face.height)
                ]
            return self._keep(face, at, lost=False)
        height = _FAR_HEIGHT if self._looks % _FAR_EVERY == 0 else _NEAR_HEIGHT
        self._looks += 1
        faces = self._acquire(gray, height)
        if not faces:
            self._missed = at
            if before is None:
                self._face, self._others = None, []
            return Sight([], lost=before is None)
        again = [each for each in faces if before is not None and not _astray(each, before, self._height)]
        face = again[0] if again else faces[0]
        self._others = [other for other in faces if other is not face]
        self._height = float(face.height)
        self._followed = 0
        return self._keep(face, at, lost=not again)

    def _keep(self, face: FoundFace, at: float, *, lost: bool) -> Sight:
        self._face, self._seen, self._missed = face, at, None
        self._height += 0.3 * (face.height - self._height)
        faces = [face, *self._others]
        if any(other.height > face.height for other in self._others):
            faces.sort(key=lambda each: each.height, reverse=True)
            self._face = None  # the nearest person is the one to look at
            lost = True
        return Sight(faces, lost)

    def _follow(self, gray: Image, before: FoundFace) -> FoundFace | None:
        height, width = gray.shape
        x, y = _centre(before)
        half = AROUND / 2 * self._height
        left, top = max(0, round(x - half)), max(0, round(y - half))
        region = gray[top : min(height, round(y + half)), left : min(width, round(x + half))]
        if min(region.shape) < FACE / 2:
            return None
        scale = FACE / self._height
        small = np.asarray(cv2.resize(region, None, fx=scale, fy=scale, interpolation=_interpolation(scale)), np.uint8)
        found = self._found(gray, small, FOLLOW_SCORE, scale, (left, top))
        small.fill(0)
        return next((face for face in found if not _astray(face, before, self._height)), None)

    def _acquire(self, gray: Image, height: int) -> list[FoundFace]:
        scale = min(1.0, height / gray.shape[0])
        if scale == 1.0:
            return self._found(gray, gray, ACQUIRE_SCORE, 1.0, (0, 0))
        small = np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        try:
            return self._found(gray, small, ACQUIRE_SCORE, scale, (0, 0))
        finally:
            small.fill(0)

    def _found(
        self, gray: Image, small: Image, minimum: float, scale: float, corner: tuple[int, int]
    ) -> list[FoundFace]:
        faces = []
        for (left, top, right, bottom), score in self._finder.detect(small, minimum=minimum):
            box = (
                round(left / scale) + corner[0],
                round(top / scale) + corner[1],
                round(right / scale) + corner[0],
                round(bottom / scale) + corner[1],
            )
            face = self._finder.landmarks(gray, box, score)
            if plausible(face):
                faces.append(face)
        faces.sort(key=lambda face: face.height, reverse=True)
        return faces


def plausible(face: FoundFace) -> bool:
    """Do the five points lie as in a face? On clutter they are scattered."""
    left, right = face.eyes
    across = float(right[0] - left[0])
    down = float(face.points[4][1] - (left[1] + right[1]) / 2)
    return 0.2 < across / face.height < 0.75 and abs(right[1] - left[1]) < across and 0.05 < down / face.height < 0.6


def _centre(face: FoundFace) -> tuple[float, float]:
    left, top, right, bottom = face.box
    return (left + right) / 2, (top + bottom) / 2


def _astray(face: FoundFace, before: FoundFace, height: float) -> bool:
    (x, y), (was_x, was_y) = _centre(face), _centre(before)
    return max(abs(x - was_x), abs(y - was_y)) > ASTRAY * height


def _interpolation(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
