"""Two movements, drawn and ordered at random, each begun after its prompt and done in time. Never repeated."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum

from devices.face.liveness.motion import Motion
from devices.face.liveness.vocabulary import LivenessSettings, Prompt

ACTIONS = (Prompt.TURN_LEFT, Prompt.TURN_RIGHT, Prompt.BLINK)  # two of three: always at least one turn


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame. `turn`: the nose off the middle of the eyes, in eye distances, positive for the person's own left;
    `offset`: less what it was in the reference; `closed`: eyes, None when it cannot be told."""

    at: float
    turn: float
    offset: float
    motion: Motion | None
    closed: float | None


class Outcome(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class Challenge:
    """Begins with the first prompt at `at`."""

    def __init__(self, settings: LivenessSettings, draw: random.Random, at: float) -> None:
        self._settings = settings
        self._actions = draw.sample(ACTIONS, 2)
        self._pause = draw.uniform(*settings.pause)
        self._step = 0
        self._asked = at  # when the prompt that stands was given
        self._between = False  # looking straight again, before the next prompt
        self._straight: Observation | None = None  # since when
        self._began: float | None = None  # when the movement began
        self._proofs = 0
        self._shut: float | None = None
        self.outcome = Outcome.RUNNING
        self.reason = ""  # of a failure, for evaluations

    @property
    def prompt(self) -> Prompt | None:
        if self.outcome is not Outcome.RUNNING:
            return None
        return Prompt.LOOK_STRAIGHT if self._between else self._actions[self._step]

    def see(self, seen: Observation) -> None:
        if self.outcome is not Outcome.RUNNING:
            return
        if self._between:
            self._rest(seen)
        elif self._actions[self._step] is Prompt.BLINK:
            self._blink(seen)
        else:
            self._turn(seen, 1.0 if self._actions[self._step] is Prompt.TURN_LEFT else -1.0)

    @property
    def resting(self) -> bool:
        """Looking straight before the next prompt; then the reference is taken anew."""
        return self._between

    def tick(self, at: float) -> None:
        """Time passes, whether or not anything is seen."""
        if self.outcome is not Outcome.RUNNING:
            return
        limits = self._settings
        if self._between:
            over = at - self._asked > limits.returning + limits.pause[1]
        else:
            over = at - self._asked > limits.latest + (limits.lasting if self._began is not None else 0.0)
        if over:
            self.fail(f"{'look_straight' if self._between else self._actions[self._step]} too late")

    def fail(self, reason: str) -> None:
        self.outcome, self.reason = Outcome.FAILED, reason

    def _turn(self, seen: Observation, sign: float) -> None:
        limits = self._settings
        offset = sign * seen.offset
        if -offset > limits.wrong:
            self.fail("turned the other way")
        elif self._began is None and offset > limits.begins:
            if seen.at - self._asked < limits.soonest:
                self.fail("moved before it can have seen the prompt")
            else:
                self._began = seen.at
        if self._began is not None and offset > limits.turned and seen.motion is not None:
            self._proofs += deep(seen.motion, sign, limits)
            if self._proofs >= limits.frames:
                self._done(seen.at)

    def _blink(self, seen: Observation) -> None:
        limits = self._settings
        if abs(seen.offset) > limits.away:
            self.fail("turned unasked")
        elif seen.closed is None:
            pass
        elif seen.closed > limits.closed:
            self._shut = self._shut if self._shut is not None else seen.at
            # Eyes that close by themselves just when they are asked to are no answer, and no offence.
            if self._began is None and self._shut - self._asked >= limits.soonest:
                self._began = self._shut
        elif seen.closed < limits.closed / 2:
            self._shut = None
            if self._began is not None:
                self._done(seen.at)

    def _rest(self, seen: Observation) -> None:
        limits = self._settings
        if self._straight is not None and abs(seen.turn) > limits.away:
            self.fail("turned unasked")
            return
        open_ = seen.closed is not None and seen.closed < limits.closed / 2
        if abs(seen.turn) > limits.frontal or not open_:
            return
        if self._straight is None or abs(seen.turn - self._straight.turn) > limits.steady:
            self._straight = seen
        if seen.at - self._straight.at >= self._pause:
            self._between, self._straight, self._began, self._shut = False, None, None, None
            self._proofs = 0
            self._asked = seen.at

    def _done(self, at: float) -> None:
        self._step += 1
        if self._step == len(self._actions):
            self.outcome = Outcome.PASSED
        else:
            self._between, self._asked = True, at


def deep(motion: Motion, sign: float, limits: LivenessSettings) -> bool:
    """The nose stands out of the face, on the side of the turn, by as much as the turn asks for."""
    parallax = sign * motion.parallax[0]
    return parallax > limits.parallax and parallax > limits.depth * math.sin(math.radians(motion.tilt))


def flat(motion: Motion, limits: LivenessSettings) -> bool:
    """Turned out of the picture's plane, and the nose as flat as the rest."""
    shallow = math.hypot(*motion.parallax) < limits.flat_depth * math.sin(math.radians(motion.tilt))
    return motion.tilt > limits.flat_tilt and motion.residual < limits.flat_residual and shallow
