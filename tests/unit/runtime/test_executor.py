"""Commands reach their workers, answers become events, and what nobody waits for is wiped."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from devices import ports as d
from devices.blob import Blob
from devices.errors import CardProgram, DeviceFault
from devices.secret import SecretBytes
from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import Answers
from kiosk.reception.failure import FailureCode
from kiosk.runtime.executor import Adapters, Executor
from kiosk.runtime.ports import JobError, Placed, Purpose
from kiosk.runtime.vault import Vault

HERE = s.ReceptionId("here")
ELIGIBLE = s.Eligibility(True, s.Validity.VALID)


class Reader:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.sent: list[bytes] = []
        self.sink: Callable[[d.CardEvent], None] = lambda event: None

    def start(self, sink: Callable[[d.CardEvent], None]) -> None:
        self.sink = sink

    def read_certificate(self, job: int, presence: int) -> None:
        self.asked.append(("certificate", job))

    def read_photo(self, job: int, presence: int, number: Blob, message: Blob) -> None:
        self._take("photo", job, number, message)

    def sign_with_pin(self, job: int, presence: int, pin: Blob, message: Blob) -> None:
        self._take("sign", job, pin, message)

    def _take(self, what: str, job: int, *blobs: Blob) -> None:
        for blob in blobs:
            with blob, blob.secret() as secret:
                self.sent.append(bytes(secret.view()))
        self.asked.append((what, job))

    def release(self) -> None:
        self.asked.append(("release", 0))

    def recycle(self) -> None:
        self.asked.append(("recycle", 0))

    def stop(self) -> None:
        pass


class Face:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.sink: Callable[[d.FaceEvent], None] = lambda event: None

    def start(self, sink: Callable[[d.FaceEvent], None]) -> None:
        self.sink = sink

    def begin(self, job: int, photo: Blob) -> None:
        self.calls.append(f"begin {job}")

    def cancel(self) -> None:
        self.calls.append("cancel")

    def recycle(self) -> None:
        self.calls.append("recycle")

    def stop(self) -> None:
        pass


class Scanner:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.sink: Callable[[d.ScanEvent], None] = lambda event: None

    def start(self, sink: Callable[[d.ScanEvent], None]) -> None:
        self.sink = sink

    def begin(self, job: int) -> None:
        self.calls.append(f"begin {job}")

    def cancel(self) -> None:
        self.calls.append("cancel")

    def recycle(self) -> None:
        self.calls.append("recycle")

    def stop(self) -> None:
        self.calls.append("stop")


class Camera:
    def __init__(self) -> None:
        self.wiped = 0

    def start(self) -> None:
        pass

    def latest(self) -> d.Frame | None:
        return None

    def fault(self) -> DeviceFault | None:
        return DeviceFault.CAMERA_LOST

    def wipe(self) -> None:
        self.wiped += 1

    def stop(self) -> None:
        pass


@dataclass
class Gateway:
    error: JobError | None = None
    forgotten: list[str] = field(default_factory=list)
    queries: list[tuple[bytes, bool | None]] = field(default_factory=list)
    finds: bool = True

    def _maybe(self) -> None:
        if self.error is not None:
            raise self.error

    def prepare(self, reception: s.ReceptionId) -> None:
        self._maybe()

    def message(self, reception: s.ReceptionId, purpose: Purpose) -> bytes:
        self._maybe()
        return purpose.value.encode()

    def confirm(
        self, reception: s.ReceptionId, identity: s.Identity, certificate: SecretBytes, evidence: SecretBytes | None
    ) -> s.Eligibility:
        self._maybe()
        return ELIGIBLE

    def register(self, reception: s.ReceptionId) -> s.Eligibility:
        self._maybe()
        return ELIGIBLE

    def consent(self, reception: s.ReceptionId, answers: Answers, language: str) -> SecretBytes:
        self._maybe()
        return SecretBytes(b"{}")

    def look_up(
        self, reception: s.ReceptionId, query: SecretBytes, limit: bool | None
    ) -> tuple[s.Validity, SecretBytes | None]:
        self._maybe()
        self.queries.append((bytes(query.view()), limit))
        return (s.Validity.VALID, SecretBytes(b"{}")) if self.finds else (s.Validity.NONE, None)

    def forget(self, reception: s.ReceptionId) -> None:
        self.forgotten.append(reception)

    def check(self) -> None:
        self._maybe()


@dataclass
class Handoff:
    steps: list[str] = field(default_factory=list)

    def begin(self, reception: s.ReceptionId) -> None:
        self.steps.append("begin")

    def finish(self, reception: s.ReceptionId, result: SecretBytes) -> Placed:
        self.steps.append("finish")
        return Placed(7, False, 2)

    def tidy(self) -> None:
        self.steps.append("tidy")


@dataclass
class Postponer:
    kept: list[tuple[s.Late, bytes | None]] = field(default_factory=list)
    full: bool = False
    rounds: int = 0

    def put(self, reception: s.ReceptionId, late: s.Late, payload: SecretBytes | None) -> None:
        if self.full:
            raise JobError(FailureCode.POSTPONE_FAILED)
        self.kept.append((late, None if payload is None else bytes(payload.view())))

    def tidy(self) -> None:
        self.rounds += 1


@dataclass
class Pin:
    right: bytes

    def check(self, secret: SecretBytes) -> int | None:
        return None if secret.matches(self.right) else 30


@dataclass
class Sink:
    heard: list[str] = field(default_factory=list)

    def record(self, what: str, reception: s.ReceptionId | None, detail: str) -> None:
        self.heard.append(what)

    def call(self, reason: str) -> None:
        self.heard.append(reason)

    def play(self, sound: c.Sound) -> None:
        self.heard.append(sound.value)

    def store(self, is_open: bool) -> None:
        self.heard.append(f"open {is_open}")


class Stand:
    def __init__(self, *, scanner: bool = True) -> None:
        self.scanner, self.camera = Scanner(), Camera()
        self.reader, self.face, self.gateway, self.handoff, self.sink = Reader(), Face(), Gateway(), Handoff(), Sink()
        self.postponer = Postponer()
        self.vault = Vault()
        self.events: queue.SimpleQueue[e.Event] = queue.SimpleQueue()
        adapters = Adapters(
            self.reader,
            self.face,
            self.camera,
            self.gateway,
            self.handoff,
            self.postponer,
            Pin(b"246810"),
            Pin(b"135790"),
            self.sink,
            self.sink,
            self.sink,
            self.scanner if scanner else None,
            Camera() if scanner else None,
        )
        self.executor = Executor(adapters, self.vault, self.events.put)
        self.executor.start()

    def do(self, *commands: c.Command) -> None:
        for command in commands:
            self.executor.perform(command)

    def next(self) -> e.Event:
        return self.events.get(timeout=10)

    def settle(self) -> None:
        """Until the net thread has done everything it was given."""
        done: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.executor.tidy_now(lambda: done.put(True))
        done.get(timeout=10)

    def certificate(self, job: int = 1) -> Blob:
        self.do(c.ReadCertificate(HERE, job, 1))
        blob = Blob.of(b"certificate")
        self.reader.sink(d.CertificateRead(job, 1, blob, "print", d.TokenKind.CARD, 3, 10))
        return blob


@pytest.fixture
def stand() -> Iterator[Stand]:
    stand = Stand()
    yield stand
    stand.executor.stop()


def test_a_certificate_goes_to_the_vault_and_is_gone_after_the_wipe(stand: Stand) -> None:
    blob = stand.certificate()
    event = stand.next()
    assert isinstance(event, e.CertificateCame)
    assert (event.reception, event.pin_tries, event.number_tries) == (HERE, 3, 10)
    assert len(stand.vault) == 1
    stand.do(c.Wipe(HERE))
    assert blob.closed
    assert stand.camera.wiped == 1
    stand.settle()
    assert stand.gateway.forgotten == [HERE]


def test_what_nobody_waits_for_is_wiped(stand: Stand) -> None:
    stand.do(c.ReadCertificate(HERE, 1, 1), c.Wipe(HERE))
    certificate, photo, evidence, signature = (Blob.of(b"late") for _ in range(4))
    stand.reader.sink(d.CertificateRead(1, 1, certificate, "print", d.TokenKind.CARD, 3, 10))
    stand.reader.sink(d.PhotoRead(2, 1, photo, evidence, True, True))
    stand.reader.sink(d.PinSigned(3, 1, signature))
    assert all(blob.closed for blob in (certificate, photo, evidence, signature))
    assert stand.events.empty()


def test_a_pin_is_used_once_and_wiped(stand: Stand) -> None:
    stand.certificate()
    stand.next()
    pin = SecretBytes(b"1234")
    handle = s.PinRef(stand.executor.keep(HERE, "pin", pin))
    stand.do(c.SignWithPin(HERE, 2, 1, handle))
    stand.settle()
    assert pin.wiped
    assert stand.reader.sent == [b"1234", b"pin"]
    stand.do(c.SignWithPin(HERE, 3, 1, handle))
    stand.settle()
    assert stand.reader.asked.count(("sign", 3)) == 0
    stand.reader.sink(d.PinSigned(2, 1, Blob.of(b"signature")))
    assert isinstance(stand.next(), e.SignatureCame)


def test_a_gateway_that_is_down_sends_no_pin_to_the_card(stand: Stand) -> None:
    stand.certificate()
    stand.next()
    stand.gateway.error = JobError(FailureCode.GATEWAY_DOWN, "<nothing>")
    pin = SecretBytes(b"1234")
    stand.do(c.SignWithPin(HERE, 2, 1, s.PinRef(stand.executor.keep(HERE, "pin", pin))))
    assert stand.next() == e.JobFailed(HERE, 2, FailureCode.GATEWAY_DOWN, "<nothing>")
    assert pin.wiped
    assert stand.reader.sent == []


@pytest.mark.parametrize(
    ("refusal", "event"),
    [
        (d.CardRefused(1, DeviceFault.PIN_WRONG, 2), e.PinRefused(HERE, 1, 2)),
        (d.CardRefused(1, DeviceFault.NUMBER_WRONG, 9), e.NumberRefused(HERE, 1, 9)),
        (d.CardRefused(1, DeviceFault.UNSUPPORTED_CARD), e.JobFailed(HERE, 1, FailureCode.NOT_THIS_CARD)),
        (
            d.CardRefused(1, DeviceFault.CARD_BUSY, program=CardProgram.SCDAEMON),
            e.JobFailed(HERE, 1, FailureCode.CARD_BUSY, "scdaemon"),
        ),
        (d.CardRefused(1, DeviceFault.CARD_REMOVED), None),
        (d.CardRefused(1, DeviceFault.CARD_WORKER_LOST), None),
    ],
)
def test_refusals_in_the_domains_words(stand: Stand, refusal: d.CardRefused, event: e.Event | None) -> None:
    stand.do(c.ReadCertificate(HERE, 1, 1))
    stand.reader.sink(refusal)
    # The second refusal of the same job is nobody's.
    stand.reader.sink(refusal)
    assert stand.events.empty() if event is None else stand.next() == event
    assert stand.events.empty()


FAILURES = {
    DeviceFault.SERVICE_DOWN: "R-102",
    DeviceFault.NO_READER: "R-101",
    DeviceFault.ACCESS_DENIED: "R-105",
    DeviceFault.VIRTUAL_READER: "R-106",
    DeviceFault.SEVERAL_CARDS: "R-107",
    DeviceFault.READER_HUNG: "R-104",
    DeviceFault.NO_CARD: "C-101",
    DeviceFault.CARD_REMOVED: "C-101",
    DeviceFault.CARD_MUTE: "C-101",
    DeviceFault.CARD_BUSY: "C-103",
    DeviceFault.CARD_RESET: "C-109",
    DeviceFault.CARD_PROTOCOL: "C-106",
    DeviceFault.UNSUPPORTED_CARD: "C-102",
    DeviceFault.PHONE_ON_READER: "C-108",
    DeviceFault.FOREIGN_ISSUER: "C-105",
    DeviceFault.CERTIFICATE_UNREADABLE: "C-107",
    DeviceFault.PIN_BLOCKED: "P-101",
    DeviceFault.PIN_WRONG: "P-101",
    DeviceFault.NUMBER_WRONG: "N-101",
    DeviceFault.NUMBER_GUARDED: "N-101",
    DeviceFault.PHOTO_INVALID: "F-101",
    DeviceFault.CONNECTION_CHANGED: "C-104",
    DeviceFault.CARD_WORKER_LOST: "R-103",
    DeviceFault.CAMERA_LOST: "F-103",
    DeviceFault.CAMERA_BUSY: "F-105",
    DeviceFault.CAMERA_DENIED: "F-107",
    DeviceFault.CAMERA_VIRTUAL: "F-109",
    DeviceFault.CAMERA_COVERED: "F-106",
    DeviceFault.CAMERA_FROZEN: "F-103",
    DeviceFault.CAMERA_UNFIT: "F-110",
    DeviceFault.FACE_WORKER_LOST: "F-104",
    DeviceFault.FACE_MEMORY: "F-112",
    DeviceFault.MODEL_MISSING: "F-111",
    DeviceFault.SCANNER_LOST: "N-103",
    DeviceFault.SCANNER_WORKER_LOST: "N-104",
    DeviceFault.SCAN_UNREADABLE: "N-102",
}


@pytest.mark.parametrize("fault", DeviceFault)
def test_every_fault_has_its_failure(stand: Stand, fault: DeviceFault) -> None:
    failure = FailureCode(FAILURES[fault])
    stand.reader.sink(d.ReaderFault(fault))
    assert stand.next() == e.ReaderDown(failure)
    gone = (DeviceFault.NO_CARD, DeviceFault.CARD_REMOVED, DeviceFault.CARD_WORKER_LOST, DeviceFault.READER_HUNG)
    if fault not in gone:
        stand.do(c.ReadCertificate(HERE, 1, 1))
        stand.reader.sink(d.CardRefused(1, fault))
        assert stand.next() == e.JobFailed(HERE, 1, failure)


def test_a_damaged_photo_is_no_photo(stand: Stand) -> None:
    stand.do(c.ReadCertificate(HERE, 1, 1))
    photo, evidence = Blob.of(b"photo"), Blob.of(b"{}")
    stand.reader.sink(d.PhotoRead(1, 1, photo, evidence, photo_intact=False, clone_checked=True))
    assert stand.next() == e.JobFailed(HERE, 1, FailureCode.PHOTO_INVALID)
    assert photo.closed
    assert evidence.closed


def test_face_answers_and_the_process_is_replaced_after_the_wipe(stand: Stand) -> None:
    stand.do(c.ReadCertificate(HERE, 1, 1))
    stand.reader.sink(d.PhotoRead(1, 1, Blob.of(b"photo"), Blob.of(b"{}"), True, True))
    came = stand.next()
    assert isinstance(came, e.PhotoCame)
    stand.do(c.StartFace(HERE, 2, came.ref))
    stand.face.sink(d.FaceGuidance(2, d.FaceHint.CLOSER))
    assert stand.next() == e.FaceHinted(HERE, 2, "closer")
    stand.face.sink(d.FaceDecided(2, d.FaceBand.REJECT, 3))
    assert stand.next() == e.FaceMissed(HERE, 2, unclear=False)
    stand.face.sink(d.FaceDecided(2, d.FaceBand.ACCEPT, 3))
    assert stand.events.empty()
    for job, band, frames, event in (
        (3, d.FaceBand.ACCEPT, 3, e.FaceMatched(HERE, 3)),
        (4, d.FaceBand.GREY, 3, e.FaceMissed(HERE, 4, unclear=True)),
        (5, d.FaceBand.REJECT, 0, e.FaceMissed(HERE, 5, unclear=True)),
    ):
        stand.do(c.StartFace(HERE, job, came.ref))
        stand.face.sink(d.FaceDecided(job, band, frames))
        assert stand.next() == event
    stand.do(c.StartFace(HERE, 7, came.ref))
    stand.face.sink(d.FaceDecided(7, d.FaceBand.GREY, 3, d.FacePresence.ATTACK))
    assert stand.next() == e.PresenceFailed(HERE, 7)
    stand.do(c.Wipe(HERE))
    assert stand.face.calls[-2:] == ["cancel", "recycle"]
    stand.do(c.StartFace(HERE, 6, came.ref))
    assert "begin 6" not in stand.face.calls


def test_the_card_process_is_replaced_only_without_a_card(stand: Stand) -> None:
    stand.reader.sink(d.CardPresent(1))
    assert isinstance(stand.next(), e.CardPut)
    stand.certificate()
    stand.next()
    stand.do(c.SignWithPin(HERE, 2, 1, s.PinRef(stand.executor.keep(HERE, "pin", SecretBytes(b"1234")))))
    stand.settle()
    stand.do(c.Wipe(HERE))
    assert ("recycle", 0) not in stand.reader.asked
    stand.reader.sink(d.CardGone(1))
    assert stand.next() == e.CardTaken(1)
    stand.do(c.Wipe(HERE))
    assert stand.reader.asked[-1] == ("recycle", 0)


def test_consents_are_journalled_before_they_are_sent(stand: Stand) -> None:
    stand.certificate()
    stand.next()
    stand.gateway.error = JobError(FailureCode.GATEWAY_DOWN)
    stand.do(c.SendConsents(HERE, 2, Answers((), True), "ja"))
    assert stand.next() == e.JobFailed(HERE, 2, FailureCode.GATEWAY_DOWN)
    assert stand.handoff.steps[-1] == "begin"
    stand.gateway.error = None
    stand.do(c.SendConsents(HERE, 3, Answers((), True), "ja"))
    came = stand.next()
    assert isinstance(came, e.ResultCame)
    stand.do(c.WriteHandoff(HERE, 4, came.result))
    assert stand.next() == e.HandedOff(HERE, 4, 7, delayed=False, substituted=2)


def test_staff_and_maintenance_have_pins_of_their_own(stand: Stand) -> None:
    stand.certificate()
    stand.next()
    for typed, answer in ((b"246810", e.StaffAccepted(HERE, 2)), (b"135790", e.StaffDenied(HERE, 2, 30))):
        handle = s.PinRef(stand.executor.keep(HERE, "staff", SecretBytes(typed)))
        stand.do(c.CheckStaff(HERE, 2, handle))
        assert stand.next() == answer
    maintenance = s.ReceptionId("maintenance")
    stand.vault.open(maintenance)
    handle = s.PinRef(stand.executor.keep(maintenance, "staff", SecretBytes(b"135790")))
    stand.do(c.CheckMaintenancePin(3, handle))
    assert stand.next() == e.DoorAnswered(3, True)
    stand.do(c.CheckMaintenancePin(4, handle))
    assert stand.next() == e.DoorAnswered(4, False)


def test_maintenance_finds_what_does_not_work(stand: Stand) -> None:
    stand.gateway.error = JobError(FailureCode.GATEWAY_ERROR)
    for device, finding in (
        (e.Test.READER, "reader_missing"),
        (e.Test.CAMERA, "camera_lost"),
        (e.Test.SCANNER, "scanner_lost"),
        (e.Test.GATEWAY, "gateway_error"),
    ):
        stand.do(c.RunTest(1, device))
        assert stand.next() == e.TestDone(1, device, finding)
    stand.reader.sink(d.ReaderReady("reader"))
    assert stand.next() == e.ReaderUp()
    stand.do(c.RunTest(2, e.Test.READER))
    assert stand.next() == e.TestDone(2, e.Test.READER, "ok")
    stand.reader.sink(d.ReaderFault(DeviceFault.ACCESS_DENIED))
    assert stand.next() == e.ReaderDown(FailureCode.READER_DENIED)
    stand.do(c.RunTest(3, e.Test.READER))
    assert stand.next() == e.TestDone(3, e.Test.READER, "reader_denied")


def test_words_for_the_desk_and_the_audit(stand: Stand) -> None:
    stand.do(c.CallCounter("help"), c.Play(c.Sound.DONE), c.Record("started"), c.StoreService(False))
    assert stand.sink.heard == ["help", "done", "started", "open False"]


def typed(stand: Stand) -> s.QueryRef:
    stand.vault.open(HERE)
    return s.QueryRef(stand.executor.keep(HERE, "query", SecretBytes(b"{query}")))


def test_a_query_is_asked_as_often_as_staff_want_and_goes_with_the_reception(stand: Stand) -> None:
    query = typed(stand)
    stand.gateway.error = JobError(FailureCode.FOLDER_TIMEOUT)
    stand.do(c.LookUp(HERE, 1, query, True))
    assert stand.next() == e.JobFailed(HERE, 1, FailureCode.FOLDER_TIMEOUT)
    assert stand.handoff.steps[-1] == "begin"  # journalled before it was asked
    stand.gateway.error = None
    stand.do(c.LookUp(HERE, 2, query, True))
    came = stand.next()
    assert isinstance(came, e.LookedUp)
    assert (came.job, came.validity) == (2, s.Validity.VALID)
    assert came.result is not None
    assert stand.gateway.queries == [(b"{query}", True)]
    stand.do(c.WriteHandoff(HERE, 3, came.result))
    assert isinstance(stand.next(), e.HandedOff)
    assert len(stand.vault) == 1
    stand.do(c.Wipe(HERE))
    assert len(stand.vault) == 0


def test_a_query_that_names_nobody_has_no_result(stand: Stand) -> None:
    stand.gateway.finds = False
    stand.do(c.LookUp(HERE, 1, typed(stand), None))
    assert stand.next() == e.LookedUp(HERE, 1, s.Validity.NONE, None)


def test_a_query_of_a_reception_that_is_over_is_not_asked(stand: Stand) -> None:
    query = typed(stand)
    kept = stand.vault.get(query)
    stand.do(c.Wipe(HERE), c.LookUp(HERE, 1, query, None))
    stand.settle()
    assert stand.gateway.queries == []
    # Wiped between finding and reading it.
    stand.vault.open(HERE)
    again = s.QueryRef(stand.vault.put(HERE, "query", kept))
    stand.do(c.LookUp(HERE, 1, again, None))
    stand.settle()
    assert stand.gateway.queries == []
    assert stand.events.empty()


def test_staff_open_a_look_up_without_a_card(stand: Stand) -> None:
    stand.vault.open(HERE)
    handle = s.PinRef(stand.executor.keep(HERE, "staff", SecretBytes(b"246810")))
    stand.do(c.CheckStaff(HERE, 1, handle))
    assert stand.next() == e.StaffAccepted(HERE, 1)


def test_what_can_wait_is_kept_with_what_it_needs(stand: Stand) -> None:
    query = typed(stand)
    stand.certificate()
    came = stand.next()
    assert isinstance(came, e.CertificateCame)
    certificate = s.Certificate(came.ref, 1, "print", 3, 10)
    lates: tuple[tuple[s.Late, bytes | None], ...] = (
        (s.LateLookup(query, False), b"{query}"),
        (s.LateStaff(s.StaffIdentity(certificate, s.StaffReason.OTHER)), b"certificate"),
        (s.LateConsents(Answers.none(), "ja"), None),
    )
    for job, (late, _) in enumerate(lates, 2):
        stand.do(c.Postpone(HERE, job, late))
        assert stand.next() == e.Postponed(HERE, job)
    assert tuple(stand.postponer.kept) == lates
    stand.postponer.full = True
    stand.do(c.Postpone(HERE, 9, s.LateLookup(query, None)))
    assert stand.next() == e.JobFailed(HERE, 9, FailureCode.POSTPONE_FAILED)


def test_what_waits_has_its_turn_after_the_hand_off(stand: Stand) -> None:
    stand.settle()
    assert stand.postponer.rounds == stand.handoff.steps.count("tidy") > 0


# --- the printed card ----------------------------------------------------------------------------------------------


def scan(stand: Stand, job: int = 2) -> None:
    stand.certificate()
    stand.next()
    stand.do(c.StartScan(HERE, job))
    assert stand.scanner.calls[-1] == f"begin {job}"


def test_a_scanned_number_is_used_once_and_wiped(stand: Stand) -> None:
    scan(stand)
    stand.scanner.sink(d.ScanHinted(2, d.ScanHint.FACE_DOWN))
    assert stand.next() == e.ScanHinted(HERE, 2, "face_down")
    number = Blob.of(b"60041220344821")
    stand.scanner.sink(d.NumberScanned(2, number))
    event = stand.next()
    assert isinstance(event, e.NumberScanned)
    assert (event.reception, event.job) == (HERE, 2)
    assert number.closed
    stand.do(c.ReadPhoto(HERE, 3, 1, event.number), c.ReadPhoto(HERE, 4, 1, event.number))
    stand.settle()
    assert stand.reader.sent == [b"60041220344821", b"presence"]
    assert ("photo", 4) not in stand.reader.asked


def test_a_scanned_number_that_is_not_used_is_wiped(stand: Stand) -> None:
    scan(stand)
    stand.scanner.sink(d.NumberScanned(2, Blob.of(b"60041220344821")))
    event = stand.next()
    assert isinstance(event, e.NumberScanned)
    kept = stand.vault.get(event.number)
    assert isinstance(kept, SecretBytes)
    stand.do(c.ForgetNumber(HERE, event.number), c.ForgetNumber(HERE, event.number))
    assert kept.wiped
    stand.do(c.ReadPhoto(HERE, 3, 1, event.number))
    stand.settle()
    assert stand.reader.sent == []


@pytest.mark.parametrize("end", [c.StopScan(HERE, 2), c.Wipe(HERE)])
def test_a_number_of_a_scan_that_was_stopped_is_nobodys(stand: Stand, end: c.Command) -> None:
    scan(stand)
    stand.do(end)
    assert "cancel" in stand.scanner.calls
    held = len(stand.vault)
    late = Blob.of(b"60041220344821")
    stand.scanner.sink(d.NumberScanned(2, late))
    stand.scanner.sink(d.ScanHinted(2, d.ScanHint.READING))
    stand.scanner.sink(d.ScanFailed(2, DeviceFault.SCAN_UNREADABLE))
    assert late.closed
    assert stand.events.empty()
    assert len(stand.vault) == held


def test_the_process_that_saw_a_card_is_replaced_after_the_reception_and_no_other(stand: Stand) -> None:
    stand.certificate()
    stand.do(c.Wipe(HERE))
    assert "recycle" not in stand.scanner.calls
    scan(stand)
    stand.do(c.Wipe(HERE), c.Wipe(HERE))
    assert stand.scanner.calls.count("recycle") == 1


@pytest.mark.parametrize(
    ("fault", "failure", "broken"),
    [
        (DeviceFault.SCAN_UNREADABLE, FailureCode.SCAN_UNREADABLE, False),
        (DeviceFault.SCANNER_LOST, FailureCode.SCANNER_LOST, True),
        (DeviceFault.SCANNER_WORKER_LOST, FailureCode.SCANNER_WORKER_LOST, True),
        (DeviceFault.MODEL_MISSING, FailureCode.SCANNER_WORKER_LOST, True),
    ],
)
def test_a_scan_that_fails(stand: Stand, fault: DeviceFault, failure: FailureCode, broken: bool) -> None:
    scan(stand)
    stand.scanner.sink(d.ScanFailed(2, fault))
    if broken:
        assert stand.next() == e.ScannerChanged(failure)
    assert stand.next() == e.JobFailed(HERE, 2, failure)
    stand.scanner.sink(d.ScannerReady())
    assert stand.next() == e.ScannerChanged(None)
    assert stand.events.empty()


def test_a_scanner_that_works_again_without_a_word(stand: Stand) -> None:
    scan(stand)
    stand.scanner.sink(d.ScanFailed(2, DeviceFault.SCANNER_LOST))
    assert stand.next() == e.ScannerChanged(FailureCode.SCANNER_LOST)
    stand.next()
    stand.do(c.StartScan(HERE, 3))
    stand.scanner.sink(d.ScanHinted(3, d.ScanHint.READING))
    assert stand.next() == e.ScannerChanged(None)
    assert stand.next() == e.ScanHinted(HERE, 3, "reading")
    stand.scanner.sink(d.ScanHinted(3, d.ScanHint.READING))
    assert stand.next() == e.ScanHinted(HERE, 3, "reading")
    assert stand.events.empty()


def test_a_kiosk_without_a_scanner() -> None:
    stand = Stand(scanner=False)
    stand.certificate()
    stand.next()
    stand.do(c.StartScan(HERE, 2))
    assert stand.next() == e.ScannerChanged(FailureCode.SCANNER_LOST)
    assert stand.next() == e.JobFailed(HERE, 2, FailureCode.SCANNER_LOST)
    stand.do(c.StopScan(HERE, 2), c.RunTest(3, e.Test.SCANNER), c.Wipe(HERE))
    assert stand.next() == e.TestDone(3, e.Test.SCANNER, "scanner_lost")
    stand.executor.stop()
