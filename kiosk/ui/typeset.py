"""Line breaking for Japanese and English, and drawing of the lines.

Qt breaks Japanese between any two characters, which tears words apart. Here a line ends after a phrase (文節): after
punctuation, a space, or a particle that is followed by kanji, katakana or a figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter

_PARTICLES = frozenset("をにはがでともへのやてばら")
_CLOSING = frozenset("、。，．）」』】！？：・…,.!?:;)]％%ー〜")
_OPENING = frozenset("（「『【([")
_AUXILIARY = (
    "ください",
    "いたし",
    "います",
    "いません",
    "できます",
    "できません",
    "ありません",
    "あります",
    "よい",
    "ほしい",
)


_NOUNS = frozenset("方中上下前後間時")  # の中, お持ちの方: these words are too short to stand alone
_POINTING = ("この", "その", "あの", "どの")
_SHORT_QUOTE = 14  # a name in 「」 up to this length stays on one line


def _hiragana(char: str) -> bool:
    return "ぁ" <= char <= "ん"


def _may_end(text: str, at: int, start: int) -> bool:
    """May a line end before `text[at]`, when the phrase began at `start`?"""
    before, after = text[at - 1], text[at]
    if after in _CLOSING or after == " " or before in _OPENING or (before in "のいた" and after in _NOUNS):
        return False
    if text[start:at].endswith(_POINTING):
        return False
    quote = text.rfind("「", start, at)
    if quote >= 0 and 0 <= text.find("」", quote) - quote <= _SHORT_QUOTE and text.find("」", quote) >= at:
        return False
    if before == " " or after in _OPENING:
        return True
    if before in "」』）":
        return not _hiragana(after)
    if before in "、。，！？：・":
        return True
    if not _hiragana(before) or at - start < 2:
        return False
    if text.startswith(_AUXILIARY, at):
        return True
    return before in _PARTICLES and not _hiragana(after)


def phrases(text: str) -> list[str]:
    """Pieces that stay together, trailing spaces included."""
    pieces: list[str] = []
    start = 0
    for at in range(1, len(text)):
        if _may_end(text, at, start):
            pieces.append(text[start:at])
            start = at
    pieces.append(text[start:])
    return pieces


def _torn(piece: str, metrics: QFontMetricsF, width: float) -> Iterator[str]:
    """A phrase wider than a line, cut where it must be, never before closing punctuation."""
    start = 0
    for at in range(1, len(piece) + 1):
        full = metrics.horizontalAdvance(piece[start:at]) > width
        if full and at - start > 1:
            cut = at - 1
            if piece[cut] in _CLOSING and cut - start > 1:
                cut -= 1
            yield piece[start:cut]
            start = cut
    yield piece[start:]


def _fill(text: str, metrics: QFontMetricsF, width: float) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for phrase in phrases(paragraph) if paragraph else [""]:
            if metrics.horizontalAdvance((line + phrase).rstrip()) <= width:
                line += phrase
                continue
            if line:
                lines.append(line.rstrip())
                line = ""
            pieces = (
                list(_torn(phrase, metrics, width)) if metrics.horizontalAdvance(phrase.rstrip()) > width else [phrase]
            )
            lines.extend(piece.rstrip() for piece in pieces[:-1])
            line = pieces[-1]
        lines.append(line.rstrip())
    return lines


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one text, measured. `width`: the widest line; `pitch`: from line to line (px)."""

    lines: tuple[str, ...]
    font: QFont
    width: float
    pitch: float
    ascent: float
    glyph_height: float

    @property
    def height(self) -> float:
        """The last line takes no leading."""
        return self.pitch * (len(self.lines) - 1) + self.glyph_height

    def draw(self, painter: QPainter, rect: QRectF, align: Qt.AlignmentFlag) -> None:
        """With the painter's pen; vertically centred in `rect` unless `align` says top."""
        painter.setFont(self.font)
        metrics = QFontMetricsF(self.font)
        top = rect.top() if align & Qt.AlignmentFlag.AlignTop else rect.top() + (rect.height() - self.height) / 2
        for index, line in enumerate(self.lines):
            advance = metrics.horizontalAdvance(line)
            if align & Qt.AlignmentFlag.AlignHCenter:
                left = rect.left() + (rect.width() - advance) / 2
            elif align & Qt.AlignmentFlag.AlignRight:
                left = rect.right() - advance
            else:
                left = rect.left()
            painter.drawText(QPointF(left, top + index * self.pitch + self.ascent), line)


def lay_out(text: str, font: QFont, width: float, *, leading: float = 1.5, balance: bool = False) -> Block:
    """Break `text` into lines of at most `width` px. `balance` makes the lines about equally long."""
    metrics = QFontMetricsF(font)
    lines = _fill(text, metrics, width)
    if balance and len(lines) > 1 and "\n" not in text:
        # A phrase that fits the line is not torn for the sake of balance.
        widest = max(metrics.horizontalAdvance(phrase.rstrip()) for phrase in phrases(text))
        low, high = min(width, max(width / 2, widest)), width
        for _ in range(7):
            middle = (low + high) / 2
            attempt = _fill(text, metrics, middle)
            if len(attempt) == len(lines) and all(metrics.horizontalAdvance(one) <= middle for one in attempt):
                lines, high = attempt, middle
            else:
                low = middle
    return Block(
        lines=tuple(lines),
        font=font,
        width=max(metrics.horizontalAdvance(line) for line in lines),
        pitch=font.pixelSize() * leading,
        ascent=metrics.ascent(),
        glyph_height=metrics.height(),
    )
