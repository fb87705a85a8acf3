"""A camera that sees drawn people: they come closer, breathe, look around, blink, and do what the kiosk asks.

They are drawn in a process of their own (`people.studio`), so that the kiosk does not pay for them. A portrait of your
own is moved about in this process instead. Faults and simulated attacks can be set to see what the kiosk does.
"""

from __future__ import annotations

import functools
import math
import os
import threading
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from devices.errors import CameraLost
from devices.ports import Frame, Image
from devices.simulated.faces import CARD_SIZE, FAR_SEEDS, on_card
from devices.simulated.people.acting import APPROACH_SECONDS, ease
from devices.simulated.people.attacks import Attack
from devices.simulated.people.scene import room
from devices.simulated.people.studio import Cast, Studio
from devices.stream import CameraStream

WIDTH, HEIGHT = 640, 480
_LAYER_HEIGHT = HEIGHT + 40  # a portrait goes on below the picture, so that it may rise a little
_EYES_Y = 226.0
_IDLE_SECONDS = 0.3  # nobody has looked for so long: fewer pictures will do
_IDLE_PERIOD = 0.2


class Condition(StrEnum):
    """What is the matter with the camera, the room, or the person."""

    NORMAL = "normal"
    DARK = "dark"
    BLACK = "black"
    FROZEN = "frozen"
    LOST = "lost"
    TWO_PEOPLE = "two people"
    # Somebody else shows the face of whoever sits there.
    PHOTO = "photo"
    BENT_PHOTO = "bent photo"
    MASK = "mask"
    CUT_OUT_EYES = "cut-out eyes"
    REPLAY = "replay"
    CUT_IN = "cut in"


_ATTACKS = {
    Condition.PHOTO: Attack.FLAT,
    Condition.BENT_PHOTO: Attack.BENT,
    Condition.MASK: Attack.RELIEF,
    Condition.CUT_OUT_EYES: Attack.CUT_OUT_EYES,
    Condition.REPLAY: Attack.REPLAY,
    Condition.CUT_IN: Attack.CUT_IN,
}


class _Room:
    """`Source` of the drawn world."""

    def __init__(self, seed: int | None, options: Mapping[str, Any]) -> None:
        self._period = 1 / float(options.get("fps", 20))
        folder = options.get("faces") or os.environ.get("FACES")
        self._folder = Path(folder) if folder else None
        self._calm = bool(options.get("calm", False))
        self._warm = bool(options.get("warm", False))
        self._size = (int(options.get("width", WIDTH)), int(options.get("height", HEIGHT)))
        self.studio = Studio(self._size)
        self._lock = threading.Lock()
        self._seed: int | None = None
        self._visits = 0
        self._since = 0.0
        self._condition = Condition.NORMAL
        self._frozen: Image | None = None
        self._next = 0.0
        self._count = 0
        self._looked = [0.0, 0.0]
        self._attention = threading.Event()
        self.show(seed)

    def show(self, seed: int | None) -> None:
        with self._lock:
            self._seed, self._since = seed, 0.0
            self._visits += 1
        self._cast()

    def set_condition(self, condition: Condition) -> None:
        with self._lock:
            before, self._condition = self._condition, condition
        changing = {Condition.TWO_PEOPLE, *_ATTACKS}
        if before != condition and (before in changing or condition in changing):
            self._cast()

    def _cast(self) -> None:
        """Tell who is before the camera; whoever comes anew has a manner of his own only in an attack."""
        with self._lock:
            seed, condition, visit = self._seed, self._condition, self._visits
        if seed is None or self._portrait(seed) is not None:
            self.studio.cast(Cast(-1))
            return
        attack = _ATTACKS.get(condition)
        companion = _companion(seed) if condition is Condition.TWO_PEOPLE else -1
        variation = visit if attack else 0
        self.studio.cast(Cast(seed, variation, attack or "", companion, self._calm))

    def looked_at(self) -> None:
        """Somebody takes the newest picture."""
        self._looked = [self._looked[1], time.monotonic()]
        if self._looked[1] - self._looked[0] < _IDLE_SECONDS:
            self._attention.set()

    def open(self) -> None:
        if self._condition is Condition.LOST:
            raise CameraLost("simulated")
        if self._warm:
            self.studio.open()

    def close(self) -> None:
        with self._lock:
            if self._frozen is not None:
                self._frozen.fill(0)
                self._frozen = None

    def read(self) -> Image | None:
        self._wait()
        with self._lock:
            seed, condition = self._seed, self._condition
        if condition is Condition.LOST:
            return None
        if condition is Condition.BLACK:
            return np.zeros((self._size[1], self._size[0], 3), np.uint8)
        if condition is Condition.FROZEN and self._frozen is not None:
            return self._frozen.copy()
        image = self._empty() if seed is None else self._person(seed)
        if image is None:
            return None
        if condition is Condition.DARK:
            image = self._noisy(np.asarray(image // 9, np.uint8))
        self._frozen = image.copy() if condition is Condition.FROZEN else None
        return image

    def _wait(self) -> None:
        """Until the next picture is due; later while nobody looks, but at once when somebody begins to."""
        now = time.monotonic()
        self._next = max(self._next + self._period, now)
        time.sleep(self._next - now)
        if time.monotonic() - self._looked[1] > _IDLE_SECONDS:
            self._attention.clear()
            self._attention.wait(_IDLE_PERIOD)

    def _empty(self) -> Image:
        return self._noisy(room(self._size))

    def _noisy(self, image: Image) -> Image:
        self._count += 1
        noise = _noise(self._size)
        return np.asarray(cv2.add(image, noise[self._count % len(noise)]), np.uint8)

    def _person(self, seed: int) -> Image | None:
        portrait = self._portrait(seed)
        if portrait is None:
            self.studio.open()
            return self.studio.shoot()
        now = time.monotonic()
        self._since = self._since or now - (APPROACH_SECONDS if self._calm else 0.0)
        seen = _moved(portrait, now - self._since)
        return self._noisy(np.asarray(cv2.resize(seen, self._size), np.uint8))

    def _portrait(self, seed: int) -> Image | None:
        """A portrait of your own instead of the drawn person, when the folder has one for this seed or persona."""
        return None if self._folder is None else _load_portrait(self._folder, seed)


def _companion(seed: int) -> int:
    return next(other for other in FAR_SEEDS.values() if other != seed)


def own_card_photo(folder: Path, seed: int) -> bytes | None:
    """The card photo of the person whose portrait lies in `folder`; None: there is none."""
    image = _read_portrait(folder, seed)
    if image is None:
        return None
    width, height = CARD_SIZE
    scale = max(width / image.shape[1], height / image.shape[0])
    scaled = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left = (scaled.shape[1] - width) // 2
    return on_card(np.ascontiguousarray(scaled[:height, left : left + width]))


@functools.lru_cache(maxsize=8)
def _load_portrait(folder: Path, seed: int) -> Image | None:
    image = _read_portrait(folder, seed)
    return None if image is None else _filling(image)


def _read_portrait(folder: Path, seed: int) -> Image | None:
    names = [str(seed), *(persona for persona, value in FAR_SEEDS.items() if value == seed)]
    for name in names:
        for suffix in (".jpg", ".jpeg", ".png"):
            path = folder / (name + suffix)
            image = cv2.imread(str(path)) if path.is_file() else None
            if image is not None:
                return np.asarray(image, np.uint8)
    return None


def _filling(image: Image) -> Image:
    """Scaled and cut to fill the camera's picture."""
    scale = max(WIDTH / image.shape[1], _LAYER_HEIGHT / image.shape[0])
    scaled = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left = (scaled.shape[1] - WIDTH) // 2
    # In a portrait the eyes are a little above the middle; they belong where those of the drawn people are.
    top = round(min(max(0.0, 0.45 * scaled.shape[0] - _EYES_Y), scaled.shape[0] - _LAYER_HEIGHT))
    return np.asarray(scaled[top : top + _LAYER_HEIGHT, left : left + WIDTH], np.uint8)


def _moved(portrait: Image, t: float) -> Image:
    """Breathing, swaying, and coming closer during the first moments; anchored below the picture."""
    scale = (0.74 + 0.26 * ease(t / APPROACH_SECONDS)) * (1 + 0.004 * math.sin(t * 1.7))
    sway = 5.0 * math.sin(t * 1.1) + 2.0 * math.sin(t * 2.3)
    lift = 2.0 * math.sin(t * 1.7)
    matrix = np.array(
        [[scale, 0, (1 - scale) * WIDTH / 2 + sway], [0, scale, (1 - scale) * (_LAYER_HEIGHT - 8) + lift]],
        np.float32,
    )
    return np.asarray(cv2.warpAffine(portrait, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.uint8)


@functools.cache
def _noise(size: tuple[int, int]) -> tuple[Image, ...]:
    draw = np.random.default_rng(9)
    return tuple(draw.integers(0, 7, (size[1], size[0], 3), np.uint8) for _ in range(7))


class SimulatedCamera(CameraStream):
    """`ports.Camera`, BGR. `seed`: who sits there (None: an empty chair).

    `options`: `width`, `height` (640, 480), `fps` (20), `faces` (folder of portraits named by seed or persona; also by
    the environment's FACES), `calm` (true: who sits down is there at once and moves little), `warm` (true: the process
    that draws people is started with the camera, not with the first person).
    """

    def __init__(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> None:
        self._room = _Room(seed, options or {})
        super().__init__(self._room)

    def latest(self) -> Frame | None:
        self._room.looked_at()
        return super().latest()

    def show(self, seed: int | None) -> None:
        """Another person sits down, or nobody. A new person appears within about a second."""
        self._room.show(seed)

    def ask(self, prompt: str | None) -> None:
        """What the kiosk asks the person now: "turn_left", "turn_right", "blink"; anything else is nothing."""
        self._room.studio.prompt = prompt or ""

    def stop(self) -> None:
        super().stop()
        self._room.studio.stop()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process that draws."""
        pid = self._room.studio.pid
        return () if pid is None else (pid,)

    def set_condition(self, condition: Condition | str) -> None:
        """Raises `ValueError` for an unknown name."""
        self._room.set_condition(Condition(condition))
