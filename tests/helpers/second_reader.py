"""A second reader of result files, from the published description of the layout alone: an outline, tables of codes
and XPath. It shares no line with the project and imports nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

# docs/sources.md, "face result file": 別紙3-1. `*` repeats, `!` is always there, the rest may be missing.
OUTLINE = """
XmlMsg
 MessageHeader!
  ProcessExecutionTime!
  QualificationConfirmationDate!
  MedicalInstitutionCode!
  ArbitraryFileIdentifier
  ReferenceClassification!
  SegmentOfResult!
  ErrorCode
  ErrorMessage
  CharacterCodeIdentifier!
 MessageBody
  PrescriptionIssueSelect
  ProcessingResultStatus
  ProcessingResultCode
  ProcessingResultMessage
  QualificationValidity
  QualificationConfirmSearchInfo
   InsurerNumber
   InsuredCardSymbol
   InsuredIdentificationNumber
   InsuredBranchNumber
   Birthdate
   LimitApplicationCertificateRelatedConsFlg
   ArbitraryIdentifier
  ResultList
   ResultOfQualificationConfirmation*
    InsuredCardClassification!
    InsurerNumber
    InsuredCardSymbol
    InsuredIdentificationNumber
    InsuredBranchNumber
    PersonalFamilyClassification
    InsuredName
    Name!
    NameOfOther
    NameKana!
    NameOfOtherKana
    Sex1!
    Sex2
    Birthdate!
    Address
    PostNumber
    QualificationDate
    DisqualificationDate
    InsuredCertificateIssuanceDate
    InsuredCardValidDate
    InsuredCardExpirationDate
    InsuredPartialContributionRatio
    PreschoolClassification
    ReasonOfLoss
    InsurerName!
    ElderlyRecipientCertificateInfo
     ElderlyRecipientCertificateDate
     ElderlyRecipientValidStartDate
     ElderlyRecipientValidEndDate
     ElderlyRecipientContributionRatio
    LimitApplicationCertificateRelatedConsFlg
    LimitApplicationCertificateRelatedConsTime
    LimitApplicationCertificateRelatedInfo
     LimitApplicationCertificateClassification
     LimitApplicationCertificateClassificationFlag
     LimitApplicationCertificateDate
     LimitApplicationCertificateValidStartDate
     LimitApplicationCertificateValidEndDate
     LimitApplicationCertificateLongTermDate
    SpecificDiseasesCertificateRelatedConsFlg
    SpecificDiseasesCertificateRelatedConsTime
    SpecificDiseasesCertificateList
     SpecificDiseasesCertificateInfo*
      SpecificDiseasesDiseaseCategory
      SpecificDiseasesCertificateDate
      SpecificDiseasesValidStartDate
      SpecificDiseasesValidEndDate
      SpecificDiseasesSelfPay
    PublicExpenseResultList
     MedicalTicketInfo*
      TicketType
      MedicalTicketValidDate
      MedicalTicketExpirationDate
      IssueNumber
      MedicalTreatmentMonth
      DesignatedMedicalInstitutionCode
      DesignatedMedicalInstitutionFlag
      DesignatedMedicalInstitutionName
      PrescriptionIssuerMedicalInstitutionCode
      PrescriptionIssuerMedicalInstitutionName
      InjuryName1
      InjuryName2
      InjuryName3
      MedicalTreatmentType
      SelfPayAmount
      DistrictContactName
      HandlingContactName
      SingleOrCombinedUse
      StatusOfSocialInsurance
      ConsistencyFlag
      StatusOfInfecton
      StatusOfElderlyMedicalCare
      StatusOfPrefecturalExpenses
      Remarks1
      Remarks2
      Remarks3
    SpecificHealthCheckupsInfoConsFlg
    SpecificHealthCheckupsInfoConsTime
    SpecificHealthCheckupsInfoAvailableTime
    PharmacistsInfoConsFlg
    PharmacistsInfoConsTime
    PharmacistsInfoAvailableTime
    DiagnosisInfoConsFlg
    DiagnosisInfoConsTime
    DiagnosisInfoAvailableTime
    OperationInfoConsFlg
    OperationInfoConsTime
    OperationInfoAvailableTime
    ReferenceNumber
"""

# 別紙5-1.
CODES = {
    "ReferenceClassification": "1 2",
    "SegmentOfResult": "1 2 9",
    "CharacterCodeIdentifier": "0 1",
    "PrescriptionIssueSelect": "1 2",
    "ProcessingResultStatus": "1 2",
    "QualificationValidity": "1 2 3 4 5 6",
    "LimitApplicationCertificateRelatedConsFlg": "0 1",
    "InsuredCardClassification": "01 02 03 04 05 06 07 A1",
    "PersonalFamilyClassification": "1 2",
    "Sex1": "1 2 3",
    "Sex2": "1 2 3",
    "PreschoolClassification": "1",
    "ReasonOfLoss": "01 02 03 99",
    "LimitApplicationCertificateClassification": "01 02 03",
    "LimitApplicationCertificateClassificationFlag": (
        "A01 A02 A03 A04 A05 A06 B01 B02 B03 B04 B05 B06 B07 B08 B09 B10"
    ),
    "SpecificDiseasesCertificateRelatedConsFlg": "0 1 2 3",
    "SpecificDiseasesDiseaseCategory": "1 2 3",
    "TicketType": "01 02",
    "DesignatedMedicalInstitutionFlag": "0 1",
    "MedicalTreatmentType": "01 02 03 04 05",
    "SingleOrCombinedUse": "01 02",
    "StatusOfSocialInsurance": "01 02",
    "ConsistencyFlag": "1",
    "StatusOfInfecton": "01 02",
    "StatusOfElderlyMedicalCare": "01 02",
    "StatusOfPrefecturalExpenses": "01 02",
    "SpecificHealthCheckupsInfoConsFlg": "0 1 2 3",
    "PharmacistsInfoConsFlg": "0 1 2 3",
    "DiagnosisInfoConsFlg": "0 1 2 3",
    "OperationInfoConsFlg": "0 1 2 3",
}

# Reason -> XPath that must be true of the document. /XmlMsg/MessageHeader is H, .../ResultOf… is P.
LAWS = {
    "result without a normal end": "H/SegmentOfResult = '1' or not(P)",
    "error in a normal end": "not(H/SegmentOfResult = '1') or not(H/ErrorCode | H/ErrorMessage)",
    "result of an error": "B/ProcessingResultStatus = '1' or not(P)",
    "normal end without a validity": "not(B/ProcessingResultStatus = '1') or B/QualificationValidity",
    "person in an answer about nobody": "not(P) or not(contains('45', B/QualificationValidity))",
    "search by card": "not(B/QualificationConfirmSearchInfo) or H/ReferenceClassification = '2'",
    "newer qualification by card": "not(B/QualificationValidity = '3') or H/ReferenceClassification = '2'",
    "more than one result": "count(P) <= 1",
    "ticket of a health insurance": "not(//MedicalTicketInfo) or P/InsuredCardClassification = 'A1'",
    "unregistered health insurance": "not(B/QualificationValidity = '6') or P/InsuredCardClassification = 'A1'",
    "限度額 against a refusal": (
        "not(P/LimitApplicationCertificateRelatedInfo) or not(P/LimitApplicationCertificateRelatedConsFlg = '0')"
    ),
    "特定疾病 without consent": (
        "not(//SpecificDiseasesCertificateInfo) or P/SpecificDiseasesCertificateRelatedConsFlg = '1'"
    ),
    "特定疾病 by number": "not(//SpecificDiseasesCertificateInfo) or H/ReferenceClassification = '1'",
}
FACE_LAWS = {
    "not a normal end": "H/SegmentOfResult = '1' and B/ProcessingResultStatus = '1'",
    "not exactly one person": "count(P) = 1",
    "consent of another kind of visit": ("not(P/*[contains(local-name(), 'ConsFlg') and (. = '2' or . = '3')])"),
}
_SHORT = (
    (re.compile(r"\bH\b(?=/)"), "/XmlMsg/MessageHeader"),
    (re.compile(r"\bB\b(?=/)"), "/XmlMsg/MessageBody"),
    (re.compile(r"\bP\b"), "/XmlMsg/MessageBody/ResultList/ResultOfQualificationConfirmation"),
)
MEDICAL = ("SpecificHealthCheckupsInfo", "PharmacistsInfo", "DiagnosisInfo", "OperationInfo")


class Refused(Exception):
    """Why a file is not taken."""


def read(content: bytes, *, face: bool) -> dict[str, str]:
    """Path of every filled element -> its text; entries of lists are counted from 1. Raises `Refused`."""
    root, encoding = _parse(content)
    _outline(root)
    values = dict(_values(root))
    codes = values["XmlMsg/MessageHeader/CharacterCodeIdentifier"]
    _hold(codes == {"utf-8": "0", "cp932": "1"}[encoding], "CharacterCodeIdentifier")
    for reason, expression in {**LAWS, **(FACE_LAWS if face else {})}.items():
        for short, long in _SHORT:
            expression = short.sub(long, expression)
        _hold(bool(root.getroottree().xpath(f"boolean({expression})")), reason)
    for path, text in values.items():
        _form(path.rpartition("/")[2], text)
    for person in root.iter("ResultOfQualificationConfirmation"):
        for kind in MEDICAL:
            _consent(person, kind)
    return values


def _hold(condition: object, reason: str) -> None:
    if not condition:
        raise Refused(reason)


def _parse(content: bytes) -> tuple[etree._Element, str]:
    found = re.match(rb'(\xef\xbb\xbf)?<\?xml version="1\.0" encoding="(UTF-8|Shift_JIS)" standalone="no"\?>', content)
    _hold(found is not None and len(content) <= 4 << 20, "declaration or size")
    assert found is not None
    encoding = "utf-8" if found[2] == b"UTF-8" else "cp932"
    try:
        text = content[found.end() :].decode(encoding)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
        root = etree.fromstring(text, parser)
    except (UnicodeDecodeError, etree.XMLSyntaxError) as error:
        raise Refused(type(error).__name__) from None
    tree = root.getroottree()
    _hold(tree.docinfo.internalDTD is None, "DTD")
    _hold(not tree.xpath("//processing-instruction() | //@* | //*[namespace-uri()]"), "more than elements")
    return root, encoding


def _outline(root: etree._Element) -> None:
    """Every element is in its place of the outline; what must be there is."""
    places: dict[str, dict[str, str]] = {"": {}}
    path: list[str] = []
    for line in OUTLINE.strip().splitlines():
        name = line.strip().rstrip("*!")
        path = [*path[: len(line) - len(line.lstrip())], name]
        places["/".join(path)] = {}
        places["/".join(path[:-1])][name] = line[-1]
    _hold(root.tag == "XmlMsg", "root")
    for element in root.iter():
        place = "/".join([*(str(each.tag) for each in reversed(list(element.iterancestors()))), str(element.tag)])
        allowed = places.get(place)
        _hold(allowed is not None, "an element out of the outline")
        assert allowed is not None
        children = [str(child.tag) for child in element]
        _hold(set(children) <= set(allowed), "an element out of the outline")
        for name, mark in allowed.items():
            _hold(mark != "!" or name in children, f"{name} is missing")
            _hold(mark == "*" or children.count(name) <= 1, f"{name} twice")
        text = "".join(_all(element, "text()"))
        if allowed:
            _hold(not text.strip(), "text between elements")
        else:
            _hold(text, f"{element.tag} is empty")


def _values(root: etree._Element) -> Iterator[tuple[str, str]]:
    names = [line.strip() for line in OUTLINE.strip().splitlines()]
    for leaf in _all(root, "//*[not(*) and not(self::MessageBody)]"):
        steps = []
        for each in _all(leaf, "ancestor-or-self::*"):
            number = len(_all(each, "preceding-sibling::*")) + 1
            steps.append(f"{each.tag}[{number}]" if f"{each.tag}*" in names else each.tag)
        yield "/".join(steps), "".join(_all(leaf, "text()"))


def _all(element: etree._Element, expression: str) -> list[Any]:
    found = element.xpath(expression)
    assert isinstance(found, list)
    return found


def _form(name: str, text: str) -> None:
    if name in CODES:
        _hold(text in CODES[name].split(), f"{name}: no such code")
    elif name.endswith("Time"):
        _hold(re.fullmatch(r"\d{14}", text, re.ASCII) and _moment(text), f"{name}: no time")
    elif name.endswith("date") or (name.endswith("Date")):
        _hold(re.fullmatch(r"\d{8}", text, re.ASCII) and _moment(f"{text}000000"), f"{name}: no day")
    elif name == "InsurerNumber":
        _hold(re.fullmatch(r" *\d+", text, re.ASCII) and len(text) == 8, "InsurerNumber: 8 characters")
    elif name == "MedicalInstitutionCode":
        _hold(re.fullmatch(r"\d{10}", text, re.ASCII), "MedicalInstitutionCode: 10 digits")
    elif name.endswith("Kana"):
        _hold(re.fullmatch(r"[ -~ｦ-ﾟ｡-･]+", text), f"{name}: half-width kana")
    elif name.endswith("Ratio"):
        _hold(re.fullmatch(r"\d{3}", text, re.ASCII), f"{name}: 3 digits")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(f"{text}+0900", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None


def _consent(person: etree._Element, kind: str) -> None:
    flag, given, until = (person.findtext(f"{kind}{name}") for name in ("ConsFlg", "ConsTime", "AvailableTime"))
    if flag == "1":
        start, end = (_moment(text or "") for text in (given, until))
        _hold(start and end and end - start == timedelta(hours=24), f"{kind}: 24 hours")
    elif flag != "2":
        _hold(given is None and until is None, f"{kind}: times without a consent")
