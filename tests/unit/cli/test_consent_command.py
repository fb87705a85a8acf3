"""Staff show and withdraw the consents of a 受付番号 while the kiosk runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kiosk.audit.chain import read as read_audit
from kiosk.cli import consent, main
from kiosk.eligibility.server import Fault, FaultKind, SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, ensure_test_tls
from kiosk.qualification import JST
from tests.helpers.headless import Headless, Site, people


@dataclass
class Counter:
    kiosk: Headless
    gateway: SimulatedGateway
    root: Path

    def call(self, action: str, number: int = 1, *more: str) -> tuple[int, dict[str, Any]]:
        out = self.root / "out.json"
        state = self.root / "state"
        words = ["consent", action, "--number", str(number), "--json", str(out), "--set", f"kiosk.state_dir={state}"]
        code = main([*words, *(more or ("--gateway", self.gateway.url))])
        return code, json.loads(out.read_text())


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    world, holders = people("employee")
    tls = ensure_test_tls(tmp_path / "state" / "test-tls", (TERMINAL,))
    with SimulatedGateway(world, tls) as gateway, Headless(Site(tmp_path, gateway.url, tls, holders)) as kiosk:
        yield Counter(kiosk, gateway, tmp_path)


def test_what_the_record_says(counter: Counter, capsys: pytest.CaptureFixture[str]) -> None:
    counter.kiosk.visit("employee")
    code, found = counter.call("show")
    assert code == 0
    record = found["record"]
    assert {answer["item"]: answer["given"] for answer in record["answers"]} == {"YZK": True, "TKK": True}
    assert (record["text_version"], record["language"], record["withdrawn_at"]) == ("headless-ja", "ja", None)
    said = capsys.readouterr().out
    assert "medication    yes" in said
    assert "wording headless-ja, language ja" in said
    assert f"given {datetime.now(JST):%Y-%m-%d}" in said
    assert "reception" not in record


def test_withdrawn_once_and_recorded(counter: Counter, capsys: pytest.CaptureFixture[str]) -> None:
    counter.kiosk.visit("employee")
    assert counter.call("withdraw")[0] == 0
    code, found = counter.call("show")
    assert code == 0
    assert found["record"]["withdrawn_at"] is not None
    assert "withdrawn 20" in capsys.readouterr().out
    entries = [json.loads(body) for _, body, _ in read_audit(counter.root / "state" / "audit.db")]
    assert [entry["what"] for entry in entries] == ["consent_withdrawn"]


def test_nothing_in_force_is_nothing_to_withdraw(counter: Counter) -> None:
    counter.kiosk.visit("employee", way="staff", yes=False)
    code, found = counter.call("withdraw")
    assert (code, found["withdrawn"]) == (1, False)
    assert not (counter.root / "state" / "audit.db").exists()


def test_a_look_up_has_no_consents(counter: Counter) -> None:
    counter.kiosk.visit("employee", way="number")
    assert counter.call("show") == (1, {"number": 1, "ok": False, "verdict": "number 1: the gateway has no consents"})


def test_numbers_are_those_of_today(counter: Counter) -> None:
    counter.kiosk.visit("employee")
    assert counter.call("show", 2)[1]["verdict"] == "there was no number 2 today"
    assert counter.call("show", 1, "--yesterday")[1]["verdict"] == "there was no number 1 yesterday"
    journal = counter.root / "state" / "handoff.journal"
    assert consent.find(journal, 1, datetime.now(JST)) is not None
    assert consent.find(journal, 1, datetime.now(JST) + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("spoil", "more", "verdict"),
    [
        (lambda counter: None, ("--set", "gateway.read_seconds=1"), "--gateway URL"),
        (lambda counter: setattr(counter.gateway, "fault", Fault(FaultKind.ERROR)), (), "G-102 simulated_failure"),
        (lambda counter: (counter.root / "state" / "handoff.journal").write_bytes(b"x"), (), "JournalDamaged"),
        (lambda counter: (counter.root / "state" / "handoff.journal").unlink(), (), "FileNotFoundError"),
    ],
)
@pytest.mark.parametrize("action", ["show", "withdraw"])
def test_what_stands_in_the_way(
    counter: Counter, action: str, spoil: Callable[[Counter], object], more: tuple[str, ...], verdict: str
) -> None:
    counter.kiosk.visit("employee")
    spoil(counter)
    code, found = counter.call(action, 1, *more)
    assert code == 1
    assert verdict in found["verdict"]


def test_an_audit_that_cannot_be_written_is_told(counter: Counter) -> None:
    counter.kiosk.visit("employee")
    (counter.root / "state" / "audit.db").mkdir()
    code, found = counter.call("withdraw")
    assert code == 1
    assert "audit could not be written" in found["verdict"]
