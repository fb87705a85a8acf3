"""One attempt at comparing faces: frames in, guidance and one decision out.

No process, no device, no clock: the caller says when a frame was taken, so that an evaluation runs thousands of
attempts on a clock of its own through exactly the code of the kiosk.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from devices.face.liveness import Liveness, LivenessSettings, Prompt, Verdict
from devices.face.models import Descriptor, FoundFace
from devices.face.quality import judge
from devices.face.template import Engine, Enrolled
from devices.ports import FaceBand, FaceDecided, FaceGuidance, FaceHint, FacePresence, Image

APART_SECONDS = 0.3  # frames closer together say nothing new
_GUIDANCE_SECONDS = 0.4  # a hint stands at least that long, so that it can be read
_GRACE_SECONDS = 2.0  # for frames that are still wanted when the challenge is over


@dataclass(frozen=True, slots=True)
class Limits:
    """One attempt ends after `seconds`, or with `frames` good frames."""

    seconds: float = 15.0
    frames: int = 9

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Limits:
        """From the keys `seconds` and `frames`."""
        default = cls()
        return cls(
            seconds=float(options.get("seconds", default.seconds)), frames=int(options.get("frames", default.frames))
        )


@dataclass(slots=True, eq=False)
class _Good:
    sharpness: float
    descriptor: Descriptor


def _passive() -> Liveness:
    return Liveness(LivenessSettings(), random.SystemRandom())


@dataclass(slots=True, eq=False)
class Attempt:
    """Collects good frames and compares at most twice: retries within an attempt would multiply false matches.

    `say` hears the guidance. `begun` and the times of the frames are seconds of one clock that only goes forward.
    """

    job: int
    engine: Engine
    limits: Limits
    enrolled: Enrolled
    say: Callable[[FaceGuidance], object]
    begun: float
    liveness: Liveness = field(default_factory=_passive)
    _good: list[_Good] = field(default_factory=list)
    _hint: FaceHint | None = None
    _hint_at: float = float("-inf")
    _last: float = float("-inf")
    _picture: int = 0
    _first: FaceBand | None = None
    _witnesses: list[Descriptor] = field(default_factory=list)  # turned faces of the challenge: never compared
    _witnessed: float = float("-inf")
    _until: float = float("-inf")  # a challenge that has begun is finished
    _presence: FacePresence = FacePresence.UNDECIDED

    def look(self, image: Image, at: float) -> None:
        """Judge a frame (height x width x 3, BGR) and keep its descriptor if it is good and late enough.

        The frame is the caller's, to be overwritten after the call.
        """
        picture = zlib.crc32(image[::8, ::8].tobytes())
        if picture == self._picture:
            return  # a stuck camera's frame, again: several of them would not be several frames
        self._picture = picture
        faces = self.engine.find(image)
        judgement = judge(image, faces)
        good = judgement.hint is FaceHint.GOOD
        nobody = not faces or judgement.hint is FaceHint.SEVERAL_FACES
        if nobody:
            self.liveness.lost(at)
        elif not self._live(image, faces[0], at, good):
            self._forget()
        challenged = self.liveness.running(at)
        if nobody and not challenged:
            self._forget()  # nobody takes another's place in the middle of an attempt
        self._guide(judgement.hint, at, None if nobody else self.liveness.prompt(at))
        if not good or at - self._last < APART_SECONDS or not self.liveness.matchable(at):
            if challenged and not nobody and at - self._witnessed >= APART_SECONDS and self.liveness.witness(at):
                self._witnessed = at
                self._witnesses.append(self.engine.describe(image, faces[0], self.enrolled))
            return
        if len(self._good) >= self.limits.frames:
            return
        self._last = at
        self._good.append(_Good(judgement.sharpness, self.engine.describe(image, faces[0], self.enrolled)))
        if self._first is None and len(self._good) == self.engine.thresholds.frames:
            self._first = self._compare()

    def _live(self, image: Image, face: FoundFace, at: float, good: bool) -> bool:
        """False: what was gathered is void."""
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        try:
            return self.liveness.see(gray, face, at, good)
        finally:
            gray.fill(0)

    def _guide(self, hint: FaceHint, at: float, prompt: Prompt | None) -> None:
        if prompt is not None:
            hint = FaceHint(prompt.value)
        # A prompt of the challenge is never held back: the time to answer it is counted from here.
        if hint is not self._hint and (prompt is not None or at - self._hint_at >= _GUIDANCE_SECONDS):
            self._hint, self._hint_at = hint, at
            self.say(FaceGuidance(self.job, hint))

    def _compare(self) -> FaceBand:
        """The sharpest frames against the card."""
        needed = self.engine.thresholds.frames
        best = sorted(self._good, key=lambda good: good.sharpness, reverse=True)[:needed]
        distance = self.engine.distance(self.enrolled, [good.descriptor for good in best])
        return self.engine.thresholds.band(distance)

    def over(self, at: float) -> bool:
        """Whether `decide` may be asked."""
        if self.liveness.running(at):
            self._until = at + _GRACE_SECONDS
        presence = self._judged(at)
        if presence is FacePresence.LIVE and self._first is FaceBand.ACCEPT and not self._together():
            presence = FacePresence.ATTACK
        self._presence = presence
        return (
            presence is FacePresence.ATTACK
            or (self._first is FaceBand.ACCEPT and presence is FacePresence.LIVE)
            or (len(self._good) >= self.limits.frames and presence is FacePresence.LIVE)
            or at > max(self.begun + self.limits.seconds, self._until)
        )

    def _judged(self, at: float) -> FacePresence:
        match self.liveness.verdict(at):
            case Verdict.LIVE:
                return FacePresence.LIVE
            case Verdict.UNDECIDED:
                return FacePresence.UNDECIDED
            case Verdict.ATTACK:
                return FacePresence.ATTACK

    def _together(self) -> bool:
        return self.liveness.same_person([*(good.descriptor for good in self._good), *self._witnesses])

    def decide(self) -> FaceDecided:
        """The band, the number of good frames and whether it was a person, as of the last `over`.

        GREY with too few frames to say anything: not a mismatch."""
        frames = len(self._good)
        band = self._band()
        if band is FaceBand.ACCEPT and self._presence is FacePresence.LIVE and not self._together():
            self._presence = FacePresence.ATTACK
        if band is FaceBand.ACCEPT and self._presence is not FacePresence.LIVE:
            band = FaceBand.GREY
        return FaceDecided(self.job, band, frames, self._presence)

    def _band(self) -> FaceBand:
        if self._first is FaceBand.ACCEPT:
            return self._first
        return FaceBand.GREY if len(self._good) < self.engine.thresholds.frames else self._compare()

    def _forget(self) -> None:
        for good in self._good:
            good.descriptor.fill(0)
        self._good.clear()
        for witness in self._witnesses:
            witness.fill(0)
        self._witnesses.clear()

    def wipe(self) -> None:
        """Overwrite every descriptor."""
        self._forget()
        self.liveness.wipe()
        self.enrolled.wipe()
