"""The page on which the printed card is read: what to do, in a picture and in words, and typing as an equal way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from devices.ports import ScanHint
from kiosk.reception import events as e
from kiosk.reception.view import ScanPanel
from kiosk.ui.components import Press, Words
from kiosk.ui.pages.identity import Hint
from kiosk.ui.scanpictures import ScanPicture
from kiosk.ui.screenshots import settle
from tests.ui.conftest import Bench


def shown(bench: Bench) -> set[str]:
    return {words.text for words in bench.window.findChildren(Words) if words.isVisible()}


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_word_of_the_scanner_has_its_sentence_and_its_picture(bench: Bench, language: str) -> None:
    said, drawn = set(), set()
    view = bench.show("scan_card_reading", language)
    for hint in ScanHint:
        bench.window.present(replace(view, panel=ScanPanel(hint.value)))
        settle()
        assert bench.window.findChild(ScanPicture).isVisible()
        said.add(frozenset(shown(bench)))
        drawn.add(_pixels(bench))
    assert len(said) == len(drawn) == len(ScanHint)


def _pixels(bench: Bench) -> bytes:
    image = bench.window.findChild(ScanPicture).grab().toImage()
    return bytes(image.constBits())


def test_typing_is_one_touch_away_whatever_the_hint(bench: Bench) -> None:
    for hint in ScanHint:
        bench.events.clear()
        bench.show(f"scan_card_{hint.value}")
        settle()
        button = bench.window.findChild(Press, "action:type_number")
        assert button.isVisible()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
        assert bench.events == [e.TypeNumber()]


def test_another_hint_leaves_the_button_under_a_finger_alone(bench: Bench) -> None:
    view = bench.show("scan_card_reading")
    settle()
    button = bench.window.findChild(Press, "action:type_number")
    place = button.mapTo(bench.window, button.rect().center())
    pill = next(each for each in bench.window.findChildren(Hint) if each.isVisible())
    top = pill.y()
    QTest.mousePress(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    for hint in ScanHint:
        bench.window.present(replace(view, panel=ScanPanel(hint.value)))
        settle()
        assert button.mapTo(bench.window, button.rect().center()) == place
        assert pill.y() == top
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    assert bench.events == [e.TypeNumber()]
