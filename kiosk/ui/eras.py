"""The sheet from which the era of a birth date is chosen."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QGridLayout, QWidget

from kiosk.reception.number import Era
from kiosk.ui.pages.identity import Chip
from kiosk.ui.theme import Theme


class EraSheet(QWidget):
    """`buttons`: one for each era. `chosen` is called without arguments; the page asks who sent it."""

    def __init__(self, theme: Theme, chosen: Callable[[], None]) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(theme.mm(14), 0, theme.mm(14), 0)
        grid.setSpacing(theme.mm(4))
        self.buttons: dict[Era, Chip] = {}
        for place, era in enumerate(Era):
            chip = Chip(theme, f"field:era:{era}", height=22, size="heading")
            chip.clicked.connect(chosen)
            grid.addWidget(chip, place // 2, place % 2, 1, 2 if era == Era.WESTERN else 1)
            self.buttons[era] = chip
