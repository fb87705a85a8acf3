"""Contact sheets: what people and attacks look like, for the eye."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from devices.simulated.people.acting import BLINK, TURN_LEFT, TURN_RIGHT, Act
from devices.simulated.people.actor import Actor, Filmed
from devices.simulated.people.attacks import Attack, attacker
from devices.simulated.people.scene import Picture

_SEEDS = (22, 34, 103, 66, 97, 88, 6, 3)
_POSES = (
    Act(),
    Act(yaw=12, pitch=4),
    Act(yaw=25),
    Act(yaw=-25, blink=0.5),
    Act(blink=1.0, pitch=-8),
    Act(smile=1.0, roll=6),
    Act(pitch=15),
)
_ASKED = ((5.8, None), (4.4, BLINK), (2.4, TURN_RIGHT), (0.5, TURN_LEFT))  # from when on, the last first
_KEPT = (6, 36, 68, 98, 104, 132)  # pictures, twenty a second


def write(folder: Path) -> list[Path]:
    """Four sheets as PNG; returns where they lie."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {
        "people.png": [_row(Actor(seed, noise=1.0), 1.0) for seed in _SEEDS],
        "days.png": [_day(seed) for seed in _SEEDS],
        "acting.png": [_acted(Actor(seed, variation=2)) for seed in _SEEDS[:5]],
        "attacks.png": [_acted(attacker(kind, 22, variation)) for kind in Attack for variation in (1, 2)],
    }
    paths = []
    for name, rows in sheets.items():
        path = folder / name
        cv2.imwrite(str(path), np.vstack(rows))
        paths.append(path)
    return paths


def _crop(picture: Picture, scale: float) -> Picture:
    part = picture[30:430, 140:500]
    return np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _row(actor: Actor, scale: float) -> Picture:
    return np.asarray(np.hstack([_crop(actor.shot(act), scale) for act in _POSES]), np.uint8)


def _day(seed: int) -> Picture:
    """The same person on days of their own, the last against a bright window, in a dim room, and without glasses."""
    actors = [Actor(seed, variation=variation) for variation in range(5)]
    actors += [Actor(seed, backlight=0.8), Actor(seed, light=0.3, noise=8.0), Actor(seed, glasses=True)]
    return np.asarray(np.hstack([_crop(actor.frame(0.0), 0.8) for actor in actors]), np.uint8)


def _acted(film: Filmed) -> Picture:
    """Asked to turn left, right, to blink."""
    shots = []
    for i in range(140):
        t = i / 20
        asked = next((prompt for begin, prompt in _ASKED if t >= begin), None)
        image = film.frame(t, asked)
        if i in _KEPT:
            shots.append(np.asarray(cv2.resize(image, (400, 300), interpolation=cv2.INTER_AREA), np.uint8))
    return np.asarray(np.hstack(shots), np.uint8)
