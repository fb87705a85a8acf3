"""Any valid record survives writing and reading, in both encodings; ● accounted for."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings

from kiosk.oqs import reader
from kiosk.oqs.document import UNMAPPABLE, Encoding, seen, write
from kiosk.oqs.rules import check
from kiosk.qualification import RECORD_LAWS, QualificationResult, broken
from tests.helpers import second_reader
from tests.helpers.any_result import results
from tests.helpers.face_schema import refusals


def as_seen(part: Any, encoding: Encoding) -> Any:
    """The record as it can be in a file of this encoding."""
    if isinstance(part, tuple):
        return tuple(as_seen(entry, encoding) for entry in part)
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{each.name: as_seen(getattr(part, each.name), encoding) for each in fields(part)})
    return part if part is None else seen(part, encoding)


@pytest.mark.parametrize("encoding", list(Encoding))
@settings(deadline=None, max_examples=30)
@given(value=results())
def test_there_and_back(encoding: Encoding, value: QualificationResult) -> None:
    assert broken(RECORD_LAWS, value) == []
    assert QualificationResult.parse(value.to_json()) == value
    document = write(value, encoding, simulated=value.marked_simulated)
    content = bytes(document.content)
    expected = as_seen(value, encoding)
    assert reader.read(content) == expected
    assert check("OQSsiquc01res_1.xml", content) == []
    assert refusals(content) == []
    second_reader.read(content, face=False)
    circles = content.decode(encoding.codec).count(UNMAPPABLE)
    assert document.substituted == circles - value.to_json().decode().count(UNMAPPABLE)
