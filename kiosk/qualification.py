"""The qualification record (資格確認結果): what the gateway answers and what the receipt computer's file holds.

Field order, element names and which may be missing: 別紙3-1 as described in docs/sources.md, "face result file". One
table serves both sides: the dataclass fields stand in file order, each knows its element name and the values that it
may have. The JSON form uses the same names, one object per group, lists as arrays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime, timedelta, timezone
from typing import Any, Self, TypeVar

MAX_BYTES = 256 * 1024
JST = timezone(timedelta(hours=9))
CONSENT_LASTS = timedelta(hours=24)  # AvailableTime = ConsTime + 24 h

# What marks a simulated result, so that it can never be taken for a real one.
SIMULATED_INSTITUTION = "99"
SIMULATED_INSURER = "（模擬）"
SIMULATED_NAME = "試験"


class BadQualification(Exception):
    """The record is not what it must be. Names the place and what is allowed there, never the value."""

    def __init__(self, where: str, what: str, allowed: str) -> None:
        super().__init__(f"{where}: {what}; allowed: {allowed}")
        self.where = where
        self.what = what
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value looks like; `allowed` says it in words."""

    pattern: re.Pattern[str]
    allowed: str
    time_format: str = ""

    def fits(self, value: str) -> bool:
        if self.pattern.fullmatch(value) is None:
            return False
        if not self.time_format:
            return True
        try:
            datetime.strptime(value, self.time_format).replace(tzinfo=JST)
        except ValueError:
            return False
        return True


def _codes(*values: str) -> Shape:
    return Shape(re.compile("|".join(values)), ", ".join(values))


def _digits(low: int, high: int) -> Shape:
    return Shape(re.compile(rf"[0-9]{{{low},{high}}}"), f"{low} to {high} digits")


def _text(high: int) -> Shape:
    # XML 1.0 §2.2 has no place for control characters, and nothing here is longer than a line.
    return Shape(re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]{{1,{high}}}"), f"1 to {high} characters")


DAY = Shape(re.compile(r"[0-9]{8}"), "YYYYMMDD", "%Y%m%d")
TIME = Shape(re.compile(r"[0-9]{14}"), "YYYYMMDDHHmmss", "%Y%m%d%H%M%S")
KANA = Shape(re.compile(r"[ -~\uff61-\uff9f]{1,100}"), "half-width kana (and ASCII), one blank between the names")
RATIO = Shape(re.compile(r"[0-9]{3}"), "3 digits, per cent")
CONSENT = _codes("0", "1")  # OQSCD016; 2 and 3 arise in home visits and emergencies only


def _need(element: str, shape: Shape) -> Any:
    return field(metadata={"element": element, "shape": shape})


def _may(element: str, shape: Shape) -> Any:
    return field(default=None, metadata={"element": element, "shape": shape})


def _list(element: str, entry: str, kind: type) -> Any:
    return field(default=(), metadata={"element": element, "entry": entry, "group": kind})


class Part:
    """A group of elements. Its values are personal: no `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(****)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Header(Part):
    """MessageHeader without CharacterCodeIdentifier, which belongs to the file and not to the answer."""

    executed: str = _need("ProcessExecutionTime", TIME)
    confirmed_on: str = _need("QualificationConfirmationDate", DAY)
    institution: str = _need("MedicalInstitutionCode", _digits(10, 10))
    file_identifier: str | None = _may("ArbitraryFileIdentifier", _text(64))
    reference: str = _need("ReferenceClassification", _codes("1"))  # OQSCD002: by My Number Card
    segment: str = _need("SegmentOfResult", _codes("1"))  # OQSCD003: normal end


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ElderlyRecipient(Part):
    """高齢受給者証."""

    issued: str | None = _may("ElderlyRecipientCertificateDate", DAY)
    valid_from: str = _need("ElderlyRecipientValidStartDate", DAY)
    valid_until: str | None = _may("ElderlyRecipientValidEndDate", DAY)
    ratio: str = _need("ElderlyRecipientContributionRatio", RATIO)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Limit(Part):
    """限度額適用認定証; codes OQSCD011 and OQSCD012."""

    classification: str = _need("LimitApplicationCertificateClassification", _codes("01", "02", "03"))
    flag: str = _need(
        "LimitApplicationCertificateClassificationFlag",
        Shape(re.compile(r"A0[1-6]|B0[1-9]|B10"), "A01 to A06, B01 to B10"),
    )
    issued: str | None = _may("LimitApplicationCertificateDate", DAY)
    valid_from: str = _need("LimitApplicationCertificateValidStartDate", DAY)
    valid_until: str | None = _may("LimitApplicationCertificateValidEndDate", DAY)
    long_term: str | None = _may("LimitApplicationCertificateLongTermDate", DAY)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SpecificDisease(Part):
    """特定疾病療養受療証; category OQSCD013."""

    category: str = _need("SpecificDiseasesDiseaseCategory", _codes("1", "2", "3"))
    issued: str | None = _may("SpecificDiseasesCertificateDate", DAY)
    valid_from: str = _need("SpecificDiseasesValidStartDate", DAY)
    valid_until: str | None = _may("SpecificDiseasesValidEndDate", DAY)
    self_pay: str | None = _may("SpecificDiseasesSelfPay", _digits(1, 8))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Confirmation(Part):
    """ResultOfQualificationConfirmation: one person's insurance and consents."""

    classification: str = _need("InsuredCardClassification", _codes("01", "02", "03", "04", "05", "06", "07", "A1"))
    insurer_number: str | None = _may("InsurerNumber", _digits(1, 8))
    symbol: str | None = _may("InsuredCardSymbol", _text(40))
    number: str | None = _may("InsuredIdentificationNumber", _text(40))
    branch: str | None = _may("InsuredBranchNumber", _digits(2, 2))
    relation: str | None = _may("PersonalFamilyClassification", _codes("1", "2"))
    insured_name: str | None = _may("InsuredName", _text(200))
    name: str = _need("Name", _text(200))
    name_other: str | None = _may("NameOfOther", _text(200))
    kana: str = _need("NameKana", KANA)
    kana_other: str | None = _may("NameOfOtherKana", KANA)
    sex1: str = _need("Sex1", _codes("1", "2", "3"))
    sex2: str | None = _may("Sex2", _codes("1", "2", "3"))
    birth: str = _need("Birthdate", DAY)
    address: str | None = _may("Address", _text(200))
    post_number: str | None = _may("PostNumber", Shape(re.compile(r"[0-9]{3}-[0-9]{4}"), "nnn-nnnn"))
    qualified_from: str | None = _may("QualificationDate", DAY)
    disqualified_from: str | None = _may("DisqualificationDate", DAY)
    issued: str | None = _may("InsuredCertificateIssuanceDate", DAY)
    valid_from: str | None = _may("InsuredCardValidDate", DAY)
    valid_until: str | None = _may("InsuredCardExpirationDate", DAY)
    ratio: str | None = _may("InsuredPartialContributionRatio", RATIO)
    preschool: str | None = _may("PreschoolClassification", _codes("1"))
    loss: str | None = _may("ReasonOfLoss", _codes("01", "02", "03", "99"))
    insurer_name: str = _need("InsurerName", _text(200))
    elderly: ElderlyRecipient | None = field(
        default=None, metadata={"element": "ElderlyRecipientCertificateInfo", "group": ElderlyRecipient}
    )
    limit_consent: str | None = _may("LimitApplicationCertificateRelatedConsFlg", CONSENT)
    limit_time: str | None = _may("LimitApplicationCertificateRelatedConsTime", TIME)
    limit: Limit | None = field(
        default=None, metadata={"element": "LimitApplicationCertificateRelatedInfo", "group": Limit}
    )
    disease_consent: str | None = _may("SpecificDiseasesCertificateRelatedConsFlg", CONSENT)
    disease_time: str | None = _may("SpecificDiseasesCertificateRelatedConsTime", TIME)
    diseases: tuple[SpecificDisease, ...] = _list(
        "SpecificDiseasesCertificateList", "SpecificDiseasesCertificateInfo", SpecificDisease
    )
    checkup_consent: str | None = _may("SpecificHealthCheckupsInfoConsFlg", CONSENT)
    checkup_time: str | None = _may("SpecificHealthCheckupsInfoConsTime", TIME)
    checkup_until: str | None = _may("SpecificHealthCheckupsInfoAvailableTime", TIME)
    medication_consent: str | None = _may("PharmacistsInfoConsFlg", CONSENT)
    medication_time: str | None = _may("PharmacistsInfoConsTime", TIME)
    medication_until: str | None = _may("PharmacistsInfoAvailableTime", TIME)
    diagnosis_consent: str | None = _may("DiagnosisInfoConsFlg", CONSENT)
    diagnosis_time: str | None = _may("DiagnosisInfoConsTime", TIME)
    diagnosis_until: str | None = _may("DiagnosisInfoAvailableTime", TIME)
    surgery_consent: str | None = _may("OperationInfoConsFlg", CONSENT)
    surgery_time: str | None = _may("OperationInfoConsTime", TIME)
    surgery_until: str | None = _may("OperationInfoAvailableTime", TIME)
    reference_number: str | None = _may("ReferenceNumber", _text(40))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Body(Part):
    """MessageBody: a normal end with one person in it."""

    prescription: str | None = _may("PrescriptionIssueSelect", _codes("1", "2"))  # OQSCD017
    status: str = _need("ProcessingResultStatus", _codes("1"))  # OQSCD004
    code: str | None = _may("ProcessingResultCode", Shape(re.compile(r"[!-~]{1,20}"), "1 to 20 ASCII characters"))
    message: str | None = _may("ProcessingResultMessage", _text(200))
    validity: str = _need("QualificationValidity", _codes("1", "2", "3", "4", "5", "6"))  # OQSCD006
    results: tuple[Confirmation, ...] = _list("ResultList", "ResultOfQualificationConfirmation", Confirmation)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class QualificationResult(Part):
    """XmlMsg."""

    header: Header = field(metadata={"element": "MessageHeader", "group": Header})
    body: Body = field(metadata={"element": "MessageBody", "group": Body})

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview) -> Self:
        """From the gateway's JSON. Raises `BadQualification`."""
        if len(data) > MAX_BYTES:
            raise BadQualification("result", "too large", f"{MAX_BYTES} bytes")
        try:
            value = json.loads(str(data, "utf-8"), object_pairs_hook=_unique)
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            raise BadQualification("result", "not JSON", "one JSON object in UTF-8") from None
        result = _read(cls, value, "XmlMsg")
        _check(result)
        return result

    def to_json(self) -> bytes:
        return json.dumps(_plain(self), ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def person(self) -> Confirmation:
        """The only result; `parse` sees to it that there is one."""
        return self.body.results[0]

    @property
    def marked_simulated(self) -> bool:
        """Institution, insurer and name all say that nobody is meant."""
        person = self.person
        names = [name for name in (person.name, person.insured_name, person.name_other) if name is not None]
        return (
            self.header.institution.startswith(SIMULATED_INSTITUTION)
            and person.insurer_name.endswith(SIMULATED_INSURER)
            and all(name.startswith(SIMULATED_NAME) for name in names)
        )


@dataclass(frozen=True, slots=True)
class Element:
    """One filled element: text, a group, or the entries of a list under `entry`."""

    name: str
    value: str | Part | tuple[Part, ...]
    entry: str = ""


def elements(part: Part) -> Iterator[Element]:
    """The filled elements of `part` in file order; what is empty is left out."""
    for each in _fields(type(part)):
        value = getattr(part, each.name)
        if value is not None and value != ():
            yield Element(each.metadata["element"], value, each.metadata.get("entry", ""))


P = TypeVar("P", bound=Part)


def _fields(kind: Any) -> tuple[Field[Any], ...]:
    return fields(kind)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadQualification("result", "an element given twice", "each once")
    return found


def _read(kind: type[P], value: Any, where: str) -> P:
    if not isinstance(value, dict):
        raise BadQualification(where, "not a group", "a JSON object")
    known = {each.metadata["element"]: each for each in _fields(kind)}
    if not known.keys() >= value.keys():
        raise BadQualification(where, "unknown element", "the elements of the face result file")
    found: dict[str, Any] = {}
    for element, each in known.items():
        place = f"{where}/{element}"
        if element not in value:
            if each.default is MISSING:
                shape = each.metadata.get("shape")
                raise BadQualification(place, "missing", shape.allowed if shape else "a group")
            continue
        found[each.name] = _value(each.metadata, value[element], place)
    return kind(**found)


def _value(metadata: Any, value: Any, where: str) -> Any:
    if "entry" in metadata:
        if not isinstance(value, list) or len(value) > 100:
            raise BadQualification(where, "not a list", "a JSON array")
        return tuple(_read(metadata["group"], entry, f"{where}/{metadata['entry']}") for entry in value)
    if "group" in metadata:
        return _read(metadata["group"], value, where)
    shape: Shape = metadata["shape"]
    if not isinstance(value, str) or not shape.fits(value):
        raise BadQualification(where, "not such a value", shape.allowed)
    return value


def _plain(part: Part) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for element in elements(part):
        match element.value:
            case str() as text:
                found[element.name] = text
            case tuple() as entries:
                found[element.name] = [_plain(entry) for entry in entries]
            case group:
                found[element.name] = _plain(group)
    return found


def _check(result: QualificationResult) -> None:
    """What no single element can tell."""
    if len(result.body.results) != 1:
        raise BadQualification("XmlMsg/MessageBody/ResultList", "another number of people", "exactly one")
    person = result.person
    for name, flag, given, until in (
        ("SpecificHealthCheckupsInfo", person.checkup_consent, person.checkup_time, person.checkup_until),
        ("PharmacistsInfo", person.medication_consent, person.medication_time, person.medication_until),
        ("DiagnosisInfo", person.diagnosis_consent, person.diagnosis_time, person.diagnosis_until),
        ("OperationInfo", person.surgery_consent, person.surgery_time, person.surgery_until),
    ):
        if flag == "1":
            if given is None or until is None or _time(until) - _time(given) != CONSENT_LASTS:
                raise BadQualification(name, "a consent without its times", "ConsTime, and AvailableTime 24 h later")
        elif given is not None or until is not None:
            raise BadQualification(name, "times without a consent", "no ConsTime and no AvailableTime")


def _time(value: str) -> datetime:
    return datetime.strptime(value, TIME.time_format).replace(tzinfo=JST)
