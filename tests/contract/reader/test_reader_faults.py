"""What goes wrong in the middle: removal at every step, a card that hangs, a process that dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from devices.blob import Blob
from devices.card.driver import CardConnection
from devices.card.reader import SimulatedCardReader
from devices.errors import CardProgram, DeviceFault
from devices.ports import (
    CardGone,
    CardPresent,
    CardProgress,
    CardRefused,
    CertificateRead,
    PhotoRead,
    PinSigned,
    ReaderFault,
    ReaderReady,
)
from devices.simulated.card import Fault, FaultPlan, FaultRule, VirtualCard
from devices.simulated.reader import SimulatedDriver
from devices.supervisor import InProcess, ProcessWorker, blobs_of
from tests.helpers.cards import Events, card_bytes, options, personas

MESSAGE = b"UKETSUKE-TEST"
ANSWERS = (CertificateRead, PhotoRead, PinSigned)
Ask = Callable[[SimulatedCardReader, int, int], None]


def ask_certificate(reader: SimulatedCardReader, job: int, presence: int) -> None:
    reader.read_certificate(job, presence)


def ask_photo(reader: SimulatedCardReader, job: int, presence: int) -> None:
    number = Blob.of(personas()["employee"].number_b.encode())
    reader.read_photo(job, presence, number, Blob.of(MESSAGE))


def ask_signature(reader: SimulatedCardReader, job: int, presence: int) -> None:
    reader.sign_with_pin(job, presence, Blob.of(personas()["employee"].pin.encode()), Blob.of(MESSAGE))


ASKS: list[Ask] = [ask_certificate, ask_photo, ask_signature]


class Kit:
    def __init__(self, launcher: type[InProcess] | type[ProcessWorker], job_seconds: float = 20.0) -> None:
        self.events = Events()
        self.reader = SimulatedCardReader(options(), launcher, job_seconds=job_seconds)
        self.reader.start(self.events)
        self.events.next(ReaderReady)

    def insert(self, name: str = "employee") -> int:
        self.reader.insert(card_bytes(name))
        return self.events.next(CardPresent).presence

    def fault(self, fault: Fault, at: int | None = None, ins: int | None = None) -> None:
        self.reader.inject(FaultPlan([FaultRule(fault, at=at, ins=ins)]).to_json())

    def outcome(self, job: int) -> CardRefused | None:
        """The one answer to `job`; None when it succeeded."""
        while True:
            event = self.events.until(object)
            if isinstance(event, ANSWERS):
                assert event.job == job
                for blob in blobs_of(event):
                    blob.wipe()
                return None
            if isinstance(event, CardRefused):
                assert event.job == job
                return event
            assert isinstance(event, CardProgress | CardGone | CardPresent), event


@pytest.fixture
def kit() -> Iterator[Kit]:
    made = Kit(InProcess)
    yield made
    made.reader.stop()


@pytest.mark.parametrize("ask", ASKS)
def test_removal_at_every_exchange(kit: Kit, ask: Ask) -> None:
    """The job ends with CARD_REMOVED, at most one VERIFY was sent, and the next card works."""
    job = 0
    for at in range(200):
        presence = kit.insert()
        kit.fault(Fault(pull=True), at=at)
        job += 1
        ask(kit.reader, job, presence)
        refused = kit.outcome(job)
        if refused is None:
            break
        assert refused == CardRefused(job, DeviceFault.CARD_REMOVED)
        assert CardGone(presence) in kit.events.seen
        while not kit.events.empty():
            kit.events.until(object)
    else:
        pytest.fail("the job never ended by itself")
    assert at > 8
    kit.reader.remove()
    while CardGone(presence) not in kit.events.seen:  # or it was pulled when all was done but leaving
        kit.events.until(CardGone)
    while not kit.events.empty():
        kit.events.until(object)
    job += 1
    ask(kit.reader, job, kit.insert("employee"))
    assert kit.outcome(job) is None


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("answer", [b"", b"\x90", b"\x6f\x00", b"\x69\x85", bytes(300) + b"\x90\x00", b"\x61\x05"])
def test_nonsense_at_every_exchange_ends_in_one_typed_answer(
    kit: Kit, ask: Ask, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The card stays: waiting longer for its removal changes no answer.
    monkeypatch.setattr("devices.card.process._REMOVAL_SECONDS", 0.05)
    presence = kit.insert()
    for at in (0, 2, 7, 16):
        kit.fault(Fault(answer=answer), at=at)
        ask(kit.reader, at, presence)
        kit.outcome(at)  # one answer, whichever
        kit.reader.release()
    assert all(count <= 4 for count in kit.reader.counters().verifications.values())


def test_swap_during_a_job_is_removal(kit: Kit) -> None:
    presence = kit.insert()
    kit.fault(Fault(delay=30.0), at=3)
    kit.reader.read_certificate(1, presence)
    kit.reader.insert(card_bytes("elder"))
    assert kit.outcome(1) == CardRefused(1, DeviceFault.CARD_REMOVED)
    while CardPresent(presence + 1) not in kit.events.seen:
        kit.events.until(CardPresent)
    assert [event for event in kit.events.seen if isinstance(event, CardPresent | CardGone)] == [
        CardPresent(presence), CardGone(presence), CardPresent(presence + 1),
    ]  # fmt: skip


def test_a_card_swapped_just_before_the_connection_is_not_taken_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = SimulatedDriver.connect

    def swapped(driver: SimulatedDriver, reader: str) -> CardConnection:
        monkeypatch.undo()
        driver.insert(card_bytes("elder"), {})
        return connect(driver, reader)

    kit = Kit(InProcess)
    try:
        presence = kit.insert()
        monkeypatch.setattr(SimulatedDriver, "connect", swapped)
        kit.reader.read_certificate(1, presence)
        assert kit.outcome(1) == CardRefused(1, DeviceFault.CARD_REMOVED)
        kit.reader.read_certificate(2, presence + 1)
        assert kit.outcome(2) is None
    finally:
        kit.reader.stop()


def test_reader_and_service_that_go_and_come(kit: Kit) -> None:
    for state, fault in (("no_reader", DeviceFault.NO_READER), ("service_down", DeviceFault.SERVICE_DOWN)):
        presence = kit.insert()
        kit.reader.set_reader(state)
        kit.events.next(CardGone)
        assert kit.events.next(ReaderFault) == ReaderFault(fault)
        kit.reader.read_certificate(1, presence)
        assert kit.outcome(1) == CardRefused(1, DeviceFault.CARD_REMOVED)
        kit.reader.set_reader("ready")
        kit.events.next(ReaderReady)
        kit.reader.read_certificate(2, kit.events.next(CardPresent).presence)
        assert kit.outcome(2) is None
        kit.reader.remove()
        kit.events.next(CardGone)


def test_card_held_by_another_program(kit: Kit) -> None:
    kit.reader.set_reader("busy")
    kit.reader.read_certificate(1, kit.insert())
    assert kit.outcome(1) == CardRefused(1, DeviceFault.CARD_BUSY, program=CardProgram.OTHER)


@pytest.mark.parametrize("ask", ASKS)
def test_a_reset_before_verify_starts_the_step_again_by_itself(kit: Kit, ask: Ask) -> None:
    """Another program reset the card between two jobs: its applications are selected anew, nobody notices."""
    presence = kit.insert()
    kit.reader.read_certificate(1, presence)
    assert kit.outcome(1) is None
    kit.reader.set_reader("resetting")
    ask(kit.reader, 2, presence)
    assert kit.outcome(2) is None
    assert sum(kit.reader.counters().verifications.values()) == (0 if ask is ask_certificate else 1)


def test_a_reset_after_verify_is_told_and_not_repeated(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    process = VirtualCard.process

    def reset_after_verify(card: VirtualCard, command: bytes) -> bytes:
        answer = process(card, command)
        if command[1] == 0x20 and len(command) > 5:
            kit.reader.set_reader("resetting")
            kit.reader.counters()  # it has arrived
        return answer

    presence = kit.insert()
    with monkeypatch.context() as other:
        other.setattr(VirtualCard, "process", reset_after_verify)
        ask_signature(kit.reader, 1, presence)
        assert kit.outcome(1) == CardRefused(1, DeviceFault.CARD_RESET)
    assert kit.reader.counters().verifications["jpki/0018"] == 1
    ask_signature(kit.reader, 2, presence)
    assert kit.outcome(2) is None


def test_counters_survive_taking_the_card_away(kit: Kit) -> None:
    presence = kit.insert()
    kit.reader.sign_with_pin(1, presence, Blob.of(b"9999"), Blob.of(MESSAGE))
    assert kit.outcome(1) == CardRefused(1, DeviceFault.PIN_WRONG, 2)
    kit.reader.remove()
    kit.events.next(CardGone)
    kit.reader.read_certificate(2, kit.insert())
    read = kit.events.next(CertificateRead)
    read.certificate.wipe()
    assert read.pin_tries == 2


def test_card_that_hangs_costs_the_process_and_nothing_else() -> None:
    kit = Kit(InProcess, job_seconds=0.5)
    try:
        presence = kit.insert()
        kit.fault(Fault(delay=600.0), at=4)
        kit.reader.read_certificate(1, presence)
        kit.events.next(CardGone)
        assert kit.outcome(1) == CardRefused(1, DeviceFault.READER_HUNG)
        assert kit.events.next(ReaderFault) == ReaderFault(DeviceFault.READER_HUNG)
        kit.events.next(ReaderReady)
        kit.reader.read_certificate(2, kit.events.next(CardPresent).presence)
        assert kit.outcome(2) is None
    finally:
        kit.reader.stop()


def test_killed_process_is_replaced() -> None:
    kit = Kit(ProcessWorker)
    try:
        presence = kit.insert()
        kit.fault(Fault(delay=600.0), at=4)
        kit.reader.read_certificate(1, presence)
        before = kit.reader.pids
        os.kill(before[0], signal.SIGKILL)
        assert kit.events.until(ReaderFault) == ReaderFault(DeviceFault.CARD_WORKER_LOST)
        # In this order when the process has the job, the other way round when it died before.
        told = [event for event in kit.events.seen if isinstance(event, CardGone | CardRefused)]
        answers = [CardGone(presence), CardRefused(1, DeviceFault.CARD_WORKER_LOST)]
        assert told in (answers, answers[::-1])
        kit.events.next(ReaderReady)
        again = kit.events.next(CardPresent).presence
        assert again != presence
        kit.reader.read_certificate(2, again)
        assert kit.outcome(2) is None
        assert before[0] not in kit.reader.pids
    finally:
        kit.reader.stop()


def test_recycling_with_a_card_on_the_reader_finds_it_again(kit: Kit) -> None:
    presence = kit.insert()
    kit.reader.recycle()
    assert kit.events.next(CardGone) == CardGone(presence)
    kit.events.next(ReaderReady)
    kit.reader.read_certificate(1, kit.events.next(CardPresent).presence)
    assert kit.outcome(1) is None


def test_pulled_card_does_not_come_back_by_itself(kit: Kit) -> None:
    presence = kit.insert()
    kit.fault(Fault(pull=True), at=2)
    kit.reader.read_certificate(1, presence)
    assert kit.outcome(1) == CardRefused(1, DeviceFault.CARD_REMOVED)
    kit.reader.recycle()
    kit.events.until(ReaderReady)
    kit.reader.read_certificate(2, presence)
    assert kit.events.next(CardRefused) == CardRefused(2, DeviceFault.CARD_REMOVED)
