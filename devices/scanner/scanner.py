"""The kiosk's side of the scanner process: feeds it the newest frame whenever it is idle, reports what it says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from devices.errors import DeviceFault
from devices.feed import Cancel, FrameFeed
from devices.ports import Camera, NumberScanned, ScanEvent, ScanFailed, ScannerReady
from devices.scanner.worker import Begin, FrameDone, Greet, ModelsLoaded, spec
from devices.supervisor import Launcher, Options, ProcessWorker, Supervisor, Worker

CAMERA_LOST_SECONDS = 4.0  # while processes start on a busy machine, pictures were 2 s apart
HANG_SECONDS = 8.0  # no answer to a frame for that long: the process is replaced


class SupervisedCardFaceScanner:
    """`ports.CardFaceScanner` over a supervised process with a warm spare.

    `options` go to the process (`devices.scanner.worker.spec`). The camera is borrowed: started and stopped elsewhere.
    Frames that were looked at are overwritten where they lie, so nobody else may want them.
    """

    def __init__(self, camera: Camera, options: Options, launcher: Launcher = ProcessWorker) -> None:
        self._camera = camera
        self._supervisor = Supervisor(spec(options), self._message, self._worker_lost, self._worker_starts, launcher)
        self._sink: Callable[[ScanEvent], None] = _nobody
        self._feed = FrameFeed(
            camera,
            offer=self._supervisor.send,
            hung=self._supervisor.fail,  # reported by _worker_lost
            lost=self._camera_lost,
            lost_seconds=CAMERA_LOST_SECONDS,
            hang_seconds=HANG_SECONDS,
            consume=True,
        )
        self._stopped = threading.Event()

    @property
    def pids(self) -> tuple[int, ...]:
        return self._supervisor.pids

    def start(self, sink: Callable[[ScanEvent], None]) -> None:
        self._sink = sink
        self._supervisor.start()

    def begin(self, job: int) -> None:
        self.cancel()
        shared = self._feed.open(job)
        if not self._supervisor.send(Begin(job, shared)):
            shared.close()
            self._finish(job, ScanFailed(job, DeviceFault.SCANNER_WORKER_LOST))
            return
        self._feed.run(job)

    def cancel(self) -> None:
        job = self._feed.take()
        if job is not None:
            self._supervisor.send(Cancel(job))
            self._camera.wipe()

    def recycle(self) -> None:
        self._feed.take()
        self._supervisor.recycle()
        self._camera.wipe()

    def stop(self) -> None:
        self._stopped.set()
        self._feed.take()
        self._supervisor.stop()

    def _message(self, message: Any) -> None:
        """From the process, on its messages' thread."""
        match message:
            case FrameDone(job, _, back):
                self._feed.looked_at(job, unwanted=back)  # a newer frame of the same back
            case NumberScanned(job, number):
                if not self._finish(job, message):
                    number.wipe()
            case ScanFailed(job):
                self._finish(job, message)
            case ModelsLoaded():
                threading.Thread(target=self._await_camera, name="scanner-ready", daemon=True).start()
            case _:
                if self._feed.job == message.job:
                    self._sink(message)

    def _worker_starts(self, worker: Worker) -> None:
        worker.send(Greet())

    def _worker_lost(self) -> None:
        job = self._feed.job
        if job is not None:
            self._finish(job, ScanFailed(job, DeviceFault.SCANNER_WORKER_LOST))

    def _await_camera(self) -> None:
        while not self._stopped.is_set():
            if self._camera.latest() is not None:
                self._sink(ScannerReady())
                return
            self._stopped.wait(0.1)

    def _camera_lost(self, job: int, _: DeviceFault) -> None:
        self._supervisor.send(Cancel(job))
        self._sink(ScanFailed(job, DeviceFault.SCANNER_LOST))

    def _finish(self, job: int, event: ScanEvent) -> bool:
        if self._feed.take(job) is None:
            return False
        self._camera.wipe()
        self._sink(event)
        return True


def _nobody(event: ScanEvent) -> None:
    """Nobody listens before `start`."""
