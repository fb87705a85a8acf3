"""The qualification record (資格確認結果): what the gateway answers and what the receipt computer's file holds.

Field order, element names, codes and which may be missing: 別紙3-1 and 別紙5-1 as described in docs/sources.md, "face
result file". One table serves all sides: the dataclass fields stand in file order, each knows its element name and the
values that it may have. The JSON form uses the same names, one object per group, lists as arrays.

Two things are not here: QualificationConfirmationKey, which was seen in a file but is not understood, and the elements
of 医療費助成 (PMH), which are not public.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import datetime, timedelta, timezone
from typing import Any, Self, TypeVar

MAX_BYTES = 256 * 1024
JST = timezone(timedelta(hours=9))
CONSENT_LASTS = timedelta(hours=24)  # AvailableTime = ConsTime + 24 h

# What marks a simulated result, so that it can never be taken for a real one.
SIMULATED_INSTITUTION = "99"
SIMULATED_INSURER = "（模擬）"
SIMULATED_NAME = "試験"
MANY = 100  # entries of a list

_LAYOUT = "別紙3-1"
_CODES = "別紙5-1"
_MANUAL = "technical manual v1.5"
_SUPPORT = "iryohokenjyoho.service-now.com, article 091c338d"
_FIXTURE = "anonymised real file in hangilc/myclinic-ts"
_CONSUMER = "YUKI-ENT/MynaReception refuses it"


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that a strict consumer would refuse. `source`: who says so (docs/sources.md, "face result file");
    empty: our own reading, unverified."""

    id: str
    says: str
    source: str = ""

    @property
    def basis(self) -> str:
        return "sourced" if self.source else "unverified"


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that is broken, where, and what is allowed there. Never the value."""

    rule: Rule
    where: str
    what: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; allowed: {self.allowed}"


class BadQualification(Exception):
    """The record is not what it must be. Names the place and what is allowed there, never the value."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.where = fault.where
        self.what = fault.what
        self.allowed = fault.allowed


JSON = Rule("json", "One JSON object in UTF-8, each name once, groups as objects, lists as arrays.")
UNKNOWN = Rule("unknown-element", "Only elements of the layout.", _LAYOUT)
MISSING_ELEMENT = Rule(
    "missing", "What every file has is there.", f"{_FIXTURE}; required by it and by YUKI-ENT/MynaReception"
)
MISSING_OURS = Rule("missing-in-group", "A group has what makes it worth sending.")
CODE = Rule("code", "A coded element has a code of its table.", _CODES)
# The table is known, and the element; that they belong together follows from their names.
CODE_OURS = Rule("code-ours", "DesignatedMedicalInstitutionFlag has a code of OQSCD026.")
SHAPE = Rule("shape", "Dates, times, kana, numbers have their form.", f"{_LAYOUT}; {_FIXTURE}")
SHAPE_OURS = Rule(
    "length", "Texts are not empty, have no control character and are not longer than this record allows."
)
TOO_MANY = Rule("too-many", f"Not more than {MANY} entries in a list.")
# What is said of single elements, in JSON and XML; what elements say of each other is in RECORD_RULES.
ELEMENT_RULES = (UNKNOWN, MISSING_ELEMENT, MISSING_OURS, CODE, CODE_OURS, SHAPE, SHAPE_OURS, TOO_MANY)


@dataclass(frozen=True, slots=True)
class Codes:
    """One table of 別紙5-1 業務コード仕様: `values` from code to meaning."""

    name: str
    title: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value looks like; `allowed` says it in words. `longest`: for free text, its length in characters."""

    pattern: re.Pattern[str]
    allowed: str
    rule: Rule
    time_format: str = ""
    codes: Codes | None = None
    longest: int = 0

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


def _codes(number: int, title: str, values: Mapping[str, str], rule: Rule = CODE) -> Shape:
    table = Codes(f"OQSCD{number:03}", title, values)
    return Shape(re.compile("|".join(values)), ", ".join(values), rule, codes=table)


def _digits(low: int, high: int, rule: Rule = SHAPE_OURS) -> Shape:
    words = f"{low} digits" if low == high else f"{low} to {high} digits"
    return Shape(re.compile(rf"[0-9]{{{low},{high}}}"), words, rule)


def _text(high: int) -> Shape:
    # XML 1.0 §2.2 has no place for control characters, nothing here is longer than a line, and a text of blanks only
    # is nothing to most consumers.
    pattern = rf"(?=.*\S)[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]{{1,{high}}}"
    return Shape(re.compile(pattern), f"1 to {high} characters, not all blank", SHAPE_OURS, longest=high)


_DAY = "[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
DAY = Shape(re.compile(_DAY), "YYYYMMDD", SHAPE, "%Y%m%d")
TIME = Shape(
    re.compile(f"{_DAY}([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]"), "YYYYMMDDHHmmss, Japanese time", SHAPE, "%Y%m%d%H%M%S"
)
MONTH = Shape(re.compile("[0-9]{4}(0[1-9]|1[0-2])"), "YYYYMM", SHAPE_OURS)
KANA = Shape(re.compile("(?=.*[^ ])[ -~｡-ﾟ]{1,100}"), "half-width kana (and ASCII), one blank between the names", SHAPE)
RATIO = Shape(re.compile("[0-9]{3}"), "3 digits, per cent", SHAPE)
INSURER_NUMBER = _digits(1, 8, SHAPE)  # in the file: 8 characters, blanks in front
POST_NUMBER = Shape(re.compile("[0-9]{3}-[0-9]{4}"), "nnn-nnnn", SHAPE)

_YES_NO = {"01": "あり", "02": "なし"}
LIMIT_CONSENT = _codes(1, "限度額適用認定証提供同意", {"0": "未同意", "1": "同意"})
REFERENCE = _codes(2, "照会区分", {"1": "マイナンバーカード", "2": "被保険者証情報"})
SEGMENT = _codes(3, "処理結果区分", {"1": "正常終了", "2": "処理中", "9": "異常終了"})
STATUS = _codes(4, "処理結果状況", {"1": "正常終了", "2": "エラー"})
CHARACTER_CODE = _codes(5, "文字コード識別", {"0": "UTF-8", "1": "シフトJIS"})
VALIDITY = _codes(
    6,
    "資格有効性",
    {
        "1": "有効",
        "2": "無効",
        "3": "無効(新しい資格あり)",
        "4": "該当資格なし",
        "5": "複数該当",
        "6": "有効(未登録)",
    },
)
SEX = _codes(7, "性別", {"1": "男", "2": "女", "3": "未設定"})
LOSS = _codes(8, "資格喪失事由", {"01": "死亡", "02": "生活保護受給開始", "03": "医療保険等の資格取得", "99": "その他"})
RELATION = _codes(9, "本人・家族の別", {"1": "本人", "2": "家族"})
CLASSIFICATION = _codes(
    10,
    "被保険者証区分",
    {
        "01": "一般",
        "02": "退職",
        "03": "短期(一般)",
        "04": "短期(退職)",
        "05": "特別療養費支給対象者",
        "06": "特例退職",
        "07": "自衛官",
        "A1": "医療扶助",
    },
)
LIMIT_CLASSIFICATION = _codes(
    11,
    "限度額適用認定証区分",
    {"01": "限度額適用認定証", "02": "限度額適用・標準負担額減額認定証", "03": "標準負担額減額認定証"},
)
LIMIT_FLAG = _codes(
    12,
    "限度額適用認定証適用区分",
    {
        "A01": "ア",
        "A02": "イ",
        "A03": "ウ",
        "A04": "エ",
        "A05": "オ",
        "A06": "オ(境)",
        "B01": "現役並みⅢ",
        "B02": "現役並みⅡ",
        "B03": "現役並みⅠ",
        "B04": "一般",
        "B05": "低所得Ⅱ",
        "B06": "低所得Ⅰ",
        "B07": "低所得Ⅰ(老福)",
        "B08": "低所得Ⅰ(境)",
        "B09": "一般Ⅱ",
        "B10": "一般Ⅰ",
    },
)
DISEASE = _codes(
    13,
    "特定疾病療養受療証認定疾病区分",
    {
        "1": "人工透析を必要とする慢性腎不全",
        "2": "先天性血液凝固因子障害",
        "3": "血液凝固因子製剤によるHIV感染症",
    },
)
PRESCHOOL = _codes(15, "未就学区分", {"1": "未就学"})
CONSENT = _codes(
    16,
    "情報提供同意",
    {
        "0": "同意なし",
        "1": "同意あり",
        "2": "同意有効期限切れ (訪問診療等・オンライン診療等)",
        "3": "同意取得困難 (救急)",
    },
)
PRESCRIPTION = _codes(17, "処方箋発行形態", {"1": "電子処方箋", "2": "紙の処方箋"})
TICKET = _codes(18, "医療券・調剤券別", {"01": "医療券", "02": "調剤券"})
TREATMENT = _codes(19, "診療別", {"01": "入院", "02": "入院外", "03": "歯科", "04": "調剤", "05": "訪問看護"})
COMBINED = _codes(20, "単独・併用別", {"01": "単独", "02": "併用"})
SOCIAL_INSURANCE = _codes(21, "社会保険状況", _YES_NO)
CONSISTENCY = _codes(22, "社会保険状況の整合性", {"1": "不整合"})
INFECTION = _codes(23, "感染症法第37条の2の該当状況", _YES_NO)
ELDERLY_CARE = _codes(24, "後期高齢者医療の該当状況", _YES_NO)
PREFECTURAL = _codes(25, "都道府県費の該当状況", _YES_NO)
DESIGNATED = _codes(26, "指定医療機関確認", {"0": "一致", "1": "不一致"}, CODE_OURS)


_RETURN_CODE = Shape(re.compile("[!-~]{1,20}"), "1 to 20 ASCII characters", SHAPE_OURS)


def _need(element: str, shape: Shape, rule: Rule = MISSING_ELEMENT) -> Any:
    return field(metadata={"element": element, "shape": shape, "missing": rule})


def _need_in_group(element: str, shape: Shape) -> Any:
    return _need(element, shape, MISSING_OURS)


def _may(element: str, shape: Shape) -> Any:
    return field(default=None, metadata={"element": element, "shape": shape})


def _group(element: str, kind: type) -> dict[str, Any]:
    return {"element": element, "group": kind}


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
    institution: str = _need("MedicalInstitutionCode", _digits(10, 10, SHAPE))
    file_identifier: str | None = _may("ArbitraryFileIdentifier", _text(64))
    reference: str = _need("ReferenceClassification", REFERENCE)
    segment: str = _need("SegmentOfResult", SEGMENT)
    error_code: str | None = _may("ErrorCode", _RETURN_CODE)
    error_message: str | None = _may("ErrorMessage", _text(200))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ElderlyRecipient(Part):
    """高齢受給者証."""

    issued: str | None = _may("ElderlyRecipientCertificateDate", DAY)
    valid_from: str = _need_in_group("ElderlyRecipientValidStartDate", DAY)
    valid_until: str | None = _may("ElderlyRecipientValidEndDate", DAY)
    ratio: str = _need_in_group("ElderlyRecipientContributionRatio", RATIO)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Limit(Part):
    """限度額適用認定証."""

    classification: str = _need_in_group("LimitApplicationCertificateClassification", LIMIT_CLASSIFICATION)
    flag: str = _need_in_group("LimitApplicationCertificateClassificationFlag", LIMIT_FLAG)
    issued: str | None = _may("LimitApplicationCertificateDate", DAY)
    valid_from: str = _need_in_group("LimitApplicationCertificateValidStartDate", DAY)
    valid_until: str | None = _may("LimitApplicationCertificateValidEndDate", DAY)
    long_term: str | None = _may("LimitApplicationCertificateLongTermDate", DAY)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SpecificDisease(Part):
    """特定疾病療養受療証."""

    category: str = _need_in_group("SpecificDiseasesDiseaseCategory", DISEASE)
    issued: str | None = _may("SpecificDiseasesCertificateDate", DAY)
    valid_from: str = _need_in_group("SpecificDiseasesValidStartDate", DAY)
    valid_until: str | None = _may("SpecificDiseasesValidEndDate", DAY)
    self_pay: str | None = _may("SpecificDiseasesSelfPay", _digits(1, 8))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MedicalTicket(Part):
    """医療券・調剤券 of 医療扶助. The form of the values without a code table is unverified; so is which are always
    there. `StatusOfInfecton` is spelt so in the layout."""

    ticket: str = _need_in_group("TicketType", TICKET)
    valid_from: str | None = _may("MedicalTicketValidDate", DAY)
    valid_until: str | None = _may("MedicalTicketExpirationDate", DAY)
    issue_number: str | None = _may("IssueNumber", _text(40))
    month: str | None = _may("MedicalTreatmentMonth", MONTH)
    institution: str | None = _may("DesignatedMedicalInstitutionCode", _digits(7, 10))
    institution_flag: str | None = _may("DesignatedMedicalInstitutionFlag", DESIGNATED)
    institution_name: str | None = _may("DesignatedMedicalInstitutionName", _text(200))
    issuer: str | None = _may("PrescriptionIssuerMedicalInstitutionCode", _digits(7, 10))
    issuer_name: str | None = _may("PrescriptionIssuerMedicalInstitutionName", _text(200))
    injury1: str | None = _may("InjuryName1", _text(200))
    injury2: str | None = _may("InjuryName2", _text(200))
    injury3: str | None = _may("InjuryName3", _text(200))
    treatment: str | None = _may("MedicalTreatmentType", TREATMENT)
    self_pay: str | None = _may("SelfPayAmount", _digits(1, 8))
    district_contact: str | None = _may("DistrictContactName", _text(200))
    handling_contact: str | None = _may("HandlingContactName", _text(200))
    combined: str | None = _may("SingleOrCombinedUse", COMBINED)
    social_insurance: str | None = _may("StatusOfSocialInsurance", SOCIAL_INSURANCE)
    consistency: str | None = _may("ConsistencyFlag", CONSISTENCY)
    infection: str | None = _may("StatusOfInfecton", INFECTION)
    elderly_care: str | None = _may("StatusOfElderlyMedicalCare", ELDERLY_CARE)
    prefectural: str | None = _may("StatusOfPrefecturalExpenses", PREFECTURAL)
    remarks1: str | None = _may("Remarks1", _text(200))
    remarks2: str | None = _may("Remarks2", _text(200))
    remarks3: str | None = _may("Remarks3", _text(200))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Confirmation(Part):
    """ResultOfQualificationConfirmation: one person's insurance and consents."""

    classification: str = _need("InsuredCardClassification", CLASSIFICATION)
    insurer_number: str | None = _may("InsurerNumber", INSURER_NUMBER)
    symbol: str | None = _may("InsuredCardSymbol", _text(40))
    number: str | None = _may("InsuredIdentificationNumber", _text(40))
    branch: str | None = _may("InsuredBranchNumber", _digits(2, 2, SHAPE))
    relation: str | None = _may("PersonalFamilyClassification", RELATION)
    insured_name: str | None = _may("InsuredName", _text(200))
    name: str = _need("Name", _text(200))
    name_other: str | None = _may("NameOfOther", _text(200))
    kana: str = _need("NameKana", KANA)
    kana_other: str | None = _may("NameOfOtherKana", KANA)
    sex1: str = _need("Sex1", SEX)
    sex2: str | None = _may("Sex2", SEX)
    birth: str = _need("Birthdate", DAY)
    address: str | None = _may("Address", _text(200))
    post_number: str | None = _may("PostNumber", POST_NUMBER)
    qualified_from: str | None = _may("QualificationDate", DAY)
    disqualified_from: str | None = _may("DisqualificationDate", DAY)
    issued: str | None = _may("InsuredCertificateIssuanceDate", DAY)
    valid_from: str | None = _may("InsuredCardValidDate", DAY)
    valid_until: str | None = _may("InsuredCardExpirationDate", DAY)
    ratio: str | None = _may("InsuredPartialContributionRatio", RATIO)
    preschool: str | None = _may("PreschoolClassification", PRESCHOOL)
    loss: str | None = _may("ReasonOfLoss", LOSS)
    insurer_name: str = _need("InsurerName", _text(200))
    elderly: ElderlyRecipient | None = field(
        default=None, metadata=_group("ElderlyRecipientCertificateInfo", ElderlyRecipient)
    )
    limit_consent: str | None = _may("LimitApplicationCertificateRelatedConsFlg", LIMIT_CONSENT)
    limit_time: str | None = _may("LimitApplicationCertificateRelatedConsTime", TIME)
    limit: Limit | None = field(default=None, metadata=_group("LimitApplicationCertificateRelatedInfo", Limit))
    disease_consent: str | None = _may("SpecificDiseasesCertificateRelatedConsFlg", CONSENT)
    disease_time: str | None = _may("SpecificDiseasesCertificateRelatedConsTime", TIME)
    diseases: tuple[SpecificDisease, ...] = _list(
        "SpecificDiseasesCertificateList", "SpecificDiseasesCertificateInfo", SpecificDisease
    )
    tickets: tuple[MedicalTicket, ...] = _list("PublicExpenseResultList", "MedicalTicketInfo", MedicalTicket)
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
class SearchInfo(Part):
    """QualificationConfirmSearchInfo: what was asked for, when it was asked for by number."""

    insurer_number: str = _need_in_group("InsurerNumber", INSURER_NUMBER)
    symbol: str | None = _may("InsuredCardSymbol", _text(40))
    number: str = _need_in_group("InsuredIdentificationNumber", _text(40))
    branch: str | None = _may("InsuredBranchNumber", _digits(2, 2, SHAPE))
    birth: str = _need_in_group("Birthdate", DAY)
    limit_consent: str | None = _may("LimitApplicationCertificateRelatedConsFlg", LIMIT_CONSENT)
    identifier: str | None = _may("ArbitraryIdentifier", _text(64))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Body(Part):
    """MessageBody. Empty when the processing has not come to an end."""

    prescription: str | None = _may("PrescriptionIssueSelect", PRESCRIPTION)
    status: str | None = _may("ProcessingResultStatus", STATUS)
    code: str | None = _may("ProcessingResultCode", _RETURN_CODE)
    message: str | None = _may("ProcessingResultMessage", _text(200))
    validity: str | None = _may("QualificationValidity", VALIDITY)
    search: SearchInfo | None = field(default=None, metadata=_group("QualificationConfirmSearchInfo", SearchInfo))
    results: tuple[Confirmation, ...] = _list("ResultList", "ResultOfQualificationConfirmation", Confirmation)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class QualificationResult(Part):
    """XmlMsg: an answer by card or by number, or the error in its place."""

    header: Header = field(metadata={"element": "MessageHeader", "group": Header, "missing": MISSING_ELEMENT})
    body: Body = field(default_factory=Body, metadata={"element": "MessageBody", "group": Body})

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview) -> Self:
        """From the gateway's JSON. Raises `BadQualification`."""
        return cls.of(plain(data))

    @classmethod
    def of(cls, value: Any) -> Self:
        """From objects, arrays and texts. Raises `BadQualification` for the first thing that is wrong."""
        result, faults = cls.from_plain(value)
        if result is None or faults:
            raise BadQualification(faults[0])
        return result

    @classmethod
    def from_plain(cls, value: Any) -> tuple[Self | None, list[Fault]]:
        """From objects, arrays and texts: the record, and all that is wrong. None: no record can be made of it."""
        faults: list[Fault] = []
        result = _read(cls, value, "XmlMsg", faults)
        if result is not None:
            faults += broken(RECORD_LAWS, result)
        return result, faults

    def to_json(self) -> bytes:
        return json.dumps(_plain(self), ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def person(self) -> Confirmation:
        """The only result. Raises `BadQualification` when there is none, or more than one."""
        if len(self.body.results) != 1:
            raise BadQualification(Fault(FACE_ONE_PERSON, _RESULTS, "another number of people", "exactly one"))
        return self.body.results[0]

    @property
    def marked_simulated(self) -> bool:
        """Institution, and insurer and name if there are any, all say that nobody is meant."""
        return self.header.institution.startswith(SIMULATED_INSTITUTION) and all(
            person.insurer_name.endswith(SIMULATED_INSURER)
            and all(
                name.startswith(SIMULATED_NAME)
                for name in (person.name, person.insured_name, person.name_other)
                if name is not None
            )
            for person in self.body.results
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


def plain(data: bytes | bytearray | memoryview) -> Any:
    """JSON of bounded size in UTF-8, nothing given twice. Raises `BadQualification`."""
    if len(data) > MAX_BYTES:
        raise BadQualification(Fault(JSON, "result", "too large", f"{MAX_BYTES} bytes"))
    try:
        return json.loads(str(data, "utf-8"), object_pairs_hook=_unique)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise BadQualification(Fault(JSON, "result", "not JSON", "one JSON object in UTF-8")) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadQualification(Fault(JSON, "result", "an element given twice", "each once"))
    return found


def _read(kind: type[P], value: Any, where: str, faults: list[Fault]) -> P | None:
    """None, and why in `faults`, when no `kind` can be made of it."""
    if not isinstance(value, dict):
        faults.append(Fault(JSON, where, "not a group", "a JSON object"))
        return None
    known = {each.metadata["element"]: each for each in _fields(kind)}
    before = len(faults)
    if not known.keys() >= value.keys():
        faults.append(Fault(UNKNOWN, where, "unknown element", "the elements of the layout"))
    found: dict[str, Any] = {}
    for element, each in known.items():
        place = f"{where}/{element}"
        if element in value:
            found[each.name] = _value(each.metadata, value[element], place, faults)
        elif "missing" in each.metadata:
            shape = each.metadata.get("shape")
            faults.append(Fault(each.metadata["missing"], place, "missing", shape.allowed if shape else "a group"))
    return kind(**found) if len(faults) == before else None


def _value(metadata: Any, value: Any, where: str, faults: list[Fault]) -> Any:
    if "entry" in metadata:
        if not isinstance(value, list):
            faults.append(Fault(JSON, where, "not a list", "a JSON array"))
            return None
        if len(value) > MANY:
            faults.append(Fault(TOO_MANY, where, "too many entries", f"{MANY}"))
            return None
        return tuple(_read(metadata["group"], entry, f"{where}/{metadata['entry']}", faults) for entry in value)
    if "group" in metadata:
        return _read(metadata["group"], value, where, faults)
    shape: Shape = metadata["shape"]
    if not isinstance(value, str) or not shape.fits(value):
        faults.append(Fault(shape.rule, where, "not such a value", shape.allowed))
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


# --- what elements say of each other -------------------------------------------------------------------------------

_BODY = "XmlMsg/MessageBody"
_RESULTS = f"{_BODY}/ResultList"
_PERSON = f"{_RESULTS}/ResultOfQualificationConfirmation"

Found = Iterator[tuple[str, str, str]]  # where, what, allowed


@dataclass(frozen=True, slots=True)
class Law:
    """A rule over several elements and what finds its breaches."""

    rule: Rule
    find: Callable[[QualificationResult], Found]


def broken(laws: tuple[Law, ...], result: QualificationResult) -> list[Fault]:
    return [Fault(law.rule, *found) for law in laws for found in law.find(result)]


def face_fault(result: QualificationResult) -> Fault | None:
    """Why `result` may not be handed over as a face result file: not a normal end, not exactly one person."""
    return next(iter(broken(FACE_LAWS, result)), None)


def _error_fields(result: QualificationResult) -> Found:
    header = result.header
    if header.segment == "1" and (header.error_code is not None or header.error_message is not None):
        yield "XmlMsg/MessageHeader", "an error in a normal end", "ErrorCode and ErrorMessage only when it is not 1"


def _ended(result: QualificationResult) -> Found:
    body = result.body
    if result.header.segment == "1":
        if body.status is None:
            yield f"{_BODY}/ProcessingResultStatus", "missing in a normal end", STATUS.allowed
        if body.status == "1" and body.validity is None:
            yield f"{_BODY}/QualificationValidity", "missing in a normal end", VALIDITY.allowed


def _not_ended(result: QualificationResult) -> Found:
    body = result.body
    if result.header.segment != "1" and (body.status == "1" or body.validity is not None or body.results):
        yield _BODY, "an answer without a normal end", "neither status 1 nor validity nor results"


def _nobody(result: QualificationResult) -> Found:
    body = result.body
    if body.results and (body.status != "1" or body.validity in ("4", "5")):
        yield _RESULTS, "a person in an answer about nobody", "no ResultList"


def _somebody(result: QualificationResult) -> Found:
    if result.body.validity in ("1", "6") and not result.body.results:
        yield _RESULTS, "valid, and nobody in it", "one result"


def _one(result: QualificationResult) -> Found:
    if len(result.body.results) > 1:
        yield _RESULTS, "more than one person", "one result"


def _search(result: QualificationResult) -> Found:
    if result.body.search is not None and result.header.reference != "2":
        yield f"{_BODY}/QualificationConfirmSearchInfo", "in an answer by card", "only with ReferenceClassification 2"


def _newest(result: QualificationResult) -> Found:
    if result.body.validity == "3" and result.header.reference == "1":
        yield f"{_BODY}/QualificationValidity", "3 in an answer by card", "2: the newest qualification is answered"


def _unregistered(result: QualificationResult) -> Found:
    if result.body.validity == "6" and any(person.classification != "A1" for person in result.body.results):
        yield f"{_BODY}/QualificationValidity", "6 for a health insurance", "6 with InsuredCardClassification A1"


def _tickets(result: QualificationResult) -> Found:
    if any(person.tickets and person.classification != "A1" for person in result.body.results):
        yield f"{_PERSON}/PublicExpenseResultList", "for a health insurance", "only with InsuredCardClassification A1"


def _lost(result: QualificationResult) -> Found:
    if result.body.validity not in ("2", "3"):
        for person in result.body.results:
            if person.loss is not None:
                yield f"{_PERSON}/ReasonOfLoss", "a loss of what is valid", "only with QualificationValidity 2 or 3"
            if person.disqualified_from is not None and person.disqualified_from <= result.header.confirmed_on:
                yield f"{_PERSON}/DisqualificationDate", "lost, and valid", "a day after the confirmation"


def _periods(result: QualificationResult) -> Found:
    for person in result.body.results:
        pairs = [
            ("InsuredCardExpirationDate", person.valid_from, person.valid_until),
            ("DisqualificationDate", person.qualified_from, person.disqualified_from),
        ]
        if person.elderly is not None:
            pairs.append(("ElderlyRecipientValidEndDate", person.elderly.valid_from, person.elderly.valid_until))
        if person.limit is not None:
            name = "LimitApplicationCertificateValidEndDate"
            pairs.append((name, person.limit.valid_from, person.limit.valid_until))
        pairs += [("SpecificDiseasesValidEndDate", each.valid_from, each.valid_until) for each in person.diseases]
        pairs += [("MedicalTicketExpirationDate", each.valid_from, each.valid_until) for each in person.tickets]
        for name, start, end in pairs:
            if start is not None and end is not None and end < start:
                yield f"{_PERSON}//{name}", "ends before it begins", "the first day or later"


def _born(result: QualificationResult) -> Found:
    if any(person.birth > result.header.confirmed_on for person in result.body.results):
        yield f"{_PERSON}/Birthdate", "after the confirmation", "a day of the past"


def _limit(result: QualificationResult) -> Found:
    for person in result.body.results:
        if result.header.reference == "2" and person.limit is not None and person.limit_consent != "1":
            yield f"{_PERSON}/LimitApplicationCertificateRelatedInfo", "by number without the consent", "with flag 1"


def _limit_refused(result: QualificationResult) -> Found:
    for person in result.body.results:
        if result.header.reference == "1" and person.limit is not None and person.limit_consent == "0":
            yield f"{_PERSON}/LimitApplicationCertificateRelatedInfo", "against a refusal", "with flag 1 or none"


def _disease(result: QualificationResult) -> Found:
    place = f"{_PERSON}/SpecificDiseasesCertificateList"
    for person in result.body.results:
        if person.diseases and person.disease_consent != "1":
            yield place, "without the consent", "only with flag 1"
        if result.header.reference == "2" and (person.diseases or person.disease_consent == "1"):
            yield place, "in an answer by number", "by card only"


def _given(result: QualificationResult) -> Found:
    for person in result.body.results:
        for name, flag, given in (
            ("LimitApplicationCertificateRelated", person.limit_consent, person.limit_time),
            ("SpecificDiseasesCertificateRelated", person.disease_consent, person.disease_time),
        ):
            if (flag == "1") != (given is not None) and flag != "2":
                yield f"{_PERSON}/{name}ConsTime", "consent and time apart", "with flag 1 and only then"


def _medical(person: Confirmation) -> Iterator[tuple[str, str | None, str | None, str | None]]:
    yield "SpecificHealthCheckupsInfo", person.checkup_consent, person.checkup_time, person.checkup_until
    yield "PharmacistsInfo", person.medication_consent, person.medication_time, person.medication_until
    yield "DiagnosisInfo", person.diagnosis_consent, person.diagnosis_time, person.diagnosis_until
    yield "OperationInfo", person.surgery_consent, person.surgery_time, person.surgery_until


def _lasts(result: QualificationResult) -> Found:
    for person in result.body.results:
        for name, flag, given, until in _medical(person):
            if flag == "1":
                if given is None or until is None or _time(until) - _time(given) != CONSENT_LASTS:
                    yield f"{_PERSON}/{name}", "a consent without its times", "ConsTime, and AvailableTime 24 h later"
            elif flag != "2" and (given is not None or until is not None):
                yield f"{_PERSON}/{name}", "times without a consent", "no ConsTime and no AvailableTime"


def _expired(result: QualificationResult) -> Found:
    for person in result.body.results:
        for name, flag, given, until in _medical(person):
            if flag == "2" and (given is None) != (until is None):
                yield f"{_PERSON}/{name}", "half of an expired consent's times", "both or none"


def _by_card(result: QualificationResult) -> Found:
    if result.header.reference == "2":
        for person in result.body.results:
            for name, flag, _, _ in _medical(person):
                if flag == "1":
                    yield f"{_PERSON}/{name}ConsFlg", "a medical consent in an answer by number", "by card only"


RECORD_LAWS = (
    Law(Rule("error-fields", "ErrorCode and ErrorMessage only when SegmentOfResult is not 1.", _LAYOUT), _error_fields),
    Law(Rule("normal-end", "A normal end has a status, and status 1 a validity.", f"{_LAYOUT}; {_FIXTURE}"), _ended),
    Law(Rule("no-end", "Without a normal end there is no answer in the body."), _not_ended),
    Law(Rule("nobody", "No result with validity 4 or 5 (nobody, several) or an error."), _nobody),
    Law(Rule("somebody", "Validity 1 or 6 comes with the person."), _somebody),
    Law(Rule("one-result", "Not more than one result."), _one),
    Law(Rule("search-info", "QualificationConfirmSearchInfo only in an answer by number.", _LAYOUT), _search),
    Law(Rule("newest", "By card the newest qualification is answered: validity 3 does not arise.", _MANUAL), _newest),
    Law(Rule("unregistered", "Validity 6 is for 医療扶助 only.", _CODES), _unregistered),
    Law(Rule("ticket", "MedicalTicketInfo belongs to 医療扶助.", _LAYOUT), _tickets),
    Law(Rule("loss", "What is valid is not lost, today."), _lost),
    Law(Rule("period", "No period ends before it begins."), _periods),
    Law(Rule("born", "Nobody is born after the confirmation."), _born),
    Law(Rule("limit-consent", "限度額 by number only with the consent.", _MANUAL), _limit),
    # By card the law provides it without a page since 2024-10. Whether the flag is then left out is not known.
    Law(
        Rule("limit-refused", "限度額 by card never against a refusal; without a flag it may be there."), _limit_refused
    ),
    Law(Rule("disease-consent", "特定疾病 only by card and with its own consent.", _MANUAL), _disease),
    Law(Rule("consent-time", "限度額 and 特定疾病: ConsTime with flag 1 and only then.", _FIXTURE), _given),
    Law(
        Rule(
            "consent-lasts",
            "Medical information: with flag 1 ConsTime and AvailableTime, 24 h apart; else none.",
            f"{_MANUAL}; {_FIXTURE}",
        ),
        _lasts,
    ),
    Law(Rule("consent-expired", "An expired consent (2) has both times or none."), _expired),
    Law(Rule("consent-by-card", "A consent to medical information is given by card only.", _SUPPORT), _by_card),
)


def _face_end(result: QualificationResult) -> Found:
    if result.header.segment != "1" or result.body.status != "1":
        yield "XmlMsg", "not a normal end", "SegmentOfResult 1 and ProcessingResultStatus 1"


def _face_person(result: QualificationResult) -> Found:
    if len(result.body.results) != 1:
        yield _RESULTS, "not exactly one person", "one result"


def _face_consent(result: QualificationResult) -> Found:
    for person in result.body.results:
        flags = [("SpecificDiseasesCertificateRelated", person.disease_consent)]
        flags += [(name, flag) for name, flag, _, _ in _medical(person)]
        for name, flag in flags:
            if flag in ("2", "3"):
                yield f"{_PERSON}/{name}ConsFlg", "a consent of home visits or emergencies", "0, 1"


FACE_ONE_PERSON = Rule("face-one-person", "A face result file has exactly one person.", _CONSUMER)
FACE_LAWS = (
    Law(Rule("face-normal-end", "A face result file tells of a normal end.", _CONSUMER), _face_end),
    Law(FACE_ONE_PERSON, _face_person),
    Law(
        Rule("face-consent", "Consent codes 2 and 3 arise in home visits and emergencies only.", _CODES), _face_consent
    ),
)


def _time(value: str) -> datetime:
    return datetime.strptime(value, TIME.time_format).replace(tzinfo=JST)
