"""docs/states.md is what the rule book does now, and shows all of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

import pytest

from kiosk.cli import diagram as command
from kiosk.reception import diagram
from kiosk.reception import states as s
from kiosk.reception.diagram import PHASES, Edge, document, explore
from kiosk.reception.policy import Policy

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def edges() -> list[Edge]:
    return explore()


@pytest.fixture
def walked(edges: list[Edge], monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is written from that one walk: it takes seconds, and always goes the same way."""
    monkeypatch.setattr(diagram, "explore", lambda: list(edges))


@pytest.mark.untraced
def test_the_page_is_not_stale(walked: None) -> None:
    written = (ROOT / "docs" / "states.md").read_text(encoding="utf-8")
    assert written == document(Policy()), "run `kiosk diagram --write docs`"


def test_every_state_belongs_to_one_phase() -> None:
    placed = [state for states in PHASES.values() for state in states]
    assert sorted(placed, key=str) == sorted(get_args(s.State), key=str)


def test_a_hasty_walk_makes_the_same_page_but_for_the_steps_that_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer of the page line by line (traced), in a thousandth of the steps."""
    fine = diagram._key

    def hasty(value: object) -> object:
        key = fine(value)
        if not isinstance(value, s.Kiosk):
            return key
        job, failure, behind = (getattr(value.state, name, None) for name in ("job", "failure", "behind"))
        return type(value.state), job is None, failure, type(behind)

    monkeypatch.setattr(diagram, "_key", hasty)
    page = document(Policy()).splitlines()
    written = (ROOT / "docs" / "states.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ")[:2] for line in written if line.startswith("| ")]
    assert [line.split(" | ")[:2] for line in page if line.startswith("| ")] == rows
    assert len(rows) == 1 + len(get_args(s.State))
    assert [line for line in page if line.startswith("#")] == [line for line in written if line.startswith("#")]


@pytest.mark.untraced
def test_the_walk_comes_to_every_state_and_leaves_it(edges: list[Edge]) -> None:
    assert {edge.source for edge in edges} == set(get_args(s.State))
    assert {edge.target for edge in edges} == set(get_args(s.State))


@pytest.mark.untraced
def test_the_walk_knows_the_ordinary_way(edges: list[Edge]) -> None:
    found = {(edge.source, edge.label, edge.target) for edge in edges}
    assert {
        (s.Idle, "card put", s.Choosing),
        (s.Choosing, "face", s.EnteringNumber),
        (s.Looking, "face matched", s.Confirming),
        (s.Confirming, "not registered", s.OfferingRegistration),
        (s.AskingAll, "item by item", s.AskingItem),
        (s.Sending, "result came", s.HandingOff),
        (s.TakeCard, "card taken", s.Farewell),
        (s.Farewell, "deadline passed", s.Idle),
    } <= found
    assert (s.Idle, "result came", s.HandingOff) not in found


@pytest.mark.untraced
def test_the_command_writes_the_page(walked: None, tmp_path: Path) -> None:
    root = argparse.ArgumentParser()
    command.register(root.add_subparsers())
    args = root.parse_args(["diagram", "--write", str(tmp_path / "new")])
    assert command.run(args) == 0
    assert (tmp_path / "new" / "states.md").read_text(encoding="utf-8").startswith("# States of a reception")
