"""A small window beside a simulated kiosk: lays cards down, takes them away, seats people before the camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from kiosk.i18n import Catalogue

_ID = Qt.ItemDataRole.UserRole


class OperatorPanel(QWidget):
    """`personas` and `scenes` are (id, name shown). `insert` with a card on the reader swaps it.

    Callbacks run in the GUI thread and must return at once.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        language: str,
        personas: Sequence[tuple[str, str]],
        scenes: Sequence[tuple[str, str]],
        *,
        insert: Callable[[str], None],
        remove: Callable[[], None],
        seat: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._insert, self._remove, self._seat = insert, remove, seat
        self._on_reader = ""
        self._none = catalogue.word("panel.none", language)
        self.setWindowTitle(catalogue.word("panel.title", language))
        self._people = _filled(personas, "panel:personas")
        self._scenes = _filled(scenes, "panel:scenes")
        self._state = QLabel(self._none)
        self._put = QPushButton(catalogue.word("panel.insert", language))
        self._take = QPushButton(catalogue.word("panel.remove", language))
        self._put.setObjectName("panel:insert")
        self._take.setObjectName("panel:remove")
        self._take.setEnabled(False)
        row = QHBoxLayout()
        row.addWidget(self._put)
        row.addWidget(self._take)
        card = QGroupBox(catalogue.word("panel.card", language))
        inside = QVBoxLayout(card)
        inside.addWidget(self._people)
        inside.addLayout(row)
        inside.addWidget(self._state)
        camera = QGroupBox(catalogue.word("panel.camera", language))
        QVBoxLayout(camera).addWidget(self._scenes)
        column = QVBoxLayout(self)
        column.addWidget(card, 2)
        column.addWidget(camera, 1)
        self.resize(380, 680)
        self._put.clicked.connect(self._put_card)
        self._people.itemDoubleClicked.connect(self._put_item)
        self._take.clicked.connect(self._take_card)
        self._scenes.currentItemChanged.connect(self._seat_item)

    @Slot()
    def _put_card(self) -> None:
        item = self._people.currentItem()
        if item is not None:
            self._put_item(item)

    @Slot(QListWidgetItem)
    def _put_item(self, item: QListWidgetItem) -> None:
        if self._on_reader:
            self._remove()
        self._on_reader = str(item.data(_ID))
        self._state.setText(item.text())
        self._take.setEnabled(True)
        self._insert(self._on_reader)

    @Slot()
    def _take_card(self) -> None:
        self._on_reader = ""
        self._state.setText(self._none)
        self._take.setEnabled(False)
        self._remove()

    @Slot(QListWidgetItem, QListWidgetItem)
    def _seat_item(self, item: QListWidgetItem | None, before: QListWidgetItem | None) -> None:
        if item is not None:
            self._seat(str(item.data(_ID)))


def _filled(rows: Sequence[tuple[str, str]], name: str) -> QListWidget:
    found = QListWidget()
    found.setObjectName(name)
    for key, text in rows:
        item = QListWidgetItem(text)
        item.setData(_ID, key)
        found.addItem(item)
    if rows:
        found.setCurrentRow(0)
    return found
