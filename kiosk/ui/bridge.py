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

    @Slot(object)
    def _deliver(self, event: Event) -> None:
        self._handler(event)


class GuiTimer(QObject):
    """One re-armable timer of the GUI thread: the reception's deadline."""

    def __init__(self, handler: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._handler = handler
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._fire)

    def arm(self, seconds: float) -> None:
        """Starts again from now; what was armed before is forgotten."""
        self._timer.start(max(0, round(seconds * 1000)))

    def disarm(self) -> None:
        self._timer.stop()

    @Slot()
    def _fire(self) -> None:
        self._handler()
