"""How deep what turned is, as a share of the depth of a face.

A plane that turns out of view is only foreshortened; of a face, every point moves on by its depth times the sine of
the turn. Points of the reference are given the depth of a rough face (an ellipsoid and a nose), and their places in the
new picture are fitted as an affine map of the reference plus a common shift for each unit of depth. How far the face
turned is told by the foreshortening of the affine part; how deep it is by the shift, which for a whole face is the sine
of the turn. Perspective is taken out beforehand, at the distance at which an eye distance of that size is seen by a
usual camera: without that, a turned plane would look a little round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.face.liveness.patch import CENTRE, SPAN, Points

_ROUNDS = 4
_LEAST = 24  # points
_NOISE = 0.01  # eye distances: half a pixel of the patch
_FOCAL = 0.85  # of a picture's width: 61 degrees across, between a usual webcam's 56 and a wide one's 68

Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Solid:
    """`turned`: sine of the angle between the reference and this picture. `shift`: what a unit of depth moved, towards
    the picture's right; of a face that turned to the person's left, the same sine. `spread`: of the points about the
    fit, in eye distances."""

    turned: float
    shift: float
    spread: float


def distance(width: int, eye_distance: float) -> float:
    """From the camera to the face, in eye distances; both in pixels."""
    return _FOCAL * width / max(eye_distance, 1.0)


class Surface:
    """The points of one reference, `start` in pixels of the patch."""

    def __init__(self, start: Points) -> None:
        self._flat = (start.astype(np.float64) - CENTRE) / SPAN
        depth = _depth(self._flat)
        self._depth = depth - depth.mean()

    def fit(self, there: Points, found: NDArray[np.bool_], distance: float) -> tuple[Solid, Points] | None:
        """Where the points are now, those that are sure, and the distance in eye distances. Also where the fit has
        all of them. None: too few."""
        if found.sum() < _LEAST:
            return None
        places = (there.astype(np.float64) - CENTRE) / SPAN
        flat = self._flat * (1 - self._depth / distance)[:, None]
        known = np.column_stack([flat, np.ones(len(flat)), self._depth])
        weights = found.astype(np.float64)
        near = np.zeros(len(flat))  # towards the camera, since the face turned
        for _ in range(_ROUNDS):
            seen = places * (1 - near / distance)[:, None]
            root = np.sqrt(weights)[:, None]
            fitted = np.linalg.lstsq(known * root, seen * root, rcond=None)[0]
            off = np.linalg.norm(known @ fitted - seen, axis=1)
            spread = max(1.4826 * float(np.median(off[found])), _NOISE)
            weights = found / (1 + (off / (2 * spread)) ** 2) ** 2
            across, stretch, along = np.linalg.svd(fitted[:2].T)
            sine = float(np.sqrt(max(0.0, 1 - (stretch[1] / stretch[0]) ** 2)))
            way = 1.0 if fitted[3] @ across[:, 1] >= 0 else -1.0
            near = self._depth * np.sqrt(1 - sine**2) - way * sine * (flat @ along[1])
        solid = Solid(sine, float(fitted[3, 0] / stretch[0]), spread)
        where = (known @ fitted) / (1 - near / distance)[:, None]
        return solid, np.asarray(where * SPAN + CENTRE, np.float32)


def _depth(flat: Vectors) -> Vectors:
    """Of a rough face, in eye distances: 2.5 wide and 3.8 tall, a nose of 0.38."""
    x, y = flat[:, 0], flat[:, 1]
    head = 1.25 * np.sqrt(np.clip(1 - (x / 1.25) ** 2 - ((y - 0.35) / 1.9) ** 2, 0.02, None))
    nose = 0.38 * np.exp(-((x / 0.17) ** 2)) * np.clip(y / 0.55, 0, 1) * (y < 0.75)
    return np.asarray(head + nose, np.float64)
