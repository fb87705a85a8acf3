"""What may be shared: everything at once, item by item, and the page that shows all answers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kiosk.reception.consent import Item
from kiosk.reception.events import Event
from kiosk.reception.view import Action, AnswersPanel, ConsentPanel, View, Weight
from kiosk.ui.components import ActionButton, Icon, Panel, Words
from kiosk.ui.pages.base import ICONS, Body, Choices, Kit, named, without
from kiosk.ui.pages.start import Row

_ORDER = tuple(Item)
_LIST = 4  # more answers stand in two columns
_SPACIOUS = 3  # more rows to check are drawn smaller, and from _DENSE on small
_DENSE = 6
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
        column.setSpacing(mm(6))
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
        self._list = GridChoices(kit)
        self.column.addWidget(self._list)
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
        size = "button" if len(shown) == 1 and Item.DISPENSE not in shown else "lead" if few else "body"
        self._terms.say([self.kit.text(lead) for lead in view.lead], size)
        main = [action for action in view.actions if action.weight != Weight.QUIET]
        listed = Item.DISPENSE in shown
        self._main.offer([] if listed else main)
        self._list.offer(main if listed else [])
        self._quiet.offer([action for action in view.actions if action.weight == Weight.QUIET])


class GridChoices(QWidget):
    """Answers of one size, below each other; many in two columns."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._buttons: list[ActionButton] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(kit.theme.mm(4))

    def offer(self, actions: Sequence[Action]) -> None:
        """The buttons are those of this patient: made anew when there are more or fewer of them."""
        if [button.objectName() for button in self._buttons] != [f"action:{action.name}" for action in actions]:
            self._make(actions)
        for action, button in zip(actions, self._buttons, strict=True):
            button.offer(action, self._kit.text(action.text))
        self.setVisible(bool(actions))

    def _make(self, actions: Sequence[Action]) -> None:
        for button in self._buttons:
            self._grid.removeWidget(button)
            button.hide()
            button.deleteLater()
        columns = 1 if len(actions) <= _LIST else 2
        for column in range(2):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        height = 24 if len(actions) <= 2 * _LIST else 20
        self._buttons = []
        for place, action in enumerate(actions):
            icon = ICONS.get(action.name, "dispense")
            size = "button" if columns == 1 else "lead"
            button = ActionButton(self._kit.theme, action.name, height=height, size=size, icon=icon, icon_mm=7)
            button.chosen.connect(self._chosen)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # no wider for a longer word
            self._grid.addWidget(button, place // columns, place % columns)
            self._buttons.append(button)

    @Slot(object)
    def _chosen(self, event: Event) -> None:
        self._kit.post(event)


class AnswersBody(Body):
    """Every answer with its own 「変える」; the main button names what it does."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self._rows: dict[Item, tuple[QHBoxLayout, QWidget, Row, ActionButton]] = {}
        for item in _ORDER:
            sheet = Panel(kit.theme)
            line = QHBoxLayout(sheet)
            row = Row(kit, item.name.lower(), 22, detail="lead", strong=True)
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
            self._rows[item] = (line, sheet, row, change)
        self.column.addStretch(1)
        self._choices = Choices(kit, height=30)
        self.column.addWidget(self._choices)

    def apply(self, view: View) -> None:
        word = self.kit.word
        given = dict(view.panel.rows) if isinstance(view.panel, AnswersPanel) else {}
        changes = []
        dense, spacious = len(given) >= _DENSE, len(given) <= _SPACIOUS
        edge = self.theme.mm(1.9 if dense else 6.5 if spacious else 4)
        self.column.setSpacing(self.theme.mm(2.4 if dense else 4))
        for item, (line, sheet, row, change) in self._rows.items():
            sheet.setVisible(item in given)
            if item in given:
                line.setContentsMargins(self.theme.mm(8), edge, self.theme.mm(6), edge + 5)
                row.label.resize_to("body" if dense else "heading")
                row.detail.resize_to("lead")
                row.spacing(0.5 if dense else 2)
                row.icon.resize_to(15 if dense else 22)
                no = given[item].key.endswith("no") and item is not Item.PRESCRIPTION
                row.icon.show_icon(item.name.lower(), "ink_soft" if no else "key", "disabled" if no else "key_tint")
                row.detail.tint("ink" if no else "key_deep")
                change.resize_to(15.5 if dense else 18, "lead")
                key = item.name.lower()
                row.say(word(f"item.{key}"), self.kit.text(given[item]))
                changes.append(f"change_{key}")
                for action in named(view.actions, f"change_{key}"):
                    change.offer(action, self.kit.text(action.text))
        self._choices.offer(without(view.actions, *changes))

    @Slot(object)
    def _chosen(self, event: Event) -> None:
        self.kit.post(event)
