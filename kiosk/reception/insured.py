"""Look-up by insured number: what staff type from a 資格確認書, and whether it can be right before anyone is asked.

保険者番号 ends with a check digit (検証番号): weights 2, 1, 2, … from the right over the digits before it, the digits
of the products added up, the difference to the next ten (docs/sources.md, "insurer number").
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import assert_never

from kiosk.reception.number import OLDEST


class BadQuery(Exception):
    """The bytes are no query. Never says what they were."""


class QueryField(StrEnum):
    """In the order of the page. Values: catalogue keys below `lookup.`."""

    INSURER = "insurer"  # 保険者番号, 6 or 8 digits
    SYMBOL = "symbol"  # 記号, may be empty
    NUMBER = "number"  # 番号
    BRANCH = "branch"  # 枝番, may be empty
    BIRTH = "birth"  # YYYYMMDD; typed with the era


class QueryDoubt(StrEnum):
    """Catalogue key suffix: `lookup.doubt.<value>`."""

    LENGTH = "length"
    CHECK_DIGIT = "check_digit"
    CHARACTERS = "characters"
    MISSING = "missing"
    DATE = "date"


@dataclass(frozen=True, slots=True, repr=False)
class Query:
    """Personal: no `repr`. `symbol` and `branch` may be ""; `birth` is YYYYMMDD."""

    insurer: str
    symbol: str
    number: str
    branch: str
    birth: str

    def to_json(self) -> bytes:
        return json.dumps({field.value: getattr(self, field.value) for field in QueryField}).encode()

    @classmethod
    def from_json(cls, data: bytes | bytearray | memoryview, today: date) -> Query:
        """Raises `BadQuery`."""
        try:
            fields = json.loads(bytes(data))
            query = cls(**fields)
            good = all(isinstance(getattr(query, field.value), str) for field in QueryField)
        except (ValueError, TypeError, RecursionError):
            raise BadQuery("not a query") from None
        if not good or any(query_doubt(field, getattr(query, field.value), today) for field in QueryField):
            raise BadQuery("not a plausible query")
        return query


_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff<>&]{1,40}")


def check_digit(digits: str) -> int:
    """Of the digits before it."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        product = int(digit) * (2 if position % 2 == 0 else 1)
        total += product // 10 + product % 10
    return -total % 10


def query_doubt(field: QueryField, value: str, today: date) -> QueryDoubt | None:
    """The first thing that cannot be."""
    match field:
        case QueryField.INSURER:
            if not re.fullmatch(r"[0-9]{6}|[0-9]{8}", value):
                return QueryDoubt.LENGTH
            return None if check_digit(value[:-1]) == int(value[-1]) else QueryDoubt.CHECK_DIGIT
        case QueryField.SYMBOL:
            return None if not value or _TEXT.fullmatch(value) else QueryDoubt.CHARACTERS
        case QueryField.NUMBER:
            if not value:
                return QueryDoubt.MISSING
            return None if _TEXT.fullmatch(value) else QueryDoubt.CHARACTERS
        case QueryField.BRANCH:
            return None if re.fullmatch(r"(?:[0-9]{2})?", value) else QueryDoubt.LENGTH
        case QueryField.BIRTH:
            return None if _birth_is_plausible(value, today) else QueryDoubt.DATE
        case _:
            assert_never(field)


def _birth_is_plausible(value: str, today: date) -> bool:
    if not re.fullmatch(r"[0-9]{8}", value):
        return False
    try:
        birth = date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return False
    return birth <= today and birth.year >= today.year - OLDEST
