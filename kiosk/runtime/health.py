"""Watches what reports nothing by itself: the camera is asked twice a second, and a change becomes an event."""

from __future__ import annotations

import threading
from collections.abc import Callable

from devices.ports import Camera
from kiosk.reception.events import CameraChanged

CAMERA_SECONDS = 0.5


class CameraWatch:
    """`post` is called on a thread of its own, once per change."""

    def __init__(self, camera: Camera, post: Callable[[CameraChanged], None], seconds: float = CAMERA_SECONDS) -> None:
        self._camera = camera
        self._post = post
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        works = True
        while not self._stop.wait(self._seconds):
            now = self._camera.fault() is None
            if now != works:
                works = now
                self._post(CameraChanged(works))
