"""A camera that plays a short film of one drawn person over and over, forwards and backwards: drawn once, so that
pictures of any size come at the full rate however long a measurement lasts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from devices.ports import Image
from devices.simulated.people import Actor
from devices.stream import CameraStream

PICTURES = 40


class Reel:
    """`Source` of the film. `options`: `width`, `height` (640, 480), `fps` (30), `pictures` (40)."""

    def __init__(self, seed: int | None, options: Mapping[str, Any]) -> None:
        self.seed = seed
        self._size = (int(options.get("width", 640)), int(options.get("height", 480)))
        self._fps = float(options.get("fps", 30))
        self._pictures = int(options.get("pictures", PICTURES))
        self._film: list[Image] = []
        self._drawn: int | None = None
        self._turn = 0
        self._next = 0.0

    def open(self) -> None:
        """There is nothing to open."""

    def read(self) -> Image | None:
        if self.seed != self._drawn:
            self._draw(self.seed)
        now = time.monotonic()
        self._next = max(self._next + 1 / self._fps, now)
        time.sleep(self._next - now)
        if not self._film:
            return None
        self._turn += 1
        return self._film[place(self._turn, len(self._film))].copy()

    def close(self) -> None:
        """There is nothing to close."""

    def _draw(self, seed: int | None) -> None:
        self._drawn, self._film = seed, []
        if seed is not None:
            actor = Actor(seed, size=self._size)
            self._film = [actor.frame(number / self._fps) for number in range(self._pictures)]


def place(turn: int, length: int) -> int:
    """0, 1 ... length - 1, length - 2 ... 1, 0, 1 ...: no picture comes twice in a row."""
    step = turn % max(2 * length - 2, 1)
    return step if step < length else 2 * length - 2 - step


class ReelCamera(CameraStream):
    """`ports.Camera`. `options`: of `Reel`."""

    def __init__(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> None:
        self._reel = Reel(seed, options or {})
        super().__init__(self._reel)

    def show(self, seed: int | None) -> None:
        """Another person sits down, or nobody; drawn before the next picture."""
        self._reel.seed = seed
