"""How long the window's thread was kept from its events: what a finger feels as a page that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication


class GapMeter(QObject):
    """A precise timer of 1 ms on the thread that makes it; the time between two of its events is a gap."""

    def __init__(self) -> None:
        super().__init__()
        self._gaps: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin anew."""
        self._gaps.clear()
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> list[float]:
        """The gaps in ms since `start`."""
        self._timer.stop()
        return list(self._gaps)

    @Slot()
    def _tick(self) -> None:
        now = time.perf_counter()
        self._gaps.append((now - self._last) * 1000)
        self._last = now


def weighted(gaps: Sequence[float], share: float = 0.99) -> float:
    """The gap in which the instant at `share` of the time lies, when the time is sorted by the length of its gaps.

    Weighted by duration: a gap of 100 ms counts 100 times one of 1 ms, as it does for a finger that comes at any
    instant. Counted by gaps, 60 stalls of 100 ms among 14,000 ticks of 1 ms would not reach the 99th percentile.
    Raises `ValueError` without gaps.
    """
    if not gaps:
        raise ValueError("no gaps")
    wanted, passed = share * sum(gaps), 0.0
    for gap in sorted(gaps):
        passed += gap
        if passed >= wanted:
            return gap
    return max(gaps)


def serve(seconds: float, ended: threading.Event | None = None) -> list[float]:
    """Run the application's events for `seconds`, or until `ended`; the gaps of that time in ms."""
    meter = GapMeter()
    meter.start()
    attend(seconds, ended)
    return meter.stop()


def attend(seconds: float, ended: threading.Event | None = None) -> None:
    """The same without a measurement, which takes time of its own."""
    application = QApplication.instance()
    assert application is not None
    end = QTimer()
    end.setSingleShot(True)
    end.timeout.connect(application.exit)
    end.start(round(seconds * 1000))
    look = _Look(ended)
    application.exec()
    look.stop()


class _Look(QObject):
    """Ends the application's events once `ended` is set."""

    def __init__(self, ended: threading.Event | None) -> None:
        super().__init__()
        self._ended = ended
        self._timer = QTimer(self)
        self._timer.setInterval(100)
        self._timer.timeout.connect(self._tick)
        if ended is not None:
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    @Slot()
    def _tick(self) -> None:
        application = QApplication.instance()
        if application is not None and self._ended is not None and self._ended.is_set():
            application.exit()
