"""What is asked, what is answered, and how strict it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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
    """Bounds. Lengths in eye distances, times in seconds, angles in degrees.

    Set on the simulated persons and attacks of `kiosk.cli.attack_eval.TUNED`, reported on others.
    """

    mode: Mode = Mode.PASSIVE

    # A turn of the head: the nose off the middle of the eyes, about 0.005 per degree (devices.face.quality.pose).
    frontal: float = 0.1  # the nose may be off the middle by as much in the picture that the others are compared with
    begins: float = 0.05  # from here on against that picture: a head is never quite still
    turned: float = 0.05
    sideways: float = 0.03  # off the middle itself: swaying back to it is no turn
    straight: float = 0.06  # looking straight again, between the prompts
    early: float = 0.08  # a movement, not a head that is never quite still
    steady: float = 0.04
    wrong: float = 0.12
    away: float = 0.17  # the nose off the middle when nobody asked for it
    # Depth: parallax of the nose, and the same as a share of the sine of the tilt (a plane in perspective: under 0.03).
    parallax: float = 0.018
    depth: float = 0.12
    relief: float = 0.35  # parallax and the way of the nose together: a mask in half relief has half of it
    both: float = 0.46  # the same over two turns
    frames: int = 2  # of one turn, at least
    # A plane that was moved: as tilted as that, and as shallow as that, in so many frames.
    flat_tilt: float = 14.0
    flat_depth: float = 0.045
    flat_residual: float = 0.018
    flat_frames: int = 4
    # Closed eyes: what the eyes lost of their likeness to themselves, more than the nose did.
    closed: float = 0.15
    half_open: float = 0.07
    quick: float = 0.05  # seconds from picture to picture in which no lid gets past unseen
    # Reactions. Shorter than `soonest` is no answer to what was asked.
    soonest: float = 0.25
    latest: float = 3.0
    lasting: float = 2.5  # from the beginning of a movement to its end
    settle: float = 0.5  # looking straight before the first prompt
    pause: tuple[float, float] = (0.3, 0.9)  # looking straight before the second; drawn
    returning: float = 5.0  # time to look straight again
    # Continuity.
    gap: float = 0.8  # seconds without a face
    turned_gap: float = 2.5  # the same after a turn that was asked for: a profile is no face to the detector
    jump: float = 0.8  # of the face between two frames, while it can be told
    wild: float = 32.0  # tilt that a face which looks straight cannot have
    apart: float = 0.35  # distance of a descriptor from the mean of the others
    witness: tuple[float, float] = (
        0.045,
        0.13,
    )  # turn at which a face still has nearly the descriptor that it has in front
    witness_apart: float = 0.38  # distance of the mean of those from the mean of the others
    witness_alone: float = 0.55  # and of each of them

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> LivenessSettings:
        """From the key `liveness`. Raises `ValueError`."""
        return cls(mode=Mode(options.get("liveness", Mode.PASSIVE)))
