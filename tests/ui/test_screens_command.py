"""`kiosk screens` ends with one verdict line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from kiosk.cli import screens


def _parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    screens.register(parser.add_subparsers())
    return parser.parse_args(["screens", *words])


def test_pictures_list_and_verdict(qtbot: QtBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = _parse("--out", str(tmp_path), "--json", str(tmp_path / "list.json"), "--only", "last_try")
    assert args.run(args) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("screens: OK - 2 pictures of 2 languages")
    table = json.loads((tmp_path / "list.json").read_text(encoding="utf-8"))
    assert table["flaws"] == []
    assert all((tmp_path / picture).is_file() for picture in table["pictures"])


def test_nothing_drawn_is_a_failure(qtbot: QtBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = _parse("--out", str(tmp_path), "--only", "no such page")
    assert args.run(args) == 1
    assert "FAILED" in capsys.readouterr().out
