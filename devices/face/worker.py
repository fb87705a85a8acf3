"""The face process: photo and frames come in, guidance and one decision per attempt go out. No score leaves it.

A process of its own because dlib's network holds the interpreter lock for a tenth of a second at a time, because a
native crash must cost one attempt and not the kiosk, and because ending it is the only complete way to forget.
"""

from __future__ import annotations

import mmap
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from devices.blob import Blob
from devices.errors import DeviceError, DeviceFault
from devices.face.models import Descriptor
from devices.face.quality import judge
from devices.face.template import Engine, Enrolled, load_engine
from devices.feed import Cancel, Offer
from devices.ports import FaceBand, FaceDecided, FaceFailed, FaceGuidance, FaceHint, FaceWorkerReady, Image
from devices.supervisor import Channel, ChildSpec, Options


@dataclass(frozen=True, slots=True)
class Greet:
    """Answered by `FaceWorkerReady` when the models are loaded."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Start an attempt. `memory` is where the frames of this attempt will stand, one at a time."""

    job: int
    photo: Blob
    memory: Blob


@dataclass(frozen=True, slots=True)
class FrameDone:
    job: int
    sequence: int


TO_CHILD = (Greet, Begin, Offer, Cancel)
TO_PARENT = (FaceWorkerReady, FaceGuidance, FrameDone, FaceDecided, FaceFailed)

APART_SECONDS = 0.3  # frames closer together say nothing new
_GUIDANCE_SECONDS = 0.4  # a hint stands at least that long, so that it can be read


@dataclass(frozen=True, slots=True)
class Limits:
    """One attempt ends after `seconds`, or with `frames` good frames."""

    seconds: float = 15.0
    frames: int = 9


def spec(options: Options) -> ChildSpec:
    """How to start the face process. `options`: see `devices.face.template.load_engine`, and `seconds`, `frames`."""
    return ChildSpec("face", "devices.face.worker:serve", TO_CHILD, TO_PARENT, dict(options))


def serve(channel: Channel, options: Options) -> None:
    """Serve until the channel closes. Models are loaded first, so that a warm spare is really warm."""
    cv2.setNumThreads(1)
    limits = limits_of(options)
    try:
        engine: Engine | None = load_engine(options)
    except DeviceError:
        engine = None
    attempt: Attempt | None = None
    try:
        while True:
            message = channel.receive(timeout=None if attempt is None else 0.2)
            match message:
                case Greet() if engine is not None:
                    channel.send(FaceWorkerReady(engine.name))
                case Begin(job, photo, memory):
                    if attempt is not None:
                        attempt.wipe()
                    attempt = _begin(channel, engine, limits, job, photo, memory)
                case Offer(job, sequence, width, height) if attempt is not None and job == attempt.job:
                    attempt.look(width, height)
                    channel.send(FrameDone(job, sequence))
                case Cancel(job) if attempt is not None and job == attempt.job:
                    attempt.wipe()
                    attempt = None
                case _:
                    pass  # an offer or a cancel that crossed the end of its attempt
            if attempt is not None and attempt.over():
                band, frames = attempt.decide()
                job = attempt.job
                attempt.wipe()
                attempt = None
                channel.send(FaceDecided(job, band, frames))
    finally:
        if attempt is not None:
            attempt.wipe()


def limits_of(options: Mapping[str, Any]) -> Limits:
    default = Limits()
    return Limits(
        seconds=float(options.get("seconds", default.seconds)), frames=int(options.get("frames", default.frames))
    )


def _begin(
    channel: Channel, engine: Engine | None, limits: Limits, job: int, photo: Blob, memory: Blob
) -> Attempt | None:
    with photo.secret() as secret:
        photo.close()  # the parent's for the next attempt: not ours to overwrite
        try:
            if engine is None:
                channel.send(FaceFailed(job, DeviceFault.MODEL_MISSING))
            else:
                # Enrolling takes a quarter of a second, while the person positions.
                return Attempt(job, engine, limits, engine.enrol(secret.view()), memory, channel)
        except DeviceError as error:
            channel.send(FaceFailed(job, error.fault))
    memory.close()
    return None


@dataclass(slots=True, eq=False)
class _Good:
    sharpness: float
    descriptor: Descriptor


@dataclass(slots=True, eq=False)
class Attempt:
    """Collects good frames and compares at most twice: retries within an attempt would multiply false matches."""

    job: int
    engine: Engine
    limits: Limits
    enrolled: Enrolled
    memory: Blob
    channel: Channel
    _area: mmap.mmap = field(init=False)
    _good: list[_Good] = field(default_factory=list)
    _hint: FaceHint | None = None
    _hint_at: float = 0.0
    _begun: float = 0.0
    _last: float = 0.0
    _picture: int = 0
    _first: FaceBand | None = None

    def __post_init__(self) -> None:
        self._area = self.memory.map()
        self._begun = time.monotonic()

    def look(self, width: int, height: int) -> None:
        """Judge the frame that stands in the memory, and keep its descriptor if it is good and late enough."""
        size = width * height * 3
        if width <= 0 or height <= 0 or size > len(self._area):
            return
        image = np.frombuffer(self._area, np.uint8, size).reshape(height, width, 3).copy()
        try:
            self._judge(image)
        finally:
            image.fill(0)

    def _judge(self, image: Image) -> None:
        picture = zlib.crc32(image[::8, ::8].tobytes())
        if picture == self._picture:
            return  # a stuck camera's frame, again: several of them would not be several frames
        self._picture = picture
        now = time.monotonic()
        faces = self.engine.find(image)
        judgement = judge(image, faces)
        self._guide(judgement.hint, now)
        if judgement.hint in (FaceHint.SEVERAL_FACES, FaceHint.NO_FACE):
            self._forget()  # nobody takes another's place in the middle of an attempt
        if judgement.hint is not FaceHint.GOOD or now - self._last < APART_SECONDS:
            return
        self._last = now
        self._good.append(_Good(judgement.sharpness, self.engine.describe(image, faces[0], self.enrolled)))
        if self._first is None and len(self._good) == self.engine.thresholds.frames:
            self._first = self._compare()

    def _guide(self, hint: FaceHint, now: float) -> None:
        if hint is not self._hint and now - self._hint_at >= _GUIDANCE_SECONDS:
            self._hint, self._hint_at = hint, now
            self.channel.send(FaceGuidance(self.job, hint))

    def _compare(self) -> FaceBand:
        """The sharpest frames against the card."""
        needed = self.engine.thresholds.frames
        best = sorted(self._good, key=lambda good: good.sharpness, reverse=True)[:needed]
        distance = self.engine.distance(self.enrolled, [good.descriptor for good in best])
        return self.engine.thresholds.band(distance)

    def over(self) -> bool:
        return (
            self._first is FaceBand.ACCEPT
            or len(self._good) >= self.limits.frames
            or time.monotonic() - self._begun > self.limits.seconds
        )

    def decide(self) -> tuple[FaceBand, int]:
        """The band and the number of good frames. GREY with too few frames to say anything: not a mismatch."""
        if self._first is FaceBand.ACCEPT:
            return self._first, len(self._good)
        if len(self._good) < self.engine.thresholds.frames:
            return FaceBand.GREY, len(self._good)
        return self._compare(), len(self._good)

    def _forget(self) -> None:
        for good in self._good:
            good.descriptor.fill(0)
        self._good.clear()

    def wipe(self) -> None:
        """Overwrite every descriptor and the frame memory."""
        self._forget()
        self.enrolled.wipe()
        self._area.close()
        self.memory.wipe()
