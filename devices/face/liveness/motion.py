"""How the head moved against a frontal picture of itself, and whether what moved is as deep as a head.

A plane in any pose is a homography of itself; the nose of a head is not on it. Points are followed by optical flow
(Lucas and Kanade, pyramids as in Bouguet 2001), a homography is fitted to the face without the nose, and the nose's
distance from where the homography puts it is the parallax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.face.liveness.patch import CENTRE, HEIGHT, SPAN, WIDTH, Points, place
from devices.face.liveness.solid import Solid, Surface
from devices.ports import Image

_REST = 56  # points followed outside the nose
_LEAST_REST, _LEAST_NOSE = 16, 6
_ASTRAY = 6.0  # pixels that a point may be off the place that the others give it
_BACK = 1.0  # pixels that a point may be off after it was followed there and back
_WINDOW = (15, 15)
_LEVELS = 2
_OLD = 8  # patches: a point that was not found again as it was for so long has drifted
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.02)
_NOSE_X, _NOSE_Y = (-0.2, -0.1, 0.0, 0.1, 0.2), (0.38, 0.48, 0.58, 0.66)


@dataclass(frozen=True, slots=True)
class Motion:
    """Against the reference. `parallax` (x, y) in eye distances, x > 0: to the picture's right, which is what the
    person's left turn does. `tilt`: degrees out of the picture's plane, told from foreshortening; `residual`: root
    mean square distance of the rest from its homography, in eye distances; `held`: share of points still found."""

    parallax: tuple[float, float]
    tilt: float
    residual: float
    held: float


class Tracks:
    """Follows one reference patch. `deep`: tell `solid`, too."""

    def __init__(self, reference: Image, *, deep: bool = False) -> None:
        self._reference = reference
        self._rest = _strong(reference)
        self._nose = np.array([place(x, y) for y in _NOSE_Y for x in _NOSE_X], np.float32)
        self._start = np.concatenate([self._rest, self._nose])
        self._last = self._start.copy()
        self._before = reference  # the patch in which the points stand at `_last`
        self._age = np.zeros(len(self._start), np.int64)  # patches since a point was found as it was in the reference
        self._map: NDArray[np.float64] = np.eye(3)
        self._surface = Surface(self._start) if deep else None
        self.solid: Solid | None = None  # of the patch that was followed last

    def follow(self, patch: Image, distance: float) -> Motion | None:
        """`distance` of the face in eye distances. None: too few points are found again to say anything."""
        there, found = self._find(patch)
        fit = None if self._surface is None else self._surface.fit(there, found, distance)
        self.solid, likely = (None, there) if fit is None else fit
        astray = np.linalg.norm(there - likely, axis=1) > _ASTRAY
        found &= ~astray
        self._age[astray] = _OLD
        count = len(self._rest)
        rest, nose = found[:count], found[count:]
        fitted, inliers = None, None
        if rest.sum() >= _LEAST_REST and nose.sum() >= _LEAST_NOSE:
            fitted, inliers = cv2.findHomography(
                self._rest[rest], there[:count][rest], cv2.RANSAC, 1.5, maxIters=300, confidence=0.99
            )
        self._keep(patch)
        if fitted is None or inliers is None or inliers.sum() < _LEAST_REST:
            self._last = np.where(found[:, None], there, likely).astype(np.float32)
            return None
        self._map = np.asarray(fitted, np.float64)
        predicted = cv2.perspectiveTransform(self._start[None], self._map)[0]
        off = np.median((there[count:] - predicted[count:])[nose], axis=0)
        # Points that were lost start next time from where the others say they are.
        likely = predicted.copy()
        likely[count:] += off
        self._last = np.where(found[:, None], there, likely).astype(np.float32)
        off = off / SPAN
        miss = (there[:count] - predicted[:count])[rest] / SPAN
        residual = float(np.sqrt(np.mean(np.minimum(np.sum(miss**2, axis=1), 0.01))))
        return Motion((float(off[0]), float(off[1])), _tilt(self._map), residual, float(found.mean()))

    def _find(self, patch: Image) -> tuple[Points, NDArray[np.bool_]]:
        """Where the points are, and which of them are sure. Looked for as they were in the reference, from where the
        last patch leads to; what is too turned for that, as it was in the last patch."""
        step, stepped = _flow(self._before, patch, self._last, self._last)
        guess = np.where(stepped[:, None], step, self._last).astype(np.float32)
        direct, found = _flow(self._reference, patch, self._start, guess)
        if found.sum() < _LEAST_REST:  # it was lost in a turn, and may look straight again
            straight, again = _flow(self._reference, patch, self._start, self._start)
            if again.sum() > found.sum():
                direct, found = straight, again
        self._age = np.where(found, 0, np.where(stepped, self._age + 1, _OLD))
        return np.where(found[:, None], direct, step).astype(np.float32), self._age < _OLD

    def _keep(self, patch: Image) -> None:
        if self._before is not self._reference:
            self._before.fill(0)
        self._before = patch.copy()

    def registered(self, patch: Image) -> Image:
        """The patch that was followed last, laid over the reference."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpPerspective(patch, self._map, (WIDTH, HEIGHT), flags=flags), np.uint8)

    def wipe(self) -> None:
        self._before.fill(0)
        self._reference.fill(0)


def _flow(before: Image, after: Image, points: Points, guess: Points) -> tuple[Points, NDArray[np.bool_]]:
    """Points of one patch in another, and which of them lead back to where they came from."""
    how: dict[str, Any] = {"winSize": _WINDOW, "maxLevel": _LEVELS, "criteria": _CRITERIA}
    flags = cv2.OPTFLOW_USE_INITIAL_FLOW
    there, good, _ = cv2.calcOpticalFlowPyrLK(before, after, points[:, None], guess[:, None].copy(), flags=flags, **how)
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, there, points[:, None].copy(), flags=flags, **how)
    places: Points = np.asarray(there[:, 0], np.float32)
    near = np.linalg.norm(back[:, 0] - points, axis=1) < _BACK
    inside = (places > 2).all(axis=1) & (places < (WIDTH - 2, HEIGHT - 2)).all(axis=1)
    return places, good[:, 0].astype(bool) & again[:, 0].astype(bool) & near & inside


def _strong(patch: Image) -> Points:
    """Points of the face without the nose that can be told from their surroundings."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    middle = tuple(round(each) for each in place(0, 0.42))
    cv2.ellipse(mask, middle, (round(0.95 * SPAN), round(1.15 * SPAN)), 0, 0, 360, 255, cv2.FILLED)
    top_left = tuple(round(each) for each in place(-0.3, 0.1))
    bottom_right = tuple(round(each) for each in place(0.3, 0.8))
    cv2.rectangle(mask, top_left, bottom_right, 0, cv2.FILLED)
    found = cv2.goodFeaturesToTrack(patch, _REST, 0.001, 5, mask=mask, blockSize=5)
    return np.zeros((0, 2), np.float32) if found is None else np.asarray(found[:, 0], np.float32)


def _tilt(homography: NDArray[np.float64]) -> float:
    """Degrees by which a plane was turned out of view: the smaller stretch of the map at the face's centre as a share
    of the larger is the cosine."""
    x, y = CENTRE[0], CENTRE[1] + 0.4 * SPAN
    u, v, w = homography @ (x, y, 1.0)
    jacobian = (homography[:2, :2] - np.outer((u / w, v / w), homography[2, :2])) / w
    stretches = np.linalg.svd(jacobian, compute_uv=False)
    return float(np.degrees(np.arccos(np.clip(stretches[1] / stretches[0], 0.0, 1.0))))
