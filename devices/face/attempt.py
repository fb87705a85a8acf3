"""One attempt at comparing faces: frames in, guidance and one decision out.

No process, no device, no clock: the caller says when a frame was taken, so that an evaluation runs thousands of
attempts on a clock of its own through exactly the code of the kiosk.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from devices.face.models import Descriptor
from devices.face.quality import judge
from devices.face.template import Engine, Enrolled
from devices.ports import FaceBand, FaceDecided, FaceGuidance, FaceHint, Image

APART_SECONDS = 0.3  # frames closer together say nothing new
_GUIDANCE_SECONDS = 0.4  # a hint stands at least that long, so that it can be read


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
    _good: list[_Good] = field(default_factory=list)
    _hint: FaceHint | None = None
    _hint_at: float = float("-inf")
    _last: float = float("-inf")
    _picture: int = 0
    _first: FaceBand | None = None

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
        self._guide(judgement.hint, at)
        if judgement.hint in (FaceHint.SEVERAL_FACES, FaceHint.NO_FACE):
            self._forget()  # nobody takes another's place in the middle of an attempt
        if judgement.hint is not FaceHint.GOOD or at - self._last < APART_SECONDS:
            return
        self._last = at
        self._good.append(_Good(judgement.sharpness, self.engine.describe(image, faces[0], self.enrolled)))
        if self._first is None and len(self._good) == self.engine.thresholds.frames:
            self._first = self._compare()

    def _guide(self, hint: FaceHint, at: float) -> None:
        if hint is not self._hint and at - self._hint_at >= _GUIDANCE_SECONDS:
            self._hint, self._hint_at = hint, at
            self.say(FaceGuidance(self.job, hint))

    def _compare(self) -> FaceBand:
        """The sharpest frames against the card."""
        needed = self.engine.thresholds.frames
        best = sorted(self._good, key=lambda good: good.sharpness, reverse=True)[:needed]
        distance = self.engine.distance(self.enrolled, [good.descriptor for good in best])
        return self.engine.thresholds.band(distance)

    def over(self, at: float) -> bool:
        return (
            self._first is FaceBand.ACCEPT
            or len(self._good) >= self.limits.frames
            or at - self.begun > self.limits.seconds
        )

    def decide(self) -> FaceDecided:
        """The band and the number of good frames. GREY with too few frames to say anything: not a mismatch."""
        if self._first is FaceBand.ACCEPT:
            return FaceDecided(self.job, self._first, len(self._good))
        if len(self._good) < self.engine.thresholds.frames:
            return FaceDecided(self.job, FaceBand.GREY, len(self._good))
        return FaceDecided(self.job, self._compare(), len(self._good))

    def _forget(self) -> None:
        for good in self._good:
            good.descriptor.fill(0)
        self._good.clear()

    def wipe(self) -> None:
        """Overwrite every descriptor."""
        self._forget()
        self.enrolled.wipe()
