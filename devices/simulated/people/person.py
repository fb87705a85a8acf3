"""One drawn person as textures: what a camera needs to see the head from any side, the lids and the mouth in steps."""

from __future__ import annotations

import functools
from dataclasses import fields, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.simulated.people.head import (
    BOTTOM,
    FLOOR,
    LEFT,
    SCALE,
    TOP,
    WHOLE,
    Array,
    Style,
    Surface,
    Traits,
    Window,
    pixels,
    sculpt,
    traits_of,
)

LIDS = 5  # steps from open to closed
SMILES = 4  # steps from calm to laughing
SIDE_FRONT, SIDE_BACK = 0.4, -1.3  # what the side textures show, in z
SIDE_SCALE = 100

#: How far a trait may drift in ten years, as a share of what it may be at all.
_DRIFT = 0.16
_RANGES = {
    "width": (0.62, 0.85),
    "jaw": (0.0, 0.95),
    "chin": (0.9, 1.14),
    "eye_open": (0.42, 0.64),
    "eye_tilt": (-0.16, 0.2),
    "brow_height": (0.19, 0.29),
    "brow_thick": (0.02, 0.062),
    "brow_tilt": (-0.12, 0.16),
    "nose_length": (0.31, 0.49),
    "nose_width": (0.09, 0.155),
    "mouth_width": (0.19, 0.29),
    "lip": (0.03, 0.085),
    "cheek": (0.0, 0.09),
}


def aged(traits: Traits, seed: int, years: float) -> Traits:
    """The same person some years later: flesh drifts, bones hardly, lines deepen. Invented, not measured."""
    if not years:
        return traits
    draw = np.random.default_rng([41, seed])
    share = years / 10
    changed: dict[str, Any] = {}
    for field in fields(traits):
        step = float(draw.normal())
        if field.name in _RANGES:
            low, high = _RANGES[field.name]
            value = float(getattr(traits, field.name)) + step * share * _DRIFT * (high - low)
            changed[field.name] = min(high, max(low, value))
    changed["elder"] = min(1.0, traits.elder + 0.15 * share)
    return replace(traits, **changed)


class Person:
    """The textures of one person, made once (a quarter of a second) and then patched where a face moves.

    `shape`: rows x columns x 2, front and back of the head in z; `skin`: x 4, BGR and the light of an eye;
    `relief`: x 4, normal and gloss; `sides`: picture's left and right of the head seen from beside, x 3.
    """

    def __init__(self, seed: int, *, years: float = 0.0, glasses: bool | None = None) -> None:
        traits = aged(traits_of(seed), seed, years)
        self.seed = seed
        self.traits = traits if glasses is None else replace(traits, glasses=glasses)
        t = self.traits
        whole = sculpt(seed, t)
        self.shape = np.dstack([whole.height, _back(whole, t)])
        self.hull = _hull(self.shape)
        self.half_width = float(self.hull[self.hull[:, 1] < 0.9, 0].max())
        self.skin = np.dstack([_bytes(whole.colour), _bytes(whole.glow)])
        self.relief = np.dstack([whole.normal, whole.gloss])
        self.sides = (_side(whole, t, seed, -1), _side(whole, t, seed, 1))
        self._eyes: Window = (-0.62, t.eye_height - 0.24, 0.62, t.eye_height + 0.24)
        self._face: Window = (-0.72, t.eye_height - 0.42, 0.72, min(t.chin - 0.02, BOTTOM))
        self._now = (0, 0)
        self._kept: dict[tuple[int, int], _Patch] = {}

    def move(self, blink: float, smile: float) -> None:
        """Lids and mouth, 0..1 each, to the nearest step."""
        wanted = (round(blink * LIDS), round(smile * SMILES))
        if wanted == self._now:
            return
        if wanted[1] != self._now[1]:
            self._put((0, wanted[1]))
        self._put(wanted)
        self._now = wanted

    def _put(self, step: tuple[int, int]) -> None:
        patch = self._kept.get(step)
        if patch is None:
            window = self._face if step[0] == 0 else self._eyes
            patch = self._kept[step] = self._patch(step, window)
        self.shape[(*patch.at, 0)] = patch.height
        self.skin[patch.at] = patch.skin
        self.relief[patch.at] = patch.relief

    def _patch(self, step: tuple[int, int], window: Window) -> _Patch:
        margin = 0.16  # what blurs reach across
        left, top, right, bottom = window
        wide = (left - margin, top - margin, right + margin, bottom + margin)
        made = sculpt(self.seed, self.traits, step[0] / LIDS, step[1] / SMILES, wide)
        rows, columns = pixels(window)
        around_rows, around_columns = pixels(wide)
        inner = np.s_[
            rows.start - around_rows.start : rows.stop - around_rows.start,
            columns.start - around_columns.start : columns.stop - around_columns.start,
        ]
        skin = np.dstack([_bytes(made.colour[inner]), _bytes(made.glow[inner])])
        return _Patch((rows, columns), made.height[inner], skin, np.dstack([made.normal[inner], made.gloss[inner]]))


@functools.lru_cache(maxsize=6)
def person_of(seed: int, years: float = 0.0, glasses: bool | None = None) -> Person:
    """The same, kept: who shows it moves it before it is seen, so that several may share it. Not between threads."""
    return Person(seed, years=years, glasses=glasses)


class _Patch:
    __slots__ = ("at", "height", "relief", "skin")

    def __init__(self, at: tuple[slice, slice], height: Array, skin: NDArray[np.uint8], relief: Array) -> None:
        self.at, self.height, self.skin, self.relief = at, height, skin, relief


def _bytes(values: Array) -> NDArray[np.uint8]:
    return np.asarray(np.clip(values * 255 + 0.5, 0, 255), np.uint8)


def _rows() -> Array:
    rows, _ = pixels(WHOLE)
    return np.arange(rows.stop, dtype=np.float32) / SCALE + TOP


def _smooth(value: Array) -> Array:
    t = np.clip(value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _back(surface: Surface, traits: Traits) -> Array:
    """The other half of the head: the skull's, drawn in towards the neck; ears are as thick as ears."""
    deep = np.where(surface.covered > 0.85, 1.15, 1.15 - 0.9 * _smooth((_rows() - 0.2) / 0.45)[:, None])
    if traits.style in (Style.BOB, Style.LONG):
        deep = deep * (1 - 0.5 * _smooth((_rows() - 0.4) / 0.6)[:, None])
    back = -deep * surface.base
    back = np.where(surface.ears, np.minimum(back, surface.height - 0.22), back)
    return np.asarray(np.where(surface.height > FLOOR / 2, back, -FLOOR), np.float32)


def _hull(shape: Array) -> Array:
    """Points (n x 3) all over the head, dense enough to know what room it takes."""
    every = 10
    sparse = shape[every // 2 :: every, every // 2 :: every]
    rows, columns = np.nonzero(sparse[..., 0] > FLOOR / 2)
    x = (columns * every + every // 2) / SCALE + LEFT
    y = (rows * every + every // 2) / SCALE + TOP
    front, back = sparse[rows, columns].T
    return np.asarray(np.vstack([np.column_stack([x, y, front]), np.column_stack([x, y, back])]), np.float64)


def _side(surface: Surface, traits: Traits, seed: int, sign: int) -> NDArray[np.uint8]:
    """What the front map cannot hold: the head from beside, rows as the maps, columns from front to back."""
    rows = len(_rows())
    depth = np.arange(int((SIDE_FRONT - SIDE_BACK) * SIDE_SCALE), dtype=np.float32)
    z = SIDE_FRONT - depth / SIDE_SCALE
    middle = int(-LEFT * SCALE)
    half = surface.base[:, middle:] if sign > 0 else surface.base[:, middle::-1]
    # The outermost column that still looks forwards, row by row: from there on colours go on backwards.
    rim = np.clip(half.shape[1] - 1 - np.argmax(half[:, ::-1] > 0.26, axis=1), 0, half.shape[1] - 1)
    rim[~(half > 0.26).any(axis=1)] = 0
    column = np.clip(middle + sign * rim, 0, surface.base.shape[1] - 1)
    at = np.arange(rows), column
    edge = cv2.GaussianBlur(np.ascontiguousarray(surface.colour[at][:, None, :]), (1, 15), 4)
    hairy = cv2.GaussianBlur(np.ascontiguousarray(surface.covered[at][:, None]), (1, 15), 3)
    skin = np.array(traits.skin, np.float32) / 255 * np.array([0.86, 0.88, 0.94], np.float32)
    edge = edge + (skin - edge) * 0.5 * (1 - hairy[..., None])
    y = _rows()[:, None]
    nape = {Style.BOB: 0.78, Style.LONG: 1.5}.get(traits.style, 0.62)
    behind = _smooth((-0.1 - z[None, :] + 0.12 * np.sin(y * 3)) / 0.08) * _smooth((nape - y) / 0.1)
    mask = np.maximum(hairy.reshape(rows, 1), behind)[..., None]
    field = np.random.default_rng([78, seed, sign + 1]).standard_normal((rows, len(z)), np.float32)
    strands = cv2.GaussianBlur(field, (0, 0), sigmaX=1.1, sigmaY=16)
    strands = strands / (strands.std() + 1e-6)
    hair = np.array(traits.hair, np.float32) / 255 * (1 + 0.13 * strands[..., None])
    return _bytes(np.asarray(edge.reshape(rows, 1, 3) * (1 - mask) + hair * mask, np.float32))
