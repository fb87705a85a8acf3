"""The kiosk's side of the face process: feeds it the newest frame whenever it is idle, reports what it says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.face.worker import Begin, FrameDone, Greet, spec
from devices.feed import Cancel, FrameFeed
from devices.ports import Camera, FaceDecided, FaceEvent, FaceFailed, FaceWorkerReady
from devices.supervisor import Launcher, Options, ProcessWorker, Supervisor, Worker, seconds_without_processor

CAMERA_LOST_SECONDS = 2.0  # silence; a camera that says what is wrong is believed at once. The kiosk also watches it
HANG_SECONDS = 1.5  # no answer to a frame for that long: the process is replaced
REPLACED_SECONDS = 2.0  # an attempt waits that long for a process that is being replaced
WARMING_SECONDS = 20.0  # the same while it still loads its models


@dataclass(frozen=True, slots=True)
class _Later:
    """An attempt for which there was no process."""

    job: int
    photo: Blob


class _Waiting:
    """At most one of them, until a process comes or the time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._later: _Later | None = None

    def keep(self, later: _Later, seconds: float, over: Callable[[int], object]) -> None:
        with self._lock:
            self._later = later

        def end() -> None:
            if self.take(later) is not None:
                later.photo.close()
                over(later.job)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()

    def take(self, only: _Later | None = None) -> _Later | None:
        with self._lock:
            if only is not None and self._later is not only:
                return None
            taken, self._later = self._later, None
        return taken

    def drop(self) -> None:
        dropped = self.take()
        if dropped is not None:
            dropped.photo.close()


class SupervisedFaceVerifier:
    """`ports.FaceVerifier` over a supervised process with a warm spare.

    `options` go to the process (`devices.face.worker.spec`). The camera is borrowed: started and stopped elsewhere.
    """

    def __init__(self, camera: Camera, options: Options, launcher: Launcher = ProcessWorker) -> None:
        self._supervisor = Supervisor(spec(options), self._message, self._worker_lost, self._worker_starts, launcher)
        self._sink: Callable[[FaceEvent], None] = _nobody
        self._pid: int | None = None
        self._later = _Waiting()
        self._feed = FrameFeed(
            camera,
            offer=self._supervisor.send,
            hung=self._supervisor.fail,  # reported by _worker_lost
            lost=self._camera_lost,
            lost_seconds=CAMERA_LOST_SECONDS,
            hang_seconds=WARMING_SECONDS,
            starved=self._starved,
        )

    @property
    def pids(self) -> tuple[int, ...]:
        return self._supervisor.pids

    def start(self, sink: Callable[[FaceEvent], None]) -> None:
        self._sink = sink
        self._supervisor.start()

    def begin(self, job: int, photo: Blob) -> None:
        self.cancel()
        if not self._begin(job, photo):
            self._later.keep(_Later(job, photo.duplicate()), REPLACED_SECONDS, self._nobody_came)
            self._begin_late()  # it may have come in the meantime

    def _begin(self, job: int, photo: Blob) -> bool:
        """False when there is no process just now."""
        memory = self._feed.open(job)
        if self._supervisor.send(Begin(job, photo.duplicate(), memory)):
            self._feed.run(job)
            return True
        return False

    def _begin_late(self) -> None:
        later = self._later.take()
        if later is None:
            return
        if self._feed.take(later.job) is not None and not self._begin(later.job, later.photo):
            self._later.keep(later, REPLACED_SECONDS, self._nobody_came)
            return
        later.photo.close()

    def _nobody_came(self, job: int) -> None:
        self._finish(job, FaceFailed(job, DeviceFault.FACE_WORKER_LOST))

    def cancel(self) -> None:
        self._later.drop()
        job = self._feed.take()
        if job is not None:
            self._supervisor.send(Cancel(job))

    def recycle(self) -> None:
        self._later.drop()
        self._feed.take()
        self._supervisor.recycle()

    def stop(self) -> None:
        self._later.drop()
        self._feed.take()
        self._supervisor.stop()

    def _message(self, message: Any) -> None:
        """From the process, on its messages' thread."""
        match message:
            case FrameDone(job):
                self._feed.looked_at(job)
            case FaceDecided(job) | FaceFailed(job):
                self._finish(job, message)
            case FaceWorkerReady():
                self._feed.alive()
                self._feed.hang_seconds = HANG_SECONDS
                self._sink(message)
            case _:
                if self._feed.job == message.job:
                    self._sink(message)

    def _worker_starts(self, worker: Worker) -> None:
        self._feed.hang_seconds = WARMING_SECONDS
        self._pid = worker.pid
        worker.send(Greet())
        self._begin_late()

    def _worker_lost(self) -> None:
        job = self._feed.job
        if job is not None:
            self._finish(job, FaceFailed(job, DeviceFault.FACE_WORKER_LOST))

    def _starved(self) -> float:
        return 0.0 if self._pid is None else seconds_without_processor(self._pid)

    def _camera_lost(self, job: int, fault: DeviceFault) -> None:
        self._supervisor.send(Cancel(job))
        self._sink(FaceFailed(job, fault))

    def _finish(self, job: int, event: FaceEvent) -> None:
        if self._feed.take(job) is not None:
            self._sink(event)


def _nobody(event: FaceEvent) -> None:
    """Nobody listens before `start`."""
