"""A strict reader of face result files, written from what consumers require and not from our writer.

Rules: docs/sources.md, "face result file": one result, Status and Segment 1, kana present, encoding declaration, bytes
and CharacterCodeIdentifier agreeing, Shift_JIS decoded as strict CP932, no DTD, name pattern, date of today.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree

NAME = re.compile(r"\AOQSsiquc01res_face_(\d{10})([0-9a-f]{20})_(\d{14})\.xml\Z", re.IGNORECASE)
DECLARATION = re.compile(rb'\A<\?xml version="1\.0" encoding="(UTF-8|Shift_JIS)" standalone="no"\?>\r?\n')
JST = timezone(timedelta(hours=9))
SIZE_LIMIT = 4 * 1024 * 1024
CONSENTS = ("SpecificHealthCheckupsInfo", "PharmacistsInfo", "DiagnosisInfo", "OperationInfo")
ORDER = [
    "ProcessExecutionTime",
    "QualificationConfirmationDate",
    "MedicalInstitutionCode",
    "ArbitraryFileIdentifier",
    "ReferenceClassification",
    "SegmentOfResult",
    "ErrorCode",
    "ErrorMessage",
    "CharacterCodeIdentifier",
    "PrescriptionIssueSelect",
    "ProcessingResultStatus",
    "ProcessingResultCode",
    "ProcessingResultMessage",
    "QualificationValidity",
    "QualificationConfirmSearchInfo",
    "ResultList",
    "InsuredCardClassification",
    "InsurerNumber",
    "InsuredCardSymbol",
    "InsuredIdentificationNumber",
    "InsuredBranchNumber",
    "PersonalFamilyClassification",
    "InsuredName",
    "Name",
    "NameOfOther",
    "NameKana",
    "NameOfOtherKana",
    "Sex1",
    "Sex2",
    "Birthdate",
    "Address",
    "PostNumber",
    "QualificationDate",
    "DisqualificationDate",
    "InsuredCertificateIssuanceDate",
    "InsuredCardValidDate",
    "InsuredCardExpirationDate",
    "InsuredPartialContributionRatio",
    "PreschoolClassification",
    "ReasonOfLoss",
    "InsurerName",
    "ElderlyRecipientCertificateInfo",
    "LimitApplicationCertificateRelatedConsFlg",
    "LimitApplicationCertificateRelatedConsTime",
    "LimitApplicationCertificateRelatedInfo",
    "SpecificDiseasesCertificateRelatedConsFlg",
    "SpecificDiseasesCertificateRelatedConsTime",
    "SpecificDiseasesCertificateList",
    "PublicExpenseResultList",
    "SpecificHealthCheckupsInfoConsFlg",
    "SpecificHealthCheckupsInfoConsTime",
    "SpecificHealthCheckupsInfoAvailableTime",
    "PharmacistsInfoConsFlg",
    "PharmacistsInfoConsTime",
    "PharmacistsInfoAvailableTime",
    "DiagnosisInfoConsFlg",
    "DiagnosisInfoConsTime",
    "DiagnosisInfoAvailableTime",
    "OperationInfoConsFlg",
    "OperationInfoConsTime",
    "OperationInfoAvailableTime",
    "ReferenceNumber",
]


@dataclass(frozen=True)
class FaceFile:
    institution: str
    encoding: str
    header: Mapping[str, str]
    body: Mapping[str, str]
    person: Mapping[str, str]


def lately() -> tuple[datetime, datetime]:
    """The days on which a file of the last minutes may have been written."""
    now = datetime.now(JST)
    return now - timedelta(minutes=10), now


def read_face_file(path: Path, *days: datetime) -> FaceFile:
    """`days` on which it may have been written: more than one when the clock went past midnight meanwhile. Raises
    AssertionError at the first rule that is broken."""
    name = NAME.match(path.name)
    assert name, "name"
    assert name[3][:8] in {f"{day:%Y%m%d}" for day in days}, "only files of today are taken"
    _moment(name[3])
    data = path.read_bytes()
    return parse(data, name[1])


def parse(data: bytes, institution: str) -> FaceFile:
    assert len(data) <= SIZE_LIMIT
    declaration = DECLARATION.match(data)
    assert declaration, "declaration"
    encoding = declaration[1].decode()
    # A strict decode: one byte that is not in the declared set is an error.
    text = data.decode("utf-8" if encoding == "UTF-8" else "cp932", "strict")
    assert "<!DOCTYPE" not in text
    assert "<!ENTITY" not in text
    root = ElementTree.fromstring(text[text.index("?>") + 2 :])
    assert root.tag == "XmlMsg"
    assert not root.attrib
    assert [child.tag for child in root] == ["MessageHeader", "MessageBody"]
    header, body = (_leaves(child) for child in root)
    results = root.findall("MessageBody/ResultList/ResultOfQualificationConfirmation")
    assert len(results) == 1, "exactly one result"
    person = _leaves(results[0])

    assert header["SegmentOfResult"] == "1"
    assert header["ReferenceClassification"] in {"1", "2"}
    assert header["CharacterCodeIdentifier"] == {"UTF-8": "0", "Shift_JIS": "1"}[encoding]
    assert re.fullmatch(r"\d{10}", header["MedicalInstitutionCode"])
    assert header["MedicalInstitutionCode"] == institution
    executed = _moment(header["ProcessExecutionTime"])
    assert header["QualificationConfirmationDate"] == f"{executed:%Y%m%d}"
    assert body["ProcessingResultStatus"] == "1"
    assert body["QualificationValidity"] in set("123456")

    assert person["Name"].strip()
    assert person["InsurerName"].strip()
    assert re.fullmatch(r"[ -~\uff61-\uff9f]+", person["NameKana"])
    assert person["Sex1"] in set("123")
    assert re.fullmatch(r"0[1-7]|A1", person["InsuredCardClassification"])
    assert _moment(person["Birthdate"] + "000000") <= executed
    if "InsurerNumber" in person:
        assert re.fullmatch(r" *\d+", person["InsurerNumber"])
        assert len(person["InsurerNumber"]) == 8
    if "InsuredBranchNumber" in person:
        assert re.fullmatch(r"\d{2}", person["InsuredBranchNumber"])
    for kind in CONSENTS:
        _consent(person, kind)
    return FaceFile(institution, encoding, header, body, person)


def _leaves(parent: ElementTree.Element) -> dict[str, str]:
    tags = [child.tag for child in parent]
    assert len(set(tags)) == len(tags), "an element twice"
    assert tags == sorted(tags, key=ORDER.index), "order"
    for child in parent.iter():
        assert not child.attrib
        assert len(child) or child.text, f"{child.tag} is empty and should be left out"
    return {child.tag: child.text or "" for child in parent if not len(child)}


def _consent(person: Mapping[str, str], kind: str) -> None:
    flag = person.get(f"{kind}ConsFlg")
    times = [person.get(f"{kind}{name}") for name in ("ConsTime", "AvailableTime")]
    if flag == "1":
        given, until = (_moment(time or "") for time in times)
        assert until - given == timedelta(hours=24)
    else:
        assert flag in (None, "0")
        assert times == [None, None]


def _moment(text: str) -> datetime:
    assert re.fullmatch(r"\d{14}", text)
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=JST)
