"""The room behind a person, and what a webcam makes of it all: defocus, noise, compression."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.simulated.people.view import Seen

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Optics:
    """`defocus`: sigma in pixels; `noise`: standard deviation of 8 bit; `jpeg`: quality, 0 for none."""

    defocus: float = 0.5
    noise: float = 2.5
    jpeg: int = 0


@functools.lru_cache(maxsize=8)
def room(size: tuple[int, int], level: float = 1.0, backlight: float = 0.0) -> Picture:
    """A waiting room out of focus, and an empty chair. `backlight` 0..1: a bright window behind. Not to be changed."""
    width, height = size
    y = np.linspace(0, 1, 480, dtype=np.float32)[:, None, None]
    walls = np.array([206, 212, 214], np.float32) * (1.02 - 0.16 * y) * np.ones((1, 640, 1), np.float32)

    def box(left: int, top: int, right: int, bottom: int, colour: tuple[int, int, int]) -> None:
        cv2.rectangle(walls, (left, top), (right, bottom), colour, -1)

    box(40, 30, 190, 215, (240, 240, 236))  # window
    box(112, 30, 118, 215, (196, 202, 204))
    box(0, 400, 640, 480, (160, 172, 184))  # floor
    box(500, 90, 610, 200, (214, 196, 170))  # picture on the wall
    box(512, 102, 598, 188, (190, 206, 180))
    for x, top in ((566, 300), (588, 270), (606, 310), (580, 290)):  # plant
        cv2.ellipse(walls, (x, top + 50), (16, 60), (x - 585) * 0.8, 0, 360, (108, 148, 112), -1)
    box(566, 372, 612, 430, (150, 166, 190))
    blurred = np.asarray(cv2.GaussianBlur(walls, (0, 0), 9), np.float32)
    cv2.rectangle(blurred, (245, 300), (395, 392), (138, 122, 104), -1)
    cv2.rectangle(blurred, (232, 410), (408, 450), (126, 110, 92), -1)
    cv2.rectangle(blurred, (300, 392), (340, 412), (96, 92, 90), -1)
    picture = cv2.GaussianBlur(blurred, (0, 0), 3)
    if backlight > 0:
        glare = np.zeros((480, 640), np.float32)
        cv2.rectangle(glare, (150, -20), (560, 300), (1,), -1)
        glare = np.asarray(cv2.GaussianBlur(glare, (0, 0), 40), np.float32)
        picture = picture + (255 - picture) * np.clip(glare * backlight * 1.2, 0, 1)[..., None]
    else:
        picture = picture * min(level, 1.15)
    scale = max(width / 640, height / 480)
    whole = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    left, top = (whole.shape[1] - width) // 2, (whole.shape[0] - height) // 2
    return np.asarray(np.clip(whole[top : top + height, left : left + width], 0, 255), np.uint8)


def put(image: Picture, seen: Seen) -> None:
    """Lay a part over the picture."""
    height, width = seen.alpha.shape
    part = image[seen.top : seen.top + height, seen.left : seen.left + width]
    alpha = cv2.merge([seen.alpha] * 3)
    below = part.astype(np.float32)
    part[...] = cv2.add(
        cv2.multiply(seen.colour, alpha), cv2.subtract(below, cv2.multiply(below, alpha)), dtype=cv2.CV_8U
    )


def over(image: Picture, layer: NDArray[np.uint8], left: int, top: int) -> None:
    """Lay a picture with alpha (x 4, colour already multiplied) over the image, at its pixel `left`, `top`."""
    height, width = image.shape[:2]
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + layer.shape[1]), min(height, top + layer.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    inner = layer[y0 - top : y1 - top, x0 - left : x1 - left]
    part = image[y0:y1, x0:x1]
    through = cv2.cvtColor(255 - inner[..., 3], cv2.COLOR_GRAY2BGR)
    part[...] = cv2.add(cv2.multiply(part, through, scale=1 / 255), inner[..., :3])


class Sensor:
    """What becomes of the picture on its way: repeatable by `draw`."""

    def __init__(self, size: tuple[int, int], optics: Optics, draw: np.random.Generator) -> None:
        self._optics = optics
        self._draw = draw
        self._size = size
        self._offset = round(3 * optics.noise)
        width, height = size
        self._field: Picture | None = None
        if optics.noise > 0:
            self._field = _noise_field((height + 64, width + 64), optics.noise)

    def take(self, image: Picture) -> Picture:
        width, height = self._size
        if self._optics.defocus > 0.2:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), self._optics.defocus), np.uint8)
        if self._field is not None:
            left, top = self._draw.integers(0, 64, 2)
            image = np.asarray(cv2.add(image, self._field[top : top + height, left : left + width]), np.uint8)
            image = np.asarray(cv2.subtract(image, np.full(4, self._offset, np.float64)), np.uint8)
        if self._optics.jpeg:
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self._optics.jpeg])
            image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return image


@functools.lru_cache(maxsize=8)
def _noise_field(shape: tuple[int, int], sigma: float) -> Picture:
    draw = np.random.default_rng(9)
    field = draw.standard_normal((*shape, 3), np.float32) * sigma + round(3 * sigma)
    return np.asarray(np.clip(field + 0.5, 0, 255), np.uint8)
