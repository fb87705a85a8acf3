"""照合番号B: era, birth date, expiry year, security code, one field after the other beside the picture of the card."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Slot
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kiosk.reception.number import Doubt, Era, Field, check, compose, length
from kiosk.reception.view import View
from kiosk.ui.components import Notice, Words
from kiosk.ui.eras import EraSheet
from kiosk.ui.fields import DigitBox
from kiosk.ui.keypad import Keypad
from kiosk.ui.pages.base import Body, Kit
from kiosk.ui.pages.identity import Chip
from kiosk.ui.pictures import CardFace

CAPACITY = 14


class FieldBox(DigitBox):
    """One field of the 照合番号B."""

    def __init__(self, kit: Kit, field: Field) -> None:
        super().__init__(kit, field, length(field, None))
        self.field = field


ORDER = (Field.YEAR, Field.MONTH, Field.DAY, Field.EXPIRY, Field.CODE)


class NumberBody(Body):
    """Digits live in wipeable buffers here and leave as one secret; the page forgets them when it goes."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        theme, mm = kit.theme, kit.theme.mm
        self.column.setSpacing(mm(3))
        self._era: Era | None = None
        self._current: Field | None = None  # None: the era is asked for
        self._card = CardFace(kit, 60)
        self.column.addWidget(self._card, 50)
        self._labels: dict[str, Words] = {}

        self._era_chip = Chip(theme, "field:era", height=20)
        self._era_chip.setFixedWidth(mm(30))
        self._era_chip.clicked.connect(self._ask_era)
        self.boxes = {field: FieldBox(kit, field) for field in ORDER}
        for box in self.boxes.values():
            box.clicked.connect(self._go_to)
        birth = self._line(self._era_chip)
        for field in (Field.YEAR, Field.MONTH, Field.DAY):
            birth.addWidget(self.boxes[field])
            birth.addWidget(self._unit(field))
        birth.addStretch(1)
        self.column.addWidget(self._caption("birth"))
        self.column.addLayout(birth)
        rest = QHBoxLayout()
        rest.setSpacing(mm(6))
        for field in (Field.EXPIRY, Field.CODE):
            group = QVBoxLayout()
            group.setSpacing(mm(1))
            group.addWidget(self._caption(field))
            line = self._line(self.boxes[field])
            if field == Field.EXPIRY:
                line.addWidget(self._unit(Field.YEAR, "expiry_unit"))
            line.addStretch(1)
            group.addLayout(line)
            rest.addLayout(group, 1)
        self.column.addLayout(rest)

        self._ask = Notice(theme, "info", "lead")
        self.column.addWidget(self._ask)
        self._eras = EraSheet(theme, self._era_chosen)
        self.column.addWidget(self._eras)
        self._pad_holder = QWidget()
        holder = QHBoxLayout(self._pad_holder)
        holder.setContentsMargins(mm(14), 0, mm(14), 0)
        self.keys = Keypad(theme, key_height=20)
        self.keys.digit.connect(self.type_digit)
        self.keys.erase.connect(self.erase)
        self.keys.enter.connect(self.enter)
        holder.addWidget(self.keys)
        self.column.addWidget(self._pad_holder)
        self.column.addStretch(1)

    def _caption(self, key: str) -> Words:
        words = Words(self.theme, "small", bold=True, colour="ink_soft", leading=1.2)
        self._labels[f"number.{key}"] = words
        return words

    def _unit(self, field: Field, name: str = "") -> Words:
        words = Words(self.theme, "lead", bold=True)
        words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._labels[f"number.{field}{'#' + name if name else ''}"] = words
        return words

    def _line(self, first: QWidget) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(self.theme.mm(2))
        line.addWidget(first)
        return line

    # --- the body's duties ---

    def apply(self, view: View) -> None:
        word = self.kit.word
        for key, words in self._labels.items():
            words.say(word(key.partition("#")[0]))
        for era, chip in self._eras.buttons.items():
            detail = f"（{word('era.western_detail')}）" if era == Era.WESTERN else ""
            chip.say(word(f"era.{era}") + detail)
        self._show()

    def leave(self) -> None:
        for box in self.boxes.values():
            box.digits.wipe()
        self._era, self._current = None, None

    def hideEvent(self, event: QEvent) -> None:
        self.leave()

    @Slot(int)
    def type_digit(self, digit: int) -> None:
        if self._current is None:
            return
        box = self.boxes[self._current]
        if len(box.digits) >= box.places:
            box.digits.wipe()  # a full field is typed anew
        box.digits.append(digit)
        if len(box.digits) == box.places and self._doubt() is None:
            self._advance()
        self._show()

    @Slot()
    def erase(self) -> None:
        if self._current is None:
            return
        box = self.boxes[self._current]
        if not len(box.digits) and self._current != ORDER[0]:
            self._current = ORDER[ORDER.index(self._current) - 1]
            box = self.boxes[self._current]
        box.digits.pop()
        self._show()

    @Slot()
    def enter(self) -> None:
        if self._current is None:
            return
        box = self.boxes[self._current]
        if self._current in (Field.YEAR, Field.MONTH, Field.DAY) and box.places == 2:
            box.digits.pad(2)
        if len(box.digits) == box.places and self._doubt() is None:
            if self._complete():
                self._send()
                return
            self._advance()
        self._show()

    # --- steps ---

    def _values(self) -> dict[Field, int | None]:
        return {field: box.digits.value(box.places) for field, box in self.boxes.items()}

    def _doubt(self) -> tuple[Field, Doubt] | None:
        if self._era is None:
            return None
        v = self._values()
        found = check(self._era, v[Field.YEAR], v[Field.MONTH], v[Field.DAY], v[Field.EXPIRY], self.kit.today())
        return (found.field, found.doubt) if found else None

    def _complete(self) -> bool:
        return self._era is not None and all(len(box.digits) == box.places for box in self.boxes.values())

    def _advance(self) -> None:
        """To the first field that is not full; when all are, stay."""
        for field in ORDER:
            if len(self.boxes[field].digits) < self.boxes[field].places:
                self._current = field
                return

    def _send(self) -> None:
        secret = self.kit.secrets.new(CAPACITY)
        parts = [self.boxes[field].digits.raw for field in ORDER]
        for byte in compose(*parts):
            secret.append(byte)
        self.leave()
        self._show()
        self.kit.secrets.number_entered(secret)

    @Slot()
    def _ask_era(self) -> None:
        self._current = None
        self._show()

    @Slot()
    def _era_chosen(self) -> None:
        chip = self.sender()
        for era, known in self._eras.buttons.items():
            if known is chip:
                if length(Field.YEAR, era) != length(Field.YEAR, self._era):
                    self.boxes[Field.YEAR].digits.wipe()
                self._era = era
        self.boxes[Field.YEAR].shape_for(length(Field.YEAR, self._era))
        self._current = Field.YEAR
        if len(self.boxes[Field.YEAR].digits) == self.boxes[Field.YEAR].places and self._doubt() is None:
            self._advance()
        self._show()

    @Slot()
    def _go_to(self) -> None:
        box = self.sender()
        if isinstance(box, FieldBox) and self._era is not None:
            self._current = box.field
            self._show()

    # --- picture ---

    def _show(self) -> None:
        word = self.kit.word
        asks_era = self._current is None
        self._eras.setVisible(asks_era)
        self._pad_holder.setVisible(not asks_era)
        self._era_chip.say(word("number.era_unset" if self._era is None else f"era.short_{self._era}"))
        self._era_chip.setChecked(asks_era)
        self._era_chip.update()
        for era, chip in self._eras.buttons.items():
            chip.setChecked(era == self._era)
            chip.update()
        doubt = self._doubt()
        for field, box in self.boxes.items():
            box.current = field == self._current
            box.doubtful = doubt is not None and doubt[0] == field
            box.update()
        self._card.light(Field.YEAR if asks_era else self._current)
        done = self._complete() and doubt is None
        if doubt is not None:
            self._ask.say(word(f"number.doubt.{doubt[1]}"), "warn")
        else:
            step = "done" if done else "era" if self._current is None else str(self._current)
            self._ask.say(word(f"number.ask.{step}"), "good" if done else "info")
        self.keys.label(word("ui.delete_one"), word("ui.go" if done else "ui.next"))
        if self._current is not None:
            box = self.boxes[self._current]
            typed = len(box.digits)
            ready = typed == box.places or (box.places == 2 and typed == 1)
            self.keys.allow(digits=True, clear=True, enter=ready and doubt is None)
