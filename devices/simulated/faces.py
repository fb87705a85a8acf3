"""Faces drawn by code: people for the simulated camera and for the photo of the simulated card.

Nobody is depicted: every face follows from an integer. A head is a height field over its front (skull, nose, lips,
hair) with a coat of colour, seen along rays under any small turn of the head and lit from one side. Units: the
height of a head from chin to crown is about 2; x to the right, y down, z towards the camera.

`FAR_SEEDS` names people who are as far apart for the face engine as strangers ought to be; the table is measured by
`tests/contract/face/test_people.py`.
"""

from __future__ import annotations

import functools
import io
import itertools
import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

Array = NDArray[np.floating[Any]]
Picture = NDArray[np.uint8]

_SCALE = 170  # pixels of the surface maps for one unit
_LEFT, _TOP, _RIGHT, _BOTTOM = -1.25, -1.55, 1.25, 1.75
_FLOOR = -9.0  # height where there is no head

#: Persona -> seed. Any two are farther apart than 0.30, the score above which a stranger is refused.
FAR_SEEDS: dict[str, int] = {
    "employee": 22,
    "elder": 34,
    "unregistered": 103,
    "pin_blocked": 66,
    "pinless": 97,
    "someone_else": 88,
    "someone_else_photo": 56,
    "forged": 6,
    "expired": 143,
    "swapped": 42,
    "decliner": 60,
    "foreign_issuer": 39,
}

_SKINS = ((205, 220, 243), (186, 206, 236), (170, 194, 228), (152, 180, 219), (138, 165, 207))  # BGR
_HAIRS = ((38, 32, 32), (40, 46, 62), (48, 66, 96), (30, 28, 30))
_GREYS = ((150, 150, 152), (190, 190, 190), (112, 114, 118))
_CLOTHES = ((150, 110, 70), (120, 140, 90), (90, 90, 150), (160, 150, 120), (95, 80, 70), (170, 135, 150))


@dataclass(frozen=True, slots=True)
class Traits:
    """What tells one person from another; lengths in head units, most others 0..1."""

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
    style: int  # 0 short, 1 side parting, 2 bob with fringe, 3 long, 4 receding
    glasses: bool
    beard: float
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    clothes: tuple[int, int, int]
    collar: int


class Face:
    """The person of one seed."""

    __slots__ = ("seed", "traits")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.traits = _traits(seed)


@functools.cache
def _traits(seed: int) -> Traits:
    draw = np.random.default_rng([20, seed])

    def between(low: float, high: float) -> float:
        # A beta distribution with both ends favoured: people differ more than a bell curve would have it.
        return float(low + (high - low) * draw.beta(0.7, 0.7))

    elder = float(np.clip(draw.normal(0.15, 0.45), 0, 1))
    style = int(draw.integers(0, 5)) if elder > 0.4 else int(draw.integers(0, 4))
    masculine = style in (0, 1, 4)
    skin = _SKINS[int(draw.integers(len(_SKINS)))]
    hair = _GREYS[int(draw.integers(len(_GREYS)))] if elder > 0.45 else _HAIRS[int(draw.integers(len(_HAIRS)))]
    return Traits(
        elder=elder,
        width=between(0.62, 0.85),
        jaw=between(0.1, 0.95) if masculine else between(0.0, 0.6),
        chin=between(0.9, 1.14),
        eye_apart=between(0.265, 0.37),
        eye_width=between(0.13, 0.185),
        eye_open=between(0.42, 0.64),
        eye_tilt=between(-0.16, 0.2),
        eye_height=between(-0.1, 0.1),
        brow_height=between(0.19, 0.29),
        brow_thick=between(0.024, 0.062) if masculine else between(0.02, 0.038),
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
        beard=float(draw.random()) if masculine and draw.random() < 0.35 else 0.0,
        skin=skin,
        hair=hair,
        clothes=_CLOTHES[int(draw.integers(len(_CLOTHES)))],
        collar=int(draw.integers(0, 3)),
    )


# --- the surface of a head -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Surface:
    height: Array
    normal: Array  # h x w x 3
    colour: Array  # h x w x 3, BGR 0..1
    gloss: Array  # strength of the highlight
    glow: Array  # light that no shading changes: the catchlight of an eye


def _grid() -> tuple[Array, Array]:
    xs = np.arange(int((_RIGHT - _LEFT) * _SCALE), dtype=np.float32) / _SCALE + _LEFT
    ys = np.arange(int((_BOTTOM - _TOP) * _SCALE), dtype=np.float32) / _SCALE + _TOP
    x, y = np.meshgrid(xs, ys)
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _bump(x: Array, y: Array, cx: float, cy: float, sx: float, sy: float) -> Array:
    return np.asarray(np.exp(-0.5 * (((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2)), np.float32)


def _step(value: Any, soft: float = 0.012) -> Array:
    """0 below zero, 1 above, with an edge as soft as one map pixel or two."""
    return np.asarray(np.clip(value / soft * 0.5 + 0.5, 0, 1), np.float32)


def _smooth(value: Any) -> Array:
    t = np.clip(value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _noise(seed: int, shape: tuple[int, int], sigma_x: float, sigma_y: float) -> Array:
    field = np.random.default_rng([77, seed]).standard_normal(shape).astype(np.float32)
    field = np.asarray(cv2.GaussianBlur(field, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y), np.float32)
    return np.asarray(field / (field.std() + 1e-6), np.float32)


def _mix(base: Array, colour: Any, weight: Array) -> Array:
    return np.asarray(base + (np.asarray(colour, np.float32) - base) * weight[..., None], np.float32)


def _half_width(y: Array, t: Traits) -> Array:
    """Half the width of the head at height y; 0 above the crown and below the chin."""
    upper = np.clip(1 - (np.abs(y - 0.05) / 1.14) ** 2.4, 0, 1) ** 0.46
    s = np.clip((y - 0.05) / (t.chin - 0.05), 0, 1)
    square = 2.1 + 2.6 * t.jaw
    lower = np.clip(1 - s**square, 0, 1) ** (0.62 - 0.1 * t.jaw) * (1 - (0.2 - 0.16 * t.jaw) * s)
    return np.asarray(t.width * np.where(y < 0.05, upper, lower), np.float32)


@functools.lru_cache(maxsize=48)
def _surface(seed: int, blink: float, smile: float) -> _Surface:
    t = _traits(seed)
    x, y = _grid()
    side = np.abs(x)
    shape = x.shape

    # Skull.
    half = np.maximum(_half_width(y, t), 1e-3)
    across = np.clip(1 - (side / half) ** 2.3, 0, 1)
    down = np.clip(1 - (np.abs(y - 0.05) / np.where(y < 0.05, 1.14, t.chin + 0.02)) ** 3.2, 0, 1)
    inside = side < half
    height = 0.82 * across**0.5 * down**0.42
    face = np.where(inside, height, _FLOOR).astype(np.float32)

    # Features in relief.
    eye_y, apart = t.eye_height, t.eye_apart
    nose_y = eye_y + t.nose_length
    mouth_y = float(np.clip(t.mouth_height, nose_y + 0.17, t.chin - 0.24))
    relief = np.zeros(shape, np.float32)
    relief -= 0.1 * _bump(side, y, apart * 0.93, eye_y - 0.01, 0.15, 0.095)
    relief += 0.04 * _bump(side, y, apart, eye_y - t.brow_height + 0.02, 0.2, 0.06)
    relief += (0.05 + t.cheek + 0.05 * smile) * _bump(side, y, 0.42, nose_y - 0.04 - 0.05 * smile, 0.17, 0.15)
    relief -= 0.05 * t.elder * _bump(side, y, 0.4, mouth_y - 0.03, 0.12, 0.16)
    along = np.clip((y - eye_y + 0.06) / (t.nose_length + 0.04), 0, 1)
    ridge = t.nose_depth * along**1.25 * _smooth((nose_y + 0.055 - y) / 0.12)
    relief += ridge * np.exp(-0.5 * (x / (0.055 + (t.nose_width - 0.055) * along**3)) ** 2)
    relief += 0.1 * _bump(side, y, t.nose_width * 0.95, nose_y - 0.02, 0.045, 0.042)
    relief += 0.05 * _bump(x, y, 0, nose_y - 0.01, 0.07, 0.05)
    relief += 0.05 * _bump(x, y, 0, mouth_y, t.mouth_width * 0.9, 0.12)
    relief -= 0.03 * _bump(x, y, 0, mouth_y + 0.155, 0.13, 0.035)
    relief += 0.07 * _bump(x, y, 0, t.chin - 0.11, 0.13 + 0.08 * t.jaw, 0.08)
    relief -= 0.02 * _bump(x, y, 0, (nose_y + mouth_y) / 2, 0.022, 0.06)

    # Mouth: a line that smiles, an upper lip with its bow, a fuller lower lip.
    wide = t.mouth_width * (1 + 0.16 * smile)
    k = np.clip(x / wide, -1.4, 1.4)
    line = mouth_y + 0.008 * np.cos(k * 6.0) * (1 - k**2) - (0.028 + 0.05 * smile) * k**2
    taper = np.clip(1 - k**2, 0, 1)
    bow = 1 - 0.28 * np.exp(-((x / (wide * 0.16)) ** 2)) + 0.1 * np.exp(-(((side - wide * 0.3) / (wide * 0.2)) ** 2))
    upper_lip = line - t.lip * 0.85 * taper**0.75 * bow
    lower_lip = line + t.lip * 1.25 * taper**0.6
    lips = _step(y - upper_lip, 0.022) * _step(lower_lip - y, 0.026) * _step(1 - np.abs(k), 0.06)
    centre_upper, centre_lower = (upper_lip + line) / 2, (lower_lip + line) / 2
    relief += 0.03 * taper * np.exp(-0.5 * ((y - centre_upper) / (t.lip * 0.45)) ** 2)
    relief += 0.045 * taper * np.exp(-0.5 * ((y - centre_lower) / (t.lip * 0.55)) ** 2)
    groove = np.exp(-0.5 * ((y - line) / 0.011) ** 2) * _step(1.02 - np.abs(k), 0.08)
    relief -= 0.03 * groove
    face = np.asarray(np.where(inside, face + relief * _smooth(across * 3), face), np.float32)

    # Skin: warm cheeks and nose, a little unevenness of its own.
    skin = np.array(t.skin, np.float32) / 255
    colour: Array = np.ones((*shape, 3), np.float32) * skin
    blotch = _noise(seed, shape, 24, 24) * 0.012 + _noise(seed + 1000, shape, 5, 5) * 0.004
    colour += blotch[..., None]
    flush = 0.5 * _bump(side, y, 0.42, nose_y - 0.02, 0.15, 0.11) + 0.35 * _bump(x, y, 0, nose_y - 0.02, 0.1, 0.08)
    colour = _mix(colour, skin * np.array([0.78, 0.8, 1.0]), flush * 0.55)
    colour = _mix(
        colour, skin * np.array([0.72, 0.76, 0.86]), 0.35 * _bump(side, y, apart * 0.95, eye_y + 0.0, 0.19, 0.12)
    )
    colour = _mix(
        colour,
        skin * np.array([0.5, 0.52, 0.62]),
        0.75 * _bump(side, y, t.nose_width * 0.62, nose_y + 0.012, 0.026, 0.014),
    )
    colour = _mix(
        colour, skin * np.array([0.68, 0.72, 0.8]), 0.4 * _bump(x, y, 0, nose_y + 0.035, t.nose_width * 0.9, 0.02)
    )
    if t.beard > 0:
        stubble = _smooth((y - nose_y - 0.02) / 0.12) * (1 - lips) * _smooth(1.25 - np.abs(mouth_y + 0.06 - y) / 0.4)
        stubble *= 0.85 + 0.15 * _noise(seed + 5, shape, 1, 1)
        colour = _mix(colour, skin * 0.45 + np.array(t.hair, np.float32) / 255 * 0.35, 0.35 * t.beard * stubble)
    if t.elder > 0.05:  # folds beside the nose, below the eyes, over the forehead
        fold_x = t.nose_width + 0.05 + (y - nose_y) * 0.55
        fold = (
            np.exp(-0.5 * ((side - fold_x) / 0.018) ** 2)
            * _smooth((y - nose_y + 0.06) / 0.1)
            * _smooth((mouth_y + 0.05 - y) / 0.1)
        )
        bag_y = eye_y + 0.12 - 0.3 * (side - apart) ** 2 / 0.1
        bag = np.exp(-0.5 * ((y - bag_y) / 0.014) ** 2) * np.exp(-0.5 * ((side - apart) / 0.11) ** 2)
        brow = sum(
            np.exp(-0.5 * ((y - (-0.42 - 0.1 * i) - 0.02 * np.cos(x * (5 + i))) / 0.011) ** 2) for i in range(3)
        ) * np.exp(-0.5 * (x / 0.3) ** 2)
        crow = (
            np.exp(-0.5 * ((np.abs(y - eye_y - 0.02) - (side - apart - 0.2) * 0.4) / 0.01) ** 2)
            * _smooth((side - apart - 0.19) / 0.03)
            * _smooth((apart + 0.3 - side) / 0.05)
        )
        wrinkle = np.clip(fold * 0.8 + bag * 0.6 + brow * 0.5 + crow * 0.5, 0, 1) * t.elder
        colour = _mix(colour, skin * np.array([0.6, 0.63, 0.72]), np.asarray(wrinkle * 0.6, np.float32))
    rouge = skin * np.array([0.62, 0.6, 0.9])
    colour = _mix(colour, rouge, lips * (0.75 - 0.25 * t.elder))
    colour = _mix(colour, skin * np.array([0.28, 0.26, 0.42]), np.asarray(groove * 0.85, np.float32))
    gloss = np.full(shape, 0.1, np.float32) + 0.12 * lips + 0.1 * _bump(x, y, 0, nose_y - 0.05, 0.05, 0.08)

    # Eyes.
    glow = np.zeros(shape, np.float32)
    hair = np.array(t.hair, np.float32) / 255
    lash_colour = np.array([0.1, 0.09, 0.1], np.float32)
    u = np.clip((side - apart) / t.eye_width, -1.6, 1.6)
    axis = eye_y - t.eye_tilt * 0.5 * (side - apart)
    opening = t.eye_open * t.eye_width * (1 - 0.25 * smile) * (1 - 0.18 * t.elder)
    almond = np.clip(1 - np.abs(u) ** 2.3, 0, 1)
    upper = axis - opening * (1.05 * (1 - blink) - 0.66 * blink) * almond**0.75
    lower = axis + opening * 0.62 * almond**0.9
    within = np.abs(u) < 1
    aperture = _step(y - upper, 0.014) * _step(lower - y, 0.014) * within
    white = np.array([0.9, 0.92, 0.93], np.float32) * 0.97
    eye: Array = np.ones((*shape, 3), np.float32) * white
    radius = np.hypot(side - apart, y - eye_y + 0.004)
    iris_r = 0.068
    iris = np.array([0.09, 0.14, 0.22], np.float32) * (1.2 if t.elder < 0.3 else 1.5)
    eye = _mix(eye, iris, _step(iris_r - radius, 0.012))
    eye = _mix(eye, iris * 1.9, _step(iris_r - radius, 0.012) * _bump(side, y, apart, eye_y + 0.035, 0.035, 0.02) * 0.8)
    eye = _mix(eye, np.array([0.02, 0.02, 0.02]), _step(0.03 - radius, 0.012))
    eye *= (0.62 + 0.38 * _smooth((y - upper) / 0.05))[..., None]
    eye = _mix(
        eye,
        skin * np.array([0.6, 0.6, 0.95]),
        0.8 * _bump(side, y, apart - t.eye_width * 0.95, eye_y + 0.01, 0.02, 0.02),
    )
    colour = _mix(colour, 0, aperture) + eye * aperture[..., None]
    glow += (
        0.9
        * aperture
        * (
            _bump(x, y, -apart - 0.018, eye_y - 0.025, 0.012, 0.012)
            + _bump(x, y, apart - 0.018, eye_y - 0.025, 0.012, 0.012)
        )
    )
    lash_y = np.where(blink > 0.75, np.maximum(upper, axis), upper)
    lash = np.exp(-0.5 * ((y - lash_y) / (0.011 + 0.006 * _smooth((u + 0.2) / 1.2))) ** 2) * _step(
        1.06 - np.abs(u), 0.1
    )
    colour = _mix(colour, lash_colour, np.asarray(np.clip(lash * 1.1, 0, 1) * 0.9, np.float32))
    under = np.exp(-0.5 * ((y - lower) / 0.008) ** 2) * _step(1 - np.abs(u), 0.2)
    colour = _mix(colour, skin * np.array([0.5, 0.5, 0.62]), np.asarray(under * 0.5, np.float32))
    crease_y = upper - 0.035 - 0.012 * almond
    crease = np.exp(-0.5 * ((y - crease_y) / 0.009) ** 2) * _step(0.95 - np.abs(u), 0.3) * (1 - 0.6 * blink)
    colour = _mix(colour, skin * np.array([0.5, 0.52, 0.62]), np.asarray(crease * 0.65, np.float32))
    face = np.asarray(np.where(inside, face + 0.035 * np.clip(1 - (radius / 0.14) ** 2, 0, 1), face), np.float32)

    # Brows.
    v = (side - apart) / (t.eye_width * 1.3)
    brow_y = (
        eye_y
        - t.brow_height
        - t.brow_arch * (1 - (v - 0.25) ** 2)
        - t.brow_tilt * (side - apart)
        + 0.05 * np.clip(v - 0.5, 0, 1)
        - 0.02 * smile
    )
    thick = t.brow_thick * (0.65 + 0.35 * _smooth((0.4 - v) / 1.2)) * _smooth((1.12 - np.abs(v)) / 0.35)
    strands = 0.85 + 0.15 * _noise(seed + 9, shape, 3.0, 0.8)
    eyebrow = np.clip(_smooth((thick - np.abs(y - brow_y)) / 0.022 + 0.5) * (thick > 0.004) * strands, 0, 1)
    colour = _mix(colour, hair * 0.85 + skin * 0.08, np.asarray(eyebrow * (0.88 - 0.3 * t.elder), np.float32))

    if t.glasses:
        colour, gloss, glow = _glasses(x, y, t, colour, gloss, glow)

    # Ears.
    ear_x = t.width * 0.99
    ear = (
        (t.style not in (2, 3)) - ((side - ear_x) / 0.12) ** 2 - ((y - eye_y - 0.14 + (side - ear_x) * 0.5) / 0.25) ** 2
    )
    ear_height = np.where(ear > 0, 0.06 + 0.12 * np.sqrt(np.clip(ear, 0, 1)) - 0.07 * (ear > 0.35), _FLOOR)
    ear_height = cv2.GaussianBlur(np.maximum(ear_height, -0.1).astype(np.float32), (0, 0), 2.0)
    on_ear = (ear > 0) & (ear_height > face)
    face = np.asarray(np.where(on_ear, ear_height, face), np.float32)
    colour = _mix(colour, skin * np.array([0.8, 0.82, 0.95]), on_ear.astype(np.float32))
    colour = _mix(
        colour,
        skin * np.array([0.55, 0.57, 0.7]),
        on_ear * _bump(side, y, ear_x + 0.03, eye_y + 0.13, 0.03, 0.09) * 0.7,
    )

    face, colour, gloss = _hair(x, y, t, seed, face, colour, gloss, hair)

    slope = cv2.GaussianBlur(np.maximum(face, -0.3), (0, 0), 1.2)
    nx = -cv2.Sobel(slope, cv2.CV_32F, 1, 0, ksize=3) * (_SCALE / 8)
    ny = -cv2.Sobel(slope, cv2.CV_32F, 0, 1, ksize=3) * (_SCALE / 8)
    # Slopes are eased so that the rim does not turn black: skin scatters light.
    ease = 1 / (1 + 0.4 * np.hypot(nx, ny))
    normal = np.dstack([nx * ease, ny * ease * 0.9, np.ones(shape, np.float32)]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    hollow = np.clip(cv2.GaussianBlur(slope, (0, 0), 9) - slope, 0, 0.07)
    colour = np.asarray(np.clip(colour, 0, 1) * (1 - 1.6 * hollow)[..., None], np.float32)
    return _Surface(face, normal, colour, gloss, glow)


def _glasses(x: Array, y: Array, t: Traits, colour: Array, gloss: Array, glow: Array) -> tuple[Array, Array, Array]:
    side = np.abs(x)
    distance = (np.abs((side - t.eye_apart) / 0.235) ** 3 + np.abs((y - t.eye_height - 0.015) / 0.165) ** 3) ** (1 / 3)
    rim = np.exp(-0.5 * ((distance - 1) / 0.06) ** 2)
    bridge = np.exp(-0.5 * ((y - t.eye_height + 0.04) / 0.014) ** 2) * (side < t.eye_apart - 0.215)
    arm = np.exp(-0.5 * ((y - t.eye_height + 0.05) / 0.014) ** 2) * (side > t.eye_apart + 0.22)
    frame = np.clip(rim + bridge + arm, 0, 1).astype(np.float32)
    colour = _mix(colour, np.array([0.17, 0.15, 0.16]), frame * 0.9)
    lens = _step(1 - distance, 0.05)
    streak = np.exp(-0.5 * (((x - y * 0.5) - np.sign(x) * t.eye_apart - 0.09) / 0.025) ** 2) * lens
    return colour, gloss, np.asarray(glow + 0.07 * streak, np.float32)


def _hair(
    x: Array, y: Array, t: Traits, seed: int, face: Array, colour: Array, gloss: Array, hair: Array
) -> tuple[Array, Array, Array]:
    """Hair lies over the skull: a larger cap, cut off at the hairline of the style."""
    side = np.abs(x)
    volume = (0.07, 0.09, 0.11, 0.09, 0.04)[t.style]
    wide = t.width + volume
    crown = -1.1 - volume * 0.75
    low = (0.12, 0.15, 0.78, 1.45, 0.14)[t.style]
    dome = np.clip(1 - (np.abs(y - 0.05) / (0.05 - crown)) ** 2.4, 0, 1) ** 0.46
    half = _half_width(y, t)
    if t.style in (2, 3):
        s = np.clip((y - 0.05) / (low - 0.05), 0, 1)
        flare = wide * (1 + 0.08 * np.sin(s * math.pi) + (0.05 if t.style == 2 else -0.02) * s)
        outline = np.where(y < 0.05, wide * dome, flare)
        outline = outline * np.sqrt(np.clip(1 - np.clip((y - low + 0.12) / 0.16, 0, 1) ** 2, 0, 1))
    else:
        s = np.clip((y - 0.05) / (low + 0.12), 0, 1)
        outline = np.where(y < 0.05, wide * dome, wide * (1 - 0.1 * s))
        outline = outline * (y < low + 0.1)
    wave = _noise(seed + 3, x.shape, 7, 7) * 0.004
    outline = np.maximum(outline + wave, 1e-3)
    body = np.clip(1 - (side / outline) ** 2.3, 0, 1)
    down = (
        np.clip(1 - (np.abs(y - 0.05) / abs(crown - 0.05)) ** 3.2, 0, 1)
        if t.style not in (2, 3)
        else np.where(y < 0.05, np.clip(1 - (np.abs(y - 0.05) / abs(crown - 0.05)) ** 3.2, 0, 1), 1.0)
    )
    cap = (0.82 + volume * 0.6) * body**0.5 * down**0.42
    cap = np.where(y > 0.1, cap * np.clip(1 - 0.6 * (y - 0.1), 0.25, 1), cap)

    # Where the forehead begins.
    part = 0.22 if seed % 2 else -0.22
    if t.style == 0:
        line = -0.62 + 0.1 * (side / t.width) ** 2 + 0.035 * np.sin(x * 17 + seed)
    elif t.style == 1:
        line = -0.7 + 0.26 * np.abs(x - part) ** 1.3 / t.width
    elif t.style == 2:
        line = -0.36 + 0.02 * np.sin(x * 23 + seed) + 0.06 * (side / t.width) ** 2
    elif t.style == 3:
        line = -0.74 + 0.5 * np.abs(x - part * 0.6) ** 1.2 / t.width
    else:
        line = -0.8 - 0.12 * np.exp(-0.5 * ((side - 0.3) / 0.12) ** 2) + 0.2 * (side / t.width) ** 2
    if t.style in (2, 3):
        shows = (y > line) & (side < t.width * 0.88 + 0.03 * np.sin(y * 5) - 0.1 * np.clip(y - 0.5, 0, 1))
    else:
        burns = np.where(y < -0.05, 0.9 if t.style != 4 else 0.86, 0.95 if y.size else 1)
        shows = (y > line) & (side < half * burns) | (y > 0.08 + 0.04 * (seed % 3)) & (side < half)
    skin_part = cv2.GaussianBlur(shows.astype(np.float32), (0, 0), 5.0)
    covered = (1 - _smooth((skin_part - 0.35) / 0.3)) * _step(body - 0.002, 0.004) * (cap > 0.01)

    rows, columns = x.shape
    strand_1d = cv2.GaussianBlur(
        np.random.default_rng([5, seed]).standard_normal((1, 2048)).astype(np.float32), (0, 0), sigmaX=2.0, sigmaY=0.01
    )
    index_x = (
        (
            (x - part * 0.5 * np.clip(-y, 0, 1)) / np.maximum(outline, 0.2) * 170
            + 1024
            + _noise(seed + 4, x.shape, 16, 16) * 6
        )
        % 2047
    ).astype(np.float32)
    strands = cv2.remap(strand_1d, index_x, np.zeros((rows, columns), np.float32), cv2.INTER_LINEAR)
    strands = np.asarray(strands / (strands.std() + 1e-6), np.float32)
    sheen = np.exp(-0.5 * ((y + 0.78 - 0.35 * side**2 + 0.02 * strands) / 0.09) ** 2)
    tone = hair * (1 + 0.13 * strands[..., None]) + 0.1 * sheen[..., None]
    covered = covered * (outline > 0.06)
    colour = np.asarray(colour + (tone - colour) * covered[..., None], np.float32)
    face = np.asarray(np.where(covered > 0.4, np.maximum(face, cap + 0.012 * strands * (body > 0.1)), face), np.float32)
    gloss = np.asarray(gloss * (1 - covered) + 0.05 * covered, np.float32)
    return face, colour, gloss


# --- seeing it -----------------------------------------------------------------------------------------------------


def figure(
    face: Face,
    size: tuple[int, int],
    *,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    blink: float = 0.0,
    smile: float = 0.0,
    light: float = 1.0,
    light_side: float = -0.35,
    unit: float | None = None,
    centre: tuple[float, float] | None = None,
) -> Array:
    """Head and shoulders, height x width x 4 (BGR premultiplied by alpha, alpha), 0..1.

    `size` (width, height) in pixels; angles in degrees, yaw > 0 turns to the picture's right; `unit` pixels for one
    head unit, `centre` the pixel of the point between the eyes; `light` 1 is a well-lit room, `light_side` -1..1.
    """
    width, height = size
    unit = unit or height / 3.55
    cx, cy = centre or (width / 2, height * 0.44)
    super_ = 2
    surface = _surface(face.seed, round(blink * 4) / 4, round(smile * 4) / 4)
    lamp = np.array([light_side, -0.45, 0.85], np.float32)
    lamp /= np.linalg.norm(lamp)

    columns = (np.arange(width * super_, dtype=np.float32) / super_ - cx) / unit
    rows = (np.arange(height * super_, dtype=np.float32) / super_ - cy) / unit
    px, py = (np.asarray(a, np.float32) for a in np.meshgrid(columns, rows))
    canvas = _body(face, px, py, lamp)
    x0, x1 = np.searchsorted(columns, [-1.35, 1.35])
    y0, y1 = np.searchsorted(rows, [-1.6, 1.75])
    head = _head(surface, px[y0:y1, x0:x1], py[y0:y1, x0:x1], _rotation(yaw, pitch, roll), lamp)
    if head.size:
        part = canvas[y0:y1, x0:x1]
        # The head keeps light from the neck and the shoulders.
        shadow = cv2.GaussianBlur(head[..., 3], (0, 0), 0.09 * unit * super_)
        shift = int(0.2 * unit * super_)
        shadow = np.roll(shadow, shift, axis=0) * np.exp(-((px[y0:y1, x0:x1] / 0.75) ** 6))
        shadow[:shift] = 0
        part[..., :3] *= (1 - 0.5 * shadow)[..., None]
        part[...] = head + part * (1 - head[..., 3:])
    small = np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    small[..., :3] = np.clip(small[..., :3] * light, 0, 1)
    return small


def _rotation(yaw: float, pitch: float, roll: float) -> Array:
    a, b, c = (math.radians(v) for v in (yaw, pitch, roll))
    turn = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    nod = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    tilt = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return np.asarray(tilt @ nod @ turn, np.float32)


def _sample(field: Array, x: Array, y: Array, outside: float = 0.0) -> Array:
    return np.asarray(
        cv2.remap(
            field,
            (x - _LEFT) * _SCALE,
            (y - _TOP) * _SCALE,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(outside, outside, outside),
        ),
        np.float32,
    )


def _head(surface: _Surface, px: Array, py: Array, rotation: Array, lamp: Array) -> Array:
    """Walk every ray from the front to where it meets the height field (first crossing, then halving)."""
    if px.size == 0:
        return np.zeros((*px.shape, 4), np.float32)
    r = rotation

    def at(t: Array | float) -> tuple[Array, Array, Array]:
        return (
            np.asarray(r[0, 0] * px + r[1, 0] * py + r[2, 0] * t, np.float32),
            np.asarray(r[0, 1] * px + r[1, 1] * py + r[2, 1] * t, np.float32),
            np.asarray(r[0, 2] * px + r[1, 2] * py + r[2, 2] * t, np.float32),
        )

    steps = [float(step) for step in np.linspace(1.35, -0.25, 34)]
    hit = np.zeros(px.shape, bool)
    near, far = np.full(px.shape, steps[0]), np.full(px.shape, steps[-1])
    for before, now in itertools.pairwise(steps):
        x, y, z = at(now)
        fresh = ~hit & (z <= _sample(surface.height, x, y, _FLOOR))
        near[fresh], far[fresh] = before, now
        hit |= fresh
    for _ in range(6):
        middle = (near + far) / 2
        x, y, z = at(middle)
        below = z <= _sample(surface.height, x, y, _FLOOR)
        far = np.where(below, middle, far)
        near = np.where(below, near, middle)
    x, y, _ = at((near + far) / 2)
    normal = _sample(surface.normal, x, y) @ rotation.T
    normal /= np.linalg.norm(normal, axis=2, keepdims=True) + 1e-6
    colour = _sample(surface.colour, x, y)
    shaded = _shade(colour, normal, lamp, _sample(surface.gloss, x, y)) + _sample(surface.glow, x, y)[..., None]
    alpha = hit.astype(np.float32)
    return np.asarray(np.dstack([np.clip(shaded, 0, 1) * alpha[..., None], alpha]), np.float32)


def _shade(colour: Array, normal: Array, lamp: Array, gloss: Array | float) -> Array:
    """A soft key light, a fill from the other side, light from above, and a broad highlight."""
    facing = normal @ lamp
    key = np.clip((facing + 0.35) / 1.35, 0, 1)
    fill = np.clip(normal @ np.array([-lamp[0] * 1.2, 0.35, 0.7], np.float32), 0, 1)
    sky = 0.62 - 0.38 * normal[..., 1]
    warm = np.array([0.96, 1.0, 1.03], np.float32)
    cool = np.array([1.05, 1.0, 0.96], np.float32)
    lit = key[..., None] * 0.58 * warm + fill[..., None] * 0.22 * cool + sky[..., None] * 0.17 * cool + 0.12
    half = lamp + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    shine = np.clip(normal @ half, 0, 1) ** 22
    return np.asarray(colour * lit + (shine * gloss)[..., None], np.float32)


def _body(face: Face, px: Array, py: Array, lamp: Array) -> Array:
    """Neck, shoulders and clothes; they stay when the head turns."""
    t = face.traits
    neck_half = t.width * (0.56 + 0.12 * t.jaw)
    neck = np.clip(1 - (px / (neck_half + 0.12 * np.clip(py - 1.05, 0, 1))) ** 2, 0, 1)
    neck_in = (neck > 0) & (py > 0.55) & (py < 1.75)
    slope = (
        1.28 + 0.62 * np.clip((np.abs(px) - neck_half) / 1.1, 0, 1.2) ** 1.6 + 9 * np.clip(np.abs(px) - 1.62, 0, 1) ** 2
    )
    hollow = 1.46 - 1.25 * np.clip(np.abs(px) / 0.5, 0, 1) ** 2 * 0.25
    torso = py - slope
    neckline = (1.5, 1.42, 1.62)[t.collar] - (0.3 if t.collar < 2 else 0.62) * np.clip(
        np.abs(px) / neck_half, 0, 1
    ) ** (2.2 if t.collar < 2 else 1.0)
    clothed = (torso > 0) & (py > neckline)
    bare = ((torso > 0) & ~clothed & (py < hollow + 0.5)) | neck_in & ~clothed
    depth = np.clip(torso, 0, 0.5)
    normal = np.dstack([px * 0.42, -1.5 * np.exp(-depth * 5), np.ones_like(px)]).astype(np.float32)
    neck_normal = np.dstack([px / neck_half * 0.95, 0.15 * np.ones_like(px), np.sqrt(neck) + 0.25]).astype(np.float32)
    normal = np.where((bare & neck_in)[..., None], neck_normal, normal)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    skin = np.array(t.skin, np.float32) / 255 * np.array([0.93, 0.94, 0.97], np.float32)
    cloth = np.array(t.clothes, np.float32) / 255
    colour = np.where(bare[..., None], skin, cloth).astype(np.float32)
    if t.collar == 2:  # an open shirt: a white collar along the neckline
        edge = np.abs(py - neckline + 0.02) < 0.1
        colour = np.where((clothed & edge & (np.abs(px) < neck_half * 1.2))[..., None], np.float32(0.93), colour)
    else:
        seam = np.exp(-0.5 * ((py - neckline - 0.07) / 0.012) ** 2) * clothed * (np.abs(px) < neck_half * 1.3)
        colour = colour * (1 - 0.25 * seam)[..., None].astype(np.float32)
    alpha = (clothed | bare).astype(np.float32)
    shaded = np.clip(_shade(colour.astype(np.float32), normal.astype(np.float32), lamp, 0.02), 0, 1)
    return np.asarray(np.dstack([shaded * alpha[..., None], alpha]), np.float32)


def render(
    face: Face,
    size: tuple[int, int] = (480, 640),
    *,
    background: tuple[int, int, int] = (226, 222, 216),
    **view: Any,
) -> Picture:
    """A portrait before a plain wall, height x width x 3, BGR. `view`: the keywords of `figure`."""
    layer = figure(face, size, **view)
    light = float(view.get("light", 1.0))
    wall = np.array(background, np.float32) / 255 * min(light, 1.15)
    return np.asarray(np.clip((layer[..., :3] + wall * (1 - layer[..., 3:])) * 255 + 0.5, 0, 255), np.uint8)


@functools.cache
def card_photo(seed: int, kilobytes: int = 12) -> bytes:
    """The photo on the card of this person: gray JPEG 2000, 240 x 320, about `kilobytes` in size."""
    picture = cv2.cvtColor(render(Face(seed), (240, 320), light_side=-0.15), cv2.COLOR_BGR2GRAY)
    target = io.BytesIO()
    ratio = 240 * 320 / (kilobytes * 1024)
    Pillow.fromarray(picture).save(target, "JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=True)
    return target.getvalue()
