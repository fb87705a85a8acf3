"""`kiosk demo`: a real window, real card and face processes, a gateway in its own process, with the in-process card."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devices.simulated.personas import load_personas
from devices.simulated.world import personas_folder
from kiosk import cli
from kiosk.cli.endings import rows
from kiosk.oqs.rules import check
from tests.helpers import face_schema, second_reader

ROOT = Path(__file__).parents[3]
# One of each: look-up, paper refused, card that says nothing, registration, a pharmacy's choice, ●.
SOME = ("certificate_holder", "notice_only", "phone", "unregistered_pin", "pharmacy_decliner", "old_insurance_card")


def play(folder: Path, *words: str) -> dict[str, Any]:
    """What `kiosk demo` says of itself, run in an empty folder."""
    result = folder / "demo.json"
    command = [sys.executable, "-m", "kiosk", "demo", "--config", str(ROOT / "config.toml"), "--offscreen"]
    command += ["--reader", "simulated", "--out", str(folder / "out"), "--json", str(result), *words]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=1700, env={"PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def hold(folder: Path, found: dict[str, Any], expected: int) -> None:
    """As expected, and every file passes our rules, the schema and a reader of another make."""
    assert [row["differences"] for row in found["rows"]] == [[]] * expected
    files = sorted((folder / "out" / "handoff" / "face").glob("*.xml"))
    assert len(files) == sum(row["reached"]["files"] for row in found["rows"])
    for file in files:
        data = file.read_bytes()
        assert check(file.name, data) == []
        assert face_schema.refusals(data) == []
        assert second_reader.read(data, face=True)


def test_a_few_of_every_kind(tmp_path: Path) -> None:
    """About 15 s: a whole kiosk starts twice, for a clinic and for a pharmacy."""
    found = play(tmp_path, "--all", "--only", ",".join(SOME))
    hold(tmp_path, found, len(rows(SOME)))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_ending_of_every_persona(tmp_path: Path) -> None:
    found = play(tmp_path, "--all")
    hold(tmp_path, found, len(rows()))
    assert {row["persona"] for row in found["rows"]} == {persona.id for persona in load_personas(personas_folder())}


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(load_personas(personas_folder())) + 2 >= 30
    (employee,) = (line for line in lines if line.startswith("employee "))
    assert employee.split("  ")[-1].strip() == "face, pin, staff, each, decline, swap, lookup, leaflet"


def test_who_is_unknown_is_not_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["demo", "--out", str(tmp_path / "out"), "--config", str(ROOT / "config.toml")]
    assert cli.main([*words, "--persona", "nobody_at_all"]) == 1
    assert cli.main([*words, "--all", "--only", "employee,nobody_at_all"]) == 1
    told = capsys.readouterr().out
    assert told.count("there is no persona 'nobody_at_all'") == 2
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit):
        cli.main([*words, "--way", "swim"])
