"""Drawn things: a card, a card on its way to the reader, the paper for those who have no card. No emblem, no logo."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap, QPolygonF, QTransform
from PySide6.QtWidgets import QSizePolicy, QWidget

from kiosk.reception.number import Field
from kiosk.ui.components import CENTRE, LEFT, Beat
from kiosk.ui.pages.base import Kit
from kiosk.ui.theme import Theme
from kiosk.ui.typeset import lay_out

CARD_RATIO = 85.6 / 53.98  # ISO/IEC 7810 ID-1


def _text(
    painter: QPainter, theme: Theme, text: str, rect: QRectF, part: float, colour: str, bold: bool = False
) -> None:
    """One line, `part` of the rect's height tall, shrunk when it is too wide."""
    font = theme.font("body", bold)
    size = max(1, round(rect.height() * part))
    font.setPixelSize(size)
    block = lay_out(text, font, 1e6)
    if block.width > rect.width():
        font.setPixelSize(max(1, int(size * rect.width() / block.width)))
        block = lay_out(text, font, 1e6)
    painter.setPen(theme.colour(colour))
    block.draw(painter, rect, LEFT)


def _figure(painter: QPainter, theme: Theme, rect: QRectF) -> None:
    """Head and shoulders in a photo's frame."""
    painter.save()
    frame = QPainterPath()
    frame.addRoundedRect(rect, rect.width() * 0.07, rect.width() * 0.07)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("key_tint"))
    painter.drawPath(frame)
    painter.setClipPath(frame)
    painter.setBrush(theme.colour("key", 0.45))
    wide = rect.width()
    painter.drawEllipse(QPointF(rect.center().x(), rect.top() + rect.height() * 0.4), wide * 0.21, wide * 0.25)
    painter.drawEllipse(
        QRectF(rect.left() + wide * 0.12, rect.top() + rect.height() * 0.69, wide * 0.76, rect.height() * 0.7)
    )
    painter.restore()


# Where things stand on the card's front, in parts of its width and height.
_PHOTO = QRectF(0.05, 0.22, 0.235, 0.5)
_PLACES = {
    Field.CODE: QRectF(0.05, 0.78, 0.235, 0.13),
    Field.YEAR: QRectF(0.34, 0.52, 0.58, 0.13),
    Field.EXPIRY: QRectF(0.34, 0.74, 0.62, 0.13),
}
_GROUP = {Field.MONTH: Field.YEAR, Field.DAY: Field.YEAR}


def draw_card(
    painter: QPainter, theme: Theme, card: QRectF, specimen: str, patterns: dict[Field, str], highlight: Field | None
) -> None:
    """`patterns`: what stands at a place; nothing of a real card's decoration is shown."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    corner = card.height() * 0.06

    def at(part: QRectF) -> QRectF:
        return QRectF(
            card.left() + part.left() * card.width(),
            card.top() + part.top() * card.height(),
            part.width() * card.width(),
            part.height() * card.height(),
        )

    painter.setPen(Qt.PenStyle.NoPen)
    for grow, alpha in ((7, 0.03), (4, 0.04), (2, 0.05)):
        painter.setBrush(QColor(72, 52, 20, round(255 * alpha)))
        step = theme.px(grow)
        painter.drawRoundedRect(card.adjusted(-step, -step / 2, step, step * 1.2), corner + step, corner + step)
    painter.setBrush(theme.colour("paper"))
    painter.setPen(QPen(theme.colour("key", 0.5), theme.px(2)))
    painter.drawRoundedRect(card, corner, corner)
    band = QPainterPath()
    band.addRoundedRect(card.adjusted(1, 1, -1, -1), corner, corner)
    painter.save()
    painter.setClipPath(band)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("key_tint"))
    painter.drawRect(QRectF(card.left(), card.top(), card.width(), card.height() * 0.155))
    painter.restore()
    _figure(painter, theme, at(_PHOTO))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("line"))
    for part in (QRectF(0.34, 0.25, 0.36, 0.06), QRectF(0.34, 0.37, 0.54, 0.045), QRectF(0.05, 0.055, 0.3, 0.05)):
        bar = at(part)
        painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)
    group = _GROUP.get(highlight, highlight) if highlight is not None else None
    for field, place in _PLACES.items():
        room = at(place)
        if field not in patterns:
            painter.setBrush(theme.colour("line"))
            painter.setPen(Qt.PenStyle.NoPen)
            bar = room.adjusted(0, room.height() * 0.28, -room.width() * 0.2, -room.height() * 0.28)
            painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)
            continue
        if field == group:
            lamp = room.adjusted(-theme.px(10), -theme.px(5), theme.px(10), theme.px(5))
            painter.setBrush(theme.colour("focus"))
            painter.setPen(QPen(theme.colour("key_deep"), theme.px(4)))
            painter.drawRoundedRect(lamp, theme.px(10), theme.px(10))
        _text(painter, theme, patterns[field], room, 0.72, "ink" if field == group else "ink_soft", bold=field == group)
    painter.save()
    mark = at(QRectF(0.72, 0.2, 0.24, 0.2))
    font = theme.font("body", bold=True)
    font.setPixelSize(max(1, round(mark.height() * 0.72)))
    painter.setPen(theme.colour("key", 0.4))
    lay_out(specimen, font, 1e6).draw(painter, mark, CENTRE)
    painter.restore()


class CardFace(QWidget):
    """The specimen card with the place that is asked for, lit."""

    def __init__(self, kit: Kit, height: float) -> None:
        super().__init__()
        self._kit = kit
        self.setMinimumHeight(kit.theme.mm(34))
        self.setMaximumHeight(kit.theme.mm(height))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._field: Field | None = None

    def light(self, field: Field | None) -> None:
        self._field = field
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tall = self.height() - self._kit.theme.px(20)
        wide = tall * CARD_RATIO
        card = QRectF((self.width() - wide) / 2, self._kit.theme.px(6), wide, tall)
        word = self._kit.word
        patterns = {
            Field.YEAR: word("picture.birth_pattern"),
            Field.EXPIRY: word("picture.expiry_pattern"),
            Field.CODE: word("picture.code_pattern"),
        }
        draw_card(painter, self._kit.theme, card, word("ui.specimen"), patterns, self._field)


class _Table:
    """A table top in simple perspective: across -1..1, depth 0 (near) .. 1 (far), height above it."""

    def __init__(self, near: QPointF, tall: float) -> None:
        self._near, self._tall = near, tall

    def at(self, across: float, depth: float, height: float) -> QPointF:
        shrink = 1.0 / (1.0 + 0.42 * depth)
        x = self._near.x() + across * self._tall * 0.58 * shrink
        y = self._near.y() - self._tall * (0.62 * depth * shrink + 0.62 * height * shrink)
        return QPointF(x, y)

    def quad(self, half: float, near: float, far: float, height: float) -> QPolygonF:
        """A flat rectangle: far left, far right, near right, near left."""
        return QPolygonF(
            [
                self.at(-half, far, height),
                self.at(half, far, height),
                self.at(half, near, height),
                self.at(-half, near, height),
            ]
        )

    def front(self, half: float, near: float, height: float) -> QPolygonF:
        """The upright side towards us."""
        return QPolygonF(
            [self.at(-half, near, height), self.at(half, near, height), self.at(half, near, 0), self.at(-half, near, 0)]
        )


class Motion(Enum):
    PUT = "put"
    HOLD = "hold"
    TAKE = "take"


class CardOnReader(QWidget):
    """A card that goes to the reader, stays there, or leaves it."""

    def __init__(self, kit: Kit, motion: Motion, height: float = 60) -> None:
        super().__init__()
        self._kit, self.motion = kit, motion
        self._beat = Beat(self, 3600, self._away)
        self._flat: QPixmap | None = None
        self.setMinimumHeight(kit.theme.mm(height))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def _away(self, at: float) -> float:
        """0: on the reader, 1: away."""
        if self.motion is Motion.HOLD:
            return 0.0
        way = QEasingCurve(QEasingCurve.Type.InOutCubic).valueForProgress(min(1.0, max(0.0, (at - 0.15) / 0.5)))
        return 1.0 - way if self.motion is Motion.PUT else way

    def _distance(self) -> float:
        """Still pictures show the card just above the reader."""
        still = self.motion is not Motion.HOLD and self.window().property("still")
        return 0.55 if still else self._beat.now()

    def _card(self) -> QPixmap:
        """The card, drawn once."""
        if self._flat is None:
            margin = 12
            self._flat = QPixmap(856 + 2 * margin, 540 + 2 * margin)
            self._flat.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._flat)
            rect = QRectF(margin, margin, 856, 539.8)
            draw_card(painter, self._kit.theme, rect, self._kit.word("ui.specimen"), {}, None)
            painter.end()
        return self._flat

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._kit.theme
        tall = min(self.height() / 0.88, self.width() / 1.3)
        view = _Table(QPointF(self.width() / 2, self.height() / 2 + tall * 0.37), tall)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(72, 52, 20, 18))
        painter.drawPolygon(view.quad(0.79, -0.07, 1.04, 0.0))
        # The reader: a low box, its front edge darker than its top.
        painter.setPen(self._edge("key_press"))
        painter.setBrush(theme.colour("key_press"))
        painter.drawPolygon(view.front(0.72, 0.0, 0.13))
        painter.setPen(self._edge("key"))
        painter.setBrush(theme.colour("key"))
        painter.drawPolygon(view.quad(0.72, 0.0, 1.0, 0.13))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("key_deep"))
        painter.drawPolygon(view.quad(0.56, 0.13, 0.88, 0.13))
        lamp = view.at(0, 0.065, 0.13)
        painter.setBrush(theme.colour("focus"))
        painter.drawEllipse(lamp, tall * 0.016, tall * 0.010)
        away = self._distance()
        height = 0.135 + 0.52 * away
        if away > 0:
            painter.setBrush(QColor(0, 20, 26, round(70 * (1 - 0.6 * away))))
            painter.drawPolygon(view.quad(0.5, 0.18, 0.83, 0.131))
        flat = QRectF(0, 0, 856, 539.8)
        corners = QPolygonF([flat.topLeft(), flat.topRight(), flat.bottomRight(), flat.bottomLeft()])
        transform = QTransform()
        if QTransform.quadToQuad(corners, view.quad(0.52, 0.17, 0.84, height), transform):
            painter.save()
            painter.setTransform(transform, True)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(QPointF(-12, -12), self._card())
            painter.restore()
        if self.motion is not Motion.HOLD:
            side = view.at(0.94, 0.5, 0.44)
            self._arrow(painter, QRectF(side.x() - tall * 0.06, side.y() - tall * 0.16, tall * 0.12, tall * 0.32))

    def _edge(self, colour: str) -> QPen:
        """Thick and round, so that the box has soft corners."""
        pen = QPen(self._kit.theme.colour(colour), self._kit.theme.px(22))
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        return pen

    def _arrow(self, painter: QPainter, rect: QRectF) -> None:
        theme = self._kit.theme
        painter.save()
        painter.translate(rect.center())
        if self.motion is Motion.PUT:
            painter.rotate(180)
        wide, tall = rect.width(), rect.height()
        arrow = QPolygonF(
            [
                QPointF(0, -tall / 2),
                QPointF(wide / 2, -tall / 2 + wide * 0.55),
                QPointF(wide * 0.19, -tall / 2 + wide * 0.55),
                QPointF(wide * 0.19, tall / 2),
                QPointF(-wide * 0.19, tall / 2),
                QPointF(-wide * 0.19, -tall / 2 + wide * 0.55),
                QPointF(-wide / 2, -tall / 2 + wide * 0.55),
            ]
        )
        painter.setPen(
            QPen(
                theme.colour("warn"),
                theme.px(3),
                Qt.PenStyle.SolidLine,
                Qt.PenCapStyle.RoundCap,
                Qt.PenJoinStyle.RoundJoin,
            )
        )
        painter.setBrush(theme.colour("warn"))
        painter.drawPolygon(arrow)
        painter.restore()


def draw_paper(painter: QPainter, kit: Kit, rect: QRectF, title_key: str = "picture.paper_title") -> None:
    """A 資格確認書, or another sheet with a title and lines."""
    theme = kit.theme
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    corner = rect.height() * 0.03
    painter.setPen(Qt.PenStyle.NoPen)
    for grow, alpha in ((7, 0.03), (4, 0.04), (2, 0.05)):
        painter.setBrush(QColor(72, 52, 20, round(255 * alpha)))
        step = theme.px(grow)
        painter.drawRoundedRect(rect.adjusted(-step, -step / 2, step, step * 1.2), corner + step, corner + step)
    painter.setBrush(theme.colour("paper"))
    painter.setPen(QPen(theme.colour("line_strong"), theme.px(2)))
    painter.drawRoundedRect(rect, corner, corner)
    title = QRectF(
        rect.left() + rect.width() * 0.1, rect.top() + rect.height() * 0.07, rect.width() * 0.8, rect.height() * 0.14
    )
    _text(painter, theme, kit.word(title_key), title, 0.8, "ink", bold=True)
    painter.setPen(Qt.PenStyle.NoPen)
    for row in range(5):
        top = rect.top() + rect.height() * (0.3 + row * 0.125)
        painter.setBrush(theme.colour("line"))
        painter.drawRoundedRect(
            QRectF(rect.left() + rect.width() * 0.1, top, rect.width() * 0.2, rect.height() * 0.045), 4, 4
        )
        painter.setBrush(theme.colour("line_strong", 0.45))
        wide = (0.46, 0.34, 0.5, 0.4, 0.28)[row]
        painter.drawRoundedRect(
            QRectF(rect.left() + rect.width() * 0.36, top, rect.width() * wide, rect.height() * 0.045), 4, 4
        )


class PaperPicture(QWidget):
    """The 資格確認書 for those who have no card."""

    def __init__(self, kit: Kit, height: float = 0) -> None:
        super().__init__()
        self._kit = kit
        self.setMinimumHeight(kit.theme.mm(height))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tall = self.height() * 0.86
        wide = tall * 0.74
        draw_paper(painter, self._kit, QRectF((self.width() - wide) / 2, self.height() * 0.05, wide, tall))


def draw_phone(painter: QPainter, theme: Theme, rect: QRectF) -> None:
    """A telephone that shows a list."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    corner = rect.width() * 0.13
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("key_press"))
    painter.drawRoundedRect(rect, corner, corner)
    edge = rect.width() * 0.055
    screen = rect.adjusted(edge, edge * 2.6, -edge, -edge * 2.6)
    painter.setBrush(theme.colour("paper"))
    painter.drawRoundedRect(screen, corner * 0.5, corner * 0.5)
    painter.setBrush(theme.colour("key"))
    bar = QRectF(screen.left(), screen.top(), screen.width(), screen.height() * 0.13)
    painter.drawRoundedRect(bar, corner * 0.5, corner * 0.5)
    for row in range(4):
        top = screen.top() + screen.height() * (0.24 + row * 0.18)
        thick = screen.height() * 0.05
        painter.setBrush(theme.colour("key", 0.4))
        painter.drawEllipse(QRectF(screen.left() + screen.width() * 0.1, top - thick * 0.6, thick * 2.2, thick * 2.2))
        painter.setBrush(theme.colour("line_strong", 0.5))
        wide = (0.5, 0.42, 0.54, 0.36)[row]
        painter.drawRoundedRect(
            QRectF(screen.left() + screen.width() * 0.36, top, screen.width() * wide, thick), thick / 2, thick / 2
        )
