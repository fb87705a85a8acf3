"""Before and beside the reception: idle, no card, out of service."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kiosk.reception.events import Event
from kiosk.reception.view import Action, ProblemPanel, View
from kiosk.ui.components import CENTRE, Icon, Panel, Press, Words, paint_sheet
from kiosk.ui.pages.base import Body, Choices, Kit, named, without
from kiosk.ui.pictures import CardOnReader, Motion, PaperPicture


class Door(Press):
    """One of the two ways in: a picture, who it is for, what to do."""

    chosen = Signal(object)

    def __init__(self, kit: Kit, name: str, picture: QWidget) -> None:
        super().__init__(kit.theme, name)
        self._kit = kit
        self._event: Event | None = None
        mm = kit.theme.mm
        self.label = Words(kit.theme, "heading", bold=True, colour="key_deep", align=CENTRE, leading=1.3, balance=True)
        self.detail = Words(kit.theme, "lead", align=CENTRE, leading=1.4, balance=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(mm(6), mm(5), mm(6), mm(7))
        column.setSpacing(mm(2))
        column.addWidget(picture, 1)
        column.addSpacing(mm(5))
        column.addWidget(self.label)
        column.addWidget(self.detail)
        for child in (picture, self.label, self.detail):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.clicked.connect(self._choose)

    def offer(self, label: str, detail: str, action: Action | None) -> None:
        self._event = action.event if action else None
        self.label.say(label)
        self.detail.say(detail)
        self.setAccessibleName(label)

    @Slot()
    def _choose(self) -> None:
        self.chosen.emit(self._event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        fill = "key_soft" if self.isDown() else "paper"
        sheet = paint_sheet(painter, self.theme, QRectF(self.rect()), fill, "key", width=4)
        shelf = sheet.adjusted(self.theme.mm(3), self.theme.mm(3), -self.theme.mm(3), 0)
        shelf.setBottom(float(self.label.y()) - self.theme.mm(4))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("key_tint"))
        painter.drawRoundedRect(shelf, self.theme.radius("button"), self.theme.radius("button"))
        self.paint_focus(painter, QRectF(self.rect()), self.theme.radius("panel"))


class IdleBody(Body):
    """Two equal doors, and below them, quietly, what the card is good for."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self._card = Door(kit, "door:card", CardOnReader(kit, Motion.PUT))
        self._paper = Door(kit, "action:no_card", PaperPicture(kit))
        for door in (self._card, self._paper):
            self.column.addWidget(door, 1)
            door.chosen.connect(self._chosen)
        self._quiet = Choices(kit)
        self.column.addWidget(self._quiet)

    def apply(self, view: View) -> None:
        word = self.kit.word
        self._card.offer(word("page.idle.door_card"), word("page.idle.door_card_do"), None)
        for action in named(view.actions, "no_card"):
            self._paper.offer(self.kit.text(action.text), word("detail.no_card"), action)
        self._quiet.offer(without(view.actions, "no_card"))

    @Slot(object)
    def _chosen(self, event: Event | None) -> None:
        if event is None:
            self.kit.notify("ui.put_card_hint")
        else:
            self.kit.post(event)


class Row(QWidget):
    """Icon, a bold line, a plain line; `strong`: the second line is the bold one."""

    def __init__(
        self,
        kit: Kit,
        icon: str,
        icon_mm: float = 13,
        *,
        size: str = "heading",
        detail: str = "body",
        strong: bool = False,
    ) -> None:
        super().__init__()
        mm = kit.theme.mm
        self._theme = kit.theme
        self.icon = Icon(kit.theme, icon, "key", icon_mm, disc="key_tint")
        self.label = Words(kit.theme, size, bold=not strong, leading=1.3)
        self.detail = Words(kit.theme, detail, bold=strong, colour="ink_soft", leading=1.4)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(mm(6))
        line.addWidget(self.icon)
        self._column = QVBoxLayout()
        self._column.setSpacing(mm(2))
        self._column.addStretch(1)
        self._column.addWidget(self.label)
        self._column.addWidget(self.detail)
        self._column.addStretch(1)
        line.addLayout(self._column, 1)

    def spacing(self, millimetres: float) -> None:
        """Between the two lines."""
        self._column.setSpacing(self._theme.mm(millimetres))

    def say(self, label: str, detail: str = "") -> None:
        self.label.say(label)
        self.detail.say(detail)


class NoCardBody(Body):
    """What to hand over."""

    _ROWS = (("paper", "paper"), ("notice_card", "card"), ("nothing", "hand"))

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        self._rows: list[tuple[str, Row]] = []
        for key, icon in self._ROWS:
            panel = Panel(kit.theme)
            inside = QVBoxLayout(panel)
            inside.setContentsMargins(mm(8), mm(6), mm(8), mm(7))
            row = Row(kit, icon, 28, detail="lead")
            inside.addWidget(row)
            panel.setMinimumHeight(mm(46))
            panel.setMaximumHeight(mm(60))
            self.column.addWidget(panel, 10)
            self._rows.append((key, row))
        self.column.addStretch(1)
        self._choices = Choices(kit)
        self.column.addWidget(self._choices)

    def apply(self, view: View) -> None:
        for key, row in self._rows:
            row.say(self.kit.word(f"page.no_card.{key}"), self.kit.word(f"page.no_card.{key}_detail"))
        self._choices.offer(view.actions)


class ClosedBody(Body):
    """Out of service: a calm picture and the code for the staff."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self._why = Words(kit.theme, "lead", colour="ink_soft")
        self.column.addWidget(self._why)
        self.column.addStretch(1)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(Icon(kit.theme, "staff", "key", 84, disc="key_tint"))
        line.addStretch(1)
        self.column.addLayout(line)
        self.column.addSpacing(kit.theme.mm(8))
        self._where = Words(kit.theme, "heading", bold=True, colour="key_deep", align=CENTRE, leading=1.35)
        self.column.addWidget(self._where)
        self.column.addStretch(2)
        self._code = Words(kit.theme, "small", colour="ink_soft", align=CENTRE)
        self.column.addWidget(self._code)

    def apply(self, view: View) -> None:
        for words, lead in zip((self._why, self._where), view.lead, strict=True):
            words.say(self.kit.text(lead))
        if isinstance(view.panel, ProblemPanel):
            self._code.say(self.kit.word("ui.code_line", code=view.panel.failure.value, time=self.kit.time()))
