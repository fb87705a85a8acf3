"""`kiosk simulate card`: what it refuses, and a card that it offers to a reader played by the test."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.cli import simulate_card
from tests.contract.card.test_vpcd import SELECT, Reader

WRONG_PIN = bytes.fromhex("0020009804") + b"9999"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the world of one person is kept."""
    return tmp_path_factory.mktemp("build")


def run(build: Path, words: list[str], wait: Callable[[], None] = lambda: None) -> int:
    parser = argparse.ArgumentParser()
    simulate_card.register(parser.add_subparsers(dest="part"))
    return simulate_card.run(parser.parse_args(["card", *words]), build, wait)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--persona", "x"], "no persona 'x'; there are: "),
        (["--fault", "at 1: explode"], "line 1: 'explode': allowed: pull"),
        (["--fault", "missing.txt"], "--fault missing.txt: no such file"),
        (["--option", "colour=red"], "colour: no such option of a card; allowed: interface"),
        (["--option", "blocked=1"], "blocked: allowed: 6983, 6984"),
        (["--option", "chained=maybe"], "chained: allowed: true, false"),
        (["--option", "pace"], "pace: allowed: none, usb, nfc106"),
    ],
)
def test_wrong_words_are_named(build: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert run(build, words) == 2
    assert message in capsys.readouterr().err


def test_wrong_files_are_named(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script"
    script.write_text("at 1: pull\n\nins 2: pull\n")
    assert run(build, ["--fault", str(script)]) == 2
    assert f"{script}: line 3: 'ins 2': allowed: at N" in capsys.readouterr().err
    script.write_bytes(b"\xff")
    assert run(build, ["--fault", str(script)]) == 2
    counters = tmp_path / "counters"
    counters.write_text("[]")
    assert run(build, ["--counters", str(counters)]) == 2
    assert "not a file of try counters" in capsys.readouterr().err


def test_a_card_is_offered_and_its_counters_are_kept(build: Path, tmp_path: Path) -> None:
    result, script = tmp_path / "result.json", tmp_path / "script"
    script.write_text("ins 20 2: answer 6F00\n")
    words = ["--reader", "contactless", "--pace", "nfc106", "--fault", str(script), "--fault", "at 3: sw 6283"]
    words += ["--counters", str(tmp_path / "counters.json"), "--json", str(result), "--option", "blocked=6983"]
    reader = Reader()
    try:
        answers: list[bytes | None] = []

        def play() -> None:
            reader.accept()
            answers.append(reader.ask(b"\x04"))
            reader.send(b"\x01")
            answers.extend(reader.ask(apdu) for apdu in (SELECT, WRONG_PIN, WRONG_PIN, SELECT))
            reader.close_line()

        assert run(build, [*words, "--port", str(reader.port)], play) == 0
    finally:
        reader.close()
    assert answers == [bytes.fromhex(each) for each in ("3b888001000005e0b381a1007f", "9000", "63c2", "6f00", "6283")]
    told = json.loads(result.read_text())
    assert told["ok"]
    assert told["counters"]["jpki/0018"] == 2
    assert told["verify_count"]["jpki/0018"] == 1
    assert told["traffic"]["apdus"] == 4
    assert told["traffic"]["link_seconds"] == told["traffic"]["nfc106_seconds"] > 0.01
    assert json.loads((tmp_path / "counters.json").read_text())["employee"]["jpki/0018"] == 2


def test_the_experimental_card_is_another_one(build: Path) -> None:
    reader = Reader()
    try:
        answers: list[bytes | None] = []

        def play() -> None:
            reader.accept()
            reader.send(b"\x01")
            answers.append(reader.ask(SELECT))
            answers.append(reader.ask(b"\x00\xa4\x04\x0c\x0f\xf0TEST-P384-AUTH"))
            reader.close_line()

        assert run(build, ["--experimental", "--port", str(reader.port)], play) == 0
    finally:
        reader.close()
    assert answers == [b"\x6a\x82", b"\x90\x00"]
