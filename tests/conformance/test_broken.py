"""Deliberately broken files: `kiosk check --face-file` names the rule, and the independent judges refuse them too,
each where it can: the schema knows elements one by one, the second reader also what they say of each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from kiosk import cli
from kiosk.oqs.document import Encoding, write
from kiosk.oqs.rules import FACE, RULES
from kiosk.qualification import Limit, SpecificDisease
from tests.helpers import second_reader
from tests.helpers.face_schema import refusals
from tests.helpers.judges import complaints
from tests.helpers.results import INSTITUTION, result

GOOD = bytes(
    write(
        result(
            limit=Limit(classification="01", flag="A03", valid_from="20260401", valid_until="20270331"),
            disease_consent="1",
            disease_time="20260401090000",
            diseases=(SpecificDisease(category="1", valid_from="20260401"),),
        ),
        Encoding.UTF8,
        simulated=True,
    ).content
)
NAME = f"{FACE}{INSTITUTION}0123456789abcdef0123_29991231235959.xml"


def swap(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())

    return change


@dataclass(frozen=True)
class Broken:
    """`schema`, `second`: whether that judge can tell."""

    rule: str
    change: Callable[[bytes], bytes]
    schema: bool = True
    second: bool = True
    name: str = NAME


FILES = [
    Broken("declaration", swap(' standalone="no"', ""), schema=False),
    Broken("bytes", lambda content: content.decode().encode("cp932")),
    Broken("bytes", swap("UTF-8", "Shift_JIS")),
    Broken("character-code", swap("Identifier>0<", "Identifier>1<"), schema=False),
    Broken("dtd", swap("<XmlMsg>", '<!DOCTYPE XmlMsg [<!ENTITY x "y">]>\n<XmlMsg>'), schema=False),
    Broken("xml", lambda content: content[: len(content) // 2]),
    Broken("xml", swap("試験　花子", "&x;")),
    Broken("plain-elements", swap("<XmlMsg>", '<XmlMsg xmlns="urn:x">')),
    Broken("root", swap("XmlMsg>", "Xml>")),
    Broken("unknown-element", swap("PharmacistsInfo", "PharmaceuticalInfo")),
    Broken("twice", swap("<Sex1>2</Sex1>", "<Sex1>2</Sex1><Sex1>2</Sex1>")),
    Broken("mixed", swap("<ResultList>", "<ResultList>x")),
    Broken("empty", swap("<Sex1>", "<NameOfOther/><Sex1>"), schema=True),
    Broken("missing", swap("<NameKana>ｼｹﾝ ﾊﾅｺ</NameKana>", "")),
    Broken("code", swap("<QualificationValidity>1", "<QualificationValidity>7")),
    Broken("code", swap("Flag>A03", "Flag>C03")),
    Broken("shape", swap("19850412", "19850431"), schema=False),
    Broken("shape", swap("ｼｹﾝ ﾊﾅｺ", "シケン　ハナコ")),
    Broken("insurer-number", swap("  990016", "990016")),
    Broken(
        "limit-refused",
        swap(
            "    <LimitApplicationCertificateRelatedInfo>",
            (
                "    <LimitApplicationCertificateRelatedConsFlg>0</LimitApplicationCertificateRelatedConsFlg>\n"
                "    <LimitApplicationCertificateRelatedInfo>"
            ),
        ),
        schema=False,
    ),
    Broken(
        "disease-consent",
        swap("SpecificDiseasesCertificateRelatedConsFlg>1", ("SpecificDiseasesCertificateRelatedConsFlg>0")),
        schema=False,
    ),
    Broken("consent-lasts", swap("<PharmacistsInfoConsFlg>1", "<PharmacistsInfoConsFlg>0"), schema=False),
    Broken("newest", swap("<QualificationValidity>1", "<QualificationValidity>3"), schema=False),
    Broken("nobody", swap("<ProcessingResultStatus>1", "<ProcessingResultStatus>2"), schema=False),
    Broken("face-normal-end", swap("<ProcessingResultStatus>1", "<ProcessingResultStatus>2"), schema=False),
    Broken("face-consent", swap("HealthCheckupsInfoConsFlg>0", "HealthCheckupsInfoConsFlg>3"), schema=False),
    Broken("period", swap("20270331", "20250331"), schema=False, second=False),
    Broken("name", bytes, schema=False, second=False, name="OQSsiquc01res_face_29991231235959.xml"),
    Broken("name", bytes, schema=False, second=False, name="result.xml"),
    Broken("name-institution", bytes, schema=False, second=False, name=NAME.replace("991000", "991001")),
    Broken("name-time", bytes, schema=False, second=False, name=NAME.replace("29991231", "29991331")),
    Broken("name-later", bytes, schema=False, second=False, name=NAME.replace("_2999", "_2019")),
]


def schema_refuses(content: bytes) -> bool:
    try:
        return bool(refusals(content))
    except (UnicodeDecodeError, etree.XMLSyntaxError):
        return True


def second_refuses(content: bytes) -> bool:
    try:
        second_reader.read(content, face=True)
    except second_reader.Refused:
        return True
    return False


def test_unbroken_they_all_take_it(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(GOOD)
    assert cli.main(["check", "--face-file", str(tmp_path / NAME)]) == 0
    assert not schema_refuses(GOOD)
    assert not second_refuses(GOOD)
    assert complaints(tmp_path / NAME) == []


@pytest.mark.parametrize("broken", FILES, ids=[f"{number}-{each.rule}" for number, each in enumerate(FILES)])
def test_each_is_refused_for_its_reason(broken: Broken, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = broken.change(GOOD)
    file = tmp_path / broken.name
    file.write_bytes(content)
    report = tmp_path / "report.json"
    assert cli.main(["check", "--face-file", str(file), "--json", str(report)]) == 1
    faults = json.loads(report.read_text(encoding="utf-8"))["files"][0]["faults"]
    assert broken.rule in [fault["rule"] for fault in faults]
    basis = {rule.id: rule.basis for rule in RULES}
    out = capsys.readouterr().out
    assert f"{broken.rule} ({basis[broken.rule]}): " in out
    assert "花子" not in out
    assert schema_refuses(content) is broken.schema
    assert second_refuses(content) is broken.second
    assert complaints(file)


def test_there_are_enough_of_them() -> None:
    assert len({broken.rule for broken in FILES}) >= 12
    assert sum(broken.schema or broken.second for broken in FILES) >= 12
