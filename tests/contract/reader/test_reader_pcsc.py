"""The genuine pcscd: what only a real service does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devices.blob import Blob
from devices.card.reader import SupervisedCardReader
from devices.errors import DeviceFault
from devices.ports import (
    CardGone,
    CardPresent,
    CardRefused,
    CertificateRead,
    ReaderFault,
    ReaderReady,
)
from devices.simulated.card import Fault, FaultPlan, FaultRule
from devices.simulated.pcscd import PcscdLane
from tests.contract.reader.lanes import PcscLane
from tests.helpers.cards import Events, options, person

pytestmark = pytest.mark.pcsc


@pytest.fixture
def lane(service: PcscdLane) -> Iterator[PcscLane]:
    events = Events()
    settings = options(driver="pcsc", csock=service.socket_path, reader="00 00")
    reader = SupervisedCardReader(settings, job_seconds=3.0)
    reader.start(events)
    try:
        events.next(ReaderReady)
        lane = PcscLane(service, reader, events)
        yield lane
        lane.clear()
    finally:
        service.remove()
        reader.stop()


def test_service_restart_with_a_card_on_the_reader(lane: PcscLane) -> None:
    first = lane.insert("employee")
    lane.service.stop_service()
    assert lane.events.next(CardGone) == CardGone(first)
    assert lane.events.next(ReaderFault) == ReaderFault(DeviceFault.SERVICE_DOWN)
    lane.service.start_service()
    lane.events.next(ReaderReady)
    lane.reader.read_certificate(1, lane.events.next(CardPresent).presence)
    lane.events.next(CertificateRead).certificate.wipe()


@pytest.mark.parametrize("at", [0, 1, 4, 7, 8])
def test_removal_in_the_middle(lane: PcscLane, at: int) -> None:
    presence = lane.insert("employee")
    lane.service.set_faults(FaultPlan([FaultRule(Fault(pull=True), at=at)]))
    lane.reader.sign_with_pin(1, presence, Blob.of(b"1234"), Blob.of(b"message"))
    assert lane.events.until(CardRefused) == CardRefused(1, DeviceFault.CARD_REMOVED)


def test_card_that_hangs(lane: PcscLane) -> None:
    """SCardTransmit blocks for good and cannot be cancelled: the process is ended, and the reader works again."""
    presence = lane.insert("employee")
    lane.service.set_faults(FaultPlan([FaultRule(Fault(delay=600.0), at=2)]))
    lane.reader.read_certificate(1, presence)
    assert lane.events.until(CardRefused) == CardRefused(1, DeviceFault.READER_HUNG)
    assert lane.events.next(ReaderFault) == ReaderFault(DeviceFault.READER_HUNG)
    lane.service.remove()
    while not isinstance(lane.events.until(object), ReaderReady):
        pass
    lane.service.insert(person("elder"), fresh=True)
    # The new process may still have seen the old card: whichever card it tells of is asked, until one answers.
    job = 1
    while not isinstance(event := lane.events.until(object), CertificateRead):
        if isinstance(event, CardPresent):
            job += 1
            lane.reader.read_certificate(job, event.presence)
    event.certificate.wipe()
