"""Expected and reached: every kind of difference is seen, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from kiosk.cli.endings import Row, Seen, content, differences, outline, rows, side_content, way
from kiosk.cli.patient import Role, Story
from kiosk.eligibility.terminal import Released
from kiosk.fullresult import FullResult, SubsidyOutcome
from kiosk.handoff import sidefile
from kiosk.handoff.folder import HandoffFolder
from kiosk.oqs import document
from kiosk.oqs.document import Encoding
from kiosk.qualification import JST
from kiosk.reception.consent import Item
from tests.helpers.results import INSTITUTION, result

BOTH = {Item.MEDICATION: True, Item.CHECKUP: False}


def row(name: str = "employee", way_: str = "face", **changes: Any) -> Row:
    found = next(each for each in rows({name}) if way(each.ending) == way_)
    ending = replace(found.ending, content=MappingProxyType({"InsuredIdentificationNumber": ("1001",)}), **changes)
    return Row(found.persona, ending)


def story(**changes: Any) -> Story:
    pages = ["idle", "choose_method", "look_here", "consent_all", "consent_item", "check_answers", "take_card"]
    return replace(Story(Role("employee", "face"), pages=pages, number=1, answers=dict(BOTH)), **changes)


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    name = HandoffFolder(tmp_path, INSTITUTION).name("r-1", datetime.now(JST))
    face, side = tmp_path / name, tmp_path / "side.xml"
    full = FullResult("r-1", result(), SubsidyOutcome.NONE)
    face.write_bytes(document.write(full.qualification, Encoding.UTF8, simulated=True).content)
    side.write_bytes(sidefile.write(full, face.name, simulated=True))
    two = ({"name": "a"}, {"name": "b"})
    return Seen([face], [side], [Released(Item.MEDICATION, two), Released(Item.CHECKUP, (), "not_consented")])


def test_as_expected(seen: Seen) -> None:
    assert differences(row(), story(), seen) == []
    assert outline(row(), story(), seen) == []


def test_a_world_with_records_of_its_own(seen: Seen) -> None:
    assert outline(row(subsidy="provided", pages=("registration",)), story(answers={}), seen) == []
    told = outline(row(files=0), story(number=None, pages=["problem"], stuck="x"), seen)
    assert told == ["could not go on: x", "last page problem, expected take_card", "1 files, expected 0"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"number": None, "pages": ["idle", "problem"]}, "last page problem, expected take_card"),
        ({"pages": ["take_card"]}, "page consent_all was not shown"),
        ({"pages": [*story().pages, "registration"]}, "page registration was shown"),
        ({"failures": ["G-101"]}, "failure G-101, expected none"),
        ({"upstream": ["E1"]}, "upstream code E1, expected none"),
        ({"stuck": "key:1 on pin"}, "could not go on: key:1 on pin"),
        ({"answers": {}}, "YZK: not agreed to, and the doctor sees it"),
        ({"answers": dict.fromkeys(BOTH, True)}, "TKK: agreed to, and the doctor sees 0 rows not_consented"),
    ],
)
def test_another_visit(seen: Seen, changes: dict[str, Any], told: str) -> None:
    assert told in differences(row(), story(**changes), seen)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"failure": "C-101"}, "failure none, expected C-101"),
        ({"upstream": "E1"}, "upstream code none, expected E1"),
        ({"notice": "certificate_grace"}, "notice certificate_grace was not shown"),
        ({"counter": ("substituted",)}, "the counter was not told substituted"),
        ({"not_offered": ("pin",)}, "pin was offered"),
        ({"files": 0}, "1 files, expected 0"),
        ({"subsidy": "declined"}, "side file none 0, expected declined 0"),
        ({"subsidy": ""}, "1 side files, expected 0"),
        ({"dispense": 2}, "side file none 0, expected none 2"),
    ],
)
def test_another_expectation(seen: Seen, changes: dict[str, Any], told: str) -> None:
    assert told in differences(row(**changes), story(offered=("face", "pin")), seen)


def test_another_file(seen: Seen) -> None:
    wanted = row()
    other = MappingProxyType({"InsuredIdentificationNumber": ("9",), "ReasonOfLoss": ("03",), "Name": ()})
    told = differences(Row(wanted.persona, replace(wanted.ending, content=other)), story(), seen)
    assert told == [
        "InsuredIdentificationNumber 1001, expected 9",
        "ReasonOfLoss not there, expected 03",
        "Name 試験　花子, expected not there",
    ]
    seen.files[0].write_bytes(b"<XmlMsg/>")
    assert any(each.startswith("file refused: declaration") for each in differences(wanted, story(), seen))


def test_the_doctor_sees_all_of_it(seen: Seen) -> None:
    one = Released(Item.MEDICATION, ({"name": "a"},))
    told = differences(row(), story(), replace(seen, doctor=[one]))
    assert told == ["YZK: agreed to, and the doctor sees 1 rows "]


def test_content_and_side_content(seen: Seen) -> None:
    found = content(seen.files[0].read_bytes())
    assert found["CharacterCodeIdentifier"] == ("0",)
    assert "MessageHeader" not in found
    assert side_content(seen.side_files[0]) == ("none", 0)
    full = FullResult("r-1", result(), dispense=("SIM-1", "SIM-2"))
    seen.side_files[0].write_bytes(sidefile.write(full, "x", simulated=True))
    assert side_content(seen.side_files[0]) == ("", 2)


def test_one_kiosk_serves_rows_of_one_institution() -> None:
    table = [each.institution for each in rows()]
    assert len(set(table)) == sum(a != b for a, b in zip(table, [None, *table], strict=False))
    assert ("調剤", "UTF-8") in table
    assert ("医科", "Shift_JIS") in table


def test_names_of_rows_differ() -> None:
    names = [each.name for each in rows()]
    assert len(set(names)) == len(names)
    assert "job_changer / lookup (old number)" in names
    assert "old_kanji / face (Shift_JIS)" in names


def test_an_old_number_is_another_number() -> None:
    queries = {way(each.ending): each.role.query for each in rows({"job_changer"})}
    assert queries["lookup"] != queries["lookup (old number)"]
    assert {type(query).__name__ for query in queries.values()} == {"Query"}
