"""Plausibility of a typed 照合番号B, before the card counts a wrong one.

照合番号B is 14 digits: birth date YYMMDD (YY is the year as printed: of the Japanese era, or the last two digits for
the 西暦 date on a foreign resident's card), expiry year (西暦, 4 digits), security code (4 digits).
Pure: today is passed in.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import assert_never

EXPIRY_BACK = 1  # years a card may have run out: the page must let the card say so itself
EXPIRY_AHEAD = 11  # a card runs to the 10th birthday after its issue
OLDEST = 130  # years


class Era(StrEnum):
    TAISHO = "taisho"
    SHOWA = "showa"
    HEISEI = "heisei"
    REIWA = "reiwa"
    WESTERN = "western"


_BOUNDS: dict[Era, tuple[date, date]] = {
    # The day of a change belongs to both eras: 1926-12-25 was printed either way.
    Era.TAISHO: (date(1912, 7, 30), date(1926, 12, 25)),
    Era.SHOWA: (date(1926, 12, 25), date(1989, 1, 7)),
    Era.HEISEI: (date(1989, 1, 8), date(2019, 4, 30)),
    Era.REIWA: (date(2019, 5, 1), date.max),
    Era.WESTERN: (date.min, date.max),
}


class Field(StrEnum):
    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    EXPIRY = "expiry"
    CODE = "code"


class Doubt(StrEnum):
    """Catalogue key suffix: `number.doubt.<value>`."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    ERA = "era"
    FUTURE = "future"
    EXPIRED = "expired"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class Finding:
    """What cannot be, and the field to look at again."""

    field: Field
    doubt: Doubt


def length(field: Field, era: Era | None) -> int:
    """Digits of a field as printed on the card."""
    match field:
        case Field.YEAR:
            return 4 if era == Era.WESTERN else 2
        case Field.MONTH | Field.DAY:
            return 2
        case Field.EXPIRY | Field.CODE:
            return 4
        case _:
            assert_never(field)


def western_year(era: Era, year: int) -> int:
    """西暦 of a year of an era; the first year of an era is 1 (元年)."""
    return year if era == Era.WESTERN else _BOUNDS[era][0].year + year - 1


def as_printed(day: date) -> tuple[Era, int]:
    """Era and year of the era of a day, the newer era where two meet: what stands on a card."""
    eras = (Era.REIWA, Era.HEISEI, Era.SHOWA, Era.TAISHO)
    era = next((era for era in eras if _BOUNDS[era][0] <= day), Era.WESTERN)
    return era, day.year if era == Era.WESTERN else day.year - _BOUNDS[era][0].year + 1


def check(
    era: Era, year: int | None, month: int | None, day: int | None, expiry: int | None, today: date
) -> Finding | None:
    """The first thing that cannot be. Fields that are not typed yet are None and give no doubt."""
    found = _check_birth(era, year, month, day, today)
    if found is None and expiry is not None:
        if expiry < today.year - EXPIRY_BACK:
            return Finding(Field.EXPIRY, Doubt.EXPIRED)
        if expiry > today.year + EXPIRY_AHEAD:
            return Finding(Field.EXPIRY, Doubt.EXPIRY)
    return found


def _check_birth(era: Era, year: int | None, month: int | None, day: int | None, today: date) -> Finding | None:
    first, last = _BOUNDS[era]
    full_year: int | None = None
    if year is not None:
        full_year = western_year(era, year)
        if year < 1 or full_year < today.year - OLDEST:
            return Finding(Field.YEAR, Doubt.YEAR)
        if full_year > last.year:
            return Finding(Field.YEAR, Doubt.ERA)
        if full_year > today.year:
            return Finding(Field.YEAR, Doubt.FUTURE)
    if month is not None and not 1 <= month <= 12:
        return Finding(Field.MONTH, Doubt.MONTH)
    if day is not None:
        # A leap year stands in while the year is unknown.
        most = 31 if month is None else calendar.monthrange(full_year or 2000, month)[1]
        if not 1 <= day <= most:
            return Finding(Field.DAY, Doubt.DAY)
    if full_year is not None and month is not None and day is not None:
        birth = date(full_year, month, day)
        if not first <= birth <= last:
            return Finding(Field.YEAR, Doubt.ERA)
        if birth > today:
            return Finding(Field.YEAR, Doubt.FUTURE)
    return None


def compose(year: bytearray, month: bytearray, day: bytearray, expiry: bytearray, code: bytearray) -> Iterator[int]:
    """The 14 ASCII digits, one by one, so that no copy of the whole number is made outside a wipeable buffer."""
    for index, part in enumerate((year, month, day, expiry, code)):
        yield from (part[position] for position in range(len(part) - 2 if index == 0 else 0, len(part)))
