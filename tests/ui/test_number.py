"""照合番号B: what cannot be is found before the card counts it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.reception.number import Doubt, Era, Field, Finding, as_printed, check, compose, length, western_year

TODAY = date(2026, 4, 1)
ERAS = ((Era.TAISHO, 1911), (Era.SHOWA, 1925), (Era.HEISEI, 1988), (Era.REIWA, 2018), (Era.WESTERN, 0))


@given(st.dates(date(1912, 7, 30), TODAY), st.integers(2025, 2037))
def test_every_real_birth_date_is_plausible_in_an_era(birth: date, expiry: int) -> None:
    found = [
        era
        for era, zero in ERAS
        if birth.year > zero and check(era, birth.year - zero, birth.month, birth.day, expiry, TODAY) is None
    ]
    assert Era.WESTERN in found
    assert len(found) >= 2


@given(st.dates(TODAY + timedelta(days=1), date(2090, 1, 1)))
def test_nobody_is_born_tomorrow(birth: date) -> None:
    found = check(Era.WESTERN, birth.year, birth.month, birth.day, None, TODAY)
    assert found == Finding(Field.YEAR, Doubt.FUTURE)


@pytest.mark.parametrize(
    ("era", "year", "month", "day", "expiry", "finding"),
    [
        (Era.SHOWA, 55, 2, 17, 2035, None),
        (Era.SHOWA, 55, 2, 30, None, Finding(Field.DAY, Doubt.DAY)),
        (Era.SHOWA, 55, 2, 29, None, None),  # 1980 is a leap year
        (Era.SHOWA, 56, 2, 29, None, Finding(Field.DAY, Doubt.DAY)),
        (Era.SHOWA, 55, 13, None, None, Finding(Field.MONTH, Doubt.MONTH)),
        (Era.SHOWA, 55, 0, None, None, Finding(Field.MONTH, Doubt.MONTH)),
        (Era.SHOWA, 0, None, None, None, Finding(Field.YEAR, Doubt.YEAR)),
        (Era.SHOWA, 64, 1, 7, 2030, None),
        (Era.SHOWA, 64, 1, 8, None, Finding(Field.YEAR, Doubt.ERA)),
        (Era.SHOWA, 65, None, None, None, Finding(Field.YEAR, Doubt.ERA)),
        (Era.SHOWA, 1, 12, 25, 2030, None),
        (Era.TAISHO, 15, 12, 25, 2030, None),
        (Era.TAISHO, 15, 12, 26, None, Finding(Field.YEAR, Doubt.ERA)),
        (Era.HEISEI, 1, 1, 7, None, Finding(Field.YEAR, Doubt.ERA)),
        (Era.HEISEI, 31, 4, 30, 2030, None),
        (Era.HEISEI, 31, 5, 1, None, Finding(Field.YEAR, Doubt.ERA)),
        (Era.REIWA, 1, 5, 1, 2030, None),
        (Era.REIWA, 8, 4, 2, None, Finding(Field.YEAR, Doubt.FUTURE)),
        (Era.REIWA, 9, None, None, None, Finding(Field.YEAR, Doubt.FUTURE)),
        (Era.WESTERN, 1880, None, None, None, Finding(Field.YEAR, Doubt.YEAR)),
        (Era.WESTERN, 1985, 6, 30, 2025, None),
        (Era.WESTERN, 1985, 6, 30, 2024, Finding(Field.EXPIRY, Doubt.EXPIRED)),
        (Era.WESTERN, 1985, 6, 30, 2037, None),
        (Era.WESTERN, 1985, 6, 30, 2038, Finding(Field.EXPIRY, Doubt.EXPIRY)),
        (Era.SHOWA, None, None, None, None, None),
        (Era.SHOWA, None, 4, 31, None, Finding(Field.DAY, Doubt.DAY)),
        (Era.SHOWA, None, None, 31, None, None),
        (Era.SHOWA, None, None, 0, None, Finding(Field.DAY, Doubt.DAY)),
    ],
)
def test_rules(
    era: Era, year: int | None, month: int | None, day: int | None, expiry: int | None, finding: Finding | None
) -> None:
    assert check(era, year, month, day, expiry, TODAY) == finding


def test_the_card_s_example_gives_its_fourteen_digits() -> None:
    parts = [bytearray(part) for part in (b"55", b"02", b"17", b"2035", b"2285")]
    assert bytes(compose(*parts)) == b"55021720352285"


def test_a_western_year_keeps_its_last_two_digits() -> None:
    parts = [bytearray(part) for part in (b"1985", b"06", b"30", b"2030", b"0001")]
    assert bytes(compose(*parts)) == b"85063020300001"


def test_first_year_of_an_era() -> None:
    assert western_year(Era.REIWA, 1) == 2019
    assert western_year(Era.SHOWA, 55) == 1980


def test_lengths() -> None:
    assert [length(field, Era.WESTERN) for field in Field] == [4, 2, 2, 4, 4]
    assert [length(field, Era.SHOWA) for field in Field] == [2, 2, 2, 4, 4]


@pytest.mark.parametrize(
    ("day", "printed"),
    [
        (date(1868, 1, 25), (Era.WESTERN, 1868)),
        (date(1912, 7, 30), (Era.TAISHO, 1)),
        (date(1926, 12, 25), (Era.SHOWA, 1)),
        (date(1980, 2, 17), (Era.SHOWA, 55)),
        (date(1989, 1, 7), (Era.SHOWA, 64)),
        (date(1989, 1, 8), (Era.HEISEI, 1)),
        (date(2019, 5, 1), (Era.REIWA, 1)),
    ],
)
def test_era_and_year_as_a_card_has_them(day: date, printed: tuple[Era, int]) -> None:
    assert as_printed(day) == printed
