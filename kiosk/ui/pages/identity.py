"""Who are you? Choice of methods, PIN, camera, staff."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from PySide6.QtCore import QRectF, Qt, Slot
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kiosk.reception.states import StaffReason
from kiosk.reception.view import DoorPanel, LookPanel, LookupDoorPanel, ProgressPanel, StaffPanel, View
from kiosk.ui.components import CENTRE, LEFT, Button, Icon, Progress, Words, paint_sheet
from kiosk.ui.keypad import PinPad
from kiosk.ui.pages.base import Body, Choices, Kit
from kiosk.ui.pictures import CardOnReader, Motion, PaperPicture
from kiosk.ui.ports import Secret
from kiosk.ui.preview import Preview
from kiosk.ui.theme import Theme

STAFF_CAPACITY = 12  # digits of a staff credential
STAFF_LEAST = 4
PIN_DIGITS = 4  # 利用者証明用電子証明書の暗証番号


class ReadingLine(QWidget):
    """Progress with one sentence."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self.words = Words(kit.theme, "body", colour="ink_soft", align=CENTRE)
        self.bar = Progress(kit.theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(kit.theme.mm(3))
        column.addWidget(self.words)
        column.addWidget(self.bar)

    def show_progress(self, panel: ProgressPanel, key: str) -> None:
        self.words.say(self._kit.word(key))
        self.bar.advance(panel.done, panel.total)


class ChoiceBody(Body):
    """Equal ways, big: methods, retry, last try, registration. Progress below while the card is read."""

    def __init__(self, kit: Kit, height: float = 46) -> None:
        super().__init__(kit)
        self._choices = Choices(kit, height=height, details=True)
        self.column.addWidget(self._choices, 20)
        self.column.addStretch(1)
        self._reading = ReadingLine(kit)
        self.column.addWidget(self._reading)

    def apply(self, view: View) -> None:
        self._choices.offer(view.actions)
        panel = view.panel
        self._reading.setVisible(isinstance(panel, ProgressPanel))
        if isinstance(panel, ProgressPanel):
            self._reading.show_progress(panel, "ui.reading")


class WaitBody(Body):
    """Nothing to do: the card lies on the reader, or there is none."""

    def __init__(self, kit: Kit, motion: Motion = Motion.HOLD) -> None:
        super().__init__(kit)
        self.column.addStretch(1)
        self._card = CardOnReader(kit, motion, height=110)
        self.column.addWidget(self._card)
        self._paper = PaperPicture(kit, height=110)
        self.column.addWidget(self._paper)
        self.column.addStretch(1)
        self._reading = ReadingLine(kit)
        self.column.addWidget(self._reading)
        self.column.addStretch(1)

    def apply(self, view: View) -> None:
        panel = view.panel
        self._reading.setVisible(isinstance(panel, ProgressPanel))
        card = not isinstance(panel, ProgressPanel) or panel.card
        self._card.setVisible(card)
        self._paper.setVisible(not card)
        if isinstance(panel, ProgressPanel):
            self._reading.show_progress(panel, "ui.do_not_move" if panel.card else "ui.please_wait")


class Whose(Enum):
    """Who types on a pad, and what for."""

    PATIENT = "patient"
    MAINTENANCE = "maintenance"
    LOOKUP = "lookup"


class PinBody(Body):
    """The patient's PIN, or the staff's at the door of maintenance or of the look-up by number."""

    def __init__(self, kit: Kit, whose: Whose = Whose.PATIENT) -> None:
        super().__init__(kit)
        self._whose = whose
        least, most = (PIN_DIGITS, PIN_DIGITS) if whose is Whose.PATIENT else (STAFF_LEAST, STAFF_CAPACITY)
        self.pad = PinPad(kit.theme, kit.secrets.new, least=least, most=most, key_height=31)
        self.pad.finished.connect(self._finished)
        self.column.addStretch(1)
        line = QHBoxLayout()
        line.setContentsMargins(kit.theme.mm(8), 0, kit.theme.mm(8), 0)
        line.addWidget(self.pad)
        self.column.addLayout(line)
        self.column.addStretch(2)
        self._choices = Choices(kit)
        self.column.addWidget(self._choices)

    def apply(self, view: View) -> None:
        self.pad.keys.label(self.kit.word("ui.delete_one"), self.kit.word("ui.enter"))
        self.pad.usable(not (isinstance(view.panel, DoorPanel | LookupDoorPanel) and view.panel.wait_seconds > 0))
        self._choices.offer(view.actions)

    def leave(self) -> None:
        self.pad.forget()

    def type_digit(self, digit: int) -> None:
        self.pad.type_digit(digit)

    def erase(self) -> None:
        self.pad.erase()

    def enter(self) -> None:
        self.pad.enter()

    @Slot(object)
    def _finished(self, secret: Secret) -> None:
        match self._whose:
            case Whose.PATIENT:
                self.kit.secrets.pin_entered(secret)
            case Whose.MAINTENANCE:
                self.kit.secrets.maintenance_pin(secret)
            case Whose.LOOKUP:
                self.kit.secrets.lookup_pin(secret)
            case _:
                assert_never(self._whose)


class Chip(Button):
    """One of several; the chosen one is filled and has a tick."""

    def __init__(self, theme: Theme, name: str, height: float = 16, size: str = "body") -> None:
        super().__init__(theme, name, height=height, size=size, align=CENTRE)
        self.setCheckable(True)

    def nextCheckState(self) -> None:
        """The page decides what is chosen."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self.theme
        chosen = self.isChecked()
        fill = "key" if chosen else "key_soft" if self.isDown() else "paper"
        sheet = paint_sheet(painter, theme, QRectF(self.rect()), fill, "key", radius="button", width=3)
        self.paint_focus(painter, QRectF(self.rect()), theme.radius("button"))
        painter.setPen(theme.colour("paper" if chosen else "key_deep"))
        label, _ = self._blocks()
        room = QRectF(self._room().left(), sheet.top(), self._room().width(), sheet.height())
        label.draw(painter, room, CENTRE)


class StaffBody(Body):
    """Reason, then the staff's credential: one step on the kiosk itself."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        self._reason: StaffReason | None = None
        self._ask = Words(kit.theme, "body", bold=True)
        self.column.addWidget(self._ask)
        grid = QGridLayout()
        grid.setSpacing(mm(3))
        self._chips: dict[StaffReason, Chip] = {}
        for place, reason in enumerate(StaffReason):
            chip = Chip(kit.theme, f"reason:{reason}")
            chip.clicked.connect(self._chosen)
            grid.addWidget(chip, place // 2, place % 2)
            self._chips[reason] = chip
        self.column.addLayout(grid)
        self.column.addStretch(1)
        self._credential = Words(kit.theme, "body", bold=True, align=CENTRE)
        self.column.addWidget(self._credential)
        self.pad = PinPad(kit.theme, kit.secrets.new, least=STAFF_LEAST, most=STAFF_CAPACITY, key_height=21)
        self.pad.finished.connect(self._finished)
        line = QHBoxLayout()
        line.setContentsMargins(mm(18), 0, mm(18), 0)
        line.addWidget(self.pad)
        self.column.addLayout(line)
        self.column.addStretch(1)

    def apply(self, view: View) -> None:
        word = self.kit.word
        self._ask.say(word("ui.choose_reason"))
        self._credential.say(word("ui.credential"))
        for reason, chip in self._chips.items():
            chip.say(word(f"reason.{reason}"))
        self.pad.keys.label(word("ui.delete_one"), word("ui.enter"))
        self.pad.usable(not (isinstance(view.panel, StaffPanel) and view.panel.wait_seconds > 0))
        self._show_reason()

    def leave(self) -> None:
        self._reason = None
        self.pad.forget()

    def type_digit(self, digit: int) -> None:
        self.pad.type_digit(digit)

    def erase(self) -> None:
        self.pad.erase()

    def enter(self) -> None:
        self.pad.enter()

    def _show_reason(self) -> None:
        for reason, chip in self._chips.items():
            chip.setChecked(reason == self._reason)
            chip.update()
        self.pad.complete(self._reason is not None)

    @Slot()
    def _chosen(self) -> None:
        chip = self.sender()
        for reason, known in self._chips.items():
            if known is chip:
                self._reason = reason
        self._show_reason()

    @Slot(object)
    def _finished(self, secret: Secret) -> None:
        if self._reason is not None:
            self.kit.secrets.staff_entered(secret, self._reason)


class Hint(QWidget):
    """What to do now, large, on a dark pill; announced to whatever reads the screen aloud."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._good = False
        self._said = ""
        self.words = Words(kit.theme, "button", bold=True, colour="paper", align=CENTRE, leading=1.3, balance=True)
        column = QVBoxLayout(self)
        edge = kit.theme.mm(5)
        column.setContentsMargins(edge, edge, edge, edge)
        column.addStretch(1)
        column.addWidget(self.words)
        column.addStretch(1)
        self.setFixedHeight(kit.theme.mm(32))

    def say(self, text: str, good: bool) -> None:
        self._good = good
        self.words.say(text)
        self.update()
        if text != self._said:
            self._said = text
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colour = "good" if self._good else "key_deep"
        paint_sheet(painter, self._kit.theme, QRectF(self.rect()), colour, colour, radius="panel", shadow=False)


class LookBody(Body):
    """The camera looks; the page says where the camera is, what to do, and what is promised."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        where = QHBoxLayout()
        where.setSpacing(mm(3))
        where.addStretch(1)
        where.addWidget(Icon(kit.theme, "up", "warn", 9))
        self._where = Words(kit.theme, "lead", bold=True, colour="warn")
        self._where.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        where.addWidget(self._where)
        where.addWidget(Icon(kit.theme, "up", "warn", 9))
        where.addStretch(1)
        self.column.addLayout(where)
        self.preview = Preview(kit)
        self.column.addWidget(self.preview, 1)
        self._hint = Hint(kit)
        self.column.addWidget(self._hint)
        self._promise = Words(kit.theme, "body", align=LEFT, leading=1.4)
        self._attempt = Words(kit.theme, "small", colour="ink_soft", align=Qt.AlignmentFlag.AlignLeft)
        foot = QHBoxLayout()
        foot.setSpacing(mm(4))
        foot.addWidget(Icon(kit.theme, "shield", "key", 11))
        foot.addWidget(self._promise, 1)
        self.column.addLayout(foot)
        self.column.addWidget(self._attempt)

    def apply(self, view: View) -> None:
        word = self.kit.word
        self._where.say(word("ui.camera_above"))
        self._promise.say(word("ui.promise"))
        if isinstance(view.panel, LookPanel):
            good = view.panel.hint == "good"
            self._hint.say(word(f"hint.{view.panel.hint}"), good)
            self.preview.mark(good)
            self.preview.ask(view.panel.hint)
            if view.panel.hint == "too_dark":
                self.preview.light()
            first = view.panel.attempt == 1
            attempt = word("ui.attempt", attempt=view.panel.attempt, attempts=view.panel.attempts)
            self._attempt.say("" if first else attempt)
