"""A drawn person who is filmed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np

from devices.simulated.people import body as trunk
from devices.simulated.people.acting import Act, Acting, Temper
from devices.simulated.people.person import person_of
from devices.simulated.people.scene import Optics, Picture, Sensor, over, put, room
from devices.simulated.people.view import EYES_DEPTH, Lamp, Lens, Pose, see

_UNIT = 0.246  # height of a head unit in the picture, as a share of the picture's height, at arm's length


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of the room, the camera and the day. `light` 1: well lit; `light_side` -1..1; `backlight` 0..1: a window behind.
    `years`: since the card photo was taken."""

    light: float = 1.0
    light_side: float = -0.35
    key: float = 1.0
    backlight: float = 0.0
    optics: Optics = field(default_factory=Optics)
    years: float = 0.0

    @classmethod
    def of(cls, draw: np.random.Generator) -> Conditions:
        """Another day at another counter, all of it fit for a comparison."""
        return cls(
            light=float(draw.uniform(0.78, 1.12)),
            light_side=float(draw.uniform(-0.75, 0.75)),
            key=float(draw.uniform(0.8, 1.15)),
            optics=Optics(float(draw.uniform(0.35, 0.9)), float(draw.uniform(1.5, 4.5))),
            years=float(draw.uniform(0, 10)),
        )


class Filmed(Protocol):
    """Whoever is before the camera."""

    def frame(self, t: float, prompt: str | None = None) -> Picture:
        """The picture at time `t` (seconds, never going back), height x width x 3, BGR. `prompt`: what the kiosk asks
        at that time: "turn_left", "turn_right" (the person's own), "blink", anything else for nothing."""


def lens_of(size: tuple[int, int]) -> Lens:
    """A usual webcam: 56 degrees across 640 x 480, 68 across a wide picture."""
    width, height = size
    wide = width * 3 > height * 4
    return Lens((0.742 if wide else 0.94) * width, (width / 2, height / 2))


class Actor:
    """A living person before the kiosk's camera; the same arguments and calls give the same pictures.

    `variation` 0 is a good day: frontal, well lit, no ageing; any other number is a day of its own, with other light,
    noise, defocus, manner and up to ten years since the card photo. What is given by name is kept. `eye_distance`: in
    pixels, when the person has come near; `place`: pixels off the middle. `hair_behind` False: long hair is not seen
    behind the neck. About 0.3 s to prepare, then 15 ms per picture of 640 x 480.
    """

    def __init__(
        self,
        seed: int,
        *,
        variation: int = 0,
        size: tuple[int, int] = (640, 480),
        eye_distance: float | None = None,
        light: float | None = None,
        light_side: float | None = None,
        backlight: float | None = None,
        noise: float | None = None,
        defocus: float | None = None,
        jpeg: int | None = None,
        glasses: bool | None = None,
        years: float | None = None,
        approach: bool = False,
        temper: Temper | None = None,
        place: tuple[float, float] = (0.0, 0.0),
        hair_behind: bool = True,
    ) -> None:
        draw = np.random.default_rng([61, seed, variation])
        made = Conditions.of(draw) if variation else Conditions()
        optics = made.optics
        optics = Optics(
            optics.defocus if defocus is None else defocus,
            optics.noise if noise is None else noise,
            optics.jpeg if jpeg is None else jpeg,
        )
        self.conditions = replace(
            made,
            light=made.light if light is None else light,
            light_side=made.light_side if light_side is None else light_side,
            backlight=made.backlight if backlight is None else backlight,
            years=made.years if years is None else years,
            optics=optics,
        )
        self.size = size
        self.lens = lens_of(size)
        self.person = person_of(seed, self.conditions.years, glasses)
        self._habit = (
            (float(draw.normal(0, 1.5)), float(draw.normal(0, 3)), float(draw.normal(0, 1.5)))
            if variation
            else (0.0, 0.0, 0.0)
        )
        unit = _UNIT * size[1] * (float(draw.uniform(0.85, 1.1)) if variation else 1.0)
        if eye_distance is not None:
            unit = eye_distance / (2 * self.person.traits.eye_apart)
        self._unit = unit
        self._place = place
        self._acting = Acting(draw, temper or (_temper(draw) if variation else Temper()), approach=approach)
        self._sensor = Sensor(size, self.conditions.optics, draw)
        level = self.conditions.light * (1 - 0.55 * self.conditions.backlight)
        self.lamp = Lamp(level, self.conditions.light_side, self.conditions.key)
        layer = trunk.body(self.person.traits, unit, self.lamp.side, self.person.half_width if hair_behind else 0.0)
        layer[..., :3] *= level
        self._body = np.asarray(np.clip(layer * 255 + 0.5, 0, 255), np.uint8)

    def frame(self, t: float, prompt: str | None = None) -> Picture:
        return self.shot(self._acting.at(t, prompt))

    def shot(self, act: Act) -> Picture:
        """The picture of one movement."""
        image = self.empty()
        self.draw(image, act)
        return self.take(image)

    def empty(self) -> Picture:
        """The room."""
        return room(self.size, self.conditions.light, self.conditions.backlight).copy()

    def take(self, image: Picture) -> Picture:
        """What the camera makes of it."""
        return self._sensor.take(image)

    @property
    def unit(self) -> float:
        """Pixels of a head unit at the depth of the eyes, when the person has come near."""
        return self._unit

    def act(self, t: float, prompt: str | None = None) -> Act:
        """The movement alone, for whoever draws it otherwise."""
        return self._acting.at(t, prompt)

    def draw(self, image: Picture, act: Act) -> None:
        """Body and head into the picture, before the sensor."""
        self.draw_body(image, act)
        seen = see(self.person, self.pose(act), self.lens, self.size, self.lamp)
        if seen is not None:
            put(image, seen)

    def draw_body(self, image: Picture, act: Act) -> None:
        pose = self.pose(act)
        scale = self.lens.focal / (-pose.at[2] - EYES_DEPTH) / self._unit
        # The trunk follows half of the swaying.
        x = self.lens.centre[0] + pose.at[0] * self.lens.focal / -pose.at[2]
        y = self.lens.centre[1] + pose.at[1] * self.lens.focal / -pose.at[2]
        layer = self._body
        size = round(layer.shape[1] * scale), round(layer.shape[0] * scale)
        shift = np.array(
            [
                [scale, 0, x - 0.35 * act.aside * self._unit * scale + trunk.LEFT * self._unit * scale],
                [0, scale, y + trunk.TOP * self._unit * scale],
            ],
            np.float64,
        )
        left, top = int(np.floor(shift[0, 2])), int(np.floor(shift[1, 2]))
        shift[:, 2] -= (left, top)
        height = min(size[1], image.shape[0] - top)
        if height > 4:
            over(image, np.asarray(cv2.warpAffine(layer, shift, (size[0], height)), np.uint8), left, top)

    def pose(self, act: Act) -> Pose:
        far = (self.lens.focal / self._unit) * (1 + 0.35 * act.near)
        z = -(far + EYES_DEPTH)
        eye_y = -0.03 * self.size[1]  # the eyes are a little above the middle
        down = 0.22 * act.near * self.size[1]
        x = act.aside + self._place[0] / self.lens.focal * -z
        y = (eye_y + down + self._place[1]) / self.lens.focal * -z + act.lift - self.person.traits.eye_height
        yaw, pitch, roll = self._habit
        return Pose((x, y, z), act.yaw + yaw, act.pitch + pitch, act.roll + roll, act.blink, act.smile)


def _temper(draw: np.random.Generator) -> Temper:
    return Temper(
        wander=float(draw.uniform(1.5, 6)),
        nod=float(draw.uniform(0.8, 3)),
        lean=float(draw.uniform(0.5, 2.5)),
        sway=float(draw.uniform(0.02, 0.07)),
        blink_every=float(draw.uniform(2.2, 5.5)),
        turn=float(draw.uniform(18, 27)),
        smiles=bool(draw.random() < 0.6),
    )
