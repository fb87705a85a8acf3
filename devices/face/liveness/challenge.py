"""Two movements, drawn and ordered at random, each begun after its prompt and done in time. Never repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from devices.face.liveness.motion import Motion
from devices.face.liveness.movements import Depth, Lids, Way, tipped
from devices.face.liveness.solid import Solid
from devices.face.liveness.vocabulary import LivenessSettings, Prompt

_SIDES = {Prompt.TURN_LEFT: 1.0, Prompt.TURN_RIGHT: -1.0}  # sign of the offset
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
    solid: Solid | None = None


class Outcome(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class Challenge:
    """Begins with the first prompt at `at`; `front`: the turn of somebody who looks straight, by this camera."""

    def __init__(self, settings: LivenessSettings, draw: random.Random, at: float, front: float = 0.0) -> None:
        self._front = front
        self._settings = settings
        self._actions = draw.sample(ACTIONS, 2)
        self._pause = draw.uniform(*settings.pause)
        self._step = 0
        self._asked = at  # when the prompt that stands was given
        self._between = False  # looking straight again, before the next prompt
        self._straight: Observation | None = None  # since when
        self._rested = False  # it looked straight since the last prompt
        self._began: float | None = None  # when the movement began
        self._depth, self._both = Depth(), Depth()
        self._way = Way()
        self._lids = Lids()
        self._side = 0.0  # of the turn that was done last
        self.outcome = Outcome.RUNNING
        self.reason = ""  # of a failure, for evaluations

    @property
    def prompt(self) -> Prompt | None:
        if self.outcome is not Outcome.RUNNING:
            return None
        return Prompt.LOOK_STRAIGHT if self._between else self._actions[self._step]

    @property
    def turning(self) -> bool:
        """A turn is asked for: whoever makes it is in profile for a while."""
        return self.prompt in _SIDES

    def see(self, seen: Observation) -> None:
        if self.outcome is not Outcome.RUNNING:
            return
        if self._between:
            self._rest(seen)
        elif sign := _SIDES.get(self._actions[self._step]):
            self._turn(seen, sign)
        else:
            self._blink(seen)

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

    def unseen(self, at: float) -> None:
        """A picture without the face."""
        self.tick(at)
        self._lids.untold(at)

    def fail(self, reason: str) -> None:
        self.outcome, self.reason = Outcome.FAILED, reason

    def _turn(self, seen: Observation, sign: float) -> None:
        limits = self._settings
        offset = sign * seen.offset
        if seen.solid is not None:
            self._way.add(seen.at, offset + sign * seen.solid.shift, sign * seen.turn)
        if -offset > limits.wrong:
            self.fail("turned the other way")
        elif offset > limits.begins and sign * seen.turn > limits.sideways and seen.solid is not None:
            turned = offset + sign * seen.solid.shift > limits.turned
            if seen.at - self._asked < limits.soonest:
                if turned:
                    self.fail("moved before it can have seen the prompt")
                return
            if turned and self._began is None:
                self._began = seen.at
            # Every frame of the turn counts, so that a lucky one does not.
            self._depth.add(seen.solid, offset, sign)
            self._both.add(seen.solid, offset, sign)
            if self._began is not None and self._depth.enough(limits) and self._way.meant(limits):
                self._done(seen.at)

    def _blink(self, seen: Observation) -> None:
        limits = self._settings
        aside = min(abs(seen.offset), abs(seen.turn))
        if aside > limits.away:
            self.fail("turned unasked")
        elif seen.closed is None:  # it cannot be told in every frame of closed eyes: points on the lids are gone
            self._lids.untold(seen.at)
        elif tipped(seen.motion, seen.solid, limits) or aside > limits.aside:
            self._lids.void(seen.at)  # out of view, open eyes look half closed
        else:
            shut = self._lids.see(seen.at, seen.closed, limits)
            # Eyes that blink by themselves just when they are asked to close are no answer, and no offence.
            if shut is not None and shut - self._asked >= limits.soonest:
                self._began = self._began if self._began is not None else shut
                if self._lids.opened and seen.at - shut >= limits.shut:
                    self._done(seen.at)
                elif self._lids.opened:
                    self._began = None

    def _rest(self, seen: Observation) -> None:
        limits = self._settings
        # Somebody slow may still be on the way to where the last prompt sent them.
        turn = min(seen.turn, seen.turn - self._front, key=abs)
        unasked = -self._side * turn if self._side else abs(turn)
        if self._rested and unasked > limits.away:
            self.fail("turned unasked")
            return
        open_ = seen.closed is not None and seen.closed < limits.closed / 2
        # From a face that is still half turned, the way back would look like a turn to the other side.
        if abs(turn) > limits.straight:
            self._straight = None
            return
        self._rested = True
        if self._straight is None or abs(seen.turn - self._straight.turn) > limits.steady:
            self._straight = seen
        # A blink in between is nothing, but the next reference wants open eyes.
        if open_ and seen.at - self._straight.at >= self._pause:
            self._between, self._straight, self._began = False, None, None
            self._rested = False
            self._lids = Lids()
            self._depth, self._way = Depth(), Way()
            self._asked = seen.at

    def _done(self, at: float) -> None:
        self._side = _SIDES.get(self._actions[self._step], 0.0)
        self._step += 1
        if self._step == len(self._actions) and not self._sure:
            self._actions.append(Prompt.BLINK)
        if self._step == len(self._actions):
            self.outcome = Outcome.PASSED
        else:
            self._between, self._asked = True, at

    @property
    def _sure(self) -> bool:
        """Two turns and no blink leave depth alone to tell a mask: unless it is plain, the eyes are asked, too."""
        return Prompt.BLINK in self._actions or self._both.ratio > self._settings.plain
