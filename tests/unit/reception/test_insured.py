"""What is typed from a 資格確認書, before anybody is asked with it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.reception.insured import BadQuery, Query, QueryDoubt, QueryField, check_digit, query_doubt

TODAY = date(2026, 11, 22)
GOOD = Query("99010019", "見本", "1001", "01", "19850412")


def test_the_query_travels_as_json() -> None:
    assert Query.from_json(GOOD.to_json(), TODAY) == GOOD
    assert Query.from_json(bytearray(GOOD.to_json()), TODAY) == GOOD
    assert "99010019" not in repr(GOOD)


@pytest.mark.parametrize(
    ("field", "value", "doubt"),
    [
        (QueryField.INSURER, "99010019", None),
        (QueryField.INSURER, "138057", None),
        (QueryField.INSURER, "99010016", QueryDoubt.CHECK_DIGIT),
        (QueryField.INSURER, "9901001", QueryDoubt.LENGTH),
        (QueryField.INSURER, "９９０１００１９", QueryDoubt.LENGTH),
        (QueryField.SYMBOL, "", None),
        (QueryField.SYMBOL, "12-ｱ", None),
        (QueryField.SYMBOL, "<", QueryDoubt.CHARACTERS),
        (QueryField.NUMBER, "1", None),
        (QueryField.NUMBER, "", QueryDoubt.MISSING),
        (QueryField.NUMBER, "1" * 41, QueryDoubt.CHARACTERS),
        (QueryField.BRANCH, "", None),
        (QueryField.BRANCH, "01", None),
        (QueryField.BRANCH, "1", QueryDoubt.LENGTH),
        (QueryField.BIRTH, "20240229", None),
        (QueryField.BIRTH, "20230229", QueryDoubt.DATE),
        (QueryField.BIRTH, "2023", QueryDoubt.DATE),
        (QueryField.BIRTH, "20261123", QueryDoubt.DATE),
        (QueryField.BIRTH, "18950101", QueryDoubt.DATE),
    ],
)
def test_what_cannot_be_is_said(field: QueryField, value: str, doubt: QueryDoubt | None) -> None:
    assert query_doubt(field, value, TODAY) is doubt


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"1",
        b"{}",
        b"[" * 100_000,
        GOOD.to_json().replace(b"99010019", b"99010018"),
        GOOD.to_json().replace(b'"01"', b"1"),
        GOOD.to_json().replace(b"}", b', "more": "1"}'),
        b"\xff",
    ],
)
def test_what_is_no_query_is_refused_without_its_values(data: bytes) -> None:
    with pytest.raises(BadQuery) as caught:
        Query.from_json(data, TODAY)
    assert "9901" not in str(caught.value)


@given(st.text("0123456789", min_size=7, max_size=7), st.integers(0, 6), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(digits: str, place: int, by: int) -> None:
    right = digits + str(check_digit(digits))
    assert query_doubt(QueryField.INSURER, right, TODAY) is None
    other = str((int(digits[place]) + by) % 10)
    wrong = digits[:place] + other + digits[place + 1 :] + right[-1]
    assert query_doubt(QueryField.INSURER, wrong, TODAY) is QueryDoubt.CHECK_DIGIT
