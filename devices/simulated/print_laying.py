"""How a card is laid down under the camera: slid in by a hand, let go, at rest, and shifted again if that did not do.

`Laying.shot(t)` is the picture to take at second `t` after the hand appeared. The camera, its tilt, the lamps and the
table stay where they are; the card and the hand move.
"""

from __future__ import annotations

import dataclasses
import math
import random
from dataclasses import dataclass

from devices.simulated.print_shot import HEIGHT, TABLES, WIDTH, Glare, Hand, Shot, corners

ARRIVES = 0.5  # seconds until the card is where it will lie, roughly
SETTLES = 2.2  # seconds until it lies still
_EXPOSURE = 1 / 40
_SHIFTS = 0.7  # seconds that a shift takes


@dataclass(frozen=True, slots=True)
class _Move:
    """A change of place that begins at `at` and is added for good."""

    at: float
    x: float
    y: float
    turn: float


class Laying:
    """One card, one hand, one camera. `calm`: a well set-up kiosk; otherwise every trouble that a counter knows, tilts
    of the camera to 15 degrees among them. `shifts_every`: seconds after which the hand shifts the card again, 0: it
    never does. Same `seed`, same laying."""

    def __init__(self, seed: int, *, calm: bool = False, shifts_every: float = 0.0) -> None:
        draw = random.Random(seed)  # noqa: S311 - for variety
        self._seed = seed
        self._rest = _calm(draw) if calm else _any(draw)
        self._focus = (draw.uniform(0.1, 0.9), draw.uniform(1.5, 4.0)) if not calm and draw.random() < 0.3 else (0, 1)
        self._from = draw.uniform(40, 140)  # where the hand comes from, degrees: below is 90
        self._sway = (draw.uniform(4, 14), draw.uniform(0.8, 3.0), draw.uniform(1.0, 3.5), draw.uniform(0, 6.28))
        self._tone = draw.random()
        # By an edge, as one holds a card that must be seen; some thumbs are on the print all the same.
        away = draw.uniform(38, 41) if draw.random() < 0.75 else draw.uniform(18, 36)
        self._grip = (draw.choice((-1, 1)) * away, draw.uniform(20, 24) * (-1) ** (abs(self._rest.rotation) > 90))
        self._moves = []
        if shifts_every:
            for index in range(1, 9):
                x, y, turn = draw.uniform(-60, 60), draw.uniform(-35, 35), draw.uniform(-9, 9)
                self._moves.append(_Move(index * shifts_every, x, y, turn))

    @property
    def tilt(self) -> float:
        """Of the camera against the table, degrees."""
        return self._rest.tilt

    def still(self, t: float) -> bool:
        """Nothing moves at this moment, and no hand is seen."""
        return t > SETTLES and not any(0 <= t - move.at < _SHIFTS for move in self._moves)

    def shot(self, t: float) -> Shot:
        x, y, turn = self._place(t)
        before = self._place(t - _EXPOSURE)
        motion = math.hypot(x - before[0], y - before[1]) + abs(turn - before[2]) * 5
        lean = self._lean(t)
        tilt, direction = _added(self._rest.tilt, self._rest.direction, lean, self._sway[3] * 57)
        depth, period = self._focus
        return dataclasses.replace(
            _inside(dataclasses.replace(self._rest, x=x, y=y, rotation=turn, tilt=tilt, direction=direction), t),
            defocus=self._rest.defocus + depth * (0.5 + 0.5 * math.sin(2 * math.pi * t / period)) + 0.25 * lean,
            motion=motion,
            motion_angle=math.degrees(math.atan2(y - before[1], x - before[0])),
            hand=None if self.still(t) else Hand(*self._grip, self._from, self._tone),
            seed=self._seed * 1009 + round(t * 1000),
        )

    def _place(self, t: float) -> tuple[float, float, float]:
        rest, (wide, angle, _, phase) = self._rest, self._sway
        away = 1 - _ease(t / ARRIVES)
        calm = 1 - _ease((t - ARRIVES * 0.6) / (SETTLES - ARRIVES * 0.6))
        swing = calm * math.sin(6.5 * t + phase)
        x = rest.x + wide * swing + away * 700 * math.cos(math.radians(self._from))
        y = rest.y + wide * 0.6 * calm * math.cos(5 * t + phase) + away * 700 * math.sin(math.radians(self._from))
        turn = rest.rotation + angle * swing + away * 12
        for move in self._moves:
            done = _ease((t - move.at) / _SHIFTS)
            x, y, turn = x + done * move.x, y + done * move.y, turn + done * move.turn
        return x, y, turn

    def _lean(self, t: float) -> float:
        """Degrees by which the hand still holds the card up."""
        calm = 1 - _ease((t - ARRIVES * 0.6) / (SETTLES - ARRIVES * 0.6))
        shift = max((math.sin(math.pi * min(1.0, max(0.0, (t - m.at) / _SHIFTS))) for m in self._moves), default=0.0)
        return self._sway[2] * max(calm, shift)


def _ease(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return value * value * (3 - 2 * value)


def _added(tilt: float, direction: float, lean: float, towards: float) -> tuple[float, float]:
    x = tilt * math.cos(math.radians(direction)) + lean * math.cos(math.radians(towards))
    y = tilt * math.sin(math.radians(direction)) + lean * math.sin(math.radians(towards))
    return math.hypot(x, y), math.degrees(math.atan2(y, x))


def _inside(shot: Shot, t: float) -> Shot:
    """Whoever lays a card down sees to it that the camera can see it."""
    if t < ARRIVES:
        return shot
    for _ in range(20):
        where = corners(shot)
        low, high = where.min(axis=0), where.max(axis=0)
        if high[0] - low[0] > WIDTH - 20 or high[1] - low[1] > HEIGHT - 20:
            shot = dataclasses.replace(shot, width=shot.width * 0.96)
            continue
        x = float(min(0.0, WIDTH - 8 - high[0]) + max(0.0, 8 - low[0]))
        y = float(min(0.0, HEIGHT - 8 - high[1]) + max(0.0, 8 - low[1]))
        if x == y == 0:
            break
        shot = dataclasses.replace(shot, x=shot.x + x, y=shot.y + y)
    return shot


def _calm(draw: random.Random) -> Shot:
    return Shot(
        tilt=draw.uniform(0, 4),
        direction=draw.uniform(0, 360),
        rotation=draw.gauss(0, 4),
        width=draw.uniform(860, 960),
        x=draw.uniform(-30, 30),
        y=draw.uniform(-15, 15),
        defocus=draw.uniform(0.3, 0.7),
        noise=draw.uniform(1.5, 2.5),
        slope=draw.uniform(0.0, 0.2),
        slope_angle=draw.uniform(0, 360),
        jpeg=0,
        table=0,
    )


def _any(draw: random.Random) -> Shot:
    # A tray has a right way round and a wrong one; few lay a card down across it.
    way = draw.random()
    rotation = draw.gauss(0, 9) if way < 0.8 else 180 + draw.gauss(0, 9) if way < 0.95 else draw.uniform(-180, 180)
    lamps = []
    for _ in range(draw.choice((0, 0, 1, 1, 2))):
        long, wide = (
            (draw.uniform(180, 420), draw.uniform(18, 40)) if draw.random() < 0.4 else (draw.uniform(30, 90),) * 2
        )
        place = (draw.uniform(-420, 420), draw.uniform(-260, 260))
        lamps.append(Glare(*place, long, wide, draw.uniform(0, 180), draw.uniform(0.35, 1.0)))
    bad = draw.random()  # bad cameras are bad at everything
    return Shot(
        tilt=15 * math.sqrt(draw.random()),
        direction=draw.uniform(0, 360),
        rotation=(rotation + 180) % 360 - 180,
        width=draw.uniform(740, 1000),
        x=draw.uniform(-90, 90),
        y=draw.uniform(-40, 40),
        defocus=draw.uniform(0.3, 0.8 + 0.6 * bad),
        noise=draw.uniform(1.5, 4 + 4 * bad),
        light=draw.uniform(0.5, 1.15),
        slope=draw.uniform(0, 0.5),
        slope_angle=draw.uniform(0, 360),
        warmth=draw.uniform(-1, 1),
        glare=tuple(lamps),
        jpeg=draw.choice((0, 90, 75, 60)),
        table=0 if draw.random() < 0.4 else draw.randrange(TABLES),  # the dark tray is what a kiosk comes with
    )
