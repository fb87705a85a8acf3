"""Quiet pages: what the card is good for."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kiosk.reception.view import LeafletPanel, View
from kiosk.ui.components import CENTRE, LEFT, Panel, Words
from kiosk.ui.leaflet import LeafletPicture, Places, QrCode
from kiosk.ui.pages.base import SIDE, Body, Choices, Kit
from kiosk.ui.typeset import lay_out

PORTAL = "https://myna.go.jp/"  # Mynaportal's public top page, as the leaflet prints it
_PARAGRAPHS = 4
_ROOM = 128  # mm for the sentences and what stands below them
_PORTAL_ROOM = 53


class LeafletBody(Body):
    """A drawing, a few sentences in large type, the page's place among the others. A dated fact carries its date."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        mm = kit.theme.mm
        self._picture = LeafletPicture(kit)
        self.column.addWidget(self._picture, 10)
        sheet = Panel(kit.theme)
        inside = QVBoxLayout(sheet)
        inside.setContentsMargins(mm(9), mm(8), mm(9), mm(9))
        inside.setSpacing(mm(5))
        self._lines = [Words(kit.theme, "button", leading=1.45) for _ in range(_PARAGRAPHS)]
        for words in self._lines:
            inside.addWidget(words)
        self._dated = Words(kit.theme, "body", colour="ink_soft", leading=1.4)
        inside.addWidget(self._dated)
        self._portal = QWidget()
        portal = QHBoxLayout(self._portal)
        portal.setContentsMargins(0, 0, 0, 0)
        portal.setSpacing(mm(7))
        self._code = QrCode(kit.theme, PORTAL, 48)
        portal.addWidget(self._code)
        self._address = Words(kit.theme, "lead", align=LEFT, leading=1.4)
        portal.addWidget(self._address, 1, Qt.AlignmentFlag.AlignVCenter)
        inside.addWidget(self._portal)
        self.column.addWidget(sheet)
        self.column.addStretch(1)
        self._places = Places(kit.theme)
        self.column.addWidget(self._places)
        self._where = Words(kit.theme, "body", colour="ink_soft", align=CENTRE, leading=1.2)
        self.column.addWidget(self._where)
        self._choices = Choices(kit, height=26, across=True)
        self.column.addWidget(self._choices)

    def apply(self, view: View) -> None:
        if not isinstance(view.panel, LeafletPanel):
            return
        panel = view.panel
        self._picture.draw(panel.name)
        paragraphs = "\n".join(self.kit.text(lead) for lead in view.lead).split("\n")
        dated = self.kit.maybe(f"leaflet.{panel.name}.dated")
        size = self._size(paragraphs, dated, panel.qr)
        for place, words in enumerate(self._lines):
            # More paragraphs than places: the last place takes the rest.
            rest = paragraphs[place:] if place == _PARAGRAPHS - 1 else paragraphs[place : place + 1]
            words.say("\n".join(rest))
            words.resize_to(size)
        self._dated.say(dated)
        self._portal.setVisible(panel.qr)
        self._address.say(self.kit.word("ui.portal_address") if panel.qr else "")
        self._places.show_place(panel.index, panel.total)
        self._where.say(self.kit.word("ui.leaflet_place", page=panel.index + 1, pages=panel.total))
        self._choices.offer(view.actions)

    def _size(self, paragraphs: list[str], dated: str, qr: bool) -> str:
        """The largest text that leaves the drawing its room."""
        theme, mm = self.theme, self.theme.mm
        width = theme.size[0] - mm(2 * SIDE + 18)
        room: float = mm(_ROOM - (_PORTAL_ROOM if qr else 0))
        if dated:
            room -= lay_out(dated, theme.font("body"), width, leading=1.4).height + mm(5)
        for size in ("button", "lead"):
            blocks = [lay_out(text, theme.font(size), width, leading=1.45) for text in paragraphs]
            if sum(block.height for block in blocks) + mm(5) * (len(blocks) - 1) <= room:
                return size
        return "body"
