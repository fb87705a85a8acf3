"""The shape and the colours of a drawn head, as maps over its front.

A head is sculpted feature by feature: relief is added to a skull, paint is mixed over skin. Units: chin to crown is
about 2; x to the right, y down, z towards the viewer, the origin between the eyes.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

SCALE = 170  # map pixels for one unit
LEFT, TOP, RIGHT, BOTTOM = -1.25, -1.55, 1.25, 1.75
FLOOR = -9.0  # height where there is no head
_MIDDLE = 0.05  # height of the widest part of the skull
_RAISED = 0.85  # so much of the colour is hair where hair begins to have a height: its edge is seen from beside
_CROWN = 1.14  # from there to the top

_SKINS = ((205, 220, 243), (186, 206, 236), (170, 194, 228), (152, 180, 219), (138, 165, 207))  # BGR
_HAIRS = ((38, 32, 32), (40, 46, 62), (48, 66, 96), (30, 28, 30))
_GREYS = ((150, 150, 152), (190, 190, 190), (112, 114, 118))
_CLOTHES = ((150, 110, 70), (120, 140, 90), (90, 90, 150), (160, 150, 120), (95, 80, 70), (170, 135, 150))


class Style(IntEnum):
    """How the hair is worn."""

    SHORT = 0
    PARTED = 1
    BOB = 2
    LONG = 3
    RECEDING = 4

    @property
    def hangs(self) -> bool:
        """Over the ears and beside the face."""
        return self in (Style.BOB, Style.LONG)


@dataclass(frozen=True, slots=True)
class Traits:
    """What tells one person from another; lengths in head units, most others 0..1, colours BGR."""

    elder: float
    width: float
    jaw: float
    chin: float
    eye_apart: float
    eye_width: float
    eye_open: float
    eye_tilt: float
    eye_height: float
    brow_height: float
    brow_thick: float
    brow_arch: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    nose_depth: float
    mouth_height: float
    mouth_width: float
    lip: float
    cheek: float
    style: Style
    glasses: bool
    beard: float
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    clothes: tuple[int, int, int]
    collar: int  # 0 wide, 1 round, 2 open with a white edge


@functools.cache
def traits_of(seed: int) -> Traits:
    draw = np.random.default_rng([20, seed])

    def between(low: float, high: float) -> float:
        # A beta distribution with both ends favoured: people differ more than a bell curve would have it.
        return float(low + (high - low) * draw.beta(0.7, 0.7))

    elder = float(np.clip(draw.normal(0.15, 0.45), 0, 1))
    style = Style(int(draw.integers(0, 5 if elder > 0.4 else 4)))
    broad = not style.hangs
    skin = _SKINS[int(draw.integers(len(_SKINS)))]
    hair = _GREYS[int(draw.integers(len(_GREYS)))] if elder > 0.45 else _HAIRS[int(draw.integers(len(_HAIRS)))]
    return Traits(
        elder=elder,
        width=between(0.62, 0.85),
        jaw=between(0.1, 0.95) if broad else between(0.0, 0.6),
        chin=between(0.9, 1.14),
        eye_apart=between(0.265, 0.37),
        eye_width=between(0.13, 0.185),
        eye_open=between(0.42, 0.64),
        eye_tilt=between(-0.16, 0.2),
        eye_height=between(-0.1, 0.1),
        brow_height=between(0.19, 0.29),
        brow_thick=between(0.024, 0.062) if broad else between(0.02, 0.038),
        brow_arch=between(0.0, 0.07),
        brow_tilt=between(-0.12, 0.16),
        nose_length=between(0.31, 0.49),
        nose_width=between(0.09, 0.155),
        nose_depth=between(0.2, 0.36),
        mouth_height=between(0.6, 0.74),
        mouth_width=between(0.19, 0.29),
        lip=between(0.03, 0.085),
        cheek=between(0.0, 0.09),
        style=style,
        glasses=bool(draw.random() < 0.2),
        beard=float(draw.random()) if broad and draw.random() < 0.35 else 0.0,
        skin=skin,
        hair=hair,
        clothes=_CLOTHES[int(draw.integers(len(_CLOTHES)))],
        collar=int(draw.integers(0, 3)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Maps over the front of a head, rows x columns of the rectangle LEFT..RIGHT, TOP..BOTTOM."""

    height: Array
    normal: Array  # x 3
    colour: Array  # x 3, BGR 0..1
    gloss: Array  # strength of the highlight
    glow: Array  # light that no shading changes: the catchlight of an eye
    covered: Array  # 1 where hair lies
    base: Array  # height of skull and hair without features; 0 where there is no head
    ears: NDArray[np.bool_]


#: Part of the maps, (left, top, right, bottom) in head units.
Window = tuple[float, float, float, float]
WHOLE: Window = (LEFT, TOP, RIGHT, BOTTOM)


def pixels(window: Window) -> tuple[slice, slice]:
    """Rows and columns of the maps that `window` covers."""
    left, top, right, bottom = window
    rows = slice(max(0, int((top - TOP) * SCALE)), int((bottom - TOP) * SCALE))
    return rows, slice(max(0, int((left - LEFT) * SCALE)), int((right - LEFT) * SCALE))


def sculpt(seed: int, traits: Traits, blink: float = 0.0, smile: float = 0.0, window: Window = WHOLE) -> Surface:
    """The head of person `seed` with these traits; `blink` and `smile` 0..1.

    The whole takes about a third of a second, a window its share: what a blink or a smile changes is made alone.
    """
    head = _Head(seed, traits, blink, smile, window)
    head.features()
    head.mouth()
    head.skin_tones()
    if head.t.beard > 0:
        head.stubble()
    if head.t.elder > 0.05:
        head.wrinkles()
    head.lips()
    head.eyes()
    head.brows()
    if head.t.glasses:
        head.glasses()
    head.ears()
    head.hair()
    return head.surface()


def _bump(x: Array, y: Array, cx: float, cy: float, sx: float, sy: float) -> Array:
    return np.asarray(np.exp(-0.5 * (((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2)), np.float32)


def _stroke(distance: Any, width: Any) -> Array:
    """A soft line: 1 where `distance` is 0."""
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2), np.float32)


def _step(value: Any, soft: float = 0.012) -> Array:
    """0 below zero, 1 above, with an edge as soft as one map pixel or two."""
    return np.asarray(np.clip(value / soft * 0.5 + 0.5, 0, 1), np.float32)


def _smooth(value: Any) -> Array:
    t = np.clip(value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


@functools.lru_cache(maxsize=8)
def _noise(seed: int, sigma_x: float, sigma_y: float) -> Array:
    """Over the whole map, so that a window of it shows the same."""
    rows, columns = pixels(WHOLE)
    field = np.random.default_rng([77, seed]).standard_normal((rows.stop, columns.stop), np.float32)
    field = np.asarray(cv2.GaussianBlur(field, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y), np.float32)
    return np.asarray(field / (field.std() + 1e-6), np.float32)


def _bgr(*values: float) -> Array:
    return np.array(values, np.float32)


class _Head:
    """A head in the making; the order of the steps is that of `sculpt`."""

    def __init__(self, seed: int, traits: Traits, blink: float, smile: float, window: Window) -> None:
        self.seed, self.blink, self.smile = seed, blink, smile
        self.t = t = traits
        self.part = rows, columns = pixels(window)
        xs = np.arange(columns.start, columns.stop, dtype=np.float32) / SCALE + LEFT
        ys = np.arange(rows.start, rows.stop, dtype=np.float32) / SCALE + TOP
        x, y = np.meshgrid(xs, ys)
        self.x: Array = np.asarray(x, np.float32)
        self.y: Array = np.asarray(y, np.float32)
        self.side: Array = np.abs(self.x)
        self.shape = self.x.shape
        self.nose_y = t.eye_height + t.nose_length
        self.mouth_y = float(np.clip(t.mouth_height, self.nose_y + 0.17, t.chin - 0.24))
        self.skin = _bgr(*t.skin) / 255
        self.hair_colour = _bgr(*t.hair) / 255
        self.colour: Array = np.ones((*self.shape, 3), np.float32) * self.skin
        self.gloss: Array = np.full(self.shape, 0.1, np.float32)
        self.glow: Array = np.zeros(self.shape, np.float32)
        self.covered: Array = np.zeros(self.shape, np.float32)
        self.ear_area = np.zeros(self.shape, bool)
        self.half = self._half_width()
        self.across = np.clip(1 - (self.side / np.maximum(self.half, 1e-3)) ** 2.3, 0, 1)
        self.inside = self.side < np.maximum(self.half, 1e-3)
        reach = np.where(self.y < _MIDDLE, _CROWN, t.chin + 0.02)
        down = np.clip(1 - (np.abs(self.y - _MIDDLE) / reach) ** 3.2, 0, 1)
        skull = 0.82 * self.across**0.5 * down**0.42
        self.height: Array = np.where(self.inside, skull, FLOOR).astype(np.float32)
        self.base: Array = np.where(self.inside, skull, 0).astype(np.float32)
        self.relief: Array = np.zeros(self.shape, np.float32)

    def _half_width(self) -> Array:
        """Half the width of the head at each height; 0 above the crown and below the chin."""
        t, y = self.t, self.y
        upper = np.clip(1 - (np.abs(y - _MIDDLE) / _CROWN) ** 2.4, 0, 1) ** 0.46
        s = np.clip((y - _MIDDLE) / (t.chin - _MIDDLE), 0, 1)
        lower = np.clip(1 - s ** (2.1 + 2.6 * t.jaw), 0, 1) ** (0.62 - 0.1 * t.jaw)
        lower = lower * (1 - (0.2 - 0.16 * t.jaw) * s)
        return np.asarray(t.width * np.where(y < _MIDDLE, upper, lower), np.float32)

    def noise(self, seed: int, sigma_x: float, sigma_y: float) -> Array:
        return _noise(seed, sigma_x, sigma_y)[self.part]

    def paint(self, colour: Any, weight: Any) -> None:
        """Mix `colour` over what is there."""
        self.colour = np.asarray(
            self.colour + (np.asarray(colour, np.float32) - self.colour) * np.asarray(weight)[..., None], np.float32
        )

    def features(self) -> None:
        """Eye sockets, brow, cheeks, nose, the parts around the mouth, chin."""
        t, x, y, side, smile = self.t, self.x, self.y, self.side, self.smile
        eye_y, nose_y, mouth_y = t.eye_height, self.nose_y, self.mouth_y
        relief = self.relief
        relief -= 0.1 * _bump(side, y, t.eye_apart * 0.93, eye_y - 0.01, 0.15, 0.095)
        relief += 0.04 * _bump(side, y, t.eye_apart, eye_y - t.brow_height + 0.02, 0.2, 0.06)
        relief += (0.05 + t.cheek + 0.05 * smile) * _bump(side, y, 0.42, nose_y - 0.04 - 0.05 * smile, 0.17, 0.15)
        relief -= 0.05 * t.elder * _bump(side, y, 0.4, mouth_y - 0.03, 0.12, 0.16)
        along = np.clip((y - eye_y + 0.06) / (t.nose_length + 0.04), 0, 1)
        ridge = t.nose_depth * along**1.25 * _smooth((nose_y + 0.055 - y) / 0.12)
        relief += ridge * _stroke(x, 0.055 + (t.nose_width - 0.055) * along**3)
        relief += 0.1 * _bump(side, y, t.nose_width * 0.95, nose_y - 0.02, 0.045, 0.042)
        relief += 0.05 * _bump(x, y, 0, nose_y - 0.01, 0.07, 0.05)
        relief += 0.05 * _bump(x, y, 0, mouth_y, t.mouth_width * 0.9, 0.12)
        relief -= 0.03 * _bump(x, y, 0, mouth_y + 0.155, 0.13, 0.035)
        relief += 0.07 * _bump(x, y, 0, t.chin - 0.11, 0.13 + 0.08 * t.jaw, 0.08)
        relief -= 0.02 * _bump(x, y, 0, (nose_y + mouth_y) / 2, 0.022, 0.06)

    def mouth(self) -> None:
        """A line that smiles, an upper lip with its bow, a fuller lower lip; the relief is complete with it."""
        t, x, y, side = self.t, self.x, self.y, self.side
        wide = t.mouth_width * (1 + 0.16 * self.smile)
        k = np.clip(x / wide, -1.4, 1.4)
        line = self.mouth_y + 0.008 * np.cos(k * 6.0) * (1 - k**2) - (0.028 + 0.05 * self.smile) * k**2
        taper = np.clip(1 - k**2, 0, 1)
        bow = (
            1 - 0.28 * np.exp(-((x / (wide * 0.16)) ** 2)) + 0.1 * np.exp(-(((side - wide * 0.3) / (wide * 0.2)) ** 2))
        )
        upper = line - t.lip * 0.85 * taper**0.75 * bow
        lower = line + t.lip * 1.25 * taper**0.6
        self.lip_area = _step(y - upper, 0.022) * _step(lower - y, 0.026) * _step(1 - np.abs(k), 0.06)
        self.groove = _stroke(y - line, 0.011) * _step(1.02 - np.abs(k), 0.08)
        self.relief += 0.03 * taper * _stroke(y - (upper + line) / 2, t.lip * 0.45)
        self.relief += 0.045 * taper * _stroke(y - (lower + line) / 2, t.lip * 0.55)
        self.relief -= 0.03 * self.groove
        raised = self.height + self.relief * _smooth(self.across * 3)
        self.height = np.asarray(np.where(self.inside, raised, self.height), np.float32)

    def skin_tones(self) -> None:
        """Warm cheeks and nose, shadows where light does not reach, a little unevenness of its own."""
        t, x, y, side, nose_y = self.t, self.x, self.y, self.side, self.nose_y
        uneven = self.noise(self.seed, 24, 24) * 0.012 + self.noise(self.seed + 1000, 5, 5) * 0.004
        self.colour += uneven[..., None]
        flush = 0.5 * _bump(side, y, 0.42, nose_y - 0.02, 0.15, 0.11) + 0.35 * _bump(x, y, 0, nose_y - 0.02, 0.1, 0.08)
        self.paint(self.skin * _bgr(0.78, 0.8, 1.0), flush * 0.55)
        around_eyes = _bump(side, y, t.eye_apart * 0.95, t.eye_height, 0.19, 0.12)
        self.paint(self.skin * _bgr(0.72, 0.76, 0.86), 0.35 * around_eyes)
        nostrils = _bump(side, y, t.nose_width * 0.62, nose_y + 0.012, 0.026, 0.014)
        self.paint(self.skin * _bgr(0.5, 0.52, 0.62), 0.75 * nostrils)
        below_nose = _bump(x, y, 0, nose_y + 0.035, t.nose_width * 0.9, 0.02)
        self.paint(self.skin * _bgr(0.68, 0.72, 0.8), 0.4 * below_nose)

    def stubble(self) -> None:
        y = self.y
        area = _smooth((y - self.nose_y - 0.02) / 0.12) * (1 - self.lip_area)
        area = area * _smooth(1.25 - np.abs(self.mouth_y + 0.06 - y) / 0.4)
        area = area * (0.85 + 0.15 * self.noise(self.seed + 5, 1, 1))
        self.paint(self.skin * 0.45 + self.hair_colour * 0.35, 0.35 * self.t.beard * area)

    def wrinkles(self) -> None:
        """Folds beside the nose, below and beside the eyes, over the forehead."""
        t, x, y, side = self.t, self.x, self.y, self.side
        eye_y, nose_y, apart = t.eye_height, self.nose_y, t.eye_apart
        fold = _stroke(side - (t.nose_width + 0.05 + (y - nose_y) * 0.55), 0.018)
        fold = fold * _smooth((y - nose_y + 0.06) / 0.1) * _smooth((self.mouth_y + 0.05 - y) / 0.1)
        bag = _stroke(y - (eye_y + 0.12 - 3 * (side - apart) ** 2), 0.014) * _stroke(side - apart, 0.11)
        rows = [_stroke(y + 0.42 + 0.1 * i - 0.02 * np.cos(x * (5 + i)), 0.011) for i in range(3)]
        forehead = np.sum(rows, axis=0) * _stroke(x, 0.3)
        crow = _stroke(np.abs(y - eye_y - 0.02) - (side - apart - 0.2) * 0.4, 0.01)
        crow = crow * _smooth((side - apart - 0.19) / 0.03) * _smooth((apart + 0.3 - side) / 0.05)
        lines = np.clip(fold * 0.8 + bag * 0.6 + forehead * 0.5 + crow * 0.5, 0, 1) * t.elder
        self.paint(self.skin * _bgr(0.6, 0.63, 0.72), lines * 0.6)

    def lips(self) -> None:
        self.paint(self.skin * _bgr(0.62, 0.6, 0.9), self.lip_area * (0.75 - 0.25 * self.t.elder))
        self.paint(self.skin * _bgr(0.28, 0.26, 0.42), self.groove * 0.85)
        self.gloss += 0.12 * self.lip_area + 0.1 * _bump(self.x, self.y, 0, self.nose_y - 0.05, 0.05, 0.08)

    def eyes(self) -> None:
        """Ball, lids, lashes; the upper lid comes down with `blink`."""
        t, y, side, blink = self.t, self.y, self.side, self.blink
        u = np.clip((side - t.eye_apart) / t.eye_width, -1.6, 1.6)
        axis = t.eye_height - t.eye_tilt * 0.5 * (side - t.eye_apart)
        opening = t.eye_open * t.eye_width * (1 - 0.25 * self.smile) * (1 - 0.18 * t.elder)
        almond = np.clip(1 - np.abs(u) ** 2.3, 0, 1)
        upper = axis - opening * (1.05 * (1 - blink) - 0.66 * blink) * almond**0.75
        lower = axis + opening * 0.62 * almond**0.9
        aperture = _step(y - upper, 0.014) * _step(lower - y, 0.014) * (np.abs(u) < 1)
        ball = self._eyeball(upper)
        self.paint(0, aperture)
        self.colour += ball * aperture[..., None]
        for centre in (-t.eye_apart, t.eye_apart):
            self.glow += 0.9 * aperture * _bump(self.x, y, centre - 0.018, t.eye_height - 0.025, 0.012, 0.012)
        lash_y = np.maximum(upper, axis) if blink > 0.75 else upper
        lash = _stroke(y - lash_y, 0.011 + 0.006 * _smooth((u + 0.2) / 1.2)) * _step(1.06 - np.abs(u), 0.1)
        self.paint(_bgr(0.1, 0.09, 0.1), np.clip(lash * 1.1, 0, 1) * 0.9)
        self.paint(self.skin * _bgr(0.5, 0.5, 0.62), _stroke(y - lower, 0.008) * _step(1 - np.abs(u), 0.2) * 0.5)
        crease = _stroke(y - (upper - 0.035 - 0.012 * almond), 0.009) * _step(0.95 - np.abs(u), 0.3)
        self.paint(self.skin * _bgr(0.5, 0.52, 0.62), crease * (1 - 0.6 * blink) * 0.65)

    def _eyeball(self, upper: Array) -> Array:
        """White, iris and pupil as a picture of their own; also raises the surface a little."""
        t, y, side = self.t, self.y, self.side
        skin, kept = self.skin, self.colour
        radius = np.hypot(side - t.eye_apart, y - t.eye_height + 0.004)
        in_iris = _step(0.068 - radius, 0.012)
        iris = _bgr(0.09, 0.14, 0.22) * (1.2 if t.elder < 0.3 else 1.5)
        self.colour = np.ones((*self.shape, 3), np.float32) * (_bgr(0.9, 0.92, 0.93) * 0.97)
        self.paint(iris, in_iris)
        self.paint(iris * 1.9, in_iris * _bump(side, y, t.eye_apart, t.eye_height + 0.035, 0.035, 0.02) * 0.8)
        self.paint(0.02, _step(0.03 - radius, 0.012))
        self.colour *= (0.62 + 0.38 * _smooth((y - upper) / 0.05))[..., None]
        corner = _bump(side, y, t.eye_apart - t.eye_width * 0.95, t.eye_height + 0.01, 0.02, 0.02)
        self.paint(skin * _bgr(0.6, 0.6, 0.95), 0.8 * corner)
        ball, self.colour = self.colour, kept
        raised = self.height + 0.035 * np.clip(1 - (radius / 0.14) ** 2, 0, 1)
        self.height = np.asarray(np.where(self.inside, raised, self.height), np.float32)
        return ball

    def brows(self) -> None:
        t, y = self.t, self.y
        off = self.side - t.eye_apart
        v = off / (t.eye_width * 1.3)
        centre = t.eye_height - t.brow_height - t.brow_arch * (1 - (v - 0.25) ** 2) - t.brow_tilt * off
        centre = centre + 0.05 * np.clip(v - 0.5, 0, 1) - 0.02 * self.smile
        thick = t.brow_thick * (0.65 + 0.35 * _smooth((0.4 - v) / 1.2)) * _smooth((1.12 - np.abs(v)) / 0.35)
        strands = 0.85 + 0.15 * self.noise(self.seed + 9, 3.0, 0.8)
        brow = np.clip(_smooth((thick - np.abs(y - centre)) / 0.022 + 0.5) * (thick > 0.004) * strands, 0, 1)
        self.paint(self.hair_colour * 0.85 + self.skin * 0.08, brow * (0.88 - 0.3 * t.elder))

    def glasses(self) -> None:
        t, x, y, side = self.t, self.x, self.y, self.side
        across, down = (side - t.eye_apart) / 0.235, (y - t.eye_height - 0.015) / 0.165
        distance = (np.abs(across) ** 3 + np.abs(down) ** 3) ** (1 / 3)
        rim = _stroke(distance - 1, 0.06)
        bridge = _stroke(y - t.eye_height + 0.04, 0.014) * (side < t.eye_apart - 0.215)
        arm = _stroke(y - t.eye_height + 0.05, 0.014) * (side > t.eye_apart + 0.22)
        self.paint(_bgr(0.17, 0.15, 0.16), np.clip(rim + bridge + arm, 0, 1) * 0.9)
        streak = _stroke((x - y * 0.5) - np.sign(x) * t.eye_apart - 0.09, 0.025)
        self.glow += 0.07 * streak * _step(1 - distance, 0.05)

    def ears(self) -> None:
        t, y, side = self.t, self.y, self.side
        if t.style.hangs:
            return
        centre = t.width * 0.99
        off = side - centre
        ear = 1 - (off / 0.12) ** 2 - ((y - t.eye_height - 0.14 + off * 0.5) / 0.25) ** 2
        raised = np.where(ear > 0, 0.06 + 0.12 * np.sqrt(np.clip(ear, 0, 1)) - 0.07 * (ear > 0.35), FLOOR)
        raised = cv2.GaussianBlur(np.maximum(raised, -0.1).astype(np.float32), (0, 0), 2.0)
        here = self.ear_area = (ear > 0) & (raised > self.height)
        self.height = np.asarray(np.where(here, raised, self.height), np.float32)
        self.paint(self.skin * _bgr(0.8, 0.82, 0.95), here.astype(np.float32))
        inner = _bump(side, y, centre + 0.03, t.eye_height + 0.13, 0.03, 0.09)
        self.paint(self.skin * _bgr(0.55, 0.57, 0.7), here * inner * 0.7)

    def hair(self) -> None:
        """Hair lies over the skull: a larger cap, cut off at the hairline of the style."""
        t, side, y = self.t, self.side, self.y
        volume = (0.07, 0.09, 0.11, 0.09, 0.04)[t.style]
        above = 0.05 + 1.1 + volume * 0.75
        outline = self._hair_outline(t.width + volume, above)
        body = np.clip(1 - (side / outline) ** 2.3, 0, 1)
        down = np.clip(1 - (np.abs(y - _MIDDLE) / above) ** 3.2, 0, 1)
        if t.style.hangs:
            down = np.where(y < _MIDDLE, down, 1.0)
        cap = (0.82 + volume * 0.6) * body**0.5 * down**0.42
        cap = np.where(y > 0.1, cap * np.clip(1 - 0.6 * (y - 0.1), 0.25, 1), cap)
        bare = cv2.GaussianBlur(self._skin_shows().astype(np.float32), (0, 0), 5.0)
        covered = (1 - _smooth((bare - 0.35) / 0.3)) * _step(body - 0.002, 0.004) * (cap > 0.01) * (outline > 0.06)
        strands = self._strands(outline)
        sheen = _stroke(y + 0.78 - 0.35 * side**2 + 0.02 * strands, 0.09)
        tone = self.hair_colour * (1 + 0.13 * strands[..., None]) + 0.1 * sheen[..., None]
        self.paint(tone, covered)
        self.covered = np.asarray(covered, np.float32)
        self.base = np.asarray(np.maximum(self.base, cap * (covered > _RAISED)), np.float32)
        self.ear_area = self.ear_area & (covered < _RAISED)
        raised = np.maximum(self.height, cap + 0.012 * strands * (body > 0.1))
        self.height = np.asarray(np.where(covered > _RAISED, raised, self.height), np.float32)
        self.gloss = np.asarray(self.gloss * (1 - covered) + 0.05 * covered, np.float32)
        # What lies beside hair is hair, or its edge would have a rim of skin.
        beside = (self.height <= FLOOR / 2) & ((y < 0.15) | t.style.hangs)
        self.paint(self.hair_colour * 0.9, beside.astype(np.float32))

    def _hair_outline(self, wide: float, above: float) -> Array:
        """Half the width of the hair at each height."""
        t, y = self.t, self.y
        end = (0.12, 0.15, 0.78, 1.45, 0.14)[t.style]
        dome = wide * np.clip(1 - (np.abs(y - _MIDDLE) / above) ** 2.4, 0, 1) ** 0.46
        if t.style.hangs:
            s = np.clip((y - _MIDDLE) / (end - _MIDDLE), 0, 1)
            flare = wide * (1 + 0.08 * np.sin(s * math.pi) + (0.05 if t.style is Style.BOB else -0.02) * s)
            rounded = np.sqrt(np.clip(1 - np.clip((y - end + 0.12) / 0.16, 0, 1) ** 2, 0, 1))
            outline = np.where(y < _MIDDLE, dome, flare) * rounded
        else:
            s = np.clip((y - _MIDDLE) / (end + 0.12), 0, 1)
            outline = np.where(y < _MIDDLE, dome, wide * (1 - 0.1 * s)) * (y < end + 0.1)
        return np.asarray(np.maximum(outline + self.noise(self.seed + 3, 7, 7) * 0.004, 1e-3), np.float32)

    @property
    def _part(self) -> float:
        return 0.22 if self.seed % 2 else -0.22

    def _skin_shows(self) -> NDArray[np.bool_]:
        """Where no hair lies: below the hairline, between the temples."""
        t, x, y, side = self.t, self.x, self.y, self.side
        match t.style:
            case Style.SHORT:
                line = -0.62 + 0.1 * (side / t.width) ** 2 + 0.035 * np.sin(x * 17 + self.seed)
            case Style.PARTED:
                line = -0.7 + 0.26 * np.abs(x - self._part) ** 1.3 / t.width
            case Style.BOB:
                line = -0.36 + 0.02 * np.sin(x * 23 + self.seed) + 0.06 * (side / t.width) ** 2
            case Style.LONG:
                line = -0.74 + 0.5 * np.abs(x - self._part * 0.6) ** 1.2 / t.width
            case Style.RECEDING:
                line = -0.8 - 0.12 * _stroke(side - 0.3, 0.12) + 0.2 * (side / t.width) ** 2
        if t.style.hangs:
            temple = t.width * 0.88 + 0.03 * np.sin(y * 5) - 0.1 * np.clip(y - 0.5, 0, 1)
            return np.asarray((y > line) & (side < temple))
        temple = self.half * np.where(y < -0.05, 0.86 if t.style is Style.RECEDING else 0.9, 0.95)
        below_sideburns = y > 0.08 + 0.04 * (self.seed % 3)
        return np.asarray((y > line) & (side < temple) | below_sideburns & (side < self.half))

    def _strands(self, outline: Array) -> Array:
        """Light and dark along the hair, which falls in parallel with its outline."""
        across = (self.x - self._part * 0.5 * np.clip(-self.y, 0, 1)) / np.maximum(outline, 0.2)
        index = (across * 170 + 1024 + self.noise(self.seed + 4, 16, 16) * 6) % 2047
        tones = np.random.default_rng([5, self.seed]).standard_normal((1, 2048)).astype(np.float32)
        smooth = cv2.GaussianBlur(tones, (0, 0), sigmaX=2.0, sigmaY=0.01)
        strands = cv2.remap(smooth, index.astype(np.float32), np.zeros(self.shape, np.float32), cv2.INTER_LINEAR)
        return np.asarray(strands / (strands.std() + 1e-6), np.float32)

    def surface(self) -> Surface:
        slope = np.asarray(cv2.GaussianBlur(np.maximum(self.height, -0.3), (0, 0), 1.2), np.float32)
        nx = -cv2.Sobel(slope, cv2.CV_32F, 1, 0, ksize=3) * (SCALE / 8)
        ny = -cv2.Sobel(slope, cv2.CV_32F, 0, 1, ksize=3) * (SCALE / 8)
        # Slopes are eased so that the rim does not turn black: skin scatters light.
        ease = 1 / (1 + 0.4 * np.hypot(nx, ny))
        normal = np.dstack([nx * ease, ny * ease * 0.9, np.ones(self.shape, np.float32)]).astype(np.float32)
        normal = np.asarray(normal / np.linalg.norm(normal, axis=2, keepdims=True), np.float32)
        hollow = np.clip(cv2.GaussianBlur(slope, (0, 0), 9) - slope, 0, 0.07)
        colour = np.asarray(np.clip(self.colour, 0, 1) * (1 - 1.6 * hollow)[..., None], np.float32)
        return Surface(self.height, normal, colour, self.gloss, self.glow, self.covered, self.base, self.ear_area)
