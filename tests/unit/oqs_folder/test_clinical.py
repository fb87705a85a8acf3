"""Clinical answers: written and read back, read by others, refused when they are something else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from kiosk.oqs.clinical import (
    DONE,
    FAILED,
    Checkup,
    ClinicalAnswer,
    Day,
    Drug,
    Item,
    Month,
    Patient,
    Source,
    Treatment,
    read,
    write,
)
from kiosk.oqs.document import Encoding
from kiosk.oqs.markup import MANY
from kiosk.oqs.names import Kind
from kiosk.oqs.reader import BadDocument
from tests.unit.oqs_folder import second_reader
from tests.unit.oqs_folder.strategies import ENCODINGS, INSTITUTION, answers

PATIENT = Patient(name="試験　花子", kana="ｼｹﾝ ﾊﾅｺ", birth="19850412", sex="2")
TAKEN = Day(
    dispensed="20260110",
    prescribed="20260109",
    drugs=(Drug(name="模擬錠１０ｍｇ", code="990000001", usage="１日１回朝食後", times="14"),),
)
MEDICATION = ClinicalAnswer(
    kind=Kind.MEDICATION,
    institution=INSTITUTION,
    file_identifier="ungWv48Bz-pBQUDe",
    result=DONE,
    patient=PATIENT,
    months=(
        Month(
            source=Source.RECEIPT,
            month="202601",
            dispenser="9910000001",
            days=(replace(TAKEN, treatments=(Treatment(name="模擬処置"),)),),
        ),
        Month(source=Source.DISPENSING, month="202602", days=(TAKEN,)),
        Month(source=Source.PRESCRIPTION, month="202603", days=(replace(TAKEN, dispensed=None),)),
    ),
)
CHECKUP = ClinicalAnswer(
    kind=Kind.CHECKUP,
    institution=INSTITUTION,
    file_identifier="ungWv48Bz-pBQUDe",
    result=DONE,
    patient=PATIENT,
    checkups=(Checkup(day="20260401", items=(Item(name="身長", value="160.1", data_type="PQ", unit="cm"),)),),
)
REFUSED = ClinicalAnswer(
    kind=Kind.MEDICATION, institution=INSTITUTION, file_identifier=None, result=FAILED, message="KSK-2001"
)


@given(answers(), ENCODINGS)
def test_what_is_written_is_read(answer: ClinicalAnswer, encoding: Encoding) -> None:
    document = write(answer, encoding)
    assert document.substituted == 0
    assert read(answer.kind, document.content) == answer


@given(answers(), ENCODINGS)
def test_others_read_the_same(answer: ClinicalAnswer, encoding: Encoding) -> None:
    content = write(answer, encoding).content
    header = second_reader.header(content)
    assert header["ResultCode"] == answer.result
    assert header.get("MessageContents") == answer.message
    assert header["CharacterCodeIdentifier"] == encoding.identifier
    medication = answer.kind is Kind.MEDICATION
    names = ("Name", "KanaName", "Birth", "AdmGendCode") if medication else ("Name", "KanasName", "Birthday")
    patient = answer.patient
    told = () if patient is None else (patient.name, patient.kana, patient.birth, patient.sex)[: len(names)]
    assert tuple(header[name] for name in names if name in header) == told
    assert second_reader.drugs(content) == [
        (month.month, drug.name, drug.usage or "", drug.times or "")
        for month in answer.months
        for day in month.days
        for drug in day.drugs
    ]
    assert second_reader.treatments(content) == [
        each.name for month in answer.months for day in month.days for each in day.treatments
    ]
    assert second_reader.values(content) == [
        (checkup.day, item.name, item.value) for checkup in answer.checkups for item in checkup.items
    ]


@pytest.mark.parametrize("answer", [MEDICATION, CHECKUP, REFUSED])
def test_every_file_says_that_it_is_simulated(answer: ClinicalAnswer) -> None:
    assert "模擬 SIMULATION" in write(answer, Encoding.UTF8).content.decode()


@pytest.mark.parametrize(
    "answer",
    [
        replace(MEDICATION, institution="1310000001"),
        replace(MEDICATION, patient=replace(PATIENT, name="見本　花子")),
    ],
)
def test_without_the_marks_of_a_simulation_nothing_is_written(answer: ClinicalAnswer) -> None:
    with pytest.raises(ValueError, match="marks"):
        write(answer, Encoding.UTF8)


def test_what_shift_jis_lacks_becomes_a_black_circle_and_is_counted() -> None:
    answer = replace(CHECKUP, patient=replace(PATIENT, name="試験　𠮷子"))
    document = write(answer, Encoding.SHIFT_JIS)
    assert document.substituted == 1
    read_back = read(Kind.CHECKUP, document.content).patient
    assert read_back is not None
    assert read_back.name == "試験　●子"


BROKEN = [
    ("root", MEDICATION, "XmlMsg", "XmlMessage"),
    ("character-code", MEDICATION, "<CharacterCodeIdentifier>0", "<CharacterCodeIdentifier>1"),
    ("unknown-element", MEDICATION, "QuaInf>", "QualificationsInfo>"),
    ("missing", MEDICATION, "<ResultCode>1</ResultCode>", ""),
    ("length", MEDICATION, "<ResultCode>1<", "<ResultCode>2<"),
    ("unknown-element", MEDICATION, "<ResultCode>1<", "<ResultCode>9<"),
    ("unknown-element", REFUSED, "<MessageBody>", "<MessageBody><MeTrMonthInf/>"),
    ("missing", CHECKUP, "<Birthday>19850412</Birthday>", ""),
    ("unknown-element", MEDICATION, "KanaName", "KanasName"),
    ("unknown-element", MEDICATION, "DiDateInfs>", "DiDateInfs2>"),
    ("unknown-element", MEDICATION, "CzDiMonthInf>", "MeTrMonthInf>"),
    ("unknown-element", MEDICATION, "<CzDrugInf>", "<DrugInf/><CzDrugInf>"),
    ("unknown-element", MEDICATION, "<CzDrugInfs>", "<MeTrInfs></MeTrInfs><CzDrugInfs>"),
    ("twice", MEDICATION, "<ShDrugInfs>", "<ShDrugInfs></ShDrugInfs><ShDrugInfs>"),
    ("twice", MEDICATION, "<ShPrInf>", "<ShPrInf></ShPrInf><ShPrInf>"),
    ("shape", MEDICATION, "<ShPrDate>20260109<", "<ShPrDate>20260132<"),
    ("length", MEDICATION, "<MeTrMonth>202601<", "<MeTrMonth>202613<"),
    ("mixed", MEDICATION, "<CzDiInf>", "<CzDiInf>words"),
    ("mixed", MEDICATION, "<DrugInfs>", "<DrugInfs>words"),
    ("too-many", MEDICATION, "<DrugInfs>", "<DrugInfs>" + "<DrugInf/>" * MANY),
    ("missing-in-group", CHECKUP, "HealthCheckupResultAndQuestionInfo>", "X>"),
    ("missing", CHECKUP, "<EffectiveTime>20260401</EffectiveTime>", ""),
    ("unknown-element", CHECKUP, "<SpecificHealthCheckupInfo>", "<CzDiInf/><SpecificHealthCheckupInfo>"),
    ("length", CHECKUP, "<DataType>PQ<", "<DataType>XX<"),
    ("length", CHECKUP, "<DataValue>160.1<", "<DataValue><"),
]


@pytest.mark.parametrize(("rule", "answer", "old", "new"), BROKEN)
def test_what_is_no_answer_is_refused_with_the_reason(rule: str, answer: ClinicalAnswer, old: str, new: str) -> None:
    content = write(answer, Encoding.UTF8).content.decode()
    assert old in content
    if rule == "missing-in-group":
        content = (
            content[: content.index("   <HealthCheckupResultAndQuestionInfo>")]
            + content[content.index("  </HealthCheckupResultAndQuestionInfos>") :]
        )
    else:
        content = content.replace(old, new)
    with pytest.raises(BadDocument) as refused:
        read(answer.kind, content.encode())
    assert refused.value.rule == rule
    assert "試験" not in str(refused.value)


def test_an_answer_of_the_other_kind_is_refused() -> None:
    for answer, other in ((MEDICATION, Kind.CHECKUP), (CHECKUP, Kind.MEDICATION)):
        with pytest.raises(BadDocument):
            read(other, write(answer, Encoding.UTF8).content)
