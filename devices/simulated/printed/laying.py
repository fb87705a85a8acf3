"""How a card is laid down under the camera: slid in by a hand, let go, at rest, and shifted again if that did not do.

`Laying.shot(t)` is the picture to take at second `t` after the hand appeared. The camera, its tilt, the lamps and the
table stay where they are; the card and the hand move.
"""

from __future__ import annotations

import dataclasses
import math
import random
from dataclasses import dataclass

from devices.simulated.printed.shot import HEIGHT, TABLES, WIDTH, Glare, Hand, Shot, corners, mirrored

ARRIVES = 0.5  # seconds until the card is where it will lie, roughly
SETTLES = 2.2  # seconds until it lies still
_EXPOSURE = 1 / 40
_SHIFTS = 1.3  # seconds that a shift takes: lifted at an edge, moved, held so for a moment, let go
_MOVES = 0.5  # of them until the card is where it will lie


@dataclass(frozen=True, slots=True)
class _Move:
    """Where a shift that begins at `at` takes the card, from where it first came to rest. Meanwhile the hand holds it
    tilted by `lean` degrees towards `towards`: that is what takes a mirrored lamp off the print."""

    at: float
    x: float
    y: float
    turn: float
    lean: float = 0.0
    towards: float = 0.0


class Laying:
    """One card, one hand, one camera. `calm`: a well set-up kiosk; otherwise every trouble that a counter knows, tilts
    of the camera to 15 degrees among them. `shifts_every`: seconds after which the hand shifts the card again, 0: it
    never does. Same `seed`, same laying."""

    def __init__(self, seed: int, *, calm: bool = False, shifts_every: float = 0.0) -> None:
        draw = random.Random(seed)  # noqa: S311 - for variety
        self._seed = seed
        self._rest = _calm(draw) if calm else _any(draw)
        # Some cameras hunt for their focus: sigma that comes and goes, period in seconds.
        hunts = not calm and draw.random() < 0.4
        self._focus = (draw.uniform(0.4, 1.6), draw.uniform(1.5, 4.0)) if hunts else (0.0, 1.0)
        self._phase = draw.uniform(0, 2 * math.pi)
        self._from = draw.uniform(40, 140)  # where the hand comes from, degrees: below is 90
        self._sway = (draw.uniform(4, 14), draw.uniform(0.8, 3.0), draw.uniform(1.0, 3.5), draw.uniform(0, 6.28))
        self._tone = draw.random()
        # By an edge, as one holds a card that must be seen; some thumbs are on the print all the same.
        away = draw.uniform(38, 41) if draw.random() < 0.75 else draw.uniform(18, 36)
        self._grip = (draw.choice((-1, 1)) * away, draw.uniform(20, 24) * (-1) ** (abs(self._rest.rotation) > 90))
        self._moves: list[_Move] = []
        if shifts_every:
            for index in range(9):
                x, y, turn = draw.uniform(-110, 110), draw.uniform(-70, 70), draw.uniform(-12, 12)
                lean, towards = draw.uniform(3, 7), draw.uniform(0, 360)
                self._moves.append(_Move(SETTLES + 0.3 + index * shifts_every, x, y, turn, lean, towards))

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
        lean, towards = self._lean(t)
        tilt, direction = _added(self._rest.tilt, self._rest.direction, lean, towards)
        depth, period = self._focus
        hunt = depth * (0.5 + 0.5 * math.sin(2 * math.pi * t / period + self._phase))
        return dataclasses.replace(
            _inside(dataclasses.replace(self._rest, x=x, y=y, rotation=turn, tilt=tilt, direction=direction), t),
            defocus=self._rest.defocus + hunt + 0.08 * lean,
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
        before = _Move(0.0, 0.0, 0.0, 0.0)
        for move in self._moves:
            done = _ease((t - move.at) / _MOVES)
            x, y = x + done * (move.x - before.x), y + done * (move.y - before.y)
            turn += done * (move.turn - before.turn)
            before = move
        return x, y, turn

    def _lean(self, t: float) -> tuple[float, float]:
        """Degrees by which the hand holds the card up, and towards where."""
        for move in self._moves:
            if 0 <= t - move.at < _SHIFTS:
                rising, falling = _ease((t - move.at) / 0.3), _ease((move.at + _SHIFTS - t) / 0.3)
                return move.lean * min(rising, falling), move.towards
        calm = 1 - _ease((t - ARRIVES * 0.6) / (SETTLES - ARRIVES * 0.6))
        return self._sway[2] * calm, self._sway[3] * 57


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
    for _ in range(draw.choice((0, 0, 1, 1, 1, 2))):
        long, wide = (
            (draw.uniform(180, 380), draw.uniform(14, 32)) if draw.random() < 0.4 else (draw.uniform(30, 75),) * 2
        )
        # Where a card that lies flat would mirror it: a tilted camera sees it elsewhere, and so it is put back there.
        x, y = draw.uniform(-340, 340), draw.uniform(-210, 210)
        lamps.append((x, y, long, wide, draw.uniform(0, 180), draw.uniform(0.4, 1.0)))
    tilt, direction = 15 * math.sqrt(draw.random()), draw.uniform(0, 360)
    bad = draw.random()  # bad cameras are bad at everything
    return Shot(
        tilt=tilt,
        direction=direction,
        rotation=(rotation + 180) % 360 - 180,
        width=draw.uniform(740, 1000),
        x=draw.uniform(-90, 90),
        y=draw.uniform(-40, 40),
        defocus=draw.uniform(0.3, 0.8 + 0.4 * bad),
        noise=draw.uniform(1.5, 4 + 4 * bad),
        light=draw.uniform(0.5, 1.15),
        slope=draw.uniform(0, 0.5),
        slope_angle=draw.uniform(0, 360),
        warmth=draw.uniform(-1, 1),
        glare=tuple(_lamp(tilt, direction, *lamp) for lamp in lamps),
        jpeg=draw.choice((0, 90, 75, 60)),
        table=0 if draw.random() < 0.4 else draw.randrange(TABLES),  # the dark tray is what a kiosk comes with
    )


def _lamp(tilt: float, direction: float, x: float, y: float, *shape: float) -> Glare:
    """A lamp that a card at rest mirrors at `x`, `y`, pixels from the middle."""
    away_x, away_y = mirrored(tilt, direction)
    return Glare(x - away_x, y - away_y, *shape)
