"""A camera that reports nothing by itself is watched, and a moment without a picture is no loss."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from devices import ports as d
from devices.errors import DeviceFault
from kiosk.runtime.health import CameraWatch

LOST, BUSY = DeviceFault.CAMERA_LOST, DeviceFault.CAMERA_BUSY


class Camera:
    """Says one thing after the other whenever it is asked, and the last for ever."""

    def __init__(self, *faults: DeviceFault | None) -> None:
        self._faults: Iterator[DeviceFault | None] = chain(faults, repeat(faults[-1]))

    def start(self) -> None: ...

    def latest(self) -> d.Frame | None:
        return None

    def fault(self) -> DeviceFault | None:
        return next(self._faults)

    def wipe(self) -> None: ...

    def stop(self) -> None: ...


@pytest.mark.parametrize(
    ("faults", "looks", "told"),
    [
        ((None, LOST, LOST, None), 1, [LOST, None]),
        ((None, LOST, None, LOST, LOST, LOST, None), 3, [LOST, None]),
        ((LOST, LOST, None, LOST, LOST, None), 3, []),
        ((LOST,), 3, [LOST]),
        ((None, BUSY, BUSY, LOST, None), 1, [BUSY, LOST, None]),
    ],
)
def test_changes_are_told_once(
    faults: tuple[DeviceFault | None, ...], looks: int, told: list[DeviceFault | None]
) -> None:
    heard: queue.SimpleQueue[DeviceFault | None] = queue.SimpleQueue()
    camera = Camera(*faults)
    watch = CameraWatch(camera, heard.put, seconds=0.001, looks=looks)
    watch.start()
    try:
        assert [heard.get(timeout=10) for _ in told] == told
        with pytest.raises(queue.Empty):
            heard.get(timeout=0.2)
    finally:
        watch.stop()
