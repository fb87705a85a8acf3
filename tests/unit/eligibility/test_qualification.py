"""The record both sides share: strict, and silent about what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.qualification import MAX_BYTES, BadQualification, Limit, QualificationResult, SpecificDisease, face_fault
from tests.helpers.results import result

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def plain() -> Any:
    return json.loads(result().to_json())


def person(value: Any) -> Any:
    return value["MessageBody"]["ResultList"][0]


def refused(value: Any) -> BadQualification:
    with pytest.raises(BadQualification) as caught:
        QualificationResult.parse(json.dumps(value).encode())
    return caught.value


def test_there_and_back() -> None:
    value = result(
        limit=Limit(classification="01", flag="B10", valid_from="20260401"),
        disease_consent="1",
        disease_time="20260401090000",
        diseases=(SpecificDisease(category="3", valid_from="20260401"),),
    )
    assert QualificationResult.parse(value.to_json()) == value
    assert QualificationResult.parse(memoryview(value.to_json())) == value


@pytest.mark.parametrize(
    ("element", "bad"),
    [
        ("Name", ""),
        ("Name", "試験\n花子"),
        ("Name", "試験\ud800"),
        ("Name", None),
        ("Name", "あ" * 201),
        ("NameKana", "シケン"),
        ("Birthdate", "20260230"),
        ("Birthdate", "2026041"),
        ("Sex1", "4"),
        ("Sex1", 1),
        ("InsurerNumber", "123456789"),
        ("InsurerNumber", "１２３"),
        ("InsuredBranchNumber", "1"),
        ("InsuredCardClassification", "08"),
        ("PharmacistsInfoConsFlg", "4"),
        ("PostNumber", "1234567"),
        ("LimitApplicationCertificateRelatedInfo", {}),
        ("SpecificDiseasesCertificateList", {}),
    ],
)
def test_values_that_do_not_fit_are_named_and_not_told(element: str, bad: Any) -> None:
    value = plain()
    person(value)[element] = bad
    error = refused(value)
    assert element in error.where
    if isinstance(bad, str) and len(bad) > 3:
        assert bad not in str(error)


@pytest.mark.parametrize(
    "element", ["Name", "NameKana", "Birthdate", "Sex1", "InsurerName", "InsuredCardClassification"]
)
def test_what_must_be_there(element: str) -> None:
    value = plain()
    del person(value)[element]
    assert refused(value).where.endswith(element)


def test_unknown_elements_are_refused_without_their_name() -> None:
    value = plain()
    person(value)["SecretOfTheSender"] = "x"
    assert "SecretOfTheSender" not in str(refused(value))


def test_one_person() -> None:
    value = plain()
    value["MessageBody"]["ResultList"] *= 2
    assert "more than one" in str(refused(value))
    value = plain()
    value["MessageBody"]["QualificationValidity"] = "4"
    value["MessageBody"]["ResultList"] = []
    nobody = QualificationResult.parse(json.dumps(value).encode())
    assert nobody.marked_simulated
    fault = face_fault(nobody)
    assert fault is not None
    assert fault.what == "not exactly one person"
    assert face_fault(result()) is None
    with pytest.raises(BadQualification, match="exactly one"):
        _ = nobody.person


@pytest.mark.parametrize(
    "changes",
    [
        {"PharmacistsInfoConsFlg": "0"},
        {"PharmacistsInfoAvailableTime": "20991231235959"},
        {"DiagnosisInfoConsTime": "20260401090000"},
        {"OperationInfoConsFlg": "1"},
    ],
)
def test_consents_and_their_times_belong_together(changes: dict[str, str]) -> None:
    value = plain()
    person(value).update(changes)
    assert "consent" in str(refused(value)).lower()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"MessageHeader":1,"MessageHeader":2}']
)
def test_not_a_record(data: bytes) -> None:
    with pytest.raises(BadQualification):
        QualificationResult.parse(data)


def test_too_large() -> None:
    with pytest.raises(BadQualification, match="too large"):
        QualificationResult.parse(b" " * (MAX_BYTES + 1))


@given(JSON, st.sampled_from(["MessageHeader", "MessageBody", "ResultList", "Name"]))
def test_anything_else_is_refused_and_nothing_breaks(rubbish: Any, place: str) -> None:
    value = plain()
    parent = {"ResultList": value["MessageBody"], "Name": person(value)}.get(place, value)
    parent[place] = rubbish
    try:
        QualificationResult.parse(json.dumps(value).encode())
    except BadQualification:
        return
    assert place == "Name"
    assert isinstance(rubbish, str)


def test_no_value_in_a_repr() -> None:
    assert "花子" not in f"{result()!r} {result().person!r} {result().header!r}"
