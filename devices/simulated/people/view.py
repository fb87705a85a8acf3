"""A head seen by a pinhole camera: rays meet the front or the back of a closed surface.

Units of the head: chin to crown is about 2 (23 cm); x to the right, y down, z towards the camera. The head is placed
by its pivot, the top of the neck. Angles in degrees; yaw > 0 turns to the picture's right, which is the person's own
left; pitch > 0 looks up; roll > 0 leans to the picture's right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.simulated.people.head import LEFT, SCALE, TOP, Array
from devices.simulated.people.person import SIDE_FRONT, SIDE_SCALE, Person

Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

CM = 1 / 11.5  # head units
EYES_DEPTH = 0.62  # of the eyes before the head's origin
PIVOT = np.array([0.0, 0.95, -0.12])  # of nodding, from the origin between the ears
_NEAR, _FAR = 1.45, -1.15  # the head lies between these depths around its origin
_COARSE = 4  # pixels
_STEPS = 30


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is and what it does. `at`: of its origin, in head units from the camera, z negative."""

    at: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    blink: float = 0.0
    smile: float = 0.0


@dataclass(frozen=True, slots=True)
class Lamp:
    """`side` -1..1 from the picture's left to its right; `level` 1 is a well-lit room; `key` how hard its light is."""

    level: float = 1.0
    side: float = -0.35
    key: float = 1.0


@dataclass(frozen=True, slots=True)
class Lens:
    """`focal` in pixels, `centre` the pixel of the axis."""

    focal: float
    centre: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A part of the picture from pixel `left`, `top`: `colour` height x width x 3 (BGR 0..255, float), `alpha` 0..1."""

    left: int
    top: int
    colour: Array
    alpha: Array


def rotation(yaw: float, pitch: float, roll: float) -> Array:
    """Head to world."""
    a, b, c = (math.radians(v) for v in (yaw, pitch, roll))
    turn = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    nod = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    tilt = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return np.asarray(tilt @ nod @ turn, np.float64)


def see(person: Person, pose: Pose, lens: Lens, size: tuple[int, int], lamp: Lamp, depth: float = 1.0) -> Seen | None:
    """The head within a picture of `size` (width, height); None: it is outside. `depth` < 1 flattens it."""
    person.move(pose.blink, pose.smile)
    turned = rotation(pose.yaw, pose.pitch, pose.roll)
    origin = np.array(pose.at) + PIVOT - turned @ PIVOT
    box = _box(person, turned, origin, lens, size, depth)
    if box is None:
        return None
    left, top = box[:2]
    rays = _Rays(turned, origin, lens, box, depth)
    t, hit = _meet(person.shape, rays)
    x, y, z = rays.at(t)
    colour = np.asarray(cv2.remap(person.skin, x, y, cv2.INTER_LINEAR), np.uint8)
    lit, shine = _light(person, rays, x, y, z, turned, lamp)
    colour = _with_sides(person, colour, x, y, z)
    shaded = np.asarray(cv2.multiply(colour[..., :3], lit, dtype=cv2.CV_32F), np.float32)
    extra = colour[..., 3].astype(np.float32)
    extra += shine
    shaded += extra[..., None]
    if lamp.level != 1.0:
        shaded *= lamp.level
    soft = cv2.GaussianBlur(hit.astype(np.float32), (3, 3), 0.8)
    alpha = np.clip(soft * 2 - 1, 0, 1)
    return Seen(left, top, np.asarray(shaded, np.float32), np.asarray(alpha, np.float32))


def _box(
    person: Person, turned: Array, origin: Array, lens: Lens, size: tuple[int, int], depth: float
) -> tuple[int, int, int, int] | None:
    """The pixels that the head covers, and a few around them."""
    points = person.hull * (1, 1, depth) @ turned.T + origin
    away = np.maximum(-points[:, 2], 0.5)
    u = points[:, 0] / away * lens.focal + lens.centre[0]
    v = points[:, 1] / away * lens.focal + lens.centre[1]
    left, right = max(0, int(u.min()) - 4), min(size[0], int(u.max()) + 5)
    top, bottom = max(0, int(v.min()) - 4), min(size[1], int(v.max()) + 5)
    return (left, top, right, bottom) if right - left > 8 and bottom - top > 8 else None


class _Rays:
    """Points along the rays of a box of pixels, in map pixels (x, y) and head units (z)."""

    def __init__(self, turned: Array, origin: Array, lens: Lens, box: tuple[int, int, int, int], depth: float) -> None:
        left, top, right, bottom = box
        u = ((np.arange(left, right) + 0.5 - lens.centre[0]) / lens.focal)[None, :]
        v = ((np.arange(top, bottom) + 0.5 - lens.centre[1]) / lens.focal)[:, None]
        self.eye = -turned.T @ origin  # the camera, in the head's frame
        back = turned.T
        self.middle = float(-origin[2])
        scale = (SCALE, SCALE, 1 / depth)
        offset = (-LEFT * SCALE, -TOP * SCALE, 0.0)
        self.direction = tuple(
            np.asarray((back[i, 0] * u + back[i, 1] * v - back[i, 2]) * scale[i], np.float32) for i in range(3)
        )
        self.start = tuple(float(self.eye[i] * scale[i] + offset[i]) for i in range(3))

    def at(self, t: Array) -> tuple[Array, Array, Array]:
        x, y, z = (d * t + s for d, s in zip(self.direction, self.start, strict=True))
        return x, y, z


def _outside(shape: Array, x: Array, y: Array, z: Array) -> Array:
    """How far in front of (or behind) the head a point is; below 0 inside."""
    sides = cv2.remap(shape, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(-9.0, 9.0))
    front, back = cv2.split(sides)
    return np.asarray(cv2.max(cv2.subtract(z, front), cv2.subtract(back, z)), np.float32)


def _meet(shape: Array, rays: _Rays) -> tuple[Array, Mask]:
    """Along each ray: where it meets the head, and whether it does.

    A coarse march over every fourth pixel finds the neighbourhood; from a little before it, every pixel goes on by
    as much as it is still outside, which cannot step over the first crossing of gentle slopes.
    """
    rows, columns = rays.direction[0].shape
    part = np.s_[_COARSE // 2 :: _COARSE, _COARSE // 2 :: _COARSE]
    dx, dy, dz = (np.ascontiguousarray(d[part]) for d in rays.direction)
    depths = np.linspace(rays.middle - _NEAR, rays.middle - _FAR, _STEPS, dtype=np.float32)
    t = depths[:, None, None]
    sx, sy, sz = rays.start
    low = dx.shape
    x, y, z = (dx * t + sx).reshape(-1, low[1]), (dy * t + sy).reshape(-1, low[1]), (dz * t + sz).reshape(-1, low[1])
    out = _outside(shape, x, y, z).reshape(_STEPS, *low)
    inside = out <= 0
    first = np.argmax(inside, axis=0)
    met = np.take_along_axis(inside, first[None], 0)[0]
    before = depths[np.maximum(first - 1, 0)].astype(np.float32)
    around = np.ones((3, 3), np.uint8)
    near = cv2.erode(np.where(met, before, depths[-1]), around)
    far = cv2.dilate(np.where(met, before, depths[0]), around)
    stride = float(depths[1] - depths[0])
    t, hit = _approach(shape, rays, _spread(near, rows, columns), stride)
    # Beside the nose or an ear a ray starts at what is near and passes it: once more, from the neighbour behind.
    at = np.nonzero(~hit & _spread(met.astype(np.uint8), rows, columns).astype(bool))
    if len(at[0]):
        some = _Some(rays, at)
        again, found = _approach(shape, some, _spread(far, rows, columns)[at][None], stride)
        t[at], hit[at] = again[0], found[0]
    return t, hit


def _spread(small: Any, rows: int, columns: int) -> Array:
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_NEAREST))


def _approach(shape: Array, rays: _Rays | _Some, t: Array, stride: float) -> tuple[Array, Mask]:
    """Onwards while outside, halving once inside."""
    outside, inside = t.copy(), np.full(t.shape, np.float32(1e3))
    for _ in range(9):
        out = _outside(shape, *rays.at(t))
        within = out <= 0.001
        np.copyto(inside, t, where=within)
        np.copyto(outside, t, where=~within)
        out *= 0.75
        onwards = t + np.minimum(out, stride, out=out)
        t = np.asarray(np.where(within, (outside + inside) * 0.5, np.minimum(onwards, inside)), np.float32)
    return t, (inside < 999) | (out < 0.02)


class _Some:
    """Single rays out of many."""

    def __init__(self, rays: _Rays, at: tuple[NDArray[np.intp], ...]) -> None:
        self.direction = tuple(d[at][None] for d in rays.direction)
        self.start = rays.start

    def at(self, t: Array) -> tuple[Array, Array, Array]:
        x, y, z = (d * t + s for d, s in zip(self.direction, self.start, strict=True))
        return x, y, z


def _light(person: Person, rays: _Rays, x: Array, y: Array, z: Array, turned: Array, lamp: Lamp) -> tuple[Array, Array]:
    """Light on the colour (x 3) and highlight, over all pixels; worked out for every second one."""
    rows, columns = x.shape
    small = np.s_[::2, ::2]
    x, y, z = (np.ascontiguousarray(a[small]) for a in (x, y, z))
    relief = cv2.remap(person.relief, x, y, cv2.INTER_LINEAR)
    # Behind the widest part the surface looks backwards.
    facing = np.clip((z + 0.12) / 0.24, 0, 1) * 2 - 1
    relief[..., 2] *= facing
    turn = np.zeros((4, 4))
    turn[:3, :3], turn[3, 3] = turned, 1
    normal = cv2.transform(relief, turn.astype(np.float32))
    source = np.array([lamp.side, -0.45, 0.85])
    source /= np.linalg.norm(source)
    half = source + np.array([0, 0, 1])
    half /= np.linalg.norm(half)
    across = np.array([-source[0] * 1.2, 0.35, 0.7])
    dots = cv2.transform(normal, np.array([[*source, 0], [*across, 0], [*half, 0]], np.float32))
    key = np.clip((dots[..., 0] + 0.35) / 1.35, 0, 1) * lamp.key
    fill = np.clip(dots[..., 1], 0, 1)
    sky = 0.62 - 0.38 * normal[..., 1]
    parts = np.dstack([key, fill, sky, np.ones_like(key)]).astype(np.float32)
    warm, cool = np.array([0.96, 1.0, 1.03]), np.array([1.05, 1.0, 0.96])
    mix = np.column_stack([0.58 * warm, 0.22 * cool, 0.17 * cool, np.full(3, 0.12)]).astype(np.float32)
    lit = cv2.transform(parts, mix)
    shine = np.clip(dots[..., 2], 0, 1)
    for _ in range(4):
        shine = shine * shine
    shine = shine * dots[..., 2] ** 6 * normal[..., 3] * 255
    big = (columns, rows)
    return (
        np.asarray(cv2.resize(lit, big, interpolation=cv2.INTER_LINEAR), np.float32),
        np.asarray(cv2.resize(shine.astype(np.float32), big, interpolation=cv2.INTER_LINEAR), np.float32),
    )


def _with_sides(person: Person, colour: Bytes, x: Array, y: Array, z: Array) -> Bytes:
    """Where the front map is seen too much from beside, the side's own texture."""
    weight = np.clip((0.1 - z) / 0.08, 0, 1)
    middle = -LEFT * SCALE
    for sign, texture in zip((-1, 1), person.sides, strict=True):
        here = (weight > 0) & ((x > middle) if sign > 0 else (x <= middle))
        rows = np.flatnonzero(here.any(axis=1))
        columns = np.flatnonzero(here.any(axis=0))
        if not len(rows):
            continue
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        depth = (SIDE_FRONT - z[part]) * SIDE_SCALE
        seen = cv2.remap(
            texture, np.asarray(depth, np.float32), y[part], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        share = weight[part] * here[part]
        front = np.ascontiguousarray(colour[part][..., :3])
        colour[part][..., :3] = cv2.blendLinear(front, seen, 1 - share, share)
    return colour
