"""The side file: what it says for every outcome, its schema, and what it refuses to say."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from kiosk.fullresult import FullResult, SubsidyCertificate, SubsidyOutcome
from kiosk.handoff import sidefile
from kiosk.handoff.errors import HandoffRefused
from kiosk.handoff.folder import Standing
from kiosk.handoff.sidefile import SideFolder, name_beside
from kiosk.qualification import JST
from tests.helpers.full import CERTIFICATE, full, provided, read_side_file

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parents[3] / "assets" / "schema" / "side-file.xsd"))
FACE = "OQSsiquc01res_face_9910000001" + "0123456789" * 2 + "_20260401090000.xml"


def written(tmp_path: Path, value: FullResult, *, simulated: bool = True) -> Path:
    path = tmp_path / name_beside(FACE)
    path.write_bytes(sidefile.write(value, FACE, simulated=simulated))
    SCHEMA.assertValid(etree.parse(path))
    return path


def test_everything(tmp_path: Path) -> None:
    found = read_side_file(written(tmp_path, provided()))
    assert (found.institution, found.face_file, found.simulation) == ("9910000001", FACE, True)
    assert found.reason == "provided"
    assert found.certificates == (
        {
            "Payer": CERTIFICATE.payer,
            "Recipient": CERTIFICATE.recipient,
            "Scheme": CERTIFICATE.scheme,
            "ValidFrom": CERTIFICATE.valid_from,
            "ValidUntil": CERTIFICATE.valid_until,
        },
    )
    assert found.tokens == ("rx-1", "rx-2")


@pytest.mark.parametrize("outcome", SubsidyOutcome)
def test_declined_none_and_unsupported_are_told_apart(tmp_path: Path, outcome: SubsidyOutcome) -> None:
    found = read_side_file(written(tmp_path, full(subsidy=outcome)))
    assert (found.reason, found.certificates, found.tokens) == (outcome.value, (), ())


def test_prescriptions_only(tmp_path: Path) -> None:
    found = read_side_file(written(tmp_path, full(dispense=("rx",))))
    assert (found.reason, found.tokens) == (None, ("rx",))


def test_only_a_simulation_says_so(tmp_path: Path) -> None:
    assert "模擬 SIMULATION".encode() in written(tmp_path, provided()).read_bytes()
    real = written(tmp_path, full(dispense=("rx",)), simulated=False)
    assert b"SIMULATION" not in real.read_bytes()
    assert not read_side_file(real).simulation


def test_what_is_empty_is_left_out(tmp_path: Path) -> None:
    open_end = SubsidyCertificate("99013010", "0000018", "見本（模擬）", "20260401", "")
    value = full(subsidy=SubsidyOutcome.PROVIDED, certificates=(open_end,))
    assert "ValidUntil" not in read_side_file(written(tmp_path, value)).certificates[0]


@pytest.mark.parametrize("outcome", [None, SubsidyOutcome.DECLINED, SubsidyOutcome.NONE, SubsidyOutcome.UNSUPPORTED])
def test_certificates_without_a_consent_are_refused(outcome: SubsidyOutcome | None) -> None:
    with pytest.raises(HandoffRefused):
        sidefile.write(full(subsidy=outcome, certificates=(CERTIFICATE,)), FACE, simulated=True)


@given(st.text(min_size=1, max_size=20))
def test_every_text_comes_back_or_is_refused(token: str) -> None:
    try:
        content = sidefile.write(full(dispense=(token,)), FACE, simulated=True)
    except HandoffRefused:
        assert any(not (character >= " " or character in "\t\n\r") or character >= "\ud800" for character in token)
        return
    found = etree.fromstring(bytes(content)).findtext("{*}Dispense/{*}Token")
    assert found == token


def test_the_folder_is_made_but_not_its_parents(tmp_path: Path) -> None:
    SideFolder(tmp_path / "extension").check()
    assert (tmp_path / "extension").is_dir()
    with pytest.raises(FileNotFoundError):
        SideFolder(tmp_path / "away" / "extension").check()


def test_one_for_each_reception_under_the_last_name(tmp_path: Path) -> None:
    folder = SideFolder(tmp_path)
    for hour in (9, 10, 10):
        name = folder.name("r1", datetime(2026, 4, 1, hour, tzinfo=JST))
        folder.put_aside("r1", bytearray(b"new"))
        folder.put_in_place("r1", name)
    folder.put_aside("r2", bytearray(b"other"))
    assert sorted(os.listdir(tmp_path)) == sorted([name, folder._temporary("r2").name])


def test_how_far_a_file_has_come(tmp_path: Path) -> None:
    folder, name = SideFolder(tmp_path / "a"), "UKT_x.xml"
    folder.check()
    here = folder.identity()
    assert folder.standing("r1", name, b"", b"elsewhere") is Standing.UNKNOWN
    assert folder.standing("r1", name, b"", here) is Standing.PLACED
    (folder.path / name).touch()
    assert folder.standing("r1", name, b"", b"elsewhere") is Standing.PLACED
    folder.put_aside("r1", bytearray(b"content"))
    assert folder.standing("r1", name, b"another", here) is Standing.DAMAGED
    assert folder.standing("r1", name, b"\xed\x70\x02\xb4", here) is Standing.ASIDE
    folder.discard("r1")
    folder.discard("r1")
    assert folder.standing("r1", name, b"", here) is Standing.PLACED
