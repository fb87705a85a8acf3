"""The strict reader: what it takes, and for each rule a file that it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.oqs.document import Encoding, write
from kiosk.oqs.reader import FILE_RULES, MAX_BYTES, BadDocument, inspect, read, tree
from kiosk.qualification import (
    ELEMENT_RULES,
    MANY,
    Header,
    MedicalTicket,
    QualificationResult,
    SearchInfo,
)
from tests.helpers.results import result

FULL = result(
    classification="A1",
    limit_consent="0",
    tickets=(MedicalTicket(ticket="01"), MedicalTicket(ticket="02")),
)


def file(value: QualificationResult = FULL, encoding: Encoding = Encoding.UTF8) -> bytes:
    return bytes(write(value, encoding, simulated=True).content)


def changed(old: str, new: str, encoding: Encoding = Encoding.UTF8) -> bytes:
    data = file(encoding=encoding)
    assert old.encode(encoding.codec) in data
    return data.replace(old.encode(encoding.codec), new.encode(encoding.codec), 1)


KANA = "ｼｹﾝ ﾊﾅｺ"
SJIS = Encoding.SHIFT_JIS
BROKEN = [
    ("size", file() + b" " * MAX_BYTES),
    ("declaration", b""),
    ("declaration", changed('<?xml version="1.0" encoding="UTF-8" standalone="no"?>', "")),
    ("declaration", changed("UTF-8", "EUC-JP")),
    ("declaration", changed("UTF-8", "utf-16")),
    ("declaration", file().decode().encode("utf-16")),
    ("declaration", b"\n" + file()),
    ("bytes", changed("UTF-8", "Shift_JIS")),
    ("bytes", changed("Shift_JIS", "UTF-8", SJIS)),
    ("bytes", b"\xef\xbb\xbf" + file(encoding=SJIS)),
    ("bytes", file(encoding=SJIS) + b"\x81"),
    ("bytes", file(encoding=SJIS).replace("ｼ".encode("cp932"), b"\xa0")),
    ("bytes", file() + b"\xff"),
    ("character-code", changed("Identifier>0</Char", "Identifier>1</Char")),
    ("character-code", changed("Identifier>1</Char", "Identifier>0</Char", SJIS)),
    ("character-code", changed("<CharacterCodeIdentifier>0</CharacterCodeIdentifier>", "")),
    ("character-code", changed("Identifier>0<", "Identifier><Name>0</Name><")),
    ("xml", changed("</XmlMsg>", "")),
    ("xml", changed("試験　花子", "試験 & 花子")),
    ("xml", changed("試験　花子", "&name;")),
    ("xml", changed("試験　花子", "\x01")),
    ("xml", file() + b"<XmlMsg/>"),
    ("xml", changed("試験　花子", "<a>" * 20 + "</a>" * 20)),
    ("dtd", changed("<XmlMsg>", "<!DOCTYPE XmlMsg><XmlMsg>")),
    ("dtd", changed("<XmlMsg>", '<!DOCTYPE XmlMsg [<!ENTITY name SYSTEM "file:///etc/hostname">]><XmlMsg>')),
    ("processing-instruction", changed("<XmlMsg>", "<?go now?><XmlMsg>")),
    ("plain-elements", changed("<XmlMsg>", '<XmlMsg xmlns="urn:example">')),
    ("plain-elements", changed("<Sex1>", "<Sex1 unit='x'>")),
    ("plain-elements", changed("<Sex1>2</Sex1>", "<x:Sex1>2</x:Sex1>")),
    ("root", changed("<XmlMsg>", "<Message>").replace(b"</XmlMsg>", b"</Message>")),
    ("twice", changed("<Sex1>2</Sex1>", "<Sex1>2</Sex1><Sex1>2</Sex1>")),
    ("mixed", changed("<ResultList>", "text<ResultList>")),
    ("mixed", changed("<ResultOfQualificationConfirmation>", "text<ResultOfQualificationConfirmation>")),
    ("mixed", changed("試験　花子", "試験<b>花子</b>")),
    ("empty", changed("<Sex1>2</Sex1>", "<Sex1>2</Sex1><Sex2></Sex2>")),
    ("empty", changed("<PharmacistsInfoConsFlg>", "<SpecificDiseasesCertificateList/><PharmacistsInfoConsFlg>")),
    ("insurer-number", changed("  990016", "990016")),
    ("insurer-number", changed("  990016", "   990016")),
    ("unknown-element", changed("<Sex1>2</Sex1>", "<Sex1>2</Sex1><Sex3>2</Sex3>")),
    ("unknown-element", changed("<Sex1>", "<QualificationConfirmationKey><a/></QualificationConfirmationKey><Sex1>")),
    ("unknown-element", changed("<ResultList>", "<ResultList><Other/>")),
    ("missing", changed("<Sex1>2</Sex1>", "")),
    ("missing", changed("  <SegmentOfResult>1</SegmentOfResult>\n", "")),
    ("missing-in-group", changed("<TicketType>01</TicketType>", "<IssueNumber>1</IssueNumber>")),
    ("code", changed("<Sex1>2", "<Sex1>9")),
    ("code", changed("<Sex1>2", "<Sex1>２")),
    (
        "code-ours",
        changed(
            "<TicketType>01</TicketType>",
            "<TicketType>01</TicketType><DesignatedMedicalInstitutionFlag>2</DesignatedMedicalInstitutionFlag>",
        ),
    ),
    ("shape", changed("19850412", "19850431")),
    ("shape", changed(KANA, "シケン")),
    ("shape", changed("  990016", "99A016  ")),
    ("length", changed("試験　花子", "あ" * 201)),
    ("length", changed("試験　花子", "　　")),
    ("too-many", changed("</MedicalTicketInfo>", "</MedicalTicketInfo>" + "<MedicalTicketInfo/>" * MANY)),
    ("consent-lasts", changed("<PharmacistsInfoConsFlg>1", "<PharmacistsInfoConsFlg>0")),
]


@pytest.mark.parametrize(("rule", "data"), BROKEN, ids=[rule for rule, _ in BROKEN])
def test_a_file_that_breaks_it(rule: str, data: bytes) -> None:
    faults = inspect(data).faults
    assert rule in [fault.rule.id for fault in faults]
    with pytest.raises(BadDocument) as caught:
        read(data)
    error = caught.value
    assert (error.rule, error.where, error.what, error.allowed) == (
        faults[0].rule.id,
        faults[0].where,
        faults[0].what,
        faults[0].allowed,
    )
    # Place and what is allowed; nothing of the file.
    for value in ("花子", "990016", "1985", KANA, "Sex3", "etc"):
        assert value not in f"{error!r} {error}"


def test_every_rule_has_one() -> None:
    rules = {rule.id for rule in (*FILE_RULES, *ELEMENT_RULES)} | {"consent-lasts"}
    assert {rule for rule, _ in BROKEN} == rules


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_there_and_back(encoding: Encoding, kind: type) -> None:
    assert read(kind(file(encoding=encoding))) == FULL
    assert tree(file(encoding=encoding))[0] is encoding


def test_what_is_taken_all_the_same() -> None:
    assert read(b"\xef\xbb\xbf" + file()) == FULL, "a mark of UTF-8"
    assert read(file().replace(b"\n", b"\r\n")) == FULL, "lines of Windows"
    assert read(changed("試験", "&#x8A66;<!-- a remark -->験")) == FULL, "references and remarks"
    key = "<QualificationConfirmationKey>abc</QualificationConfirmationKey>"
    assert read(changed("<Sex1>", f"{key}<Sex1>")) == FULL, "what is not understood"
    sex, birth = "    <Sex1>2</Sex1>\n", "    <Birthdate>19850412</Birthdate>\n"
    assert read(changed(sex, "").replace(birth.encode(), (birth + sex).encode())) == FULL, "another order"


def test_all_faults_are_found() -> None:
    data = changed("<Sex1>2", "<Sex1>9").replace(b"19850412", b"1985").replace(b"  990016", b"990016")
    inspection = inspect(data)
    assert inspection.result is None
    assert [fault.rule.id for fault in inspection.faults] == ["insurer-number", "code", "shape"]
    assert inspection.faults[1].where.endswith("ResultOfQualificationConfirmation/Sex1")


def test_an_empty_branch_in_what_was_asked_for() -> None:
    search = SearchInfo(insurer_number="990016", number="1001", birth="19850412", branch="01")
    header: Header = replace(FULL.header, reference="2")
    asked = QualificationResult(header=header, body=replace(FULL.body, validity="4", search=search, results=()))
    data = file(asked).replace(b"Branch" + b"Number>01<", b"Branch" + b"Number><")
    found = read(data).body.search
    assert found == replace(search, branch=None)


def test_half_width_kana_alone_is_not_mistaken_for_utf8() -> None:
    text = "".join(one for one in file(encoding=SJIS).decode("cp932") if one.isascii())
    for element in ("Name", "InsurerName", "InsuredCardSymbol"):
        text = text.replace(f"<{element}><", f"<{element}>x<")
    content = text.replace("<NameKana> <", "<NameKana>ﾐｱ<").encode("cp932")
    assert not content.decode("utf-8").isascii()
    assert read(content).person.kana == "ﾐｱ"


@given(st.binary(max_size=200), st.integers(0, 3000))
def test_anything_else_is_refused_and_nothing_breaks(rubbish: bytes, place: int) -> None:
    whole = file()
    data = whole[:place] + rubbish + whole[place + len(rubbish) :]
    inspection = inspect(data)
    assert inspection.faults or inspection.result is not None
