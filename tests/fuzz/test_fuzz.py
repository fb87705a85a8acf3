"""The fuzzer itself: a short run of it finds nothing, and finds a defect that is planted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.architecture.project import ROOT
from tests.conftest import Figures
from tests.fuzz import hostile


def fuzz(report: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    command = ["tools/fuzz", "--processes", "1", "--json", str(report), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    return done.returncode, json.loads(report.read_text()) if report.exists() else {}, done.stdout + done.stderr


def need_atheris() -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python")


def test_short_run(tmp_path: Path, figures: Figures) -> None:
    need_atheris()
    status, report, said = fuzz(tmp_path / "report.json", "--runs", "4000")
    assert status == 0, said
    assert report["runs"] >= 4_000
    assert report["uncaught"] == 0
    figures(f"{report['runs']} hostile executions, 0 uncaught; again: tools/fuzz --runs 4000 --seed {report['seed']}")


@pytest.mark.parametrize(
    ("plant", "found"),
    [("tlv", "IndexError"), ("verify", "VERIFY a second time")],
)
def test_planted_defect_is_found(tmp_path: Path, plant: str, found: str) -> None:
    need_atheris()
    status, report, said = fuzz(tmp_path / "report.json", "--runs", "60000", "--plant", plant)
    assert status == 1, said
    assert found in report["shares"][0]["found"]
    again = ["tools/fuzz", "--plant", plant, "--replay", report["shares"][0]["input"]]
    replayed = subprocess.run(again, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert replayed.returncode != 0
    assert found in replayed.stderr


@given(st.binary(max_size=300))
@example(b"\x00\x24")  # honest from the first byte to the last
@example(b"\x00\x01\x70\x0e\xf0\x80")  # a file that comes in crumbs
@settings(max_examples=200)
def test_any_bytes(data: bytes) -> None:
    """The same without guidance, so that every Python runs it; Hypothesis makes the input short that breaks it."""
    with hostile.prepared():
        hostile.execute(data)
