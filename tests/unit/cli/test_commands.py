"""check, audit, staff, manual."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from kiosk import cli, config
from kiosk.audit import Audit
from kiosk.cli import manual
from kiosk.i18n import Catalogue
from kiosk.maintenance.credentials import is_practice
from kiosk.reception.failure import FailureCode

ROOT = Path(__file__).parents[3]


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.load(ROOT / "assets" / "i18n")


def test_check_of_the_shipped_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "check.json"
    assert cli.main(["check", "--config", str(ROOT / "config.toml"), "--json", str(result)]) == 0
    assert "no problem (not for production; simulated, practice cards only)" in capsys.readouterr().out
    found = json.loads(result.read_text())
    assert found["problems"] == []
    assert found["strangers_per_reception"] == pytest.approx(0.003)


def test_check_tells_how_many_strangers_pass_in_a_reception(capsys: pytest.CaptureFixture[str]) -> None:
    shipped = ["check", "--config", str(ROOT / "config.toml")]
    assert cli.main(shipped) == 0
    assert "at most 0.30% of strangers" in capsys.readouterr().out
    assert cli.main([*shipped, "--set", "face.attempts=5"]) == 0
    assert "at most 0.50% of strangers taken for the owner in one reception: 5 attempts" in capsys.readouterr().out
    library = ["--set", "face.engine=face_recognition", "--set", "face.grey=0.45"]
    assert cli.main([*shipped, *library]) == 0
    assert "no bound" in capsys.readouterr().out


def test_check_tells_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[camera]\ndriver = "web"\n[log]\nlevel = "loud"\n')
    result = tmp_path / "check.json"
    words = ["check", "--config", str(file), "--set", "face.frames=0", "--json", str(result)]
    assert cli.main(words) == 1
    out = capsys.readouterr().out
    assert out.count("allowed:") == 3
    assert out.splitlines()[-1].startswith("FAILED: ")
    problems = json.loads(result.read_text())["problems"]
    assert [(problem["line"], problem["key"]) for problem in problems] == [
        (0, "face.frames"),
        (2, "camera.driver"),
        (4, "log.level"),
    ]


def test_check_writes_the_reference_and_a_template(tmp_path: Path) -> None:
    docs, template = tmp_path / "docs" / "config.md", tmp_path / "config.toml"
    assert cli.main(["check", "--write-docs", str(docs), "--write-template", str(template)]) == 0
    assert docs.read_text(encoding="utf-8") == config.reference()
    assert config.load(template).face == config.FaceTable()


def test_audit_verify_and_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "audit.db"
    audit = Audit(path)
    for what in ("started", "reception_started", "stopped"):
        audit.record(what)
    audit.close()
    result = tmp_path / "audit.json"
    assert cli.main(["audit", "verify", "--db", str(path), "--json", str(result)]) == 0
    assert json.loads(result.read_text())["entries"] == 3
    capsys.readouterr()
    assert cli.main(["audit", "show", "--db", str(path), "--last", "2"]) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()[:-1]]
    assert [entry["what"] for entry in entries] == ["reception_started", "stopped"]


def test_audit_of_the_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--config", str(ROOT / "config.toml"), "--set", f"kiosk.state_dir={tmp_path}"]
    assert cli.main(["audit", "verify", *words]) == 1
    assert "no such audit file" in capsys.readouterr().out
    Audit(tmp_path / "audit.db").close()
    assert cli.main(["audit", "verify", *words]) == 0


def test_audit_that_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "audit.db"
    path.write_bytes(b"garbage" * 1000)
    assert cli.main(["audit", "verify", "--db", str(path)]) == 1
    assert cli.main(["audit", "show", "--db", str(path)]) == 1
    assert "damaged" in capsys.readouterr().out


def set_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pin: str, role: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{pin}\n"))
    words = ["--config", str(ROOT / "config.toml"), "--set", f"kiosk.state_dir={tmp_path}", "--role", role]
    return cli.main(["staff", "set-pin", *words])


def test_staff_set_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert set_pin(tmp_path, monkeypatch, "246810", "maintenance") == 0
    assert is_practice(tmp_path / "maintenance.hash")
    assert not (tmp_path / "staff.hash").exists()
    assert set_pin(tmp_path, monkeypatch, "123456", "staff") == 1
    (tmp_path / "staff.hash").mkdir()
    assert set_pin(tmp_path, monkeypatch, "830174", "staff") == 1
    told = "".join(capsys.readouterr())
    assert "246810" not in told
    assert "123456" not in told


@pytest.mark.parametrize("name", ["failures.md", "config.md", "questions.md"])
def test_the_manual_is_fresh(catalogue: Catalogue, name: str) -> None:
    """`kiosk manual --write docs` puts it right."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == manual.pages(catalogue)[name]


def test_the_manual_has_every_code_with_all_its_words(catalogue: Catalogue) -> None:
    text = manual.failures(catalogue)
    for code in FailureCode:
        section = text.split(f"\n### {code}\n")[1].split("\n### ")[0]
        assert section.count("\n- ") == 8, code


def test_manual_writes(tmp_path: Path) -> None:
    assert cli.main(["manual", "--write", str(tmp_path / "docs")]) == 0
    assert sorted(file.name for file in (tmp_path / "docs").iterdir()) == ["config.md", "failures.md", "questions.md"]
