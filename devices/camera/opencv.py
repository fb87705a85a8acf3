"""A camera of this machine, or a video file, through OpenCV."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

# Before OpenCV is loaded: a device that says nothing holds its thread for one second, not for ten.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")

import cv2
import numpy as np

from devices.camera import v4l2
from devices.errors import CameraLost, CameraVirtual
from devices.ports import Image
from devices.stream import CameraStream


class DeviceSource:
    """`device`: "/dev/v4l/by-id/…", a number, a video file, or an image sequence as "name_%04d.png".

    Files play at their own speed and start again at the end; in `production` they are refused, and so are devices
    without a lens behind them. A device that delivers another size than it was asked for is taken as it is.
    """

    def __init__(
        self, device: str, width: int = 640, height: int = 480, fps: int = 30, *, production: bool = False
    ) -> None:
        self._production = production
        self._device = device
        self._size = (width, height)
        self._fps = fps
        self._capture: cv2.VideoCapture | None = None
        self._pause = 0.0

    def open(self) -> None:
        real = self._device.isdigit() or self._device.startswith("/dev/")
        path = f"/dev/video{self._device}" if self._device.isdigit() else self._device
        if real:
            if not os.path.exists(path):  # OpenCV would write its own lines to standard error
                raise CameraLost("no such device")
            v4l2.check(path, production=self._production)
            self._capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
            # One buffer: the newest picture, not the oldest of a queue.
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
            self._capture.set(cv2.CAP_PROP_FPS, self._fps)
        else:
            if self._production:
                raise CameraVirtual("a file")
            if "%" not in path and not os.path.exists(path):
                raise CameraLost("no such file")
            self._capture = cv2.VideoCapture(path)
            self._pause = 1 / (self._capture.get(cv2.CAP_PROP_FPS) or 25.0)
        if not self._capture.isOpened():
            raise CameraLost("not opened")

    def read(self) -> Image | None:
        if self._capture is None:
            return None
        if self._pause:
            time.sleep(self._pause)
        ok, image = self._capture.read()
        if not ok and self._pause:  # the end of a file
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            ok, image = self._capture.read()
        if not ok or image is None or image.ndim != 3:
            return None
        return np.asarray(image, np.uint8)

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


class OpenCvCamera(CameraStream):
    """`ports.Camera`. `options`: `device` (see `DeviceSource`), `width`, `height`, `fps`, `production`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(
            DeviceSource(
                str(options.get("device", "0")),
                int(options.get("width", 640)),
                int(options.get("height", 480)),
                int(options.get("fps", 30)),
                production=bool(options.get("production", False)),
            )
        )
