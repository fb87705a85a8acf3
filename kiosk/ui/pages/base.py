"""What every page shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from kiosk.i18n import Catalogue
from kiosk.reception.events import Event
from kiosk.reception.policy import Policy
from kiosk.reception.view import Action, Text, View, Weight
from kiosk.ui.components import LEFT, ActionButton
from kiosk.ui.ports import FrameSource, SecretDoor
from kiosk.ui.theme import Theme

SIDE = 11  # mm at the left and right of everything

ICONS = {
    "face": "face",
    "pin": "keypad",
    "staff": "staff",
    "try_again": "again",
    "use_last_try": "keypad",
    "other_method": "list",
    "register": "check",
    "decline_registration": "paper",
    "all_yes": "eye",
    "all_no": "eye_off",
    "item_yes": "eye",
    "item_no": "eye_off",
    "each": "list",
    "item_use": "check",
    "item_not_use": "paper",
    "prescription_electronic": "phone",
    "prescription_paper": "paper",
    "dispense_all": "check",
    "dispense_none": "leave",
    "leaflet": "book",
    "previous_page": "back",
    "next_page": "chevron",
    "lookup": "keypad",
    "postpone": "queue",
    "type_again": "keypad",
    "type_number": "keypad",
    "paper_certificate": "paper",
    "paper_card_notice": "card",
    "paper_card_portal": "card",
    "paper_notice_alone": "paper",
    "paper_portal_alone": "phone",
    "card_seen": "check",
    "card_not_seen": "back",
    "help": "bell",
    "test_reader": "reader",
    "test_camera": "camera",
    "test_scanner": "card",
    "test_gateway": "gateway",
    "leave": "leave",
    "close_kiosk": "lock",
    "open_kiosk": "check",
}


class Kit:
    """The window's things that pages use. `language` changes with every view."""

    def __init__(
        self,
        *,
        theme: Theme,
        catalogue: Catalogue,
        policy: Policy,
        post: Callable[[Event], None],
        secrets: SecretDoor,
        frames: FrameSource,
        clock: Callable[[], datetime],
        notify: Callable[[str], None],
    ) -> None:
        self.theme, self.catalogue, self.policy, self.post = theme, catalogue, policy, post
        self.secrets, self.frames, self._clock, self.notify = secrets, frames, clock, notify
        self.language = policy.languages[0]

    def word(self, key: str, **values: str | int | Text) -> str:
        return self.catalogue.word(key, self.language, **values)

    def maybe(self, key: str) -> str:
        """An optional text, empty when the catalogue has none."""
        return self.word(key) if self.catalogue.has(key) else ""

    def text(self, text: Text) -> str:
        return self.catalogue.text(text, self.language)

    def today(self) -> date:
        return self._clock().date()

    def time(self) -> str:
        return self._clock().strftime("%H:%M")


class Body(QWidget):
    """Everything between heading and bottom bar. Lives as long as the window; `apply` re-fills it."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.kit = kit
        self.theme = kit.theme
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(kit.theme.mm(SIDE), kit.theme.mm(2), kit.theme.mm(SIDE), kit.theme.mm(4))
        self.column.setSpacing(kit.theme.mm(4))

    def apply(self, view: View) -> None:
        """Show `view`. Called for every change, also of the language: what was typed stays."""

    def leave(self) -> None:
        """Another page comes: overwrite what was typed."""

    def type_digit(self, digit: int) -> None:
        """From a numeric keyboard."""

    def type_hyphen(self) -> None:
        """From a numeric keyboard."""

    def erase(self) -> None:
        """From a numeric keyboard."""

    def enter(self) -> None:
        """From a numeric keyboard."""


class Choices(QWidget):
    """The actions of a view as buttons; a button is made once and used again."""

    def __init__(self, kit: Kit, *, height: float = 22, across: bool = False, details: bool = False) -> None:
        super().__init__()
        self._kit, self._height, self._details = kit, height, details
        self._across = across
        self._buttons: dict[str, ActionButton] = {}
        self._box = QVBoxLayout(self)
        if across:
            self._box.setDirection(QVBoxLayout.Direction.LeftToRight)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(kit.theme.mm(5 if details else 4))
        if details:
            self._box.addStretch(1)

    def offer(self, actions: Sequence[Action]) -> None:
        """Show these, in this order, and nothing else. A button that stays is left alone: a finger may be on it."""
        wanted = {action.name for action in actions}
        for name, button in self._buttons.items():
            if name not in wanted:
                button.hide()
        for place, action in enumerate(actions):
            button = self._buttons.get(action.name) or self._make(action)
            if self._box.indexOf(button) != place:
                self._box.removeWidget(button)
                self._box.insertWidget(place, button, 1 if self._across else 100 if self._details else 0)
            if not self._details:
                quiet = action.weight == Weight.QUIET
                button.resize_to(min(self._height, 20) if quiet else self._height, "lead" if quiet else "button")
            detail = self._kit.maybe(f"detail.{action.name}") if self._details else ""
            button.offer(action, self._kit.text(action.text), detail)
        self.setVisible(bool(actions))

    def _make(self, action: Action) -> ActionButton:
        icon = ICONS.get(action.name, "")
        big = self._details
        button = ActionButton(
            self._kit.theme,
            action.name,
            height=self._height,
            icon=icon,
            icon_mm=27 if big else 8,
            align=LEFT if big else Qt.AlignmentFlag.AlignHCenter,
            size="heading" if big else "button",
            arrow=big,
            after=action.name == "next_page",
        )
        if big:
            button.setMaximumHeight(self._kit.theme.mm(self._height * 1.35))
            button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        button.chosen.connect(self._chosen)
        self._buttons[action.name] = button
        return button

    @Slot(object)
    def _chosen(self, event: Event) -> None:
        self._kit.post(event)


def named(actions: Sequence[Action], *names: str) -> list[Action]:
    return [action for action in actions if action.name in names]


def without(actions: Sequence[Action], *names: str) -> list[Action]:
    return [action for action in actions if action.name not in names]
