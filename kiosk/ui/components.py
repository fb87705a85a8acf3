"""What pages are made of: words, panels, buttons, icons, progress. Painted by hand, so that every size is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypedDict, Unpack

from PySide6.QtCore import (
    QEasingCurve,
    QElapsedTimer,
    QEvent,
    QRectF,
    QSize,
    Qt,
    QVariantAnimation,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from kiosk.reception.view import Action, Weight
from kiosk.ui.theme import Theme
from kiosk.ui.typeset import Block, lay_out

LEFT = Qt.AlignmentFlag.AlignLeft
CENTRE = Qt.AlignmentFlag.AlignHCenter
TOP = Qt.AlignmentFlag.AlignTop

FRAME_MS = 40
SETTLE_MS = 350  # a second tap of a double tap must not press what the next page shows


def grow_with_text(widget: QWidget) -> None:
    """As tall as its texts need at the width it gets, and no taller."""
    policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    widget.setSizePolicy(policy)


class Words(QWidget):
    """A text that knows whether it fits (`clipped`)."""

    def __init__(
        self,
        theme: Theme,
        size: str = "body",
        *,
        bold: bool = False,
        colour: str = "ink",
        align: Qt.AlignmentFlag = LEFT,
        leading: float = 1.5,
        balance: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._size, self._bold, self._colour = theme, size, bold, colour
        self._align, self._leading, self._balance = align, leading, balance
        self._text = ""
        self._blocks: dict[int, Block] = {}
        grow_with_text(self)

    def say(self, text: str) -> None:
        """Show `text`; an empty text takes no room."""
        if text != self._text:
            self._text = text
            self._blocks.clear()
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()
        self.setVisible(bool(text))

    def tint(self, colour: str) -> None:
        self._colour = colour
        self.update()

    def resize_to(self, size: str) -> None:
        """Another text size of the theme."""
        if size != self._size:
            self._size = size
            self._blocks.clear()
            self.updateGeometry()
            self.update()

    @property
    def text(self) -> str:
        return self._text

    def _block(self, width: int) -> Block:
        found = self._blocks.get(width)
        if found is None:
            if len(self._blocks) > 8:
                self._blocks.clear()
            font = self._theme.font(self._size, self._bold)
            found = lay_out(self._text, font, max(1, width), leading=self._leading, balance=self._balance)
            self._blocks[width] = found
        return found

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return int(self._block(width).height + 1) if self._text else 0

    def sizeHint(self) -> QSize:
        natural = self._block(self._theme.size[0])
        return QSize(int(natural.width + 2), int(natural.height + 1))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def clipped(self) -> bool:
        block = self._block(self.width())
        return block.height > self.height() + 1 or block.width > self.width() + 1

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setPen(self._theme.colour(self._colour))
        self._block(self.width()).draw(painter, QRectF(self.rect()), self._align | TOP)


class Panel(QWidget):
    """A sheet of paper on the ground: rounded, a hairline, a soft shadow."""

    def __init__(self, theme: Theme, fill: str = "paper", edge: str = "line", *, shadow: bool = True) -> None:
        super().__init__()
        self._theme, self._fill, self._edge, self._shadow = theme, fill, edge, shadow

    def dress(self, fill: str, edge: str) -> None:
        self._fill, self._edge = fill, edge
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_sheet(painter, self._theme, QRectF(self.rect()), self._fill, self._edge, shadow=self._shadow)


def paint_sheet(
    painter: QPainter,
    theme: Theme,
    rect: QRectF,
    fill: str,
    edge: str,
    *,
    radius: str = "panel",
    width: float = 2,
    shadow: bool = True,
) -> QRectF:
    """Returns the sheet itself, without its shadow."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    sheet = (
        rect.adjusted(theme.px(4), theme.px(3), -theme.px(4), -theme.px(7)) if shadow else rect.adjusted(1, 1, -1, -1)
    )
    corner = theme.radius(radius)
    painter.setPen(Qt.PenStyle.NoPen)
    if shadow:
        for grow, alpha in ((4, 0.018), (2.5, 0.025), (1, 0.035)):
            painter.setBrush(QColor(72, 52, 20, round(255 * alpha)))
            step = theme.px(grow)
            cast = sheet.adjusted(-step, -step / 2, step, step).translated(0, theme.px(3))
            painter.drawRoundedRect(cast, corner + step, corner + step)
    painter.setBrush(theme.colour(fill))
    painter.setPen(QPen(theme.colour(edge), theme.px(width)))
    half = theme.px(width) / 2
    painter.drawRoundedRect(sheet.adjusted(half, half, -half, -half), corner, corner)
    return sheet


class Icon(QWidget):
    """`disc`: on a tinted disc, the drawing 0.62 of its width."""

    def __init__(
        self, theme: Theme, name: str, colour: str = "key", millimetres: float = 10, *, disc: str = ""
    ) -> None:
        super().__init__()
        self._theme, self._name, self._colour, self._disc = theme, name, colour, disc
        side = theme.mm(millimetres)
        self.setFixedSize(side, side)

    def resize_to(self, millimetres: float) -> None:
        side = self._theme.mm(millimetres)
        self.setFixedSize(side, side)

    def show_icon(self, name: str, colour: str, disc: str | None = None) -> None:
        self._name, self._colour = name, colour
        self._disc = self._disc if disc is None else disc
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_icon(painter, self._theme, self._name, self._colour, QRectF(self.rect()), self._disc)


def paint_icon(painter: QPainter, theme: Theme, name: str, colour: str, rect: QRectF, disc: str = "") -> None:
    """An icon, on a disc of that colour when one is named."""
    if disc:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(disc))
        painter.drawEllipse(rect)
        inset = rect.width() * 0.21
        rect = rect.adjusted(inset, inset, -inset, -inset)
    theme.icon(painter, name, colour, rect)


class Press(QAbstractButton):
    """Acts when released inside. Tab reaches it (a numeric keyboard has no other way), a touch gives no focus."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self.theme = theme
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._shown = QElapsedTimer()

    def showEvent(self, event: QShowEvent) -> None:
        self._shown.start()
        super().showEvent(event)

    def settled(self) -> bool:
        """On screen long enough to be meant."""
        guard = 0 if self.window().property("still") else SETTLE_MS
        return self._shown.isValid() and self._shown.elapsed() >= guard

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.settled():
            super().mousePressEvent(event)
        else:
            event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def clipped(self) -> bool:
        return False

    def paint_focus(self, painter: QPainter, rect: QRectF, radius: float) -> None:
        """Black ring with a yellow halo, as the design system asks."""
        if self.hasFocus():
            line = self.theme.px(4)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.theme.colour("focus"), line * 2))
            painter.drawRoundedRect(rect.adjusted(line, line, -line, -line), radius, radius)
            painter.setPen(QPen(self.theme.colour("black"), line))
            inner = line / 2
            painter.drawRoundedRect(rect.adjusted(inner, inner, -inner, -inner), radius, radius)


_LOOKS: dict[Weight, tuple[str, str, str, str]] = {
    # fill, edge, text, fill while pressed
    Weight.MAIN: ("key", "key", "paper", "key_press"),
    Weight.EQUAL: ("paper", "key", "key_deep", "key_soft"),
    Weight.QUIET: ("paper", "line_strong", "ink", "disabled"),
}


class Looks(TypedDict, total=False):
    """How a `Button` looks; sizes in mm."""

    height: float
    size: str
    icon: str
    icon_mm: float
    align: Qt.AlignmentFlag
    weight: Weight
    arrow: bool
    after: bool


class Button(Press):
    """One line or two, optional icon before the label (or `after` it), optional detail under it."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        height: float = 22,
        size: str = "button",
        icon: str = "",
        icon_mm: float = 9,
        align: Qt.AlignmentFlag = CENTRE,
        weight: Weight = Weight.EQUAL,
        arrow: bool = False,
        after: bool = False,
    ) -> None:
        super().__init__(theme, name)
        self._after = after
        self._size, self._icon, self._icon_mm, self._align = size, icon, icon_mm, align
        self.weight = weight
        self._arrow = arrow
        self._label, self._detail = "", ""
        self.setMinimumHeight(theme.mm(height))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def say(self, label: str, detail: str = "") -> None:
        self._label, self._detail = label, detail
        self.setAccessibleName(label)
        self.setAccessibleDescription(detail)
        self.updateGeometry()
        self.update()

    def resize_to(self, height: float, size: str) -> None:
        """Height in mm and text size."""
        self._size = size
        self.setMinimumHeight(self.theme.mm(height))
        self.updateGeometry()

    @property
    def label(self) -> str:
        return self._label

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(text for text in (self._label, self._detail) if text)

    def set_icon(self, name: str) -> None:
        self._icon = name
        self.update()

    def _room(self) -> QRectF:
        edge = self.theme.mm(4 if self._align == CENTRE else 6)
        room = QRectF(self.rect()).adjusted(edge, 0, -edge, 0)
        if self._icon and self._align != CENTRE:
            room.setLeft(room.left() + self.theme.mm(self._icon_mm + 5))
        if self._arrow:
            room.setRight(room.right() - self.theme.mm(9))
        return room

    def _blocks(self) -> tuple[Block, Block | None]:
        width = self._room().width()
        if self._icon and self._align == CENTRE:
            width -= self.theme.mm(self._icon_mm + 3)
        label = lay_out(self._label, self.theme.font(self._size, bold=True), max(1, width), leading=1.25, balance=True)
        if not self._detail:
            return label, None
        return label, lay_out(self._detail, self.theme.font("body"), max(1, width), leading=1.35, balance=True)

    def sizeHint(self) -> QSize:
        label = self.theme.metrics(self._size, bold=True).horizontalAdvance(self._label)
        icon = self.theme.mm(self._icon_mm + 5) if self._icon else 0
        return QSize(int(label + icon + self.theme.mm(12)), self.minimumHeight())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.minimumHeight())

    def clipped(self) -> bool:
        label, detail = self._blocks()
        tall = label.height + (detail.height + self.theme.mm(1.5) if detail else 0)
        wide = max(label.width, detail.width if detail else 0)
        return tall > self.height() - self.theme.mm(2) or wide > self._room().width() + 1

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self.theme
        fill, edge, ink, pressed = _LOOKS[self.weight]
        soft = ink if self.weight == Weight.MAIN else "ink_soft"
        if not self.isEnabled():
            fill, edge, ink, soft = "disabled", "disabled", "disabled_ink", "disabled_ink"
        elif self.isDown():
            fill = pressed
        width = 2 if self.weight == Weight.QUIET else 4
        sheet = paint_sheet(
            painter, theme, QRectF(self.rect()), fill, edge, radius="button", width=width, shadow=self.isEnabled()
        )
        self.paint_focus(painter, QRectF(self.rect()), theme.radius("button"))
        label, detail = self._blocks()
        room = self._room()
        room.setTop(sheet.top())
        room.setBottom(sheet.bottom())
        if self._icon:
            side = theme.mm(self._icon_mm)
            if self._align == CENTRE:
                left = room.left() + (room.width() - label.width - side - theme.mm(3)) / 2
                text_left = left if self._after else left + side + theme.mm(3)
                left += label.width + theme.mm(3) if self._after else 0
                theme.icon(painter, self._icon, ink, QRectF(left, sheet.center().y() - side / 2, side, side))
                room = QRectF(text_left, room.top(), label.width + 1, room.height())
            else:
                left = sheet.left() + theme.mm(6)
                place = QRectF(left, sheet.center().y() - side / 2, side, side)
                disc = "key_tint" if self._arrow and self.isEnabled() and not self.isDown() else ""
                paint_icon(painter, theme, self._icon, ink, place, disc)
        if self._arrow:
            side = theme.mm(7)
            right = sheet.right() - theme.mm(5) - side
            theme.icon(painter, "chevron", ink, QRectF(right, sheet.center().y() - side / 2, side, side))
        painter.setPen(theme.colour(ink))
        if detail is None:
            label.draw(painter, room, self._align)
            return
        gap = theme.mm(1.5)
        top = room.top() + (room.height() - label.height - gap - detail.height) / 2
        label.draw(painter, QRectF(room.left(), top, room.width(), label.height), self._align | TOP)
        painter.setPen(theme.colour(soft))
        below = QRectF(room.left(), top + label.height + gap, room.width(), detail.height)
        detail.draw(painter, below, self._align | TOP)


class ActionButton(Button):
    """A button for a domain action: posts the action's event."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, name: str, **looks: Unpack[Looks]) -> None:
        super().__init__(theme, f"action:{name}", **looks)
        self._action: Action | None = None
        self.clicked.connect(self._choose)

    def offer(self, action: Action, label: str, detail: str = "") -> None:
        """A new meaning settles anew: the second tap of a double tap must not answer the next question."""
        if self._action is not None and self._action.event != action.event:
            self.setDown(False)
            self._shown.start()
        self._action = action
        self.weight = action.weight
        self.setEnabled(action.enabled)
        self.say(label, detail)
        self.show()

    @Slot()
    def _choose(self) -> None:
        if self._action is not None:
            self.chosen.emit(self._action.event)


class Beat(QVariantAnimation):
    """A slow endless 0..1, running only while its widget is on screen.

    `shape` maps it to what the widget draws: nothing is painted while that stands still, nor more than 25 times a
    second.
    """

    def __init__(self, widget: QWidget, milliseconds: int, shape: Callable[[float], float]) -> None:
        super().__init__(widget)
        self._widget, self._shape = widget, shape
        self._drawn = -1.0
        self._since = QElapsedTimer()
        self._since.start()
        self.setStartValue(0.0)
        self.setEndValue(1.0)
        self.setDuration(milliseconds)
        self.setLoopCount(-1)
        self.valueChanged.connect(self._repaint)
        widget.installEventFilter(self)

    def now(self) -> float:
        return self._shape(float(self.currentValue() or 0.0))

    @Slot()
    def _repaint(self) -> None:
        now = self.now()
        if abs(now - self._drawn) > 0.002 and self._since.elapsed() >= FRAME_MS:
            self._drawn = now
            self._since.start()
            self._widget.update()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and not self._widget.window().property("still"):
            self.start()
        elif event.type() == QEvent.Type.Hide:
            self.stop()
        return False


def there_and_back(at: float) -> float:
    return QEasingCurve(QEasingCurve.Type.InOutSine).valueForProgress(1 - abs(2 * at - 1))


class Progress(QWidget):
    """A bar; without a known end a light that wanders."""

    def __init__(self, theme: Theme, millimetres: float = 3.6) -> None:
        super().__init__()
        self._theme = theme
        self._part: float | None = 0.0
        self._beat = Beat(self, 1800, there_and_back)
        self.setFixedHeight(theme.mm(millimetres))

    def advance(self, done: int, total: int) -> None:
        """`total` 0: duration unknown."""
        self._part = min(1.0, done / total) if total > 0 else None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        rect = QRectF(self.rect())
        corner = rect.height() / 2
        painter.setBrush(self._theme.colour("line"))
        painter.drawRoundedRect(rect, corner, corner)
        painter.setBrush(self._theme.colour("key"))
        if self._part is None:
            wide = rect.width() * 0.3
            ease = self._beat.now()
            painter.drawRoundedRect(QRectF((rect.width() - wide) * ease, 0, wide, rect.height()), corner, corner)
        elif self._part > 0:
            painter.drawRoundedRect(
                QRectF(0, 0, max(rect.height(), rect.width() * self._part), rect.height()), corner, corner
            )


class Notice(QWidget):
    """A line with an icon on a tinted ground: why something is missing, what is left."""

    _LOOKS: ClassVar[dict[str, tuple[str, str, str]]] = {
        "info": ("key_tint", "key", "info"),
        "warn": ("warn_soft", "warn", "warning"),
        "good": ("good_tint", "good", "check"),
    }

    def __init__(self, theme: Theme, kind: str = "info", size: str = "body") -> None:
        super().__init__()
        self._theme = theme
        self._kind = kind
        self.words = Words(theme, size, parent=self)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.mm(14), theme.mm(3), theme.mm(4), theme.mm(3))
        column.addWidget(self.words)
        grow_with_text(self)

    def say(self, text: str, kind: str | None = None) -> None:
        self._kind = kind or self._kind
        self.words.say(text)
        self.setVisible(bool(text))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        fill, edge, icon = self._LOOKS[self._kind]
        rect = QRectF(self.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(rect, self._theme.px(12), self._theme.px(12))
        painter.fillPath(shape, self._theme.colour(fill))
        painter.setClipPath(shape)
        painter.fillRect(QRectF(0, 0, self._theme.px(12), rect.height()), self._theme.colour(edge))
        painter.setClipping(False)
        side = self._theme.mm(7)
        self._theme.icon(painter, icon, edge, QRectF(self._theme.mm(4), (rect.height() - side) / 2, side, side))
