"""What only a scripted PC/SC can do at a chosen moment: swaps that are told late or never, cards that hang and hang
again, other programs between two commands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from devices.blob import Blob
from devices.card import process
from devices.card.reader import SupervisedCardReader
from devices.errors import CardProgram, DeviceFault
from devices.pcsc import scard
from devices.ports import (
    CardEvent,
    CardGone,
    CardPresent,
    CardRefused,
    CertificateRead,
    PinSigned,
    ReaderFault,
    ReaderReady,
)
from devices.simulated.card import VirtualCard
from devices.supervisor import InProcess, blobs_of
from tests.contract.injection.troubles import Kind, Trouble
from tests.helpers.cards import Events, options, person, personas
from tests.helpers.virtual_scard import READER, VirtualScard, installed

HANG = Trouble("hang", Kind.HANG, "hang", frozenset({DeviceFault.READER_HUNG}), done=False)
MESSAGE = b"UKETSUKE-TEST"


class Kit:
    def __init__(self, service: VirtualScard, **changes: object) -> None:
        self.service = service
        self.events = Events()
        self.reader = SupervisedCardReader(
            options(driver="pcsc", reader=READER, hang_seconds=0.5, **changes), InProcess
        )
        self.reader.start(self.events)
        self.events.next(ReaderReady)
        self.job = 0

    def put(self, name: str = "employee") -> int:
        self.service.put(VirtualCard(person(name)))
        return self.events.next(CardPresent).presence

    def ask(self, presence: int, pin: str = "") -> int:
        """The certificate, or a signature with `pin`."""
        self.job += 1
        if pin:
            self.reader.sign_with_pin(self.job, presence, Blob.of(pin.encode()), Blob.of(MESSAGE))
        else:
            self.reader.read_certificate(self.job, presence)
        return self.job

    def answer(self, job: int) -> CardEvent:
        while True:
            event = self.events.until(object)
            if isinstance(event, CertificateRead | PinSigned | CardRefused):
                assert event.job == job
                for blob in blobs_of(event):
                    blob.wipe()
                return event

    def works(self, presence: int) -> bool:
        return isinstance(self.answer(self.ask(presence)), CertificateRead)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Kit]]:
    monkeypatch.setattr(process, "_REMOVAL_SECONDS", 0.2)
    monkeypatch.setattr(process, "_PROBE_SECONDS", 0.05)
    monkeypatch.setattr(process, "_SETTLE_SECONDS", 0.05)
    monkeypatch.setattr("devices.pcsc.connection.CONNECT_PAUSE", 0.01)
    monkeypatch.setattr("devices.pcsc.driver.likely_holder", lambda: CardProgram.OPENSC)
    services, kits = installed(monkeypatch), []

    def make(**changes: object) -> Kit:
        services[READER] = VirtualScard()
        kits.append(made := Kit(services[READER], **changes))
        return made

    yield make
    for kit in kits:
        kit.reader.stop()
        assert kit.service.open_contexts == 0


def silently(service: VirtualScard, card: VirtualCard) -> None:
    """Swap without a word to the monitor."""
    service.lying = card


def test_a_swap_that_the_monitor_has_not_heard_of(start: Callable[..., Kit]) -> None:
    """The connection asks for the count on its own context, before each burst: no PIN reaches the other card."""
    kit = start()
    presence = kit.put()
    assert kit.works(presence)
    other = VirtualCard(person("elder"))
    with kit.service._changed:  # the count is there, the monitor asleep
        silently(kit.service, other)
        counter, flags = kit.service.readers[READER]
        kit.service.readers[READER] = (counter + 2, flags)
    job = kit.ask(presence, personas()["employee"].pin)
    assert kit.answer(job) == CardRefused(job, DeviceFault.CARD_REMOVED)
    assert not any(other.verify_count.values())
    assert kit.events.seen[-3:-1] == [CardGone(presence), CardPresent(presence + 1)]
    assert kit.works(presence + 1)


def test_a_swap_before_the_connection_stands(start: Callable[..., Kit]) -> None:
    kit = start()
    presence = kit.put()
    other = VirtualCard(person("elder"))
    with kit.service._changed:
        silently(kit.service, other)
        counter, flags = kit.service.readers[READER]
        kit.service.readers[READER] = (counter + 2, flags)
    job = kit.ask(presence, personas()["employee"].pin)
    assert kit.answer(job) == CardRefused(job, DeviceFault.CARD_REMOVED)
    assert not any(other.verify_count.values())


def test_a_swap_where_nobody_counts(start: Callable[..., Kit]) -> None:
    """The dead handle tells; the card that lies there is reported as another one."""
    kit = start()
    kit.service.counts = False
    presence = kit.put()
    assert kit.works(presence)
    other = VirtualCard(person("elder"))
    silently(kit.service, other)
    job = kit.ask(presence, personas()["employee"].pin)
    assert kit.answer(job) == CardRefused(job, DeviceFault.CARD_REMOVED)
    assert not any(other.verify_count.values())
    assert kit.events.seen[-3:-1] == [CardGone(presence), CardPresent(presence + 1)]
    assert isinstance(kit.answer(kit.ask(presence + 1, personas()["elder"].pin)), PinSigned)


def hang(kit: Kit, presence: int) -> None:
    kit.service.inject(2, HANG)
    job = kit.ask(presence)
    assert kit.answer(job) == CardRefused(job, DeviceFault.READER_HUNG)
    while kit.events.until(ReaderFault) != ReaderFault(DeviceFault.READER_HUNG):
        pass


def test_a_card_that_hung_is_asked_again_when_it_can_be_connected_to(start: Callable[..., Kit]) -> None:
    """As long as pcscd waits for it, it would be called held by another program."""
    kit = start()
    presence = kit.put()
    kit.service.connect_results = [scard.SUCCESS] + [scard.E_SHARING_VIOLATION] * 7 + [scard.W_UNRESPONSIVE_CARD] * 3
    hang(kit, presence)
    kit.events.next(ReaderReady)
    again = kit.events.next(CardPresent).presence
    assert kit.service.connect_results == []
    assert kit.works(again)


def test_a_card_that_hung_twice_is_left_alone_until_it_is_taken_away(start: Callable[..., Kit]) -> None:
    kit = start()
    hang(kit, kit.put())
    kit.events.next(ReaderReady)
    hang(kit, kit.events.next(CardPresent).presence)
    connections = len(kit.service.calls)
    threading.Event().wait(0.5)
    assert kit.events.empty()
    assert not any(call.startswith("connect") for call in kit.service.calls[connections:])
    kit.service.take()
    kit.events.next(ReaderReady)
    assert kit.works(kit.put("elder"))


def test_a_card_that_hung_and_was_taken_away_meanwhile(start: Callable[..., Kit]) -> None:
    kit = start()
    presence = kit.put()
    kit.service.connect_results = [scard.SUCCESS] + [scard.E_SHARING_VIOLATION] * 1000
    hang(kit, presence)
    kit.service.take()
    kit.events.next(ReaderReady)
    kit.service.connect_results = []
    assert kit.works(kit.put("elder"))


def test_jobs_that_wait_do_not_hang(start: Callable[..., Kit]) -> None:
    """The first takes longer than the watchdog's patience with the second, and shows signs of life."""
    kit = start()
    presence = kit.put()
    transmit = kit.service.transmit

    def slow(card: object, protocol: int, command: bytes | bytearray) -> tuple[int, bytes]:
        threading.Event().wait(0.1)
        return transmit(card, protocol, command)  # type: ignore[arg-type]  # handles are the service's own

    kit.service.transmit = slow  # type: ignore[assignment,method-assign]
    first, second = kit.ask(presence), kit.ask(presence)
    assert isinstance(kit.answer(first), CertificateRead)
    assert isinstance(kit.answer(second), CertificateRead)


def test_who_holds_the_card_reaches_the_kiosk(start: Callable[..., Kit]) -> None:
    kit = start()
    presence = kit.put()
    kit.service.connect_results = [scard.E_SHARING_VIOLATION] * 3
    job = kit.ask(presence)
    assert kit.answer(job) == CardRefused(job, DeviceFault.CARD_BUSY, program=CardProgram.OPENSC)
    assert kit.works(presence)


def test_a_user_who_is_refused_at_the_card(start: Callable[..., Kit]) -> None:
    kit = start()
    presence = kit.put()
    kit.service.connect_results = [scard.W_SECURITY_VIOLATION]
    job = kit.ask(presence)
    assert kit.answer(job) == CardRefused(job, DeviceFault.ACCESS_DENIED)


def test_a_virtual_reader_closes_a_kiosk_in_production(start: Callable[..., Kit]) -> None:
    kit = start(production=True)
    presence = kit.put()
    kit.service.plug("Virtual PCD 00 00")
    assert kit.events.next(CardGone) == CardGone(presence)
    assert kit.events.next(ReaderFault) == ReaderFault(DeviceFault.VIRTUAL_READER)
    job = kit.ask(presence)
    assert kit.answer(job) == CardRefused(job, DeviceFault.CARD_REMOVED)


@pytest.mark.parametrize(
    "code", [scard.E_NOT_TRANSACTED, scard.E_NO_SMARTCARD, scard.W_UNPOWERED_CARD, scard.W_UNRESPONSIVE_CARD]
)
@pytest.mark.parametrize("leaves", [True, False])
def test_every_way_in_which_a_card_is_said_to_be_gone(start: Callable[..., Kit], code: int, leaves: bool) -> None:
    """Gone when the reader says so too, within a moment; otherwise it lies there and says nothing."""
    kit = start()
    presence = kit.put()
    transmit = kit.service.transmit

    def gone(card: object, protocol: int, command: bytes | bytearray) -> tuple[int, bytes]:
        kit.service.transmit = transmit  # type: ignore[method-assign]
        if leaves:
            threading.Timer(0.05, kit.service.take).start()
        return code, b""

    kit.service.transmit = gone  # type: ignore[assignment,method-assign]
    job = kit.ask(presence)
    fault = DeviceFault.CARD_REMOVED if leaves else DeviceFault.CARD_MUTE
    assert kit.answer(job) == CardRefused(job, fault)
    assert kit.works(kit.put("elder") if leaves else presence)
