"""Printed cards: what is written on them, and what must never be."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from devices.simulated.printed.other import OtherKind, other
from devices.simulated.printed.sheet import FONTS, fonts
from devices.simulated.printed.sides import Calendar, Printed, back, era_of, front, portrait


def card(birth: date, calendar: Calendar | None = None, **more: Any) -> Printed:
    values: dict[str, Any] = {
        "expiry": date(2035, 2, 17),
        "code": "4821",
        "sex": "女",
        "name": "試験　花子",
        "address": "見本県試験市架空町1-2-3",
        **more,
    }
    return Printed(birth, era_of(birth) if calendar is None else calendar, **values)


@pytest.mark.parametrize(
    ("birth", "calendar", "line", "number"),
    [
        (date(1980, 2, 17), None, "昭和55年 2月17日生", "55021720354821"),
        (date(1980, 2, 17), Calendar.WESTERN, "1980年 2月17日生", "80021720354821"),
        (date(1926, 12, 25), None, "昭和元年12月25日生", "01122520354821"),
        (date(1926, 12, 25), Calendar.TAISHO, "大正15年12月25日生", "15122520354821"),
        (date(1989, 1, 7), None, "昭和64年 1月 7日生", "64010720354821"),
        (date(1989, 1, 8), None, "平成元年 1月 8日生", "01010820354821"),
        (date(2019, 4, 30), None, "平成31年 4月30日生", "31043020354821"),
        (date(2019, 5, 1), None, "令和元年 5月 1日生", "01050120354821"),
        (date(2004, 12, 3), Calendar.WESTERN, "2004年12月 3日生", "04120320354821"),
        (date(1912, 7, 30), None, "大正元年 7月30日生", "01073020354821"),
    ],
)
def test_birth_as_printed(birth: date, calendar: Calendar | None, line: str, number: str) -> None:
    printed = card(birth, calendar)
    assert (printed.birth_line, printed.number_b) == (line, number)
    assert printed.expiry_line == "2035年 2月17日まで有効"


def test_first_year_as_a_number() -> None:
    assert card(date(2019, 5, 1), gannen=False).birth_line == "令和 1年 5月 1日生"


def test_same_run_prints_the_same_and_another_does_not() -> None:
    printed = card(date(1980, 2, 17))
    one, same, other = front(printed, 3), front(printed, 3), front(printed, 4)
    assert one.shape == (1080, 1712, 3)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_fonts_print_differently() -> None:
    assert len(fonts()) >= 3, f"install {', '.join(package for _, package in FONTS.values())}"
    pictures = [front(card(date(1980, 2, 17), font=font)).tobytes() for font in fonts()]
    assert len(set(pictures)) == len(pictures)


def test_photo_is_printed_where_it_belongs() -> None:
    without, with_photo = front(card(date(1980, 2, 17))), front(card(date(1980, 2, 17), photo=portrait(22)))
    rows, columns, _ = np.nonzero(without != with_photo)
    assert (rows.min() > 20 * 20, rows.max() < 51 * 20) == (True, True)
    assert (columns.min() > 3 * 20, columns.max() < 27 * 20) == (True, True)


def test_back_is_dark_where_the_stripe_is() -> None:
    picture = back(1)
    assert picture[5 * 20 : 9 * 20].mean() < 60 < 150 < picture[20 * 20 : 50 * 20].mean()


def test_what_is_printed_has_no_repr() -> None:
    assert "4821" not in repr(card(date(1980, 2, 17)))


@pytest.mark.parametrize("kind", list(OtherKind))
def test_other_cards_differ_by_seed_and_are_repeatable(kind: OtherKind) -> None:
    pictures = [other(kind, seed) for seed in range(4)]
    assert np.array_equal(pictures[0], other(kind, 0))
    assert len({picture.tobytes() for picture in pictures}) == 4
    assert all(picture.ndim == 3 and picture.shape[2] == 3 for picture in pictures)
