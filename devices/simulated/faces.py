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
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from devices.simulated.head import FLOOR, LEFT, SCALE, TOP, Array, Surface, sculpt, traits_of

Picture = NDArray[np.uint8]

#: Persona -> seed. Any two are farther apart than 0.30, the score above which a stranger is refused.
CARD_SIZE = (240, 320)

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


class Face:
    """The person of one seed."""

    __slots__ = ("seed", "traits")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.traits = traits_of(seed)


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
    surface = sculpt(face.seed, round(blink * 4) / 4, round(smile * 4) / 4)
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
            (x - LEFT) * SCALE,
            (y - TOP) * SCALE,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(outside, outside, outside),
        ),
        np.float32,
    )


def _head(surface: Surface, px: Array, py: Array, rotation: Array, lamp: Array) -> Array:
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
        fresh = ~hit & (z <= _sample(surface.height, x, y, FLOOR))
        near[fresh], far[fresh] = before, now
        hit |= fresh
    for _ in range(6):
        middle = (near + far) / 2
        x, y, z = at(middle)
        below = z <= _sample(surface.height, x, y, FLOOR)
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
    return on_card(render(Face(seed), CARD_SIZE, light_side=-0.15), kilobytes)


def on_card(picture: Picture, kilobytes: int = 12) -> bytes:
    """A portrait (BGR, 240 x 320) as the card holds it."""
    target = io.BytesIO()
    ratio = CARD_SIZE[0] * CARD_SIZE[1] / (kilobytes * 1024)
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    Pillow.fromarray(gray).save(target, "JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=True)
    return target.getvalue()
