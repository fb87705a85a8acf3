"""Are the eyes closed? Their likeness to how they looked open, which needs no landmarks of the lids."""

from __future__ import annotations

import cv2
import numpy as np

from devices.face.liveness.patch import place
from devices.ports import Image

_EYES = ((-0.5, 0.0), (0.5, 0.0))
_EYE_HALF = (0.27, 0.16)
_NOSE, _NOSE_HALF = (0.0, 0.5), (0.26, 0.22)
_SEARCH = 3  # pixels that landmarks may be off


class Eyelids:
    """Against one picture with open eyes."""

    def __init__(self, reference: Image) -> None:
        self._reference = reference

    def likeness(self, patch: Image) -> tuple[float, float]:
        """Normalised cross-correlation (-1..1) of the eyes, mean of both, and of the nose."""
        eyes = np.mean([self._match(patch, eye, _EYE_HALF) for eye in _EYES])
        return float(eyes), self._match(patch, _NOSE, _NOSE_HALF)

    def _match(self, patch: Image, where: tuple[float, float], half: tuple[float, float]) -> float:
        x0, y0 = (round(each) for each in place(where[0] - half[0], where[1] - half[1]))
        x1, y1 = (round(each) for each in place(where[0] + half[0], where[1] + half[1]))
        template = self._reference[y0:y1, x0:x1]
        around = patch[y0 - _SEARCH : y1 + _SEARCH, x0 - _SEARCH : x1 + _SEARCH]
        return float(cv2.matchTemplate(around, template, cv2.TM_CCOEFF_NORMED).max())
