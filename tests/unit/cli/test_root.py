"""The root of the command line: it finds commands, stays quick, and ends with a verdict and an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk import cli
from kiosk.cli.report import verdict

ROOT = Path(__file__).parents[3]


def kiosk(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kiosk", *words], cwd=ROOT, capture_output=True, text=True, input=text, check=False
    )


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys; from kiosk import cli; found = cli.commands(); cli.parser(None).format_help()\n"
        "print(*found); print(*sorted(name for name in sys.modules if name.startswith('kiosk.cli.')))\n"
        "print(*{'numpy', 'cv2', 'PySide6', 'requests', 'fastapi'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    names, imported, heavy = done.stdout.split("\n")[:3]
    assert {"check", "doctor", "audit", "staff", "manual"} <= set(names.split())
    assert {"report", "options"}.isdisjoint(names.split())
    assert imported == ""
    assert heavy == ""


@pytest.mark.parametrize("name", ["check", "doctor", "audit", "staff", "manual"])
def test_a_module_registers_the_command_of_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([name, "--help"])
    assert caught.value.code == 0
    assert f"usage: kiosk {name}" in capsys.readouterr().out


def test_without_a_command_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "COMMAND" in capsys.readouterr().out


def test_an_unknown_command() -> None:
    done = kiosk("nonsense")
    assert done.returncode == 2
    assert "invalid choice" in done.stderr


def test_every_command_has_a_help() -> None:
    assert all(cli.commands().values())


def test_a_wrong_config_is_shown_in_full_and_nothing_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[face]\nacept = 1\nframes = 0\n")
    assert cli.main(["audit", "show", "--config", str(file)]) == 2
    told = capsys.readouterr().err
    assert "config.toml:2: face.acept" in told
    assert "config.toml:3: face.frames" in told


def test_control_c_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.cli import check

    def stopped(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "run", stopped)
    assert cli.main(["check"]) == 130


def test_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "x.json"
    assert verdict("all fine", True, file, {"n": 1, "path": Path("a")}) == 0
    assert json.loads(file.read_text()) == {"ok": True, "verdict": "all fine", "n": 1, "path": "a"}
    assert verdict("too slow", False) == 1
    assert capsys.readouterr().out == "OK: all fine\nFAILED: too slow\n"


def test_figures_that_cannot_be_written_are_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict("all fine", True, tmp_path) == 1
    assert "cannot be written" in capsys.readouterr().err
