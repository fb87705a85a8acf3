"""Grammar and plausibility of what was read, against the rules for a number that is typed."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanner.reading import read, same
from devices.scanner.recogniser import SYMBOLS, Line
from kiosk.reception import number
from kiosk.reception.number import Era

TODAY = date(2026, 11, 29)
_NAMES = {Era.TAISHO: b"TJ", Era.SHOWA: b"Sw", Era.HEISEI: b"Hc", Era.REIWA: b"Rw", Era.WESTERN: b""}
days = st.dates(date(1850, 1, 1), date(2060, 12, 31))


def line(symbols: bytes, sure: float = 0.99) -> Line:
    return Line(bytearray(symbols), np.full(len(symbols), sure, np.float32), np.zeros(len(symbols), np.float32))


def birth_line(era: Era, year: int, month: int, day: int) -> bytes:
    return _NAMES[era] + b"%dy%dm%ddb" % (year, month, day)


def digits(birth: bytes, expiry: bytes = b"2030y2m17datve", code: bytes = b"2285") -> bytes | None:
    reading = read(line(birth), line(expiry), line(code), TODAY)
    return None if reading is None else bytes(reading.digits)


def test_the_published_example() -> None:
    assert digits(b"Sw55y2m17db", b"2035y2m17datve") == b"55021720352285"


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        (b"Rwfy5m1db", b"010501"),
        (b"Rw1y5m1db", b"010501"),
        (b"Hcfy1m8db", b"010108"),
        (b"Sw64y1m7db", b"640107"),
        (b"TJ15y12m25db", b"151225"),
        (b"Swfy12m25db", b"011225"),
        (b"1980y2m17db", b"800217"),
        (b"2000y2m29db", b"000229"),
        (b"Sw5y11m1d", b"051101"),
    ],
)
def test_birth_dates_as_they_are_printed(birth: bytes, expected: bytes) -> None:
    found = digits(birth)
    assert found is not None
    assert found[:6] == expected


@pytest.mark.parametrize(
    "birth",
    [
        b"Sw64y1m8db",  # 平成 began
        b"Hc31y5m1db",  # 令和 began
        b"Rw1y4m30db",
        b"TJ1y7m29db",
        b"Sw55y2m30db",
        b"Sw55y13m1db",
        b"Sw55y0m1db",
        b"Sw0y2m1db",
        b"Sw055y2m17db",
        b"Sw55y02m17db",  # a blank is printed, no zero
        b"Rw9y1m1db",  # not born yet
        b"1880y1m1db",
        b"3980y2m17db",
        b"w55y2m17db",
        b"55y2m17db",
        b"Hw5y2m17db",
        b"Sw55y2m17db1",
        b"?Sw55y2m17db",
        b"",
    ],
)
def test_birth_dates_that_cannot_be(birth: bytes) -> None:
    assert digits(birth) is None


@pytest.mark.parametrize("expiry", [b"2024y2m17datve", b"2038y2m17datve", b"2030y2m30datve", b"203y2m17datve", b"2030"])
def test_expiry_dates_that_cannot_be(expiry: bytes) -> None:
    assert digits(b"Sw55y2m17db", expiry) is None


@pytest.mark.parametrize("code", [b"", b"228", b"22855", b"22?5", b"?2285"])
def test_codes_that_cannot_be(code: bytes) -> None:
    assert digits(b"Sw55y2m17db", code=code) is None


@given(era=st.sampled_from(Era), year=st.integers(1, 2060), month=st.integers(1, 12), day=st.integers(1, 31))
def test_the_same_dates_are_believed_as_when_they_are_typed(era: Era, year: int, month: int, day: int) -> None:
    if era != Era.WESTERN:
        year %= 100
    elif year < 1000:
        year += 1000
    typed = number.check(era, year, month, day, 2030, TODAY) is None and (era != Era.WESTERN or year >= 1000)
    found = digits(birth_line(era, year, month, day))
    assert (found is not None) == typed
    if found is not None:
        assert found == b"%02d%02d%02d20302285" % (year % 100, month, day)


@given(st.integers(1900, 2100))
def test_the_same_expiry_years_are_believed_as_when_they_are_typed(year: int) -> None:
    typed = number.check(Era.SHOWA, 55, 2, 17, year, TODAY) is None
    assert (digits(b"Sw55y2m17db", b"%dy2m17datve" % year) is not None) == typed


@given(st.binary(max_size=16), st.binary(max_size=16), st.binary(max_size=6))
def test_any_symbols_give_fourteen_digits_or_nothing(birth: bytes, expiry: bytes, code: bytes) -> None:
    found = digits(birth, expiry, code)
    assert found is None or (len(found) == 14 and found.isdigit())


@given(days, st.integers(0, 9999), st.integers(0, 10), st.data())
def test_one_symbol_too_many_or_too_few_never_gives_another_length(
    born: date, code: int, ahead: int, data: st.DataObject
) -> None:
    era, year = number.as_printed(born)
    lines = [birth_line(era, year, born.month, born.day), b"%dy1m1datve" % (2026 + ahead), b"%04d" % code]
    which = data.draw(st.integers(0, 2))
    at = data.draw(st.integers(0, len(lines[which]) - 1))
    lines[which] = lines[which][:at] + lines[which][at + 1 :]
    found = digits(*lines)
    assert found is None or len(found) == 14


def test_the_weakest_symbol_says_how_sure_a_reading_is() -> None:
    weak = line(b"2285")
    weak.sure[2] = 0.4
    reading = read(line(b"Sw55y2m17db"), line(b"2035y2m17datve"), weak, TODAY)
    assert reading is not None
    assert reading.sure == pytest.approx(0.4)


@pytest.mark.parametrize(("expiry", "birthday"), [(b"2035y2m17datve", True), (b"2035y3m17datve", False)])
def test_a_card_that_ends_on_the_birthday_confirms_it(expiry: bytes, birthday: bool) -> None:
    reading = read(line(b"Sw55y2m17db"), line(expiry), line(b"2285"), TODAY)
    assert reading is not None
    assert reading.birthday is birthday


def test_two_readings_of_a_frame_must_be_the_same() -> None:
    def one(code: bytes, sure: float) -> object:
        return read(line(b"Sw55y2m17db"), line(b"2035y2m17datve"), line(code, sure), TODAY)

    first, second = one(b"2285", 0.9), one(b"2285", 0.7)
    both = same(first, second)  # type: ignore[arg-type]  # the helper's type hides that neither is None
    assert both is not None
    assert bytes(both.digits) == b"55021720352285"
    assert both.sure == pytest.approx(0.7)
    third, fourth = one(b"2285", 0.9), one(b"2286", 0.9)
    assert same(third, fourth) is None  # type: ignore[arg-type]
    assert not any(third.digits)  # type: ignore[attr-defined]


def test_nothing_that_was_read_shows_itself() -> None:
    reading = read(line(b"Sw55y2m17db"), line(b"2035y2m17datve"), line(b"2285"), TODAY)
    assert "2285" not in repr(reading)
    assert "2285" not in repr(line(b"2285"))


def test_digits_are_their_own_symbols() -> None:
    for digit in range(10):
        assert str(digit) in SYMBOLS[48 + digit]


@given(days)
def test_a_day_and_the_day_after_are_never_the_same_number(born: date) -> None:
    def of(day: date) -> bytes | None:
        era, year = number.as_printed(day)
        return digits(birth_line(era, year, day.month, day.day))

    first, second = of(born), of(born + timedelta(days=1))
    assert first is None or first != second
