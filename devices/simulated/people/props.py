"""What is held before a camera: sheets and screens, flat or bent around a cylinder.

A sheet lies in a plane of its own: x to the right, y down, its face towards +z, the origin in its middle; lengths in
head units (11.5 cm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from devices.simulated.people.head import Array
from devices.simulated.people.scene import Picture
from devices.simulated.people.view import Lens, Seen, rotation


@dataclass(frozen=True, slots=True)
class Held:
    """Where a sheet is: its middle (head units from the camera, z negative) and its angles, as of a head's."""

    at: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True, slots=True)
class Bend:
    """`radius` in head units; around a vertical axis, or a horizontal one."""

    radius: float
    vertical: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """`picture`: rows x columns x 4, BGR and alpha, not multiplied. `width` in head units; `shine` 0..1 of its face."""

    picture: Picture
    width: float
    shine: float = 0.0

    @property
    def height(self) -> float:
        rows, columns = self.picture.shape[:2]
        return float(self.width * rows / columns)


def show(sheet: Sheet, held: Held, lens: Lens, size: tuple[int, int], bend: Bend | None, light: float) -> Seen | None:
    """The sheet within a picture of `size`; None: outside, or seen from behind. `light` falls on it from the front."""
    turned = rotation(held.yaw, held.pitch, held.roll)
    origin = np.array(held.at)
    outline = _points(sheet, bend) @ turned.T + origin
    if outline[:, 2].max() > -0.5:
        return None
    u = outline[:, 0] / -outline[:, 2] * lens.focal + lens.centre[0]
    v = outline[:, 1] / -outline[:, 2] * lens.focal + lens.centre[1]
    left, right = max(0, int(u.min()) - 2), min(size[0], int(u.max()) + 3)
    top, bottom = max(0, int(v.min()) - 2), min(size[1], int(v.max()) + 3)
    if right - left < 8 or bottom - top < 8:
        return None
    x, y, facing = _meet(turned, origin, lens, (left, top, right, bottom), bend)
    rows, columns = sheet.picture.shape[:2]
    scale = columns / sheet.width
    column = np.asarray(x * scale + (columns / 2 - 0.5), np.float32)
    row = np.asarray(y * scale + (rows / 2 - 0.5), np.float32)
    seen = cv2.remap(sheet.picture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    alpha = seen[..., 3].astype(np.float32) / 255
    alpha[facing <= 0.03] = 0
    # Matt paper: darker where it looks away from the light, which stands beside the camera.
    lit = (0.35 + 0.65 * np.clip(facing, 0, 1)) * light
    colour = seen[..., :3].astype(np.float32) * lit[..., None]
    if sheet.shine > 0:
        streak = np.exp(-(((x + 0.6 * y - 0.9 * math.sin(math.radians(2.5 * held.yaw)) - 0.4) / 0.35) ** 2))
        colour += (60 * sheet.shine * light * streak)[..., None]
    return Seen(left, top, np.asarray(colour, np.float32), np.asarray(alpha, np.float32))


def _points(sheet: Sheet, bend: Bend | None) -> Array:
    """Points (n x 3) along its edges."""
    w, h = sheet.width / 2, sheet.height / 2
    k = np.linspace(-1, 1, 9)
    one = np.ones_like(k)
    x = np.concatenate([k * w, k * w, one * w, -one * w, k * 0])
    y = np.concatenate([one * h, -one * h, k * h, k * h, k * h])
    z = np.zeros_like(x)
    if bend is not None:
        along = x if bend.vertical else y
        angle = along / bend.radius
        z = bend.radius * (np.cos(angle) - 1)
        if bend.vertical:
            x = bend.radius * np.sin(angle)
        else:
            y = bend.radius * np.sin(angle)
    return np.asarray(np.column_stack([x, y, z]), np.float64)


def _meet(
    turned: Array, origin: Array, lens: Lens, box: tuple[int, int, int, int], bend: Bend | None
) -> tuple[Array, Array, Array]:
    """Where the rays of a box of pixels meet the sheet, along its face, and how squarely it faces them there."""
    left, top, right, bottom = box
    u = ((np.arange(left, right) + 0.5 - lens.centre[0]) / lens.focal)[None, :]
    v = ((np.arange(top, bottom) + 0.5 - lens.centre[1]) / lens.focal)[:, None]
    back = turned.T
    eye = -back @ origin
    dx, dy, dz = (np.asarray(back[i, 0] * u + back[i, 1] * v - back[i, 2], np.float32) for i in range(3))
    length = np.sqrt(1 + u * u + v * v)
    if bend is None:
        t = -eye[2] / dz
        facing = -dz / length
        x, y = eye[0] + t * dx, eye[1] + t * dy
    else:
        across, a0 = (dx, eye[0]) if bend.vertical else (dy, eye[1])
        along, b0 = (dy, eye[1]) if bend.vertical else (dx, eye[0])
        r = bend.radius
        c0 = eye[2] + r
        a = across * across + dz * dz
        b = a0 * across + c0 * dz
        d = b * b - a * (a0 * a0 + c0 * c0 - r * r)
        t = (-b - np.sqrt(np.maximum(d, 0))) / a
        p, q = a0 + t * across, c0 + t * dz
        facing = np.where(d > 0, -(p * across + q * dz) / (r * length), -1)
        turn = r * np.arctan2(p, q)
        other = b0 + t * along
        x, y = (turn, other) if bend.vertical else (other, turn)
    return np.asarray(x, np.float32), np.asarray(y, np.float32), np.asarray(facing, np.float32)
