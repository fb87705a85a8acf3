"""The kiosk's side of the face process: feeds it the newest frame whenever it is idle, reports what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.face.worker import Begin, FrameDone, Greet, spec
from devices.feed import Cancel, FrameFeed
from devices.ports import Camera, FaceDecided, FaceEvent, FaceFailed, FaceWorkerReady
from devices.supervisor import Launcher, Options, ProcessWorker, Supervisor, Worker, seconds_without_processor

CAMERA_LOST_SECONDS = 1.5
HANG_SECONDS = 1.5  # no answer to a frame for that long: the process is replaced
WARMING_SECONDS = 20.0  # the same while it still loads its models


class SupervisedFaceVerifier:
    """`ports.FaceVerifier` over a supervised process with a warm spare.

    `options` go to the process (`devices.face.worker.spec`). The camera is borrowed: started and stopped elsewhere.
    """

    def __init__(self, camera: Camera, options: Options, launcher: Launcher = ProcessWorker) -> None:
        self._supervisor = Supervisor(spec(options), self._message, self._worker_lost, self._worker_starts, launcher)
        self._sink: Callable[[FaceEvent], None] = _nobody
        self._pid: int | None = None
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
        sent, shared = photo.duplicate(), self._feed.open(job)
        if not self._supervisor.send(Begin(job, sent, shared)):
            sent.close()
            shared.close()
            self._finish(job, FaceFailed(job, DeviceFault.FACE_WORKER_LOST))
            return
        self._feed.run(job)

    def cancel(self) -> None:
        job = self._feed.take()
        if job is not None:
            self._supervisor.send(Cancel(job))

    def recycle(self) -> None:
        self._feed.take()
        self._supervisor.recycle()

    def stop(self) -> None:
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
