"""The operator panel calls what it was given."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QPushButton
from pytestqt.qtbot import QtBot

from kiosk.i18n import Catalogue
from kiosk.ui.panel import OperatorPanel


def test_cards_and_people(qtbot: QtBot, catalogue: Catalogue) -> None:
    done: list[tuple[str, ...]] = []
    panel = OperatorPanel(
        catalogue,
        "ja",
        [("a", "試験 花子"), ("b", "試験 太郎")],
        [("holder", "本人"), ("empty", "だれもいない")],
        insert=lambda name, face_down: done.append(("down" if face_down else "insert", name)),
        remove=lambda: done.append(("remove",)),
        seat=lambda name: done.append(("seat", name)),
        lights=[("normal", "ふつう"), ("glare", "光の反射")],
        light=lambda name: done.append(("light", name)),
        readers=[("ready", "ふつう"), ("busy", "使用中")],
        disturb=lambda name: done.append(("reader", name)),
    )
    qtbot.addWidget(panel)
    people = panel.findChild(QListWidget, "panel:personas")
    scenes = panel.findChild(QListWidget, "panel:scenes")
    put = panel.findChild(QPushButton, "panel:insert")
    take = panel.findChild(QPushButton, "panel:remove")
    assert people is not None
    assert scenes is not None
    assert put is not None
    assert take is not None
    assert not take.isEnabled()
    qtbot.mouseClick(put, Qt.MouseButton.LeftButton)
    people.setCurrentRow(1)
    qtbot.mouseClick(put, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(take, Qt.MouseButton.LeftButton)
    scenes.setCurrentRow(1)
    assert done == [("insert", "a"), ("remove",), ("insert", "b"), ("remove",), ("seat", "empty")]
    done.clear()
    down = panel.findChild(QPushButton, "panel:insert_down")
    lights = panel.findChild(QListWidget, "panel:lights")
    assert down is not None
    assert lights is not None
    qtbot.mouseClick(down, Qt.MouseButton.LeftButton)
    lights.setCurrentRow(1)
    assert done == [("down", "b"), ("light", "glare")]
    done.clear()
    readers = panel.findChild(QListWidget, "panel:readers")
    assert readers is not None
    readers.setCurrentRow(1)
    assert done == [("reader", "busy")]
