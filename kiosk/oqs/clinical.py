"""Answers to `YZKsiquc01req` (薬剤・診療情報) and `TKKsiquc01req` (特定健診情報), as the simulated terminal gives them.

Element names come from one public program that reads such files (docs/sources.md, "exchange folders"). **Unverified**:
everything that it does not look at. That is the order of elements; where ResultCode and MessageContents stand and which
values besides 1 there are; that the header repeats institution and ArbitraryFileIdentifier; which elements are always
there; the codes in `classification` and `data_type`. Fictional people only: nothing else writes such files here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from kiosk.oqs.document import SIMULATION_NOTICE, Document, Encoding
from kiosk.oqs.markup import Leaf, Writer, digits, one_of, read_group, read_groups, read_leaves, text
from kiosk.oqs.names import Kind
from kiosk.oqs.reader import CHARACTER_CODES, ROOT, BadDocument, Node, tree
from kiosk.qualification import DAY, KANA, MISSING_OURS, MONTH, SEX, SIMULATED_INSTITUTION, SIMULATED_NAME, Fault

DONE, FAILED = "1", "9"  # ResultCode: what is not 1 has a message; 9 as in OQSCD003


class Source(IntEnum):
    """The three blocks of a medication answer, by what they come from."""

    RECEIPT = 0  # レセプト
    DISPENSING = 1  # 調剤
    PRESCRIPTION = 2  # 処方


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Patient:
    name: str
    kana: str
    birth: str
    sex: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Drug:
    """`code`: of the drug price list; `classification`: of the usage; `times`: days, or how often."""

    name: str
    code: str | None = None
    ingredient: str | None = None
    quantity: str | None = None
    unit: str | None = None
    usage: str | None = None
    classification: str | None = None
    times: str | None = None
    instruction: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Treatment:
    """診療行為; in the block of receipts only."""

    name: str
    code: str | None = None
    classification: str | None = None
    quantity: str | None = None
    times: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Day:
    """`dispensed` and `prescribed`: YYYYMMDD. A prescription has the one, its own."""

    dispensed: str | None = None
    prescribed: str | None = None
    drugs: tuple[Drug, ...] = ()
    treatments: tuple[Treatment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Month:
    """`dispenser` and `prescriber`: institution codes."""

    source: Source
    month: str
    dispenser: str | None = None
    dispenser_name: str | None = None
    prescriber: str | None = None
    prescriber_name: str | None = None
    days: tuple[Day, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Item:
    """One value of a checkup. `data_type`: as HL7 CDA names it (PQ, ST, CD); `value_name`: what a coded value means."""

    name: str
    value: str
    code: str | None = None
    data_type: str | None = None
    unit: str | None = None
    oid: str | None = None
    value_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Checkup:
    """`day`: YYYYMMDD."""

    day: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ClinicalAnswer:
    """`result` is DONE with a patient and their data, or else with `message` and nothing more. `file_identifier`: None
    when the request could not be read."""

    kind: Kind
    institution: str
    file_identifier: str | None
    result: str
    message: str | None = None
    patient: Patient | None = None
    months: tuple[Month, ...] = ()
    checkups: tuple[Checkup, ...] = ()


_NUMBER = text(20)
_HEADER = (
    Leaf("institution", "MedicalInstitutionCode", digits(10, 10)),
    Leaf("file_identifier", "ArbitraryFileIdentifier", text(64), required=False),
    Leaf("result", "ResultCode", one_of(DONE, FAILED)),
    Leaf("message", "MessageContents", text(200), required=False),
)
_CHARACTER_CODE = Leaf("code", "CharacterCodeIdentifier", one_of("0", "1"))
_PATIENT_GROUP = {Kind.MEDICATION: "QuaInf", Kind.CHECKUP: "QualificationsInfo"}
_PATIENT = {
    Kind.MEDICATION: (
        Leaf("name", "Name", text(100)),
        Leaf("kana", "KanaName", KANA),
        Leaf("birth", "Birth", DAY),
        Leaf("sex", "AdmGendCode", SEX),
    ),
    Kind.CHECKUP: (
        Leaf("name", "Name", text(100)),
        Leaf("kana", "KanasName", KANA),
        Leaf("birth", "Birthday", DAY),
        Leaf("sex", "AdministrativeGenderCode", SEX),
    ),
}
_TREATMENT = (
    Leaf("name", "SinInfN", text(100)),
    Leaf("code", "SinInfCd", text(20), required=False),
    Leaf("classification", "MeTrIdCl", _NUMBER, required=False),
    Leaf("quantity", "Qua1", _NUMBER, required=False),
    Leaf("times", "Times", _NUMBER, required=False),
    Leaf("unit", "Unit", text(20), required=False),
)
_ITEM = (
    Leaf("code", "ItemCode", text(30), required=False),
    Leaf("name", "ItemName", text(100)),
    Leaf("data_type", "DataType", one_of("PQ", "ST", "CD", "CO"), required=False),
    Leaf("value", "DataValue", text(100)),
    Leaf("unit", "Unit", text(20), required=False),
    Leaf("oid", "Oid", text(60), required=False),
    Leaf("value_name", "DataValueName", text(100), required=False),
)
_EFFECTIVE = (Leaf("day", "EffectiveTime", DAY),)
_CHECKUP, _ITEMS, _ITEM_NAME = (
    "SpecificHealthCheckupInfo",
    "HealthCheckupResultAndQuestionInfos",
    "HealthCheckupResultAndQuestionInfo",
)
_TREATMENTS = ("MeTrInfs", "MeTrInf")


@dataclass(frozen=True, slots=True)
class _Block:
    """The element names of one source. `group`: what the months stand in, besides MessageBody."""

    group: str
    entry: str
    month: tuple[Leaf, ...]
    days: tuple[str, str]
    day: tuple[Leaf, ...]
    drugs: tuple[str, str]
    drug: tuple[Leaf, ...]


def _month(month: str, dispenser: str, dispenser_name: str, prescriber: str, prescriber_name: str) -> tuple[Leaf, ...]:
    return (
        Leaf("dispenser", dispenser, digits(7, 10), required=False),
        Leaf("dispenser_name", dispenser_name, text(100), required=False),
        Leaf("month", month, MONTH),
        Leaf("prescriber", prescriber, digits(7, 10), required=False),
        Leaf("prescriber_name", prescriber_name, text(100), required=False),
    )


def _drug(prefix: str, classification: str) -> tuple[Leaf, ...]:
    return (
        Leaf("code", f"{prefix}DrugC", text(20), required=False),
        Leaf("name", f"{prefix}DrugN", text(100)),
        Leaf("ingredient", f"{prefix}IngreN", text(100), required=False),
        Leaf("quantity", f"{prefix}Qua1", _NUMBER, required=False),
        Leaf("unit", f"{prefix}Unit", text(20), required=False),
        Leaf("classification", classification, _NUMBER, required=False),
        Leaf("usage", f"{prefix}UsageN", text(100), required=False),
        Leaf("times", f"{prefix}Times", _NUMBER, required=False),
        Leaf("instruction", f"{prefix}SpInst", text(100), required=False),
    )


_BLOCKS = {
    Source.RECEIPT: _Block(
        "",
        "MeTrMonthInf",
        _month("MeTrMonth", "MeTrDiHCd", "MeTrDiHNm", "PrlsHCd", "PrlsHNm"),
        ("DiDateInfs", "DiDateInf"),
        (Leaf("dispensed", "DiDate", DAY, required=False), Leaf("prescribed", "PrDate", DAY, required=False)),
        ("DrugInfs", "DrugInf"),
        _drug("", "MeTrIdCl"),
    ),
    Source.DISPENSING: _Block(
        "CzDiInf",
        "CzDiMonthInf",
        _month("CzDiMonth", "CzMeTrDiHCd", "CzMeTrDiHNm", "CzPrlsHCd", "CzPrlsHNm"),
        ("CzDiDateInfs", "CzDiDateInf"),
        (Leaf("dispensed", "CzDiDate", DAY, required=False), Leaf("prescribed", "CzPrDate", DAY, required=False)),
        ("CzDrugInfs", "CzDrugInf"),
        _drug("Cz", "CzUsageCl"),
    ),
    Source.PRESCRIPTION: _Block(
        "ShPrInf",
        "ShPrMonthInf",
        _month("ShPrMonth", "ShMeTrDiHCd", "ShMeTrDiHNm", "ShPrHCd", "ShPrHNm"),
        ("ShPrDateInfs", "ShPrDateInf"),
        (Leaf("prescribed", "ShPrDate", DAY, required=False),),
        ("ShDrugInfs", "ShDrugInf"),
        _drug("Sh", "ShUsageCl"),
    ),
}


def is_marked(answer: ClinicalAnswer) -> bool:
    """Institution and name say that nobody is meant."""
    return answer.institution.startswith(SIMULATED_INSTITUTION) and (
        answer.patient is None or answer.patient.name.startswith(SIMULATED_NAME)
    )


def write(answer: ClinicalAnswer, encoding: Encoding) -> Document:
    """Raises ValueError without the marks of a simulation."""
    if not is_marked(answer):
        raise ValueError("a simulated answer without its marks")
    writer = Writer(encoding, exact=False)
    writer.comment(SIMULATION_NOTICE)
    writer.open("XmlMsg", "MessageHeader")
    writer.leaves(_HEADER, answer)
    writer.leaf(_CHARACTER_CODE.element, encoding.identifier)
    if answer.patient is not None:
        writer.open(_PATIENT_GROUP[answer.kind])
        writer.leaves(_PATIENT[answer.kind], answer.patient)
        writer.close()
    writer.close()
    writer.open("MessageBody")
    for source, block in _BLOCKS.items():
        months = [month for month in answer.months if month.source is source]
        groups = [block.group] if block.group and months else []
        writer.open(*groups)
        for month in months:
            _write_month(writer, month, block)
        writer.close(len(groups))
    for checkup in answer.checkups:
        writer.open(_CHECKUP)
        writer.leaves(_EFFECTIVE, checkup)
        writer.open(_ITEMS)
        for item in checkup.items:
            writer.open(_ITEM_NAME)
            writer.leaves(_ITEM, item)
            writer.close()
        writer.close(2)
    writer.close(2)
    return Document(writer.content, writer.substituted)


def _write_month(writer: Writer, month: Month, block: _Block) -> None:
    writer.open(block.entry)
    writer.leaves(block.month, month)
    writer.open(block.days[0])
    for day in month.days:
        writer.open(block.days[1])
        writer.leaves(block.day, day)
        for (outer, inner), table, parts in (
            (block.drugs, block.drug, day.drugs),
            (_TREATMENTS, _TREATMENT, day.treatments),
        ):
            if parts:
                writer.open(outer)
                for part in parts:
                    writer.open(inner)
                    writer.leaves(table, part)
                    writer.close()
                writer.close()
        writer.close()
    writer.close(2)


def read(kind: Kind, content: bytes | bytearray) -> ClinicalAnswer:
    """Raises `BadDocument`."""
    encoding, root = tree(content)
    if root.name != "XmlMsg":
        raise BadDocument(Fault(ROOT, "root", "another root", "XmlMsg"))
    read_leaves(root, (), "XmlMsg", ("MessageHeader", "MessageBody"))
    header = read_group(root, "MessageHeader", "XmlMsg")
    body = read_group(root, "MessageBody", "XmlMsg")
    where = "XmlMsg/MessageHeader"
    group = _PATIENT_GROUP[kind]
    found = dict(read_leaves(header, (*_HEADER, _CHARACTER_CODE), where, (group,)))
    if found.pop("code") != encoding.identifier:
        place = f"{where}/{_CHARACTER_CODE.element}"
        raise BadDocument(Fault(CHARACTER_CODES, place, "another encoding than declared", encoding.identifier))
    if found["result"] != DONE:
        # Whatever else such a file had would be somebody's, and nobody may see it.
        read_leaves(header, (*_HEADER, _CHARACTER_CODE), where)
        read_leaves(body, (), "XmlMsg/MessageBody")
        return ClinicalAnswer(kind=kind, **found)
    patient = Patient(**read_leaves(read_group(header, group, where), _PATIENT[kind], f"{where}/{group}"))
    if kind is Kind.MEDICATION:
        return ClinicalAnswer(kind=kind, **found, patient=patient, months=tuple(_read_months(body)))
    return ClinicalAnswer(kind=kind, **found, patient=patient, checkups=tuple(_read_checkups(body)))


def _read_months(body: Node) -> Iterator[Month]:
    where = "XmlMsg/MessageBody"
    read_leaves(body, (), where, (block.group or block.entry for block in _BLOCKS.values()))
    for source, block in _BLOCKS.items():
        parent, place = body, where
        if block.group:
            if not read_groups(body, block.group):
                continue
            parent, place = read_group(body, block.group, where), f"{where}/{block.group}"
            read_leaves(parent, (), place, (block.entry,))
        for node in read_groups(parent, block.entry):
            yield _read_month(source, block, node, f"{place}/{block.entry}")


def _read_month(source: Source, block: _Block, node: Node, where: str) -> Month:
    found = read_leaves(node, block.month, where, (block.days[0],))
    days = read_group(node, block.days[0], where)
    where = f"{where}/{block.days[0]}"
    read_leaves(days, (), where, (block.days[1],))
    return Month(
        source=source,
        **found,
        days=tuple(
            _read_day(source, block, each, f"{where}/{block.days[1]}") for each in read_groups(days, block.days[1])
        ),
    )


def _read_day(source: Source, block: _Block, node: Node, where: str) -> Day:
    groups = [block.drugs[0]] + [_TREATMENTS[0]] * (source is Source.RECEIPT)
    found = read_leaves(node, block.day, where, groups)
    return Day(
        **found,
        drugs=tuple(Drug(**each) for each in _read_list(node, block.drugs, block.drug, where)),
        treatments=tuple(Treatment(**each) for each in _read_list(node, _TREATMENTS, _TREATMENT, where)),
    )


def _read_list(node: Node, names: tuple[str, str], table: tuple[Leaf, ...], where: str) -> Iterator[dict[str, str]]:
    outer, inner = names
    if not read_groups(node, outer):
        return
    entries = read_group(node, outer, where)
    where = f"{where}/{outer}"
    read_leaves(entries, (), where, (inner,))
    for each in read_groups(entries, inner):
        yield dict(read_leaves(each, table, f"{where}/{inner}"))


def _read_checkups(body: Node) -> Iterator[Checkup]:
    where = "XmlMsg/MessageBody"
    read_leaves(body, (), where, (_CHECKUP,))
    for node in read_groups(body, _CHECKUP):
        place = f"{where}/{_CHECKUP}"
        found = read_leaves(node, _EFFECTIVE, place, (_ITEMS,))
        items = tuple(Item(**each) for each in _read_list(node, (_ITEMS, _ITEM_NAME), _ITEM, place))
        if not items:
            raise BadDocument(Fault(MISSING_OURS, f"{place}/{_ITEMS}", "missing", "an entry"))
        yield Checkup(**found, items=items)
