"""The face process: photo and frames come in, guidance and one decision per attempt go out. No score leaves it.

A process of its own because finding and describing faces would keep the window waiting, because a native crash must
cost one attempt and not the kiosk, and because ending it is the only complete way to forget.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import random
import resource
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
from devices.secret import SecretBytes
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

_NO_MEMORY = -4  # cv::Error::StsNoMem
_FIRST_FRAME_SECONDS = 0.1  # without a frame by then, the photo is enrolled first


def spec(options: Options) -> ChildSpec:
    """How to start the face process. `options`: see `devices.face.template.load_engine`, and `seconds`, `frames`,
    `liveness` ("off", "passive", "challenge"), `memory_mb` (what the process may have; without: no bound)."""
    return ChildSpec("face", "devices.face.worker:serve", TO_CHILD, TO_PARENT, dict(options))


def serve(channel: Channel, options: Options) -> None:
    """Serve until the channel closes. Models are loaded first, so that a warm spare is really warm."""
    cv2.setNumThreads(1)
    limits, strictness = Limits.of(options), LivenessSettings.of(options)
    try:
        engine: Engine | None = load_engine(options)
    except DeviceError:
        engine = None
    if "memory_mb" in options:
        # Better this process than whichever the system chooses when its memory is at an end.
        size = int(options["memory_mb"]) << 20
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    reserve = [bytearray(1 << 16) for _ in range(8)]  # given up when there is no more, to be able to say so
    sitting: _Sitting | None = None
    message: object = None
    try:
        while True:
            message = channel.receive(timeout=None if sitting is None else sitting.patience)
            match message:
                case Greet() if engine is not None:
                    channel.send(FaceWorkerReady(engine.name))
                case Begin(job, photo, memory):
                    if sitting is not None:
                        sitting.wipe()
                    sitting = _begin(channel, engine, limits, strictness, job, photo, memory)
                case Offer(job, sequence, width, height) if sitting is not None and job == sitting.job:
                    sitting.look(width, height)
                    channel.send(FrameDone(job, sequence))
                case Cancel(job) if sitting is not None and job == sitting.job:
                    sitting.wipe()
                    sitting = None
                case _:
                    pass  # an offer or a cancel that crossed the end of its attempt
            if sitting is not None:
                end = sitting.work()
                if end is not None:
                    sitting.wipe()
                    sitting = None
                    channel.send(end)
    except (MemoryError, OSError, cv2.error) as error:
        reserve.clear()
        if _out_of_memory(error) and isinstance(message, Begin | Offer):
            channel.send(FaceFailed(message.job, DeviceFault.FACE_MEMORY))
        raise  # a heap that was full is not to be trusted: the process is replaced
    finally:
        if sitting is not None:
            sitting.wipe()


def _out_of_memory(error: BaseException) -> bool:
    match error:
        case cv2.error():
            return error.code == _NO_MEMORY
        case OSError():
            return error.errno == errno.ENOMEM
        case _:
            return isinstance(error, MemoryError)


def _begin(
    channel: Channel,
    engine: Engine | None,
    limits: Limits,
    strictness: LivenessSettings,
    job: int,
    photo: Blob,
    memory: Blob,
) -> _Sitting | None:
    secret = photo.secret()
    photo.close()  # the parent's for the next attempt: not ours to overwrite
    if engine is None:
        secret.wipe()
        memory.close()
        channel.send(FaceFailed(job, DeviceFault.MODEL_MISSING))
        return None
    liveness = Liveness(strictness, random.SystemRandom())
    attempt = Attempt(job, engine, limits, None, channel.send, time.monotonic(), liveness)
    return _Sitting(attempt, engine, secret, memory)


class _Sitting:
    """An attempt, the photo that it is about, and the shared memory in which its frames stand."""

    __slots__ = ("_area", "_attempt", "_engine", "_memory", "_photo", "_seen", "job")

    def __init__(self, attempt: Attempt, engine: Engine, photo: SecretBytes, memory: Blob) -> None:
        self.job = attempt.job
        self._attempt = attempt
        self._engine = engine
        self._photo: SecretBytes | None = photo
        self._memory = memory
        self._area: mmap.mmap = memory.map()
        self._seen = False

    @property
    def patience(self) -> float:
        """Seconds to wait for a frame before there is something else to do."""
        return 0.2 if self._photo is None else 0.05

    def look(self, width: int, height: int) -> None:
        """Show the attempt the frame that stands in the memory, where it stands."""
        size = width * height * 3
        if width <= 0 or height <= 0 or size > len(self._area):
            return
        self._attempt.see(np.frombuffer(self._area, np.uint8, size).reshape(height, width, 3), time.monotonic())
        self._seen = True

    def work(self) -> FaceDecided | FaceFailed | None:
        """What takes longer than a frame may: the photo once, later a face. The end of the attempt, if it is over.

        The first frame comes first, so that the person is guided while the photo is being enrolled.
        """
        now = time.monotonic()
        if self._photo is None:
            self._attempt.describe(now)
            return self._attempt.decide() if self._attempt.over(now) else None
        if self._seen or now - self._attempt.begun > _FIRST_FRAME_SECONDS:
            photo, self._photo = self._photo, None
            try:
                with photo:
                    self._attempt.enrolled = self._engine.enrol(photo.view())
            except DeviceError as error:
                return FaceFailed(self.job, error.fault)
        return None

    def wipe(self) -> None:
        """Overwrite the photo, every descriptor and the frame memory."""
        if self._photo is not None:
            self._photo.wipe()
        self._attempt.wipe()
        with contextlib.suppress(BufferError):  # an error's traceback may still hold the frame
            self._area.close()
        self._memory.wipe()
