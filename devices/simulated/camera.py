"""A camera that sees drawn people: they come closer, breathe, look around and blink.

Drawing a head takes half a second, so each person is drawn in a few poses once and then played; drawn pictures stay
in memory only. Faults can be set to see what the kiosk does about them.
"""

from __future__ import annotations

import functools
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from devices.errors import CameraLost
from devices.ports import Image
from devices.simulated.faces import CARD_SIZE, FAR_SEEDS, Face, figure, on_card
from devices.stream import CameraStream

WIDTH, HEIGHT = 640, 480
_LAYER_HEIGHT = HEIGHT + 40  # people go on below the picture, so that they may rise a little
_UNIT = 118.0
_EYES = (WIDTH / 2, 226.0)
_APPROACH_SECONDS = 1.4
_BLINK_EVERY = 3.7
_BLINK_SECONDS = 0.28
_YAWS = (0.0, 1.5, -1.5, 3.0, -3.0, 4.5, -4.5, 6.0, -6.0, 7.5, -7.5)
_PEOPLE_KEPT = 4


class Condition(StrEnum):
    """What is the matter with the camera or the room."""

    NORMAL = "normal"
    DARK = "dark"
    BLACK = "black"
    FROZEN = "frozen"
    LOST = "lost"
    TWO_PEOPLE = "two people"


@dataclass(frozen=True, slots=True)
class _Pose:
    yaw: float = 0.0
    blink: float = 0.0


_POSES = (_Pose(), _Pose(blink=0.5), _Pose(blink=1.0), *(_Pose(yaw) for yaw in _YAWS[1:]))


class _People:
    """Drawn poses by person, newest few persons kept, shared by every camera of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawn: OrderedDict[int, dict[_Pose, Image]] = OrderedDict()

    def poses(self, seed: int) -> dict[_Pose, Image]:
        """What is drawn already of this person: 4-channel layers, colour already multiplied by alpha."""
        with self._lock:
            return dict(self._drawn.get(seed, ()))

    def draw(self, seed: int, poses: Sequence[_Pose], stop: threading.Event) -> None:
        """Draw what is still missing of this person; the most important pose first."""
        for pose in poses:
            if stop.is_set():
                return
            with self._lock:
                known = self._drawn.setdefault(seed, {})
                self._drawn.move_to_end(seed)
                while len(self._drawn) > _PEOPLE_KEPT:
                    self._drawn.popitem(last=False)
            if pose not in known:
                layer = figure(
                    Face(seed),
                    (WIDTH, _LAYER_HEIGHT),
                    yaw=pose.yaw,
                    pitch=0.4 * pose.yaw,
                    blink=pose.blink,
                    unit=_UNIT,
                    centre=_EYES,
                )
                with self._lock:
                    known[pose] = np.asarray(np.clip(layer * 255 + 0.5, 0, 255), np.uint8)


_PEOPLE = _People()


class _Room:
    """`Source` of the drawn world."""

    def __init__(self, seed: int | None, options: Mapping[str, Any]) -> None:
        self._period = 1 / float(options.get("fps", 20))
        folder = options.get("faces") or os.environ.get("FACES")
        self._folder = Path(folder) if folder else None
        self._calm = bool(options.get("calm", False))
        self._lock = threading.Lock()
        self._seed: int | None = None
        self._since = 0.0
        self._condition = Condition.NORMAL
        self._drawing = threading.Event()
        self._frozen: Image | None = None
        self._next = 0.0
        self._count = 0
        self._artists: list[threading.Thread] = []
        self.show(seed)

    def show(self, seed: int | None) -> None:
        with self._lock:
            self._seed, self._since = seed, 0.0
            self._drawing.set()  # whoever was being drawn need not be finished
            self._drawing = threading.Event()
            stop = self._drawing
        if seed is not None and self._portrait(seed) is None:
            self._draw(seed, stop)

    def _draw(self, seed: int, stop: threading.Event) -> None:
        poses = _POSES[:1] if self._calm else _POSES
        artist = threading.Thread(target=_PEOPLE.draw, args=(seed, poses, stop), name="simulated-poses", daemon=True)
        with self._lock:
            self._artists = [*(each for each in self._artists if each.is_alive()), artist]
        artist.start()

    def set_condition(self, condition: Condition) -> None:
        with self._lock:
            self._condition = condition
            seed = self._seed
        if condition is Condition.TWO_PEOPLE and seed is not None:
            self._draw(_companion(seed), self._drawing)

    def open(self) -> None:
        if self._condition is Condition.LOST:
            raise CameraLost("simulated")

    def close(self) -> None:
        with self._lock:
            if self._frozen is not None:
                self._frozen.fill(0)
                self._frozen = None

    def dismiss(self) -> None:
        """End the drawing: a thread that is still in native code when the interpreter ends brings it down."""
        with self._lock:
            self._drawing.set()
            artists, self._artists = self._artists, []
        for artist in artists:
            artist.join()

    def read(self) -> Image | None:
        now = time.monotonic()
        self._next = max(self._next + self._period, now)
        time.sleep(self._next - now)
        with self._lock:
            seed, condition = self._seed, self._condition
        if condition is Condition.LOST:
            return None
        if condition is Condition.BLACK:
            return np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        if condition is Condition.FROZEN and self._frozen is not None:
            return self._frozen.copy()
        image = _room().copy()
        if seed is not None:
            self._person(image, seed, time.monotonic(), condition)
        if condition is Condition.DARK:
            image = np.asarray(image // 9, np.uint8)
        self._count += 1
        noise = _noise()[self._count % len(_noise())]
        image = np.asarray(cv2.add(image, noise), np.uint8)
        self._frozen = image.copy() if condition is Condition.FROZEN else None
        return image

    def _person(self, image: Image, seed: int, now: float, condition: Condition) -> None:
        portrait = self._portrait(seed)
        poses = _PEOPLE.poses(seed)
        if portrait is None and _Pose() not in poses:
            return  # still being drawn: the chair is empty a moment longer
        self._since = self._since or now - (_APPROACH_SECONDS if self._calm else 0.0)
        t = now - self._since
        pair = condition is Condition.TWO_PEOPLE
        if portrait is not None:
            image[...] = _moved(portrait, t, 1.0, 0.0)[:HEIGHT]
        else:
            _over(image, _moved(poses[_pose(t, poses)], t, 0.8 if pair else 1.0, -130.0 if pair else 0.0))
        if pair:
            other = _PEOPLE.poses(_companion(seed))
            if _Pose() in other:
                _over(image, _moved(other[_pose(t + 1.3, other)], t + 1.3, 0.8, 130.0))

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
    top = round(min(max(0.0, 0.45 * scaled.shape[0] - _EYES[1]), scaled.shape[0] - _LAYER_HEIGHT))
    return np.asarray(scaled[top : top + _LAYER_HEIGHT, left : left + WIDTH], np.uint8)


def _pose(t: float, poses: Mapping[_Pose, Image]) -> _Pose:
    """Where this person looks at time t; the head is straight while the eyes close."""
    phase = (t + 1.2) % _BLINK_EVERY
    if phase < _BLINK_SECONDS:
        lid = math.sin(math.pi * phase / _BLINK_SECONDS)
        wanted = _Pose(blink=1.0 if lid > 0.75 else 0.5 if lid > 0.3 else 0.0)
        return wanted if wanted in poses else _Pose()
    away = min(phase - _BLINK_SECONDS, _BLINK_EVERY - phase)
    yaw = (4.6 * math.sin(t * 0.9) + 2.6 * math.sin(t * 2.1 + 1)) * _ease(away / 0.7)
    return min((pose for pose in poses if pose.blink == 0), key=lambda pose: abs(pose.yaw - yaw))


def _ease(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return value * value * (3 - 2 * value)


def _moved(layer: Image, t: float, size: float, aside: float) -> Image:
    """Breathing, swaying, and coming closer during the first moments; anchored below the picture."""
    scale = size * (0.74 + 0.26 * _ease(t / _APPROACH_SECONDS)) * (1 + 0.004 * math.sin(t * 1.7))
    sway = 5.0 * math.sin(t * 1.1) + 2.0 * math.sin(t * 2.3)
    lift = 2.0 * math.sin(t * 1.7)
    matrix = np.array(
        [[scale, 0, (1 - scale) * WIDTH / 2 + sway + aside], [0, scale, (1 - scale) * (_LAYER_HEIGHT - 8) + lift]],
        np.float32,
    )
    border = cv2.BORDER_CONSTANT if layer.shape[2] == 4 else cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(layer, matrix, (WIDTH, HEIGHT), borderMode=border), np.uint8)


def _over(image: Image, layer: Image) -> None:
    through = cv2.cvtColor(255 - layer[..., 3], cv2.COLOR_GRAY2BGR)
    image[...] = cv2.add(cv2.multiply(image, through, scale=1 / 255), layer[..., :3])


@functools.cache
def _noise() -> tuple[Image, ...]:
    draw = np.random.default_rng(9)
    return tuple(draw.integers(0, 7, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(7))


@functools.cache
def _room() -> Image:
    """A waiting room out of focus, and an empty chair."""
    y = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    room = np.array([206, 212, 214], np.float32) * (1.02 - 0.16 * y) * np.ones((1, WIDTH, 1), np.float32)

    def box(left: int, top: int, right: int, bottom: int, colour: tuple[int, int, int]) -> None:
        cv2.rectangle(room, (left, top), (right, bottom), colour, -1)

    box(40, 30, 190, 215, (240, 240, 236))  # window
    box(112, 30, 118, 215, (196, 202, 204))
    box(0, 400, WIDTH, HEIGHT, (160, 172, 184))  # floor
    box(500, 90, 610, 200, (214, 196, 170))  # picture on the wall
    box(512, 102, 598, 188, (190, 206, 180))
    for x, top in ((566, 300), (588, 270), (606, 310), (580, 290)):  # plant
        cv2.ellipse(room, (x, top + 50), (16, 60), (x - 585) * 0.8, 0, 360, (108, 148, 112), -1)
    box(566, 372, 612, 430, (150, 166, 190))
    blurred = np.asarray(cv2.GaussianBlur(room, (0, 0), 9), np.float32)
    chair = blurred.copy()
    cv2.rectangle(chair, (245, 300), (395, 392), (138, 122, 104), -1)
    cv2.rectangle(chair, (232, 410), (408, 450), (126, 110, 92), -1)
    cv2.rectangle(chair, (300, 392), (340, 412), (96, 92, 90), -1)
    return np.asarray(np.clip(cv2.GaussianBlur(chair, (0, 0), 3), 0, 255), np.uint8)


class SimulatedCamera(CameraStream):
    """`ports.Camera`, 640 x 480 BGR. `seed`: who sits there (None: an empty chair).

    `options`: `fps` (20), `faces` (folder of portraits named by seed or persona; also by the environment's FACES),
    `calm` (true: who sits down is there at once and keeps still, which needs a tenth of the drawing).
    """

    def __init__(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> None:
        self._room = _Room(seed, options or {})
        super().__init__(self._room)

    def show(self, seed: int | None) -> None:
        """Another person sits down, or nobody. A new person appears after about a second."""
        self._room.show(seed)

    def stop(self) -> None:
        super().stop()
        self._room.dismiss()

    def set_condition(self, condition: Condition | str) -> None:
        """Raises `ValueError` for an unknown name."""
        self._room.set_condition(Condition(condition))
