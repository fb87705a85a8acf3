"""Full results (`kiosk.fullresult`) of one fictional person, and how a strict consumer reads a side file."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.secret import SecretBytes
from kiosk.fullresult import FullResult, SubsidyCertificate, SubsidyOutcome
from kiosk.qualification import QualificationResult
from tests.helpers.results import result

CERTIFICATE = SubsidyCertificate("99013010", "0000018", "見本こども医療費助成（模擬）", "20260401", "20270331")
_SPACE = "{urn:uketsuke:reception-extension:1}"
_NAME = re.compile(r"UKT_([0-9a-f]{20})_([0-9]{14})\.xml")
_FACE = re.compile(r"OQSsiquc01res_face_([0-9]{10})([0-9a-f]{20})_([0-9]{14})\.xml")


def full(reception: str = "r1", record: QualificationResult | None = None, **more: Any) -> FullResult:
    """`more`: subsidy, certificates, dispense."""
    return FullResult(reception, record or result(), **more)


def provided(reception: str = "r1", record: QualificationResult | None = None) -> FullResult:
    """With everything that a side file can hold."""
    return full(
        reception, record, subsidy=SubsidyOutcome.PROVIDED, certificates=(CERTIFICATE,), dispense=("rx-1", "rx-2")
    )


def secret(value: FullResult | None = None) -> SecretBytes:
    return SecretBytes((value or full()).to_json())


@dataclass(frozen=True)
class SideFile:
    institution: str
    face_file: str
    simulation: bool
    reason: str | None
    certificates: tuple[dict[str, str], ...]
    tokens: tuple[str, ...]


def read_side_file(path: Path) -> SideFile:
    """Written from assets/schema/side-file.xsd alone; AssertionError for anything that it does not say."""
    name = _NAME.fullmatch(path.name)
    assert name, "not the name of a side file"
    data = path.read_bytes()
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    data.decode("utf-8")
    assert b"<!DOCTYPE" not in data
    root = ElementTree.fromstring(data)
    assert root.tag == f"{_SPACE}ReceptionExtension"
    assert root.attrib in ({}, {"simulation": "true"})
    tags = [child.tag.removeprefix(_SPACE) for child in root]
    assert tags[:2] == ["Institution", "FaceFile"]
    assert tags[2:] in (["Subsidy"], ["Dispense"], ["Subsidy", "Dispense"])
    institution, face = (child.text or "" for child in root[:2])
    twin = _FACE.fullmatch(face)
    assert twin, "not the name of a face result file"
    assert twin.groups() == (institution, *name.groups())
    subsidy, dispense = root.find(f"{_SPACE}Subsidy"), root.find(f"{_SPACE}Dispense")
    reason = None if subsidy is None else subsidy.attrib["reason"]
    assert reason in (None, "provided", "declined", "none", "unsupported")
    certificates = tuple(
        {field.tag.removeprefix(_SPACE): field.text or "" for field in certificate}
        for certificate in (() if subsidy is None else subsidy)
    )
    assert not certificates or reason == "provided"
    for certificate in certificates:
        order = ["Payer", "Recipient", "Scheme", "ValidFrom", "ValidUntil"]
        assert list(certificate) == [field for field in order if field in certificate]
        assert all(certificate.values())
    tokens = tuple(token.text or "" for token in (() if dispense is None else dispense))
    assert dispense is None or tokens
    return SideFile(institution, face, root.attrib == {"simulation": "true"}, reason, certificates, tokens)
