"""The same files read by other means: lxml and XPath, from the element names alone (docs/sources.md)."""

from __future__ import annotations

from typing import Any

from lxml import etree

_ELIGIBILITY = {
    "confirmed_on": "/XmlMsg/MessageHeader/QualificationConfirmationDate",
    "institution": "/XmlMsg/MessageHeader/MedicalInstitutionCode",
    "file_identifier": "/XmlMsg/MessageHeader/ArbitraryFileIdentifier",
    "insurer_number": "/XmlMsg/MessageBody/QualificationConfirmSearchInfo/InsurerNumber",
    "symbol": "/XmlMsg/MessageBody/QualificationConfirmSearchInfo/InsuredCardSymbol",
    "number": "/XmlMsg/MessageBody/QualificationConfirmSearchInfo/InsuredIdentificationNumber",
    "branch": "/XmlMsg/MessageBody/QualificationConfirmSearchInfo/InsuredBranchNumber",
    "birth": "/XmlMsg/MessageBody/QualificationConfirmSearchInfo/Birthdate",
    "limit_consent": "//QualificationConfirmSearchInfo/LimitApplicationCertificateRelatedConsFlg",
    "identifier": "/XmlMsg/MessageBody/QualificationConfirmSearchInfo/ArbitraryIdentifier",
}
_CLINICAL = {
    "institution": "/XmlMsg/MessageHeader/MedicalInstitutionCode",
    "insurer_number": "/XmlMsg/MessageHeader/InsurerNumber",
    "symbol": "/XmlMsg/MessageHeader/InsuranceCardSymbol",
    "number": "/XmlMsg/MessageHeader/InsuredPersonIdentificationNumber",
    "branch": "/XmlMsg/MessageHeader/BranchNumber",
    "file_identifier": "/XmlMsg/MessageHeader/ArbitraryFileIdentifier",
    "start": "/XmlMsg/MessageBody/StartDate",
    "end": "/XmlMsg/MessageBody/EndDate",
    "file_category": "/XmlMsg/MessageBody/FileCategory",
    "classification": "/XmlMsg/MessageBody/PrDiInfClassification",
    "treatment": "/XmlMsg/MessageBody/MedicalTreatmentFlag",
}
# What the consumer that was looked at asks for: month, day and drug of each of the three sources.
_SOURCES = (
    ("/XmlMsg/MessageBody/MeTrMonthInf", "DiDateInfs/DiDateInf", "DrugInfs/DrugInf", ""),
    ("/XmlMsg/MessageBody/CzDiInf/CzDiMonthInf", "CzDiDateInfs/CzDiDateInf", "CzDrugInfs/CzDrugInf", "Cz"),
    ("/XmlMsg/MessageBody/ShPrInf/ShPrMonthInf", "ShPrDateInfs/ShPrDateInf", "ShDrugInfs/ShDrugInf", "Sh"),
)


def root(content: bytes | bytearray) -> Any:
    # Any: what XPath gives depends on the expression.
    # The declaration says Shift_JIS; what is meant is code page 932, which lxml does not take under that name.
    data = bytes(content)
    text = data.decode("cp932" if b'encoding="Shift_JIS"' in data[:60] else "utf-8")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    return etree.fromstring(text[text.index("?>") + 2 :].encode(), parser)


def leaves(content: bytes | bytearray) -> dict[str, str]:
    """Of a request, by our names."""
    tree = root(content)
    paths = _ELIGIBILITY if tree.xpath("boolean(//QualificationConfirmSearchInfo)") else _CLINICAL
    found = {name: tree.xpath(f"{path}/text()") for name, path in paths.items()}
    assert len(tree.xpath("//*[not(*)]")) == sum(map(len, found.values())), "an element that nobody reads"
    return {name: "".join(value) for name, value in found.items() if value}


def header(content: bytes | bytearray) -> dict[str, str]:
    """Of a clinical answer: the elements of MessageHeader and of the person in it."""
    tree = root(content)
    return {node.tag: node.text or "" for node in tree.xpath("/XmlMsg/MessageHeader//*[not(*)]")}


def drugs(content: bytes | bytearray) -> list[tuple[str, str, str, str]]:
    """Month, and name, usage and times of each drug."""
    tree = root(content)
    found = []
    for month, day, drug, prefix in _SOURCES:
        for node in tree.xpath(f"{month}/{day}/{drug}"):
            when = node.xpath("string(ancestor::*[4]/*[substring(name(), string-length(name()) - 4) = 'Month'])")
            parts = (node.xpath(f"string({prefix}{name})") for name in ("DrugN", "UsageN", "Times"))
            found.append((when, *parts))
    return found


def treatments(content: bytes | bytearray) -> list[str]:
    return list(root(content).xpath("//DiDateInf/MeTrInfs/MeTrInf/SinInfN/text()"))


def values(content: bytes | bytearray) -> list[tuple[str, str, str]]:
    """Day, item and value of each line of the checkups."""
    found = []
    for checkup in root(content).xpath("//SpecificHealthCheckupInfo"):
        day = checkup.xpath("string(EffectiveTime)")
        for item in checkup.xpath("HealthCheckupResultAndQuestionInfos/HealthCheckupResultAndQuestionInfo"):
            found.append((day, item.xpath("string(ItemName)"), item.xpath("string(DataValue)")))
    return found
