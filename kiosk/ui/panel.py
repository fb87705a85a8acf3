"""A small window beside a simulated kiosk: lays cards down, takes them away, seats people before the camera, and lets
the reader get into trouble."""

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
    """`personas`, `scenes` and `lights` are (id, name shown). `insert` with a card on the reader swaps it; its second
    argument: laid face down. `lights`: what is the matter under the camera above the reader; empty: there is none.
    `readers`: what is the matter with the reader; empty: it is a genuine one.

    Callbacks run in the GUI thread and must return at once.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        language: str,
        personas: Sequence[tuple[str, str]],
        scenes: Sequence[tuple[str, str]],
        *,
        insert: Callable[[str, bool], None],
        remove: Callable[[], None],
        seat: Callable[[str], None],
        lights: Sequence[tuple[str, str]] = (),
        light: Callable[[str], None] = lambda name: None,
        readers: Sequence[tuple[str, str]] = (),
        disturb: Callable[[str], None] = lambda name: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._insert, self._remove, self._seat, self._light = insert, remove, seat, light
        self._disturb = disturb
        self._on_reader = ""
        self._none = catalogue.word("panel.none", language)
        self.setWindowTitle(catalogue.word("panel.title", language))
        self._people = _filled(personas, "panel:personas")
        self._scenes = _filled(scenes, "panel:scenes")
        self._state = QLabel(self._none)
        self._put = QPushButton(catalogue.word("panel.insert", language))
        self._take = QPushButton(catalogue.word("panel.remove", language))
        self._down = QPushButton(catalogue.word("panel.insert_down", language))
        self._down.setObjectName("panel:insert_down")
        self._down.setVisible(bool(lights))
        self._put.setObjectName("panel:insert")
        self._take.setObjectName("panel:remove")
        self._take.setEnabled(False)
        row = QHBoxLayout()
        row.addWidget(self._put)
        row.addWidget(self._down)
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
        self._lights = _filled(lights, "panel:lights")
        if lights:
            above = QGroupBox(catalogue.word("panel.card_camera", language))
            QVBoxLayout(above).addWidget(self._lights)
            column.addWidget(above, 1)
        self._readers = _filled(readers, "panel:readers")
        if readers:
            below = QGroupBox(catalogue.word("panel.reader", language))
            QVBoxLayout(below).addWidget(self._readers)
            column.addWidget(below, 1)
        self.resize(380, 760)
        self._put.clicked.connect(self._put_card)
        self._down.clicked.connect(self._put_down)
        self._lights.currentItemChanged.connect(self._light_item)
        self._readers.currentItemChanged.connect(self._reader_item)
        self._people.itemDoubleClicked.connect(self._put_item)
        self._take.clicked.connect(self._take_card)
        self._scenes.currentItemChanged.connect(self._seat_item)

    @Slot()
    def _put_card(self) -> None:
        item = self._people.currentItem()
        if item is not None:
            self._put_item(item)

    @Slot()
    def _put_down(self) -> None:
        item = self._people.currentItem()
        if item is not None:
            self._lay(item, face_down=True)

    @Slot(QListWidgetItem)
    def _put_item(self, item: QListWidgetItem) -> None:
        self._lay(item, face_down=False)

    def _lay(self, item: QListWidgetItem, *, face_down: bool) -> None:
        if self._on_reader:
            self._remove()
        self._on_reader = str(item.data(_ID))
        self._state.setText(item.text())
        self._take.setEnabled(True)
        self._insert(self._on_reader, face_down)

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

    @Slot(QListWidgetItem, QListWidgetItem)
    def _light_item(self, item: QListWidgetItem | None, before: QListWidgetItem | None) -> None:
        if item is not None:
            self._light(str(item.data(_ID)))

    @Slot(QListWidgetItem, QListWidgetItem)
    def _reader_item(self, item: QListWidgetItem | None, before: QListWidgetItem | None) -> None:
        if item is not None:
            self._disturb(str(item.data(_ID)))


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
