"""The camera whose pictures another process draws."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import numpy as np
import pytest

from devices.errors import DeviceFault
from devices.simulated.apart import SeparateCamera, SharedFrames, SharedSource


def picture(value: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_the_newest_picture_is_taken_once() -> None:
    frames = SharedFrames.empty(48 * 64 * 3)
    source = SharedSource(frames)
    assert frames.take() is None
    assert source.read() is None
    for value in (1, 2, 3, 4, 5):
        frames.put(picture(value))
    frames.put(picture(6, 24, 32))  # a camera may change its size
    image = source.read()
    assert image is not None
    assert image.shape == (24, 32, 3)
    assert (image == 6).all()
    assert source.read() is None
    frames.wipe()


def test_what_does_not_fit_is_refused() -> None:
    frames = SharedFrames.empty(48 * 64 * 3)
    for wrong in (picture(1, 49, 64), np.zeros((48, 64), np.uint8), np.zeros((48, 64, 4), np.uint8)):
        with pytest.raises(ValueError, match="does not fit"):
            frames.put(wrong)
    frames.wipe()


def test_wiping_empties_what_others_see() -> None:
    frames = SharedFrames.empty(48 * 64 * 3)
    frames.put(picture(7))
    shared = frames.share()
    frames.wipe()
    with shared.secret() as content:
        assert not any(content.view())
    shared.close()


def until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_killed_camera_is_lost() -> None:
    camera = SeparateCamera(None, {"fps": 30})
    camera.start()
    try:
        assert until(lambda: camera.latest() is not None)
        assert camera.pid is not None
        os.kill(camera.pid, signal.SIGKILL)
        assert until(lambda: camera.fault() is DeviceFault.CAMERA_LOST)
    finally:
        camera.stop()
    camera.stop()
