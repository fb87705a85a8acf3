"""The table of rules, the schema, and the commands around them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kiosk import cli
from kiosk.oqs import schema
from kiosk.oqs.rules import ANSWER, RULES, check
from kiosk.oqs.terms import TERMS
from kiosk.qualification import QualificationResult
from tests.helpers.results import result
from tests.unit.oqs.test_document import written

ROOT = Path(__file__).parents[3]


def test_every_rule_has_its_own_name_and_says_something() -> None:
    names = [rule.id for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", rule.id)
        assert rule.says.endswith(".")
        assert rule.basis == ("sourced" if rule.source else "unverified")


def test_the_committed_schema_is_todays() -> None:
    """`kiosk check --write-schema assets/schema/face-result.xsd` renews it."""
    assert (ROOT / "assets/schema/face-result.xsd").read_text(encoding="utf-8") == schema.xsd()
    assert "not the official one" in schema.xsd()


def test_the_tables_of_the_page_are_todays() -> None:
    """`kiosk check --write-face-docs docs/face-file.md` renews them."""
    page = (ROOT / "docs/face-file.md").read_text(encoding="utf-8")
    assert schema.filled(page) == page


def test_every_element_has_its_japanese_name_and_there_are_no_others() -> None:
    elements = {step for path, _ in schema.leaves(QualificationResult) for step in path.split("/")}
    assert set(TERMS) == elements | {"CharacterCodeIdentifier"}


def test_a_page_without_its_marks() -> None:
    with pytest.raises(ValueError, match="layout"):
        schema.filled("# Face result file\n")


def test_written_by_the_command(tmp_path: Path) -> None:
    xsd, page = tmp_path / "x" / "face.xsd", tmp_path / "page.md"
    page.write_text("".join(f"<!-- {name} -->\nstale\n<!-- /{name} -->\n" for name in ("layout", "codes", "rules")))
    assert cli.main(["check", "--write-schema", str(xsd), "--write-face-docs", str(page)]) == 0
    assert xsd.read_text(encoding="utf-8") == schema.xsd()
    assert "stale" not in page.read_text(encoding="utf-8")
    assert schema.rule_table() in page.read_text(encoding="utf-8")


def test_the_rules_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "rules.json"
    assert cli.main(["check", "--rules", "--json", str(report)]) == 0
    out = capsys.readouterr().out
    for rule in RULES:
        assert re.search(rf"^{rule.id} +{rule.basis} ", out, re.MULTILINE)
    assert [rule["rule"] for rule in json.loads(report.read_text(encoding="utf-8"))["rules"]] == [
        rule.id for rule in RULES
    ]


def test_an_answer_by_number_is_not_held_to_the_rules_of_face_files() -> None:
    data = written(result(checkup_consent="2"))
    assert check(f"{ANSWER}20260401.xml", data) == []
    assert [fault.rule.id for fault in check("whatever.xml", data)] == ["name", "face-consent"]
    assert [fault.rule.id for fault in check("whatever.xml", b"")] == ["name", "declaration"]


def test_a_broken_file_in_a_good_name() -> None:
    assert [fault.rule.id for fault in check(f"{ANSWER}face_{'1' * 30}_20260401000000.xml", b"")] == ["declaration"]


def test_a_file_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--face-file", str(tmp_path / f"{ANSWER}1.xml")]) == 1
    assert "unreadable (sourced): file: FileNotFoundError" in capsys.readouterr().out


def test_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--face-file", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("FAILED: ")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / f"{ANSWER}1.xml").write_bytes(written(result()))
    (tmp_path / f"{ANSWER}1.tmp").write_bytes(b"half")
    (tmp_path / "other.xml").write_bytes(b"<a/>")
    assert cli.main(["check", "--face-file", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("OK: 1 file(s), 0 ")


def test_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / f"{ANSWER}1.xml", tmp_path / f"{ANSWER}2.xml"
    good.write_bytes(written(result()))
    bad.write_bytes(written(result()).replace(b"<Sex1>2", b"<Sex1>7"))
    assert cli.main(["check", "--face-file", str(good), "--face-file", str(bad)]) == 1
    out = capsys.readouterr().out
    assert f"{bad}: code (sourced): XmlMsg/" in out
    assert out.splitlines()[-1].startswith("FAILED: 2 file(s), 1 ")
