"""Look-up by number (番号による資格確認): staff copy what stands on a 資格確認書, one field after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import pairwise

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kiosk.reception.insured import QueryDoubt, QueryField, check_digit
from kiosk.reception.number import Doubt, Era, Field, check, length, western_year
from kiosk.reception.view import View
from kiosk.ui.components import Notice, Words
from kiosk.ui.eras import EraSheet
from kiosk.ui.fields import Box, DigitBox, LetterBox
from kiosk.ui.kana import KanaSheet, marked
from kiosk.ui.keypad import Key, Keypad
from kiosk.ui.pages.base import Body, Kit
from kiosk.ui.pages.identity import Chip

CAPACITY = 400  # bytes: 20 letters of 記号 and of 番号, six bytes each, and the rest
_MOST = 20
_HYPHEN = ord("-")
_HEX = b"0123456789abcdef"
_SHORT, _LONG = 6, 8  # digits of an insurer number


class Step(StrEnum):
    """In the order of the page. Values: catalogue keys below `lookup.ask.`."""

    INSURER = "insurer"
    SYMBOL = "symbol"
    NUMBER = "number"
    BRANCH = "branch"
    ERA = "era"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"


_DATE = {Step.YEAR: Field.YEAR, Step.MONTH: Field.MONTH, Step.DAY: Field.DAY}
_OF_DATE = {field: step for step, field in _DATE.items()}
_LETTERS = (Step.SYMBOL, Step.NUMBER)
_MAY_BE_NONE = (Step.SYMBOL, Step.BRANCH)


def compose(fields: Iterable[tuple[QueryField, Iterable[int]]]) -> Iterator[int]:
    """The JSON of a `Query` in ASCII, byte by byte from code points, so that no text of a whole value is made."""
    opening = b'{"'
    for field, codes in fields:
        yield from opening + field.value.encode() + b'": "'
        for code in codes:
            if code < 0x80:
                yield code
            else:
                yield from b"\\u"
                yield from (_HEX[code >> shift & 0xF] for shift in (12, 8, 4, 0))
        yield ord('"')
        opening = b', "'
    yield ord("}")


class QueryBody(Body):
    """What is typed lives in wipeable buffers here and leaves as one secret; the page forgets it when it goes."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        theme, mm = kit.theme, kit.theme.mm
        self.column.setSpacing(mm(2.5))
        self._current = Step.INSURER
        self._era: Era | None = None
        self._none: set[Step] = set()  # said to be empty
        self._kana_open = False
        self._labels: dict[str, Words] = {}
        self.digits = {
            Step.INSURER: DigitBox(kit, Step.INSURER, _LONG),
            Step.BRANCH: DigitBox(kit, Step.BRANCH, 2),
            **{step: DigitBox(kit, step, length(field, None)) for step, field in _DATE.items()},
        }
        self.letters = {step: LetterBox(kit, step, _MOST) for step in _LETTERS}
        self.boxes: dict[Step, Box] = {**self.digits, **self.letters}
        for box in self.boxes.values():
            box.clicked.connect(self._go_to)
        self._right = Notice(theme, "good")

        insurer = self._line(self.boxes[Step.INSURER])
        insurer.addWidget(self._right, 1, Qt.AlignmentFlag.AlignVCenter)
        insurer.addStretch(0)
        self._group(self.column, "insurer", insurer)
        person = QHBoxLayout()
        person.setSpacing(mm(4))
        for step, stretch in ((Step.SYMBOL, 8), (Step.NUMBER, 7), (Step.BRANCH, 0)):
            group = QVBoxLayout()
            group.setSpacing(mm(1))
            self._group(group, step, self._line(self.boxes[step]))
            person.addLayout(group, stretch)
        self.column.addLayout(person)
        self._era_chip = Chip(theme, "field:era", height=20)
        self._era_chip.setFixedWidth(mm(30))
        self._era_chip.clicked.connect(self._ask_era)
        birth = self._line(self._era_chip)
        for step in _DATE:
            birth.addWidget(self.boxes[step])
            unit = Words(theme, "lead", bold=True)
            unit.setSizePolicy(unit.sizePolicy().Policy.Maximum, unit.sizePolicy().Policy.Fixed)
            self._labels[f"number.{step}"] = unit
            birth.addWidget(unit)
        birth.addStretch(1)
        self._group(self.column, "birth", birth)

        self._ask = Notice(theme, "info", "lead")
        self.column.addWidget(self._ask)
        self._eras = EraSheet(theme, self._era_chosen)
        self.column.addWidget(self._eras)
        self._pad = QWidget()
        holder = QVBoxLayout(self._pad)
        holder.setContentsMargins(mm(14), 0, mm(14), 0)
        holder.setSpacing(mm(3))
        extra = QHBoxLayout()
        extra.setSpacing(mm(3))
        self._extra = {name: Key(theme, name, height=20, silent=False) for name in ("hyphen", "kana", "none")}
        for key, slot in zip(self._extra.values(), (self.type_hyphen, self._open_kana, self._leave_empty), strict=True):
            policy = key.sizePolicy()
            policy.setRetainSizeWhenHidden(True)  # the digits keep their places
            key.setSizePolicy(policy)
            key.clicked.connect(slot)
            extra.addWidget(key, 1)
        holder.addLayout(extra)
        self.keys = Keypad(theme, key_height=20)
        self.keys.digit.connect(self.type_digit)
        self.keys.erase.connect(self.erase)
        self.keys.enter.connect(self.enter)
        holder.addWidget(self.keys)
        self.column.addWidget(self._pad)
        self.kana = KanaSheet(theme)
        self.kana.letter.connect(self._type_letter)
        self.kana.mark.connect(self._mark_letter)
        self.kana.erase.connect(self.erase)
        self.kana.closed.connect(self._close_kana)
        self.column.addWidget(self.kana)
        self.column.addStretch(1)
        # The keyboard walks through the fields as they stand on the paper.
        birth_boxes = [self.boxes[step] for step in _DATE]
        person_boxes = [self.boxes[step] for step in (Step.INSURER, Step.SYMBOL, Step.NUMBER, Step.BRANCH)]
        order: list[QWidget] = [*person_boxes, self._era_chip, *birth_boxes]
        order += [*self._eras.buttons.values(), *self._extra.values()]
        for one, following in pairwise(order):
            QWidget.setTabOrder(one, following)

    def _line(self, first: QWidget) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(self.theme.mm(2))
        line.addWidget(first)
        return line

    def _group(self, column: QVBoxLayout, key: str, line: QHBoxLayout) -> None:
        words = Words(self.theme, "small", bold=True, colour="ink_soft", leading=1.2)
        self._labels[f"lookup.{key}"] = words
        column.addWidget(words)
        column.addLayout(line)

    # --- the body's duties ---

    def apply(self, view: View) -> None:
        word = self.kit.word
        for key, words in self._labels.items():
            words.say(word(key))
        for step, box in self.boxes.items():
            box.setAccessibleName(word(f"number.{step}" if step in _DATE else f"lookup.{step}"))
        for era, chip in self._eras.buttons.items():
            detail = f"（{word('era.western_detail')}）" if era == Era.WESTERN else ""
            chip.say(word(f"era.{era}") + detail)
        self._extra["hyphen"].say(word("lookup.key.hyphen"))
        self._extra["kana"].say(word("lookup.key.kana"))
        names = ("small", "hiragana", "katakana", "done")
        self.kana.label({name: word(f"lookup.key.{name}") for name in names} | {"clear": word("ui.delete_one")})
        self._show()

    def leave(self) -> None:
        for box in self.digits.values():
            box.digits.wipe()
        for written in self.letters.values():
            written.letters.wipe()
        self._none.clear()
        self._era, self._current, self._kana_open = None, Step.INSURER, False
        self.kana.reset()

    def hideEvent(self, event: QEvent) -> None:
        self.leave()

    @Slot(int)
    def type_digit(self, digit: int) -> None:
        step = self._current
        if step in self.letters:
            self._type_letter(ord("0") + digit)
            return
        if step not in self.digits:
            return
        box = self.digits[step]
        if len(box.digits) >= box.places:
            box.digits.wipe()  # a full field is typed anew
        box.digits.append(digit)
        self._none.discard(step)
        if len(box.digits) == box.places and self._doubt() is None:
            self._advance()
        self._show()

    @Slot()
    def type_hyphen(self) -> None:
        self._type_letter(_HYPHEN)

    @Slot()
    def erase(self) -> None:
        step = self._current
        if step in self.letters:
            self.letters[step].letters.pop()
        elif step in self.digits:
            self.digits[step].digits.pop()
        self._none.discard(step)
        self._show()

    @Slot()
    def enter(self) -> None:
        step = self._current
        if step in (Step.BRANCH, *_DATE) and self.digits[step].places == 2:
            self.digits[step].digits.pad(2)
        if self._filled(step) and self._doubt() is None:
            if self._complete():
                self._send()
                return
            self._advance()
        self._show()

    # --- steps ---

    @Slot(int)
    def _type_letter(self, code: int) -> None:
        if self._current in self.letters:
            self._none.discard(self._current)
            self.letters[self._current].letters.append(code)
            self._show()

    @Slot(str)
    def _mark_letter(self, mark: str) -> None:
        letters = self.letters[self._current].letters if self._current in self.letters else None
        last = letters.last() if letters is not None else None
        changed = marked(last, mark) if last is not None else None
        if letters is not None and changed is not None:
            letters.pop()
            letters.append(changed)
            self._show()

    @Slot()
    def _open_kana(self) -> None:
        self._kana_open = True
        self._show()

    @Slot()
    def _close_kana(self) -> None:
        self._kana_open = False
        self._show()

    @Slot()
    def _leave_empty(self) -> None:
        """記号なし, 枝番なし."""
        step = self._current
        if step == Step.SYMBOL:
            self.letters[step].letters.wipe()
        elif step == Step.BRANCH:
            self.digits[step].digits.wipe()
        self._none.add(step)
        self._advance()
        self._show()

    @Slot()
    def _go_to(self) -> None:
        box = self.sender()
        for step, known in self.boxes.items():
            if known is box:
                self._current = Step.ERA if step in _DATE and self._era is None else step
        self._kana_open = False
        self._show()

    @Slot()
    def _ask_era(self) -> None:
        self._current, self._kana_open = Step.ERA, False
        self._show()

    @Slot()
    def _era_chosen(self) -> None:
        chip = self.sender()
        year = self.digits[Step.YEAR]
        for era, known in self._eras.buttons.items():
            if known is chip:
                if length(Field.YEAR, era) != year.places:
                    year.digits.wipe()
                self._era = era
        year.shape_for(length(Field.YEAR, self._era))
        self._current = Step.YEAR
        if self._filled(Step.YEAR) and self._doubt() is None:
            self._advance()
        self._show()

    def _advance(self) -> None:
        """To the first field that is not filled; when all are, stay."""
        self._kana_open = False
        for step in Step:
            if not self._filled(step):
                self._current = step
                return

    def _filled(self, step: Step) -> bool:
        if step in self._none:
            return True
        if step == Step.ERA:
            return self._era is not None
        if step in self.letters:
            return len(self.letters[step].letters) > 0
        typed = len(self.digits[step].digits)
        if step == Step.INSURER:
            return typed in (_SHORT, _LONG) and self._insurer_fits()
        return typed == self.digits[step].places

    def _complete(self) -> bool:
        return all(self._filled(step) for step in Step)

    def _insurer_fits(self) -> bool:
        """An insurer's number says nothing about a person: it may become a text."""
        digits = self.digits[Step.INSURER].digits.raw.decode()
        return check_digit(digits[:-1]) == int(digits[-1])

    def _doubt(self) -> tuple[Step, str] | None:
        """The first thing that cannot be: its field and its words. A field that is being typed is given time."""
        typed = len(self.digits[Step.INSURER].digits)
        elsewhere = self._current != Step.INSURER
        if typed and elsewhere and typed not in (_SHORT, _LONG):
            return Step.INSURER, f"lookup.doubt.{QueryDoubt.LENGTH}"
        if (typed == _LONG or (typed == _SHORT and elsewhere)) and not self._insurer_fits():
            return Step.INSURER, f"lookup.doubt.{QueryDoubt.CHECK_DIGIT}"
        if self._current not in (Step.INSURER, *_LETTERS) and not self._filled(Step.NUMBER):
            return Step.NUMBER, f"lookup.doubt.{QueryDoubt.MISSING}"
        if len(self.digits[Step.BRANCH].digits) == 1 and self._current != Step.BRANCH:
            return Step.BRANCH, f"lookup.doubt.{QueryDoubt.LENGTH}"
        if self._era is None:
            return None
        year, month, day = (self.digits[step].digits.value(self.digits[step].places) for step in _DATE)
        found = check(self._era, year, month, day, None, self.kit.today())
        if found is None:
            return None
        # "Not as on the card" is about another paper.
        vague = found.doubt == Doubt.YEAR
        return _OF_DATE[found.field], f"lookup.doubt.{QueryDoubt.DATE}" if vague else f"number.doubt.{found.doubt}"

    def _birth(self) -> Iterator[int]:
        """YYYYMMDD."""
        year = self.digits[Step.YEAR]
        value = year.digits.value(year.places)
        assert self._era is not None
        assert value is not None
        full = western_year(self._era, value)
        yield from (ord("0") + full // power % 10 for power in (1000, 100, 10, 1))
        for step in (Step.MONTH, Step.DAY):
            yield from self.digits[step].digits.raw

    def _send(self) -> None:
        secret = self.kit.secrets.new(CAPACITY)
        fields: tuple[tuple[QueryField, Iterable[int]], ...] = (
            (QueryField.INSURER, self.digits[Step.INSURER].digits.raw),
            (QueryField.SYMBOL, self.letters[Step.SYMBOL].letters),
            (QueryField.NUMBER, self.letters[Step.NUMBER].letters),
            (QueryField.BRANCH, self.digits[Step.BRANCH].digits.raw),
            (QueryField.BIRTH, self._birth()),
        )
        for byte in compose(fields):
            secret.append(byte)
        self.leave()
        self._show()
        self.kit.secrets.query_entered(secret)

    # --- picture ---

    def _show(self) -> None:
        word = self.kit.word
        step = self._current
        kana = self._kana_open and step in self.letters
        self._eras.setVisible(step == Step.ERA)
        self._pad.setVisible(step != Step.ERA and not kana)
        self.kana.setVisible(kana)
        self._era_chip.say(word("number.era_unset" if self._era is None else f"era.short_{self._era}"))
        self._era_chip.setChecked(step == Step.ERA)
        self._era_chip.update()
        for era, chip in self._eras.buttons.items():
            chip.setChecked(era == self._era)
            chip.update()
        doubt = self._doubt()
        for place, box in self.boxes.items():
            box.current = place == step
            box.doubtful = doubt is not None and doubt[0] == place
            box.update()
        self.letters[Step.SYMBOL].none = word("lookup.none") if Step.SYMBOL in self._none else ""
        self._right.say(word("lookup.insurer_right") if self._filled(Step.INSURER) else "")
        done = self._complete() and doubt is None
        if doubt is not None:
            self._ask.say(word(doubt[1]), "warn")
        elif kana:
            self._ask.say(word(f"lookup.doubt.{QueryDoubt.CHARACTERS}"), "info")
        elif step == Step.INSURER and len(self.digits[step].digits) == _SHORT and self._filled(step) and not done:
            self._ask.say(word("lookup.ask.insurer_six"), "good")
        else:
            self._ask.say(word("lookup.ask.done" if done else f"lookup.ask.{step}"), "good" if done else "info")
        for name in ("hyphen", "kana"):
            self._extra[name].setVisible(step in self.letters)
        self._extra["none"].setVisible(step in _MAY_BE_NONE)
        if step in _MAY_BE_NONE:
            self._extra["none"].say(word(f"lookup.key.no_{step}"))
        self.keys.label(word("ui.delete_one"), word("ui.go" if done else "ui.next"))
        self.keys.allow(digits=True, clear=True, enter=self._may_enter() and doubt is None)

    def _may_enter(self) -> bool:
        step = self._current
        if step in self.digits and self.digits[step].places == 2 and len(self.digits[step].digits) == 1:
            return True  # 5 becomes 05
        return self._filled(step)
