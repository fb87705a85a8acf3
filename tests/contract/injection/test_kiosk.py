"""Trouble with every single command, as a patient meets it: a page of the reception, then an end, and the next patient
is received. A whole kiosk but its window, its card client over scripted PC/SC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from devices.simulated.card import VirtualCard
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, TlsFolder, ensure_test_tls
from kiosk.reception.failure import FailureCode as C
from kiosk.reception.states import Ending, Method
from tests.conftest import Figures
from tests.contract.injection.troubles import TROUBLES, Kind, Trouble
from tests.helpers.cards import person
from tests.helpers.chip_reader import ChipKiosk, Visited, known
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
HANG_SECONDS, HANGING = 1.2, 8
BY_WAY = {Method.FACE: "face", Method.PIN: "pin"}
Open = Callable[[int, float], ChipKiosk]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Kiosks, each with a folder and a reader of its own, at one gateway."""
    monkeypatch.setattr("devices.card.process._REMOVAL_SECONDS", 0.02)
    monkeypatch.setattr("devices.card.process._SETTLE_SECONDS", 0.02)
    services = installed(monkeypatch)
    tls = ensure_test_tls(tmp_path / "tls", (TERMINAL,))
    with SimulatedGateway(known(PATIENT, NEXT), tls) as gateway:
        yield partial(_kiosk, services, tmp_path, gateway.url, tls)


def _kiosk(
    services: dict[str, VirtualScard], root: Path, url: str, tls: TlsFolder, number: int, hang_seconds: float
) -> ChipKiosk:
    scard = VirtualScard(f"Scripted Reader {number:02}")
    services[scard.name] = scard
    return ChipKiosk(Site(root / f"{number:02}", url, tls, {}), scard, hang_seconds)


@pytest.mark.parametrize("kind", Kind)
def test_every_index(kind: Kind, opened: Open, figures: Figures) -> None:
    points: Counter[Method] = Counter()
    pages: Counter[str] = Counter()
    with ExitStack() as stack:
        kiosk = stack.enter_context(opened(0, 20.0))
        for way in BY_WAY:
            kiosk.scard.inject()
            kiosk.receive(PATIENT, way)
            commands = kiosk.scard.transmits
            assert commands > 10
            troubles = [trouble for trouble in TROUBLES if trouble.kind is kind]
            # A garbage answer of every kind at every index is the card process' own test: here they take turns.
            turns = [(index, trouble) for index in range(commands) for trouble in troubles]
            if kind is Kind.GARBAGE:
                turns = [(index, troubles[index % len(troubles)]) for index in range(commands)]
            if kind is Kind.HANG:  # every one waits for the watchdog: many kiosks at a time
                with ThreadPoolExecutor(HANGING) as pool:
                    visits = list(pool.map(partial(_hanging, opened, way), range(1, 1 + len(turns)), turns))
            else:
                visits = [meet(kiosk, way, *turn) for turn in turns]
            points[way] += len(turns)
            pages.update(code.value for visit in visits for code in visit.failures)
            pages["card asked for"] += sum("PutBack" in visit.states for visit in visits)
            pages["another way"] += sum("StaffConfirming" in visit.states for visit in visits)
    shown = ", ".join(f"{page} {count}x" for page, count in sorted(pages.items()) if count)
    each = ", ".join(f"{name} {points[way]}" for way, name in BY_WAY.items())
    figures(f"{kind}, whole kiosk: {points.total()} injection points ({each}), 0 failures; pages: {shown}")


def _hanging(opened: Open, way: Method, number: int, turn: tuple[int, Trouble]) -> Visited:
    with opened(number, HANG_SECONDS) as kiosk:
        return meet(kiosk, way, *turn)


def meet(kiosk: ChipKiosk, way: Method, index: int, trouble: Trouble) -> Visited:
    where = f"{trouble.name} at command {index} of {BY_WAY[way]}"
    files = len(kiosk.site.files)
    kiosk.scard.inject(index, trouble)
    try:
        visit = kiosk.receive(PATIENT, way)
    except Exception as error:
        error.add_note(where)
        raise
    kiosk.scard.inject()
    assert visit.endings[-1] is Ending.DONE, where
    assert set(visit.failures) <= PAGES[trouble.kind], f"{where}: {visit.failures}"
    # Nothing was sent that the patient did not type, each time once.
    spent = {name: count for name, count in visit.card.verify_count.items() if count}
    assert spent.keys() <= {SECRETS[way]}, where
    assert spent.get(SECRETS[way], 0) <= visit.typed <= 2, f"{where}: typed {visit.typed} times, {spent}"
    assert visit.card.counters == VirtualCard(person(PATIENT)).counters, where
    assert len(kiosk.site.files) == files + 1, where

    following = kiosk.receive(NEXT, way)
    assert (following.failures, following.cards, following.typed) == ([], 1, 1), f"the next patient after {where}"
    assert len(kiosk.site.files) == files + 2, where
    return visit
