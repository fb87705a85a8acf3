"""The digit keys and the pad for secrets (暗証番号, staff credential)."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from kiosk.ui.components import CENTRE, Press, paint_sheet
from kiosk.ui.ports import Secret
from kiosk.ui.theme import Theme
from kiosk.ui.typeset import lay_out, phrases

BOUNCE_MS = 120  # one finger's tremble on the same key


class Key(Press):
    """`silent`: looks the same whether pressed or not and has no accessible name, so that nothing tells the digit."""

    def __init__(
        self, theme: Theme, name: str, *, height: float, silent: bool, accent: bool = False, size: str = "lead"
    ) -> None:
        super().__init__(theme, f"key:{name}")
        self._face = name if name.isdigit() else ""
        self._text_size = size
        self._icon = ""
        self._silent, self._accent = silent, accent
        self.setMinimumHeight(theme.mm(height))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def say(self, label: str, icon: str = "") -> None:
        self._face, self._icon = label, icon
        self.setAccessibleName(label)
        self.update()

    @property
    def texts(self) -> tuple[str, ...]:
        return (self._face,)

    def sizeHint(self) -> QSize:
        return QSize(self.theme.mm(24), self.minimumHeight())

    def _size(self) -> str:
        return "key" if self._face.isdigit() else self._text_size

    def clipped(self) -> bool:
        room = self.width() - self.theme.mm(4)
        font = self.theme.font(self._size(), bold=True)
        block = lay_out(self._face, font, max(1, room), leading=1.2)
        torn = any(lay_out(phrase.rstrip(), font, 1e6).width > room for phrase in phrases(self._face))
        return torn or block.width > room or block.height > self.height()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self.theme
        fill, edge, ink = ("key", "key", "paper") if self._accent else ("paper", "line_strong", "ink")
        if not self.isEnabled():
            fill, edge, ink = "disabled", "disabled", "disabled_ink"
        elif self.isDown() and not self._silent:
            fill = "key_press" if self._accent else "key_soft"
        sheet = paint_sheet(
            painter, theme, QRectF(self.rect()), fill, edge, radius="key", shadow=self.isEnabled(), width=1.5
        )
        self.paint_focus(painter, QRectF(self.rect()), theme.radius("key"))
        block = lay_out(
            self._face, theme.font(self._size(), bold=True), max(1, self.width() - theme.mm(4)), leading=1.2
        )
        painter.setPen(theme.colour(ink))
        if self._icon:
            side = theme.mm(6.5)
            top = sheet.center().y() - (side + block.height) / 2
            theme.icon(painter, self._icon, ink, QRectF(sheet.center().x() - side / 2, top, side, side))
            block.draw(painter, QRectF(sheet.left(), top + side, sheet.width(), block.height), CENTRE)
        else:
            block.draw(painter, sheet, CENTRE)


class Bounce:
    """A trembling finger presses one key twice; two keys in a row are meant."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self._since = QElapsedTimer()
        self._last = ""

    def again(self, name: str) -> bool:
        """Is this press of `name` the echo of the one before?"""
        near = self._since.isValid() and self._since.elapsed() < BOUNCE_MS
        if name == self._last and near and not self._widget.window().property("still"):
            return True
        self._last = name
        self._since.start()
        return False


class Keypad(QWidget):
    """1-9, clear, 0, enter. Keys keep their places: a shuffled pad cannot be typed by heart or by touch."""

    digit = Signal(int)
    erase = Signal()
    enter = Signal()

    def __init__(self, theme: Theme, *, key_height: float = 24, silent: bool = False) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.mm(3))
        self._keys: dict[str, Key] = {}
        places = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "clear", "0", "enter"]
        for place, name in enumerate(places):
            key = Key(theme, name, height=key_height, silent=silent and name.isdigit(), accent=name == "enter")
            key.clicked.connect(self._pressed)
            grid.addWidget(key, place // 3, place % 3)
            self._keys[name] = key
        for column in range(3):
            grid.setColumnStretch(column, 1)
        self._bounce = Bounce(self)

    def label(self, clear: str, enter: str) -> None:
        self._keys["clear"].say(clear, "backspace")
        self._keys["enter"].say(enter)

    def allow(self, *, digits: bool, clear: bool, enter: bool) -> None:
        for name, key in self._keys.items():
            key.setEnabled({"clear": clear, "enter": enter}.get(name, digits))

    @Slot()
    def _pressed(self) -> None:
        key = self.sender()
        assert isinstance(key, Key)
        name = key.objectName().removeprefix("key:")
        if self._bounce.again(name):
            return
        if name == "clear":
            self.erase.emit()
        elif name == "enter":
            self.enter.emit()
        else:
            self.digit.emit(int(name))


class Dots(QWidget):
    """How many digits were typed, never which."""

    def __init__(self, theme: Theme, places: int) -> None:
        super().__init__()
        self._theme, self._places, self._filled = theme, places, 0
        self.setFixedHeight(theme.mm(17))

    def fill(self, filled: int) -> None:
        self._filled = filled
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self._theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        count = max(self._places, self._filled)
        gap = theme.mm(3)
        side = min(theme.mm(15), (self.width() - gap * (count - 1)) // count)
        left = (self.width() - count * side - (count - 1) * gap) / 2
        for place in range(count):
            box = QRectF(left + place * (side + gap), (self.height() - theme.mm(15)) / 2, side, theme.mm(15))
            current = place == self._filled
            painter.setBrush(theme.colour("paper"))
            painter.setPen(QPen(theme.colour("key" if current else "line_strong"), theme.px(4 if current else 2)))
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), theme.px(14), theme.px(14))
            if place < self._filled:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.colour("ink"))
                radius = min(theme.mm(2.6), side / 3)
                painter.drawEllipse(QPointF(box.center()), radius, radius)


class PinPad(QWidget):
    """Digits go straight into a wipeable secret; nothing here holds, paints or names them.

    `finished` carries the secret out and forgets it; `forget` overwrites what was typed.
    """

    finished = Signal(object)
    changed = Signal(int)

    def __init__(
        self, theme: Theme, new: Callable[[int], Secret], *, least: int, most: int, key_height: float = 24
    ) -> None:
        super().__init__()
        self._new, self._least, self._most = new, least, most
        self._secret: Secret | None = None
        self._usable = True
        self._complete_elsewhere = True
        self.dots = Dots(theme, places=most if most == least else least)
        self.keys = Keypad(theme, key_height=key_height, silent=True)
        self.keys.digit.connect(self.type_digit)
        self.keys.erase.connect(self.erase)
        self.keys.enter.connect(self.enter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.mm(4))
        column.addWidget(self.dots)
        column.addWidget(self.keys)
        self._show()

    def __len__(self) -> int:
        return 0 if self._secret is None else len(self._secret)

    def __bool__(self) -> bool:
        return True

    def usable(self, usable: bool) -> None:
        """False: keys are off, for instance while a wrong credential has to wait."""
        if not usable:
            self.forget()
        self._usable = usable
        self._show()

    def complete(self, elsewhere: bool) -> None:
        """Enter also waits for something outside the pad, such as a reason."""
        self._complete_elsewhere = elsewhere
        self._show()

    def forget(self) -> None:
        if self._secret is not None:
            self._secret.clear()
            self._secret = None
        self._show()

    @Slot(int)
    def type_digit(self, digit: int) -> None:
        if not self._usable:
            return
        if self._secret is None:
            self._secret = self._new(self._most)
        self._secret.append(ord("0") + digit)
        self._show()

    @Slot()
    def erase(self) -> None:
        if self._secret is not None:
            self._secret.pop()
        self._show()

    @Slot()
    def enter(self) -> None:
        if self._usable and self._complete_elsewhere and self._secret is not None and len(self) >= self._least:
            secret, self._secret = self._secret, None
            self._show()
            self.finished.emit(secret)

    def hideEvent(self, event: QEvent) -> None:
        self.forget()

    def _show(self) -> None:
        typed = len(self)
        self.dots.fill(typed)
        self.keys.allow(
            digits=self._usable and typed < self._most,
            clear=self._usable and typed > 0,
            enter=self._usable and typed >= self._least and self._complete_elsewhere,
        )
        self.changed.emit(typed)
