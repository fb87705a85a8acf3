"""What may be shared: everything at once, item by item, and the page that shows all answers."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from kiosk.reception.consent import Item
from kiosk.reception.events import Event
from kiosk.reception.view import AnswersPanel, ConsentPanel, View, Weight
from kiosk.ui.components import ActionButton, Icon, Panel, Words
from kiosk.ui.pages.base import Body, Choices, Kit, named, without
from kiosk.ui.pages.start import Row

_ORDER = tuple(Item)
_FEW = 2  # more items leave no room for details and large terms in every language


def rule(kit: Kit) -> QFrame:
    """A hairline between rows."""
    line = QFrame()
    line.setFixedHeight(max(1, round(kit.theme.px(2))))
    line.setAutoFillBackground(True)
    palette = line.palette()
    palette.setColor(line.backgroundRole(), kit.theme.colour("line"))
    line.setPalette(palette)
    return line


class Terms(QWidget):
    """Who sees it and why; how long, and what a no means."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        mm = kit.theme.mm
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(mm(4))
        self._lines: list[tuple[Icon, Words]] = []
        for name in ("people", "clock"):
            line = QHBoxLayout()
            line.setSpacing(mm(5))
            icon = Icon(kit.theme, name, "key", 9)
            line.addWidget(icon)
            words = Words(kit.theme, "body", leading=1.4)
            line.addWidget(words, 1)
            column.addLayout(line)
            self._lines.append((icon, words))

    def say(self, texts: list[str], size: str) -> None:
        for place, (icon, words) in enumerate(self._lines):
            words.resize_to(size)
            words.say(texts[place] if place < len(texts) else "")
            icon.setVisible(place < len(texts))


class ConsentBody(Body):
    """The items with their look-back, the terms, and answers of the same size."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        sheet = Panel(kit.theme)
        inside = QVBoxLayout(sheet)
        inside.setContentsMargins(mm(8), mm(6), mm(8), mm(7))
        inside.setSpacing(mm(3.5))
        self._rows: dict[Item, tuple[Row, Words, QWidget]] = {}
        for item in _ORDER:
            holder = QWidget()
            line = QHBoxLayout(holder)
            line.setContentsMargins(0, 0, 0, 0)
            row = Row(kit, item.name.lower(), 17)
            years = Words(kit.theme, "body", bold=True, colour="key_deep", align=Qt.AlignmentFlag.AlignRight)
            years.setFixedWidth(mm(42))
            line.addWidget(row, 1)
            line.addWidget(years, 0, Qt.AlignmentFlag.AlignVCenter)
            inside.addWidget(holder)
            self._rows[item] = (row, years, holder)
        inside.addWidget(rule(kit))
        self._terms = Terms(kit)
        inside.addWidget(self._terms)
        self._inside = inside
        self.column.addWidget(sheet)
        self.column.addStretch(1)
        self._main = Choices(kit, height=27, across=True)
        self.column.addWidget(self._main)
        self._quiet = Choices(kit)
        self.column.addWidget(self._quiet)

    def apply(self, view: View) -> None:
        word = self.kit.word
        shown = dict(view.panel.items) if isinstance(view.panel, ConsentPanel) else {}
        for item, (row, years, holder) in self._rows.items():
            holder.setVisible(item in shown)
            if item in shown:
                key = item.name.lower()
                row.say(word(f"item.{key}"), word(f"item_detail.{key}") if len(shown) <= _FEW else "")
                row.icon.resize_to(24 if len(shown) <= _FEW else 17)
                years.say(word("ui.years", years=shown[item]) if shown[item] else "")
        few = len(shown) <= _FEW
        self._inside.setSpacing(self.theme.mm(6 if few else 3.5))
        self._terms.say([self.kit.text(lead) for lead in view.lead], "lead" if few else "body")
        self._main.offer([action for action in view.actions if action.weight != Weight.QUIET])
        self._quiet.offer([action for action in view.actions if action.weight == Weight.QUIET])


class AnswersBody(Body):
    """Every answer with its own 「変える」; the main button names what it does."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        self._rows: dict[Item, tuple[QWidget, Row, ActionButton]] = {}
        for item in _ORDER:
            sheet = Panel(kit.theme)
            line = QHBoxLayout(sheet)
            line.setContentsMargins(mm(8), mm(7), mm(7), mm(8))
            row = Row(kit, item.name.lower(), 22, detail="lead")
            change = ActionButton(
                kit.theme,
                f"change_{item.name.lower()}",
                height=18,
                size="lead",
                icon="pen",
                icon_mm=6,
                weight=Weight.QUIET,
            )
            change.chosen.connect(self._chosen)
            line.addWidget(row, 1)
            line.addWidget(change)
            self.column.addWidget(sheet)
            self._rows[item] = (sheet, row, change)
        self.column.addStretch(1)
        self._choices = Choices(kit, height=30)
        self.column.addWidget(self._choices)

    def apply(self, view: View) -> None:
        word = self.kit.word
        given = dict(view.panel.rows) if isinstance(view.panel, AnswersPanel) else {}
        changes = []
        for item, (sheet, row, change) in self._rows.items():
            sheet.setVisible(item in given)
            if item in given:
                key = item.name.lower()
                row.say(word(f"item.{key}"), self.kit.text(given[item]))
                changes.append(f"change_{key}")
                for action in named(view.actions, f"change_{key}"):
                    change.offer(action, self.kit.text(action.text))
        self._choices.offer(without(view.actions, *changes))

    @Slot(object)
    def _chosen(self, event: Event) -> None:
        self.kit.post(event)
