"""The two printed sides of a simulated My Number Card, drawn by code.

What is printed where follows what public pictures of specimens show in general; the positions are not measured on a
card (`docs/sources.md#card-face`). Nothing official is imitated: no emblem, no title of the real card, 見本 across the
front, and a number on the back whose check digit is wrong. Flat pictures, 20 px for a millimetre, BGR.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import assert_never

import numpy as np

from devices.simulated.card.files import MY_NUMBER
from devices.simulated.faces import CARD_SIZE, Face, render
from devices.simulated.printed.sheet import Colour, Picture, Sheet, scribble

_TITLE = "見本カード（模擬）"
_SHIFT = 0.5  # of the whole print, millimetres; what stands in it moves by up to 0.3 more
_STRAY = 0.3


class Calendar(StrEnum):
    """How the year of birth is printed: by era, or in the western calendar as for foreign residents."""

    TAISHO = "大正"
    SHOWA = "昭和"
    HEISEI = "平成"
    REIWA = "令和"
    WESTERN = ""


_FIRST_YEARS = {Calendar.TAISHO: 1912, Calendar.SHOWA: 1926, Calendar.HEISEI: 1989, Calendar.REIWA: 2019}
# First days (元号法 and its orders), newest first.
_FIRST_DAYS = (
    (date(2019, 5, 1), Calendar.REIWA),
    (date(1989, 1, 8), Calendar.HEISEI),
    (date(1926, 12, 25), Calendar.SHOWA),
    (date(1912, 7, 30), Calendar.TAISHO),
)


def era_of(day: date) -> Calendar:
    """The era of a day, the newer one where two meet; WESTERN before 大正."""
    return next((era for first, era in _FIRST_DAYS if first <= day), Calendar.WESTERN)


@dataclass(frozen=True, slots=True, repr=False)
class Printed:
    """What stands on the front. `gannen`: the first year of an era is printed 元年, not 1年. `photo`: gray or BGR;
    None for the card of an infant. `font`: a name of `printed.sheet.FONTS`."""

    birth: date
    calendar: Calendar
    expiry: date
    code: str
    sex: str  # 男 or 女
    name: str
    address: str
    photo: Picture | None = None
    gannen: bool = True
    font: str = "bizud"

    @property
    def year(self) -> int:
        """As printed: of the era, or of the western calendar."""
        if self.calendar is Calendar.WESTERN:
            return self.birth.year
        return self.birth.year - _FIRST_YEARS[self.calendar] + 1

    @property
    def birth_line(self) -> str:
        """Numbers stand right in two places: `昭和55年 2月17日生`."""
        match self.calendar:
            case Calendar.WESTERN:
                year = f"{self.birth.year}"
            case Calendar.TAISHO | Calendar.SHOWA | Calendar.HEISEI | Calendar.REIWA:
                year = f"{self.calendar}元" if self.year == 1 and self.gannen else f"{self.calendar}{self.year:2}"
            case _:
                assert_never(self.calendar)
        return f"{year}年{self.birth.month:2}月{self.birth.day:2}日生"

    @property
    def expiry_line(self) -> str:
        return f"{self.expiry.year}年{self.expiry.month:2}月{self.expiry.day:2}日まで有効"

    @property
    def number_b(self) -> str:
        """照合番号B, for whoever judges a scanner."""
        return f"{self.year % 100:02}{self.birth:%m%d}{self.expiry.year}{self.code}"

    def __repr__(self) -> str:
        return "Printed()"


@functools.lru_cache(maxsize=64)
def portrait(seed: int) -> Picture:
    """The gray photo of the drawn person of this seed. Drawing takes about half a second; the newest 64 are kept."""
    colour = render(Face(seed), CARD_SIZE, light_side=-0.15)
    return np.asarray(colour.mean(axis=2), np.uint8)


class _Run:
    """One print run: a shift of the whole print, stray of its parts, size of letters, colours."""

    def __init__(self, run: int) -> None:
        self.draw = random.Random(run)  # noqa: S311 - for variety
        draw = self.draw
        self._dx, self._dy = draw.uniform(-_SHIFT, _SHIFT), draw.uniform(-_SHIFT, _SHIFT)
        self.size = draw.uniform(0.92, 1.08)
        hue = draw.choice(((236, 243, 232), (245, 236, 236), (233, 240, 246), (246, 243, 230), (240, 236, 245)))
        self.paper: Colour = hue
        dark = draw.randrange(18, 60)
        self.ink: Colour = (dark, dark, dark + draw.randrange(0, 8))

    def place(self) -> tuple[float, float]:
        """How far a part stands from where it should, millimetres."""
        return self._dx + self.draw.uniform(-_STRAY, _STRAY), self._dy + self.draw.uniform(-_STRAY, _STRAY)

    def shade(self, by: float) -> Colour:
        """The colour of the paper, darker."""
        red, green, blue = self.paper
        return round(red * by), round(green * by * 1.01), round(blue * by)


def front(card: Printed, run: int = 0) -> Picture:
    """The front (表面) as print run `run` prints it: height 1080 x width 1712 x 3, BGR."""
    style = _Run(run)
    sheet = Sheet(style.paper)
    _background(sheet, style)
    ink, font, size = style.ink, card.font, style.size
    label = style.shade(0.42)

    dx, dy = style.place()
    sheet.text(3 + dx, 5.3 + dy, "氏名", 2.3, label, font)
    long = len(card.name) > 14
    for row in range(0, min(len(card.name), 50), 25) if long else (0,):
        top, em = (3.6 + row / 25 * 2.5, 2.1) if long else (4.6, 3.4)
        sheet.text(10 + dx, top + dy, card.name[row : row + 25], em * size, ink, font)
    dx, dy = style.place()
    sheet.text(3 + dx, 11 + dy, "住所", 2.3, label, font)
    for row in range(0, min(len(card.address), 44), 22):
        sheet.text(10 + dx, 10.8 + row / 22 * 4 + dy, card.address[row : row + 22], 2.6 * size, ink, font)
    dx, dy = style.place()
    sheet.text(64.5 + dx, 1.4 + dy if long else 5 + dy, _TITLE, 2.0, label)

    _photo(sheet, style, card.photo)

    def field(left: float, top: float, right: float, bottom: float) -> tuple[float, float]:
        dx, dy = style.place()
        sheet.box(left + dx, top + dy, right + dx, bottom + dy, (252, 252, 250), style.shade(0.74), radius=0.4)
        return dx, dy

    dx, dy = field(29, 22.5, 62, 27)
    birth, sex = (30.2 + dx, 23.2 + dy), (0.0, 0.0)
    dx, dy = field(64, 22.5, 82, 27)
    sex = (65 + dx, 23.3 + dy)
    dx, dy = field(29, 29, 70, 33.5)
    expiry = (30.2 + dx, 29.7 + dy)
    dx, dy = style.place()
    certificate = (29 + dx, 35.6 + dy)
    dx, dy = field(29, 41, 62, 46)
    code = (29.8 + dx, 42.6 + dy)
    # Over the fields, under the letters: pale enough to read across.
    sheet.stamp("見本", (46, 30), 25, style.shade(0.55), 18, 0.2)

    sheet.text(*birth, card.birth_line, 3.05 * size, ink, font)
    end = sheet.text(*sex, "性別 ", 2.2, label, font)
    sheet.text(end, sex[1] - 0.2, card.sex, 3.0 * size, ink, font)
    sheet.text(*expiry, card.expiry_line, 3.05 * size, ink, font)
    end = sheet.text(*certificate, "電子証明書の有効期限", 2.0, label, font)
    _pen(sheet, style, end + 1.5, certificate[1])
    sheet.text(*code, "セキュリティコード", 2.1, label, font)
    sheet.text(code[0] + 21.4, code[1] - 0.7, card.code, 3.3 * size, ink, font)
    dx, dy = style.place()
    sheet.text(60.5 + dx, 48 + dy, "見本市長（模擬）", 2.6, ink, font)
    return _printed(sheet, style)


def back(
    run: int = 0, *, name: str = "試験　花子", birth_line: str = "昭和55年 2月17日生", font: str = "bizud"
) -> Picture:
    """The back (裏面): stripe, chip, and where the real card bears its number, twelve digits that are nobody's."""
    style = _Run(run)
    sheet = Sheet(style.paper)
    _background(sheet, style)
    dx, dy = style.place()
    sheet.box(0, 3 + dy, 85.6, 11 + dy, (38, 34, 34))
    _chip(sheet, 8 + dx, 19 + dy)
    label = style.shade(0.42)
    sheet.text(27 + dx, 12.3 + dy, "個人番号（模擬）", 1.6, label, font)
    dx, dy = style.place()
    groups = " ".join(MY_NUMBER[at : at + 4] for at in (0, 4, 8))
    sheet.text(27.5 + dx, 14.6 + dy, groups, 5.2 * style.size, style.ink, font)
    dx, dy = style.place()
    sheet.text(26.5 + dx, 22.5 + dy, "氏名", 1.8, label, font)
    sheet.text(31.5 + dx, 22.2 + dy, name[:20], (1.4 if len(name) > 12 else 2.3) * style.size, style.ink, font)
    sheet.text(26.5 + dx, 27.8 + dy, birth_line, 2.5 * style.size, style.ink, font)
    sheet.stamp("見本", (34, 38), 16, style.shade(0.55), 14, 0.2)
    sheet.text(4 + dx, 49 + dy, "このカードは模擬です。公的なものではありません。", 1.8, label, font)
    _square(sheet, style, 61 + dx, 31 + dy, 18)
    return _printed(sheet, style)


def _background(sheet: Sheet, style: _Run) -> None:
    draw = style.draw
    corners = np.array([[[draw.uniform(0.93, 1.03) for _ in range(3)] for _ in range(4)] for _ in range(3)], np.float32)
    sheet.tint(corners)
    for _ in range(3):
        sheet.waves(draw, style.shade(draw.uniform(0.88, 0.95)), draw.randrange(8, 20))


def _photo(sheet: Sheet, style: _Run, photo: Picture | None) -> None:
    dx, dy = style.place()
    left, top, right, bottom = 4 + dx, 21 + dy, 26 + dx, 50 + dy
    sheet.box(left, top, right, bottom, (236, 236, 234), style.shade(0.8))
    if photo is None:
        sheet.text(left + 3.5, top + 13, "写真なし", 3.6, style.shade(0.6))
        return
    height, width = photo.shape[:2]
    wide = round(height * (right - left) / (bottom - top))
    cut = max(0, (width - wide) // 2)
    sheet.paste(photo[:, cut : width - cut], left, top, right, bottom)


def _pen(sheet: Sheet, style: _Run, left: float, top: float) -> None:
    """The end of the electronic certificate is written in by hand, or not."""
    draw = style.draw
    for at, word in ((9.0, "年"), (16.0, "月"), (23.0, "日")):
        sheet.text(left + at, top, word, 2.0, style.shade(0.5))
    if draw.random() < 0.6:
        blue = (40, 46, draw.randrange(70, 150))
        month, day = draw.randrange(1, 13), draw.randrange(1, 29)
        scribble(sheet, draw, f"{draw.randrange(2026, 2037)}", left + 0.8, top - 0.5, 2.6, blue)
        scribble(sheet, draw, f"{month}", left + 12.0, top - 0.5, 2.6, blue)
        scribble(sheet, draw, f"{day}", left + 19.0, top - 0.5, 2.6, blue)


def _chip(sheet: Sheet, left: float, top: float) -> None:
    """Contacts (ISO/IEC 7816-2)."""
    gold, dark = (206, 172, 96), (140, 112, 52)
    right, bottom = left + 12.5, top + 11
    sheet.box(left, top, right, bottom, gold, dark, radius=1.4, line=0.2)
    for part in (1, 2, 3):
        y = top + 11 * part / 4
        sheet.line([(left, y), (left + 4.2, y)], dark, 0.2)
        sheet.line([(right - 4.2, y), (right, y)], dark, 0.2)
    for x in (left + 4.2, right - 4.2):
        sheet.line([(x, top), (x, bottom)], dark, 0.2)


def _square(sheet: Sheet, style: _Run, left: float, top: float, side: float) -> None:
    """Like a two-dimensional code, and none: modules by chance, without what a decoder looks for in its grid."""
    cells, draw = 33, style.draw
    field = np.array([[255 * (draw.random() < 0.5) for _ in range(cells)] for _ in range(cells)], np.uint8)
    for row, column in ((0, 0), (0, cells - 7), (cells - 7, 0)):
        field[row : row + 7, column : column + 7] = 0
        field[row + 1 : row + 6, column + 1 : column + 6] = 255
        field[row + 2 : row + 5, column + 2 : column + 5] = 0
    sheet.box(left - 1, top - 1, left + side + 1, top + side + 1, (250, 250, 250))
    sheet.paste(np.kron(field, np.ones((20, 20), np.uint8)), left, top, left + side, top + side)


def _printed(sheet: Sheet, style: _Run) -> Picture:
    """As it leaves the printer: a little grain."""
    picture = sheet.picture()
    grain = np.random.default_rng(style.draw.randrange(1 << 30)).normal(0, 2.2, picture.shape[:2]).astype(np.float32)
    return np.asarray(np.clip(picture + grain[..., None], 0, 255), np.uint8)
