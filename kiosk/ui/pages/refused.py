"""The notice or the screen alone: what is missing, and what to bring."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from kiosk.reception.states import Paper
from kiosk.reception.view import RefusedPanel, View
from kiosk.ui.components import CENTRE, Panel, Words
from kiosk.ui.pages.base import Body, Choices, Kit
from kiosk.ui.pages.start import Row
from kiosk.ui.pictures import CARD_RATIO, draw_card, draw_paper, draw_phone


class Together(QWidget):
    """The card and the paper (or the phone) side by side with a plus."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._paper = Paper.NOTICE_ALONE
        self.setMinimumHeight(kit.theme.mm(50))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_paper(self, paper: Paper) -> None:
        self._paper = paper
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        kit, theme = self._kit, self._kit.theme
        middle = QPointF(self.width() * 0.55, self.height() / 2)
        tall = min(self.height() * 0.62, self.width() * 0.42 / CARD_RATIO)
        card = QRectF(0, 0, tall * CARD_RATIO, tall)
        card.moveCenter(QPointF(middle.x() - theme.mm(12) - card.width() / 2, middle.y()))
        draw_card(painter, theme, card, kit.word("ui.specimen"), {}, None)
        sheet = QRectF(0, 0, self.height() * 0.92 * 0.74, self.height() * 0.92)
        sheet.moveCenter(QPointF(middle.x() + theme.mm(12) + sheet.width() / 2, middle.y()))
        if self._paper == Paper.NOTICE_ALONE:
            draw_paper(painter, kit, sheet, "picture.notice_title")
        else:
            sheet.setWidth(self.height() * 0.92 * 0.5)
            draw_phone(painter, theme, sheet)
        arm = theme.mm(4.5)
        painter.setPen(QPen(theme.colour("key"), theme.mm(2), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(middle - QPointF(arm, 0), middle + QPointF(arm, 0))
        painter.drawLine(middle - QPointF(0, arm), middle + QPointF(0, arm))


class RefusedBody(Body):
    """A picture of what belongs together, the sentence under it, and what else would do."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        sheet = Panel(kit.theme)
        inside = QVBoxLayout(sheet)
        inside.setContentsMargins(mm(8), mm(8), mm(8), mm(9))
        inside.setSpacing(mm(7))
        self._picture = Together(kit)
        self._sentence = Words(kit.theme, "heading", bold=True, colour="key_deep", align=CENTRE, leading=1.4)
        inside.addWidget(self._picture, 1)
        inside.addWidget(self._sentence)
        sheet.setMaximumHeight(mm(125))
        self.column.addWidget(sheet, 10)
        other = Panel(kit.theme)
        line = QVBoxLayout(other)
        line.setContentsMargins(mm(8), mm(6), mm(8), mm(7))
        self._bring = Row(kit, "paper", 24, size="body", detail="lead")
        self._bring.label.tint("key")
        self._bring.detail.tint("ink")
        line.addWidget(self._bring)
        self.column.addWidget(other)
        self.column.addStretch(1)
        self._choices = Choices(kit, height=26)
        self.column.addWidget(self._choices)

    def apply(self, view: View) -> None:
        if isinstance(view.panel, RefusedPanel):
            self._picture.show_paper(view.panel.paper)
        sentence, bring = (self.kit.text(lead) for lead in view.lead)
        self._sentence.say(sentence)
        self._bring.say(self.kit.word("ui.other_label"), bring)
        self._choices.offer(view.actions)
