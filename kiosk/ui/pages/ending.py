"""The end of a reception, good or not."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kiosk.reception import states
from kiosk.reception.states import Ending
from kiosk.reception.view import Page, ProblemPanel, ResultPanel, View
from kiosk.ui.components import CENTRE, Icon, Notice, Panel, Words
from kiosk.ui.pages.base import Body, Choices, Kit
from kiosk.ui.pages.start import Row
from kiosk.ui.pictures import CardOnReader, Motion

_GOOD = (Ending.DONE, Ending.DELAYED)


class ResultBody(Body):
    """One sentence, the number of the day, the card to take."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        self._alarm = Notice(kit.theme, "warn", "heading")
        self.column.addWidget(self._alarm)
        self._picture = CardOnReader(kit, Motion.TAKE, height=75)
        self.column.addWidget(self._picture, 2)
        self._sheet = Panel(kit.theme)
        inside = QVBoxLayout(self._sheet)
        inside.setContentsMargins(mm(8), mm(6), mm(8), mm(7))
        inside.setSpacing(mm(3.5))
        line = QHBoxLayout()
        line.setSpacing(mm(5))
        self._icon = Icon(kit.theme, "check", "good", 22, disc="good_tint")
        self._sentence = Words(kit.theme, "heading", bold=True, leading=1.35)
        line.addWidget(self._icon)
        line.addWidget(self._sentence, 1, Qt.AlignmentFlag.AlignVCenter)
        inside.addLayout(line)
        self._label = Words(kit.theme, "lead", colour="ink_soft", align=CENTRE, leading=1.2)
        self._number = Words(kit.theme, "display", bold=True, colour="key_deep", align=CENTRE, leading=1.0)
        self._hint = Words(kit.theme, "body", colour="ink_soft", align=CENTRE)
        for words in (self._label, self._number, self._hint):
            inside.addWidget(words)
        self.column.addStretch(1)
        self.column.addWidget(self._sheet)
        self.column.addStretch(2)
        self._leaf = QWidget()
        leaf = QHBoxLayout(self._leaf)
        leaf.setContentsMargins(mm(4), 0, mm(4), 0)
        leaf.setSpacing(mm(4))
        leaf.addWidget(Icon(kit.theme, "book", "ink_soft", 9))
        self._leaf_words = Words(kit.theme, "lead", colour="ink_soft", leading=1.4)
        leaf.addWidget(self._leaf_words, 1)
        self.column.addWidget(self._leaf)
        self.column.addStretch(1)
        self._papers = Notice(kit.theme, "info")
        self.column.addWidget(self._papers)
        self._code = Words(kit.theme, "small", colour="ink_soft", align=CENTRE)
        self.column.addWidget(self._code)
        self.column.addSpacing(mm(4))

    def apply(self, view: View) -> None:
        word = self.kit.word
        panel = view.panel
        if not isinstance(panel, ResultPanel):
            return
        good = panel.ending in _GOOD
        self._alarm.say(word("ui.alarm") if panel.alarm else "")
        self._picture.setVisible(panel.card_in)
        tint = "good" if good else "key"
        self._icon.show_icon("check" if good else "info", tint, f"{tint}_tint")
        sentence, *besides = (self.kit.text(lead) for lead in view.lead)
        self._sentence.say(sentence)
        numbered = panel.number is not None
        self._label.say(word("ui.number_label") if numbered else "")
        self._number.say(str(panel.number) if numbered else "")
        # Whoever is asked to come to the counter is not asked to wait.
        waits = good and (view.notice is None or view.notice.key != f"notice.{states.Notice.WELFARE_UNREGISTERED}")
        self._hint.say(word("ui.number_hint") if numbered and waits else "")
        self._papers.say("\n".join(besides))
        code = panel.failure
        self._code.say(word("ui.code_line", code=code.value, time=self.kit.time()) if code is not None else "")
        line = self._line(panel) if view.page == Page.FAREWELL and good else ""
        self._leaf.setVisible(bool(line))
        self._leaf_words.say(line)

    def _line(self, panel: ResultPanel) -> str:
        """A quiet line of the leaflet; the reception number says which."""
        names = self.kit.policy.leaflet
        if panel.number is None or not names:
            return ""
        return self.kit.maybe(f"leaflet.{names[panel.number % len(names)]}.line")


class ProblemBody(Body):
    """What to do, what else is possible, the code for the staff."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        sheet = Panel(kit.theme)
        inside = QVBoxLayout(sheet)
        inside.setContentsMargins(mm(8), mm(8), mm(8), mm(9))
        inside.setSpacing(mm(8))
        self._rows = [
            Row(kit, "hand", 22, size="body", detail="button"),
            Row(kit, "list", 22, size="body", detail="lead"),
        ]
        for row in self._rows:
            inside.addWidget(row)
        self.column.addWidget(sheet)
        self.column.addStretch(1)
        self._choices = Choices(kit, height=26)
        self.column.addWidget(self._choices)
        self._code = Words(kit.theme, "small", colour="ink_soft", align=CENTRE)
        self.column.addWidget(self._code)

    def apply(self, view: View) -> None:
        word = self.kit.word
        for_staff = len(view.lead) == 1
        labels = ("ui.staff_label",) if for_staff else ("ui.do_label", "ui.other_label")
        for row in self._rows[len(labels) :]:
            row.hide()
        for row, label, lead in zip(self._rows, labels, view.lead, strict=False):
            row.show()
            row.icon.show_icon("staff" if for_staff else "hand" if row is self._rows[0] else "list", "key")
            row.label.say(word(label))
            row.detail.tint("ink")
            row.label.tint("key")
            row.detail.say(self.kit.text(lead))
        self._choices.offer(view.actions)
        if isinstance(view.panel, ProblemPanel):
            code, upstream, time = view.panel.failure.value, view.panel.upstream, self.kit.time()
            if upstream:
                self._code.say(word("ui.code_line_upstream", code=code, upstream=upstream, time=time))
            else:
                self._code.say(word("ui.code_line", code=code, time=time))
