"""Boxes into which somebody types: what stands in them lives in buffers that can be overwritten."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy

from kiosk.ui.components import CENTRE, LEFT, Press
from kiosk.ui.pages.base import Kit
from kiosk.ui.typeset import lay_out


class Digits:
    """A few ASCII digits that can be overwritten."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def append(self, digit: int) -> None:
        self._bytes.append(ord("0") + digit)

    def pop(self) -> None:
        if self._bytes:
            self._bytes[-1] = 0
            del self._bytes[-1]

    def pad(self, size: int) -> None:
        """5 becomes 05, as printed."""
        while 0 < len(self._bytes) < size:
            self._bytes.insert(0, ord("0"))

    def wipe(self) -> None:
        for index in range(len(self._bytes)):
            self._bytes[index] = 0
        self._bytes.clear()

    @property
    def raw(self) -> bytearray:
        return self._bytes

    def value(self, size: int) -> int | None:
        """The number when all `size` digits are there."""
        if len(self._bytes) != size:
            return None
        total = 0
        for byte in self._bytes:
            total = total * 10 + byte - ord("0")
        return total


class Letters:
    """Up to `most` characters of the basic plane, two bytes each, that can be overwritten."""

    def __init__(self, most: int) -> None:
        self._units = bytearray()
        self.most = most

    def __len__(self) -> int:
        return len(self._units) // 2

    def __iter__(self) -> Iterator[int]:
        """Code points."""
        for at in range(0, len(self._units), 2):
            yield self._units[at] << 8 | self._units[at + 1]

    @property
    def raw(self) -> bytearray:
        return self._units

    def append(self, code: int) -> None:
        if len(self) < self.most:
            self._units.extend((code >> 8, code & 0xFF))

    def last(self) -> int | None:
        return self._units[-2] << 8 | self._units[-1] if self._units else None

    def pop(self) -> None:
        if self._units:
            self._units[-2:] = b"\0\0"
            del self._units[-2:]

    def wipe(self) -> None:
        for index in range(len(self._units)):
            self._units[index] = 0
        self._units.clear()


class Box(Press):
    """A frame on a line; tapping goes back to this field. Nothing of what stands in it is a text of the widget."""

    def __init__(self, kit: Kit, name: str) -> None:
        super().__init__(kit.theme, f"field:{name}")
        self.current = False
        self.doubtful = False
        self.setFixedHeight(kit.theme.mm(20))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def paint_frame(self, painter: QPainter) -> None:
        theme = self.theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = "bad" if self.doubtful else "key" if self.current else "line_strong"
        painter.setBrush(theme.colour("focus", 0.28) if self.current else theme.colour("paper"))
        painter.setPen(QPen(theme.colour(edge), theme.px(5 if self.current or self.doubtful else 2)))
        corner = theme.px(14)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(3, 3, -3, -3), corner, corner)
        self.paint_focus(painter, QRectF(self.rect()), corner)


class DigitBox(Box):
    """Big digits in their places."""

    def __init__(self, kit: Kit, name: str, places: int) -> None:
        super().__init__(kit, name)
        self.digits = Digits()
        self.places = places

    def sizeHint(self) -> QSize:
        return QSize(self.theme.mm(4 + 8.4 * self.places), self.height())

    def shape_for(self, places: int) -> None:
        self.places = places
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self.theme
        self.paint_frame(painter)
        pitch = theme.mm(8.4)
        left = (self.width() - pitch * self.places) / 2
        raw = self.digits.raw
        for place in range(self.places):
            cell = QRectF(left + place * pitch, 0, pitch, self.height())
            if place < len(raw):
                painter.setPen(theme.colour("ink"))
                lay_out(chr(raw[place]), theme.font("digit", bold=True), pitch).draw(painter, cell, CENTRE)
            else:
                painter.setPen(QPen(theme.colour("line_strong"), theme.px(4)))
                base = cell.bottom() - theme.mm(5)
                painter.drawLine(int(cell.left() + theme.px(9)), int(base), int(cell.right() - theme.px(9)), int(base))


class LetterBox(Box):
    """Letters one after the other; many are drawn smaller. `none`: the word for a field that stays empty."""

    def __init__(self, kit: Kit, name: str, most: int) -> None:
        super().__init__(kit, name)
        self.letters = Letters(most)
        self.none = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self.theme
        self.paint_frame(painter)
        edge = theme.mm(3.5)
        room = QRectF(self.rect()).adjusted(edge, 0, -edge, 0)
        if not len(self.letters):
            painter.setPen(theme.colour("ink_soft"))
            lay_out(self.none, theme.font("lead", bold=True), room.width()).draw(painter, room, CENTRE)
            return
        font = theme.font("digit", bold=True)
        widths = [lay_out(chr(code), font, 1e6).width for code in self.letters]
        if sum(widths) > room.width():
            font.setPixelSize(max(1, int(font.pixelSize() * room.width() / sum(widths))))
            widths = [lay_out(chr(code), font, 1e6).width for code in self.letters]
        painter.setPen(theme.colour("ink"))
        left = room.left()
        for code, width in zip(self.letters, widths, strict=True):  # one by one: no text of all of them is made
            lay_out(chr(code), font, 1e6).draw(painter, QRectF(left, 0, width + 1, self.height()), LEFT)
            left += width
