"""The printed card is being read: what to do with it, and the door to the keypad."""

from __future__ import annotations

from kiosk.reception.view import ScanPanel, View
from kiosk.ui.components import CENTRE, Words
from kiosk.ui.pages.base import Body, Choices, Kit
from kiosk.ui.pages.identity import Hint
from kiosk.ui.scanpictures import ScanPicture


class ScanBody(Body):
    """A picture of what to do, the same in words, and typing as an equal way."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self._picture = ScanPicture(kit)
        self.column.addWidget(self._picture, 1)
        self._hint = Hint(kit)
        self.column.addWidget(self._hint)
        self._why = Words(kit.theme, "lead", align=CENTRE, leading=1.4, balance=True)
        self._why.setMinimumHeight(kit.theme.mm(18))  # two lines, also when it says nothing: the hint stays in place
        policy = self._why.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._why.setSizePolicy(policy)
        self.column.addWidget(self._why)
        self.column.addSpacing(kit.theme.mm(6))
        self._choices = Choices(kit, height=30)
        self.column.addWidget(self._choices)
        self.column.addSpacing(kit.theme.mm(4))

    def apply(self, view: View) -> None:
        if isinstance(view.panel, ScanPanel):
            hint = view.panel.hint
            self._picture.show_hint(hint)
            self._hint.say(self.kit.word(f"scan.{hint}"), hint == "reading")
            self._why.say(self.kit.maybe(f"scan.{hint}_why"))
        self._choices.offer(view.actions)
