"""The watchdog and the stream, with time in our hands."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from devices.errors import CameraLost, DeviceFault
from devices.ports import Image
from devices.stream import BLACK_SECONDS, FRESH_SECONDS, FROZEN_SECONDS, CameraStream, Watchdog


def picture(seed: int) -> Image:
    return np.random.default_rng(seed).integers(60, 200, (64, 64, 3), np.uint8)


def test_changing_pictures_are_good() -> None:
    dog = Watchdog()
    for second in range(1, 20):
        dog.see(picture(second), float(second))
        assert dog.bad_for(second) < 0


@pytest.mark.parametrize(("image", "limit"), [(picture(1), FROZEN_SECONDS), (picture(1) * 0, BLACK_SECONDS)])
def test_frozen_and_black_count_from_their_first_picture(image: Image, limit: float) -> None:
    dog = Watchdog()
    dog.see(picture(9), 99.0)
    dog.see(image, 100.0)
    dog.see(image, 100.1)
    assert dog.bad_for(100.0 + limit - 0.1) < 0
    dog.see(image, 100.1 + limit)
    assert dog.bad_for(100.1 + limit) >= 0
    dog.see(picture(2), 110.0)
    assert dog.bad_for(110.0) < 0


class Hand:
    """A source that gives what the test puts in."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.image: Image | None = None
        self.threads: set[str] = set()
        self.missing = False

    def open(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.opened.set()
        if self.missing:
            raise CameraLost("test")

    def read(self) -> Image | None:
        self.threads.add(threading.current_thread().name)
        image, self.image = self.image, None
        return image

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)


def test_an_old_frame_is_no_frame() -> None:
    now = 100.0
    hand = Hand()
    hand.image = picture(1)
    stream = CameraStream(hand, clock=lambda: now)
    stream.start()
    while stream.latest() is None:
        pass
    now += FRESH_SECONDS + 0.1
    assert stream.latest() is None
    assert stream.fault() is DeviceFault.CAMERA_LOST
    stream.stop()
    assert hand.threads == {"camera"}, "the device is opened, read and released on one thread"


def test_wiping_overwrites_the_held_picture() -> None:
    hand = Hand()
    held = hand.image = picture(1)
    stream = CameraStream(hand)
    stream.start()
    while stream.latest() is None:
        pass
    stream.wipe()
    assert not held.any()
    stream.stop()


def test_a_missing_device_is_tried_again() -> None:
    hand = Hand()
    hand.missing = True
    stream = CameraStream(hand)
    stream.start()
    assert hand.opened.wait(5)
    hand.opened.clear()
    hand.missing = False
    hand.image = picture(1)
    assert hand.opened.wait(5)
    stream.stop()
