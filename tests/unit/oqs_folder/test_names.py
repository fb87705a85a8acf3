"""Names of exchange files."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.handoff.folder import HandoffFolder
from kiosk.oqs.names import BadName, FileName, Kind, Role, file_identifier, parse, tail_of
from kiosk.qualification import JST
from tests.helpers.results import INSTITUTION

NOON = datetime(2026, 11, 2, 12, 0, 5, tzinfo=JST)
TAILS = st.from_regex(r"\A[0-9a-zA-Z]([0-9a-zA-Z_.-]{0,98}[0-9a-zA-Z])?\Z").filter(
    lambda tail: not tail.lower().startswith("face_")
)


@given(st.sampled_from(Kind), st.sampled_from([Role.REQUEST, Role.ANSWER]), TAILS)
def test_what_is_built_is_read_in_any_case(kind: Kind, role: Role, tail: str) -> None:
    name = FileName(kind, role, tail)
    assert parse(str(name)) == name
    for spelt in (str(name).upper(), str(name).lower()):
        read = parse(spelt)
        assert (read.kind, read.role, read.tail.lower()) == (kind, role, tail.lower())


@given(st.sampled_from(Kind), TAILS)
def test_the_answer_has_the_name_of_the_request(kind: Kind, tail: str) -> None:
    request = FileName(kind, Role.REQUEST, tail)
    assert str(request.answer) == str(request).replace("01req_", "01res_", 1)
    with pytest.raises(BadName):
        _ = request.answer.answer


def test_a_face_file_is_not_an_answer() -> None:
    name = "OQSsiquc01res_face_27142063864da5260a16de5a3d3ad7_20260929160112.xml"
    read = parse(name)
    assert (read.kind, read.role, str(read)) == (Kind.ELIGIBILITY, Role.FACE, name)
    assert read.time == datetime(2026, 9, 29, 16, 1, 12, tzinfo=JST)


def test_the_face_name_is_the_one_of_the_hand_off(tmp_path: Path) -> None:
    name = FileName(Kind.ELIGIBILITY, Role.FACE, tail_of(INSTITUTION, "r-1", NOON))
    assert str(name) == HandoffFolder(tmp_path, INSTITUTION).name("r-1", NOON)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "OQSsiquc01req_.xml",
        "OQSsiquc01req_1.xml.tmp",
        "OQSsiquc01req_../1.xml",
        "OQSsiquc01req_1/2.xml",
        "OQSsiquc01req_.1.xml",
        "OQSsiquc01req_1.xml\n",
        "OQSsiquc01req_１.xml",
        "OQSmuquc01req_202611020001.xml",
        "YZKsiquc01res_face_1.xml",
        "OQSsiquc01req_face_1.xml",
        "xOQSsiquc01req_1.xml",
        f"OQSsiquc01req_{'1' * 101}.xml",
    ],
)
def test_other_names_are_refused_without_being_repeated(name: str) -> None:
    with pytest.raises(BadName) as refused:
        parse(name)
    assert not name or name not in str(refused.value)


def test_our_names_tell_institution_and_time_and_nobody() -> None:
    tail = tail_of(INSTITUTION, "r-1", NOON.astimezone(UTC))
    assert re.fullmatch(rf"{INSTITUTION}[0-9a-f]{{20}}_20261102120005", tail)
    assert tail != tail_of(INSTITUTION, "r-2", NOON)
    assert parse(str(FileName(Kind.ELIGIBILITY, Role.REQUEST, tail))).time == NOON
    assert FileName(Kind.ELIGIBILITY, Role.REQUEST, "1").time is None


@pytest.mark.parametrize("institution", ["", "991000000", "99100000011", "991000000x", "９９１００００００１"])
def test_an_institution_has_ten_digits(institution: str) -> None:
    with pytest.raises(BadName):
        tail_of(institution, "r-1", NOON)


@given(st.text())
def test_an_identifier_is_sixteen_url_safe_characters(reception: str) -> None:
    assert re.fullmatch("[A-Za-z0-9_-]{16}", file_identifier(reception))


def test_the_identifier_of_a_reception_is_agreed() -> None:
    # SHA-256 of "abc" is ba7816bf 8f01cfea 414140de …
    assert file_identifier("abc") == "ungWv48Bz-pBQUDe"
