"""Pictures that are made on the way and have to go again."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.ports import Image

Floats = NDArray[np.floating[Any]]


def gray_of(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def lab_of(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2LAB), np.uint8)


def blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def overwrite(*pictures: NDArray[Any]) -> None:
    for picture in pictures:
        picture.fill(0)
