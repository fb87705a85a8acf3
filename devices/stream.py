"""A camera as a stream: one thread takes pictures from a source, the newest one wins, and a watchdog judges them.

Shared by the real and the simulated camera, so that a simulated fault meets the same watchdog as a real one.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Protocol

import numpy as np

from devices.errors import CameraLost, CameraUnfit, DeviceFault
from devices.ports import Frame, Image

FRESH_SECONDS = 1.0
BLACK_SECONDS = 1.0
FROZEN_SECONDS = 1.2
COVERED_REOPEN_SECONDS = 4.0  # black for that long beyond the limit: open the device anew
FROZEN_REOPEN_SECONDS = 0.3  # a driver that is stuck often comes back when it is opened anew
BACK_OFF_SECONDS = (0.25, 0.5, 1.0, 1.5)  # who plugs it in again does not wait longer
SMALLEST = (320, 240)  # long and short side of a picture in which a face can be large enough
_MISSES = 10  # failed reads in a row that mean the device is gone


class Source(Protocol):
    """Where pictures come from. All three are called on the stream's own thread, and only there."""

    def open(self) -> None:
        """Raises `CameraLost`, or the kind of it that says why."""

    def read(self) -> Image | None:
        """The next picture (height x width x 3, BGR), waiting for it; None when there was none."""

    def close(self) -> None:
        """May be called when nothing is open."""


class Watchdog:
    """Says whether pictures still show the world. A sensor is noisy: two equal pictures mean a stuck driver."""

    def __init__(self) -> None:
        self._last: Image | None = None
        self.reset()

    def reset(self) -> None:
        """The device was opened anew."""
        self._black_since: float | None = None
        self._same_since: float | None = None
        self._forget()

    def see(self, image: Image, now: float) -> None:
        sample = image[::16, ::16].copy()
        black = float(sample.mean()) < 4 and float(sample.std()) < 3
        same = self._last is not None and np.array_equal(self._last, sample)
        self._black_since = (self._black_since or now) if black else None
        self._same_since = (self._same_since or now) if same else None
        self._forget()
        self._last = sample

    def fault(self, now: float) -> DeviceFault | None:
        """CAMERA_COVERED or CAMERA_FROZEN once the picture has been black or the same for too long."""
        if self._black_since is not None and now - self._black_since >= BLACK_SECONDS:
            return DeviceFault.CAMERA_COVERED
        if self._same_since is not None and now - self._same_since >= FROZEN_SECONDS:
            return DeviceFault.CAMERA_FROZEN
        return None

    def hopeless(self, now: float) -> bool:
        """It has gone on for so long that the device is to be opened anew."""
        match self.fault(now):
            case DeviceFault.CAMERA_COVERED:
                assert self._black_since is not None
                return now - self._black_since >= BLACK_SECONDS + COVERED_REOPEN_SECONDS
            case DeviceFault.CAMERA_FROZEN:
                assert self._same_since is not None
                return now - self._same_since >= FROZEN_SECONDS + FROZEN_REOPEN_SECONDS
            case _:
                return False

    def _forget(self) -> None:
        if self._last is not None:
            self._last.fill(0)
            self._last = None


def passing(image: Image) -> Image:
    """The same pixels as a picture that is overwritten when its last user lets it go, on that user's thread (0.05 ms
    at 640 x 480). Whoever cuts a piece out of it keeps the whole. Pictures that were only freed were found in the
    kiosk's heap seconds after their reception."""
    seen = image.view()
    weakref.finalize(seen, image.fill, 0).atexit = False
    return seen


class CameraStream:
    """`ports.Camera` over a `Source`. The device is opened, read and released on the stream's thread."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: Frame | None = None
        self._fault: DeviceFault | None = DeviceFault.CAMERA_LOST  # why `latest` is none, unless it is only old
        self._sequence = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
            self._thread.start()

    def latest(self) -> Frame | None:
        with self._lock:
            frame, fault = self._newest, self._fault
        if frame is None or fault is not None or self._clock() - frame.at > FRESH_SECONDS:
            return None
        return frame

    def fault(self) -> DeviceFault | None:
        if self.latest() is not None:
            return None
        with self._lock:
            return self._fault or DeviceFault.CAMERA_LOST

    def wipe(self) -> None:
        with self._lock:
            frame, self._newest = self._newest, None
        if frame is not None:
            frame.image.fill(0)

    def stop(self) -> None:
        """Waits for the thread, which releases the device; not for one that hangs in the driver."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=5)
        self.wipe()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self._source.open()
                if self._read():
                    failures = 0
            except CameraLost as error:
                with self._lock:
                    self._fault = error.fault
            finally:
                self._source.close()
            self._stop.wait(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])
            failures += 1

    def _read(self) -> bool:
        """Read until the device is gone or useless. True when at least one useful picture came.

        Raises `CameraUnfit` for pictures that are too small."""
        watchdog = Watchdog()
        misses, useful = 0, False
        while not self._stop.is_set():
            image = self._source.read()
            if image is None:
                misses += 1
                if misses >= _MISSES:
                    with self._lock:
                        self._fault = DeviceFault.CAMERA_LOST
                    return useful
                self._stop.wait(0.02)
                continue
            misses = 0
            if image.ndim != 3 or max(image.shape[:2]) < SMALLEST[0] or min(image.shape[:2]) < SMALLEST[1]:
                image.fill(0)
                raise CameraUnfit("size")
            now = self._clock()
            watchdog.see(image, now)
            fault = watchdog.fault(now)
            useful |= fault is None
            with self._lock:
                self._sequence += 1
                self._newest, self._fault = Frame(passing(image), now, self._sequence), fault
            if watchdog.hopeless(now):
                return useful
        return useful
