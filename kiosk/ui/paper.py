"""Paper for when the line is down: a statement for the patient to write, a notice for the staff. A4, black on white.

A `Sheet` is a list of what is on the page, in millimetres, so that a test can look whether every word lies in its box;
`write_pdf` and `picture` draw the same list. The layout is this project's own (docs/sources.md, "Reception").
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QGuiApplication,
    QImage,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPen,
)

from kiosk.files import write_atomically
from kiosk.i18n import Catalogue
from kiosk.reception.number import Era
from kiosk.ui.theme import Theme
from kiosk.ui.typeset import Block, lay_out

WIDTH, HEIGHT = 210.0, 297.0  # A4, mm
LEFT, RIGHT, TOP, BOTTOM = 20.0, 196.0, 11.0, 288.0  # room for two holes on the left
_DPI = 600
DOTS = _DPI / 25.4  # per millimetre: what fonts are measured in
_INK, _SOFT, _LINE, _TINT = "#000000", "#404040", "#606060", "#eeeeee"
_THIN, _THICK = 0.2, 0.7  # mm
_LABEL = 31.0  # width of the cells that say what goes where
_TICK, _TICK_GAP, _TICKS_APART = 3.4, 1.5, 4.0
_LEADING = 1.4
_BETWEEN = 0.5  # a text and its translation

_TOP_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_CENTRE = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter


class PaperNotWritten(Exception):
    """The PDF could not be written."""


class Form(StrEnum):
    STATEMENT = "statement"  # 被保険者資格申立書
    NOTICE = "notice"


class Size(StrEnum):
    TITLE = "title"
    HEADING = "heading"
    STRONG = "strong"
    BODY = "body"
    LABEL = "label"
    SMALL = "small"


_POINTS = {Size.TITLE: 18.0, Size.HEADING: 10.5, Size.STRONG: 11.0, Size.BODY: 9.5, Size.LABEL: 9.5, Size.SMALL: 7.5}
_BOLD = (Size.TITLE, Size.HEADING, Size.STRONG)


@dataclass(frozen=True)
class Word:
    """One text in its box. The lines after the first paragraph are a translation: smaller and softer."""

    key: str
    text: str
    box: QRectF
    parts: tuple[Block, ...]
    align: Qt.AlignmentFlag

    @property
    def width(self) -> float:
        """mm, as laid out."""
        return max(part.width for part in self.parts) / DOTS

    @property
    def height(self) -> float:
        """mm, as laid out."""
        return sum(part.height for part in self.parts) / DOTS + _BETWEEN * (len(self.parts) - 1)

    def draw(self, painter: QPainter) -> None:
        """In dots, as everything here is drawn."""
        box = _dots(self.box)
        top = box.top()
        if not self.align & Qt.AlignmentFlag.AlignTop:
            top += (box.height() - self.height * DOTS) / 2
        for place, part in enumerate(self.parts):
            painter.setPen(QColor(_SOFT if place else _INK))
            part.draw(
                painter,
                QRectF(box.left(), top, box.width(), part.height),
                (self.align & Qt.AlignmentFlag.AlignHorizontal_Mask) | Qt.AlignmentFlag.AlignTop,
            )
            top += part.height + _BETWEEN * DOTS


@dataclass(frozen=True)
class Shape:
    """A rectangle, a circle in it, or, without height, a line. `pen`: mm, 0 for none."""

    box: QRectF
    pen: float = _THIN
    fill: str = ""
    round: bool = False

    def draw(self, painter: QPainter) -> None:
        painter.setPen(QPen(QColor(_LINE if self.pen == _THIN else _INK), self.pen * DOTS) if self.pen else _NO_PEN)
        painter.setBrush(QColor(self.fill) if self.fill else _NO_BRUSH)
        box = _dots(self.box)
        if self.round:
            painter.drawEllipse(box)
        elif box.height() == 0:
            painter.drawLine(box.topLeft(), box.topRight())
        else:
            painter.drawRect(box)


_NO_PEN = QPen(Qt.PenStyle.NoPen)
_NO_BRUSH = Qt.BrushStyle.NoBrush


def _dots(box: QRectF) -> QRectF:
    return QRectF(box.left() * DOTS, box.top() * DOTS, box.width() * DOTS, box.height() * DOTS)


@dataclass
class Sheet:
    """One page under construction. Lengths in millimetres from the upper left corner of the paper."""

    catalogue: Catalogue
    theme: Theme
    language: str
    shapes: list[Shape] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)

    def draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for shape in self.shapes:
            shape.draw(painter)
        for word in self.words:
            word.draw(painter)

    # --- words -----------------------------------------------------------------------------------------------------

    def font(self, size: Size, smaller: float = 1.0) -> QFont:
        font = QFont(list(self.theme.tokens.families))
        font.setPixelSize(round(_POINTS[size] * smaller / 72 * _DPI))
        font.setBold(size in _BOLD and smaller == 1.0)
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        return font

    def word(self, key: str, box: QRectF, size: Size = Size.BODY, align: Qt.AlignmentFlag = _LEFT) -> Word:
        said = Word(key, *self._laid_out(key, box.width(), size, box), align)
        self.words.append(said)
        return said

    def _laid_out(self, key: str, width: float, size: Size, box: QRectF) -> tuple[str, QRectF, tuple[Block, ...]]:
        text = self.catalogue.word(key, self.language)
        first, _, rest = text.partition("\n")
        if self.language == "ja":  # nothing to translate: a break is a break
            first, rest = text, ""
        parts = [lay_out(first, self.font(size), width * DOTS, leading=_LEADING, balance=True)]
        if rest:
            smaller = 0.6 if size is Size.TITLE else 0.78
            parts.append(lay_out(rest, self.font(size, smaller), width * DOTS, leading=_LEADING))
        return text, box, tuple(parts)

    def measure(self, key: str, size: Size = Size.BODY, width: float = 1000.0) -> tuple[float, float]:
        """Width and height of a text, mm."""
        word = Word(key, *self._laid_out(key, width, size, QRectF()), _LEFT)
        return word.width, word.height

    # --- lines -----------------------------------------------------------------------------------------------------

    def rectangle(self, box: QRectF, pen: float = _THIN, fill: str = "") -> None:
        self.shapes.append(Shape(box, pen, fill))

    def heading(self, key: str, y: float, height: float = 6.5) -> float:
        """A band over the whole width; gives where it ends."""
        band = QRectF(LEFT, y, RIGHT - LEFT, height)
        self.rectangle(band, fill="#d9d9d9")
        self.word(key, band.adjusted(2, 0, -2, 0), Size.HEADING)
        return y + height

    def cell(self, label: str, x: float, y: float, width: float, height: float, label_width: float = _LABEL) -> QRectF:
        """A label beside the place to write; gives that place."""
        self.rectangle(QRectF(x, y, width, height))
        named = QRectF(x, y, label_width, height)
        self.rectangle(named, fill=_TINT)
        self.word(label, named.adjusted(1.6, 0.4, -0.8, -0.4), Size.LABEL)
        return QRectF(x + label_width, y, width - label_width, height)

    def ticks(self, place: QRectF, keys: Sequence[str], *, columns: int = 0, writes: Sequence[str] = ()) -> None:
        """Boxes to tick, in lines as they fit or in columns. After those of `writes` there is room to write."""
        inner = place.adjusted(2, 0.6, -2, -0.6)
        lines: list[list[str]] = [[]]
        if columns:
            lines = [list(keys[at : at + columns]) for at in range(0, len(keys), columns)]
        else:
            used = 0.0
            for key in keys:
                need = self._tick_width(key, key in writes)
                if lines[-1] and used + need > inner.width():
                    lines.append([])
                    used = 0.0
                lines[-1].append(key)
                used += need
        pitch = inner.height() / len(lines)
        for row, line in enumerate(lines):
            x, y = inner.left(), inner.top() + row * pitch
            for column, key in enumerate(line):
                if columns:
                    x = inner.left() + column * inner.width() / columns
                edge = inner.left() + (column + 1) * inner.width() / columns if columns else inner.right()
                x = self._tick(key, x, y, pitch, edge, key in writes)

    def _tick_width(self, key: str, writes: bool) -> float:
        return _TICK + _TICK_GAP + self.measure(key)[0] + (26 if writes else 0) + _TICKS_APART

    def _tick(self, key: str, x: float, y: float, pitch: float, edge: float, writes: bool) -> float:
        self.rectangle(QRectF(x, y + (pitch - _TICK) / 2, _TICK, _TICK), pen=0.3)
        start = x + _TICK + _TICK_GAP
        wide = min(self.measure(key)[0] + 0.2, edge - start)
        self.word(key, QRectF(start, y, wide, pitch))
        end = x + self._tick_width(key, writes)
        if writes:
            self.shapes.append(
                Shape(QRectF(start + wide + 1.5, y + pitch / 2 + 2.2, end - start - wide - 1.5 - _TICKS_APART, 0))
            )
        return end

    def units(self, place: QRectF, parts: Sequence[tuple[float, str]]) -> None:
        """Room for figures, each with its word behind it: (mm, key). Narrower where the words need more."""
        wide = {key: self.measure(key)[0] + 0.2 for _, key in parts}
        free = place.width() - 2 - sum(wide.values()) - 0.8 * len(parts)
        fit = min(1.0, free / sum(room for room, _ in parts))
        x = place.left() + 1
        for room, key in parts:
            x += room * fit
            self.word(key, QRectF(x, place.top(), wide[key], place.height()))
            x += wide[key] + 0.8

    def footer(self, *keys: str) -> None:
        y = BOTTOM
        for key in reversed(keys):
            tall = self.measure(key, Size.SMALL, RIGHT - LEFT)[1] + 0.2
            y -= tall
            self.word(key, QRectF(LEFT, y, RIGHT - LEFT, tall), Size.SMALL, _TOP_LEFT)
            y -= 0.8


_TIME = ((9.0, "paper.unit.month"), (9.0, "paper.unit.day"), (10.0, "paper.unit.hour"), (9.0, "paper.unit.minute"))
_DAY = ((17.0, "paper.unit.year"), (9.0, "paper.unit.month"), (9.0, "paper.unit.day"))


def _statement(sheet: Sheet) -> None:
    wide = RIGHT - LEFT
    sheet.word("paper.statement.title", QRectF(LEFT, TOP, wide, 13), Size.TITLE, _CENTRE)
    sheet.word("paper.statement.lead", QRectF(LEFT, 25, wide, 6))
    to = sheet.cell("paper.statement.to", LEFT, 32, 98, 10)
    date = sheet.cell("paper.statement.date", to.right(), 32, RIGHT - to.right(), 10, 20)
    sheet.units(date, _DAY)
    sheet.word("paper.statement.frame", QRectF(LEFT, 42.8, wide, 4.8))
    sheet.word("paper.statement.no_number", QRectF(LEFT, 47.8, wide, 5.2), Size.HEADING)

    start = y = 53.5
    y = _insurance(sheet, _person(sheet, y))
    y = sheet.heading("paper.why.heading", y)
    reasons = [f"paper.why.{name}" for name in _REASONS]
    sheet.ticks(QRectF(LEFT, y, wide, 25), reasons, columns=2, writes=("paper.why.other",))
    y += 25
    sheet.shapes.append(Shape(QRectF(LEFT, y, wide, 0)))
    sheet.word("paper.declare.text", QRectF(LEFT + 2, y + 0.6, wide - 4, 15))
    y += 16
    signed = sheet.cell("paper.declare.signature", LEFT, y, 92, 12)
    sheet.cell("paper.declare.helper", signed.right(), y, RIGHT - signed.right(), 12, 36)
    y += 12
    sheet.rectangle(QRectF(LEFT, start, wide, y - start), pen=_THICK)
    _office(sheet, y + 3)
    sheet.footer("paper.own_layout", "paper.keep_safe")


_REASONS = ("device", "line", "certificate", "wrong_data", "not_registered", "other")


def _person(sheet: Sheet, y: float) -> float:
    wide = RIGHT - LEFT
    y = sheet.heading("paper.person.heading", y)
    sheet.cell("paper.person.kana", LEFT, y, wide, 8)
    sheet.cell("paper.person.name", LEFT, y + 8, wide, 11.5)
    y += 19.5
    birth = sheet.cell("paper.person.birth", LEFT, y, 125, 17)
    sheet.ticks(QRectF(birth.left(), y, birth.width(), 9.5), [f"era.{era}" for era in Era])
    sheet.units(QRectF(birth.left() + 4, y + 9.5, birth.width() - 4, 7.5), _DAY)
    sex = sheet.cell("paper.person.sex", birth.right(), y, RIGHT - birth.right(), 17, 13)
    sheet.ticks(sex, [f"paper.sex.{name}" for name in ("male", "female", "unsaid")])
    y += 17
    address = sheet.cell("paper.person.address", LEFT, y, wide, 14)
    sheet.word("paper.person.postcode", QRectF(address.left() + 2, y + 0.6, 6, 5))
    sheet.cell("paper.person.phone", LEFT, y + 14, wide, 8.5)
    return y + 22.5


def _insurance(sheet: Sheet, y: float) -> float:
    wide = RIGHT - LEFT
    y = sheet.heading("paper.insurance.heading", y)
    kind = sheet.cell("paper.insurance.kind", LEFT, y, wide, 12)
    sheet.ticks(kind, [f"paper.kind.{name}" for name in ("employer", "mutual", "national", "elderly", "other")])
    y += 12
    sheet.cell("paper.insurance.insurer", LEFT, y, wide, 10)
    y += 10
    employer = sheet.cell("paper.insurance.employer", LEFT, y, 98, 12)
    relation = sheet.cell("paper.insurance.relation", employer.right(), y, RIGHT - employer.right(), 12, 20)
    sheet.ticks(relation, ["paper.relation.self", "paper.relation.family"])
    y += 12
    number = sheet.cell("paper.insurance.insurer_number", LEFT, y, wide, 10.5)
    for digit in range(8):
        sheet.rectangle(QRectF(number.left() + 2 + digit * 5.6, y + 1.4, 5.6, 7.7))
    x = number.left() + 49
    for key, room in (("symbol", 22.0), ("number", 25.0), ("branch", 11.0)):
        named = sheet.measure(f"paper.insurance.{key}", Size.SMALL)[0] + 0.4
        sheet.word(f"paper.insurance.{key}", QRectF(x + 1.2, y + 0.6, named, 4), Size.SMALL)
        sheet.rectangle(QRectF(x, y, RIGHT - x, 10.5))
        x += max(room, named) + 9
    y += 10.5
    copay = sheet.cell("paper.insurance.copay", LEFT, y, wide, 8.5)
    sheet.ticks(copay, [f"paper.copay.{name}" for name in ("three", "two", "one", "unknown")])
    return y + 8.5


def _office(sheet: Sheet, y: float) -> None:
    wide = RIGHT - LEFT
    y = sheet.heading("paper.office.heading", y, 5.5)
    identified = sheet.cell("paper.office.identified", LEFT, y, wide, 11.5)
    ways = [f"paper.office.{name}" for name in ("card_face", "licence", "known")]
    sheet.ticks(identified, ways, writes=ways[1:])
    y += 11.5
    received = sheet.cell("paper.office.received", LEFT, y, 113, 8.5)
    sheet.units(received, _TIME)
    sheet.cell("paper.office.staff", received.right(), y, RIGHT - received.right(), 8.5, 17)
    y += 8.5
    checked = sheet.cell("paper.office.checked", LEFT, y, wide, 8.5)
    sheet.units(checked, _TIME[:2])
    found = QRectF(checked.left() + 36, y, checked.width() - 36, 8.5)
    sheet.ticks(found, [f"paper.office.{name}" for name in ("valid", "changed", "none")])


_STEPS = ("retry", "other_method", "staff_check", "certificate", "card_and_notice", "statement", "afterwards")


def _notice(sheet: Sheet) -> None:
    wide = RIGHT - LEFT
    tag = sheet.measure("paper.notice.audience", Size.HEADING)[0] + 6
    sheet.rectangle(QRectF(LEFT, TOP + 1.5, tag, 7), pen=_THICK)
    sheet.word("paper.notice.audience", QRectF(LEFT, TOP + 1.5, tag, 7), Size.HEADING, _CENTRE)
    sheet.word("paper.notice.title", QRectF(LEFT + tag + 4, TOP, wide - tag - 4, 10), Size.TITLE)
    said = sheet.cell("paper.notice.say_label", LEFT, 24, wide, 12, _LABEL)
    sheet.word("paper.notice.say", said.adjusted(2, 0.4, -2, -0.4), Size.STRONG)
    y = _record(sheet, 39)
    sheet.word("paper.notice.order", QRectF(LEFT, y + 2, wide, 6), Size.STRONG)
    y += 9.5
    for number, name in enumerate(_STEPS):
        y = _step(sheet, f"paper.step.{name}", str(number + 1), y)
    y = _never(sheet, y + 2.5)
    _cases(sheet, y + 3)
    sheet.footer("paper.own_layout", "paper.keep_safe")


def _record(sheet: Sheet, y: float) -> float:
    half = (RIGHT - LEFT) / 2
    for row, names in enumerate((("stopped", "back"), ("noticed", "code"), ("called",))):
        for column, name in enumerate(names):
            width = 2 * half if len(names) == 1 else half
            place = sheet.cell(f"paper.record.{name}", LEFT + column * half, y + row * 9, width, 9, _LABEL)
            if name in ("stopped", "back"):
                sheet.units(place, _TIME)
    return y + 27


def _step(sheet: Sheet, key: str, number: str, y: float) -> float:
    """Number, title and what to do, as high as the words are; gives where it ends."""
    text = QRectF(LEFT + 10, y, RIGHT - LEFT - 10, 0)
    title = sheet.measure(f"{key}.title", Size.STRONG)[1] + 1.0
    detail = sheet.measure(f"{key}.detail", Size.BODY, text.width())[1] + 0.3
    sheet.shapes.append(Shape(QRectF(LEFT, y + 0.2, 6.6, 6.6), fill=_TINT, pen=0.3, round=True))
    sheet.words.append(
        Word("", number, QRectF(LEFT, y + 0.2, 6.6, 6.6), (lay_out(number, sheet.font(Size.STRONG), 99),), _CENTRE)
    )
    sheet.word(f"{key}.title", QRectF(text.left(), y, text.width(), title), Size.STRONG, _TOP_LEFT)
    sheet.word(f"{key}.detail", QRectF(text.left(), y + title, text.width(), detail), Size.BODY, _TOP_LEFT)
    return y + title + detail + 3.0


def _never(sheet: Sheet, y: float) -> float:
    place = sheet.cell("paper.never.heading", LEFT, y, RIGHT - LEFT, 18, _LABEL)
    for row, name in enumerate(("pin", "number", "refuse")):
        sheet.word(f"paper.never.{name}", QRectF(place.left() + 2, y + 0.6 + row * 5.6, place.width() - 4, 5.6))
    sheet.rectangle(QRectF(LEFT, y, RIGHT - LEFT, 18), pen=_THICK)
    return y + 18


def _cases(sheet: Sheet, y: float) -> None:
    sheet.word("paper.case.heading", QRectF(LEFT, y, RIGHT - LEFT, 5.5), Size.HEADING)
    y += 6
    columns = (("time", 22.0), ("patient", 50.0), ("how", 32.0), ("checked", 42.0), ("staff", 30.0))
    rows = int((BOTTOM - 11 - y - 6) / 8)
    x = LEFT
    for name, width in columns:
        sheet.rectangle(QRectF(x, y, width, 6), fill=_TINT)
        sheet.word(f"paper.case.{name}", QRectF(x + 1, y, width - 2, 6), Size.LABEL, _CENTRE)
        for row in range(rows):
            sheet.rectangle(QRectF(x, y + 6 + row * 8, width, 8))
        x += width


_DRAWN = {Form.STATEMENT: _statement, Form.NOTICE: _notice}


def application() -> QGuiApplication:
    """The process's Qt application, which fonts need; without a display unless the environment names a platform."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    running = QGuiApplication.instance()
    return running if isinstance(running, QGuiApplication) else QGuiApplication(["kiosk"])


def has_japanese() -> bool:
    """A font that can write it is installed; without one there would be empty squares on the paper."""
    return bool(QFontDatabase.families(QFontDatabase.WritingSystem.Japanese))


def make(form: Form, catalogue: Catalogue, theme: Theme, language: str) -> Sheet:
    """A page in one language. Needs a Qt application, for its fonts."""
    sheet = Sheet(catalogue, theme, language)
    _DRAWN[form](sheet)
    return sheet


def write_pdf(path: Path, sheets: Sequence[Sheet]) -> None:
    """One A4 page for each sheet; there is the whole file or none. Raises `PaperNotWritten`."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_DPI)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageOrientation(QPageLayout.Orientation.Portrait)
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    writer.setTitle("Uketsuke")
    writer.setCreator("Uketsuke")
    painter = QPainter(writer)
    for place, sheet in enumerate(sheets):
        if place:
            writer.newPage()
        sheet.draw(painter)
    painter.end()
    try:
        write_atomically(path, bytes(buffer.data().data()), mode=0o644)
    except OSError as error:
        raise PaperNotWritten(f"{path} cannot be written ({type(error).__name__})") from None


def picture(sheet: Sheet, dots_per_mm: float = 6.0) -> QImage:
    """The page as it will be printed, for looking at it."""
    image = QImage(round(WIDTH * dots_per_mm), round(HEIGHT * dots_per_mm), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.scale(dots_per_mm / DOTS, dots_per_mm / DOTS)
    sheet.draw(painter)
    painter.end()
    return image
