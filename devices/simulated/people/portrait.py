"""Portraits: the photo of the simulated card, and pictures of people who keep still.

Taken from further away than a kiosk's camera stands, by a better camera. Nobody is depicted: every face follows from
an integer.
"""

from __future__ import annotations

import functools
import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from devices.simulated.people import body as trunk
from devices.simulated.people.head import Array, traits_of
from devices.simulated.people.person import Person, person_of
from devices.simulated.people.view import EYES_DEPTH, Lamp, Lens, Pose, see

Picture = NDArray[np.uint8]

CARD_SIZE = (240, 320)

_PORTRAIT = 9.0  # head units between camera and head: one metre


class Face:
    """The person of one seed."""

    __slots__ = ("seed", "traits")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.traits = traits_of(seed)

    @property
    def person(self) -> Person:
        return person_of(self.seed)


def figure(face: Face, size: tuple[int, int], **view: Any) -> Array:
    """Head and shoulders of `face`; keywords of `layer`."""
    return layer(face.person, size, **view)


def layer(
    person: Person,
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
    fine: int = 2,
) -> Array:
    """Head and shoulders, height x width x 4 (BGR premultiplied by alpha, alpha), 0..1.

    `size` (width, height) in pixels; angles in degrees, yaw > 0 turns to the picture's right; `unit` pixels for one
    head unit, `centre` the pixel of the point between the eyes; `light` 1 is a well-lit room, `light_side` -1..1;
    `fine`: how many times finer than its pixels it is drawn.
    """
    width, height = size[0] * fine, size[1] * fine
    unit = (unit or size[1] / 3.55) * fine
    cx, cy = centre or (size[0] / 2, size[1] * 0.44)
    under = trunk.body(person.traits, unit, light_side, person.half_width)
    canvas = np.zeros((height, width, 4), np.float32)
    shift = np.array([[1, 0, cx * fine + trunk.LEFT * unit], [0, 1, cy * fine + trunk.TOP * unit]], np.float32)
    cv2.warpAffine(under, shift, (width, height), dst=canvas)
    # From as far as a photographer stands; what is as far as the eyes is in scale.
    lens = Lens(unit * (_PORTRAIT - EYES_DEPTH), (cx * fine, cy * fine))
    pose = Pose((0.0, 0.0, -_PORTRAIT), yaw, pitch, roll, blink, smile)
    seen = see(person, pose, lens, (width, height), Lamp(1.0, light_side))
    if seen is not None:
        part = canvas[seen.top : seen.top + seen.alpha.shape[0], seen.left : seen.left + seen.alpha.shape[1]]
        alpha = seen.alpha[..., None]
        head = np.dstack([np.clip(seen.colour / 255, 0, 1) * alpha, alpha])
        part[...] = head + part * (1 - alpha)
    small = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.float32)
    small[..., :3] = np.clip(small[..., :3] * light, 0, 1)
    return small


def render(face: Face, size: tuple[int, int] = (480, 640), **view: Any) -> Picture:
    """A portrait of `face`; keywords of `portrait`."""
    return portrait(face.person, size, **view)


def portrait(
    person: Person,
    size: tuple[int, int] = (480, 640),
    *,
    background: tuple[int, int, int] = (226, 222, 216),
    **view: Any,
) -> Picture:
    """Before a plain wall, height x width x 3, BGR. `view`: the keywords of `layer`."""
    seen = layer(person, size, **view)
    light = float(view.get("light", 1.0))
    wall = np.array(background, np.float32) / 255 * min(light, 1.15)
    return np.asarray(np.clip((seen[..., :3] + wall * (1 - seen[..., 3:])) * 255 + 0.5, 0, 255), np.uint8)


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
