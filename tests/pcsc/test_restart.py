"""pcscd is killed and started again, readers go and come under other names: the reader of the kiosk finds its way back
by itself, in the same process, and no PIN is sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from devices.blob import Blob
from devices.card.reader import SupervisedCardReader
from devices.errors import CardProgram, DeviceFault
from devices.ports import (
    CardEvent,
    CardGone,
    CardPresent,
    CardRefused,
    CertificateRead,
    PhotoRead,
    PinSigned,
    ReaderFault,
    ReaderReady,
)
from devices.simulated.card import Fault, FaultPlan, FaultRule
from devices.simulated.pcscd import LaneError, PcscdLane
from devices.supervisor import blobs_of
from tests.conftest import Figures
from tests.helpers.cards import Events, options, person, personas
from tests.helpers.processes import children

pytestmark = pytest.mark.pcsc

BACK_SECONDS = 3.0
MESSAGE = b"UKETSUKE-TEST"
WHO = "employee"


def service_pid(lane: PcscdLane) -> int:
    """pcscd itself (proc(5), comm)."""
    for pid in children(lane.pid):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text() == "pcscd\n":
                return pid
    raise AssertionError("no pcscd")


class Kit:
    def __init__(self, lane: PcscdLane) -> None:
        self.lane = lane
        self.events = Events()
        self.reader = SupervisedCardReader(options(driver="pcsc", csock=lane.socket_path))
        self.reader.start(self.events)
        self.events.next(ReaderReady)
        self.pids = self.reader.pids
        self.job = 0
        self.back: list[float] = []
        self.start: dict[str, int] = {}  # counters of the card that was put down

    def insert(self, name: str = WHO) -> int:
        self.lane.insert(person(name), fresh=True)
        self.start = self.lane.counters(name)
        return self.events.until(CardPresent).presence

    def ask(self, what: str, presence: int, pin: str = "") -> int:
        self.job += 1
        holder = personas()[WHO]
        match what:
            case "certificate":
                self.reader.read_certificate(self.job, presence)
            case "photo":
                self.reader.read_photo(self.job, presence, Blob.of(holder.number_b.encode()), Blob.of(MESSAGE))
            case "pin":
                self.reader.sign_with_pin(self.job, presence, Blob.of((pin or holder.pin).encode()), Blob.of(MESSAGE))
        return self.job

    def answer(self, job: int) -> CardEvent:
        """The one answer to `job`."""
        while True:
            event = self.events.until(object)
            if isinstance(event, CertificateRead | PhotoRead | PinSigned | CardRefused):
                assert event.job == job
                for blob in blobs_of(event):
                    blob.wipe()
                return event

    def kill(self) -> None:
        os.kill(service_pid(self.lane), signal.SIGKILL)
        self.lane.stop_service()  # reaps it

    def restart(self) -> None:
        """Start pcscd again. How long until the kiosk knows counts from here."""
        began = time.monotonic()
        starting = threading.Thread(target=self.lane.start_service)
        starting.start()
        while not any(isinstance(event, ReaderReady) for event in self.since_down()):
            assert time.monotonic() - began < 30, "the reader never came back"
            time.sleep(0.01)
        self.back.append(time.monotonic() - began)
        starting.join()
        assert self.reader.pids == self.pids, "no process was restarted"

    def since_down(self) -> list[CardEvent]:
        seen = list(self.events.seen)
        last = max(n for n, event in enumerate(seen) if event == ReaderFault(DeviceFault.SERVICE_DOWN))
        return seen[last:]

    def wait_down(self) -> None:
        while not any(event == ReaderFault(DeviceFault.SERVICE_DOWN) for event in self.events.seen):
            self.events.until(ReaderFault)

    def drain(self) -> None:
        while not self.events.empty():
            self.events.until(object)

    def take_away(self) -> None:
        """No card, nothing left to be told."""
        self.lane.remove()
        while isinstance(self.last_card(), CardPresent):
            self.events.until(CardGone)
        self.drain()
        self.events.seen.clear()

    def next_patient(self) -> None:
        """Another card is put down and gives certificate and signature."""
        self.take_away()
        presence = self.insert("elder")
        assert isinstance(self.answer(self.ask("certificate", presence)), CertificateRead)
        assert isinstance(self.answer(self.ask("pin", presence, personas()["elder"].pin)), PinSigned)
        self.lane.remove()
        self.events.until(CardGone)

    def last_card(self) -> CardEvent | None:
        return next((e for e in reversed(self.events.seen) if isinstance(e, CardPresent | CardGone)), None)


@pytest.fixture(scope="module")
def service(pcsc_lane: None) -> Iterator[PcscdLane]:
    with PcscdLane.start() as lane:
        yield lane


@pytest.fixture
def kit(service: PcscdLane) -> Iterator[Kit]:
    made = Kit(service)
    try:
        yield made
    finally:
        made.reader.stop()
        service.remove()
        service.remove(1)
        with suppress(LaneError):  # it runs
            service.start_service()


def test_killed_while_nobody_is_there(kit: Kit, figures: Figures) -> None:
    for _ in range(3):
        kit.kill()
        kit.wait_down()
        time.sleep(1.0)  # long enough for pauses to have grown
        kit.restart()
        kit.drain()
        kit.events.seen.clear()
    kit.next_patient()
    figures(f"pcscd killed while idle: reader back after at most {max(kit.back):.2f} s")
    assert max(kit.back) < BACK_SECONDS


def test_killed_while_a_card_lies_there(kit: Kit, figures: Figures) -> None:
    presence = kit.insert()
    assert isinstance(kit.answer(kit.ask("certificate", presence)), CertificateRead)
    kit.kill()
    assert kit.events.next(CardGone) == CardGone(presence)
    kit.wait_down()
    kit.restart()
    again = kit.events.until(CardPresent).presence
    assert again != presence
    assert isinstance(kit.answer(kit.ask("pin", again)), PinSigned)
    kit.next_patient()
    figures(f"pcscd killed with a card on the reader: back after {max(kit.back):.2f} s")
    assert max(kit.back) < BACK_SECONDS


READ, VERIFY, SIGN, SELECT = 0xB0, 0x20, 0x2A, 0xA4


class Kills:
    """What became of the jobs in which pcscd was killed."""

    def __init__(self) -> None:
        self.points = 0
        self.verified = 0

    def one(self, kit: Kit, what: str, rule: FaultRule) -> bool:
        """Kill pcscd in the exchange that `rule` slows down; False when the job was over by then."""
        presence = kit.insert()
        kit.lane.set_faults(FaultPlan([rule]))
        job = kit.ask(what, presence)
        time.sleep(0.5)
        kit.kill()
        answer = kit.answer(job)
        hit = isinstance(answer, CardRefused)
        assert not hit or answer == CardRefused(job, DeviceFault.CARD_REMOVED)
        sent = kit.lane.verify_count(WHO)
        assert all(count <= 1 for count in sent.values()), sent
        self.points += hit
        self.verified += sum(sent.values()) if hit else 0
        for name, count in kit.lane.counters(WHO).items():
            assert count == kit.start[name], f"a try of {name} was lost"
        kit.wait_down()
        kit.restart()
        while not isinstance(kit.last_card(), CardPresent):  # it still lies there
            kit.events.until(CardPresent)
        kit.take_away()
        return hit


@pytest.mark.parametrize(("what", "instructions"), [("photo", (READ, SIGN)), ("pin", (VERIFY, SIGN))])
def test_killed_in_the_middle(kit: Kit, what: str, instructions: tuple[int, ...], figures: Figures) -> None:
    """While the photo is read, and during the burst that PIN and signature make."""
    kills = Kills()
    for instruction in instructions:
        assert kills.one(kit, what, FaultRule(Fault(delay=1.5), ins=instruction))
    kit.next_patient()
    figures(f"pcscd killed during {what}: reader back {max(kit.back):.2f} s after the start of pcscd")
    assert kills.verified > 0, "one was killed after VERIFY"
    assert max(kit.back) < BACK_SECONDS


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", ["certificate", "photo", "pin"])
def test_killed_at_every_exchange(kit: Kit, what: str, figures: Figures) -> None:
    kills = Kills()
    while kills.one(kit, what, FaultRule(Fault(delay=1.5), at=kills.points)):
        assert kills.points < 200
    kit.next_patient()
    figures(
        f"pcscd killed at each of {kills.points} exchanges of {what}: {kills.verified} VERIFY sent, 0 of them twice; "
        f"reader back at most {max(kit.back):.2f} s after the start of pcscd"
    )
    assert max(kit.back) < BACK_SECONDS


def test_killed_after_a_wrong_pin_was_sent(kit: Kit) -> None:
    """The card keeps what it counted; the program does not send it again."""
    presence = kit.insert()
    kit.lane.set_faults(FaultPlan([FaultRule(Fault(delay=0.5), ins=SELECT, times=None)]))
    job = kit.ask("pin", presence, "9999")
    while not kit.lane.verify_count(WHO).get("jpki/0018"):
        time.sleep(0.02)
    kit.kill()  # while the card is being left
    assert isinstance(kit.answer(job), CardRefused)
    kit.wait_down()
    kit.restart()
    again = kit.events.until(CardPresent).presence
    read = kit.answer(kit.ask("certificate", again))
    assert isinstance(read, CertificateRead)
    assert read.pin_tries == 2
    assert kit.lane.verify_count(WHO)["jpki/0018"] == 1


@pytest.mark.parametrize("name", ["カードリーダー".encode(), "読取機".encode("shift_jis"), b"Another Reader"])
def test_a_reader_comes_back_under_another_name(kit: Kit, name: bytes) -> None:
    """Also in a script that is not Latin, and in an encoding that is not ours."""
    kit.insert()
    configuration = Path(kit.lane.socket_path).parent / "readers.conf"
    before = configuration.read_text(encoding="utf-8")
    try:
        kit.kill()
        kit.wait_down()
        configuration.write_bytes(before.encode().replace(b"Virtual PCD", name))
        kit.restart()
        seen = [event.name for event in kit.since_down() if isinstance(event, ReaderReady)]
        assert seen == [name.decode(errors="surrogateescape") + " 00 00"]
        assert isinstance(kit.answer(kit.ask("pin", kit.events.until(CardPresent).presence)), PinSigned)
    finally:
        configuration.write_text(before, encoding="utf-8")
        kit.lane.stop_service()


def test_no_reader_is_another_thing_than_no_service(kit: Kit) -> None:
    """Unplugged, as far as vpcd can be; while pcscd runs on: tests/unit/card/test_pcsc.py."""
    configuration = Path(kit.lane.socket_path).parent / "readers.conf"
    before = configuration.read_text(encoding="utf-8")
    kit.kill()
    kit.wait_down()
    configuration.write_text("", encoding="utf-8")
    try:
        kit.lane.start_service()
        while kit.events.until(ReaderFault) != ReaderFault(DeviceFault.NO_READER):
            pass
    finally:
        configuration.write_text(before, encoding="utf-8")
    kit.events.seen.clear()
    kit.kill()
    kit.wait_down()
    kit.restart()
    kit.next_patient()


def test_a_card_on_each_of_two_readers(kit: Kit) -> None:
    """The kiosk asks for one card, and goes on with the one that is left."""
    first = kit.insert()
    assert isinstance(kit.answer(kit.ask("certificate", first)), CertificateRead)
    kit.lane.insert(person("elder"), slot=1, fresh=True)
    assert kit.events.next(CardGone) == CardGone(first)
    assert kit.events.next(ReaderFault) == ReaderFault(DeviceFault.SEVERAL_CARDS)
    kit.lane.remove(1)
    kit.events.next(ReaderReady)
    again = kit.events.next(CardPresent).presence
    assert isinstance(kit.answer(kit.ask("pin", again)), PinSigned)
    kit.lane.insert(person("elder"), slot=1, fresh=True)
    kit.events.until(ReaderFault)
    kit.lane.remove(0)
    presence = kit.events.until(CardPresent).presence
    assert isinstance(kit.answer(kit.ask("pin", presence, personas()["elder"].pin)), PinSigned)


def test_a_quick_swap_is_never_taken_for_the_first_card(kit: Kit) -> None:
    presence = kit.insert()
    assert isinstance(kit.answer(kit.ask("certificate", presence)), CertificateRead)
    kit.lane.swap(person("elder"))
    job = kit.ask("pin", presence)
    assert kit.answer(job) == CardRefused(job, DeviceFault.CARD_REMOVED)
    assert not any(kit.lane.verify_count("elder").values()), "the PIN did not reach the other card"
    while kit.last_card() in (CardPresent(presence), CardGone(presence)):
        kit.events.until(CardPresent)


def test_another_program_that_holds_the_card_is_named(kit: Kit) -> None:
    presence = kit.insert()
    # With a shell between: children of the process that owns the card process are the kiosk's own.
    command = ["sh", "-c", '"$0" -c "$1"; true', sys.executable, _HOLD]
    holder = subprocess.Popen(command, env=kit.lane.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"0\n"
        job = kit.ask("certificate", presence)
        assert kit.answer(job) == CardRefused(job, DeviceFault.CARD_BUSY, program=CardProgram.OTHER)
        holder.stdin.close()
        holder.wait()
        assert isinstance(kit.answer(kit.ask("certificate", presence)), CertificateRead)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


_HOLD = """
import sys
from smartcard import scard
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
name = "Virtual PCD 00 00"
result, card, _ = scard.SCardConnect(context, name, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY)
print(result, flush=True)
sys.stdin.read()
"""


def test_a_reset_by_another_program_over_the_genuine_service(kit: Kit) -> None:
    """Where the connection is not exclusive, as it must be for a second program to get at the card: what pcscd then
    says becomes `CardReset`, and the same handle goes on."""
    kit.insert()
    done = subprocess.run(
        [sys.executable, "-c", _RESET],
        env=kit.lane.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["selected", "reset", "reset", "again", "selected"], done.stderr


_RESET = """
from devices.errors import CardReset
from devices.pcsc import connection, scard
from devices.pcsc.scard import PyscardApi

SHARED = 2
scard.SHARE_EXCLUSIVE = SHARED
SELECT, PIN = bytes.fromhex("00A4040C0AD392F000260100000001"), bytes.fromhex("00A4020C020018")
OK = bytes.fromhex("9000")
api = PyscardApi()
ours = connection.open_card(api, "Virtual PCD 00 00")
assert ours.transmit(SELECT) == OK
print("selected")
_, context = api.establish()
_, theirs, _ = api.connect(context, "Virtual PCD 00 00", SHARED, 3)
api.disconnect(theirs, scard.RESET_CARD)
try:
    with ours.transaction():
        pass
except CardReset:
    print("reset")
try:
    ours.transmit(PIN)
except CardReset:
    print("reset")
ours.reconnect()
print("again")
if ours.transmit(SELECT) + ours.transmit(PIN) == OK + OK:
    print("selected")
ours.close()
"""
