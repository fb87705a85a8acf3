"""A scripted camera above the tray, the scanner over a real process, and someone who listens."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from devices.errors import DeviceFault
from devices.ports import Frame, Image, NumberScanned, ScanEvent, ScanFailed, ScanHint, ScanHinted, ScannerReady
from devices.scanner.scanner import SupervisedCardFaceScanner
from devices.supervisor import Launcher, ProcessWorker
from tests.helpers.printed_cards import TODAY


class ScriptedCamera:
    """`ports.Camera` that plays pictures in a loop, each as a new frame; `pictures` empty: no frames.

    `stuck`: the same picture without noise, under new numbers, as a driver that hangs delivers it.
    """

    def __init__(self) -> None:
        self.pictures: list[Image] = []
        self.stuck = False
        self.wiped = 0
        self.given: list[Image] = []
        self._sequence = 0
        self._noise = np.random.default_rng(4)

    def latest(self) -> Frame | None:
        if not self.pictures:
            return None
        self._sequence += 1
        image = self.pictures[0 if self.stuck else self._sequence % len(self.pictures)].copy()
        if not self.stuck:
            image[::4, ::4] ^= self._noise.integers(0, 4, image[::4, ::4].shape, np.uint8)
        self.given = [*self.given[-3:], image]
        return Frame(image, time.monotonic(), self._sequence)

    def start(self) -> None: ...

    def fault(self) -> DeviceFault | None:
        return None if self.pictures else DeviceFault.CAMERA_LOST

    def wipe(self) -> None:
        self.wiped += 1

    def stop(self) -> None: ...


class Listener:
    """Collects what the scanner says."""

    def __init__(self) -> None:
        self._events: queue.Queue[ScanEvent] = queue.Queue()
        self.hints: list[tuple[ScanHint, float]] = []

    def __call__(self, event: ScanEvent) -> None:
        self._events.put(event)

    def end(self, job: int) -> bytes | ScanFailed:
        """How `job` ended: the number, or why there is none. Its hints are kept in `hints`."""
        self.hints = []
        while True:
            event = self._events.get(timeout=90)
            if isinstance(event, ScanHinted):
                assert event.job == job, "a hint of another search"
                self.hints.append((event.hint, time.monotonic()))
            if isinstance(event, NumberScanned):
                assert event.job == job, "the end of another search"
                with event.number as blob, blob.secret() as secret:
                    return bytes(secret.view())
            if isinstance(event, ScanFailed):
                assert event.job == job, "the end of another search"
                return event

    def ready(self) -> None:
        while not isinstance(self._events.get(timeout=60), ScannerReady):
            pass

    def hint(self, job: int, wanted: ScanHint) -> None:
        while True:
            event = self._events.get(timeout=60)
            assert isinstance(event, ScanHinted | ScannerReady), "the search ended"
            if isinstance(event, ScanHinted) and (event.job, event.hint) == (job, wanted):
                return

    def quiet(self, seconds: float) -> bool:
        try:
            self._events.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def drop(self) -> None:
        while not self._events.empty():
            self._events.get()


class Desk:
    """Camera, scanner and listener together."""

    def __init__(self, options: Mapping[str, Any], launcher: Launcher = ProcessWorker) -> None:
        self.camera = ScriptedCamera()
        self.listener = Listener()
        self.scanner = SupervisedCardFaceScanner(self.camera, {"today": TODAY.isoformat(), **options}, launcher)
        self._job = 0

    def start(self, pictures: list[Image]) -> None:
        self.camera.pictures = pictures
        self.scanner.start(self.listener)
        self.listener.ready()

    def begin(self, pictures: list[Image] | None = None) -> int:
        if pictures is not None:
            self.camera.pictures = pictures
        self._job += 1
        self.scanner.begin(self._job)
        return self._job
