"""Four lines and the quadrilateral that they cross in. Corners are 4 x 2, in pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float64]
Line = NDArray[np.float64]  # vx, vy, x, y: direction and a point

_WIDEST = 2.15  # the back of a card on a black table, without its stripe
ASPECT = (1.32, 1.84)  # long side / short side as seen; 1.586 flat, and a tilt of 30 degrees shortens either


def turned(corners: Corners) -> Corners:
    """The same card read from the other side of the table: turned by 180 degrees."""
    return np.roll(corners, 2, axis=0)


def crossed(lines: list[Line]) -> Corners | None:
    """Where each line (vx, vy, x, y) meets the one before it."""
    corners = np.empty((4, 2))
    for index in range(4):
        (ax, ay, px, py), (bx, by, qx, qy) = lines[index - 1], lines[index]
        cross = ax * by - ay * bx
        if abs(cross) < 0.2:
            return None
        step = ((qx - px) * by - (qy - py) * bx) / cross
        corners[index] = px + step * ax, py + step * ay
    return corners


def ordered(corners: Corners | None) -> Corners | None:
    """Clockwise on the picture, first a long side; None unless the shape can be a card's."""
    if corners is None:
        return None
    (ax, ay), (bx, by) = corners[1] - corners[0], corners[2] - corners[0]
    if ax * by - ay * bx < 0:
        corners = corners[::-1].copy()
    if not cv2.isContourConvex(corners.astype(np.float32)):
        return None
    first, second, third, fourth = lengths(corners)
    if first + third < second + fourth:
        corners = np.roll(corners, -1, axis=0)
    first, second, third, fourth = lengths(corners)
    aspect = (first + third) / (second + fourth)
    if not ASPECT[0] <= aspect <= _WIDEST or min(first, third) < 0.6 * max(first, third):
        return None
    # Of the two ways to hold it, the one that is less upside down.
    down = corners[2:, 1].mean() >= corners[:2, 1].mean()
    return corners if down else turned(corners)


def lengths(corners: Corners) -> tuple[float, float, float, float]:
    first, second, third, fourth = (float(np.linalg.norm(corners[(i + 1) % 4] - corners[i])) for i in range(4))
    return first, second, third, fourth


def aspect_of(corners: Corners) -> float:
    first, second, third, fourth = lengths(corners)
    return (first + third) / max(1e-6, second + fourth)


def stretched(corners: Corners, factor: float) -> list[Corners]:
    """The same shape made longer across its long sides, once upwards and once downwards."""
    up, down = corners.copy(), corners.copy()
    up[0] = corners[3] + (corners[0] - corners[3]) * factor
    up[1] = corners[2] + (corners[1] - corners[2]) * factor
    down[3] = corners[0] + (corners[3] - corners[0]) * factor
    down[2] = corners[1] + (corners[2] - corners[1]) * factor
    return [up, down]
