"""A scripted camera, the verifier over a real face process, and someone who listens."""

from __future__ import annotations

import functools
import queue
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from devices.errors import DeviceFault
from devices.face.verifier import SupervisedFaceVerifier
from devices.ports import FaceDecided, FaceEvent, FaceFailed, FaceGuidance, FaceWorkerReady, Frame, Image
from devices.simulated.faces import Face, render


class ScriptedCamera:
    """`ports.Camera` that plays pictures in a loop, each as a new frame; `pictures` empty: no frames."""

    def __init__(self) -> None:
        self.pictures: list[Image] = []
        self._sequence = 0
        self._noise = np.random.default_rng(4)
        self.stuck = False

    def latest(self) -> Frame | None:
        if not self.pictures:
            return None
        self._sequence += 1
        image = self.pictures[self._sequence % len(self.pictures)].copy()
        if not self.stuck:  # no two frames of a working sensor are equal
            image[::8, ::8] ^= self._noise.integers(0, 4, image[::8, ::8].shape, np.uint8)
        return Frame(image, time.monotonic(), self._sequence)

    def start(self) -> None: ...

    def fault(self) -> DeviceFault | None:
        return None if self.pictures else DeviceFault.CAMERA_LOST

    def wipe(self) -> None: ...

    def stop(self) -> None: ...


class Listener:
    """Collects what the verifier says."""

    def __init__(self) -> None:
        self._events: queue.Queue[FaceEvent] = queue.Queue()
        self.hints: list[str] = []

    def __call__(self, event: FaceEvent) -> None:
        self._events.put(event)

    def end(self, job: int) -> FaceDecided | FaceFailed:
        """The end of attempt `job`; its hints are kept in `hints`."""
        self.hints = []
        while True:
            event = self._events.get(timeout=60)
            if isinstance(event, FaceGuidance) and event.job == job:
                self.hints.append(str(event.hint))
            if isinstance(event, FaceDecided | FaceFailed):
                assert event.job == job, "the end of another attempt"
                return event

    def ready(self) -> str:
        while True:
            event = self._events.get(timeout=60)
            if isinstance(event, FaceWorkerReady):
                return event.engine

    def hint(self, job: int) -> str:
        while True:
            event = self._events.get(timeout=60)
            if isinstance(event, FaceGuidance) and event.job == job:
                return str(event.hint)

    def quiet(self, seconds: float) -> bool:
        try:
            self._events.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


class Booth:
    """Camera, verifier and listener together."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.camera = ScriptedCamera()
        self.listener = Listener()
        self.verifier = SupervisedFaceVerifier(self.camera, options)
        self.verifier.start(self.listener)
        self.engine = self.listener.ready()
        self._job = 0

    def job(self) -> int:
        self._job += 1
        return self._job


@functools.cache
def live(seed: int, light: float = 1.0) -> list[Image]:
    """A person at the kiosk, three ways of looking into the camera, in another light than on the photo."""
    return [
        render(
            Face(seed),
            (640, 480),
            yaw=yaw,
            pitch=pitch,
            unit=120,
            centre=(320, 235),
            background=(190, 196, 200),
            light=light,
        )
        for yaw, pitch in ((-5, 2), (1, -2), (6, 3))
    ]
