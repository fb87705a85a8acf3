"""Requests: what is written is read, by us and by others; what is not exactly a request is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.oqs.document import Encoding
from kiosk.oqs.markup import Unmappable
from kiosk.oqs.names import Kind
from kiosk.oqs.reader import BadDocument
from kiosk.oqs.requests import (
    MAX_BYTES,
    ClinicalRequest,
    EligibilityRequest,
    Request,
    read,
    write,
)
from kiosk.qualification import SearchInfo
from tests.unit.oqs_folder import second_reader
from tests.unit.oqs_folder.strategies import ENCODINGS, INSTITUTION, anything, requests

ASKED = EligibilityRequest(
    confirmed_on="20261102",
    institution=INSTITUTION,
    file_identifier="ungWv48Bz-pBQUDe",
    search=SearchInfo(insurer_number="990016", symbol="見本ｱ", number="1001", branch="01", birth="19850412"),
)
MEDICATION = ClinicalRequest(
    kind=Kind.MEDICATION,
    institution=INSTITUTION,
    insurer_number="990016",
    symbol="見本ｱ",
    number="1001",
    branch=None,
    file_identifier="ungWv48Bz-pBQUDe",
    start="20230101",
    end="20261102",
)
CHECKUP = replace(MEDICATION, kind=Kind.CHECKUP, start=None, end=None)


def parts(request_: Request) -> list[Any]:
    return [request_, request_.search] if isinstance(request_, EligibilityRequest) else [request_]


@given(requests(), ENCODINGS)
def test_what_is_written_is_read(request_: Request, encoding: Encoding) -> None:
    assert read(request_.kind, write(request_, encoding)) == (request_, encoding)


@given(requests(anything(40)))
def test_utf_8_takes_every_character(request_: Request) -> None:
    assert read(request_.kind, write(request_, Encoding.UTF8))[0] == request_


@given(requests(), ENCODINGS)
def test_others_read_the_same(request_: Request, encoding: Encoding) -> None:
    found = second_reader.leaves(write(request_, encoding))
    expected = {
        field.name: getattr(part, field.name)
        for part in parts(request_)
        for field in fields(part)
        if isinstance(getattr(part, field.name), str) and field.name != "kind"
    }
    expected["insurer_number"] = expected["insurer_number"].rjust(8)
    assert found == expected


@given(requests(anything(5)))
def test_shift_jis_writes_all_of_it_or_nothing(request_: Request) -> None:
    try:
        content = write(request_, Encoding.SHIFT_JIS)
    except Unmappable:
        return
    written = "".join(str(getattr(part, field.name)) for part in parts(request_) for field in fields(part))
    assert "●".encode("cp932") not in content or "●" in written
    again = read(request_.kind, content)[0]
    assert write(again, Encoding.SHIFT_JIS) == content


@pytest.mark.parametrize("character", ["𠮷", "é", "\x80", "\xa0", "\uf8f1"])
@pytest.mark.parametrize("place", ["symbol", "number"])
def test_a_character_that_the_encoding_lacks_is_never_replaced(character: str, place: str) -> None:
    search = replace(ASKED.search, **{place: f"1{character}1"})
    with pytest.raises(Unmappable) as refused:
        write(replace(ASKED, search=search), Encoding.SHIFT_JIS)
    assert character not in str(refused.value)


def test_the_two_interfaces_name_things_differently() -> None:
    eligibility = write(ASKED, Encoding.UTF8).decode()
    clinical = write(MEDICATION, Encoding.UTF8).decode()
    assert "<InsurerNumber>  990016</InsurerNumber>" in eligibility
    assert "<InsurerNumber>  990016</InsurerNumber>" in clinical
    for ours, theirs in (
        ("InsuredCardSymbol", "InsuranceCardSymbol"),
        ("InsuredIdentificationNumber", "InsuredPersonIdentificationNumber"),
    ):
        assert f"<{ours}>" in eligibility
        assert f"<{ours}>" not in clinical
        assert f"<{theirs}>" in clinical
    assert "BranchNumber" not in clinical  # left out when there is none
    assert "StartDate" not in write(CHECKUP, Encoding.UTF8).decode()


def test_an_empty_branch_or_symbol_is_none() -> None:
    for request, names in (
        (ASKED, ("InsuredCardSymbol", "InsuredBranchNumber")),
        (replace(MEDICATION, branch="01"), ("InsuranceCardSymbol", "BranchNumber")),
    ):
        content = write(request, Encoding.UTF8).decode()
        for name in names:
            begin, end = content.index(f"<{name}>") + len(name) + 2, content.index(f"</{name}>")
            content = content[:begin] + content[end:]
        found = read(request.kind, content.encode())[0]
        person = found.search if isinstance(found, EligibilityRequest) else found
        assert (person.symbol, person.branch) == (None, None)


def test_a_character_code_is_taken_when_it_agrees() -> None:
    content = write(ASKED, Encoding.UTF8)
    agreeing, other = (
        content.replace(
            b"</MessageHeader>", b"<CharacterCodeIdentifier>%d</CharacterCodeIdentifier></MessageHeader>" % code
        )
        for code in (0, 1)
    )
    assert read(Kind.ELIGIBILITY, agreeing)[0] == ASKED
    with pytest.raises(BadDocument) as refused:
        read(Kind.ELIGIBILITY, other)
    assert refused.value.rule == "character-code"


BOMB = '<!DOCTYPE XmlMsg [<!ENTITY a "99">]>\n<XmlMsg>'
BROKEN = [
    ("size", ASKED, "</XmlMsg>", "</XmlMsg>" + " " * MAX_BYTES),
    ("dtd", ASKED, "<XmlMsg>", BOMB),
    ("root", ASKED, "XmlMsg", "XmlMessage"),
    ("xml", ASKED, "</XmlMsg>", ""),
    ("declaration", ASKED, ' standalone="no"', ""),
    ("plain-elements", ASKED, "<MessageBody>", '<MessageBody x="1">'),
    ("unknown-element", ASKED, "MessageHeader>", "Header>"),
    ("unknown-element", ASKED, "<MessageHeader>", "<Extra/><MessageHeader>"),
    ("twice", ASKED, "<MessageBody>", "<MessageBody></MessageBody><MessageBody>"),
    ("twice", ASKED, "<Birthdate>", "<Birthdate>19850412</Birthdate><Birthdate>"),
    ("unknown-element", ASKED, "Birthdate>", "Birthday>"),
    ("missing", ASKED, "<Birthdate>19850412</Birthdate>", ""),
    ("mixed", ASKED, "<MessageHeader>", "words<MessageHeader>"),
    ("mixed", ASKED, "<Birthdate>", "<Birthdate><x/>"),
    ("shape", ASKED, "19850412", "19850431"),
    ("shape", ASKED, "  990016", "990016"),
    ("shape", ASKED, "  990016", "        "),
    ("length", ASKED, ">1001<", "><"),
    ("length", ASKED, ">01<", ">1<"),
    ("length", ASKED, INSTITUTION, "99100000"),
    ("length", ASKED, "ungWv48Bz-pBQUDe", " "),
    ("unknown-element", MEDICATION, "InsuranceCardSymbol", "InsuredCardSymbol"),
    ("length", MEDICATION, "<FileCategory>2<", "<FileCategory>3<"),
    ("length", MEDICATION, "<PrDiInfClassification>1<", "<PrDiInfClassification>2<"),
    ("length", MEDICATION, "<MedicalTreatmentFlag>1<", "<MedicalTreatmentFlag>4<"),
    ("missing", MEDICATION, "<StartDate>20230101</StartDate>", ""),
    ("length", MEDICATION, "20230101", "20270101"),
    ("unknown-element", CHECKUP, "<FileCategory>", "<StartDate>20230101</StartDate><FileCategory>"),
]


@pytest.mark.parametrize(("rule", "request_", "old", "new"), BROKEN)
def test_what_is_no_request_is_refused_with_the_reason(rule: str, request_: Request, old: str, new: str) -> None:
    content = write(request_, Encoding.UTF8).decode()
    assert old in content
    with pytest.raises(BadDocument) as refused:
        read(request_.kind, content.replace(old, new).encode())
    assert refused.value.rule == rule
    assert "1001" not in str(refused.value)


@given(st.binary(max_size=300) | requests().map(lambda each: bytes(write(each, Encoding.UTF8))))
def test_another_kind_or_rubbish_is_refused(content: bytes) -> None:
    kind = Kind.ELIGIBILITY if b"QualificationConfirmSearchInfo" not in content else Kind.CHECKUP
    with pytest.raises(BadDocument):
        read(kind, content)


@pytest.mark.parametrize("kind", Kind)
def test_nothing_is_no_request(kind: Kind) -> None:
    with pytest.raises(BadDocument) as refused:
        read(kind, b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<XmlMsg></XmlMsg>')
    assert refused.value.rule == "missing"


def test_wrong_bytes_are_refused() -> None:
    content = write(ASKED, Encoding.UTF8).replace(b"UTF-8", b"Shift_JIS")
    with pytest.raises(BadDocument) as refused:
        read(Kind.ELIGIBILITY, content)
    assert refused.value.rule == "bytes"
