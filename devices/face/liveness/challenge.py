"""Two movements, drawn and ordered at random, each begun after its prompt and done in time. Never repeated."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum

from devices.face.liveness.motion import Motion
from devices.face.liveness.solid import Solid
from devices.face.liveness.vocabulary import LivenessSettings, Prompt

_SIDES = {Prompt.TURN_LEFT: 1.0, Prompt.TURN_RIGHT: -1.0}  # sign of the offset
ACTIONS = (Prompt.TURN_LEFT, Prompt.TURN_RIGHT, Prompt.BLINK)  # two of three: always at least one turn

_PACE_SECONDS = (0.24, 0.41)  # over which the pace of a head is told: less is jitter


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
            self._way.add(seen.at, offset + sign * seen.solid.shift)
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
        if min(abs(seen.offset), abs(seen.turn)) > limits.away:
            self.fail("turned unasked")
        elif seen.closed is None:  # it cannot be told in every frame of closed eyes: points on the lids are gone
            self._lids.untold(seen.at)
        elif _tipped(seen, limits) or min(abs(seen.offset), abs(seen.turn)) > limits.aside:
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


class Depth:
    """What the frames of one turn say together. A head shows its depth twice, each as a share of the sine of the turn:
    by how its points move against each other, and by how far the nose goes off the middle of the eyes."""

    def __init__(self) -> None:
        self._frames = 0
        self._shifts = self._offsets = self._sines = self._weight = 0.0

    def add(self, solid: Solid, offset: float, sign: float) -> None:
        """`sign` 1: the person's left; `offset`: towards that side."""
        self._frames += 1
        self._shifts += sign * solid.shift
        self._offsets += offset
        self._sines += solid.turned
        self._weight += solid.turned**2

    @property
    def ratio(self) -> float:
        return (self._shifts + self._offsets) / self._sines if self._sines else 0.0

    def enough(self, limits: LivenessSettings) -> bool:
        """Turned for long and far enough to say so: as deep as a head, to the side of the turn."""
        return (
            self._frames >= limits.frames
            and self._weight > limits.weight
            and self._shifts > limits.shift * self._sines
            and self.ratio > limits.depth
        )


class Way:
    """How a head goes to the side: by its own motion it sways as far as a small turn, but slowly."""

    def __init__(self) -> None:
        self._last: list[tuple[float, float]] = []
        self._furthest = self._fastest = 0.0

    def add(self, at: float, way: float) -> None:
        """`way`: towards the side that is asked for, the offset of the nose and the shift of its depth."""
        self._last = [each for each in self._last if at - each[0] < _PACE_SECONDS[1]]
        paces = [(way - there) / (at - then) for then, there in self._last if at - then > _PACE_SECONDS[0]]
        self._fastest = max([self._fastest, *paces])
        self._furthest = max(self._furthest, way)
        self._last.append((at, way))

    def meant(self, limits: LivenessSettings) -> bool:
        return self._fastest > limits.swift or self._furthest > limits.far


class Lids:
    """One blink from open to open. Lids move: whoever lays something over the eyes has nothing half closed."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._shut: float | None = None
        self._slow = False  # pictures so far apart that lids may have moved in between
        self._before: float | None = None
        self._void = False  # until they are seen open
        self.opened = False

    def untold(self, at: float) -> None:
        """A picture in which they cannot be told: nothing is known of them, but pictures came no slower for it."""
        self._before = at

    def void(self, at: float) -> None:
        """What was seen was no blink, and none begins before the eyes are open."""
        self._values, self._shut, self._slow = [], None, False
        self._before, self._void, self.opened = at, True, False

    def see(self, at: float, closed: float, limits: LivenessSettings) -> float | None:
        """When the eyes closed; None: they did not, or nothing moved like a lid. `opened`: they are open again."""
        slow = self._before is not None and at - self._before > limits.quick
        self._before, self.opened = at, False
        self._void &= closed > limits.half_open
        if self._void:
            return None
        if closed > limits.half_open:
            self._values.append(closed)
            self._slow |= slow
            if self._shut is None and closed > limits.closed:
                self._shut = at
            return self._shut
        # Half closed on the way, not by chance in between.
        ends = min(self._values[0], self._values[-1]) if self._values else 1.0
        most = max(self._values, default=0.0)
        moved = most > limits.fully and (self._slow or slow or ends < 0.75 * most)
        shut = self._shut if moved else None
        self.opened = shut is not None
        self._values, self._shut, self._slow = [], None, False
        return shut


def _tipped(seen: Observation, limits: LivenessSettings) -> bool:
    """By both measures of it: each alone is led astray by points on lids that close (10 of 217 drawn people)."""
    if seen.motion is None or seen.solid is None:
        return False
    return seen.motion.tilt > limits.wild and seen.solid.turned > math.sin(math.radians(limits.wild))


def flat(motion: Motion, limits: LivenessSettings) -> bool:
    """Turned out of the picture's plane, and the nose as flat as the rest."""
    shallow = math.hypot(*motion.parallax) < limits.flat_depth * math.sin(math.radians(motion.tilt))
    return motion.tilt > limits.flat_tilt and motion.residual < limits.flat_residual and shallow
