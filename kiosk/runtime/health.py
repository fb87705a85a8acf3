"""Watches what reports nothing by itself: a camera is asked twice a second, and a change is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

from devices.errors import DeviceFault
from devices.ports import Camera

CAMERA_SECONDS = 0.5


class CameraWatch:
    """`tell` is called on a thread of its own, once per change, with what is wrong; None: the camera works again.

    `looks`: how often in a row it must show nothing. Right after a frame was wiped there is none for a moment.
    """

    def __init__(
        self,
        camera: Camera,
        tell: Callable[[DeviceFault | None], None],
        seconds: float = CAMERA_SECONDS,
        looks: int = 1,
    ) -> None:
        self._camera = camera
        self._looks = looks
        self._tell = tell
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        told: DeviceFault | None = None
        missed = 0
        while not self._stop.wait(self._seconds):
            fault = self._camera.fault()
            missed = 0 if fault is None else missed + 1
            if fault is not told and (fault is None or missed >= self._looks):
                told = fault
                self._tell(fault)
