"""The staff's room: tests, in or out of service."""

from __future__ import annotations

from PySide6.QtCore import Slot

from kiosk.reception.events import Event, Test
from kiosk.reception.view import RoomPanel, View
from kiosk.ui.components import LEFT, ActionButton, Notice
from kiosk.ui.pages.base import ICONS, Body, Choices, Kit, named, without


class RoomBody(Body):
    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self._state = Notice(kit.theme, "good")
        self.column.addWidget(self._state)
        self._tests: dict[Test, tuple[ActionButton, Notice]] = {}
        for device in Test:
            button = ActionButton(
                kit.theme, f"test_{device}", height=22, size="lead", icon=ICONS[f"test_{device}"], icon_mm=9, align=LEFT
            )
            button.chosen.connect(self._chosen)
            found = Notice(kit.theme, "info")
            self.column.addWidget(button)
            self.column.addWidget(found)
            self._tests[device] = (button, found)
        self.column.addStretch(1)
        self._choices = Choices(kit)
        self.column.addWidget(self._choices)

    def apply(self, view: View) -> None:
        panel = view.panel
        if not isinstance(panel, RoomPanel):
            return
        word = self.kit.word
        self._state.say(
            word("ui.service_open" if panel.open else "ui.service_closed"), "good" if panel.open else "warn"
        )
        findings = dict(panel.findings)
        for device, (button, found) in self._tests.items():
            offered = named(view.actions, f"test_{device}")
            button.setVisible(bool(offered))
            if not offered:  # there is no such device
                found.hide()
                continue
            for action in offered:
                button.offer(action, self.kit.text(action.text))
                button.setEnabled(action.enabled and not panel.running)
            finding = findings.get(device.value)
            if finding is None:
                found.say(word("ui.testing" if panel.running else "ui.untested"), "info")
            elif finding == "ok":
                found.say(word("finding.ok"), "good")
            else:
                found.say(self.kit.maybe(f"failure.{finding}.staff") or finding, "warn")
        self._choices.offer(without(view.actions, *(f"test_{device}" for device in Test)))

    @Slot(object)
    def _chosen(self, event: Event) -> None:
        self.kit.post(event)
