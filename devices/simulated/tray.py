"""The camera above the tray: it sees printed cards laid down by a hand.

A card comes in, sways for two seconds while the hand lets go, and then lies still: from then on only the noise of the
sensor differs, and one picture is drawn and used again (a 1280 x 720 picture costs 30 ms, its noise 3 ms).
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any

import cv2
import numpy as np

from devices.errors import CameraLost
from devices.ports import Image
from devices.simulated.card.files import PersonCard
from devices.simulated.printed.laying import Laying
from devices.simulated.printed.other import OtherKind, other
from devices.simulated.printed.person import lower_side, upper_side
from devices.simulated.printed.sheet import PX, Picture
from devices.simulated.printed.shot import HEIGHT, WIDTH, Glare, Shot, shoot
from devices.stream import CameraStream


class TrayCondition(StrEnum):
    """What is the matter with the camera, the light or the card."""

    NORMAL = "normal"
    GLARE = "glare"  # a lamp mirrored on the security code
    WORN = "worn"  # the security code is scratched off
    DARK = "dark"
    BLACK = "black"
    FROZEN = "frozen"
    LOST = "lost"
    OTHER_CARD = "other card"  # whatever is laid down, the camera sees another kind of card


class _Tray:
    """`Source` of the drawn world."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._period = 1 / float(options.get("fps", 10))
        self._shifts = float(options.get("shifts_every", 0.0))
        self._still = bool(options.get("still", False))
        self._lock = threading.Lock()
        self._card: PersonCard | None = None
        self._down = False
        self._condition = TrayCondition.NORMAL
        self._visits = 0
        self._changed = True
        self._sheet: Picture | None = None
        # Beside the camera, one card after the other: printing took seconds while other processes started.
        self._printer = ThreadPoolExecutor(1, "printer")
        self._fresh: Picture | None = None  # printed, and not laid down yet
        self._laying = Laying(0, calm=True)
        self._since = 0.0
        self._kept: Picture | None = None  # what is seen while nothing moves, without noise
        self._next = 0.0
        self._count = 0

    def lay(self, card: PersonCard | None, down: bool) -> None:
        with self._lock:
            self._card, self._down, self._changed = card, down, True
            self._visits += 1

    def turn(self, down: bool) -> None:
        with self._lock:
            self._down, self._changed = down, True
            self._visits += 1

    def set_condition(self, condition: TrayCondition) -> None:
        with self._lock:
            self._condition, self._changed = condition, True

    def open(self) -> None:
        if self._condition is TrayCondition.LOST:
            raise CameraLost("simulated")
        self._changed = True  # what lies there is still there

    def close(self) -> None:
        self._forget()

    def read(self) -> Image | None:
        now = time.monotonic()
        self._next = max(self._next + self._period, now)
        time.sleep(self._next - now)
        with self._lock:
            condition = self._condition
            changed, self._changed = self._changed, False
            card, down, visit = self._card, self._down, self._visits
            fresh, self._fresh = self._fresh, None
        if condition is TrayCondition.LOST:
            return None
        if condition is TrayCondition.BLACK:
            self._changed = True
            return np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        if changed:
            self._forget()
            if card is not None:
                self._printer.submit(self._print, card, down, visit, condition)
        elif fresh is not None:
            self._forget()
            self._sheet = fresh
            self._laying = Laying(visit, calm=True, shifts_every=self._shifts)
            self._since = time.monotonic() - (60.0 if self._still else 0.0)
        if condition is TrayCondition.FROZEN and self._kept is not None:
            return self._kept.copy()
        return self._seen(condition)

    def _print(self, card: PersonCard, down: bool, visit: int, condition: TrayCondition) -> None:
        """The side that is seen; unseen when something else lies there by then."""
        if condition is TrayCondition.OTHER_CARD:
            sheet = other(OtherKind.HOSPITAL_CARD, visit)
        else:
            sheet = lower_side(card) if down else upper_side(card)
        if condition is TrayCondition.WORN:
            _scratch(sheet)
        with self._lock:
            if (visit, condition) == (self._visits, self._condition):
                self._fresh = sheet
                return
        sheet.fill(0)

    def _seen(self, condition: TrayCondition) -> Image:
        self._count += 1
        t = time.monotonic() - self._since
        at_rest = self._sheet is None or self._laying.still(t)
        if not at_rest:
            self._drop_kept()
            return shoot(self._sheet, self._troubled(self._laying.shot(t), condition))
        shot = self._troubled(self._laying.shot(60.0 if not self._shifts else t), condition)
        if self._kept is None:
            self._kept = shoot(self._sheet, dataclasses.replace(shot, noise=0.0))
        noise = _noise(shot.noise)
        top, left = (self._count * 7) % 16, (self._count * 11) % 16
        part = noise[top : top + HEIGHT, left : left + WIDTH]
        return np.asarray(cv2.add(self._kept, part, dtype=cv2.CV_8U), np.uint8)

    @staticmethod
    def _troubled(shot: Shot, condition: TrayCondition) -> Shot:
        if condition is TrayCondition.DARK:
            return dataclasses.replace(shot, light=0.1, noise=6.0)
        if condition is TrayCondition.GLARE:
            # The card moves under the lamp, the lamp stays: over the code wherever that comes to lie.
            return dataclasses.replace(shot, tilt=0.0, glare=(Glare(120, 190, 150, 70, 0, 1.0),))
        return shot

    def _drop_kept(self) -> None:
        if self._kept is not None:
            self._kept.fill(0)
            self._kept = None

    def _forget(self) -> None:
        self._drop_kept()
        if self._sheet is not None:
            self._sheet.fill(0)
            self._sheet = None


_NOISES: dict[float, np.ndarray[tuple[int, int, int], np.dtype[np.int16]]] = {}


def _noise(sigma: float) -> np.ndarray[tuple[int, int, int], np.dtype[np.int16]]:
    """Noise of a sensor, drawn once for each strength and shifted from picture to picture."""
    key = round(sigma, 1)
    if key not in _NOISES:
        if len(_NOISES) > 3:
            _NOISES.clear()
        drawn = np.random.default_rng(5).standard_normal((HEIGHT + 16, WIDTH + 16, 3), np.float32) * (key + 0.3)
        _NOISES[key] = np.rint(drawn).astype(np.int16)
    return _NOISES[key]


def _scratch(sheet: Picture) -> None:
    """The security code (right of x 50 mm, y 41 to 46 mm) is worn away."""
    left, top, right, bottom = 50 * PX, 41 * PX, 62 * PX, 46 * PX
    patch = sheet[top:bottom, left:right]
    if patch.size:
        draw = np.random.default_rng(3)
        worn = cv2.GaussianBlur(patch, (0, 0), 14).astype(np.int16) + draw.normal(0, 9, patch.shape).astype(np.int16)
        patch[...] = np.clip(worn, 0, 255)
        for _ in range(40):
            x, y = int(draw.integers(0, patch.shape[1])), int(draw.integers(0, patch.shape[0]))
            end = (x + int(draw.integers(-90, 90)), y + int(draw.integers(-14, 14)))
            cv2.line(patch, (x, y), end, (214, 216, 214), 2, cv2.LINE_AA)


class SimulatedTray(CameraStream):
    """`ports.Camera`, 1280 x 720 BGR.

    `options`: `fps` (10), `shifts_every` (0: the hand lays the card down once; seconds: it shifts the card again so
    often), `still` (true: cards lie there at once and nothing ever moves).
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._tray = _Tray(options or {})
        super().__init__(self._tray)

    def lay(self, card: PersonCard | None, *, face_down: bool = False) -> None:
        """A hand lays this card down, or takes what lies there away."""
        self._tray.lay(card, face_down)

    def face_down(self) -> None:
        """The card that lies there is turned over, its back up."""
        self._tray.turn(True)

    def face_up(self) -> None:
        """It is turned over again."""
        self._tray.turn(False)

    def set_condition(self, condition: TrayCondition | str) -> None:
        """Raises `ValueError` for an unknown name."""
        self._tray.set_condition(TrayCondition(condition))
