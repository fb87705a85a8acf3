"""Follow one face from frame to frame: found once on a reduced picture, then looked for only where it was.

The detector costs by the pixel: 18 ms for a frame of 640 x 480, 2 ms for a region of 1.5 faces that is scaled so that
the face has the size at which the detector is quick and sure. The five points are always taken
from the full picture, so that the descriptor does not pay for it.

In a kiosk, with a thirtieth of a second between two frames and the caches cold, detector and points take 3 to 5 ms. So
they are asked ten times a second, and at once when something else than a face that moves a little is seen: on the
frames between, a small picture of the face is laid where it was (0.3 to 0.5 ms). That is enough to guide; only what the
detector found is compared, or judged by its points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

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
_AROUND_SECONDS = 0.8  # between two looks at the whole picture while a face is followed
_PAIR_SECONDS = 0.2  # the same while there is a second one


GLANCE_SECONDS = 0.09  # after the detector found it; at 30 Hz the next two frames
# Correlation that is enough. Of 278 drawn faces one or two frames later 0.986 in 99 of 100; of 30 photographed persons,
# each laid eyes on eyes over each other, at most 0.85.
LIKE = 0.9
_GLANCE = 32  # height of the face in the small picture, pixels
_CORE = 26  # side of what is laid over the next frame
_REACH = 8  # how far to each side
_FAR = 0.15  # from where it was found, in heights of the face: a movement to look at closely
_SMOOTH = 0.7  # what is left of an older height after one frame


class Finder(Protocol):
    """What finds faces: `devices.face.models.Models`."""

    def detect(self, gray: Image, *, minimum: float) -> list[tuple[Box, float]]:
        """(left, top, right, bottom) and score of every face in a gray picture."""

    def landmarks(self, gray: Image, box: Box, score: float) -> FoundFace: ...


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """`faces`: largest first, or the one that is followed first. `lost`: whoever was followed is gone or is another;
    without faces and not lost: a blurred frame, which says nothing. `found`: by the detector; otherwise the face that
    it found last, moved to where it is likely, its points as they were."""

    faces: list[FoundFace]
    lost: bool
    found: bool = True


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
        self._around = 0.0  # when the whole picture was looked at
        self._glimpse: _Glimpse | None = None
        self._glances = 1  # frames since the detector found it

    def see(self, gray: Image, at: float, *, closely: bool = True) -> Sight:
        """`gray`: height x width; `at` in seconds; `closely`: the detector looks at this frame."""
        if not closely and self._glimpse is not None and at - self._seen < GLANCE_SECONDS:
            face = self._glimpse.find(gray)
            if face is not None:
                self._glances += 1
                return Sight([face], lost=False, found=False)
        self._forget()
        patience = SILENT_SECONDS if self._missed is None else GAP_SECONDS
        before = self._face if at - self._seen <= patience else None
        face = None if before is None else self._follow(gray, before)
        if face is not None:
            if at - self._around >= (_PAIR_SECONDS if self._others else _AROUND_SECONDS):
                self._around = at
                self._others = [
                    other for other in self._acquire(gray, _NEAR_HEIGHT) if _astray(other, face, face.height)
                ]
            sight = self._keep(face, at, lost=False)
            if not closely and len(sight.faces) == 1:
                self._glimpse = _Glimpse(gray, face)
            return sight
        self._around = at
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
        return self._keep(face, at, lost=not again)

    def wipe(self) -> None:
        """Overwrite what is held of a frame."""
        self._forget()

    def _forget(self) -> None:
        if self._glimpse is not None:
            self._glimpse.wipe()
            self._glimpse = None

    def _keep(self, face: FoundFace, at: float, *, lost: bool) -> Sight:
        self._height += (1 - _SMOOTH**self._glances) * (face.height - self._height)
        self._face, self._seen, self._missed, self._glances = face, at, None, 1
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


class _Glimpse:
    """A small picture of a face that was found, to see in the next frames where it went."""

    def __init__(self, gray: Image, face: FoundFace) -> None:
        self._face = face
        self._step = face.height / _GLANCE  # pixels of the frame for one of the small picture
        self._found = self._at = _centre(face)
        self._core = self._small(gray, self._at, _CORE)

    def find(self, gray: Image) -> FoundFace | None:
        """The face where it is likely now. None when that is not sure: at the frame's edge, after a quick movement, or
        when it does not look as it did."""
        around = self._small(gray, self._at, _CORE + 2 * _REACH)
        if around is None or self._core is None:
            return None
        likeness = cv2.matchTemplate(around, self._core, cv2.TM_CCOEFF_NORMED)
        around.fill(0)
        _, best, _, (x, y) = cv2.minMaxLoc(likeness)
        last = len(likeness) - 1
        if not best >= LIKE or not (0 < x < last and 0 < y < last):
            return None
        right, down = x - _REACH + _summit(likeness[y, x - 1 : x + 2]), y - _REACH + _summit(likeness[y - 1 : y + 2, x])
        self._at = self._at[0] + right * self._step, self._at[1] + down * self._step
        moved = self._at[0] - self._found[0], self._at[1] - self._found[1]
        if max(map(abs, moved)) > _FAR * self._face.height:
            return None
        return self._face.moved(round(moved[0]), round(moved[1]))

    def _small(self, gray: Image, centre: tuple[float, float], side: int) -> Image | None:
        """`side` x `side` of the small picture around `centre`; None beyond the frame's edge."""
        reach = side / 2 * self._step
        left, top, right, bottom = (round(each + way) for way in (-reach, reach) for each in centre)
        if left < 0 or top < 0 or right > gray.shape[1] or bottom > gray.shape[0]:
            return None
        part = gray[top:bottom, left:right]
        return np.asarray(cv2.resize(part, (side, side), interpolation=_interpolation(1 / self._step)), np.uint8)

    def wipe(self) -> None:
        if self._core is not None:
            self._core.fill(0)


def _summit(three: NDArray[Any]) -> float:
    """How far from the middle one of three neighbours, the largest, the summit lies: of the parabola through them."""
    before, middle, after = map(float, three)
    bend = before - 2 * middle + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


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
