"""`kiosk scan-eval`: what it counts, its bars, and the scanner of the kiosk in a small version of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from devices.ports import ScanHint
from devices.scanner.look import Outcome
from devices.simulated.printed.people import specimen
from kiosk.cli import main, scan_eval
from kiosk.cli.scan_eval import Part, evaluate, look, misses
from tests.conftest import Figures

TODAY = date(2026, 6, 1)


class Oracle:
    """A scanner that knows what is printed on the card that is laid down next. `lies`, `alone`, `greedy`: planted."""

    def __init__(self, lies: bool = False, alone: bool = False, greedy: bool = False, blind: bool = False) -> None:
        self.lies, self.alone, self.greedy, self.blind = lies, alone, greedy, blind
        self.inputs = 0
        self._wanted = iter([specimen(index, 7, TODAY).printed.number_b for index in range(4)])
        self._number, self._looks, self._forgets = "", 0, 0

    def forget(self) -> None:
        if self._forgets % 2 == 0:
            self._number = next(self._wanted, "")
        self._forgets += 1
        self._looks = 0

    def look(self, image: object, at: float) -> Outcome:
        self._looks += 1
        if not self._number:
            if self.greedy:
                self.inputs += 3
                return Outcome(None, ScanHint.READING, None, bytearray(b"1" * 14))
            return Outcome(None, ScanHint.FACE_DOWN)
        if self.blind:
            return Outcome(None, ScanHint.UNCLEAR)
        raw = bytearray(self._number.encode()) if self.alone else None
        number = bytearray(self._number.encode())
        if self.lies:
            number[13] ^= 1
        return Outcome(None, ScanHint.READING, raw, number if self._looks >= 2 else None)


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    def place(**planted: bool) -> dict[str, Any]:
        scanner = Oracle(**planted)
        monkeypatch.setattr(scan_eval, "_scanner", lambda today: scanner)
        monkeypatch.setattr(scan_eval, "PATIENCE", 1.6)  # whoever sees nothing need not see it for long
        return evaluate(4, 3, 7, TODAY).figures()

    return place


def test_good_scanner_holds_every_bar(oracle: Any) -> None:
    figures = oracle()
    assert misses(figures) == []
    assert (figures["right"], figures["frames_median"], figures["seconds_median"]) == (4, 2, 0.6)
    assert (figures["backs"], figures["backs_told_to_turn"]) == (2, 2)
    assert {name for name in figures["by_calendar"]} == {"大正", "昭和", "平成", "令和"}


@pytest.mark.parametrize(
    ("planted", "missed"),
    [
        ("lies", ["fewer than 95% right", "a wrong number was accepted"]),
        ("alone", ["too easy: one frame alone suffices for more than 85%"]),
        ("greedy", ["a number was accepted from what is no front", "something of a back was read"]),
        ("blind", ["fewer than 95% right"]),
    ],
)
def test_planted_defect_misses_its_bar(oracle: Any, planted: str, missed: list[str]) -> None:
    assert misses(oracle(**{planted: True})) == missed


def test_cards_follow_from_their_numbers() -> None:
    one, same, other = (specimen(index, seed, TODAY) for index, seed in ((3, 7), (3, 7), (3, 8)))
    assert one.printed.number_b == same.printed.number_b != other.printed.number_b


def test_cards_can_be() -> None:
    cards = [specimen(index, 9, TODAY) for index in range(600)]
    assert all(card.printed.birth < TODAY for card in cards)
    assert all(TODAY.year - 1 <= card.printed.expiry.year <= TODAY.year + 10 for card in cards)
    assert max(card.laying.tilt for card in cards) > 14
    assert sum(card.printed.year == 1 for card in cards) > 20
    assert {card.printed.birth.isoformat() for card in cards} >= {
        "1926-12-25",
        "1989-01-07",
        "1989-01-08",
        "2019-05-01",
    }


def test_calls_that_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan-eval", "--count", "0"]) == 2
    assert "--count" in capsys.readouterr().err


def test_scanner_of_the_kiosk(tmp_path: Path, figures: Figures, capsys: pytest.CaptureFixture[str]) -> None:
    """Few cards say little about shares; what must be 0 must be 0."""
    out = tmp_path / "scan.json"
    main(["scan-eval", "--count", "5", "--others", "4", "--jobs", "1", "--json", str(out)])
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["wrong_and_accepted"], found["others_accepted"], found["inputs_of_backs"]) == (0, 0, 0)
    assert found["right"] >= 3
    figures(capsys.readouterr().out.strip().splitlines()[-1])


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_hundred_cards(tmp_path: Path, figures: Figures, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "seen.png"
    code = main(["scan-eval", "--plot", str(picture)])
    figures(capsys.readouterr().out)
    assert code == 0
    assert picture.stat().st_size > 100_000


def test_same_part_same_answer_but_for_the_time() -> None:
    part = Part(False, 0, 2, 11, TODAY)
    assert look(part) == look(part)
