"""The patient's own picture, like a mirror, with the oval to fit the face into."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from kiosk.ui.components import CENTRE, paint_icon
from kiosk.ui.pages.base import Kit
from kiosk.ui.ports import FrameSource, Picture
from kiosk.ui.typeset import lay_out

DIM = 60.0  # mean of the picture where the face belongs: below it the page becomes a lamp
DIM_PULLS = 6  # pictures in a row that must be dim; one may be the camera adjusting itself
PULL_MS = 33  # 30 Hz: the camera is asked, it never pushes
#: Hint of the challenge -> icon, and where it stands: -1 left, 1 right, 0 above. The picture is a mirror, so that the
#: person's left is the page's left.
ASKED = {"turn_left": ("turn_left", -1), "turn_right": ("turn_right", 1), "blink": ("eye_closed", 0)}


class Preview(QWidget):
    """Frames are drawn from where they lie and not kept; the last one is let go when the page goes."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._picture: Picture | None = None
        self._good = False
        self._asked = ""
        self._lit = False
        self._dim = 0
        self._frames: dict[tuple[int, int, bool, str, bool], QPixmap] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._timer = QTimer(self)
        self._timer.setInterval(PULL_MS)
        self._timer.timeout.connect(self.pull)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def mark(self, good: bool) -> None:
        self._good = good
        self.update()

    def ask(self, hint: str) -> None:
        """Show what movement is asked for; any other hint: none."""
        self._asked = hint if hint in ASKED else ""
        self.update()

    @property
    def lit(self) -> bool:
        return self._lit

    def light(self) -> None:
        """Everything around the oval becomes white: the screen is the lamp that is always there. It stays lit until
        the page goes, otherwise it would flicker: the face is bright because of it."""
        if not self._lit:
            self._lit = True
            self.update()

    @Slot()
    def pull(self) -> None:
        self._picture = self._kit.frames.latest()
        if self._picture is not None and not self._lit:
            self._dim = self._dim + 1 if _brightness(self._picture) < DIM else 0
            if self._dim >= DIM_PULLS:
                self.light()
        self.update()

    @property
    def holds_picture(self) -> bool:
        return self._picture is not None

    def showEvent(self, event: QEvent) -> None:
        self.pull()
        self._timer.start()

    def hideEvent(self, event: QEvent) -> None:
        self._timer.stop()
        self._picture = None
        self._lit, self._dim = False, 0

    def oval(self) -> QRectF:
        tall = self.height() * 0.74
        wide = tall * 0.75
        return QRectF((self.width() - wide) / 2, (self.height() - tall) / 2 - self.height() * 0.035, wide, tall)

    def sign(self) -> QRectF:
        """Where the picture of the movement stands: beside the face, or over it."""
        oval = self.oval()
        side = min(self._kit.theme.mm(30), oval.left() * 0.86)
        box = QRectF(0, 0, side, side)
        where = ASKED[self._asked][1]
        if where == 0:
            box.moveCenter(QPointF(oval.center().x(), max(oval.top(), side * 0.55)))
        else:
            middle = oval.left() / 2
            box.moveCenter(QPointF(middle if where < 0 else self.width() - middle, oval.center().y()))
        return box

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = QRectF(self.rect())
        if self._picture is None:
            painter.fillRect(rect, self._kit.theme.colour("key_press"))
        else:
            self._draw_mirrored(painter, self._picture, rect)
        painter.drawPixmap(0, 0, self._frame())
        if self._picture is None:
            painter.setPen(self._kit.theme.colour("paper"))
            words = self._kit.word("ui.camera_wait")
            block = lay_out(words, self._kit.theme.font("lead"), self.oval().width() * 0.8, balance=True)
            block.draw(painter, self.oval(), CENTRE)

    def _frame(self) -> QPixmap:
        """Veil, oval and round corners: the same for every picture, drawn once for each size and colour."""
        key = self.width(), self.height(), self._good, self._asked, self._lit
        found = self._frames.get(key)
        if found is not None:
            return found
        self._frames.clear()
        theme = self._kit.theme
        rect = QRectF(self.rect())
        drawn = QPixmap(self.size())
        drawn.fill(Qt.GlobalColor.transparent)
        painter = QPainter(drawn)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        sheet, hole, whole = QPainterPath(), QPainterPath(), QPainterPath()
        sheet.addRoundedRect(rect, theme.radius("panel"), theme.radius("panel"))
        hole.addEllipse(self.oval())
        whole.addRect(rect)
        veil = theme.colour("paper") if self._lit else theme.colour("key_press", 0.55)
        painter.fillPath(sheet.subtracted(hole), veil)
        painter.fillPath(whole.subtracted(sheet), theme.colour("ground"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("paper"), theme.px(14)))
        painter.drawEllipse(self.oval())
        pen = QPen(theme.colour("good" if self._good else "key"), theme.px(8))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if not self._good:
            pen.setDashPattern([4.0, 2.2])
        painter.setPen(pen)
        painter.drawEllipse(self.oval())
        if self._asked:
            paint_icon(painter, theme, ASKED[self._asked][0], "paper", self.sign(), "key")
        painter.end()
        self._frames[key] = drawn
        return drawn

    def _draw_mirrored(self, painter: QPainter, picture: Picture, rect: QRectF) -> None:
        shown = _shown(picture, rect.width(), rect.height())
        image, shown = _paintable(picture, shown)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.translate(rect.width(), 0)
        painter.scale(-1, 1)
        painter.drawImage(rect, image, shown)
        painter.restore()
        image.fill(0)  # a copy of the patient's picture


def _shown(picture: Picture, width: float, height: float) -> QRectF:
    """The middle of the picture, as wide for its height as the widget."""
    tall, wide = picture.shape[:2]
    ratio = max(width / wide, height / tall)
    shown = QRectF(0, 0, width / ratio, height / ratio)
    shown.moveCenter(QPointF(wide / 2, tall / 2))
    return shown


def _brightness(picture: Picture) -> float:
    """Mean of the middle of the picture, where the oval is; a few hundred pixels of it."""
    tall, wide = picture.shape[:2]
    middle = picture[tall // 4 : tall * 3 // 4 : 16, (wide - tall // 2) // 2 : (wide + tall // 2) // 2 : 16]
    return float(middle.mean())


def _paintable(picture: Picture, shown: QRectF) -> tuple[QImage, QRectF]:
    """What is shown of the picture, and where in that image it lies. 32-bit pixels: Qt scales 24 bits in 5.4 ms for
    this page, these in 1.2 ms.

    Blue first is what Qt calls RGB32 in memory. To add the fourth byte takes less than half as long (0.4 ms at
    1280 x 720) as to turn the colours around, for which Qt has no vector code and wakes its threads.
    """
    if not picture.flags.c_contiguous:
        picture = np.ascontiguousarray(picture)
    tall, wide = picture.shape[:2]
    part = shown.toAlignedRect().intersected(QRect(0, 0, wide, tall))
    first = part.top() * picture.strides[0] + part.left() * 3
    rows = picture.reshape(-1)[first:].data
    lying = QImage(rows, part.width(), part.height(), picture.strides[0], QImage.Format.Format_RGB888)
    image = lying.convertToFormat(QImage.Format.Format_RGBX8888)
    image.reinterpretAsFormat(QImage.Format.Format_RGB32)
    return image, shown.translated(-part.left(), -part.top())


class Unpainted(QObject):
    """A preview without its painting: pictures are pulled and converted at the same rate, for measurements."""

    def __init__(self, frames: FrameSource, preview: Preview) -> None:
        super().__init__()
        self._frames = frames
        self._preview = preview
        self._timer = QTimer(self)
        self._timer.setInterval(PULL_MS)
        self._timer.timeout.connect(self._pull)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    @Slot()
    def _pull(self) -> None:
        picture = self._frames.latest()
        if picture is not None:
            _brightness(picture)
            image, _ = _paintable(picture, _shown(picture, self._preview.width(), self._preview.height()))
            image.fill(0)
