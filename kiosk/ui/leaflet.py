"""Parts of the leaflet's pages: one simple drawing each, the page's place, a QR code."""

from __future__ import annotations

from collections.abc import Callable

import segno
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from kiosk.ui.components import paint_icon, paint_sheet
from kiosk.ui.pages.base import Kit
from kiosk.ui.pictures import CARD_RATIO, draw_card, draw_paper, draw_phone
from kiosk.ui.theme import Theme

_ACROSS = 3.3  # a drawing is at most so many times as wide as tall, edges included
QUIET = 4  # modules of white around a QR code (ISO/IEC 18004)


class QrCode(QWidget):
    """Black on white whatever the theme: a camera reads it."""

    def __init__(self, theme: Theme, text: str, millimetres: float) -> None:
        super().__init__()
        self._theme = theme
        self.modules = tuple(tuple(bool(module) for module in row) for row in segno.make_qr(text, error="m").matrix)
        side = theme.mm(millimetres)
        self.setFixedSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        count = len(self.modules) + 2 * QUIET
        pitch = self.width() // count  # whole pixels: sharp edges
        left = (self.width() - pitch * count) // 2 + QUIET * pitch
        painter.fillRect(self.rect(), Qt.GlobalColor.white)
        for row, modules in enumerate(self.modules):
            for column, dark in enumerate(modules):
                if dark:
                    painter.fillRect(left + column * pitch, left + row * pitch, pitch, pitch, Qt.GlobalColor.black)


class Places(QWidget):
    """One dot for each page, the one that is shown longer."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._index, self._total = theme, 0, 1
        self.setFixedHeight(theme.mm(5))

    def show_place(self, index: int, total: int) -> None:
        self._index, self._total = index, total
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        side, gap, wide = self._theme.mm(2.6), self._theme.mm(2.4), self._theme.mm(8)
        left = (self.width() - (self._total - 1) * (side + gap) - wide) / 2
        for place in range(self._total):
            width = wide if place == self._index else side
            painter.setBrush(self._theme.colour("key" if place == self._index else "line_strong", 1.0))
            painter.drawRoundedRect(QRectF(left, (self.height() - side) / 2, width, side), side / 2, side / 2)
            left += width + gap


class LeafletPicture(QWidget):
    """The drawing of a page by its name, on a quiet ground; a page of the institution's own has a plain sign."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit, self._name = kit, ""
        self._drawings: dict[str, Callable[[QPainter, QRectF], None]] = {
            "card": self._card,
            "bring": self._bring,
            "sharing": self._sharing,
            "withdraw": self._withdraw,
            "mynaportal": self._mynaportal,
            "tax": self._tax,
            "high_cost": self._high_cost,
            "job_change": self._job_change,
            "no_my_number": self._no_my_number,
            "costs": self._costs,
            "register": self._register,
        }
        self.setMinimumHeight(kit.theme.mm(44))
        self.setMaximumHeight(kit.theme.mm(84))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def known(self) -> frozenset[str]:
        return frozenset(self._drawings)

    def draw(self, name: str) -> None:
        self._name = name
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._kit.theme
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("key_tint"))
        painter.drawRoundedRect(QRectF(self.rect()), theme.radius("panel"), theme.radius("panel"))
        unit = min(self.height() * 0.76, self.width() / _ACROSS)
        room = QRectF(0, 0, self.width(), unit)
        room.moveCenter(QRectF(self.rect()).center())
        self._drawings.get(self._name, self._plain)(painter, room)

    # --- what drawings are made of ---

    def _at(self, room: QRectF, across: float, wide: float, tall: float) -> QRectF:
        """`across`: centre from -1 to 1 in units of the room's height; sizes in parts of the room's height."""
        rect = QRectF(0, 0, wide * room.height(), tall * room.height())
        rect.moveCenter(QPointF(room.center().x() + across * room.height(), room.center().y()))
        return rect

    def _id_card(self, painter: QPainter, room: QRectF, across: float, tall: float) -> QRectF:
        rect = self._at(room, across, tall * CARD_RATIO, tall)
        draw_card(painter, self._kit.theme, rect, self._kit.word("ui.specimen"), {}, None)
        return rect

    def _disc(
        self, painter: QPainter, room: QRectF, across: float, icon: str, size: float = 0.62, colour: str = "key"
    ) -> None:
        rect = self._at(room, across, size, size)
        painter.setPen(QPen(self._kit.theme.colour(colour, 0.5), self._kit.theme.px(3)))
        painter.setBrush(self._kit.theme.colour("paper"))
        painter.drawEllipse(rect)
        paint_icon(painter, self._kit.theme, icon, colour, rect.adjusted(*(rect.width() * p for p in _INSET)))

    def _arrow(self, painter: QPainter, room: QRectF, across: float, wide: float = 0.3, *, back: bool = False) -> None:
        rect = self._at(room, across, wide, 0.2)
        painter.save()
        painter.translate(rect.center())
        if back:
            painter.rotate(180)
        half, tip = rect.width() / 2, rect.height() / 2
        pen = QPen(self._kit.theme.colour("key"), self._kit.theme.mm(1.3))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawLine(QPointF(-half, 0), QPointF(half, 0))
        painter.drawPolyline(QPolygonF([QPointF(half - tip, -tip), QPointF(half, 0), QPointF(half - tip, tip)]))
        painter.restore()

    # --- the drawings ---

    def _plain(self, painter: QPainter, room: QRectF) -> None:
        self._disc(painter, room, 0, "info", 0.9)

    def _card(self, painter: QPainter, room: QRectF) -> None:
        """The card, and the face that is compared with it."""
        self._id_card(painter, room, -0.7, 0.86)
        self._arrow(painter, room, 0.36)
        self._disc(painter, room, 1.08, "face", 0.72)

    def _bring(self, painter: QPainter, room: QRectF) -> None:
        """The card alone; or the 資格確認書."""
        self._id_card(painter, room, -0.72, 0.8)
        theme = self._kit.theme
        painter.setPen(QPen(theme.colour("line_strong"), theme.px(3), Qt.PenStyle.DashLine))
        middle = room.center().x() + room.height() * 0.2
        painter.drawLine(QPointF(middle, room.top()), QPointF(middle, room.bottom()))
        draw_paper(painter, self._kit, self._at(room, 0.85, 0.98 * 0.74, 0.98))

    def _sharing(self, painter: QPainter, room: QRectF) -> None:
        """Medicines and check-ups go to the people who treat."""
        self._disc(painter, room, -1.1, "medication", 0.6)
        self._disc(painter, room, -0.4, "checkup", 0.6)
        self._arrow(painter, room, 0.18)
        self._disc(painter, room, 0.95, "people", 0.86)

    def _withdraw(self, painter: QPainter, room: QRectF) -> None:
        """Shown, and no longer shown."""
        self._disc(painter, room, -0.75, "eye", 0.72)
        self._arrow(painter, room, 0)
        self._disc(painter, room, 0.75, "eye_off", 0.72, "warn")

    def _mynaportal(self, painter: QPainter, room: QRectF) -> None:
        """A telephone with one's own data."""
        draw_phone(painter, self._kit.theme, self._at(room, 0, 0.56, 1.08))
        self._disc(painter, room, -1.05, "medication", 0.56)
        self._disc(painter, room, 1.05, "checkup", 0.56)

    def _tax(self, painter: QPainter, room: QRectF) -> None:
        """Receipts become a return by themselves."""
        for turn, across in ((-7, -1.0), (4, -0.82)):
            painter.save()
            rect = self._at(room, across, 0.52, 0.76)
            painter.translate(rect.center())
            painter.rotate(turn)
            self._sheet(painter, QRectF(-rect.width() / 2, -rect.height() / 2, rect.width(), rect.height()), 4)
            painter.restore()
        self._arrow(painter, room, -0.1)
        rect = self._at(room, 0.78, 0.78, 0.98)
        self._sheet(painter, rect, 5)
        tick = QRectF(0, 0, rect.width() * 0.5, rect.width() * 0.5)
        tick.moveCenter(QPointF(rect.right() - rect.width() * 0.1, rect.bottom() - rect.width() * 0.16))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._kit.theme.colour("good"))
        painter.drawEllipse(tick)
        self._kit.theme.icon(painter, "check", "paper", tick.adjusted(*(tick.width() * p for p in _INSET)))

    def _sheet(self, painter: QPainter, rect: QRectF, rows: int) -> None:
        """A paper with lines of figures."""
        theme = self._kit.theme
        sheet = paint_sheet(painter, theme, rect, "paper", "line_strong", radius="button", width=2)
        painter.setPen(Qt.PenStyle.NoPen)
        for row in range(rows):
            top = sheet.top() + sheet.height() * (0.16 + 0.72 * row / rows)
            thick = sheet.height() * 0.055
            painter.setBrush(theme.colour("line"))
            painter.drawRoundedRect(QRectF(sheet.left() + sheet.width() * 0.14, top, sheet.width() * 0.3, thick), 4, 4)
            painter.setBrush(theme.colour("key", 0.45))
            painter.drawRoundedRect(QRectF(sheet.left() + sheet.width() * 0.56, top, sheet.width() * 0.3, thick), 4, 4)

    def _high_cost(self, painter: QPainter, room: QRectF) -> None:
        """Columns, a line across them, and what is above the line faded."""
        theme = self._kit.theme
        base, top = room.bottom(), room.top()
        limit = top + room.height() * 0.42
        painter.setPen(Qt.PenStyle.NoPen)
        for place, part in enumerate((0.42, 0.86, 1.0, 0.5)):
            wide = room.height() * 0.3
            left = room.center().x() + (place - 2) * room.height() * 0.5 + room.height() * 0.1
            column = QRectF(left, base - room.height() * part, wide, room.height() * part)
            painter.setBrush(theme.colour("key", 0.22))
            painter.drawRoundedRect(column, 8, 8)
            if column.top() < limit:
                column.setTop(limit)
            painter.setBrush(theme.colour("key"))
            painter.drawRoundedRect(column, 8, 8)
        painter.setPen(QPen(theme.colour("warn"), theme.px(6), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        reach = room.height() * 1.2
        painter.drawLine(QPointF(room.center().x() - reach, limit), QPointF(room.center().x() + reach, limit))

    def _job_change(self, painter: QPainter, room: QRectF) -> None:
        """Two houses, one card."""
        theme = self._kit.theme
        for across, storeys in ((-1.14, 2), (1.14, 3)):
            house = self._at(room, across, 0.62, 0.5 + 0.16 * storeys)
            house.moveBottom(room.bottom())
            painter.setPen(QPen(theme.colour("key", 0.6), theme.px(3)))
            painter.setBrush(theme.colour("paper"))
            painter.drawRoundedRect(house, 8, 8)
            painter.setPen(Qt.PenStyle.NoPen)
            for row in range(storeys):
                for column in range(2):
                    window = QRectF(0, 0, house.width() * 0.24, house.width() * 0.24)
                    window.moveCenter(
                        QPointF(
                            house.left() + house.width() * (0.3 + 0.4 * column),
                            house.top() + house.height() * (0.22 + 0.28 * row * 2 / storeys),
                        )
                    )
                    painter.setBrush(theme.colour("key", 0.35))
                    painter.drawRoundedRect(window, 4, 4)
        self._arrow(painter, room, -0.66, 0.18)
        self._id_card(painter, room, 0, 0.56)
        self._arrow(painter, room, 0.66, 0.18)

    def _no_my_number(self, painter: QPainter, room: QRectF) -> None:
        """Twelve places with a line through them; the chip with a lock."""
        theme = self._kit.theme
        digits = self._at(room, -0.58, 1.56, 0.4)
        paint_sheet(painter, theme, digits, "paper", "line_strong", radius="button", width=2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("ink_soft"))
        for place in range(12):
            x = digits.left() + digits.width() * (0.09 + 0.066 * place + 0.045 * (place // 4))
            painter.drawEllipse(QPointF(x, digits.center().y()), digits.width() * 0.021, digits.width() * 0.021)
        painter.setPen(QPen(theme.colour("warn"), theme.px(8), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(digits.bottomLeft() + QPointF(20, -8), digits.topRight() + QPointF(-20, 8))
        chip = self._at(room, 0.96, 0.78, 0.78)
        painter.setPen(QPen(theme.colour("key_deep"), theme.px(4)))
        for place in range(4):
            for horizontal in (True, False):
                at = (0.2 + 0.2 * place) * chip.width()
                one, other = (
                    (QPointF(chip.left() - 16, chip.top() + at), QPointF(chip.right() + 16, chip.top() + at))
                    if horizontal
                    else (QPointF(chip.left() + at, chip.top() - 16), QPointF(chip.left() + at, chip.bottom() + 16))
                )
                painter.drawLine(one, other)
        painter.setBrush(theme.colour("key"))
        painter.drawRoundedRect(chip, 18, 18)
        inset = chip.width() * 0.22
        theme.icon(painter, "lock", "paper", chip.adjusted(inset, inset, -inset, -inset))

    def _costs(self, painter: QPainter, room: QRectF) -> None:
        """A line that falls."""
        theme = self._kit.theme
        left, right = room.center().x() - room.height() * 1.2, room.center().x() + room.height() * 1.2
        fall = QPainterPath(QPointF(left, room.top() + room.height() * 0.08))
        fall.cubicTo(
            QPointF(left + room.height() * 0.9, room.top()),
            QPointF(right - room.height() * 1.0, room.bottom() - room.height() * 0.12),
            QPointF(right, room.bottom() - room.height() * 0.2),
        )
        under = QPainterPath(fall)
        under.lineTo(right, room.bottom())
        under.lineTo(left, room.bottom())
        under.closeSubpath()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("key", 0.18))
        painter.drawPath(under)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("key"), theme.mm(1.6), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPath(fall)
        painter.setPen(QPen(theme.colour("ink_soft"), theme.px(4), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(left, room.bottom()), QPointF(right, room.bottom()))

    def _register(self, painter: QPainter, room: QRectF) -> None:
        """Three places: this kiosk, a bank's machine, a telephone."""
        for across, icon in ((-1.15, "reader"), (0.0, "keypad"), (1.15, "phone")):
            self._disc(painter, room, across, icon, 0.84)


_INSET = (0.22, 0.22, -0.22, -0.22)
