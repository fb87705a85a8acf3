"""The face process: photo and frames come in, guidance and one decision per attempt go out. No score leaves it.

A process of its own because dlib's network holds the interpreter lock for a tenth of a second at a time, because a
native crash must cost one attempt and not the kiosk, and because ending it is the only complete way to forget.
"""

from __future__ import annotations

import mmap
import random
import time
from dataclasses import dataclass

import cv2
import numpy as np

from devices.blob import Blob
from devices.errors import DeviceError, DeviceFault
from devices.face.attempt import Attempt, Limits
from devices.face.liveness import Liveness, LivenessSettings
from devices.face.template import Engine, load_engine
from devices.feed import Cancel, Offer
from devices.ports import FaceDecided, FaceFailed, FaceGuidance, FaceWorkerReady
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


def spec(options: Options) -> ChildSpec:
    """How to start the face process. `options`: see `devices.face.template.load_engine`, and `seconds`, `frames`,
    `liveness` ("off", "passive", "challenge")."""
    return ChildSpec("face", "devices.face.worker:serve", TO_CHILD, TO_PARENT, dict(options))


def serve(channel: Channel, options: Options) -> None:
    """Serve until the channel closes. Models are loaded first, so that a warm spare is really warm."""
    cv2.setNumThreads(1)
    limits, strictness = Limits.of(options), LivenessSettings.of(options)
    try:
        engine: Engine | None = load_engine(options)
    except DeviceError:
        engine = None
    sitting: _Sitting | None = None
    try:
        while True:
            message = channel.receive(timeout=None if sitting is None else 0.2)
            match message:
                case Greet() if engine is not None:
                    channel.send(FaceWorkerReady(engine.name))
                case Begin(job, photo, memory):
                    if sitting is not None:
                        sitting.wipe()
                    sitting = _begin(channel, engine, limits, strictness, job, photo, memory)
                case Offer(job, sequence, width, height) if sitting is not None and job == sitting.attempt.job:
                    sitting.look(width, height)
                    channel.send(FrameDone(job, sequence))
                case Cancel(job) if sitting is not None and job == sitting.attempt.job:
                    sitting.wipe()
                    sitting = None
                case _:
                    pass  # an offer or a cancel that crossed the end of its attempt
            if sitting is not None and sitting.attempt.over(time.monotonic()):
                decided = sitting.attempt.decide()
                sitting.wipe()
                sitting = None
                channel.send(decided)
    finally:
        if sitting is not None:
            sitting.wipe()


def _begin(
    channel: Channel,
    engine: Engine | None,
    limits: Limits,
    strictness: LivenessSettings,
    job: int,
    photo: Blob,
    memory: Blob,
) -> _Sitting | None:
    with photo.secret() as secret:
        photo.close()  # the parent's for the next attempt: not ours to overwrite
        try:
            if engine is None:
                channel.send(FaceFailed(job, DeviceFault.MODEL_MISSING))
            else:
                # Enrolling takes a quarter of a second, while the person positions.
                enrolled = engine.enrol(secret.view())
                liveness = Liveness(strictness, random.SystemRandom())
                attempt = Attempt(job, engine, limits, enrolled, channel.send, time.monotonic(), liveness)
                return _Sitting(attempt, memory)
        except DeviceError as error:
            channel.send(FaceFailed(job, error.fault))
    memory.close()
    return None


class _Sitting:
    """An attempt and the shared memory in which its frames stand."""

    __slots__ = ("_area", "_memory", "attempt")

    def __init__(self, attempt: Attempt, memory: Blob) -> None:
        self.attempt = attempt
        self._memory = memory
        self._area: mmap.mmap = memory.map()

    def look(self, width: int, height: int) -> None:
        """Hand the frame that stands in the memory to the attempt."""
        size = width * height * 3
        if width <= 0 or height <= 0 or size > len(self._area):
            return
        image = np.frombuffer(self._area, np.uint8, size).reshape(height, width, 3).copy()
        try:
            self.attempt.look(image, time.monotonic())
        finally:
            image.fill(0)

    def wipe(self) -> None:
        """Overwrite every descriptor and the frame memory."""
        self.attempt.wipe()
        self._area.close()
        self._memory.wipe()
