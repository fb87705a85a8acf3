"""Presses what a person would press, with real mouse clicks: for tests and the demonstration."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from kiosk.reception.number import Era, Field, as_printed, length
from kiosk.reception.view import Page
from kiosk.ui.components import Press
from kiosk.ui.kana import strokes
from kiosk.ui.window import KioskWindow

_STEP_MS = 15


class NotOnPage(Exception):
    """Nothing of that name can be pressed now: the name and the page."""


class Robot:
    """Needs the GUI thread. `patience` in seconds: how long a control may take to become ready.

    `touched`: what was pressed so far, by name.
    """

    def __init__(self, window: KioskWindow, patience: float = 2.0) -> None:
        self._window = window
        self.touched: list[str] = []
        self._tries = max(1, round(patience * 1000 / _STEP_MS))

    def page(self) -> Page | None:
        view = self._window.view
        return view.page if view is not None else None

    def find(self, name: str) -> Press | None:
        """The control with this object name that is on screen, enabled and past its settling time."""
        for press in self._window.findChildren(Press, name):
            if press.isVisible() and press.isEnabled() and press.settled():
                return press
        return None

    def press(self, name: str) -> None:
        """Click in the middle of `action:<name>`, `key:<digit>`, … Raises `NotOnPage`."""
        for _ in range(self._tries):
            found = self.find(name)
            if found is not None:
                QTest.mouseClick(found, Qt.MouseButton.LeftButton, pos=found.rect().center())
                self.touched.append(name)
                return
            QTest.qWait(_STEP_MS)
        raise NotOnPage(f"{name} on {self.page()}")

    def act(self, action: str) -> None:
        self.press(f"action:{action}")

    def type_digits(self, digits: str) -> None:
        for digit in digits:
            self.press(f"key:{digit}")

    def type_pin(self, digits: str) -> None:
        """The PIN or a credential, and enter."""
        self.type_digits(digits)
        self.press("key:enter")

    def type_number(self, era: Era | str, year: int, month: int, day: int, expiry: int, code: str) -> None:
        """照合番号B as a patient types it, and go on."""
        era = Era(era)
        self.press(f"field:era:{era}")
        self.type_digits(f"{year:0{length(Field.YEAR, era)}d}{month:02d}{day:02d}{expiry:04d}{code}")
        self.press("key:enter")

    def type_query(self, insurer: str, symbol: str, number: str, branch: str, birth: date) -> None:
        """A look-up by number as staff type it, and go on: digits, hyphens and kana; "" where nothing is printed."""
        self.type_digits(insurer)
        if len(insurer) == 6:
            self.press("key:enter")
        for text, empty in ((symbol, "key:none"), (number, "key:enter")):
            self.type_letters(text)
            self.press("key:enter" if text else empty)
        if branch:
            self.type_digits(branch)
        else:
            self.press("key:none")
        era, year = as_printed(birth)
        self.press(f"field:era:{era}")
        self.type_digits(f"{year:0{length(Field.YEAR, era)}d}{birth:%m%d}")
        self.press("key:enter")

    def type_letters(self, text: str) -> None:
        """Raises `NotOnPage` for a character that no key has."""
        for char in text:
            if char.isdecimal() and char.isascii():
                self.press(f"key:{char}")
            elif char == "-":
                self.press("key:hyphen")
            else:
                self.press("key:kana")
                for key in strokes(char):
                    self.press(f"kana:{key}")
                self.press("kana:done")

    def confirm_by_eye(self, reason: str, credential: str) -> None:
        """Staff: reason, credential, enter."""
        self.press(f"reason:{reason}")
        self.type_pin(credential)

    def staff_gesture(self) -> None:
        """Upper left, upper right, upper left, upper right."""
        near, far = 5, self._window.width() - 5
        for x in (near, far, near, far):
            QTest.mouseClick(self._window, Qt.MouseButton.LeftButton, pos=QPoint(x, near))
