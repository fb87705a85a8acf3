"""The watchdog and the stream, with time in our hands."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from devices.errors import CameraBusy, CameraDenied, CameraLost, CameraVirtual, DeviceFault
from devices.ports import Image
from devices.stream import (
    BLACK_SECONDS,
    COVERED_REOPEN_SECONDS,
    FRESH_SECONDS,
    FROZEN_REOPEN_SECONDS,
    FROZEN_SECONDS,
    CameraStream,
    Watchdog,
)


def picture(seed: int) -> Image:
    return np.random.default_rng(seed).integers(60, 200, (240, 320, 3), np.uint8)


def test_changing_pictures_are_good() -> None:
    dog = Watchdog()
    for second in range(1, 20):
        dog.see(picture(second), float(second))
        assert dog.fault(second) is None


@pytest.mark.parametrize(
    ("image", "limit", "fault", "patience"),
    [
        (picture(1), FROZEN_SECONDS, DeviceFault.CAMERA_FROZEN, FROZEN_REOPEN_SECONDS),
        (picture(1) * 0, BLACK_SECONDS, DeviceFault.CAMERA_COVERED, COVERED_REOPEN_SECONDS),
    ],
)
def test_frozen_and_black_count_from_their_first_picture(
    image: Image, limit: float, fault: DeviceFault, patience: float
) -> None:
    dog = Watchdog()
    dog.see(picture(9), 99.0)
    dog.see(image, 100.0)
    dog.see(image, 100.1)
    assert dog.fault(100.0 + limit - 0.1) is None
    dog.see(image, 100.1 + limit)
    assert dog.fault(100.1 + limit) is fault
    assert not dog.hopeless(100.1 + limit)
    assert dog.hopeless(100.2 + limit + patience)
    dog.see(picture(2), 110.0)
    assert dog.fault(110.0) is None
    assert not dog.hopeless(110.0)


class Hand:
    """A source that gives what the test puts in."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.image: Image | None = None
        self.threads: set[str] = set()
        self.error: CameraLost | None = None

    def open(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.opened.set()
        if self.error is not None:
            raise self.error

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
    hand.error = CameraLost("test")
    stream = CameraStream(hand)
    stream.start()
    assert hand.opened.wait(5)
    hand.opened.clear()
    hand.error = None
    hand.image = picture(1)
    assert hand.opened.wait(5)
    stream.stop()


@pytest.mark.parametrize(
    "error", [CameraBusy("t"), CameraDenied("t"), CameraVirtual("t")], ids=lambda error: error.fault
)
def test_why_it_could_not_be_opened_is_told_until_it_can(error: CameraLost) -> None:
    hand = Hand()
    hand.error = error
    stream = CameraStream(hand)
    stream.start()
    while stream.fault() is not error.fault:
        assert stream.latest() is None
    hand.error = None
    hand.image = picture(1)
    while stream.latest() is None:
        pass
    assert stream.fault() is None
    stream.stop()


@pytest.mark.parametrize(
    ("shape", "fit"), [((120, 160), False), ((239, 800), False), ((240, 320), True), ((480, 270), True)]
)
def test_pictures_of_another_size_are_taken_if_they_are_of_use(shape: tuple[int, int], fit: bool) -> None:
    hand = Hand()
    stream = CameraStream(hand)
    stream.start()
    draw = np.random.default_rng(3)
    while stream.latest() is None and stream.fault() is not DeviceFault.CAMERA_UNFIT:
        hand.image = draw.integers(60, 200, (*shape, 3), np.uint8)
    assert (stream.fault() is None) == fit
    stream.stop()
