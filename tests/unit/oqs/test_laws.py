"""What elements say of each other: for each law a record that breaks it and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kiosk.qualification import (
    FACE_LAWS,
    RECORD_LAWS,
    BadQualification,
    Body,
    ElderlyRecipient,
    Limit,
    MedicalTicket,
    QualificationResult,
    SearchInfo,
    SpecificDisease,
    broken,
    face_fault,
)
from tests.helpers.results import result

LIMIT = Limit(classification="01", flag="A03", valid_from="20260401")
DISEASE = SpecificDisease(category="1", valid_from="20260401")
TICKET = MedicalTicket(ticket="01")
SEARCH = SearchInfo(insurer_number="990016", number="1001", birth="19850412")
TIME = "20260401090000"
NO_MEDICATION: dict[str, Any] = {"medication_consent": None, "medication_time": None, "medication_until": None}


def answer(header: dict[str, Any] | None = None, body: dict[str, Any] | None = None, **person: Any) -> Any:
    value = result(**person)
    return replace(value, header=replace(value.header, **(header or {})), body=replace(value.body, **(body or {})))


def by_number(body: dict[str, Any] | None = None, **person: Any) -> Any:
    return answer({"reference": "2"}, body, **(NO_MEDICATION | person))


RECORDS = [
    ("error-fields", answer({"error_code": "KSK-1"})),
    ("error-fields", answer({"error_message": "x"})),
    ("normal-end", answer(body={"status": None, "validity": None, "results": ()})),
    ("normal-end", answer(body={"validity": None})),
    ("no-end", answer({"segment": "9"}, {"status": "1", "validity": None, "results": ()})),
    ("no-end", answer({"segment": "2"}, {"status": None, "validity": "2", "results": ()})),
    ("nobody", by_number({"validity": "4"})),
    ("nobody", by_number({"validity": "5"})),
    ("nobody", answer(body={"status": "2"})),
    ("somebody", answer(body={"results": ()})),
    ("somebody", answer(body={"validity": "6", "results": ()})),
    ("one-result", answer(body={"results": (result().person, result().person)})),
    ("search-info", answer(body={"search": SEARCH})),
    ("newest", answer(body={"validity": "3"})),
    ("unregistered", answer(body={"validity": "6"})),
    ("ticket", answer(tickets=(TICKET,))),
    ("loss", answer(loss="03")),
    ("loss", answer(disqualified_from="20260101")),
    ("period", answer(valid_from="20260402", valid_until="20260401")),
    ("period", answer(body={"validity": "2"}, qualified_from="20260402", disqualified_from="20260401")),
    ("period", answer(elderly=ElderlyRecipient(valid_from="20260402", valid_until="20260401", ratio="020"))),
    ("period", answer(limit=replace(LIMIT, valid_until="20260331"))),
    (
        "period",
        answer(disease_consent="1", disease_time=TIME, diseases=(replace(DISEASE, valid_until="20260331"),)),
    ),
    (
        "period",
        answer(classification="A1", tickets=(replace(TICKET, valid_from="20260402", valid_until="20260401"),)),
    ),
    ("born", answer(birth="29990101")),
    ("limit-refused", answer(limit=LIMIT, limit_consent="0")),
    ("limit-consent", by_number(limit=LIMIT)),
    ("limit-consent", by_number(limit=LIMIT, limit_consent="0")),
    ("disease-consent", answer(diseases=(DISEASE,))),
    ("disease-consent", answer(diseases=(DISEASE,), disease_consent="0")),
    ("disease-consent", by_number(disease_consent="1", disease_time=TIME)),
    ("consent-time", answer(limit_consent="1")),
    ("consent-time", answer(limit_time=TIME)),
    ("consent-time", answer(disease_consent="1")),
    ("consent-time", answer(disease_consent="0", disease_time=TIME)),
    ("consent-lasts", answer(checkup_time=TIME)),
    ("consent-lasts", answer(diagnosis_consent="1", diagnosis_time=TIME)),
    ("consent-lasts", answer(surgery_consent="1", surgery_until=TIME)),
    ("consent-lasts", answer(surgery_consent="1", surgery_time=TIME, surgery_until=TIME)),
    ("consent-lasts", answer(surgery_until=TIME)),
    ("consent-expired", answer(checkup_consent="2", checkup_time=TIME)),
    ("consent-by-card", answer({"reference": "2"})),
]
FACES = [
    ("face-normal-end", answer({"segment": "9"}, {"status": None})),
    ("face-normal-end", answer(body={"status": "2"})),
    ("face-one-person", answer(body={"results": ()})),
    ("face-one-person", answer(body={"results": (result().person,) * 2})),
    ("face-consent", answer(checkup_consent="2")),
    ("face-consent", answer(disease_consent="3")),
]
FINE = [
    answer(),
    answer({"segment": "9", "error_code": "KSK-1"}, {"status": "2", "validity": None, "results": ()}),
    answer({"segment": "2"}, {"status": None, "validity": None, "results": ()}),
    answer(body={"status": "2", "validity": None, "results": (), "code": "KSK-1"}),
    answer(body={"validity": "2"}, loss="01", disqualified_from="20260101"),
    answer(disqualified_from="29990101"),
    answer(limit=LIMIT),
    answer(limit=LIMIT, limit_consent="1", limit_time=TIME),
    answer(limit_consent="0"),
    answer(checkup_consent="2"),
    answer(checkup_consent="2", checkup_time=TIME, checkup_until="20260402090000"),
    answer(disease_consent="2", disease_time=TIME),
    answer(valid_from="20260401", valid_until="20260401"),
    answer(body={"validity": "6"}, classification="A1", tickets=(TICKET,)),
    by_number({"search": SEARCH}),
    by_number({"validity": "3"}, loss="03"),
    by_number({"validity": "4", "results": ()}),
    by_number(limit=LIMIT, limit_consent="1", limit_time=TIME, disease_consent="0"),
]


@pytest.mark.parametrize(("rule", "value"), RECORDS, ids=[rule for rule, _ in RECORDS])
def test_a_record_that_breaks_it(rule: str, value: QualificationResult) -> None:
    assert {fault.rule.id for fault in broken(RECORD_LAWS, value)} == {rule}
    with pytest.raises(BadQualification) as caught:
        QualificationResult.parse(value.to_json())
    assert caught.value.fault.rule.id == rule


@pytest.mark.parametrize(("rule", "value"), FACES, ids=[rule for rule, _ in FACES])
def test_a_result_that_is_no_face_result(rule: str, value: QualificationResult) -> None:
    (fault,) = broken(FACE_LAWS, value)
    assert fault.rule.id == rule
    assert face_fault(value) == fault


def test_every_law_has_one() -> None:
    assert {law.rule.id for law in RECORD_LAWS} == {rule for rule, _ in RECORDS}
    assert {law.rule.id for law in FACE_LAWS} == {rule for rule, _ in FACES}


@pytest.mark.parametrize("value", FINE)
def test_a_record_that_keeps_them(value: QualificationResult) -> None:
    assert broken(RECORD_LAWS, value) == []
    assert QualificationResult.parse(value.to_json()) == value


def test_no_answer_at_all() -> None:
    empty = answer({"segment": "9"})
    assert broken(RECORD_LAWS, replace(empty, body=Body())) == []
