"""The composition root: the one place that knows every concrete class and fits them together."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding as KeyEncoding
from cryptography.hazmat.primitives.serialization import PublicFormat
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from devices import ports as d
from devices.errors import DeviceFault
from devices.registry import camera as make_camera
from devices.registry import card_face_scanner as make_scanner
from devices.registry import card_reader as make_reader
from devices.registry import face_verifier as make_verifier
from devices.secret import SecretBytes
from kiosk import config, log
from kiosk.audit import Audit, Unavailable
from kiosk.config import GatewayDriver, LookupSource, ReaderDriver, ScannerDriver, Settings, refused
from kiosk.consenttext import text_version
from kiosk.downtime.errors import KeyRefused
from kiosk.downtime.key import load_key
from kiosk.downtime.queue import Finished, Outcome, Queue
from kiosk.downtime.service import NoQueue, QueueService
from kiosk.eligibility.conversation import Conversation
from kiosk.eligibility.folder import FolderLookup, FolderSettings
from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.port import RESULT_EXPIRED, Lookup
from kiosk.handoff import fhir
from kiosk.handoff.desk import Handoff, Recovered, Recovery, Unclaimed
from kiosk.handoff.errors import ForeignFolder, NotNow, ResultGone
from kiosk.handoff.folder import HandoffFolder
from kiosk.handoff.journal import Journal
from kiosk.handoff.service import HandoffService
from kiosk.handoff.sidefile import FhirFolder, SideFolder
from kiosk.i18n import Catalogue, CatalogueBroken
from kiosk.maintenance.credentials import Accepted, Credentials, set_practice
from kiosk.maintenance.service import ServiceFlag
from kiosk.oqs.document import Encoding
from kiosk.qualification import JST
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.commands import Sound
from kiosk.reception.failure import FailureCode
from kiosk.runtime.executor import FAULTS, MAINTENANCE, Adapters, Executor, fresh_reception
from kiosk.runtime.health import CameraWatch
from kiosk.runtime.loop import Loop
from kiosk.runtime.ports import JobError, Postponer
from kiosk.runtime.vault import ReceptionOver, Vault
from kiosk.ui.bridge import EventBridge, QtAlarm
from kiosk.ui.ports import Picture, Secret
from kiosk.ui.theme import Theme
from kiosk.ui.window import KioskWindow

ASSETS = Path(__file__).resolve().parents[1] / "assets"
_log = log.get("kiosk.app")


@dataclass(frozen=True, slots=True)
class GatewayAccess:
    """Where the gateway is and how this terminal shows who it is (PEM files)."""

    url: str
    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Trust:
    """`issuers`: certificates (DER) whose cards are accepted; `anchor`: key (SPKI DER) under which EF 0004 stands."""

    issuers: tuple[bytes, ...]
    anchor: bytes | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What config.toml does not say by itself in a simulation: the stage provides it (`kiosk.cli.stage`).

    `card_camera`: looks at the card on the reader; None: the printed front is not read.
    """

    gateway: GatewayAccess
    trust: Trust
    reader: d.CardReader
    camera: d.Camera
    card_camera: d.Camera | None = None


def surroundings(settings: Settings) -> Surroundings:
    """The real world as config.toml describes it."""
    gateway = settings.gateway
    assert gateway.ca_file is not None
    assert gateway.client_cert is not None
    assert gateway.client_key is not None
    trust = Trust(
        tuple(_certificate(path) for path in settings.card.ca_files),
        next((_public_key(path) for path in settings.card.photo_ca_files), None),
    )
    return Surroundings(
        GatewayAccess(gateway.url, gateway.ca_file, gateway.client_cert, gateway.client_key),
        trust,
        make_reader("pcsc", reader_options(settings, trust)),
        make_camera("opencv", camera_options(settings)),
        card_camera(settings),
    )


def camera_options(settings: Settings) -> dict[str, object]:
    """Options of the camera that looks at the patient (`devices.camera.opencv.OpenCvCamera`)."""
    camera = settings.camera
    size = {"width": camera.width, "height": camera.height, "fps": camera.fps}
    return {"device": camera.device, "production": settings.kiosk.production, **size}


def card_camera(settings: Settings) -> d.Camera | None:
    """The real camera above the reader, if there is to be one."""
    if settings.scanner.driver is not ScannerDriver.OPENCV:
        return None
    options = {"device": settings.scanner.device, "width": 1280, "height": 720, "fps": 15}
    return make_camera("opencv", {**options, "production": settings.kiosk.production})


def is_staged(settings: Settings) -> bool:
    """Does this configuration need a stage?"""
    return settings.reader.driver is not ReaderDriver.PCSC or settings.gateway.driver is GatewayDriver.SIMULATED


def reader_options(settings: Settings, trust: Trust, csock: str = "") -> dict[str, object]:
    """Options of the card process (`devices.card.process.spec`)."""
    return {
        "driver": "simulated" if settings.reader.driver is ReaderDriver.SIMULATED else "pcsc",
        "reader": settings.reader.name,
        "csock": csock,
        "production": settings.kiosk.production,
        "hang_seconds": settings.reader.hang_seconds,
        "trace": "" if settings.reader.trace is None else str(settings.reader.trace.absolute()),
        "issuers": [base64.b64encode(der).decode() for der in trust.issuers],
        "anchor": None if trust.anchor is None else base64.b64encode(trust.anchor).decode(),
        "salt": secrets.token_hex(16),
    }


FACE_MEMORY_MB = 1024  # a face process uses about 120


def face_options(settings: Settings) -> dict[str, object]:
    """Options of the face process (`devices.face.worker.spec`)."""
    face = settings.face
    options: dict[str, object] = {
        "engine": face.engine.value,
        "accept": face.accept,
        "grey": face.grey,
        "average": face.frames,
        "frames": face.frames,  # the best are all there are: one comparison for each attempt
        "liveness": face.liveness.value,
        "seconds": max(3.0, settings.times.face_seconds - 3.0),
        "memory_mb": FACE_MEMORY_MB,
    }
    for name, file in (("model", face.model), ("centre", face.centre)):
        if file is not None:
            options[name] = str(file)
    return options


def use_display(*, offscreen: bool) -> QApplication:
    """The Qt application; call it before `App`."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    return QApplication(["kiosk", "-platform", "offscreen"] if offscreen else ["kiosk"])


class App:
    """One kiosk: built, started, stopped. `use_display` comes first."""

    def __init__(self, settings: Settings, around: Surroundings, *, still: bool = False) -> None:
        self.settings = settings
        self.around = around
        self._quit = False
        policy = replace(settings.policy(), scanner=around.card_camera is not None)
        state = settings.kiosk.state_dir
        state.mkdir(parents=True, exist_ok=True)
        settings.handoff_folder.mkdir(parents=True, exist_ok=True)
        if settings.simulated:
            _practice_pins(settings)
        self.catalogue = open_catalogue(settings)
        self._queue = open_queue(settings)

        self.vault = Vault()
        self.bridge = EventBridge(self._apply)
        self.audit = Audit(settings.audit_file, simulated=settings.simulated)
        access = around.gateway
        self._https = HttpsGateway(
            GatewaySettings(
                access.url,
                settings.gateway.terminal_id,
                access.certificate,
                access.key,
                access.ca,
                connect=settings.gateway.connect_seconds,
                read=settings.gateway.read_seconds,
                overall=settings.gateway.overall_seconds,
                asks=policy.questions,
            )
        )
        wording = partial(text_version, settings.consent.text_version, self.catalogue, policy)
        self._gateway = Conversation(self._https, lru_cache(wording), _folder_lookup(settings))
        auditor = _Auditor(self.audit)
        self._journal = Journal(settings.journal_file, lambda: datetime.now(JST))
        self.folder = HandoffFolder(settings.handoff_folder, settings.kiosk.institution_code)
        self.desk = _Desk()
        handoff = HandoffService(
            self._make_handoff(),
            self._fetch,
            partial(_recovered, auditor, self.desk),
            self.desk.unclaimed,
        )
        postponer: Postponer = NoQueue()
        if self._queue is not None:
            ended = partial(_postponed_ended, auditor, self.desk)
            postponer = QueueService(self._queue, self._gateway, handoff, ended, policy.languages[0])
        self.service = ServiceFlag(settings.service_file)
        self.face = make_verifier(settings.face.engine.value, around.camera, face_options(settings))
        self.scanner = None if around.card_camera is None else _scanner(around.card_camera, settings)
        self.executor = Executor(
            Adapters(
                reader=around.reader,
                face=self.face,
                camera=around.camera,
                gateway=self._gateway,
                handoff=handoff,
                postponer=postponer,
                staff=_Checker(Credentials(settings.staff_hash_file, settings.staff_throttle_file, time.time)),
                maintenance=_Checker(
                    Credentials(settings.maintenance_hash_file, settings.maintenance_throttle_file, time.time)
                ),
                audit=auditor,
                desk=self.desk,
                service=_Switch(self.service),
                scanner=self.scanner,
                card_camera=around.card_camera,
            ),
            self.vault,
            self.bridge.post,
        )
        self._watches = [CameraWatch(around.camera, self._camera_changed, looks=2)]
        if around.card_camera is not None:
            self._watches.append(CameraWatch(around.card_camera, self._card_camera_changed, looks=8))
        self.door = _Door(self)
        theme = Theme.load(ASSETS, settings.screen.scale)
        self.window = KioskWindow(
            self.catalogue,
            theme,
            policy,
            self.bridge.post,
            self.door,
            _Frames(around.camera),
            simulated=settings.simulated,
            still=still,
        )
        kiosk = s.Kiosk(language=policy.languages[0], health=s.Health(open=self.service.open))
        self._alarms = (QtAlarm(), QtAlarm())
        self.loop = Loop(policy, self.window, self.executor.perform, *self._alarms, fresh_reception, kiosk)

    def start(self) -> None:
        """Show the first page, start the devices."""
        self.audit.record("started")
        self.vault.open(MAINTENANCE)
        self.loop.show()
        try:
            self.folder.check()
        except ForeignFolder:
            self.bridge.post(e.Blocked(FailureCode.HANDOFF_FOREIGN))
        except OSError:
            _log.warning("handoff_folder_not_ready")
        self.executor.start()
        for watch in self._watches:
            watch.start()
        _log.info("kiosk_started")

    def stop(self) -> None:
        self.bridge.close()
        for alarm in self._alarms:
            alarm.clear()
        for watch in self._watches:
            watch.stop()
        self.executor.stop()
        self._https.close()
        self._journal.close()
        if self._queue is not None:
            self._queue.close()
        self.audit.record("stopped")
        self.audit.close()
        self.window.close()

    def run_until(self, over: Callable[[], bool], seconds: float) -> bool:
        """Serve the window until `over` (asked every 30 ms) or the time ends; returns whether it was over."""
        application = QApplication.instance()
        assert application is not None
        end = time.monotonic() + seconds
        finished = False

        def look() -> None:
            nonlocal finished
            finished = over()
            if finished or self._quit or time.monotonic() > end:
                application.exit()  # quit() would close the window

        timer = QTimer()
        timer.setInterval(30)
        timer.timeout.connect(look)
        timer.start()
        self.window.show()
        application.exec()
        timer.stop()
        return finished

    def quit(self) -> None:
        """End `run_until` soon. May be called from a signal handler."""
        self._quit = True

    def _camera_changed(self, fault: DeviceFault | None) -> None:
        failure = FailureCode.CAMERA_LOST if fault is None else FAULTS[fault]
        self.bridge.post(e.CameraChanged(fault is None, failure))

    def _card_camera_changed(self, fault: DeviceFault | None) -> None:
        self.bridge.post(e.ScannerChanged(None if fault is None else FailureCode.SCANNER_LOST))

    def _apply(self, event: e.Event) -> None:
        self.loop.apply(event)

    def _fetch(self, reception: str) -> SecretBytes | None:
        try:
            return self._gateway.fetch(s.ReceptionId(reception))
        except JobError as error:
            if error.upstream == RESULT_EXPIRED:
                raise ResultGone from None
            raise NotNow from None

    def _make_handoff(self) -> Handoff:
        return Handoff(
            self.folder,
            SideFolder(self.settings.side_folder),
            self._journal,
            _encoding(self.settings.handoff.encoding),
            simulated=self.settings.simulated,
            fhir_folder=_fhir_folder(self.settings),
            retention=timedelta(hours=self.settings.handoff.retention_hours),
        )


def _scanner(camera: d.Camera, settings: Settings) -> d.CardFaceScanner:
    return make_scanner("ocr", camera, {"seconds": settings.scanner.seconds})


# --- fitting pieces ------------------------------------------------------------------------------------------------


class _Door:
    """What pages collected goes into the vault; the domain gets the handle."""

    def __init__(self, app: App) -> None:
        self._app = app

    def new(self, capacity: int) -> SecretBytes:
        return SecretBytes(capacity=capacity)

    def pin_entered(self, secret: Secret) -> None:
        self._keep("pin", secret, lambda handle: e.PinEntered(s.PinRef(handle)))

    def number_entered(self, secret: Secret) -> None:
        self._keep("number", secret, lambda handle: e.NumberEntered(s.NumberRef(handle)))

    def staff_entered(self, secret: Secret, reason: s.StaffReason) -> None:
        self._keep("staff", secret, lambda handle: e.StaffEntered(s.PinRef(handle), reason))

    def maintenance_pin(self, secret: Secret) -> None:
        self._app.vault.open(MAINTENANCE)
        self._keep("staff", secret, lambda handle: e.MaintenancePin(s.PinRef(handle)), MAINTENANCE)

    def lookup_pin(self, secret: Secret) -> None:
        """A reception without a card begins to hold secrets here; it is wiped as every other."""
        reception = s.reception_of(self._app.loop.kiosk.state)
        if reception is not None and isinstance(self._app.loop.kiosk.state, s.LookupDoor):
            self._app.vault.open(reception)
        self._keep("staff", secret, lambda handle: e.LookupPin(s.PinRef(handle)))

    def query_entered(self, secret: Secret) -> None:
        self._keep("query", secret, lambda handle: e.QueryEntered(s.QueryRef(handle)))

    def _keep(
        self,
        kind: str,
        secret: Secret,
        event: Callable[[str], e.Event],
        drawer: s.ReceptionId | None = None,
    ) -> None:
        assert isinstance(secret, SecretBytes)
        reception = drawer or s.reception_of(self._app.loop.kiosk.state)
        if reception is None:
            secret.wipe()
            return
        try:
            handle = self._app.vault.put(reception, kind, secret)
        except ReceptionOver:
            return
        self._app.bridge.post(event(handle))


class _Frames:
    def __init__(self, camera: d.Camera) -> None:
        self._camera = camera

    def latest(self) -> Picture | None:
        frame = self._camera.latest()
        return None if frame is None else frame.image


class _Checker:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def check(self, secret: SecretBytes) -> int | None:
        answer = self._credentials.check(secret)
        return None if isinstance(answer, Accepted) else answer.wait_seconds


class _Auditor:
    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def record(self, what: str, reception: s.ReceptionId | None, detail: str) -> None:
        try:
            self._audit.record(what, reception, detail)
        except Unavailable as error:
            # A full disk must not end a reception; `kiosk doctor` and the log tell of it.
            _log.error("audit_not_written", error)


class _Switch:
    def __init__(self, flag: ServiceFlag) -> None:
        self._flag = flag

    def store(self, is_open: bool) -> None:
        self._flag.store(is_open)


class _Desk:
    """Counter notices and sounds, for whoever listens. The counter's own page is not there yet: the log has them."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[str], None]] = []
        self._announced: set[str] = set()

    def unclaimed(self, files: list[Unclaimed]) -> None:
        """Once for every file that the receipt computer leaves lying."""
        lying = {file.name for file in files}
        for _ in lying - self._announced:
            self.call("unclaimed")
        self._announced = lying

    def call(self, reason: str) -> None:
        _log.info("counter_called", reason=reason)
        for listener in self.listeners:
            listener(reason)

    def play(self, sound: Sound) -> None:
        _log.debug("sound_played", sound=sound.value)


def _recovered(audit: _Auditor, desk: _Desk, found: Recovered) -> None:
    """What the hand-off finished, or could not finish, without the patient."""
    reception = s.ReceptionId(found.reception)
    if found.outcome is Recovery.WRITTEN:
        audit.record("recovered", reception, "")
        if found.substituted:
            desk.call("substituted")
    elif found.outcome is Recovery.GIVEN_UP:
        audit.record("problem", reception, FailureCode.HANDOFF_BROKEN.value)
        desk.call("given_up")


def _postponed_ended(audit: _Auditor, desk: _Desk, found: Finished) -> None:
    """What became of work that waited for the line."""
    reception = s.ReceptionId(found.reception) if found.reception else None
    audit.record("postponed_ended", reception, found.outcome.value)
    desk.call("postponed_done" if found.outcome is Outcome.DONE else "postponed_failed")


def _encoding(wanted: config.Encoding) -> Encoding:
    return next(each for each in Encoding if each.declared == wanted.value)


def open_catalogue(settings: Settings) -> Catalogue:
    """With the institution's own leaflet. Raises `ConfigError`."""
    catalogue = Catalogue.load(ASSETS / "i18n")
    if settings.leaflet.texts_dir is not None:
        try:
            catalogue = catalogue.with_leaflet(settings.leaflet.texts_dir)
        except CatalogueBroken as error:
            raise refused("leaflet.texts_dir", str(error), "texts for every language") from None
    for page in settings.leaflet.pages:
        if page not in catalogue.leaflet_pages:
            raise refused("leaflet.pages", "has a page without texts", ", ".join(sorted(catalogue.leaflet_pages)))
    return catalogue


def _fhir_folder(settings: Settings) -> FhirFolder | None:
    if settings.handoff.fhir_folder is None:
        return None
    fhir.load()
    return FhirFolder(settings.handoff.fhir_folder)


def _folder_lookup(settings: Settings) -> Lookup | None:
    """None: the gateway is asked."""
    lookup = settings.lookup
    if lookup.source is not LookupSource.FOLDER:
        return None
    assert lookup.folder is not None
    return FolderLookup(
        FolderSettings(lookup.folder, settings.kiosk.institution_code, _encoding(lookup.encoding), lookup.seconds)
    )


def open_queue(settings: Settings) -> Queue | None:
    """Raises `ConfigError`, `QueueHeld`, OSError: a kiosk that cannot keep what it promises does not start."""
    downtime = settings.downtime
    if not downtime.queue:
        return None
    assert downtime.key_file is not None
    try:
        key = load_key(downtime.key_file, settings.kiosk.state_dir)
    except KeyRefused as error:
        raise refused("downtime.key_file", error.what, error.allowed) from None
    return Queue(settings.queue_folder, key, now=lambda: datetime.now(JST), hours=downtime.hours)


def _practice_pins(settings: Settings) -> None:
    """A practice kiosk has a known PIN, which `kiosk run` prints; a production kiosk has none until one is set."""
    for path in (settings.staff_hash_file, settings.maintenance_hash_file):
        set_practice(path)


def _certificate(path: Path) -> bytes:
    data = path.read_bytes()
    if data.startswith(b"-----"):
        return x509.load_pem_x509_certificate(data).public_bytes(KeyEncoding.DER)
    return data


def _public_key(path: Path) -> bytes:
    key = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
    return key.public_bytes(KeyEncoding.DER, PublicFormat.SubjectPublicKeyInfo)
