"""The face result file, read back by an independent strict reader."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.oqs.document import Encoding, MarksDisagree, write
from kiosk.qualification import ElderlyRecipient, Limit, QualificationResult, SpecificDisease
from tests.helpers.face_file import parse
from tests.helpers.results import INSTITUTION, result

# What XML 1.0 and the record allow; everything else is refused before it gets here.
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=60)


# One character of JIS X 0208, two places in Unicode: the standard's mapping and that of code page 932.
SAME_CHARACTER = str.maketrans("〜‖−—¢£¬", "～∥－―￠￡￢")


def written(value: QualificationResult, encoding: Encoding = Encoding.UTF8) -> bytes:
    return bytes(write(value, encoding, simulated=True).content)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_strict_reader_takes_it(encoding: Encoding) -> None:
    file = parse(written(result(), encoding), INSTITUTION)
    assert file.encoding == encoding.declared
    assert file.person["Name"] == "試験　花子"
    assert file.person["InsurerNumber"] == "  990016"
    assert file.person["PharmacistsInfoConsFlg"] == "1"


def test_lists_and_groups() -> None:
    value = result(
        elderly=ElderlyRecipient(valid_from="20260401", ratio="020"),
        limit=Limit(classification="01", flag="A03", valid_from="20260401"),
        disease_consent="1",
        disease_time="20260401090000",
        diseases=(
            SpecificDisease(category="1", valid_from="20260401", self_pay="10000"),
            SpecificDisease(category="2", valid_from="20260401"),
        ),
    )
    data = written(value)
    parse(data, INSTITUTION)
    root = ElementTree.fromstring(data)
    assert len(root.findall(".//SpecificDiseasesCertificateList/SpecificDiseasesCertificateInfo")) == 2
    assert (
        root.findtext(".//LimitApplicationCertificateRelatedInfo/LimitApplicationCertificateClassificationFlag")
        == "A03"
    )
    assert root.findtext(".//ElderlyRecipientContributionRatio") == "020"


def test_characters_outside_shift_jis_become_black_circles_and_are_counted() -> None:
    document = write(result(name="試験　髙﨑𠮷é"), Encoding.SHIFT_JIS, simulated=True)
    assert document.substituted == 2  # 髙 and 﨑 are in code page 932
    assert parse(bytes(document.content), INSTITUTION).person["Name"] == "試験　髙﨑●●"
    assert write(result(name="試験　髙﨑𠮷é"), Encoding.UTF8, simulated=True).substituted == 0


def test_a_minus_sign_in_an_address_is_not_lost() -> None:
    document = write(result(address="見本県1−2−3〜5"), Encoding.SHIFT_JIS, simulated=True)
    assert document.substituted == 0
    assert parse(bytes(document.content), INSTITUTION).person["Address"] == "見本県1－2－3～5"


@given(TEXT, st.sampled_from(list(Encoding)))
def test_any_name_survives_or_is_substituted(text: str, encoding: Encoding) -> None:
    data = written(result(name=f"試験{text}"), encoding)
    read = parse(data, INSTITUTION).person["Name"]
    assert len(read) == len(text) + 2
    folded = f"試験{text}".translate(SAME_CHARACTER) if encoding is Encoding.SHIFT_JIS else f"試験{text}"
    assert all(one in (other, "●") for one, other in zip(read, folded, strict=True))
    if encoding is Encoding.UTF8:
        assert read == f"試験{text}"


def test_wiping() -> None:
    document = write(result(), Encoding.UTF8, simulated=True)
    document.wipe()
    assert not any(document.content)


@pytest.mark.parametrize(
    "value",
    [
        result(institution="1310000001"),
        result(insurer_name="全国健康保険協会"),
        result(name="見本　花子"),
        result(insured_name="見本　太郎"),
        result(name_other="MIHON"),
    ],
)
def test_practice_writes_nothing_that_could_pass_for_real(value: QualificationResult) -> None:
    with pytest.raises(MarksDisagree):
        write(value, Encoding.UTF8, simulated=True)


def test_production_writes_nothing_simulated() -> None:
    with pytest.raises(MarksDisagree):
        write(result(), Encoding.UTF8, simulated=False)


def test_practice_says_so_in_the_file() -> None:
    assert "模擬".encode() in written(result())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"UTF-8", b"Shift_JIS"),
        (b"Identifier>0<", b"Identifier>1<"),
        (b"<XmlMsg>", b"<!DOCTYPE a><XmlMsg>"),
        (b"<SegmentOfResult>1", b"<SegmentOfResult>9"),
        (b"<Birthdate>1985", b"<Birthdate>2985"),
        (b"  990016", b"00990016 "),
        (b"9910000001", b"991000000"),
    ],
)
def test_the_strict_reader_is_strict(old: bytes, new: bytes) -> None:
    data = written(result())
    assert old in data
    with pytest.raises((AssertionError, UnicodeDecodeError, ElementTree.ParseError)):
        parse(data.replace(old, new), INSTITUTION)
