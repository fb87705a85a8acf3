"""What a person does before a kiosk: breathes, sways, blinks, and follows what is asked after a human while."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

TURN_LEFT: Final = "turn_left"  # the person's own left, the picture's right
TURN_RIGHT: Final = "turn_right"
BLINK: Final = "blink"

APPROACH_SECONDS = 1.4
_AGAIN_SECONDS = 2.6  # asked for the same for so long: it is done once more


def ease(value: float) -> float:
    """0..1 in, 0..1 out, starting and ending softly."""
    value = min(1.0, max(0.0, value))
    return value * value * (3 - 2 * value)


@dataclass(frozen=True, slots=True)
class Temper:
    """How a person moves; angles in degrees, times in seconds."""

    wander: float = 5.5  # turning of a head that looks around a little
    nod: float = 2.5
    lean: float = 1.2
    sway: float = 0.035  # head units
    blink_every: float = 3.7
    turn: float = 22.0
    reaction: tuple[float, float] = (0.35, 1.2)
    turning: tuple[float, float] = (0.5, 0.9)
    smiles: bool = True


@dataclass(frozen=True, slots=True)
class Act:
    """One moment. `aside`, `lift` in head units; `near` is the share of the distance still to come (0 arrived)."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    blink: float = 0.0
    smile: float = 0.0
    aside: float = 0.0
    lift: float = 0.0
    near: float = 0.0


@dataclass(frozen=True, slots=True)
class _Turn:
    begin: float
    there: float
    back: float
    end: float
    yaw: float

    def at(self, t: float) -> float:
        return self.yaw * ease((t - self.begin) / (self.there - self.begin)) * (1 - self._gone(t))

    def _gone(self, t: float) -> float:
        return ease((t - self.back) / (self.end - self.back))


class Acting:
    """A person's movements. The same seed and the same questions at the same times make the same movements."""

    def __init__(self, draw: np.random.Generator, temper: Temper, *, approach: bool) -> None:
        self._draw = draw
        self.temper = temper
        self._approach = approach
        self._phase = draw.uniform(0, 2 * math.pi, 8)
        self._rate = draw.uniform(0.8, 1.25, 8)
        self._start: float | None = None
        self._asked: str | None = None
        self._asked_at = 0.0
        self._turns: list[_Turn] = []
        self._blinks: list[tuple[float, float]] = []  # begin, length
        self._next_blink = 0.0
        self._smile_at = float(draw.uniform(4, 12))
        self._aside = float(draw.choice([-9.0, 9.0]))

    def at(self, t: float, prompt: str | None) -> Act:
        if self._start is None:
            self._start = t
            self._next_blink = t + float(self._draw.uniform(0.6, self.temper.blink_every))
        if prompt != self._asked or (prompt is not None and t - self._asked_at > _AGAIN_SECONDS):
            self._hear(prompt, t)
        self._live(t)
        since = t - self._start
        k, phase, rate = self.temper, self._phase, self._rate
        busy = max((abs(turn.at(t) / (turn.yaw or 1)) for turn in self._turns), default=0.0)
        calm = 1 - 0.8 * busy
        yaw = sum(turn.at(t) for turn in self._turns)
        yaw += (
            calm
            * k.wander
            * (0.7 * math.sin(0.9 * rate[0] * since + phase[0]) + 0.4 * math.sin(2.1 * rate[1] * since + phase[1]))
        )
        pitch = k.nod * (0.7 * math.sin(0.7 * rate[2] * since + phase[2]) + 0.3 * math.sin(1.9 * since + phase[3]))
        roll = k.lean * math.sin(0.6 * rate[4] * since + phase[4])
        near = 1 - ease(since / APPROACH_SECONDS) if self._approach else 0.0
        # Whoever comes looks at the tray first, then up.
        yaw += self._aside * near
        pitch -= 9 * near
        breath = 0.012 * math.sin(1.7 * rate[5] * since + phase[5])
        return Act(
            yaw=yaw,
            pitch=pitch,
            roll=roll,
            blink=max((_lid(t - begin, length) for begin, length in self._blinks), default=0.0),
            smile=self._smile(since),
            aside=k.sway * (math.sin(1.1 * rate[6] * since + phase[6]) + 0.4 * math.sin(2.3 * since + phase[7])),
            lift=breath,
            near=near,
        )

    def blink(self, at: float, length: float) -> None:
        self._blinks.append((at, length))

    def turn(self, at: float, yaw: float, there: float, hold: float, back: float) -> None:
        self._turns.append(_Turn(at, at + there, at + there + hold, at + there + hold + back, yaw))

    def _between(self, bounds: tuple[float, float]) -> float:
        return float(self._draw.uniform(*bounds))

    def _hear(self, prompt: str | None, t: float) -> None:
        self._asked, self._asked_at = prompt, t
        reaction = self._between(self.temper.reaction)
        # Asked for something else: whoever is still turned comes back.
        self._turns = [
            _Turn(each.begin, each.there, t + 0.5 * reaction, t + 0.5 * reaction + 0.5, each.yaw)
            if each.there < t < each.back
            else each
            for each in self._turns
        ]
        match prompt:
            case "turn_left" | "turn_right":
                sign = 1 if prompt == TURN_LEFT else -1
                yaw = sign * self.temper.turn * float(self._draw.uniform(0.85, 1.2))
                self.turn(
                    t + reaction,
                    yaw,
                    self._between(self.temper.turning),
                    float(self._draw.uniform(0.25, 0.7)),
                    self._between(self.temper.turning),
                )
            case "blink":
                # Closed on purpose, not a blink.
                self.blink(t + reaction, float(self._draw.uniform(0.6, 1.3)))
            case _:
                pass

    def _live(self, t: float) -> None:
        """Lids of their own; nobody can suppress that for long."""
        self._turns = [turn for turn in self._turns if t < turn.end + 0.1]
        self._blinks = [blink for blink in self._blinks if t < sum(blink) + 0.1]
        if t >= self._next_blink:
            self.blink(t, float(self._draw.uniform(0.2, 0.3)))
            self._next_blink = t + self.temper.blink_every * float(self._draw.uniform(0.5, 1.6))

    def _smile(self, since: float) -> float:
        if not self.temper.smiles:
            return 0.0
        age = since - self._smile_at
        return 0.7 * ease(age / 0.5) * (1 - ease((age - 1.8) / 0.8))


def _lid(age: float, length: float) -> float:
    """0 open, 1 closed: a blink is a third of the time on its way down, closed for a third, on its way up in the rest;
    eyes closed for longer do not move slower."""
    if not 0 < age < length:
        return 0.0
    down, up = min(0.33 * length, 0.13), min(0.4 * length, 0.17)
    return ease(age / down) * (1 - ease((age - length + up) / up))
