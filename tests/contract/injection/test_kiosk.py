"""Trouble with every single command, as a patient meets it: a page of the reception, then an end, and the next patient
is received. A whole kiosk but its window; its card client over scripted PC/SC, and over a genuine pcscd."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from devices.simulated.card import VirtualCard
from devices.simulated.pcscd import PcscdLane
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, ensure_test_tls
from kiosk.reception.failure import FailureCode as C
from kiosk.reception.states import Ending, Method
from tests.conftest import Figures
from tests.contract.injection.troubles import TROUBLES, Kind, Trouble
from tests.helpers.cards import person
from tests.helpers.chip_reader import ChipKiosk, PcscdHand, ScriptedHand, Visited, known
from tests.helpers.headless import Site
from tests.helpers.virtual_scard import VirtualScard, installed

PATIENT, NEXT = "employee", "elder"
SECRETS = {Method.FACE: "visual/0012", Method.PIN: "jpki/0018"}
# Pages that may come before the patient is done; a card that was taken is asked for without a problem page.
PAGES = {
    Kind.REMOVAL: {C.CARD_UNREADABLE},
    Kind.RESET: {C.CARD_RESET},
    Kind.HANG: {C.READER_HUNG},
    Kind.GARBAGE: {
        C.CARD_PROTOCOL, C.CARD_UNREADABLE, C.NOT_THIS_CARD, C.CERTIFICATE_UNREADABLE, C.PRACTICE_ONLY, C.PIN_BLOCKED,
        C.NUMBER_GUARDED, C.EVIDENCE_INSUFFICIENT,
    },
}  # fmt: skip
HANG_SECONDS, HANGING = 2.0, 14
GENUINE_HANG_SECONDS = 2.0
SOME, APART = 20, 4
BY_WAY = {Method.FACE: "face", Method.PIN: "pin"}
Open = Callable[[int, float], ChipKiosk]
OpenApart = Callable[[int], AbstractContextManager[ChipKiosk]]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Callable[[int], Site]]:
    """Where kiosks live that talk to one gateway, each with a folder of its own."""
    tls = ensure_test_tls(tmp_path / "tls", (TERMINAL,))
    with SimulatedGateway(known(PATIENT, NEXT), tls) as served:
        yield lambda number: Site(tmp_path / f"{number:02}", served.url, tls, {})


@pytest.fixture
def opened(gateway: Callable[[int], Site], monkeypatch: pytest.MonkeyPatch) -> Open:
    """Kiosks, each with a reader of its own."""
    services = installed(monkeypatch)

    def kiosk(number: int, hang_seconds: float) -> ChipKiosk:
        scard = VirtualScard(f"Scripted Reader {number:02}")
        services[scard.name] = scard
        return ChipKiosk(gateway(number), ScriptedHand(scard, hang_seconds))

    return kiosk


def commands_of(kiosk: ChipKiosk, way: Method) -> int:
    """How many commands the card gets when nothing happens."""
    kiosk.hand.inject()
    visit = kiosk.receive(PATIENT, way)
    assert (visit.failures, visit.cards) == ([], 1)
    assert kiosk.hand.commands() > 10
    return kiosk.hand.commands()


def turns_of(kind: Kind, commands: int) -> list[tuple[int, Trouble]]:
    """A garbage answer of every kind at every index is the card process' own test: here they take turns."""
    troubles = [trouble for trouble in TROUBLES if trouble.kind is kind]
    if kind is Kind.GARBAGE:
        return [(index, troubles[index % len(troubles)]) for index in range(commands)]
    return [(index, trouble) for index in range(commands) for trouble in troubles]


class Tally:
    def __init__(self) -> None:
        self.points: Counter[str] = Counter()
        self.pages: Counter[str] = Counter()

    def add(self, way: Method, visit: Visited) -> None:
        self.points[BY_WAY[way]] += 1
        self.pages.update(code.value for code in visit.failures)
        self.pages["card asked for"] += "PutBack" in visit.states
        self.pages["another way"] += "StaffConfirming" in visit.states

    def __str__(self) -> str:
        each = ", ".join(f"{name} {count}" for name, count in self.points.items())
        pages = ", ".join(f"{page} {count}x" for page, count in sorted(self.pages.items()) if count)
        return f"{self.points.total()} injection points ({each}), 0 failures; pages: {pages}"


@pytest.mark.parametrize("kind", Kind)
def test_every_index(kind: Kind, opened: Open, monkeypatch: pytest.MonkeyPatch, figures: Figures) -> None:
    tally = Tally()
    if kind is Kind.GARBAGE:  # such a card stays: waiting longer for its removal changes nothing
        monkeypatch.setattr("devices.card.process._REMOVAL_SECONDS", 0.02)
    with opened(0, 20.0) as kiosk:
        for way in BY_WAY:
            turns = turns_of(kind, commands_of(kiosk, way))
            if kind is Kind.HANG:  # every one waits for the watchdog: many kiosks at a time
                with ThreadPoolExecutor(HANGING) as pool:
                    visits = list(pool.map(partial(_hanging, opened, way), itertools.count(1), turns))
            else:
                visits = [meet(kiosk, way, *turn) for turn in turns]
            for visit in visits:
                tally.add(way, visit)
    figures(f"{kind}, whole kiosk: {tally}")


def _hanging(opened: Open, way: Method, number: int, turn: tuple[int, Trouble]) -> Visited:
    with opened(number, HANG_SECONDS) as kiosk:
        return meet(kiosk, way, *turn)


@pytest.fixture
def apart(gateway: Callable[[int], Site], pcsc_lane: None) -> OpenApart:
    """Kiosks, each with a pcscd of its own."""

    @contextmanager
    def kiosk(number: int) -> Iterator[ChipKiosk]:
        with PcscdLane.start() as lane, ChipKiosk(gateway(number), PcscdHand(lane, GENUINE_HANG_SECONDS)) as opened:
            yield opened

    return kiosk


@pytest.fixture
def genuine(apart: OpenApart) -> Iterator[ChipKiosk]:
    with apart(0) as kiosk:
        yield kiosk


@pytest.mark.pcsc
@pytest.mark.timeout(600)
def test_some_over_pcscd(apart: OpenApart, figures: Figures) -> None:
    """Twenty points of all; which ones, the seed decides. Hands and readers are slow: several kiosks at a time."""
    seed = int(os.environ.get("INJECTION_SEED") or random.SystemRandom().randrange(10**6))
    with apart(0) as kiosk:
        counts = {way: commands_of(kiosk, way) for way in BY_WAY}
    every = [(way, turn) for way in BY_WAY for kind in Kind for turn in turns_of(kind, counts[way])]
    chosen = random.Random(seed).sample(every, SOME)

    def some(number: int) -> list[tuple[Method, Visited]]:
        with apart(number) as kiosk:
            return [(way, meet(kiosk, way, *turn)) for way, turn in chosen[number::APART]]

    tally = Tally()
    try:
        with ThreadPoolExecutor(APART) as pool:
            for visits in pool.map(some, range(APART)):
                for way, visit in visits:
                    tally.add(way, visit)
    except BaseException as error:
        error.add_note(f"again: INJECTION_SEED={seed}")
        raise
    assert tally.points.total() == SOME
    figures(f"over pcscd, INJECTION_SEED={seed}: {tally}")


@pytest.mark.pcsc
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", BY_WAY)
@pytest.mark.parametrize("kind", Kind)
def test_every_index_over_pcscd(kind: Kind, way: Method, genuine: ChipKiosk, figures: Figures) -> None:
    tally = Tally()
    for turn in turns_of(kind, commands_of(genuine, way)):
        tally.add(way, meet(genuine, way, *turn))
    figures(f"{kind}, over pcscd: {tally}")


def meet(kiosk: ChipKiosk, way: Method, index: int, trouble: Trouble) -> Visited:
    where = f"{trouble.name} at command {index} of {BY_WAY[way]}"
    files = len(kiosk.site.files)
    kiosk.hand.inject(index, trouble)
    try:
        visit = kiosk.receive(PATIENT, way)
    except BaseException as error:
        error.add_note(where)
        raise
    assert visit.endings[-1] is Ending.DONE, where
    assert set(visit.failures) <= kiosk.hand.pages(trouble.kind, PAGES), f"{where}: {visit.failures}"
    # Nothing was sent that the patient did not type, each time once.
    spent = kiosk.hand.verifications()
    assert spent.keys() <= {SECRETS[way]}, where
    assert spent.get(SECRETS[way], 0) <= visit.typed <= 2, f"{where}: typed {visit.typed} times, {spent}"
    assert kiosk.hand.counters() == VirtualCard(person(PATIENT)).counters, where
    assert len(kiosk.site.files) == files + 1, where

    kiosk.hand.inject()
    try:
        following = kiosk.receive(NEXT, way)
    except BaseException as error:
        error.add_note(f"the next patient after {where}")
        raise
    assert (following.failures, following.cards, following.typed) == ([], 1, 1), f"the next patient after {where}"
    assert len(kiosk.site.files) == files + 2, where
    return visit
