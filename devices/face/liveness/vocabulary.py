"""What is asked, what is answered, and how strict it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """`OFF`: nothing is judged (evaluation only). `PASSIVE`: what is seen by the way, for a counter with staff.
    `CHALLENGE`: the person is asked to move, for a kiosk that nobody watches."""

    OFF = "off"
    PASSIVE = "passive"
    CHALLENGE = "challenge"


class Prompt(StrEnum):
    """What the person is asked to do now. Left and right are the person's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    BLINK = "blink"
    LOOK_STRAIGHT = "look_straight"


class Verdict(StrEnum):
    """`UNDECIDED`: the challenge has not begun, or is not finished. `ATTACK` is for good: it is never repeated."""

    LIVE = "live"
    UNDECIDED = "undecided"
    ATTACK = "attack"


@dataclass(frozen=True, slots=True)
class LivenessSettings:
    """Bounds. Lengths in eye distances, times in seconds, angles in degrees."""

    mode: Mode = Mode.PASSIVE
