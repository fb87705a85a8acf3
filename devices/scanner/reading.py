"""What the three boxes of the front say, as 照合番号B: a strict grammar, then dates that can be. Pure.

Grammar over the symbols of `devices.scanner.recogniser`; blanks are not symbols, so a missing ten leaves one digit:

- birth:  era (大正 昭和 平成 令和) and year of the era, or four digits of a western year; 年 month 月 day 日 生.
          The first year is 元年 or 1年.
- expiry: four digits 年, month 月 day 日 まで有効. Only the year is part of the number.
- code:   four digits.

Facts: docs/sources.md, Card. Eras and limits are the same as where the number is typed (`kiosk/reception/number.py`),
kept a second time because a device knows nothing of the kiosk.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import date

from devices.scanner.recogniser import Line

DIGITS = 14
EXPIRY_BACK = 1  # years that a card may have run out
EXPIRY_AHEAD = 11
OLDEST = 130  # years

_ERAS = {
    # The day of a change belongs to both eras; so it was printed.
    ord("T"): (date(1912, 7, 30), date(1926, 12, 25)),
    ord("S"): (date(1926, 12, 25), date(1989, 1, 7)),
    ord("H"): (date(1989, 1, 8), date(2019, 4, 30)),
    ord("R"): (date(2019, 5, 1), date.max),
}
# 生 and 効 at the end may be missing: a crop that is a little narrow cuts them first, and they decide nothing.
_BIRTH = re.compile(rb"(?:(?:(TJ|Sw|Hc|Rw)([1-9]\d?|f))|([12]\d{3}))y([1-9]\d?)m([1-9]\d?)db?")
_EXPIRY = re.compile(rb"(\d{4})y([1-9]\d?)m([1-9]\d?)d[atve?]*")
_CODE = re.compile(rb"\d{4}")


@dataclass(slots=True, eq=False)
class Reading:
    """One complete reading of one frame.

    `digits`: 照合番号B, 14 ASCII digits. `sure`: probability of its weakest symbol. `birthday`: the card ends on a
    birthday, as the cards of Japanese nationals do, so month and day were read twice and agree.
    """

    digits: bytearray
    sure: float
    birthday: bool

    def wipe(self) -> None:
        for index in range(len(self.digits)):
            self.digits[index] = 0

    def __repr__(self) -> str:
        return "Reading(****)"


def read(birth: Line, expiry: Line, code: Line, today: date) -> Reading | None:
    """None when a box does not follow its grammar or a date cannot be. Copies nothing but into the reading."""
    born = _BIRTH.fullmatch(birth.symbols)
    ends = _EXPIRY.fullmatch(expiry.symbols)
    if born is None or ends is None or _CODE.fullmatch(code.symbols) is None:
        return None
    day_of_birth = _birth(birth.symbols, born)
    year, month, day = (_number(expiry.symbols, ends.span(group)) for group in (1, 2, 3))
    if day_of_birth is None or not _was(day_of_birth, today) or not _can_end(year, month, day, today):
        return None
    digits = bytearray(DIGITS)
    year_of_birth = _year_printed(birth.symbols, born)
    for at, number in ((0, year_of_birth), (2, day_of_birth.month), (4, day_of_birth.day)):
        digits[at], digits[at + 1] = 48 + number // 10, 48 + number % 10
    digits[6:10] = expiry.symbols[ends.start(1) : ends.end(1)]
    digits[10:14] = code.symbols
    return Reading(
        digits,
        # Not what follows the day: whether まで有効 was legible decides nothing.
        min(_surest(birth, born.end(5)), _surest(expiry, ends.end(3)), code.surest),
        (month, day) == (day_of_birth.month, day_of_birth.day),
    )


def _surest(line: Line, end: int) -> float:
    return float(line.sure[:end].min())


def _birth(symbols: bytearray, match: re.Match[bytes]) -> date | None:
    """The date, if it exists and lies in its era."""
    month, day = _number(symbols, match.span(4)), _number(symbols, match.span(5))
    if match.start(3) >= 0:
        return _date(_number(symbols, match.span(3)), month, day)
    first, last = _ERAS[symbols[match.start(1)]]
    born = _date(first.year + _year_of_era(symbols, match) - 1, month, day)
    return born if born is not None and first <= born <= last else None


def _year_of_era(symbols: bytearray, match: re.Match[bytes]) -> int:
    start, end = match.span(2)
    return 1 if symbols[start] == ord("f") else _number(symbols, (start, end))


def _year_printed(symbols: bytearray, match: re.Match[bytes]) -> int:
    """The two digits that the number takes: of the era, or the last two of a western year."""
    if match.start(3) >= 0:
        return _number(symbols, match.span(3)) % 100
    return _year_of_era(symbols, match)


def _was(born: date, today: date) -> bool:
    return born <= today and born.year >= today.year - OLDEST


def _can_end(year: int, month: int, day: int, today: date) -> bool:
    return today.year - EXPIRY_BACK <= year <= today.year + EXPIRY_AHEAD and _date(year, month, day) is not None


def _number(symbols: bytearray, span: tuple[int, int]) -> int:
    number = 0
    for index in range(*span):
        number = number * 10 + symbols[index] - 48
    return number


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def same(first: Reading, second: Reading) -> Reading | None:
    """One reading out of two of the same frame, as sure as the less sure; None (both wiped) when they differ."""
    if hmac.compare_digest(first.digits, second.digits):
        second.wipe()
        return Reading(first.digits, min(first.sure, second.sure), first.birthday)
    first.wipe()
    second.wipe()
    return None
