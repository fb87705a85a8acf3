"""The integrator's kit: every code, both encodings, and four independent judges agree on every file.

Judges: `kiosk check --face-file`, our XML schema, the strict reader of face result files and the second reader. The
last two were written from the description of the layout and share nothing with the project.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from kiosk import cli
from kiosk.oqs.schema import code_tables, leaves
from kiosk.qualification import CHARACTER_CODE, QualificationResult
from tests.conformance.conftest import AT
from tests.helpers import face_file, second_reader
from tests.helpers.face_schema import refusals

CODEC = {"UTF-8": "utf-8", "Shift_JIS": "cp932"}


def plain(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


def one(manifest: dict[str, Any], key: str, encoding: str) -> dict[str, Any]:
    (found,) = [entry for entry in manifest["files"] if (entry["key"], entry["encoding"]) == (key, encoding)]
    return dict(found)


def value(entry: dict[str, Any], element: str) -> str:
    (found,) = [text for path, text in entry["expected"].items() if path.endswith(f"]/{element}")]
    return str(found)


def test_at_least_sixty_in_both_encodings(samples_folder: Path, manifest: dict[str, Any]) -> None:
    keys = {name: {entry["key"] for entry in manifest["files"] if entry["encoding"] == name} for name in CODEC}
    assert len(keys["UTF-8"]) >= 60
    assert keys["UTF-8"] == keys["Shift_JIS"]
    names = [path.name for path in samples_folder.rglob("*.xml")]
    assert sorted(names) == sorted(Path(entry["file"]).name for entry in manifest["files"])
    assert len(set(names)) == len(names) == 2 * len(keys["UTF-8"]), "a name is never used twice"


def test_every_code_of_every_coded_element_occurs(manifest: dict[str, Any]) -> None:
    seen = {(plain(path), text) for entry in manifest["files"] for path, text in entry["expected"].items()}
    coded = [(path, shape) for path, shape in leaves(QualificationResult) if shape.codes is not None]
    coded.append(("MessageHeader/CharacterCodeIdentifier", CHARACTER_CODE))
    tables = {shape.codes.name for _, shape in coded if shape.codes is not None}
    assert tables == {codes.name for codes in code_tables()}
    missing = [
        (path, code)
        for path, shape in coded
        if shape.codes is not None
        for code in shape.codes.values
        if (f"XmlMsg/{path}", code) not in seen
    ]
    assert missing == []


def test_every_element_occurs(manifest: dict[str, Any]) -> None:
    seen = {plain(path) for entry in manifest["files"] for path in entry["expected"]}
    assert {f"XmlMsg/{path}" for path, _ in leaves(QualificationResult)} <= seen


def test_check_takes_all_of_them(samples_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "check.json"
    assert cli.main(["check", "--face-file", str(samples_folder), "--json", str(report)]) == 0
    assert ", 0 that a strict consumer would refuse" in capsys.readouterr().out
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    assert len(files) >= 120
    assert not any(entry["faults"] for entry in files)


def test_the_schema_takes_all_of_them(samples_folder: Path, manifest: dict[str, Any]) -> None:
    for entry in manifest["files"]:
        assert refusals((samples_folder / entry["file"]).read_bytes()) == [], entry["key"]


def test_the_second_reader_sees_what_the_manifest_says(samples_folder: Path, manifest: dict[str, Any]) -> None:
    for entry in manifest["files"]:
        content = (samples_folder / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert second_reader.read(content, face=entry["kind"] == "face") == entry["expected"], entry["key"]
        circles = content.decode(CODEC[entry["encoding"]]).count("●")
        assert circles == entry["substituted"], entry["key"]


def test_the_strict_reader_takes_every_face_result_file(samples_folder: Path, manifest: dict[str, Any]) -> None:
    faces = [entry for entry in manifest["files"] if entry["kind"] == "face"]
    assert len(faces) >= 120
    for entry in faces:
        content = (samples_folder / entry["file"]).read_bytes()
        assert face_file.parse(content, manifest["institution"]).encoding == entry["encoding"]


def test_what_is_not_called_a_face_result_could_not_be_one(samples_folder: Path, manifest: dict[str, Any]) -> None:
    """Errors, nobody, kinds of consent that never arise at the reader; or it was asked for by number."""
    for entry in manifest["files"]:
        if entry["kind"] == "answer" and entry["expected"]["XmlMsg/MessageHeader/ReferenceClassification"] == "1":
            with pytest.raises(second_reader.Refused):
                second_reader.read((samples_folder / entry["file"]).read_bytes(), face=True)


def test_every_file_says_that_it_is_a_simulation(samples_folder: Path, manifest: dict[str, Any]) -> None:
    assert manifest["simulated"] is True
    for entry in manifest["files"]:
        assert "模擬" in (samples_folder / entry["file"]).read_bytes().decode(CODEC[entry["encoding"]]).splitlines()[1]
        expected = {plain(path).rpartition("/")[2]: text for path, text in entry["expected"].items()}
        assert expected["MedicalInstitutionCode"].startswith("99")
        assert expected.get("InsurerName", "（模擬）").endswith("（模擬）")
        assert expected.get("Name", "試験").startswith("試験")


@pytest.mark.parametrize(
    ("key", "element", "in_utf8", "in_shift_jis"),
    [
        ("unmappable-name", "Name", "試験　𠮷野葛\U000e0100子", "試験　●野葛●子"),
        ("cp932-name", "Name", "試験　髙﨑", "試験　髙﨑"),
        ("dashes", "Address", "見本県1−2−3〜5", "見本県1－2－3～5"),
        ("markup", "Address", "見本県A&B<1>\"2\"'3'", "見本県A&B<1>\"2\"'3'"),
        ("short-insurer", "InsurerNumber", "    9916", "    9916"),
        ("eight-digits", "InsurerNumber", "99139901", "99139901"),
        ("leading-zero", "InsuredIdentificationNumber", "0000345", "0000345"),
        ("short-symbol", "InsuredCardSymbol", "1", "1"),
    ],
)
def test_what_a_consumer_should_see(
    manifest: dict[str, Any], key: str, element: str, in_utf8: str, in_shift_jis: str
) -> None:
    assert value(one(manifest, key, "UTF-8"), element) == in_utf8
    assert value(one(manifest, key, "Shift_JIS"), element) == in_shift_jis


def test_the_same_time_gives_the_same_bytes(samples_folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert cli.main(["samples", "--out", str(again), "--at", AT]) == 0
    for path in samples_folder.rglob("*.*"):
        assert (again / path.relative_to(samples_folder)).read_bytes() == path.read_bytes()


def test_a_folder_that_holds_something_is_left_alone(samples_folder: Path, tmp_path: Path) -> None:
    assert cli.main(["samples", "--out", str(samples_folder)]) == 1
    (tmp_path / "file").touch()
    assert cli.main(["samples", "--out", str(tmp_path / "file")]) == 1
    assert cli.main(["samples", "--out", str(tmp_path / "file" / "below")]) == 1


def test_of_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Any day must do: a leap day, the turn of the year."""
    for at in ("20280229000000", "20261231235959", "20270101000000"):
        assert cli.main(["samples", "--out", str(tmp_path / at), "--at", at]) == 0
        assert cli.main(["check", "--face-file", str(tmp_path / at)]) == 0
    assert cli.main(["samples", "--out", str(tmp_path / "now")]) == 0
    assert cli.main(["check", "--face-file", str(tmp_path / "now")]) == 0
    with pytest.raises(SystemExit):
        cli.main(["samples", "--out", str(tmp_path / "x"), "--at", "yesterday"])
    assert "YYYYMMDDHHmmss" in capsys.readouterr().err
