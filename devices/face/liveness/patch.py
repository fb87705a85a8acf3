"""The face as a small gray patch of fixed size: eyes always in the same place, light evened out.

All cues share it, so that none of them costs more in a larger picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.face.models import FoundFace
from devices.ports import Image

SPAN = 44.0  # pixels from eye to eye
WIDTH, HEIGHT = 112, 128
CENTRE = (WIDTH / 2, 40.0)  # the point between the eyes
_EVEN = 10.0  # sigma of the light that is taken out, pixels

Points = NDArray[np.float32]


def cut(gray: Image, face: FoundFace) -> Image:
    """`HEIGHT` x `WIDTH`, 8 bit, around 128. `gray`: the whole picture."""
    left, right = face.eyes
    middle = (left + right) / 2
    line = right - left
    length = max(float(np.hypot(line[0], line[1])), 1.0)
    scale = SPAN / length
    if scale < 0.6:  # a plain warp would skip pixels and flicker
        step = 0.5 if scale >= 0.3 else 0.25
        reach = 3.0 * length
        x0, y0 = (max(0, int(each - reach)) for each in middle)
        x1, y1 = (int(each + reach) for each in middle)
        part = gray[y0:y1, x0:x1]
        gray = np.asarray(cv2.resize(part, None, fx=step, fy=step, interpolation=cv2.INTER_AREA), np.uint8)
        middle = (middle - (x0, y0) + 0.5) * step - 0.5
        scale /= step
    turn = scale * line / length
    matrix = np.array(
        [
            [turn[0], turn[1], CENTRE[0] - turn[0] * middle[0] - turn[1] * middle[1]],
            [-turn[1], turn[0], CENTRE[1] + turn[1] * middle[0] - turn[0] * middle[1]],
        ]
    )
    patch = cv2.warpAffine(gray, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = cv2.boxFilter(patch, cv2.CV_32F, (21, 21), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(patch - light + 128, 0, 255), np.uint8)


def place(x: float, y: float) -> tuple[float, float]:
    """Patch pixel of a place in eye distances from the point between the eyes; y downwards."""
    return CENTRE[0] + x * SPAN, CENTRE[1] + y * SPAN
