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

    # A turn of the head: the nose off the middle of the eyes, about 0.006 per degree (devices.face.quality.pose). Drawn
    # people who looked around went to 0.075, those who turned when they were asked mostly to 0.12 or more.
    frontal: float = 0.1  # the nose may be off the middle by as much in the picture that the others are compared with
    begins: float = 0.05  # from here on against that picture: a head is never quite still
    turned: float = 0.17  # as far as that, with what the depth makes of it: a turn
    # Heads that swayed by themselves seldom went faster than `swift`, and not beyond `reach` when they did; most that
    # were asked to turn went faster than 0.39.
    swift: float = 0.37  # a second
    reach: float = 0.075  # off the middle itself, for a swift one
    far: float = 0.4  # or as far as that with what the depth makes of it, at any pace: swaying came to 0.373
    sideways: float = 0.03  # off the middle itself: swaying back to it is no turn
    straight: float = 0.06  # looking straight again, between the prompts
    steady: float = 0.04
    wrong: float = 0.13
    away: float = 0.135  # the nose off the middle when nobody asked for it
    # Depth over a turn, as a share of a face's (devices.face.liveness.solid): of the shift alone, and with the way of
    # the nose. A mask in half relief has half of it.
    frames: int = 3
    weight: float = 0.2  # sum of the squared sines of the turn: three frames of 15 degrees
    shift: float = 0.28
    depth: float = 0.6
    plain: float = 1.2  # over two turns without a blink: less, and a blink is asked for
    # A plane that was moved: as tilted as that, and as shallow as that, in so many frames.
    flat_tilt: float = 14.0
    flat_depth: float = 0.045
    flat_residual: float = 0.018
    flat_frames: int = 4
    # Closed eyes: what the eyes lost of their likeness to themselves, more than the nose did.
    closed: float = 0.15
    half_open: float = 0.07
    fully: float = 0.28  # once, in a blink: drawn eyes that closed were above 0.3, open ones in bad light came to 0.15
    aside: float = 0.11  # so far out of the front nobody can tell
    shut: float = 0.4  # seconds, for closed on purpose; lids that blink by themselves are open again sooner
    quick: float = 0.05  # seconds from picture to picture in which no lid gets past unseen
    # Reactions. Shorter than `soonest` is no answer to what was asked.
    soonest: float = 0.25
    latest: float = 3.0  # for a head to be turned, for eyes to close
    lasting: float = 2.5  # from the beginning of a movement to its end
    settle: float = 0.5  # looking straight before the first prompt
    pause: tuple[float, float] = (0.3, 0.9)  # looking straight before the second; drawn
    returning: float = 7.0  # time to look straight again
    # Continuity.
    gap: float = 1.2  # seconds without a face
    turned_gap: float = 2.5  # the same after a turn that was asked for: a profile is no face to the detector
    jump: float = 0.8  # of the face between two frames, while it can be told
    wild: float = 32.0  # tilt that a face which looks straight, or closes its eyes, cannot have
    # Or: less of its points found again than that, and as far off as that. Another face under the points of the first.
    strange_held: float = 0.7
    strange_residual: float = 0.03
    apart: float = 0.35  # distance of a descriptor from the mean of the others
    # And of the median of those that come after them in a challenge: of drawn people at most 0.21, of another face that
    # was let in 0.47 and more.
    later_apart: float = 0.3
    # Turn at which a face still has nearly the descriptor that it has in front.
    witness: tuple[float, float] = (0.045, 0.13)
    witness_apart: float = 0.42  # distance of the mean of those, if there are several, from the mean of the others
    witness_alone: float = 0.6  # and of each of them

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> LivenessSettings:
        """From the key `liveness`. Raises `ValueError`."""
        return cls(mode=Mode(options.get("liveness", Mode.PASSIVE)))
