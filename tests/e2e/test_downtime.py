"""The line is down: what was put into the queue is finished when it is back, once, and the counter hears of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.downtime.queue import Outcome
from kiosk.downtime.service import TRIES
from kiosk.eligibility.server import Fault, FaultKind, SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, ensure_test_tls
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from kiosk.reception.policy import Policy
from tests.helpers.gateway import Clock, clock
from tests.helpers.headless import Count, Headless, Site, Story, people

WAYS = {"staff": "/v1/receptions", "consents": "/consents", "number": "/v1/lookups"}


class Counter:
    """A kiosk with a queue, and a line that a test cuts."""

    def __init__(self, root: Path, gateway: SimulatedGateway, site: Site) -> None:
        self.root, self.gateway, self.site = root, gateway, site
        self.key = secrets.token_bytes(32)
        self.clock: Clock = clock()
        self.kiosk = self.start()

    def start(self, policy: Policy | None = None) -> Headless:
        kiosk = Headless(self.site, now=self.clock, queue_key=self.key, policy=policy)
        return kiosk.__enter__()

    def restart(self) -> None:
        self.kiosk.__exit__()
        self.kiosk = self.start()

    def cut(self, kind: FaultKind = FaultKind.NOTHING, path: str = "") -> None:
        self.gateway.fault = Fault(kind, path=path)

    def mend(self) -> None:
        self.gateway.fault = None

    def visit(self, way: str, who: str = "child_pmh") -> Story:
        return self.kiosk.visit(who, way="pin" if way == "consents" else way, on_problem=lambda: "postpone")

    def later(self, **time: float) -> list[Outcome]:
        before = len(self.kiosk.finished)
        self.clock.forward(**(time or {"minutes": 3}))
        self.kiosk.tidy()
        self.kiosk.tidy()
        return [each.outcome for each in self.kiosk.finished[before:]]

    def count(self) -> Count:
        return Count.of(self.site, self.gateway, self.clock())


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    world, holders = people("child_pmh", "unregistered")
    tls = ensure_test_tls(tmp_path / "tls", (TERMINAL,))
    with SimulatedGateway(world, tls) as gateway:
        site = Site(tmp_path, gateway.url, tls, holders, connect=1, read=1, overall=2)
        counter = Counter(tmp_path, gateway, site)
        yield counter
        counter.kiosk.__exit__()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("restarted", [False, True])
def test_what_waits_is_finished_once(counter: Counter, way: str, restarted: bool) -> None:
    counter.cut(path=WAYS[way])
    story = counter.visit(way)
    assert story.outcome is not None
    assert story.outcome.ending is s.Ending.LATER
    assert ("postponed", "") in counter.kiosk.notes.audit
    assert counter.later(seconds=30) == []
    counter.cut()
    assert counter.later(seconds=30) == []
    counter.mend()
    if restarted:
        counter.restart()
        counter.later()
        assert [each.outcome for each in counter.kiosk.finished] == [Outcome.DONE]
    else:
        assert counter.later() == [Outcome.DONE]
    count = counter.count()
    assert (count.files, count.lost, count.doubled, count.left) == (1, 0, 0, 0)
    assert counter.later() == []


def test_nothing_may_be_shared_of_whom_staff_confirmed(counter: Counter) -> None:
    counter.cut()
    counter.visit("staff")
    counter.mend()
    assert counter.later() == [Outcome.DONE]
    (record,) = counter.gateway.call(counter.gateway.desk.records)
    assert record.answers == []


def test_who_is_not_registered_is_told_to_the_counter(counter: Counter) -> None:
    counter.cut()
    counter.visit("staff", "unregistered")
    counter.mend()
    assert counter.later() == [Outcome.REFUSED]
    assert counter.count().files == 0


def test_a_number_that_names_nobody_is_told_to_the_counter(counter: Counter) -> None:
    holder = counter.site.holders["child_pmh"]
    other = {**json.loads(holder.query), "number": "nobody"}
    counter.site.holders["child_pmh"] = replace(holder, query=json.dumps(other).encode())
    counter.cut()
    counter.visit("number")
    counter.mend()
    assert counter.later() == [Outcome.REFUSED]
    assert counter.count().files == 0


def test_an_answer_that_is_none_does_not_stand_in_the_way_for_ever(counter: Counter) -> None:
    counter.cut(path="/v1/lookups")
    counter.visit("number")
    counter.cut(FaultKind.WRONG_BODY, "/v1/lookups")
    found = [outcome for _ in range(TRIES) for outcome in counter.later(seconds=30)]
    assert found == [Outcome.REFUSED]


def test_what_is_too_old_is_removed(counter: Counter) -> None:
    counter.cut(FaultKind.ERROR)  # nothing arrives
    counter.visit("number")
    assert counter.later(hours=24) == [Outcome.EXPIRED]
    counter.mend()
    assert counter.later() == []
    assert counter.count().files == 0


def test_a_disk_that_is_full_is_told_at_once(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    counter.cut()

    def full(*_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("kiosk.downtime.queue.write_atomically", full)
    story = counter.visit("number")
    assert story.outcome is not None
    assert story.outcome.failure is FailureCode.POSTPONE_FAILED


def test_a_queue_that_cannot_be_read_waits(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    counter.cut()
    counter.visit("number")
    counter.mend()
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.downtime.queue.Queue.work_off", lambda *_: Path("/nonexistent").read_bytes())
        assert counter.later() == []
    assert counter.later() == [Outcome.DONE]


def test_a_folder_that_is_away_delays_what_waited(counter: Counter) -> None:
    counter.cut()
    counter.visit("staff")
    counter.mend()
    aside = counter.root / "aside"
    counter.site.face.rename(aside)
    assert counter.later() == [Outcome.DONE]
    aside.rename(counter.site.face)
    assert counter.later() == []
    count = counter.count()
    assert (count.files, count.lost) == (1, 0)


def test_without_the_opt_in_nothing_is_kept(tmp_path: Path) -> None:
    world, holders = people("child_pmh")
    tls = ensure_test_tls(tmp_path / "tls", (TERMINAL,))
    with SimulatedGateway(world, tls) as gateway:
        site = Site(tmp_path, gateway.url, tls, holders, connect=1, read=1, overall=2)
        gateway.fault = Fault(FaultKind.NOTHING)
        # The page offers it only with a queue; this is what stands behind it without one.
        with Headless(site, policy=Policy(postpone=True)) as kiosk:
            story = kiosk.visit("child_pmh", way="number", on_problem=lambda: "postpone")
    assert story.outcome is not None
    assert story.outcome.failure is FailureCode.POSTPONE_FAILED
    assert not (tmp_path / "state" / "queue").exists()
