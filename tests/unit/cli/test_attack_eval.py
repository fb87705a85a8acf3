"""`kiosk attack-eval`: its figures, its bars, and a few attempts of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.cli import main
from kiosk.cli.attack_eval import REPORTED, TUNED, Figures, Try, attempt, bound, misses, summarise, table


def tries(species: str, mode: str, accepted: int, of: int) -> list[Try]:
    return [Try(species, mode, number, number < accepted, "live", 1.0, "") for number in range(of)]


def missed(species: str, mode: str, accepted: int, of: int) -> bool:
    return bool(misses(summarise(tries(species, mode, accepted, of))))


def test_bounds_are_the_exact_ones() -> None:
    assert bound(0, 300, above=True) == pytest.approx(1 - 0.05 ** (1 / 300), abs=1e-4)
    assert bound(300, 300, above=True) == 1.0
    assert bound(0, 10, above=False) == 0.0
    assert bound(10, 10, above=False) == pytest.approx(0.05**0.1, abs=1e-4)


def test_what_is_reported_was_not_tuned_on() -> None:
    assert not set(TUNED) & set(REPORTED)


@pytest.mark.parametrize(
    ("species", "mode", "accepted", "of", "is_missed"),
    [
        ("flat", "challenge", 0, 300, False),
        ("flat", "challenge", 1, 300, True),
        ("replay", "challenge", 1, 20, True),
        ("cut_in", "challenge", 0, 20, False),  # too few for the bound: said by their number
        ("relief", "challenge", 15, 300, False),
        ("relief", "challenge", 16, 300, True),
        ("live", "challenge", 475, 500, False),
        ("live", "challenge", 474, 500, True),
        ("live", "passive", 474, 500, True),
        ("flat", "off", 270, 300, False),
        ("flat", "off", 269, 300, True),
        ("flat", "passive", 300, 300, False),  # stated, not promised
        ("relief", "off", 0, 300, False),
    ],
)
def test_bars(species: str, mode: str, accepted: int, of: int, is_missed: bool) -> None:
    assert missed(species, mode, accepted, of) is is_missed


def test_the_table_has_a_row_for_each_species_and_mode() -> None:
    rows = table([Figures("flat", "off", 300, 290, 0.98, 1.2, {})]).splitlines()
    assert rows[-1] == "| off | flat | 300 | 290 | 96.7% | 98.0% | 1.2 |"


@pytest.mark.parametrize(
    ("species", "mode", "accepted"),
    [("live", "challenge", True), ("flat", "challenge", False), ("flat", "off", True)],
)
def test_one_attempt(species: str, mode: str, accepted: bool) -> None:
    seen = attempt(species, mode, TUNED.start)
    assert seen.accepted is accepted
    assert seen.presence == ("live" if accepted else "attack")


def test_a_card_without_a_face_refuses_the_living_and_is_no_target() -> None:
    nobody = 15_471  # a run ended at this person's photo after 50 minutes
    refused = attempt("live", "challenge", nobody)
    assert (refused.accepted, refused.because) == (False, "no face on the card")
    attacked = attempt("flat", "off", nobody)
    assert attacked.accepted
    assert attacked.seed != nobody


def test_the_command_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "attacks.json"
    words = ["attack-eval", "--attacks", "1", "--people", "1", "--first", str(TUNED.start + 1), "--modes", "off"]
    assert main([*words, "--species", "flat", "--jobs", "1", "--json", str(out)]) == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    assert [(each["species"], each["accepted"]) for each in written["figures"]] == [("live", 1), ("flat", 1)]
    assert written["seeds_of_tuning"] == [TUNED.start, TUNED.stop - 1]
    assert capsys.readouterr().out.splitlines()[-1].startswith("OK: simulated-attack rejection")


@pytest.mark.parametrize("words", [["--modes", "perfect"], ["--species", "ghost"], ["--attacks", "0"]])
def test_what_is_not_there_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attack-eval", *words]) == 2
    assert words[0] in capsys.readouterr().err
