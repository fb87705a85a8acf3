"""Command -> worker -> event. The loop hands commands over and never waits.

Card and face answer by themselves; everything that blocks (gateway, hand-off, password hashing) runs on one net
thread, one request at a time. Payloads of receptions that are over are wiped where they arrive.
"""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from devices import ports as d
from devices.errors import DeviceFault
from devices.ports import Blob
from devices.secret import SecretBytes, Wiped
from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from kiosk.runtime.ports import (
    Audit,
    Credentials,
    Desk,
    Gateway,
    Handoff,
    JobError,
    Postponer,
    Purpose,
    ServiceSwitch,
)
from kiosk.runtime.vault import ReceptionOver, Vault

FAULTS: dict[DeviceFault, FailureCode] = {
    DeviceFault.SERVICE_DOWN: FailureCode.READER_SERVICE_DOWN,
    DeviceFault.NO_READER: FailureCode.READER_MISSING,
    DeviceFault.ACCESS_DENIED: FailureCode.READER_DENIED,
    DeviceFault.VIRTUAL_READER: FailureCode.READER_VIRTUAL,
    DeviceFault.SEVERAL_CARDS: FailureCode.SEVERAL_CARDS,
    DeviceFault.READER_HUNG: FailureCode.READER_HUNG,
    DeviceFault.NO_CARD: FailureCode.CARD_UNREADABLE,
    DeviceFault.CARD_REMOVED: FailureCode.CARD_UNREADABLE,
    DeviceFault.CARD_MUTE: FailureCode.CARD_UNREADABLE,
    DeviceFault.CARD_BUSY: FailureCode.CARD_BUSY,
    DeviceFault.CARD_RESET: FailureCode.CARD_RESET,
    DeviceFault.CARD_PROTOCOL: FailureCode.CARD_PROTOCOL,
    DeviceFault.UNSUPPORTED_CARD: FailureCode.NOT_THIS_CARD,
    DeviceFault.PHONE_ON_READER: FailureCode.PHONE_ON_READER,
    DeviceFault.FOREIGN_ISSUER: FailureCode.PRACTICE_ONLY,
    DeviceFault.CERTIFICATE_UNREADABLE: FailureCode.CERTIFICATE_UNREADABLE,
    DeviceFault.PIN_BLOCKED: FailureCode.PIN_BLOCKED,
    DeviceFault.PIN_WRONG: FailureCode.PIN_BLOCKED,
    DeviceFault.NUMBER_WRONG: FailureCode.NUMBER_GUARDED,
    DeviceFault.NUMBER_GUARDED: FailureCode.NUMBER_GUARDED,
    DeviceFault.PHOTO_INVALID: FailureCode.PHOTO_INVALID,
    DeviceFault.CONNECTION_CHANGED: FailureCode.CARD_CHANGED,
    DeviceFault.CARD_WORKER_LOST: FailureCode.CARD_WORKER_LOST,
    DeviceFault.CAMERA_LOST: FailureCode.CAMERA_LOST,
    DeviceFault.CAMERA_BUSY: FailureCode.CAMERA_BUSY,
    DeviceFault.CAMERA_DENIED: FailureCode.CAMERA_DENIED,
    DeviceFault.CAMERA_VIRTUAL: FailureCode.CAMERA_VIRTUAL,
    DeviceFault.CAMERA_COVERED: FailureCode.CAMERA_COVERED,
    DeviceFault.CAMERA_FROZEN: FailureCode.CAMERA_LOST,
    DeviceFault.CAMERA_UNFIT: FailureCode.CAMERA_UNFIT,
    DeviceFault.FACE_WORKER_LOST: FailureCode.FACE_WORKER_LOST,
    DeviceFault.FACE_MEMORY: FailureCode.FACE_OUT_OF_MEMORY,
    DeviceFault.MODEL_MISSING: FailureCode.FACE_MODEL_MISSING,
    DeviceFault.SCANNER_LOST: FailureCode.SCANNER_LOST,
    DeviceFault.SCANNER_WORKER_LOST: FailureCode.SCANNER_WORKER_LOST,
    DeviceFault.SCAN_UNREADABLE: FailureCode.SCAN_UNREADABLE,
}
# Of these the removal itself tells, and in the right order; a card process that is lost reports its card gone.
_REMOVED = (
    DeviceFault.CARD_REMOVED,
    DeviceFault.NO_CARD,
    DeviceFault.CARD_WORKER_LOST,
    DeviceFault.READER_HUNG,
)

TIDY_SECONDS = 30.0


def fresh_reception() -> s.ReceptionId:
    """A random UUID: names the reception at the gateway, in the journal and in the hand-off file's name."""
    return s.ReceptionId(str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Adapters:
    reader: d.CardReader
    face: d.FaceVerifier
    camera: d.Camera
    gateway: Gateway
    handoff: Handoff
    postponer: Postponer
    staff: Credentials
    maintenance: Credentials
    audit: Audit
    desk: Desk
    service: ServiceSwitch
    scanner: d.CardFaceScanner | None = None
    card_camera: d.Camera | None = None  # above the reader; belongs to the scanner


class Executor:
    """`perform` is called on the loop's thread; `post` may be called from any."""

    def __init__(self, adapters: Adapters, vault: Vault, post: Callable[[e.Event], None]) -> None:
        self._do = adapters
        self._vault = vault
        self._post = post
        self._net: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="net", daemon=True)
        self._lock = threading.Lock()
        self._jobs: dict[int, s.ReceptionId] = {}  # card, scan and face jobs without an answer yet
        self._card: int | None = None
        self._reader_failure: FailureCode | None = FailureCode.READER_MISSING
        self._recycle_card = False
        self._face_used = False
        self._scanner_used = False
        self._scanner_broken = False
        self._progress = (0, 0)

    # --- life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()
        self._do.camera.start()
        self._do.face.start(self._face_event)
        if self._do.card_camera is not None:
            self._do.card_camera.start()
        if self._do.scanner is not None:
            self._do.scanner.start(self._scan_event)
        self._do.reader.start(self._card_event)

    def stop(self) -> None:
        self._do.reader.stop()
        if self._do.scanner is not None:
            self._do.scanner.stop()
        if self._do.card_camera is not None:
            self._do.card_camera.stop()
        self._do.face.stop()
        self._do.camera.stop()
        self._net.put(None)
        self._thread.join(timeout=5)
        self._vault.wipe_all()

    def tidy_now(self, done: Callable[[], None]) -> None:
        """Finish what is open at once instead of within half a minute; `done` is called on the net thread."""
        self._net.put(self._tidy)
        self._net.put(done)

    # --- people's secrets ------------------------------------------------------------------------------------------

    def keep(self, reception: s.ReceptionId, kind: str, secret: SecretBytes) -> str:
        """Take over what a page collected; returns its handle. Wiped, with `ReceptionOver`, when it is too late."""
        return self._vault.put(reception, kind, secret)

    # --- commands --------------------------------------------------------------------------------------------------

    def perform(self, command: c.Command) -> None:
        match command:
            case c.PrepareGateway():
                self._net.put(partial(self._quietly, partial(self._do.gateway.prepare, command.reception)))
            case c.ReadCertificate():
                self._vault.open(command.reception)
                self._expect(command.job, command.reception)
                self._do.reader.read_certificate(command.job, command.presence)
            case c.StartScan():
                self._start_scan(command)
            case c.StopScan():
                self._answered(command.scan)
                if self._do.scanner is not None:
                    self._do.scanner.cancel()
            case c.ForgetNumber():
                with suppress(ReceptionOver):
                    self._secret(command.number).wipe()
            case c.ReadPhoto():
                self._expect(command.job, command.reception)
                self._net.put(partial(self._answering, command, partial(self._read_photo, command)))
            case c.SignWithPin():
                self._expect(command.job, command.reception)
                self._net.put(partial(self._answering, command, partial(self._sign, command)))
            case c.StartFace():
                self._start_face(command)
            case c.StopFace():
                self._do.face.cancel()
            case c.CheckStaff():
                self._net.put(partial(self._answering, command, partial(self._check_staff, command)))
            case c.ConfirmEligibility():
                self._net.put(partial(self._answering, command, partial(self._confirm, command)))
            case c.Register():
                self._net.put(partial(self._answering, command, partial(self._register, command)))
            case c.SendConsents():
                self._net.put(partial(self._answering, command, partial(self._consent, command)))
            case c.LookUp():
                self._net.put(partial(self._answering, command, partial(self._look_up, command)))
            case c.Postpone():
                self._net.put(partial(self._answering, command, partial(self._postpone, command)))
            case c.WriteHandoff():
                self._net.put(partial(self._answering, command, partial(self._hand_off, command)))
            case c.Wipe():
                self._wipe(command.reception)
            case c.CallCounter():
                self._do.desk.call(command.reason)
            case c.Play():
                self._do.desk.play(command.sound)
            case c.Record():
                self._do.audit.record(command.what, command.reception, command.detail)
            case c.CheckMaintenancePin():
                self._net.put(partial(self._check_door, command))
            case c.RunTest():
                self._net.put(partial(self._test, command))
            case c.StoreService():
                self._do.service.store(command.open)
            case _:
                assert_never(command)

    def _expect(self, job: int, reception: s.ReceptionId) -> None:
        with self._lock:
            self._jobs[job] = reception

    def _wipe(self, reception: s.ReceptionId) -> None:
        self._vault.wipe(reception)
        self._do.face.cancel()
        self._do.camera.wipe()  # one that has stopped would keep its last picture until it shows another
        if self._do.scanner is not None:
            self._do.scanner.cancel()
        self._do.reader.release()
        self._net.put(partial(self._do.gateway.forget, reception))
        with self._lock:
            self._jobs = {job: owner for job, owner in self._jobs.items() if owner != reception}
            card_in = self._card is not None
            face_used, self._face_used = self._face_used, False
            scanner_used, self._scanner_used = self._scanner_used, False
            recycle_card = not card_in and self._recycle_card
            if recycle_card:
                self._recycle_card = False
        if face_used:
            self._do.face.recycle()
        if scanner_used and self._do.scanner is not None:
            self._do.scanner.recycle()
        if recycle_card:
            self._do.reader.recycle()

    def _start_scan(self, command: c.StartScan) -> None:
        self._expect(command.job, command.reception)
        if self._do.scanner is None:
            self._scan_event(d.ScanFailed(command.job, DeviceFault.SCANNER_LOST))
            return
        self._scanner_used = True
        self._do.scanner.begin(command.job)

    def _start_face(self, command: c.StartFace) -> None:
        try:
            photo = self._vault.get(command.photo)
        except ReceptionOver:
            return
        assert isinstance(photo, Blob)
        self._expect(command.job, command.reception)
        self._face_used = True
        self._do.face.begin(command.job, photo)

    # --- the net thread --------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        self._tidy()
        while True:
            try:
                task = self._net.get(timeout=TIDY_SECONDS)
            except queue.Empty:
                self._tidy()
                continue
            if task is None:
                return
            task()

    def _tidy(self) -> None:
        """What has the gateway's answer already comes first."""
        self._do.handoff.tidy()
        self._do.postponer.tidy()

    def _quietly(self, task: Callable[[], None]) -> None:
        """Work whose failure shows itself later, where it matters."""
        try:
            task()
        except JobError:
            return

    def _answering(
        self,
        command: (
            c.ReadPhoto
            | c.SignWithPin
            | c.CheckStaff
            | c.ConfirmEligibility
            | c.Register
            | c.SendConsents
            | c.LookUp
            | c.Postpone
            | c.WriteHandoff
        ),
        task: Callable[[], e.Event | None],
    ) -> None:
        try:
            event = task()
        except ReceptionOver:
            return
        except JobError as error:
            event = e.JobFailed(command.reception, command.job, error.failure, error.upstream)
        if event is not None:
            self._post(event)

    def _read_photo(self, command: c.ReadPhoto) -> None:
        with self._secret(command.number) as number:
            message = self._do.gateway.message(command.reception, Purpose.PRESENCE)
            self._recycle_card = True
            self._do.reader.read_photo(command.job, command.presence, Blob.of(number.view()), Blob.of(message))

    def _sign(self, command: c.SignWithPin) -> None:
        with self._secret(command.pin) as pin:
            message = self._do.gateway.message(command.reception, Purpose.PIN)
            self._recycle_card = True
            self._do.reader.sign_with_pin(command.job, command.presence, Blob.of(pin.view()), Blob.of(message))

    def _check_staff(self, command: c.CheckStaff) -> e.Event:
        with self._secret(command.credential) as credential:
            wait = self._do.staff.check(credential)
        if wait is None:
            return e.StaffAccepted(command.reception, command.job)
        return e.StaffDenied(command.reception, command.job, wait)

    def _confirm(self, command: c.ConfirmEligibility) -> e.Event:
        identity = command.identity
        evidence: SecretBytes | None
        match identity:
            case s.FaceIdentity():
                evidence = self._copy(identity.photo.evidence)
            case s.PinIdentity():
                evidence = self._copy(identity.signature)
            case s.StaffIdentity():
                evidence = None
            case _:
                assert_never(identity)
        certificate = self._copy(identity.certificate.ref)
        try:
            eligibility = self._do.gateway.confirm(command.reception, identity, certificate, evidence)
        finally:
            certificate.wipe()
            if evidence is not None:
                evidence.wipe()
        return e.EligibilityCame(command.reception, command.job, eligibility)

    def _register(self, command: c.Register) -> e.Event:
        eligibility = self._do.gateway.register(command.reception)
        return e.EligibilityCame(command.reception, command.job, eligibility)

    def _consent(self, command: c.SendConsents) -> e.Event:
        self._do.handoff.begin(command.reception)
        result = self._do.gateway.consent(command.reception, command.answers, command.language)
        handle = self._vault.put(command.reception, "result", result)
        return e.ResultCame(command.reception, command.job, s.ResultRef(handle))

    def _look_up(self, command: c.LookUp) -> e.Event:
        with self._query(command.query) as query:
            self._do.handoff.begin(command.reception)
            validity, result = self._do.gateway.look_up(command.reception, query, command.limit)
        if result is None:
            return e.LookedUp(command.reception, command.job, validity, None)
        handle = self._vault.put(command.reception, "result", result)
        return e.LookedUp(command.reception, command.job, validity, s.ResultRef(handle))

    def _postpone(self, command: c.Postpone) -> e.Event:
        payload: SecretBytes | None
        match command.late:
            case s.LateLookup():
                payload = self._query(command.late.query)
            case s.LateStaff():
                payload = self._copy(command.late.identity.certificate.ref)
            case s.LateConsents():
                payload = None
            case _:
                assert_never(command.late)
        try:
            self._do.postponer.put(command.reception, command.late, payload)
        finally:
            if payload is not None:
                payload.wipe()
        return e.Postponed(command.reception, command.job)

    def _hand_off(self, command: c.WriteHandoff) -> e.Event:
        result = self._vault.take(command.result)
        assert isinstance(result, SecretBytes)
        with result:
            placed = self._do.handoff.finish(command.reception, result)
        return e.HandedOff(command.reception, command.job, placed.number, placed.delayed, placed.substituted)

    def _check_door(self, command: c.CheckMaintenancePin) -> None:
        try:
            with self._secret(command.credential) as credential:
                wait = self._do.maintenance.check(credential)
        except ReceptionOver:
            wait = 0
        self._vault.wipe(MAINTENANCE)
        self._post(e.DoorAnswered(command.job, wait is None, wait or 0))

    def _test(self, command: c.RunTest) -> None:
        finding = "ok"
        match command.device:
            case e.Test.READER:
                if self._reader_failure is not None:
                    finding = self._reader_failure.name.lower()
            case e.Test.CAMERA:
                fault = self._do.camera.fault()
                if fault is not None:
                    finding = FAULTS[fault].name.lower()
            case e.Test.SCANNER:
                camera = self._do.card_camera
                if camera is None or camera.fault() is not None or camera.latest() is None:
                    finding = FailureCode.SCANNER_LOST.name.lower()
            case e.Test.GATEWAY:
                try:
                    self._do.gateway.check()
                except JobError as error:
                    finding = error.failure.name.lower()
            case _:
                assert_never(command.device)
        self._post(e.TestDone(command.job, command.device, finding))

    def _secret(self, handle: str) -> SecretBytes:
        """Used once, then wiped by the caller's `with`."""
        payload = self._vault.take(handle)
        assert isinstance(payload, SecretBytes)
        return payload

    def _query(self, handle: str) -> SecretBytes:
        """A copy: the query itself stays until the reception ends, because it may have to be asked again."""
        query = self._vault.get(handle)
        assert isinstance(query, SecretBytes)
        try:
            return SecretBytes(query.view())
        except Wiped:
            raise ReceptionOver from None

    def _copy(self, handle: str) -> SecretBytes:
        payload = self._vault.get(handle)
        assert isinstance(payload, Blob)
        return payload.secret()

    # --- what the devices say --------------------------------------------------------------------------------------

    def _card_event(self, event: d.CardEvent) -> None:
        match event:
            case d.ReaderReady():
                self._reader_failure = None
                self._post(e.ReaderUp())
            case d.ReaderFault():
                self._reader_failure = FAULTS[event.fault]
                self._post(e.ReaderDown(self._reader_failure))
            case d.CardPresent():
                with self._lock:
                    self._card = event.presence
                self._post(e.CardPut(event.presence, fresh_reception()))
            case d.CardGone():
                self._card_gone(event.presence)
            case d.CertificateRead():
                self._certificate_read(event)
            case d.CardProgress():
                self._card_progress(event)
            case d.PhotoRead():
                self._photo_read(event)
            case d.PinSigned():
                self._signed(event)
            case d.CardRefused():
                self._card_refused(event)
            case _:
                assert_never(event)

    def _card_gone(self, presence: int) -> None:
        with self._lock:
            if self._card == presence:
                self._card = None
        self._post(e.CardTaken(presence))

    def _card_progress(self, event: d.CardProgress) -> None:
        """A page shows twenty steps; a card reader makes sixty of a photo and more."""
        part = 20 * event.done // max(1, event.total)
        reception = self._owner(event.job)
        if reception is not None and (event.job, part) != self._progress:
            self._progress = (event.job, part)
            self._post(e.PhotoProgressed(reception, event.job, event.done, event.total))

    def _certificate_read(self, event: d.CertificateRead) -> None:
        reception = self._arrived(event.job, event.certificate)
        if reception is None:
            return
        with suppress(ReceptionOver):
            ref = s.CertificateRef(self._vault.put(reception, "certificate", event.certificate))
            self._post(
                e.CertificateCame(
                    reception,
                    event.job,
                    ref,
                    event.connection,
                    event.fingerprint,
                    event.pin_tries,
                    event.number_tries,
                )
            )

    def _photo_read(self, event: d.PhotoRead) -> None:
        reception = self._arrived(event.job, event.photo, event.evidence)
        if reception is None:
            return
        if not event.photo_intact:
            event.photo.wipe()
            event.evidence.wipe()
            self._post(e.JobFailed(reception, event.job, FailureCode.PHOTO_INVALID))
            return
        try:
            photo = s.PhotoRef(self._vault.put(reception, "photo", event.photo))
            evidence = s.EvidenceRef(self._vault.put(reception, "evidence", event.evidence))
        except ReceptionOver:
            event.evidence.wipe()
            return
        self._post(e.PhotoCame(reception, event.job, photo, evidence, event.connection))

    def _signed(self, event: d.PinSigned) -> None:
        reception = self._arrived(event.job, event.signature)
        if reception is None:
            return
        with suppress(ReceptionOver):
            handle = s.EvidenceRef(self._vault.put(reception, "signature", event.signature))
            self._post(e.SignatureCame(reception, event.job, handle, event.connection))

    def _card_refused(self, event: d.CardRefused) -> None:
        reception = self._answered(event.job)
        if reception is None or event.fault in _REMOVED:
            return
        if event.fault is DeviceFault.PIN_WRONG and event.tries_left is not None:
            self._post(e.PinRefused(reception, event.job, event.tries_left))
        elif event.fault is DeviceFault.NUMBER_WRONG and event.tries_left is not None:
            self._post(e.NumberRefused(reception, event.job, event.tries_left))
        else:
            holder = "" if event.program is None else event.program.value
            self._post(e.JobFailed(reception, event.job, FAULTS[event.fault], holder))

    def _face_event(self, event: d.FaceEvent) -> None:
        match event:
            case d.FaceWorkerReady():
                self._post(e.FaceChanged(True))
            case d.FaceGuidance():
                reception = self._owner(event.job)
                if reception is not None:
                    self._post(e.FaceHinted(reception, event.job, event.hint.value))
            case d.FaceDecided():
                reception = self._answered(event.job)
                if reception is None:
                    return
                if event.presence is d.FacePresence.ATTACK:
                    self._post(e.PresenceFailed(reception, event.job))
                elif event.band is d.FaceBand.ACCEPT:
                    self._post(e.FaceMatched(reception, event.job))
                else:
                    unclear = event.band is d.FaceBand.GREY or event.frames == 0
                    self._post(e.FaceMissed(reception, event.job, unclear))
            case d.FaceFailed():
                reception = self._answered(event.job)
                if reception is not None:
                    self._post(e.JobFailed(reception, event.job, FAULTS[event.fault]))
            case _:
                assert_never(event)

    def _scan_event(self, event: d.ScanEvent) -> None:
        match event:
            case d.ScannerReady():
                self._post(e.ScannerChanged(None))
            case d.ScanHinted():
                self._scanner_works()
                reception = self._owner(event.job)
                if reception is not None:
                    self._post(e.ScanHinted(reception, event.job, event.hint.value))
            case d.NumberScanned():
                self._number_scanned(event)
            case d.ScanFailed():
                self._scan_failed(event)
            case _:
                assert_never(event)

    def _scanner_works(self) -> None:
        """After a failure its camera, or its process, may come back without a word."""
        if self._scanner_broken:
            self._scanner_broken = False
            self._post(e.ScannerChanged(None))

    def _number_scanned(self, event: d.NumberScanned) -> None:
        self._scanner_works()
        reception = self._arrived(event.job, event.number)
        if reception is None:
            return
        with event.number as blob:
            number = blob.secret()
        with suppress(ReceptionOver):
            handle = s.NumberRef(self._vault.put(reception, "number", number))
            self._post(e.NumberScanned(reception, event.job, handle))

    def _scan_failed(self, event: d.ScanFailed) -> None:
        # The same word of the face process would mean the camera before the patient.
        missing = event.fault is DeviceFault.MODEL_MISSING
        failure = FailureCode.SCANNER_WORKER_LOST if missing else FAULTS[event.fault]
        if failure is not FailureCode.SCAN_UNREADABLE:
            self._scanner_broken = True
            self._post(e.ScannerChanged(failure))
        reception = self._answered(event.job)
        if reception is not None:
            self._post(e.JobFailed(reception, event.job, failure))

    def _owner(self, job: int) -> s.ReceptionId | None:
        with self._lock:
            return self._jobs.get(job)

    def _answered(self, job: int) -> s.ReceptionId | None:
        with self._lock:
            return self._jobs.pop(job, None)

    def _arrived(self, job: int, *blobs: Blob) -> s.ReceptionId | None:
        """Whose payload this is; nobody's is wiped."""
        reception = self._answered(job)
        if reception is None:
            for blob in blobs:
                blob.wipe()
        return reception


# The vault's drawer for maintenance PINs: maintenance has no reception.
MAINTENANCE = s.ReceptionId("maintenance")
