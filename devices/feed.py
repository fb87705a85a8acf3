"""Hands a camera's newest frame to a process whenever that is idle: what face check and card scanner have in common.

Frames travel in shared memory, one at a time; a process that does not answer is replaced, a camera that shows nothing
is reported.
"""

from __future__ import annotations

import mmap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.ports import Camera, Frame

MAX_FRAME_BYTES = 1920 * 1080 * 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A frame (height x width x 3, BGR) stands in the memory of `job`; it stays until the process is done with it."""

    job: int
    sequence: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Cancel:
    job: int


_POLL_SECONDS = 0.003
_EARLY_SECONDS = 0.002  # cameras are not quite regular
_SLOWEST_SECONDS = 0.1  # from picture to picture
_STEP_SECONDS = 0.05


class Pace:
    """How long to leave the camera alone: asked every 5 ms, it would be asked seven times for each picture."""

    def __init__(self) -> None:
        self._sequence = -1
        self._at = 0.0
        self._between = 0.0  # seconds from picture to picture, as far as it is known

    def saw(self, sequence: int, now: float) -> None:
        """The camera's `sequence`th picture was there."""
        if 0 <= self._sequence < sequence:
            between = min((now - self._at) / (sequence - self._sequence), _SLOWEST_SECONDS)
            self._between += 0.2 * (between - self._between)
        self._sequence, self._at = sequence, now

    def wait(self, now: float) -> float:
        """Seconds until it is worth while to ask for the next one."""
        due = self._at + self._between - _EARLY_SECONDS
        return max(due - now, _POLL_SECONDS)


def _step(event: threading.Event, seconds: float) -> float:
    """Wait for the event at most `seconds`; returns how much of that time is to be counted. A kiosk that was kept
    from running itself does not blame others for the silence."""
    begun = time.monotonic()
    event.wait(seconds)
    return min(time.monotonic() - begun, 2 * seconds)


class _Job:
    __slots__ = ("idle", "memory", "name", "over", "quiet", "started", "unwanted")

    def __init__(self, name: int) -> None:
        self.name = name
        self.memory = Blob.empty(MAX_FRAME_BYTES)
        self.idle = threading.Event()
        self.idle.set()
        self.over = threading.Event()
        self.started = False
        self.quiet = 0.0  # seconds without a sign of life from the process
        self.unwanted = False  # what the camera holds is to be overwritten

    def end(self) -> None:
        self.over.set()
        self.idle.set()
        if not self.started:  # otherwise its thread does
            self.memory.wipe()


class FrameFeed:
    """One job at a time. Whoever takes a job reports its end, so that exactly one end is reported.

    `offer`: a frame stands in the job's memory. `hung`: the process did not answer for `hang_seconds`; the job stays,
    for whoever hears that the process was lost. `lost(job, fault)`: the camera showed nothing new for `lost_seconds`,
    or said why; the job is taken. `consume`: overwrite frames of the camera once they were handed over. All are called
    on the job's own thread. `starved()`: for how many seconds the process had to wait for a processor since it began;
    they do not count, for who waits does not hang.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        offer: Callable[[Offer], object],
        hung: Callable[[], object],
        lost: Callable[[int, DeviceFault], object],
        lost_seconds: float,
        hang_seconds: float,
        consume: bool = False,
        starved: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._camera = camera
        self._offer = offer
        self._hung = hung
        self._lost = lost
        self._consume = consume
        self._starved = starved
        self.lost_seconds = lost_seconds
        self.hang_seconds = hang_seconds
        self._lock = threading.Lock()
        self._job: _Job | None = None

    def open(self, job: int) -> Blob:
        """Begin a job; returns its memory for the process. Frames come after `run`. The one before was taken."""
        opened = _Job(job)
        with self._lock:
            self._job = opened
        return opened.memory.duplicate()

    def run(self, job: int) -> None:
        with self._lock:
            opened = self._job
            if opened is None or opened.name != job:
                return
            opened.started = True
        threading.Thread(target=self._run, args=(opened,), name="frame-feed", daemon=True).start()

    def take(self, job: int | None = None) -> int | None:
        """End the job, or any; None when it was taken already."""
        with self._lock:
            taken = self._job
            if taken is None or (job is not None and taken.name != job):
                return None
            self._job = None
            taken.end()
        return taken.name

    @property
    def job(self) -> int | None:
        with self._lock:
            return None if self._job is None else self._job.name

    def looked_at(self, job: int, *, unwanted: bool = False) -> None:
        """The process is done with the frame. `unwanted`: a newer one that the camera holds is not to be looked at."""
        with self._lock:
            if self._job is not None and self._job.name == job:
                self._job.unwanted |= unwanted
                self._job.idle.set()

    def alive(self) -> None:
        """A sign of life, though no frame is done yet: its time begins anew."""
        with self._lock:
            if self._job is not None:
                self._job.quiet = 0.0

    def _run(self, job: _Job) -> None:
        area = job.memory.map()
        last, empty = -1, 0.0
        pace = Pace()
        try:
            while not job.over.is_set():
                if not self._answered(job):
                    self._hung()
                    return
                if job.over.is_set():
                    return
                if job.unwanted:
                    job.unwanted = False
                    self._camera.wipe()
                frame = self._camera.latest()
                if frame is None or frame.sequence == last:
                    fault = self._camera.fault()
                    if empty > self.lost_seconds or fault not in (None, DeviceFault.CAMERA_LOST):
                        if self.take(job.name) is not None:
                            self._lost(job.name, fault or DeviceFault.CAMERA_LOST)
                        return
                    empty += _step(job.over, pace.wait(time.monotonic()))
                    continue
                pace.saw(frame.sequence, time.monotonic())
                last, empty = frame.sequence, 0.0
                job.idle.clear()
                width, height = self._hand_over(frame, area)
                self._offer(Offer(job.name, frame.sequence, width, height))
        finally:
            area.close()
            job.memory.wipe()

    def _answered(self, job: _Job) -> bool:
        """Wait until the process is done with the frame; False when it hangs."""
        job.quiet = 0.0
        if job.idle.wait(_STEP_SECONDS):
            return True  # mostly: nothing to ask the system about
        starved = self._starved()
        while not job.idle.is_set():
            passed = _step(job.idle, _STEP_SECONDS)
            waited = self._starved() - starved
            starved += waited
            job.quiet += max(0.0, passed - waited)
            if job.quiet > self.hang_seconds and not job.idle.wait(_STEP_SECONDS):
                return False
        return True

    def _hand_over(self, frame: Frame, area: mmap.mmap) -> tuple[int, int]:
        """The frame into the shared memory, thinned out until it fits; returns its width and height there."""
        image = frame.image
        while image.size > MAX_FRAME_BYTES:
            image = image[::2, ::2]
        height, width = image.shape[:2]
        np.frombuffer(area, np.uint8, image.size).reshape(image.shape)[:] = image
        if self._consume:
            frame.image.fill(0)
        return width, height
