"""The kiosk's side of the scanner process: feeds it the newest frame whenever it is idle, reports what it says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.ports import Camera, Frame, NumberScanned, ScanEvent, ScanFailed, ScannerReady
from devices.scanner.worker import Begin, Cancel, FrameDone, Greet, ModelsLoaded, Offer, spec
from devices.supervisor import Launcher, Options, ProcessWorker, Supervisor, Worker

MAX_FRAME_BYTES = 1920 * 1080 * 3
CAMERA_LOST_SECONDS = 4.0  # while processes start on a busy machine, pictures were 2 s apart
HANG_SECONDS = 8.0  # no answer to a frame for that long: the process is replaced


class _Search:
    __slots__ = ("back", "idle", "job", "memory", "over")

    def __init__(self, job: int) -> None:
        self.job = job
        self.memory = Blob.empty(MAX_FRAME_BYTES)
        self.idle = threading.Event()
        self.idle.set()
        self.over = threading.Event()
        self.back = False  # the frame that was looked at last showed the 12-digit number

    def end(self) -> None:
        self.over.set()
        self.idle.set()


class SupervisedCardFaceScanner:
    """`ports.CardFaceScanner` over a supervised process with a warm spare.

    `options` go to the process (`devices.scanner.worker.spec`). The camera is borrowed: started and stopped elsewhere.
    Frames that were looked at are overwritten where they lie, so nobody else may want them.
    """

    def __init__(self, camera: Camera, options: Options, launcher: Launcher = ProcessWorker) -> None:
        self._camera = camera
        self._supervisor = Supervisor(spec(options), self._message, self._worker_lost, self._worker_starts, launcher)
        self._sink: Callable[[ScanEvent], None] = _nobody
        self._lock = threading.Lock()
        self._search: _Search | None = None
        self._stopped = threading.Event()

    @property
    def pids(self) -> tuple[int, ...]:
        return self._supervisor.pids

    def start(self, sink: Callable[[ScanEvent], None]) -> None:
        self._sink = sink
        self._supervisor.start()

    def begin(self, job: int) -> None:
        self.cancel()
        search = _Search(job)
        with self._lock:
            self._search = search
        shared = search.memory.duplicate()
        if not self._supervisor.send(Begin(job, shared)):
            shared.close()
            search.memory.wipe()
            self._finish(job, ScanFailed(job, DeviceFault.SCANNER_WORKER_LOST))
            return
        threading.Thread(target=self._feed, args=(search,), name="scanner-feeder", daemon=True).start()

    def cancel(self) -> None:
        search = self._take(None)
        if search is not None:
            self._supervisor.send(Cancel(search.job))
            self._camera.wipe()

    def recycle(self) -> None:
        self._take(None)
        self._supervisor.recycle()
        self._camera.wipe()

    def stop(self) -> None:
        self._stopped.set()
        self._take(None)
        self._supervisor.stop()

    # --- from the process, on its messages' thread

    def _message(self, message: Any) -> None:
        match message:
            case FrameDone(job, _, back):
                with self._lock:
                    search = self._search
                if search is not None and search.job == job:
                    search.back = back
                    search.idle.set()
            case NumberScanned(job, number):
                if not self._finish(job, message):
                    number.wipe()
            case ScanFailed(job):
                self._finish(job, message)
            case ModelsLoaded():
                threading.Thread(target=self._await_camera, name="scanner-ready", daemon=True).start()
            case _:
                with self._lock:
                    wanted = self._search is not None and self._search.job == message.job
                if wanted:
                    self._sink(message)

    def _worker_starts(self, worker: Worker) -> None:
        worker.send(Greet())

    def _worker_lost(self) -> None:
        with self._lock:
            job = self._search.job if self._search is not None else None
        if job is not None:
            self._finish(job, ScanFailed(job, DeviceFault.SCANNER_WORKER_LOST))

    def _await_camera(self) -> None:
        while not self._stopped.is_set():
            if self._camera.latest() is not None:
                self._sink(ScannerReady())
                return
            self._stopped.wait(0.1)

    # --- ending a search: whoever takes it reports it, so that exactly one end is reported

    def _take(self, job: int | None) -> _Search | None:
        with self._lock:
            search = self._search
            if search is None or (job is not None and search.job != job):
                return None
            self._search = None
        search.end()
        return search

    def _finish(self, job: int, event: ScanEvent) -> bool:
        if self._take(job) is None:
            return False
        self._camera.wipe()
        self._sink(event)
        return True

    # --- the feeder: one thread for one search; it owns the frame memory on this side

    def _feed(self, search: _Search) -> None:
        area = search.memory.map()
        last, seen = -1, time.monotonic()
        try:
            while not search.over.is_set():
                if not search.idle.wait(HANG_SECONDS):
                    self._supervisor.fail()  # reported by _worker_lost
                    return
                if search.over.is_set():
                    return
                if search.back:
                    search.back = False
                    self._camera.wipe()  # a newer frame of the same back
                frame = self._camera.latest()
                if frame is None or frame.sequence == last:
                    if time.monotonic() - seen > CAMERA_LOST_SECONDS:
                        if self._take(search.job) is not None:
                            self._supervisor.send(Cancel(search.job))
                            self._sink(ScanFailed(search.job, DeviceFault.SCANNER_LOST))
                        return
                    search.over.wait(0.01)
                    continue
                last, seen = frame.sequence, time.monotonic()
                search.idle.clear()
                width, height = _hand_over(frame, area)
                self._supervisor.send(Offer(search.job, frame.sequence, width, height))
        finally:
            area.close()
            search.memory.wipe()


def _hand_over(frame: Frame, area: Any) -> tuple[int, int]:
    """Move the frame into the shared memory, thinned out until it fits; nothing of it stays behind."""
    image = frame.image
    while image.size > MAX_FRAME_BYTES:
        image = image[::2, ::2]
    height, width = image.shape[:2]
    np.frombuffer(area, np.uint8, image.size).reshape(image.shape)[:] = image
    frame.image.fill(0)
    return width, height


def _nobody(event: ScanEvent) -> None:
    """Nobody listens before `start`."""
