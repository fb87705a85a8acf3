"""The kiosk's side of the face process: feeds it the newest frame whenever it is idle, reports what it says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.face.worker import Begin, Cancel, FrameDone, Greet, Offer, spec
from devices.ports import Camera, FaceDecided, FaceEvent, FaceFailed, FaceWorkerReady, Image
from devices.supervisor import Launcher, Options, ProcessWorker, Supervisor, Worker

MAX_FRAME_BYTES = 1920 * 1080 * 3
CAMERA_LOST_SECONDS = 2.0
HANG_SECONDS = 20.0  # no answer to a frame for that long: the process is replaced


class _Attempt:
    __slots__ = ("idle", "job", "memory", "over", "since")

    def __init__(self, job: int) -> None:
        self.job = job
        self.memory = Blob.empty(MAX_FRAME_BYTES)
        self.idle = threading.Event()
        self.idle.set()
        self.over = threading.Event()
        self.since = time.monotonic()

    def end(self) -> None:
        self.over.set()
        self.idle.set()


class SupervisedFaceVerifier:
    """`ports.FaceVerifier` over a supervised process with a warm spare.

    `options` go to the process (`devices.face.worker.spec`). The camera is borrowed: started and stopped elsewhere.
    """

    def __init__(self, camera: Camera, options: Options, launcher: Launcher = ProcessWorker) -> None:
        self._camera = camera
        self._supervisor = Supervisor(spec(options), self._message, self._worker_lost, self._worker_starts, launcher)
        self._sink: Callable[[FaceEvent], None] = _nobody
        self._lock = threading.Lock()
        self._attempt: _Attempt | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        return self._supervisor.pids

    def start(self, sink: Callable[[FaceEvent], None]) -> None:
        self._sink = sink
        self._supervisor.start()

    def begin(self, job: int, photo: Blob) -> None:
        self.cancel()
        attempt = _Attempt(job)
        with self._lock:
            self._attempt = attempt
        sent, shared = photo.duplicate(), attempt.memory.duplicate()
        if not self._supervisor.send(Begin(job, sent, shared)):
            sent.close()
            shared.close()
            self._finish(job, FaceFailed(job, DeviceFault.FACE_WORKER_LOST))
            return
        threading.Thread(target=self._feed, args=(attempt,), name="face-feeder", daemon=True).start()

    def cancel(self) -> None:
        attempt = self._take(None)
        if attempt is not None:
            self._supervisor.send(Cancel(attempt.job))

    def recycle(self) -> None:
        self._take(None)
        self._supervisor.recycle()

    def stop(self) -> None:
        self._take(None)
        self._supervisor.stop()

    # --- from the process, on its messages' thread

    def _message(self, message: Any) -> None:
        match message:
            case FrameDone(job):
                with self._lock:
                    attempt = self._attempt
                if attempt is not None and attempt.job == job:
                    attempt.idle.set()
            case FaceDecided(job) | FaceFailed(job):
                self._finish(job, message)
            case FaceWorkerReady():
                self._sink(message)
            case _:
                with self._lock:
                    wanted = self._attempt is not None and self._attempt.job == message.job
                if wanted:
                    self._sink(message)

    def _worker_starts(self, worker: Worker) -> None:
        worker.send(Greet())

    def _worker_lost(self) -> None:
        with self._lock:
            job = self._attempt.job if self._attempt is not None else None
        if job is not None:
            self._finish(job, FaceFailed(job, DeviceFault.FACE_WORKER_LOST))

    # --- ending an attempt: whoever takes it reports it, so that exactly one end is reported

    def _take(self, job: int | None) -> _Attempt | None:
        with self._lock:
            attempt = self._attempt
            if attempt is None or (job is not None and attempt.job != job):
                return None
            self._attempt = None
        attempt.end()
        return attempt

    def _finish(self, job: int, event: FaceEvent) -> None:
        if self._take(job) is not None:
            self._sink(event)

    # --- the feeder: one thread for one attempt; it owns the frame memory on this side

    def _feed(self, attempt: _Attempt) -> None:
        area = attempt.memory.map()
        last, seen = -1, time.monotonic()
        try:
            while not attempt.over.is_set():
                if not attempt.idle.wait(HANG_SECONDS):
                    self._supervisor.fail()  # reported by _worker_lost
                    return
                if attempt.over.is_set():
                    return
                frame = self._camera.latest()
                if frame is None or frame.sequence == last:
                    if time.monotonic() - seen > CAMERA_LOST_SECONDS:
                        if self._take(attempt.job) is not None:
                            self._supervisor.send(Cancel(attempt.job))
                            self._sink(FaceFailed(attempt.job, DeviceFault.CAMERA_LOST))
                        return
                    attempt.over.wait(0.01)
                    continue
                last, seen = frame.sequence, time.monotonic()
                image = _fitting(frame.image)
                np.frombuffer(area, np.uint8, image.size)[:] = image.reshape(-1)
                attempt.idle.clear()
                height, width = image.shape[:2]
                self._supervisor.send(Offer(attempt.job, frame.sequence, width, height))
        finally:
            area.close()
            attempt.memory.wipe()


def _fitting(image: Image) -> Image:
    """The frame, thinned out until it fits the shared memory."""
    while image.size > MAX_FRAME_BYTES:
        image = image[::2, ::2]
    return image


def _nobody(event: FaceEvent) -> None:
    """Nobody listens before `start`."""
