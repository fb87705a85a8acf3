"""Trouble with every single command of a patient's way, as the card process meets it: one typed answer, no try burnt
twice, and the next card works. Over PC/SC made of a script, so that all of `devices.pcsc` takes part."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from devices.blob import Blob
from devices.card.reader import SupervisedCardReader
from devices.errors import DeviceFault
from devices.ports import (
    CardEvent,
    CardGone,
    CardPresent,
    CardReader,
    CardRefused,
    CertificateRead,
    PhotoRead,
    PinSigned,
    ReaderReady,
)
from devices.simulated.card import VirtualCard
from devices.supervisor import InProcess, blobs_of
from tests.conftest import Figures
from tests.contract.injection.troubles import TROUBLES, Kind, Trouble
from tests.helpers.cards import Events, options, person, personas
from tests.helpers.virtual_scard import VirtualScard, installed

MESSAGE = b"UKETSUKE-TEST"
PATIENT, NEXT = "employee", "elder"
HANG_SECONDS, HANGING = 1.5, 40
Ask = Callable[[CardReader, int, int, str], None]


def certificate(reader: CardReader, job: int, presence: int, who: str) -> None:
    reader.read_certificate(job, presence)


def photo(reader: CardReader, job: int, presence: int, who: str) -> None:
    reader.read_photo(job, presence, Blob.of(personas()[who].number_b.encode()), Blob.of(MESSAGE))


def sign(reader: CardReader, job: int, presence: int, who: str) -> None:
    reader.sign_with_pin(job, presence, Blob.of(personas()[who].pin.encode()), Blob.of(MESSAGE))


def wrong_number(reader: CardReader, job: int, presence: int, who: str) -> None:
    reader.read_photo(job, presence, Blob.of(b"0" * 14), Blob.of(MESSAGE))


def wrong_pin(reader: CardReader, job: int, presence: int, who: str) -> None:
    reader.sign_with_pin(job, presence, Blob.of(b"9999"), Blob.of(MESSAGE))


FLOWS: dict[str, list[Ask]] = {
    "face": [certificate, photo],
    "pin": [certificate, sign],
    "wrong number": [certificate, wrong_number],
    "wrong pin": [certificate, wrong_pin],
}
# What the card says of itself in the flows with a wrong secret.
SAID = {"wrong number": DeviceFault.NUMBER_WRONG, "wrong pin": DeviceFault.PIN_WRONG}
SECRETS = {"face": "visual/0012", "pin": "jpki/0018", "wrong number": "visual/0012", "wrong pin": "jpki/0018"}


class Kit:
    """A card process with a reader of its own; `with` starts and ends it."""

    def __init__(self, services: dict[str, VirtualScard], number: int = 0, hang_seconds: float = 20.0) -> None:
        name = f"Scripted Reader {number:02}"
        self.scard = services[name] = VirtualScard(name)
        self.events = Events()
        self.reader = SupervisedCardReader(options(driver="pcsc", reader=name, hang_seconds=hang_seconds), InProcess)
        self._jobs = itertools.count(1)

    def __enter__(self) -> Kit:
        self.reader.start(self.events)
        self.events.next(ReaderReady)
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.stop()

    def put(self, card: VirtualCard) -> int:
        self.scard.put(card)
        return self.events.until(CardPresent).presence

    def take(self) -> None:
        """Returns when the removal was told, which may have been before."""
        self.scard.take()
        cards = [event for event in self.events.seen if isinstance(event, CardPresent | CardGone)]
        if isinstance(cards[-1], CardPresent):
            self.events.until(CardGone)

    def ask(self, ask: Ask, presence: int, who: str) -> CardRefused | None:
        """The one answer; None: it succeeded. A second answer is a failure of the test that asks next."""
        ask(self.reader, job := next(self._jobs), presence, who)
        answer: CardEvent
        while not isinstance(
            answer := self.events.until(object), CertificateRead | PhotoRead | PinSigned | CardRefused
        ):
            pass
        assert answer.job == job, answer
        for blob in blobs_of(answer):
            blob.wipe()
        return answer if isinstance(answer, CardRefused) else None


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> dict[str, VirtualScard]:
    return installed(monkeypatch)


def walk(kit: Kit, flow: str, presence: int, who: str) -> CardRefused | None:
    """The jobs of a flow, one after the other, until one is refused."""
    for ask in FLOWS[flow]:
        if refused := kit.ask(ask, presence, who):
            return refused
    return None


def commands_of(kit: Kit, flow: str) -> int:
    """How many commands the flow takes when nothing happens."""
    presence = kit.put(VirtualCard(person(PATIENT)))
    kit.scard.inject()
    refused = walk(kit, flow, presence, PATIENT)
    assert refused is None or refused.fault is SAID[flow]
    kit.take()
    return kit.scard.transmits


@pytest.mark.parametrize("kind", Kind)
def test_every_index(
    kind: Kind, services: dict[str, VirtualScard], monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    points = {}
    hanging = []
    if kind is Kind.GARBAGE:  # such a card stays: waiting longer for its removal changes nothing
        monkeypatch.setattr("devices.card.process._REMOVAL_SECONDS", 0.02)
    for flow in FLOWS:
        with Kit(services) as clean:
            count = commands_of(clean, flow)
        assert count > 10
        for trouble in (each for each in TROUBLES if each.kind is kind):
            if kind is Kind.HANG:
                hanging += [(flow, trouble, index) for index in range(count)]
            else:
                with Kit(services) as made:
                    for index in range(count):
                        meet(made, flow, trouble, index)
            points[trouble.name, flow] = count
    with ThreadPoolExecutor(HANGING) as pool:  # every one waits for the watchdog: many readers at a time
        list(pool.map(partial(_hanging, services), range(len(hanging)), hanging))
    each = ", ".join(f"{flow} {sum(count for (_, other), count in points.items() if other == flow)}" for flow in FLOWS)
    figures(f"{kind}: {sum(points.values())} injection points ({each}), 0 failures")


def _hanging(services: dict[str, VirtualScard], number: int, point: tuple[str, Trouble, int]) -> None:
    with Kit(services, number, HANG_SECONDS) as made:
        meet(made, *point)


def meet(kit: Kit, flow: str, trouble: Trouble, index: int) -> None:
    where = f"{trouble.name} at command {index} of {flow}"
    card = VirtualCard(person(PATIENT))
    presence = kit.put(card)
    before = card.counters
    kit.scard.inject(index, trouble)
    refused = walk(kit, flow, presence, PATIENT)
    if refused is not None:
        allowed = trouble.faults | {SAID[flow]} if flow in SAID else trouble.faults
        assert refused.fault in allowed, f"{where}: {refused}"
    if trouble.kind is Kind.HANG:
        assert refused is not None, where
        kit.events.until(CardPresent)  # the new process finds the card that lies there
    kit.scard.inject()

    spent = {name: before[name] - left for name, left in card.counters.items() if left != before[name]}
    tries = {name: count for name, count in card.verify_count.items() if count}
    assert tries.keys() <= {SECRETS[flow]}, where
    assert tries.get(SECRETS[flow], 0) <= 1, f"{where}: a VERIFY was repeated"
    # A right PIN costs nothing, a wrong one what the card was asked.
    assert spent == (tries if flow in SAID else {}), where

    kit.take()
    following = VirtualCard(person(NEXT))
    presence = kit.put(following)
    refused = walk(kit, flow, presence, NEXT)
    assert refused is None or refused.fault is SAID.get(flow), f"the next card after {where}: {refused}"
    kit.take()
