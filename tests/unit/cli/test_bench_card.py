"""The judgement of `kiosk bench card`; the measurement itself is tests/pcsc/test_bench.py."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from kiosk.cli import bench_card
from kiosk.cli.bench_card import OPENSC, OURS, PHOTO, PLAIN, SIGNATURE, Row, photo_apdus, reads, signature_apdus

LENGTHS = {"certificate": 919, "face": 13378, "cv": 568}
ROWS = [
    Row("nfc106", SIGNATURE, OURS, 14, 160, 1235, 0.155, 0.4, 14),
    Row("nfc106", PHOTO, OURS, 61, 387, 14324, 1.538, 1.9, 61),
    Row("nfc106", SIGNATURE, OPENSC, 40, 294, 4008, 0.474, 0.9),
    Row("nfc106", PHOTO, PLAIN, 57, 313, 13492, 1.443, 1.6),
]


@pytest.mark.parametrize(
    ("length", "short", "long"),
    [(1, 1, 1), (256, 1, 1), (257, 2, 2), (512, 2, 2), (513, 3, 2), (4352, 17, 2), (4353, 18, 3), (13378, 53, 5)],
)
def test_reads(length: int, short: int, long: int) -> None:
    assert (reads(length), reads(length, long=True)) == (short, long)


def test_formula() -> None:
    assert signature_apdus(919) == 14
    assert photo_apdus(13378, 568) == 61
    assert photo_apdus(13378, 568, long=True) == 12


def test_the_bars_are_met(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bench.json"
    assert bench_card.report(ROWS, LENGTHS, True, out) == 0
    written = json.loads(out.read_text())
    assert written["ok"]
    assert written["link_ratios"]["nfc106, certificate + PIN + signature"] == pytest.approx(0.327, abs=0.001)
    assert written["rows"][0]["apdus"] == 14
    said = capsys.readouterr().out
    assert said.splitlines()[-1].startswith("OK: certificate + PIN + signature: 14 APDUs against 40")
    assert "5 + 5 + reads(certificate)" in said


@pytest.mark.parametrize(
    ("rows", "same"),
    [
        (ROWS, False),  # another signature, or another certificate
        ([dataclasses.replace(ROWS[0], apdus=15), *ROWS[1:]], True),  # one command more than the formula
        ([ROWS[0], dataclasses.replace(ROWS[1], apdus=62), *ROWS[2:]], True),
        ([dataclasses.replace(ROWS[0], link_seconds=0.24), *ROWS[1:]], True),  # more than half
    ],
)
def test_each_bar_can_be_missed(rows: list[Row], same: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_card.report(rows, LENGTHS, same, None) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("FAILED: ")


def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_card, "missing_parts", list)
    monkeypatch.setattr(bench_card.shutil, "which", lambda name: None)
    assert bench_card.run("employee", tmp_path, None) == 1
    said = capsys.readouterr()
    assert "pkcs11-tool is not installed: apt-get install -y" in said.err
    assert said.out.startswith("FAILED: nothing was measured")


def test_a_persona_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_card.run("nobody at all", tmp_path, None) == 2
    assert "employee" in capsys.readouterr().err


@pytest.mark.parametrize("persona", ["driving_licence", "phone"])
def test_a_card_without_what_is_measured(
    tmp_path: Path, persona: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_card, "missing_tools", list)
    assert bench_card.run(persona, tmp_path, None) == 1
    assert "has no certificate or no photo file" in capsys.readouterr().out
