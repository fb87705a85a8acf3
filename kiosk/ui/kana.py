"""The kana sheet, for a 記号 with kana. Kanji cannot be typed here."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QGridLayout, QWidget

from kiosk.ui.keypad import Bounce, Key
from kiosk.ui.theme import Theme

# One row of keys each, the ten columns of the 五十音. A space: no key.
_KATAKANA = (
    "アカサタナハマヤラワ",
    "イキシチニヒミ リヲ",
    "ウクスツヌフムユルン",
    "エケセテネヘメ レー",
    "オコソトノホモヨロ・",
)
_TO_HIRAGANA = 0x60  # ア U+30A2, あ U+3042
_VOICED = dict(
    zip("カキクケコサシスセソタチツテトハヒフヘホウ", "ガギグゲゴザジズゼゾダヂヅデドバビブベボヴ", strict=True)
)
_HALF_VOICED = dict(zip("ハヒフヘホ", "パピプペポ", strict=True))
_SMALL = dict(zip("アイウエオツヤユヨワ", "ァィゥェォッャュョヮ", strict=True))
_MARKS = {"voice": _VOICED, "semi": _HALF_VOICED, "small": _SMALL}
KEY_HEIGHT = 15.5  # mm: ten keys across leave no more; staff use it, seldom


def hiragana(letter: str) -> str:
    """Of a katakana letter; ー and ・ stay."""
    return letter if letter in "ー・" else chr(ord(letter) - _TO_HIRAGANA)


def _changed(letter: str, table: dict[str, str]) -> str | None:
    """There and back: カ to ガ, ガ to カ."""
    return table.get(letter) or {after: before for before, after in table.items()}.get(letter)


def marked(code: int, mark: str) -> int | None:
    """The letter with `mark` (voice, semi, small) put on or taken off; None when it has no such form."""
    table = _MARKS[mark]
    soft = 0x3041 <= code <= 0x3096
    found = _changed(chr(code + _TO_HIRAGANA) if soft else chr(code), table)
    if found is None:
        return None
    return ord(found) - (_TO_HIRAGANA if soft else 0)


def strokes(letter: str) -> list[str]:
    """The keys that write `letter`: ぎ is switch, キ, voice, switch. The sheet is left as it was."""
    soft = "ぁ" <= letter <= "ん"
    plain = chr(ord(letter) + _TO_HIRAGANA) if soft else letter
    keys = ["switch"] if soft else []
    for mark, table in _MARKS.items():
        for before, after in table.items():
            if after == plain:
                return [*keys, before, mark, *keys]
    return [*keys, plain, *keys]


class KanaSheet(QWidget):
    """Letters leave as code points, one by one. `mark`: voice, semi or small, for the last letter."""

    letter = Signal(int)
    mark = Signal(str)
    erase = Signal()
    closed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._soft = False
        self._words = {"hiragana": "", "katakana": ""}
        self._bounce = Bounce(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.mm(1.4))
        self._letters: list[tuple[str, Key]] = []
        for row, letters in enumerate(_KATAKANA):
            for column, letter in enumerate(letters):
                if letter != " ":
                    key = self._key(theme, letter, "button")
                    key.clicked.connect(self._typed)
                    grid.addWidget(key, row, column)
                    self._letters.append((letter, key))
        self._marks = {name: self._key(theme, name, "button") for name in ("voice", "semi", "small")}
        for place, key in enumerate(self._marks.values()):
            key.clicked.connect(self._marked)
            grid.addWidget(key, len(_KATAKANA), place)
        self._switch, self._clear, self._done = (self._key(theme, name, "body") for name in ("switch", "clear", "done"))
        self._switch.clicked.connect(self._switched)
        self._clear.clicked.connect(self.erase)
        self._done.clicked.connect(self.closed)
        grid.addWidget(self._switch, len(_KATAKANA), 3, 1, 2)
        grid.addWidget(self._clear, len(_KATAKANA), 5, 1, 2)
        grid.addWidget(self._done, len(_KATAKANA), 7, 1, 3)
        for column in range(10):
            grid.setColumnStretch(column, 1)
        self._show()

    def _key(self, theme: Theme, name: str, size: str) -> Key:
        key = Key(theme, name, height=KEY_HEIGHT, silent=False, size=size)
        key.setObjectName(f"kana:{name}")
        return key

    def label(self, words: dict[str, str]) -> None:
        """`words`: small, hiragana, katakana, clear, done."""
        self._words = words
        self._marks["voice"].say("゛")
        self._marks["semi"].say("゜")
        self._marks["small"].say(words["small"])
        self._clear.say(words["clear"])
        self._done.say(words["done"])
        self._show()

    def reset(self) -> None:
        self._soft = False
        self._show()

    def _show(self) -> None:
        for letter, key in self._letters:
            key.say(hiragana(letter) if self._soft else letter)
        self._switch.say(self._words["katakana" if self._soft else "hiragana"])

    @Slot()
    def _typed(self) -> None:
        key = self.sender()
        for letter, known in self._letters:
            if known is key and not self._bounce.again(letter):
                self.letter.emit(ord(hiragana(letter) if self._soft else letter))

    @Slot()
    def _marked(self) -> None:
        key = self.sender()
        for name, known in self._marks.items():
            if known is key and not self._bounce.again(name):
                self.mark.emit(name)

    @Slot()
    def _switched(self) -> None:
        self._soft = not self._soft
        self._show()
