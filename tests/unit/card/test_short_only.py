"""A reader that loses the card over an extended APDU costs nothing but time, once, in whatever process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from devices.blob import Blob
from devices.card import process
from devices.card.driver import CardSeen, ReaderSeen, Seen
from devices.card.reader import SupervisedCardReader
from devices.errors import CardMute, CardRemoved, DeviceError, DeviceFault
from devices.ports import CardGone, CardPresent, CardRefused, CertificateRead, PhotoRead, PinSigned
from devices.simulated.card import VirtualCard
from devices.supervisor import InProcess
from tests.helpers.cards import Events, options, personas, world

READER = "Reader of another make 00 00"
ANNOUNCES = bytes.fromhex("3BDA13FF8131FB468012392F31C173C601C03B")


class Link:
    """A connection through a reader that breaks it at `verdict(command)`."""

    def __init__(self, driver: StubbornDriver) -> None:
        self.reader, self.atr = READER, ANNOUNCES
        self._driver = driver
        self._broken: DeviceError | None = None
        driver.card.power_on()

    def transmit(self, command: bytes | bytearray) -> bytes:
        if self._broken is not None:
            raise self._broken
        self._driver.sent.append(bytes(command[:4]) if command[1] == 0x20 else bytes(command))
        self._broken = self._driver.verdict(bytes(command))
        if self._broken is not None:
            raise self._broken
        return self._driver.card.process(bytes(command))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def count(self) -> int | None:
        return None

    def reconnect(self) -> None:
        raise AssertionError("nobody reset the card")

    def close(self) -> None:
        self._driver.card.power_off()


class StubbornDriver:
    def __init__(self, verdict: Callable[[bytes], DeviceError | None]) -> None:
        self.card: VirtualCard = world().card("employee")
        self.sent: list[bytes] = []
        self.connections = 0
        self.verdict = verdict

    def start(self, sink: Callable[[Seen], None]) -> None:
        sink(ReaderSeen(READER))
        sink(CardSeen(READER))

    def connect(self, reader: str) -> Link:
        self.connections += 1
        return Link(self)

    def stop(self) -> None:
        pass

    @property
    def extended(self) -> int:
        return sum(1 for sent in self.sent if len(sent) == 7 and sent[1] == 0xB0)


@pytest.fixture
def reader(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[StubbornDriver], tuple[SupervisedCardReader, Events]]]:
    started: list[SupervisedCardReader] = []

    def start(driver: StubbornDriver) -> tuple[SupervisedCardReader, Events]:
        monkeypatch.setattr(process, "_driver", lambda options, send: (driver, None))
        events, made = Events(), SupervisedCardReader(options(driver="pcsc"), InProcess)
        started.append(made)
        made.start(events)
        return made, events

    yield start
    for each in started:
        each.stop()


Start = Any  # of the fixture above


def breaks(error: DeviceError) -> Callable[[bytes], DeviceError | None]:
    return lambda command: error if len(command) == 7 and command[1] == 0xB0 else None


@pytest.mark.parametrize("error", [CardRemoved("PC/SC 0x80100016"), CardMute("PC/SC 0x80100066")])
def test_the_job_is_done_again_with_short_commands_and_the_reader_remembered(reader: Start, error: DeviceError) -> None:
    driver = StubbornDriver(breaks(error))
    client, events = reader(driver)
    presence = events.until(CardPresent).presence
    client.read_certificate(1, presence)
    with events.until(CertificateRead).certificate:
        pass
    assert (driver.extended, driver.connections) == (1, 2)
    client.read_photo(2, presence, Blob.of(personas()["employee"].number_b.encode()), Blob.of(b"message"))
    read = events.until(PhotoRead)
    with read.photo, read.evidence:
        pass
    client.sign_with_pin(3, presence, Blob.of(b"1234"), Blob.of(b"message"))
    with events.until(PinSigned).signature:
        pass
    assert (driver.extended, driver.connections) == (1, 2)
    assert driver.card.verify_count["jpki/0018"] == driver.card.verify_count["visual/0012"] == 1
    # The next process hears of it from its parent.
    client.recycle()
    events.until(CardGone)
    client.read_certificate(4, events.until(CardPresent).presence)
    with events.until(CertificateRead).certificate:
        pass
    assert driver.extended == 1


def test_a_card_that_refuses_is_remembered_without_another_connection(reader: Start) -> None:
    driver = StubbornDriver(lambda command: None)  # this card does not know extended length, whatever it announces
    client, events = reader(driver)
    presence = events.until(CardPresent).presence
    for job in (1, 2):
        client.read_certificate(job, presence)
        with events.until(CertificateRead).certificate:
            pass
    client.release()
    client.read_certificate(3, presence)
    with events.until(CertificateRead).certificate:
        pass
    assert (driver.extended, driver.connections) == (1, 2)  # the second: after the release


def test_a_reader_that_fails_over_everything_is_not_tried_for_ever(reader: Start) -> None:
    driver = StubbornDriver(lambda command: CardMute("PC/SC 0x80100066") if command[1] == 0xB0 else None)
    client, events = reader(driver)
    client.read_certificate(1, events.until(CardPresent).presence)
    assert events.until(CardRefused) == CardRefused(1, DeviceFault.CARD_MUTE)
    assert driver.connections == 1


def test_every_job_selects_its_application_itself(reader: Start) -> None:
    """Between two jobs other programs may have spoken to the card; a connection shared by mistake costs one command."""
    driver = StubbornDriver(lambda command: None)
    client, events = reader(driver)
    presence = events.until(CardPresent).presence
    client.read_certificate(1, presence)
    with events.until(CertificateRead).certificate:
        pass
    assert driver.sent[-1][:4].hex() == "00200092"  # so the card-face application is the current one
    driver.sent.clear()
    client.read_photo(2, presence, Blob.of(personas()["employee"].number_b.encode()), Blob.of(b"message"))
    read = events.until(PhotoRead)
    with read.photo, read.evidence:
        pass
    assert driver.sent[0][:4].hex() == "00a4040c"
