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

from devices.face.enhance import brighten
from devices.face.guide import Guide
from devices.face.liveness import Liveness, LivenessSettings, Mode, Verdict
from devices.face.models import Descriptor, FoundFace
from devices.face.quality import Quality, judge
from devices.face.template import Engine, Enrolled
from devices.face.track import Tracker
from devices.ports import FaceBand, FaceDecided, FaceGuidance, FaceHint, FacePresence, Image

WINDOW_SECONDS = 0.25  # of each such window the sharpest frame is described: with the next one's first, 3.3 a second
APART_SECONDS = 0.15  # frames closer together say nothing new
_WITNESS_SECONDS = 0.3  # between two faces of a challenge that are not compared with the card
GRACE_SECONDS = 2.0  # for frames that are still wanted when the challenge is over
_AROUND = 1.1  # half the side of what is kept of a frame, in heights of the face: the descriptor's chip fits in


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
class _Candidate:
    """The sharpest good frame of a window so far: what lies around the face, and the face in that piece."""

    at: float
    quality: Quality
    piece: Image
    face: FoundFace

    def wipe(self) -> None:
        self.piece.fill(0)


def _passive() -> Liveness:
    return Liveness(LivenessSettings(), random.SystemRandom())


@dataclass(slots=True, eq=False)
class Attempt:
    """Collects good frames and compares them once, or twice when more frames are allowed than one score needs: retries
    within an attempt would multiply false matches (docs/face.md). Frames that come after a face was lost are compared
    only if none had been compared before.

    `say` hears the guidance. `begun` and the times of the frames are seconds of one clock that only goes forward.
    The card's photo may be enrolled later than the first frames are seen: the person is guided meanwhile.
    """

    job: int
    engine: Engine
    limits: Limits
    enrolled: Enrolled | None
    say: Callable[[FaceGuidance], object]
    begun: float
    liveness: Liveness = field(default_factory=_passive)
    _tracker: Tracker = field(init=False)
    _guide: Guide = field(init=False)
    _gray: Image | None = None
    _good: list[_Good] = field(default_factory=list)
    _candidate: _Candidate | None = None
    _opened: float | None = None  # when the window began, with its first good frame
    _last: float = float("-inf")  # when the frame behind the newest descriptor was taken
    _picture: int = 0
    _first: FaceBand | None = None
    _spent: bool = False  # compared, and then the face was lost
    _dropped: bool = False  # one frame was, that was unlike the others
    _witness: _Candidate | None = None  # a face of the challenge that is not compared with the card
    _straight: bool = False  # it looks straight, as those do that are compared
    _witnesses: list[Descriptor] = field(default_factory=list)  # turned
    _later: list[Descriptor] = field(default_factory=list)  # straight, after the last that is compared
    _witnessed: float = float("-inf")
    _until: float = float("-inf")  # a challenge that has begun is finished
    _presence: FacePresence = FacePresence.UNDECIDED

    def __post_init__(self) -> None:
        self._tracker = Tracker(self.engine.models)
        self._guide = Guide(lambda hint: self.say(FaceGuidance(self.job, hint)))

    def look(self, image: Image, at: float) -> None:
        """`see` and `describe` in one."""
        self.see(image, at)
        self.describe(at)

    def see(self, image: Image, at: float) -> None:
        """Find and judge the face in a frame (height x width x 3, BGR), guide, keep what may be compared.

        The frame is the caller's, to be overwritten after the call.
        """
        sample = image[::16, ::16].copy()
        picture = zlib.crc32(sample.data)
        sample.fill(0)
        if picture == self._picture:
            return  # a stuck camera's frame, again: several of them would not be several frames
        self._picture = picture
        gray = self._to_gray(image)
        sight = self._tracker.see(gray, at, closely=self.liveness.settings.mode is Mode.CHALLENGE)
        blurred = not sight.faces and not sight.lost  # what was seen a moment ago still holds
        judgement = judge(gray, sight.faces)
        if not sight.found:
            self._guide.see(judgement.hint, at)
            return
        good = judgement.hint is FaceHint.GOOD
        nobody = not sight.faces or judgement.hint is FaceHint.SEVERAL_FACES
        challenged = self.liveness.running(at)
        if nobody:
            self.liveness.lost(at)
        elif not self.liveness.see(gray, sight.faces[0], at, good):
            self._forget()
        # Also in the picture that ends the challenge: a head that comes back from a profile was lost for a moment.
        challenged |= self.liveness.running(at)
        if (sight.lost or (nobody and not blurred)) and not challenged:
            self._forget()  # nobody takes another's place in the middle of an attempt
        if not blurred:
            self._guide.see(judgement.hint, at, None if nobody else self._asked(at))
        if nobody or judgement.quality is None:
            return
        straight = good and self.liveness.matchable(at)
        if straight and len(self._good) < self.limits.frames:
            self._consider(image, sight.faces[0], judgement.quality, at)
        elif challenged and at - self._witnessed >= _WITNESS_SECONDS and (straight or self.liveness.witness(at)):
            if self._witness is not None:
                self._witness.wipe()
            self._witnessed, self._straight = at, straight
            self._witness = _Candidate(at, judgement.quality, *_cut(image, sight.faces[0]))

    @property
    def collected(self) -> int:
        """Descriptors that count: fewer than a moment ago when whoever was seen may be another."""
        return len(self._good)

    def _asked(self, at: float) -> FaceHint | None:
        prompt = self.liveness.prompt(at)
        return None if prompt is None else FaceHint(prompt.value)

    def describe(self, at: float) -> None:
        """The slow part, for when nobody waits: describe the best frame of a window that is over, and compare."""
        candidate, enrolled = self._candidate, self.enrolled
        if self._witness is not None and enrolled is not None:
            kind = self._later if self._straight else self._witnesses
            kind.append(self._descriptor(self._witness, enrolled))
            self._witness = None
            return
        if candidate is None or enrolled is None or self._opened is None or at - self._opened < WINDOW_SECONDS:
            return
        self._good.append(_Good(candidate.quality.sharpness, self._descriptor(candidate, enrolled)))
        self._last = candidate.at
        self._candidate = self._opened = None
        if self._first is None and len(self._good) == self.engine.thresholds.frames:
            self._first = self._compare(enrolled)

    def _descriptor(self, seen: _Candidate, enrolled: Enrolled) -> Descriptor:
        try:
            brighten(seen.piece, seen.face, seen.quality.illumination)
            return self.engine.describe(seen.piece, seen.face, enrolled)
        finally:
            seen.wipe()

    def _consider(self, image: Image, face: FoundFace, quality: Quality, at: float) -> None:
        if self._opened is None:
            self._opened = at
        best = self._candidate
        if best is None:
            if at - self._last < APART_SECONDS:
                return
        elif quality.sharpness <= best.quality.sharpness:
            return
        else:
            best.wipe()
        piece, moved = _cut(image, face)
        self._candidate = _Candidate(at, quality, piece, moved)

    def _to_gray(self, image: Image) -> Image:
        if self._gray is None or self._gray.shape != image.shape[:2]:
            if self._gray is not None:
                self._gray.fill(0)
            self._gray = np.empty(image.shape[:2], np.uint8)
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY, dst=self._gray)
        return self._gray

    def _compare(self, enrolled: Enrolled) -> FaceBand:
        """The sharpest frames against the card."""
        needed = self.engine.thresholds.frames
        best = sorted(self._good, key=lambda good: good.sharpness, reverse=True)[:needed]
        distance = self.engine.distance(enrolled, [good.descriptor for good in best])
        return self.engine.thresholds.band(distance)

    def over(self, at: float) -> bool:
        """Whether `decide` may be asked."""
        if self.liveness.running(at):
            self._until = at + GRACE_SECONDS
        presence = self._judged(at)
        if presence is FacePresence.LIVE and self._first is FaceBand.ACCEPT:
            self._drop_odd()
            if not self._together():
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
        return self.liveness.same_person([good.descriptor for good in self._good], self._witnesses, self._later)

    def _drop_odd(self) -> None:
        """Once, and the others with another frame must be accepted again: no false match is gained by it."""
        odd = None if self._dropped else self.liveness.odd([good.descriptor for good in self._good])
        if odd is not None:
            self._dropped, self._first = True, None
            self._good.pop(odd).descriptor.fill(0)

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
        if self._spent or self.enrolled is None or len(self._good) < self.engine.thresholds.frames:
            return FaceBand.GREY
        return self._compare(self.enrolled)

    def _forget(self) -> None:
        if self._candidate is not None:
            self._candidate.wipe()
        if self._witness is not None:
            self._witness.wipe()
        self._candidate = self._opened = self._witness = None
        for good in self._good:
            good.descriptor.fill(0)
        self._good.clear()
        for witness in (*self._witnesses, *self._later):
            witness.fill(0)
        self._witnesses.clear()
        self._later.clear()
        if self._first is not None:
            self._first, self._spent = FaceBand.GREY, True  # it was about the frames that are gone

    def wipe(self) -> None:
        """Overwrite every descriptor and every piece of a frame."""
        self._forget()
        self._tracker.wipe()
        self.liveness.wipe()
        if self._gray is not None:
            self._gray.fill(0)
        if self.enrolled is not None:
            self.enrolled.wipe()


def _cut(image: Image, face: FoundFace) -> tuple[Image, FoundFace]:
    """A copy of what lies around the face, and the face in it."""
    height, width = image.shape[:2]
    left, top, right, bottom = face.box
    x, y, reach = (left + right) // 2, (top + bottom) // 2, round(_AROUND * face.height)
    x0, y0 = max(0, x - reach), max(0, y - reach)
    return image[y0 : min(height, y + reach), x0 : min(width, x + reach)].copy(), face.moved(-x0, -y0)
