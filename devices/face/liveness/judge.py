"""The judge of one attempt. One thread; the clock is passed in."""

from __future__ import annotations

import math
import random
import statistics
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from devices.face.liveness.challenge import Challenge, Observation, Outcome
from devices.face.liveness.eyelids import Eyelids
from devices.face.liveness.motion import Motion, Tracks
from devices.face.liveness.movements import flat
from devices.face.liveness.patch import cut
from devices.face.liveness.solid import distance
from devices.face.liveness.vocabulary import LivenessSettings, Mode, Prompt, Verdict
from devices.face.models import Descriptor, FoundFace
from devices.face.quality import pose
from devices.ports import Image

# Between looks when nobody is asked to move: what is flat stays flat. The detector looks every 0.1 s (track.py).
_PASSIVE_SECONDS = 0.08
_STRAY_SECONDS = 0.4  # in which too little is found again of a face that looks straight
_SHUT_SECONDS = 0.8  # the same while eyes are to be closed: behind glasses most of what is followed is theirs


class Liveness:
    """`draw` chooses what is asked; in the kiosk a `random.SystemRandom`."""

    def __init__(self, settings: LivenessSettings, draw: random.Random) -> None:
        self._settings = settings
        self._draw = draw
        self._settle = settings.settle + draw.uniform(0.0, settings.settle)  # a recording cannot know it
        self._reference: _Reference | None = None
        self._challenge: Challenge | None = None
        self._face: tuple[float, FoundFace] | None = None  # when and where it was seen last
        self._looked = float("-inf")
        self._seen: Observation | None = None
        self._turns: deque[float] = deque(maxlen=3)  # the newest: landmarks jitter
        self._since = 0.0  # when the reference was taken
        self._stray: float | None = None  # since when
        self._flat = 0
        self._broken = False
        self._planar = False

    @property
    def settings(self) -> LivenessSettings:
        return self._settings

    def see(self, gray: Image, face: FoundFace, at: float, good: bool = True) -> bool:
        """Every frame with exactly one dominant face, also those that the quality gate refuses.

        `gray`: height x width, as the camera sees it; `at` in seconds of the clock of all calls; `good`: the gate
        lets it pass, so that a challenge may begin. False: this may be another person than before; what was gathered
        is void."""
        if self._settings.mode is Mode.OFF:
            return True
        same = not self._jumped(face, at)
        self._face = (at, face)
        if not same:
            self._break()
        challenged = self._settings.mode is Mode.CHALLENGE
        if not challenged and at - self._looked < _PASSIVE_SECONDS:
            return same
        self._looked = at
        patch = cut(gray, face)
        raw, _ = pose(face)
        self._turns.append(raw)
        turn = statistics.median(self._turns)
        if self._reference is None:
            if abs(turn) > self._settings.frontal:
                return same
            self._refer(patch, turn, at)
            return same
        seen = self._observe(self._reference, patch, turn, at, distance(gray.shape[1], face.eye_distance))
        if not self._planar and seen.motion is not None and flat(seen.motion, self._settings):
            self._flat += 1
            self._planar = self._flat >= self._settings.flat_frames
        allowed = _SHUT_SECONDS if self.prompt(at) is Prompt.BLINK else _STRAY_SECONDS
        if self._stray is not None and at - self._stray >= allowed:
            same = False
            self._break()
        elif challenged:
            self._ask(seen, patch, good)
        return same

    def lost(self, at: float) -> None:
        """The face is gone, or there are several: whoever comes next may be another person."""
        if self._challenge is not None:
            self._challenge.unseen(at)
        if self._face is not None and at - self._face[0] > self._patience():
            self._break()

    def prompt(self, at: float) -> Prompt | None:
        """What the person is asked now; None: nothing."""
        return None if self._challenge is None else self._challenge.prompt

    def running(self, at: float) -> bool:
        """A challenge was begun and is not decided; it ends by itself."""
        if self._challenge is not None:
            self._challenge.tick(at)
        return self._challenge is not None and self._challenge.outcome is Outcome.RUNNING

    def matchable(self, at: float) -> bool:
        """May the frame that was seen last count for the comparison? In challenge mode: only inside the challenge."""
        if self._settings.mode is not Mode.CHALLENGE:
            return True
        if self._challenge is None or self._seen is None or self._seen.at != at:
            return False
        return self._seen.closed is not None and self._seen.closed < self._settings.closed

    def witness(self, at: float) -> bool:
        """Is the descriptor of the frame that was seen last wanted for `same_person`, though it does not count?"""
        seen = self._seen
        low, high = self._settings.witness
        return self.running(at) and seen is not None and seen.at == at and low < abs(seen.offset) < high

    def odd(self, frames: Sequence[Descriptor]) -> int | None:
        """The one frame of three that is unlike the two others, to be replaced before `same_person` is asked: its
        points may have been beside the face (2 of 150 drawn persons). In passive mode, which decides on three."""
        if self._settings.mode is not Mode.PASSIVE or len(frames) != 3:
            return None
        every, limit = np.asarray(frames), self._settings.apart
        apart = _apart(every)
        odd = int(apart.argmax())
        return odd if apart[odd] > limit and _apart(np.delete(every, odd, axis=0)).max() <= limit else None

    def same_person(
        self,
        frames: Sequence[Descriptor],
        witnesses: Sequence[Descriptor] = (),
        later: Sequence[Descriptor] = (),
    ) -> bool:
        """Whether the `frames` of the decision, the turned faces of the challenge and those that looked straight
        `later` in it show one person. False is for good."""
        if self._settings.mode is Mode.OFF or not len(frames):
            return True
        every = np.asarray(frames)
        mean = every.mean(axis=0)
        same = True
        if len(every) > 1:
            apart = _apart(every)
            if len(every) > 3 and apart.max() > self._settings.apart:
                # One frame of four or more in which the points of the face were beside it.
                apart = _apart(np.delete(every, int(apart.argmax()), axis=0))
            same = float(apart.max()) <= self._settings.apart
        if len(later):
            after = np.asarray(later)
            same &= float(np.linalg.norm(np.median(after, axis=0) - mean)) <= self._settings.later_apart
        if len(witnesses):
            turned = np.asarray(witnesses)
            if len(turned) > 1:
                same &= float(np.linalg.norm(turned.mean(axis=0) - mean)) <= self._settings.witness_apart
            same &= float(np.linalg.norm(turned - mean, axis=1).max()) <= self._settings.witness_alone
        self._broken |= not same
        return same

    def verdict(self, at: float) -> Verdict:
        if self._settings.mode is Mode.OFF:
            return Verdict.LIVE
        if self._broken or self._planar:
            return Verdict.ATTACK
        if self._settings.mode is Mode.PASSIVE:
            return Verdict.LIVE
        if self._challenge is None:
            return Verdict.UNDECIDED
        self._challenge.tick(at)
        match self._challenge.outcome:
            case Outcome.PASSED:
                return Verdict.LIVE
            case Outcome.FAILED:
                return Verdict.ATTACK
            case Outcome.RUNNING:
                return Verdict.UNDECIDED

    @property
    def reason(self) -> str:
        """Why it is an attack, for evaluations: whoever attacks is not to learn it."""
        if self._broken:
            return "another face"
        if self._planar:
            return "flat"
        return "" if self._challenge is None else self._challenge.reason

    def wipe(self) -> None:
        """Overwrite the patches that are held."""
        if self._reference is not None:
            self._reference.wipe()
        self._reference = self._face = self._seen = None

    def _observe(self, reference: _Reference, patch: Image, turn: float, at: float, far: float) -> Observation:
        motion = reference.tracks.follow(patch, far)
        offset = turn - reference.turn
        closed = None
        if motion is not None:
            eyes, nose = reference.eyelids.likeness(reference.tracks.registered(patch))
            closed = nose - eyes
        frontal = abs(offset) < self._settings.steady
        if not (frontal and _strange(motion, self._settings)):
            self._stray = None
        elif self._stray is None:
            self._stray = at
        self._seen = Observation(at, turn, offset, motion, closed, reference.tracks.solid)
        return self._seen

    def _ask(self, seen: Observation, patch: Image, good: bool) -> None:
        if self._challenge is not None:
            resting = self._challenge.resting
            self._challenge.tick(seen.at)
            self._challenge.see(seen)
            if resting and not self._challenge.resting:
                self._refer(patch, seen.turn, seen.at)
            return
        limits = self._settings
        steady = abs(seen.offset) < limits.steady and seen.closed is not None and seen.closed < limits.closed / 2
        if not steady:
            self._drop()  # the reference may have been a blink, or a glance aside
        elif good and seen.at - self._since >= self._settle:
            self._challenge = Challenge(limits, self._draw, seen.at, seen.turn)
            self._refer(patch, seen.turn, seen.at)

    def _refer(self, patch: Image, turn: float, at: float) -> None:
        if self._reference is not None:
            self._reference.wipe()
        deep = self._settings.mode is Mode.CHALLENGE
        self._reference, self._since, self._stray = _Reference(patch, turn, deep=deep), at, None

    def _jumped(self, face: FoundFace, at: float) -> bool:
        if self._face is None:
            return False
        before, last = self._face
        if at - before > self._patience():
            return True
        here, there = (np.mean(each.eyes, axis=0) for each in (face, last))
        size = max(face.eye_distance, last.eye_distance)
        return float(np.linalg.norm(here - there)) > self._settings.jump * size

    def _patience(self) -> float:
        """Seconds that the face may be away."""
        turned = self._challenge is not None and (
            self._challenge.turning or (self._seen is not None and abs(self._seen.offset) > self._settings.begins)
        )
        return self._settings.turned_gap if turned else self._settings.gap

    def _break(self) -> None:
        """Continuity is gone. Once a challenge has begun, that ends it."""
        self._drop()
        self._face = None
        if self._challenge is not None and self._challenge.outcome is not Outcome.FAILED:
            self._broken = True

    def _drop(self) -> None:
        if self._reference is not None:
            self._reference.wipe()
        self._reference, self._seen, self._stray, self._flat = None, None, None, 0
        self._turns.clear()


def _strange(motion: Motion | None, limits: LivenessSettings) -> bool:
    """Of a picture that looks straight as the reference does: is it of another face?"""
    if motion is None or motion.tilt > limits.wild or math.hypot(*motion.parallax) > 0.1:
        return True
    return motion.held < limits.strange_held and motion.residual > limits.strange_residual


def _apart(descriptors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each from the mean of the others."""
    others = (descriptors.sum(axis=0) - descriptors) / (len(descriptors) - 1)
    return np.asarray(np.linalg.norm(descriptors - others, axis=1), np.float64)


class _Reference:
    """How the face looks when it looks straight."""

    __slots__ = ("_patch", "eyelids", "tracks", "turn")

    def __init__(self, patch: Image, turn: float, *, deep: bool) -> None:
        self._patch = patch
        self.turn = turn
        self.tracks = Tracks(patch, deep=deep)
        self.eyelids = Eyelids(patch)

    def wipe(self) -> None:
        self._patch.fill(0)
