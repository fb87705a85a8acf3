"""A camera as a stream: one thread takes pictures from a source, the newest one wins, and a watchdog judges them.

Shared by the real and the simulated camera, so that a simulated fault meets the same watchdog as a real one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from devices.errors import CameraLost, DeviceFault
from devices.ports import Frame, Image

FRESH_SECONDS = 1.0
BLACK_SECONDS = 1.0
FROZEN_SECONDS = 2.0
REOPEN_SECONDS = 4.0  # black or frozen for that long: open the device anew
BACK_OFF_SECONDS = (0.25, 0.5, 1.0, 2.0, 5.0)
_MISSES = 10  # failed reads in a row that mean the device is gone


class Source(Protocol):
    """Where pictures come from. All three are called on the stream's own thread, and only there."""

    def open(self) -> None:
        """Raises `CameraLost`."""

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

    def bad_for(self, now: float) -> float:
        """Seconds beyond which the picture has been black or frozen for too long; negative while all is well."""
        black = -1.0 if self._black_since is None else now - self._black_since - BLACK_SECONDS
        frozen = -1.0 if self._same_since is None else now - self._same_since - FROZEN_SECONDS
        return max(black, frozen)

    def _forget(self) -> None:
        if self._last is not None:
            self._last.fill(0)
            self._last = None


class CameraStream:
    """`ports.Camera` over a `Source`. The device is opened, read and released on the stream's thread."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: Frame | None = None
        self._bad = False
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
            frame, bad = self._newest, self._bad
        if frame is None or bad or self._clock() - frame.at > FRESH_SECONDS:
            return None
        return frame

    def fault(self) -> DeviceFault | None:
        return DeviceFault.CAMERA_LOST if self.latest() is None else None

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
            except CameraLost:
                pass
            finally:
                self._source.close()
            self._stop.wait(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])
            failures += 1

    def _read(self) -> bool:
        """Read until the device is gone or useless. True when at least one useful picture came."""
        watchdog = Watchdog()
        misses, useful = 0, False
        while not self._stop.is_set():
            image = self._source.read()
            if image is None:
                misses += 1
                if misses >= _MISSES:
                    return useful
                self._stop.wait(0.02)
                continue
            misses = 0
            now = self._clock()
            watchdog.see(image, now)
            late = watchdog.bad_for(now)
            useful |= late < 0
            with self._lock:
                self._sequence += 1
                self._newest, self._bad = Frame(image, now, self._sequence), late >= 0
            if late >= REOPEN_SECONDS:
                return useful
        return useful
