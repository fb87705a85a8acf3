"""What to do with a card that a camera is to read: drawn, one picture for each hint. No emblem, no logo."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QLinearGradient, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from kiosk.ui.components import CENTRE, Beat, there_and_back
from kiosk.ui.pages.base import Kit
from kiosk.ui.pictures import CARD_RATIO, draw_card
from kiosk.ui.theme import Theme
from kiosk.ui.typeset import lay_out


class ScanPicture(QWidget):
    """The card as it lies and what to do with it; `hint` is a word of ScanHint."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._hint = ""
        self._beat = Beat(self, 3200, there_and_back)
        self.setMinimumHeight(kit.theme.mm(70))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_hint(self, hint: str) -> None:
        if hint != self._hint:
            self._hint = hint
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        match self._hint:
            case "face_down":
                self._turn(painter)
            case "other_card":
                self._alone(painter)
            case "unclear" | "still":
                self._move(painter)
            case "no_card":
                self._place(painter)
            case _:
                self._read(painter)

    def _now(self) -> float:
        """Still pictures show the middle of the movement."""
        return 0.5 if self.window().property("still") else self._beat.now()

    def _room(self, wide: float, across: float = 0.5, down: float = 0.5) -> QRectF:
        """A card of `wide` parts of the width, its middle at these parts; never taller than the widget."""
        width = min(self.width() * wide, self.height() * 0.8 * CARD_RATIO)
        height = width / CARD_RATIO
        middle = QPointF(self.width() * across, self.height() * down)
        return QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)

    def _front(self, painter: QPainter, card: QRectF) -> None:
        draw_card(painter, self._kit.theme, card, self._kit.word("ui.specimen"), {}, None)

    def _caption(self, painter: QPainter, card: QRectF, key: str, colour: str) -> None:
        """The name of a side, below it."""
        theme = self._kit.theme
        painter.setPen(theme.colour(colour))
        room = QRectF(card.left(), card.bottom() + theme.mm(2), card.width(), theme.mm(11))
        lay_out(self._kit.word(key), theme.font("heading", bold=True), 1e6).draw(painter, room, CENTRE)

    # --- one for each hint ---

    def _turn(self, painter: QPainter) -> None:
        """As it lies, and as it should lie."""
        theme = self._kit.theme
        below, above = self._room(0.42, 0.22), self._room(0.42, 0.78)
        draw_back(painter, theme, below)
        self._front(painter, above)
        self._caption(painter, below, "picture.back", "warn")
        self._caption(painter, above, "picture.front", "good")
        lift = theme.mm(3) * (self._now() - 0.5)
        top = min(below.top(), above.top()) - theme.mm(3) - lift
        path = QPainterPath(QPointF(below.center().x(), top))
        path.cubicTo(
            QPointF(below.center().x() + self.width() * 0.06, top - theme.mm(20)),
            QPointF(above.center().x() - self.width() * 0.06, top - theme.mm(20)),
            QPointF(above.center().x(), top - theme.mm(5)),
        )
        self._stroke(painter, path)
        tip = QPointF(above.center().x(), top)
        _head(painter, theme, tip, QPointF(0.25, 1.0))

    def _alone(self, painter: QPainter) -> None:
        """Away with what lies on it."""
        theme = self._kit.theme
        card = self._room(0.56, 0.42, 0.54)
        self._front(painter, card)
        aside = card.translated(card.width() * (0.34 + 0.1 * self._now()), -card.height() * 0.34)
        painter.save()
        painter.translate(aside.center())
        painter.rotate(9)
        painter.setPen(QPen(theme.colour("line_strong"), theme.px(3), Qt.PenStyle.DashLine))
        painter.setBrush(theme.colour("disabled", 0.9))
        painter.drawRoundedRect(
            QRectF(-aside.width() / 2, -aside.height() / 2, aside.width(), aside.height()),
            aside.height() * 0.06,
            aside.height() * 0.06,
        )
        painter.restore()
        start = aside.center()
        path = QPainterPath(start)
        end = start + QPointF(card.width() * 0.3, -card.height() * 0.2)
        path.lineTo(end)
        self._stroke(painter, path)
        _head(painter, theme, end, end - start)

    def _move(self, painter: QPainter) -> None:
        """The way the card may go, and the reflection on it that is in the way."""
        theme = self._kit.theme
        card = self._room(0.62, 0.5, 0.44).translated(theme.mm(8) * (self._now() - 0.5), 0)
        self._front(painter, card)
        if self._hint == "unclear":
            self._shine(painter, card)
        level = card.bottom() + theme.mm(13)
        reach = card.width() * 0.26
        middle = self.width() / 2
        path = QPainterPath(QPointF(middle - reach, level))
        path.lineTo(QPointF(middle + reach, level))
        self._stroke(painter, path)
        for side in (-1.0, 1.0):
            _head(painter, theme, QPointF(middle + side * (reach + theme.mm(4)), level), QPointF(side, 0))

    def _shine(self, painter: QPainter, card: QRectF) -> None:
        theme = self._kit.theme
        shine = QLinearGradient(card.topLeft(), card.bottomRight())
        for at, alpha in ((0.0, 0.0), (0.38, 0.0), (0.47, 0.95), (0.58, 0.95), (0.68, 0.0), (1.0, 0.0)):
            shine.setColorAt(at, theme.colour("focus", alpha))
        painter.save()
        shape = QPainterPath()
        shape.addRoundedRect(card, card.height() * 0.06, card.height() * 0.06)
        painter.setClipPath(shape)
        painter.fillRect(card, shine)
        painter.restore()

    def _place(self, painter: QPainter) -> None:
        """An empty place, and the card on its way to it."""
        theme = self._kit.theme
        place = self._room(0.56, 0.5, 0.56)
        pen = QPen(theme.colour("key"), theme.px(4), Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(theme.colour("key_tint"))
        corner = place.height() * 0.06
        edge = theme.mm(5)
        painter.drawRoundedRect(place.adjusted(-edge, -edge, edge, edge), corner * 2, corner * 2)
        self._front(painter, place.translated(0, -theme.mm(12) * (1 - self._now())))

    def _read(self, painter: QPainter) -> None:
        """The card, and a light that wanders over it."""
        theme = self._kit.theme
        card = self._room(0.72)
        self._front(painter, card)
        painter.save()
        shape = QPainterPath()
        shape.addRoundedRect(card, card.height() * 0.06, card.height() * 0.06)
        painter.setClipPath(shape)
        tall = card.height() * 0.26
        top = card.top() - tall / 2 + card.height() * self._now()
        light = QLinearGradient(QPointF(0, top), QPointF(0, top + tall))
        for at, alpha in ((0.0, 0.0), (0.5, 0.55), (1.0, 0.0)):
            light.setColorAt(at, theme.colour("key", alpha))
        painter.fillRect(QRectF(card.left(), top, card.width(), tall), light)
        painter.restore()
        frame = card.adjusted(-theme.mm(4), -theme.mm(4), theme.mm(4), theme.mm(4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(theme.colour("good"), theme.px(9))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        arm = theme.mm(10)
        for x, along in ((frame.left(), arm), (frame.right(), -arm)):
            for y, down in ((frame.top(), arm), (frame.bottom(), -arm)):
                painter.drawPolyline(QPolygonF([QPointF(x + along, y), QPointF(x, y), QPointF(x, y + down)]))

    def _stroke(self, painter: QPainter, path: QPainterPath) -> None:
        pen = QPen(self._kit.theme.colour("warn"), self._kit.theme.px(14))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)


def _head(painter: QPainter, theme: Theme, tip: QPointF, way: QPointF) -> None:
    """The head of an arrow that points along `way`."""
    length = (way.x() ** 2 + way.y() ** 2) ** 0.5
    along = QPointF(way.x() / length, way.y() / length)
    across = QPointF(-along.y(), along.x())
    long, wide = theme.mm(7), theme.mm(4.5)
    back = tip - along * long
    painter.setPen(QPen(theme.colour("warn"), theme.px(3), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(theme.colour("warn"))
    painter.drawPolygon(QPolygonF([tip, back + across * wide, back - across * wide]))


def draw_back(painter: QPainter, theme: Theme, card: QRectF) -> None:
    """The side with the stripe, as far as one knows it by: no number, no code."""
    corner = card.height() * 0.06
    painter.setPen(QPen(theme.colour("key", 0.5), theme.px(2)))
    painter.setBrush(theme.colour("paper"))
    painter.drawRoundedRect(card, corner, corner)
    painter.save()
    shape = QPainterPath()
    shape.addRoundedRect(card.adjusted(1, 1, -1, -1), corner, corner)
    painter.setClipPath(shape)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("ink_soft"))
    painter.drawRect(QRectF(card.left(), card.top() + card.height() * 0.07, card.width(), card.height() * 0.15))
    chip = QRectF(card.left() + card.width() * 0.09, card.top() + card.height() * 0.36, 0, 0)
    chip.setSize(QRectF(0, 0, card.width() * 0.15, card.height() * 0.21).size())
    painter.setBrush(theme.colour("focus"))
    painter.setPen(QPen(theme.colour("ink_soft"), theme.px(2)))
    painter.drawRoundedRect(chip, corner / 2, corner / 2)
    painter.drawLine(QPointF(chip.left(), chip.center().y()), QPointF(chip.right(), chip.center().y()))
    painter.drawLine(QPointF(chip.center().x(), chip.top()), QPointF(chip.center().x(), chip.bottom()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("line"))
    for part in (0.36, 0.5):
        bar = QRectF(card.left() + card.width() * 0.32, card.top() + card.height() * part, 0, 0)
        bar.setSize(QRectF(0, 0, card.width() * (0.5 if part < 0.4 else 0.36), card.height() * 0.06).size())
        painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)
    painter.restore()
