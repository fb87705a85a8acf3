"""The only door into Qt: any thread posts, the GUI thread receives."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from kiosk.reception.events import Event


class EventBridge(QObject):
    """Create it in the GUI thread. Events arrive in the order posted, one at a time, never nested."""

    _arrived = Signal(object)

    def __init__(self, handler: Callable[[Event], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._handler = handler
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def post(self, event: Event) -> None:
        """From any thread; returns at once."""
        self._arrived.emit(event)

    def close(self) -> None:
        """What arrives from now on, or is on its way, is for nobody: audit and journal are about to be closed."""
        self._handler = lambda _: None

    @Slot(object)
    def _deliver(self, event: Event) -> None:
        self._handler(event)


class QtAlarm(QObject):
    """`kiosk.runtime.loop.Alarm`: one re-armable timer of the GUI thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._action: Callable[[], None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._ring)

    def set(self, seconds: float, action: Callable[[], None]) -> None:
        """Starts from now; what was set before is forgotten."""
        self._action = action
        self._timer.start(max(0, round(seconds * 1000)))

    def clear(self) -> None:
        self._timer.stop()
        self._action = None

    @Slot()
    def _ring(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()
