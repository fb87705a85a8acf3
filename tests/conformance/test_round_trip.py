"""Any valid record survives writing and reading, in both encodings; ● accounted for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings

from kiosk.oqs import reader
from kiosk.oqs.document import UNMAPPABLE, Encoding, seen, write
from kiosk.oqs.rules import check
from kiosk.oqs.schema import leaves
from kiosk.qualification import RECORD_LAWS, QualificationResult, broken
from tests.helpers import second_reader
from tests.helpers.any_result import Maker, results
from tests.helpers.face_schema import refusals


def as_seen(part: Any, encoding: Encoding) -> Any:
    """The record as it can be in a file of this encoding."""
    if isinstance(part, tuple):
        return tuple(as_seen(entry, encoding) for entry in part)
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{each.name: as_seen(getattr(part, each.name), encoding) for each in fields(part)})
    return part if part is None else seen(part, encoding)


@pytest.mark.parametrize("encoding", list(Encoding))
@settings(deadline=None, max_examples=150)
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


def test_the_records_are_not_all_alike() -> None:
    """Every element, every code: or the test above would say little."""
    seen: set[tuple[str, str]] = set()
    for seed in range(300):
        seen |= set(_leaves(json.loads(Maker(seed, ["x"]).result().to_json()), ""))
    shapes = dict(leaves(QualificationResult))
    assert shapes.keys() == {path for path, _ in seen}
    for path, shape in shapes.items():
        if shape.codes is not None:
            assert set(shape.codes.values) == {text for place, text in seen if place == path}, path


def _leaves(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, list):
        name = where.rpartition("/")[2]
        entry = {"ResultList": "ResultOfQualificationConfirmation", "PublicExpenseResultList": "MedicalTicketInfo"}
        for each in value:
            yield from _leaves(each, f"{where}/{entry.get(name, 'SpecificDiseasesCertificateInfo')}")
    else:
        for name, each in value.items():
            yield from _leaves(each, f"{where}/{name}".removeprefix("/"))
