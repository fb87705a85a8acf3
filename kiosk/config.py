"""config.toml -> frozen, typed settings.

The dataclasses below are the one description of every key: its type, default, allowed values and meaning. The
template (config.toml) and the reference (docs/config.md) are generated from them, and tests fail when either is
stale. Reading never stops at the first mistake: all of them are reported at once, with line, key and allowed values.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from kiosk.reception import leaflet
from kiosk.reception.consent import Item
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Kind

# --- what may stand behind a key -----------------------------------------------------------------------------------


class Refused(Exception):
    """The value is not one of the allowed ones."""


class Rule(Protocol):
    """How one key is read. `allowed` is what people are told; `read` raises `Refused`."""

    @property
    def allowed(self) -> str: ...

    def read(self, value: object, base: Path) -> Any: ...


@dataclass(frozen=True, slots=True)
class Flag:
    allowed: str = "true or false"

    def read(self, value: object, base: Path) -> bool:
        if not isinstance(value, bool):
            raise Refused
        return value


@dataclass(frozen=True, slots=True)
class Word:
    """One word of an enumeration."""

    words: type[StrEnum]

    @property
    def allowed(self) -> str:
        return ", ".join(f'"{word.value}"' for word in self.words)

    def read(self, value: object, base: Path) -> StrEnum:
        for word in self.words:
            if word.value == value:
                return word
        raise Refused


@dataclass(frozen=True, slots=True)
class Text:
    """A short text that matches `pattern` as a whole."""

    allowed: str
    pattern: str

    def read(self, value: object, base: Path) -> str:
        if not isinstance(value, str) or re.fullmatch(self.pattern, value) is None:
            raise Refused
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    low: int
    high: int

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def read(self, value: object, base: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise Refused
        return value


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few whole numbers."""

    numbers: tuple[int, ...]

    @property
    def allowed(self) -> str:
        return ", ".join(map(str, self.numbers))

    def read(self, value: object, base: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value not in self.numbers:
            raise Refused
        return value


@dataclass(frozen=True, slots=True)
class Number:
    low: float
    high: float
    or_zero: bool = False

    @property
    def allowed(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}" + (", or 0" if self.or_zero else "")

    def read(self, value: object, base: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused
        if not self.low <= value <= self.high and not (self.or_zero and value == 0):
            raise Refused
        return float(value)


@dataclass(frozen=True, slots=True)
class Several:
    """A list without repetition; each entry follows `one`."""

    one: Rule
    least: int = 0

    @property
    def allowed(self) -> str:
        return f"a list{', not empty' if self.least else ''}, each entry once; entries: {self.one.allowed}"

    def read(self, value: object, base: Path) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Refused
        entries = tuple(self.one.read(entry, base) for entry in value)
        if len(entries) < self.least or len(set(entries)) != len(entries):
            raise Refused
        return entries


@dataclass(frozen=True, slots=True)
class Location:
    """A file or folder. Relative ones start at the folder of config.toml. `optional`: "" is None."""

    optional: bool = True

    @property
    def allowed(self) -> str:
        return "a path, relative to the folder of this file" + (', or ""' if self.optional else "")

    def read(self, value: object, base: Path) -> Path | None:
        if not isinstance(value, str) or "\0" in value or "\n" in value or value.startswith("$"):
            raise Refused  # "$argon2id$...": the hash itself instead of the file that holds it
        if value == "":
            if self.optional:
                return None
            raise Refused
        return base / value


def key(rule: Rule, about: str, *, guarded: bool = False) -> dict[str, Any]:
    """Describes a key. `guarded`: people may put a secret here, so a wrong value is never shown."""
    return {"rule": rule, "about": about, "guarded": guarded}


# --- the keys ------------------------------------------------------------------------------------------------------


class ReaderDriver(StrEnum):
    PCSC = "pcsc"
    VPCD = "vpcd"
    SIMULATED = "simulated"


class Accept(StrEnum):
    TEST_PKI = "test-pki"
    JPKI = "jpki"


class CameraDriver(StrEnum):
    OPENCV = "opencv"
    SIMULATED = "simulated"


class ScannerDriver(StrEnum):
    OFF = "off"
    OPENCV = "opencv"
    SIMULATED = "simulated"


class FaceEngine(StrEnum):
    CENTRED = "centred"
    FACE_RECOGNITION = "face_recognition"


class GatewayDriver(StrEnum):
    SIMULATED = "simulated"
    HTTPS = "https"


class Question(StrEnum):
    """閲覧同意 that the institution asks for."""

    SURGERY = "手術"
    DIAGNOSIS = "診療"
    MEDICATION = "薬剤"
    CHECKUP = "健診"

    @property
    def item(self) -> Item:
        return Item[self.name]


class LimitMode(StrEnum):
    """限度額 with the card: by law no consent is needed."""

    LAW = "law"
    ASK = "ask"


class PrescriptionMode(StrEnum):
    """How this institution issues prescriptions (OQSCD038)."""

    OFF = "off"
    ELECTRONIC = "electronic"
    BOTH = "both"
    PAPER = "paper"


class PrescriptionTiming(StrEnum):
    """When the patient chooses between electronic and paper (OQSCD039)."""

    CONFIRMATION = "confirmation"
    OTHER = "other"


class LookupSource(StrEnum):
    GATEWAY = "gateway"
    FOLDER = "folder"
    OFF = "off"


class Encoding(StrEnum):
    UTF_8 = "UTF-8"
    SHIFT_JIS = "Shift_JIS"


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"


class LivenessMode(StrEnum):
    PASSIVE = "passive"
    CHALLENGE = "challenge"
    OFF = "off"


# Seconds that the challenge may take beyond one attempt: three movements at most, the ways back, frames for the
# comparison.
CHALLENGE_SECONDS = 34.0

# Distances up to which an engine may be trusted (accept, grey) with the mean of so many frames, never to be laxer.
# Those of `centred` are the numbers of assets/face/operating.toml.
FACE_LIMITS: Mapping[FaceEngine, Mapping[int, tuple[float, float]]] = {
    FaceEngine.CENTRED: {1: (0.225, 0.30), 3: (0.20, 0.30), 5: (0.20, 0.30)},
    FaceEngine.FACE_RECOGNITION: {1: (0.40, 0.45), 3: (0.40, 0.45), 5: (0.40, 0.45)},
}
# Institution code of everything simulated: 99 is no prefecture (都道府県コード).
SIMULATED_PREFIX = "99"
_POLICY = Policy()
_LANGUAGE = Text('a language tag such as "ja", "en", "zh-Hans", "pt-BR"', r"[a-z]{2,3}(-[A-Za-z]{2,8})?")


@dataclass(frozen=True, slots=True)
class KioskTable:
    """The kiosk and the institution in which it stands."""

    production: bool = field(
        default=False,
        metadata=key(
            Flag(),
            "true: in service for patients. Refuses everything that is simulated, and needs `card.accept` = `jpki`.",
        ),
    )
    institution_code: str = field(
        default="9910000001",
        metadata=key(
            Text("10 digits, quoted", r"\d{10}"),
            "保険医療機関コード: prefecture 2, table 1, institution 7 digits. 99... is a practice institution.",
        ),
    )
    institution_name: str = field(
        default=_POLICY.institution_name,
        metadata=key(
            Text("1 to 60 characters without line breaks", r"[^\x00-\x1f\x7f]{1,60}"),
            "As patients know it; it stands in the consent sentences.",
        ),
    )
    kind: Kind = field(default=Kind.MEDICAL, metadata=key(Word(Kind), "Kind of institution."))
    languages: tuple[str, ...] = field(
        default=_POLICY.languages,
        metadata=key(
            Several(_LANGUAGE, least=1),
            "Languages of the screen; the first is where every reception starts. Each needs assets/i18n/<tag>.toml.",
        ),
    )
    state_dir: Path = field(
        default=Path("state"),
        metadata=key(
            Location(optional=False),
            "What must survive a restart: audit, journal, service flag, lock-outs; personal only with downtime.queue.",
        ),
    )


@dataclass(frozen=True, slots=True)
class ReaderTable:
    """The card reader."""

    driver: ReaderDriver = field(
        default=ReaderDriver.SIMULATED,
        metadata=key(
            Word(ReaderDriver),
            "pcsc: a reader of this machine. vpcd: pcscd's virtual reader. simulated: no reader at all.",
        ),
    )
    name: str = field(
        default="",
        metadata=key(
            Text("up to 80 characters", r"[^\x00-\x1f\x7f]{0,80}"),
            "A part of the reader's PC/SC name, for machines with several; empty: all of them.",
        ),
    )
    hang_seconds: float = field(
        default=8.0,
        metadata=key(Number(3, 30), "A card that says nothing for so long hangs: the card process is replaced."),
    )
    trace: Path | None = field(
        default=None,
        metadata=key(
            Location(),
            "Where commands to the card are written down to search for a fault: headers, lengths, status words, times, "
            "no content (docs/hardware.md); empty: nowhere.",
        ),
    )


@dataclass(frozen=True, slots=True)
class CardTable:
    """Which cards are served."""

    accept: Accept = field(
        default=Accept.TEST_PKI,
        metadata=key(
            Word(Accept),
            "test-pki: practice cards only, a real card is turned away. jpki: real cards, needs a relying party.",
        ),
    )
    relying_party: str = field(
        default="",
        metadata=key(
            Text("up to 80 characters", r"[^\x00-\x1f\x7f]{0,80}"),
            "Name of the 署名検証者 or 団体 in whose name certificates are verified; required with jpki.",
        ),
    )
    ca_files: tuple[Path, ...] = field(
        default=(),
        metadata=key(
            Several(Location(optional=False)),
            "CA certificates (PEM or DER) that issue the user-authentication certificate; required with jpki.",
        ),
    )
    photo_ca_files: tuple[Path, ...] = field(
        default=(),
        metadata=key(
            Several(Location(optional=False)),
            "Trust anchors of the card-face photo's signature. Without one the photo alone never proves identity.",
        ),
    )


@dataclass(frozen=True, slots=True)
class CameraTable:
    """The camera."""

    driver: CameraDriver = field(
        default=CameraDriver.SIMULATED, metadata=key(Word(CameraDriver), "opencv: a camera of this machine.")
    )
    device: str = field(
        default="/dev/video0",
        metadata=key(
            Text('/dev/..., or a number such as "0"', r"/dev/[A-Za-z0-9_.:/\-]{1,100}|\d{1,2}"),
            "Prefer /dev/v4l/by-id/..., which stays the same when cables are moved.",
        ),
    )
    width: int = field(
        default=640, metadata=key(Whole(320, 1920), "Asked for; pictures of another size are taken as they come.")
    )
    height: int = field(default=480, metadata=key(Whole(240, 1080), "As width."))
    fps: int = field(default=30, metadata=key(Whole(5, 60), "Pictures in a second, asked for."))


@dataclass(frozen=True, slots=True)
class ScannerTable:
    """The second camera, above the reader: reads birth date, expiry and security code from the printed card."""

    driver: ScannerDriver = field(
        default=ScannerDriver.SIMULATED,
        metadata=key(Word(ScannerDriver), "off: patients type them. opencv: a camera of this machine."),
    )
    device: str = field(
        default="/dev/video1",
        metadata=key(
            Text('/dev/..., or a number such as "1"', r"/dev/[A-Za-z0-9_.:/\-]{1,100}|\d{1,2}"),
            "Another one than `camera.device`; prefer /dev/v4l/by-id/...",
        ),
    )
    seconds: float = field(
        default=12.0, metadata=key(Number(5, 60), "A card that cannot be read for so long is typed instead.")
    )


@dataclass(frozen=True, slots=True)
class FaceTable:
    """The face check. Distances: smaller is more alike."""

    engine: FaceEngine = field(
        default=FaceEngine.CENTRED,
        metadata=key(Word(FaceEngine), "face_recognition: the plain library, for comparison; refused in production."),
    )
    accept: float = field(
        default=0.20,
        metadata=key(
            Number(0.05, 0.45),
            "Recognised up to this distance. centred: at most 0.2 (0.225 with frames = 1); face_recognition: 0.4. "
            "Chosen so that a comparison lets through at most 1 in 1,000 strangers (docs/face.md).",
        ),
    )
    grey: float = field(
        default=0.30,
        metadata=key(
            Number(0.05, 0.45),
            "Up to here: unclear, try again or ask the staff. centred: at most 0.30; face_recognition: at most 0.45.",
        ),
    )
    frames: int = field(
        default=3, metadata=key(OneOf((1, 3, 5)), "Good pictures whose mean is compared, once for each attempt.")
    )
    attempts: int = field(
        default=_POLICY.face_attempts,
        metadata=key(
            Whole(1, 10),
            "Attempts before only the other methods are offered; each multiplies what a reception lets through: 3 "
            "attempts, 3 in 1,000 strangers at most (`kiosk check` says it).",
        ),
    )
    liveness: LivenessMode = field(
        default=LivenessMode.PASSIVE,
        metadata=key(
            Word(LivenessMode),
            "Against pictures of a face. passive: staff can see who stands there; challenge: nobody can, and the "
            "patient is asked to turn the head or to close the eyes; off: refused in production.",
        ),
    )
    model: Path | None = field(
        default=None,
        metadata=key(
            Location(),
            "Another descriptor network of dlib's format with the same layers; empty: that of the Python packages. "
            "Distances hold for one network: run `kiosk face-centre` and `kiosk face-eval` with --model first.",
        ),
    )
    centre: Path | None = field(
        default=None,
        metadata=key(Location(), "What `kiosk face-centre --model` wrote for that network; needed with face.model."),
    )


@dataclass(frozen=True, slots=True)
class GatewayTable:
    """The eligibility gateway (オンライン資格確認)."""

    driver: GatewayDriver = field(
        default=GatewayDriver.SIMULATED,
        metadata=key(Word(GatewayDriver), "simulated: a practice gateway on this machine."),
    )
    url: str = field(
        default="",
        metadata=key(
            Text('https://host[:port][/path], or ""', r"(https://[^\s@?#]{1,200})?"),
            "Where the gateway is; required with https.",
            guarded=True,
        ),
    )
    ca_file: Path | None = field(
        default=None, metadata=key(Location(), "The only CA that is trusted (PEM); required with https.")
    )
    client_cert: Path | None = field(
        default=None, metadata=key(Location(), "This terminal's certificate (PEM); required with https.")
    )
    client_key: Path | None = field(
        default=None,
        metadata=key(
            Location(), "Its private key (PEM), readable by the kiosk's user only; required with https.", guarded=True
        ),
    )
    terminal_id: str = field(
        default="practice-terminal-1",
        metadata=key(
            Text("1 to 40 of A-Z a-z 0-9 . _ -", r"[A-Za-z0-9._\-]{1,40}"),
            "Name of this terminal at the gateway; part of every signed message.",
        ),
    )
    connect_seconds: float = field(default=3.0, metadata=key(Number(0.5, 30), "Until the connection stands."))
    read_seconds: float = field(default=10.0, metadata=key(Number(1, 60), "Until the next byte of an answer."))
    overall_seconds: float = field(
        default=25.0, metadata=key(Number(2, 120), "Until the whole answer is there, retries included.")
    )


@dataclass(frozen=True, slots=True)
class ConsentTable:
    """What patients are asked to share (閲覧同意)."""

    questions: tuple[Question, ...] = field(
        default=(Question.MEDICATION, Question.CHECKUP),
        metadata=key(Several(Word(Question)), "Medical information that this institution asks for."),
    )
    specific_disease: bool = field(
        default=True,
        metadata=key(Flag(), "特定疾病療養受療証: asked on a page of its own, only of patients who have one."),
    )
    limit: LimitMode = field(
        default=LimitMode.LAW,
        metadata=key(
            Word(LimitMode),
            "限度額. law: no page for patients with the card. ask: a page for them, too. By number it is always asked.",
        ),
    )
    subsidy: bool = field(
        default=False,
        metadata=key(Flag(), "医療費助成 (PMH): asked of patients who have one; the side file says what became of it."),
    )
    prescription: PrescriptionMode = field(
        default=PrescriptionMode.OFF,
        metadata=key(
            Word(PrescriptionMode),
            "処方箋 as issued here (OQSCD038). both: the patient may be asked; else the file says nothing of a choice.",
        ),
    )
    prescription_timing: PrescriptionTiming = field(
        default=PrescriptionTiming.CONFIRMATION,
        metadata=key(
            Word(PrescriptionTiming),
            "When the patient chooses (OQSCD039). confirmation: on this kiosk. other: elsewhere, e.g. at the doctor's.",
        ),
    )
    dispense: bool = field(
        default=False,
        metadata=key(
            Flag(), "Pharmacies: the patient chooses the electronic prescription to dispense; goes to the side file."
        ),
    )
    text_version: str = field(
        default="2026-04",
        metadata=key(
            Text("1 to 20 of A-Z a-z 0-9 . -", r"[A-Za-z0-9.\-]{1,20}"),
            "Your name for the wording. A fingerprint of the very texts is added; both go to the gateway.",
        ),
    )


@dataclass(frozen=True, slots=True)
class LookupTable:
    """Look-up by insured number, by staff (資格確認書, or the card with 資格情報のお知らせ)."""

    source: LookupSource = field(
        default=LookupSource.GATEWAY,
        metadata=key(Word(LookupSource), "gateway: over the line. folder: the exchange folder. off: not here."),
    )
    folder: Path | None = field(
        default=None,
        metadata=key(Location(), "Folder with `req` and `res` of the 連携アプリケーション; required with folder."),
    )
    encoding: Encoding = field(
        default=Encoding.UTF_8, metadata=key(Word(Encoding), "Of the request files in the exchange folder.")
    )
    seconds: float = field(default=30.0, metadata=key(Number(2, 120), "Until the answer lies in the exchange folder."))


@dataclass(frozen=True, slots=True)
class DowntimeTable:
    """When the line is down: paper first (`kiosk paper`), and if wanted an encrypted queue."""

    queue: bool = field(
        default=False,
        metadata=key(Flag(), "Keep look-ups and receptions until the line is back, encrypted. Personal data waits."),
    )
    key_file: Path | None = field(
        default=None,
        metadata=key(
            Location(),
            "The queue's key (`kiosk queue make-key`), outside `kiosk.state_dir`; required with queue.",
            guarded=True,
        ),
    )
    hours: int = field(
        default=24, metadata=key(Whole(1, 24), "What could not be finished within this time is removed.")
    )


@dataclass(frozen=True, slots=True)
class LeafletTable:
    """Quiet pages at idle: what the card is good for."""

    show: bool = field(default=True, metadata=key(Flag(), "false: no such pages."))
    pages: tuple[str, ...] = field(
        default=leaflet.PAGES,
        metadata=key(
            Several(Text("the name of a page", r"[a-z][a-z0-9_]{0,30}"), least=1),
            f"Which pages, in this order. There are {', '.join(leaflet.PAGES)}, and your own of `texts_dir`.",
        ),
    )
    texts_dir: Path | None = field(
        default=None,
        metadata=key(
            Location(),
            "Folder with your own <language>.toml: tables [leaflet.<page>] with title and body replace or add pages.",
        ),
    )


@dataclass(frozen=True, slots=True)
class HandoffTable:
    """The file for the receipt computer (レセコン連携)."""

    folder: Path | None = field(
        default=None,
        metadata=key(Location(), "Shared folder that the receipt computer polls; empty: handoff in state_dir."),
    )
    side_folder: Path | None = field(
        default=None,
        metadata=key(
            Location(), "For side files (subsidies, prescriptions to dispense); empty: extension beside the folder."
        ),
    )
    fhir_folder: Path | None = field(
        default=None,
        metadata=key(Location(), "The same answers as FHIR R4 bundles (docs/fhir.md); empty: none are written."),
    )
    encoding: Encoding = field(
        default=Encoding.UTF_8, metadata=key(Word(Encoding), "As the receipt computer expects it.")
    )
    retention_hours: int = field(
        default=24, metadata=key(Whole(1, 168), "An unclaimed file is removed after this time.")
    )


@dataclass(frozen=True, slots=True)
class TimesTable:
    """How long things may take, in seconds."""

    page_seconds: float = field(
        default=_POLICY.page_seconds, metadata=key(Number(60, 600), "A page that waits for a touch.")
    )
    typing_seconds: float = field(
        default=_POLICY.typing_seconds, metadata=key(Number(60, 900), "A page on which something is typed.")
    )
    warn_seconds: float = field(
        default=_POLICY.warn_seconds, metadata=key(Number(20, 60), "Before the end: may the patient have more time?")
    )
    extensions: int = field(default=_POLICY.extensions, metadata=key(Whole(10, 100), "How often more time can be had."))
    face_seconds: float = field(
        default=_POLICY.face_seconds, metadata=key(Number(5, 60), "One attempt of the face check.")
    )
    work_seconds: float = field(
        default=_POLICY.work_seconds,
        metadata=key(Number(10, 180), "A step of the machine; longer than `gateway.overall_seconds`."),
    )
    put_back_seconds: float = field(
        default=_POLICY.put_back_seconds,
        metadata=key(Number(5, 15), "A card taken too early may come back within this time."),
    )
    card_alarm_seconds: float = field(
        default=_POLICY.card_alarm_seconds,
        metadata=key(Number(3, 60), "After the end, until a card left behind is called out."),
    )
    farewell_seconds: float = field(
        default=_POLICY.farewell_seconds,
        metadata=key(Number(2, 10), "The last sentence stays this long after the card is taken."),
    )
    no_card_seconds: float = field(
        default=_POLICY.no_card_seconds, metadata=key(Number(60, 900), "The page for people without a card.")
    )
    maintenance_seconds: float = field(
        default=_POLICY.maintenance_seconds,
        metadata=key(Number(60, 900), "Maintenance closes by itself after this time."),
    )


@dataclass(frozen=True, slots=True)
class ScreenTable:
    """The touch screen. Sizes on it are in millimetres."""

    diagonal_mm: float = field(
        default=0.0,
        metadata=key(Number(100, 2000, or_zero=True), "Diagonal of the picture; 0: as the display reports it."),
    )
    mm_per_px: float = field(
        default=0.0,
        metadata=key(
            Number(0.05, 1.0, or_zero=True), "Instead of the diagonal: width of one pixel, measured with a ruler."
        ),
    )
    fullscreen: bool = field(default=False, metadata=key(Flag(), "true on a kiosk."))
    scale: float = field(default=1.0, metadata=key(Number(0.75, 2), "Makes everything larger."))


@dataclass(frozen=True, slots=True)
class MaintenanceTable:
    """Credentials of the staff; `kiosk staff set-pin` writes them. Never the PIN itself."""

    staff_hash_file: Path | None = field(
        default=None,
        metadata=key(Location(), "For 目視確認 by the staff; empty: staff.hash in state_dir.", guarded=True),
    )
    pin_hash_file: Path | None = field(
        default=None, metadata=key(Location(), "For maintenance; empty: maintenance.hash in state_dir.", guarded=True)
    )


@dataclass(frozen=True, slots=True)
class LogTable:
    """The log: JSON lines without personal data."""

    level: Level = field(default=Level.INFO, metadata=key(Word(Level), "The least important lines that are written."))
    folder: Path | None = field(
        default=None, metadata=key(Location(), "Folder for kiosk.log; empty: standard error only.")
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that config.toml says, checked. `source` is None for the defaults."""

    kiosk: KioskTable = field(default_factory=KioskTable)
    reader: ReaderTable = field(default_factory=ReaderTable)
    card: CardTable = field(default_factory=CardTable)
    camera: CameraTable = field(default_factory=CameraTable)
    scanner: ScannerTable = field(default_factory=ScannerTable)
    face: FaceTable = field(default_factory=FaceTable)
    gateway: GatewayTable = field(default_factory=GatewayTable)
    consent: ConsentTable = field(default_factory=ConsentTable)
    lookup: LookupTable = field(default_factory=LookupTable)
    downtime: DowntimeTable = field(default_factory=DowntimeTable)
    leaflet: LeafletTable = field(default_factory=LeafletTable)
    handoff: HandoffTable = field(default_factory=HandoffTable)
    times: TimesTable = field(default_factory=TimesTable)
    screen: ScreenTable = field(default_factory=ScreenTable)
    maintenance: MaintenanceTable = field(default_factory=MaintenanceTable)
    log: LogTable = field(default_factory=LogTable)

    @property
    def simulated(self) -> bool:
        """Any part of the way is simulated: screen and audit say so."""
        return (
            self.reader.driver is not ReaderDriver.PCSC
            or self.camera.driver is CameraDriver.SIMULATED
            or self.scanner.driver is ScannerDriver.SIMULATED
            or self.gateway.driver is GatewayDriver.SIMULATED
            or self.card.accept is Accept.TEST_PKI
        )

    @property
    def audit_file(self) -> Path:
        return self.kiosk.state_dir / "audit.db"

    @property
    def service_file(self) -> Path:
        return self.kiosk.state_dir / "service"

    @property
    def handoff_folder(self) -> Path:
        return self.handoff.folder or self.kiosk.state_dir / "handoff"

    @property
    def side_folder(self) -> Path:
        return self.handoff.side_folder or self.handoff_folder.with_name("extension")

    @property
    def journal_file(self) -> Path:
        return self.kiosk.state_dir / "handoff.journal"

    @property
    def queue_folder(self) -> Path:
        return self.kiosk.state_dir / "queue"

    @property
    def staff_hash_file(self) -> Path:
        return self.maintenance.staff_hash_file or self.kiosk.state_dir / "staff.hash"

    @property
    def maintenance_hash_file(self) -> Path:
        return self.maintenance.pin_hash_file or self.kiosk.state_dir / "maintenance.hash"

    @property
    def staff_throttle_file(self) -> Path:
        return self.kiosk.state_dir / "staff.tries"

    @property
    def maintenance_throttle_file(self) -> Path:
        return self.kiosk.state_dir / "maintenance.tries"

    @property
    def questions(self) -> tuple[Item, ...]:
        """What is asked of patients with the card. Electronic only, or paper only, needs no question."""
        consent = self.consent
        choice = (
            consent.prescription is PrescriptionMode.BOTH
            and consent.prescription_timing is PrescriptionTiming.CONFIRMATION
        )
        return tuple(question.item for question in consent.questions) + tuple(
            item
            for item, used in (
                (Item.DISEASE, consent.specific_disease),
                (Item.LIMIT, consent.limit is LimitMode.ASK),
                (Item.SUBSIDY, consent.subsidy),
                (Item.PRESCRIPTION, choice),
                (Item.DISPENSE, consent.dispense),
            )
            if used
        )

    def policy(self) -> Policy:
        """What the domain needs to know."""
        times = {each.name: getattr(self.times, each.name) for each in fields(TimesTable)}
        if self.face.liveness is LivenessMode.CHALLENGE:
            times["face_seconds"] += CHALLENGE_SECONDS
        return Policy(
            languages=self.kiosk.languages,
            institution_name=self.kiosk.institution_name,
            kind=self.kiosk.kind,
            questions=self.questions,
            number_questions=(Item.LIMIT,),
            scanner=self.scanner.driver is not ScannerDriver.OFF,
            lookup=self.lookup.source is not LookupSource.OFF,
            postpone=self.downtime.queue,
            leaflet=self.leaflet.pages if self.leaflet.show else (),
            face_attempts=self.face.attempts,
            **times,
        )


# --- what can be wrong ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` counts from 1; 0 when the key is not in the file. `key` is `table.key`, or empty for the file."""

    line: int
    key: str
    what: str
    allowed: str = ""

    def __str__(self) -> str:
        head = f"{self.key}: " if self.key else ""
        return head + self.what + (f"; allowed: {self.allowed}" if self.allowed else "")


class ConfigError(Exception):
    """All that is wrong with one file."""

    def __init__(self, file: Path, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{file.name}: {len(problems)} problem(s)")
        self.file = file
        self.problems = problems

    def lines(self) -> list[str]:
        """`config.toml:12: face.accept: found 0.5; allowed: ...`, one for each problem."""
        return [
            f"{self.file.name}:{problem.line}: {problem}" if problem.line else f"{self.file.name}: {problem}"
            for problem in self.problems
        ]


def refused(key: str, what: str, allowed: str) -> ConfigError:
    """What shows only when a file that the settings name is opened."""
    return ConfigError(Path("config.toml"), (Problem(0, key, what, allowed),))


# --- reading -------------------------------------------------------------------------------------------------------


def load(path: Path, overrides: Iterable[str] = ()) -> Settings:
    """Read config.toml; `overrides` are `table.key=value`, the value as in TOML or a bare word.

    Raises `ConfigError` with every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, (Problem(0, "", f"cannot be read ({type(error).__name__})"),)) from None
    return parse(text, path, overrides)


def parse(text: str, path: Path, overrides: Iterable[str] = ()) -> Settings:
    """As `load`, from the text of the file at `path`."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, brackets without end
        # The message may quote the file's content; only the position is passed on.
        position = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(position[1]), position[2]) if position else (len(text.splitlines()), "1")
        raise ConfigError(path, (Problem(line, "", f"is not TOML at column {column}"),)) from None
    lines = _lines(text)
    problems: list[Problem] = []
    for override in overrides:
        _override(data, lines, override, problems)
    values = _read(data, lines, path.parent, problems)
    settings = _settings(values)
    # Rules between keys only where the keys themselves are fine: nobody shall hunt for a consequence.
    wrong = {problem.key for problem in problems}
    for problem in _conflicts(settings):
        table = problem.key.partition(".")[0]
        if not wrong & {problem.key, *re.findall(r"[a-z]+\.[a-z_]+", problem.what)}:
            problems.append(replace(problem, line=lines.get(problem.key, lines.get(table, 0))))
    if problems:
        raise ConfigError(path, tuple(sorted(problems, key=lambda problem: problem.line)))
    return settings


def _tables() -> dict[str, Any]:
    """Name of each table -> its dataclass."""
    return {table.name: table.default_factory for table in fields(Settings)}


def _lines(text: str) -> dict[str, int]:
    """`table` and `table.key` -> line. Knows no multi-line strings: a key that looks like one inside only shifts a line
    number."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[\s*([\w.\"'-]+)\s*\]", line):
            table = head[1].replace('"', "").replace("'", "")
            found.setdefault(table, number)
        elif entry := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            name = entry[1].replace('"', "").replace("'", "")
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _override(data: dict[str, Any], lines: dict[str, int], override: str, problems: list[Problem]) -> None:
    name, equals, text = override.partition("=")
    table, dot, entry = name.strip().partition(".")
    if not equals or not dot or not isinstance(data.setdefault(table, {}), dict):
        problems.append(Problem(0, name.strip(), "--set cannot be read", "table.key=value"))
        return
    value: object = text.strip()
    words = isinstance(getattr(getattr(Settings(), table, None), entry, None), str)
    if not words or text.strip()[:1] in ('"', "'"):  # a text needs no quotes: kiosk.institution_code=9912345678
        with contextlib.suppress(ValueError, RecursionError):
            value = tomllib.loads(f"value = {text}")["value"]
    data[table][entry] = value
    lines.pop(f"{table}.{entry}", None)


def _read(
    data: dict[str, Any], lines: dict[str, int], base: Path, problems: list[Problem]
) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    tables = _tables()
    for name, content in data.items():
        if name not in tables:
            problems.append(Problem(lines.get(name, 0), name, f"is unknown{_meant(name, tables)}", _listed(tables)))
        elif not isinstance(content, dict):
            problems.append(Problem(lines.get(name, 0), name, f"found {_kind(content)}", f"a table [{name}]"))
        else:
            values[name] = _read_table(name, tables[name], content, lines, base, problems)
    for name in tables:
        values.setdefault(name, _read_table(name, tables[name], {}, lines, base, problems))
    return values


def _read_table(
    name: str, table: Any, content: dict[str, Any], lines: dict[str, int], base: Path, problems: list[Problem]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    known = {entry.name: entry for entry in fields(table)}
    for entry, value in content.items():
        where = f"{name}.{entry}"
        line = lines.get(where, lines.get(name, 0))
        if entry not in known:
            problems.append(Problem(line, where, f"is unknown{_meant(entry, known)}", _listed(known)))
            continue
        rule: Rule = known[entry].metadata["rule"]
        try:
            values[entry] = rule.read(value, base)
        except Refused:
            problems.append(Problem(line, where, f"found {_shown(value, known[entry])}", rule.allowed))
    for entry, description in known.items():
        # Defaults that are paths start at the folder of the file, too.
        if entry not in values and isinstance(description.default, Path):
            values[entry] = base / description.default
    return values


def _settings(values: dict[str, dict[str, Any]]) -> Settings:
    return Settings(**{name: table(**values[name]) for name, table in _tables().items()})


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f', did you mean "{close[0]}"?' if close else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _kind(value: object) -> str:
    for kind, word in ((bool, "true or false"), (str, "a text"), (list, "a list"), (dict, "a table")):
        if isinstance(value, kind):
            return word
    return "a number" if isinstance(value, int | float) else "a date or time"


def _shown(value: object, description: Field[Any]) -> str:
    """What was found. Texts are shown only where the key is an enumeration, and short: anything else may be secret."""
    if isinstance(value, bool):
        return str(value).lower()
    if description.metadata["guarded"]:
        return _kind(value)
    if isinstance(value, int | float):
        return str(value)
    enumerated = isinstance(description.metadata["rule"], Word)
    if enumerated and isinstance(value, str) and re.fullmatch(r"\w[\w .-]{0,30}", value):
        return f'"{value}"' + _meant(value, [word.value for word in description.metadata["rule"].words])
    return _kind(value)


def _conflicts(settings: Settings) -> Iterable[Problem]:
    """Rules between keys. A key named in `what` must be right itself before the rule is judged."""
    kiosk, card, face, gateway, times = settings.kiosk, settings.card, settings.face, settings.gateway, settings.times

    def needs(where: str, given: object, why: str, allowed: str) -> Iterable[Problem]:
        if not given:
            yield Problem(0, where, f"is missing, {why}", allowed)

    if kiosk.production:
        why = "in production (kiosk.production)"
        if settings.reader.driver is not ReaderDriver.PCSC:
            yield Problem(0, "reader.driver", f'"{settings.reader.driver}" is refused {why}', '"pcsc"')
        if settings.camera.driver is not CameraDriver.OPENCV:
            yield Problem(0, "camera.driver", f'"{settings.camera.driver}" is refused {why}', '"opencv"')
        if settings.scanner.driver is ScannerDriver.SIMULATED:
            yield Problem(0, "scanner.driver", f'"{settings.scanner.driver}" is refused {why}', '"opencv", "off"')
        if gateway.driver is not GatewayDriver.HTTPS:
            yield Problem(0, "gateway.driver", f'"{gateway.driver}" is refused {why}', '"https"')
        if card.accept is not Accept.JPKI:
            yield Problem(0, "card.accept", f'"{card.accept}" is refused {why}', '"jpki"')
        if face.engine is not FaceEngine.CENTRED:
            yield Problem(0, "face.engine", f'"{face.engine}" is refused {why}', '"centred"')
        if face.liveness is LivenessMode.OFF:
            yield Problem(0, "face.liveness", f'"{face.liveness}" is refused {why}', '"passive", "challenge"')
        if kiosk.institution_code.startswith(SIMULATED_PREFIX):
            yield Problem(
                0, "kiosk.institution_code", f"99... is refused {why}", "the institution's own code, 10 digits"
            )
    if gateway.driver is GatewayDriver.SIMULATED:
        why = 'with gateway.driver = "simulated"'
        if not kiosk.institution_code.startswith(SIMULATED_PREFIX):
            yield Problem(0, "kiosk.institution_code", f"is no practice code, as needed {why}", "99 and 8 digits")
        if card.accept is Accept.JPKI:
            yield Problem(0, "card.accept", f'"jpki" is refused {why}', '"test-pki"')
    else:
        why = 'as needed with gateway.driver = "https"'
        yield from needs("gateway.url", gateway.url, why, "https://host[:port][/path]")
        for entry in ("ca_file", "client_cert", "client_key"):
            yield from needs(f"gateway.{entry}", getattr(gateway, entry), why, "a path")
    if gateway.url and not _is_https(gateway.url):
        yield Problem(0, "gateway.url", "is no address", "https://host[:port][/path]")
    if card.accept is Accept.JPKI:
        why = 'as needed with card.accept = "jpki"'
        yield from needs("card.relying_party", card.relying_party.strip(), why, "the name of the relying party")
        yield from needs("card.ca_files", card.ca_files, why, "at least one path")
        if settings.reader.driver is ReaderDriver.SIMULATED:
            yield Problem(
                0, "reader.driver", '"simulated" has practice cards only, refused by card.accept', '"pcsc", "vpcd"'
            )
    if face.model is not None and face.centre is None:
        yield from needs("face.centre", None, "as needed with face.model", "a path")
    accept, grey = FACE_LIMITS[face.engine][face.frames]
    lax = "too lax for this face.engine and face.frames"
    if face.accept > accept:
        yield Problem(0, "face.accept", f"found {face.accept:g}, {lax}", f"0.05 to {accept:g}")
    if face.grey > grey:
        yield Problem(0, "face.grey", f"found {face.grey:g}, {lax}", f"0.05 to {grey:g}")
    if face.accept >= face.grey:
        yield Problem(0, "face.grey", f"found {face.grey:g}, not above face.accept", f"more than {face.accept:g}")
    if gateway.overall_seconds < max(gateway.connect_seconds, gateway.read_seconds):
        yield Problem(
            0,
            "gateway.overall_seconds",
            "is shorter than gateway.connect_seconds or gateway.read_seconds",
            f"at least {max(gateway.connect_seconds, gateway.read_seconds):g}",
        )
    if gateway.overall_seconds >= times.work_seconds:
        yield Problem(
            0,
            "times.work_seconds",
            "is not longer than gateway.overall_seconds",
            f"more than {gateway.overall_seconds:g}",
        )
    camera, scanner = settings.camera, settings.scanner
    both = camera.driver is CameraDriver.OPENCV and scanner.driver is ScannerDriver.OPENCV
    if both and camera.device == scanner.device:
        yield Problem(0, "scanner.device", "is the camera that looks at the patient", "another than camera.device")
    yield from _cases(settings)
    if settings.screen.diagonal_mm and settings.screen.mm_per_px:
        yield Problem(0, "screen.mm_per_px", "is given beside screen.diagonal_mm", "one of the two, the other 0")
    if "ja" not in kiosk.languages:
        yield Problem(0, "kiosk.languages", 'is without "ja"', 'a list with "ja"')


def _cases(settings: Settings) -> Iterable[Problem]:
    """Rules of the tables that say which cases the counter meets here."""
    kiosk, consent, lookup, downtime = settings.kiosk, settings.consent, settings.lookup, settings.downtime
    if lookup.source is LookupSource.FOLDER:
        if lookup.folder is None:
            yield Problem(0, "lookup.folder", 'is missing, as needed with lookup.source = "folder"', "a path")
        if lookup.seconds >= settings.times.work_seconds:
            allowed = f"less than {settings.times.work_seconds:g}"
            yield Problem(0, "lookup.seconds", "is not shorter than times.work_seconds", allowed)
    if downtime.queue:
        allowed = "a path outside kiosk.state_dir"
        if downtime.key_file is None:
            yield Problem(0, "downtime.key_file", "is missing, as needed with downtime.queue", allowed)
        elif _inside(downtime.key_file, kiosk.state_dir):
            yield Problem(0, "downtime.key_file", "lies in kiosk.state_dir, with what it opens", allowed)
    pharmacy = kiosk.kind is Kind.PHARMACY
    if consent.dispense and not pharmacy:
        yield Problem(
            0, "consent.dispense", f'is refused with kiosk.kind = "{kiosk.kind}"', f'"{Kind.PHARMACY}", or false'
        )
    if pharmacy and consent.prescription is not PrescriptionMode.OFF:
        yield Problem(
            0, "consent.prescription", f'is refused with kiosk.kind = "{kiosk.kind}"', f'"{PrescriptionMode.OFF}"'
        )
    if settings.leaflet.texts_dir is None:
        unknown = [name for name in settings.leaflet.pages if name not in leaflet.PAGES]
        if unknown:
            meant = _meant(unknown[0], leaflet.PAGES)
            yield Problem(0, "leaflet.pages", f"has an unknown page{meant}", _listed(leaflet.PAGES))


def _inside(path: Path, folder: Path) -> bool:
    return path.absolute().resolve().is_relative_to(folder.absolute().resolve())


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


# --- generated texts -----------------------------------------------------------------------------------------------


def template() -> str:
    """config.toml: every key with its default, its meaning and its allowed values."""
    out = [
        "# Settings of the reception kiosk (受付). Every key is here with its default.",
        "# `kiosk check` tells what is wrong with this file; `kiosk doctor` what is missing on this machine.",
        "# As shipped everything is simulated and only practice cards are served.",
    ]
    for name, table in _tables().items():
        out += ["", f"# {table.__doc__}", f"[{name}]"]
        for entry in fields(table):
            out.append(f"# {entry.metadata['about']}")
            out.append(f"#   {entry.metadata['rule'].allowed}")
            out.append(f"{entry.name} = {_toml(entry.default)}")
    return "\n".join(out) + "\n"


def reference() -> str:
    """docs/config.md."""
    out = [
        "# config.toml",
        "",
        "Generated by `kiosk manual --write docs` from `kiosk/config.py`; do not edit.",
        "Keys may be left out. Unknown keys are errors. `kiosk check --config config.toml` reports everything that is",
        "wrong at once, and `--set table.key=value` overrides a key for one run. Relative paths start at the folder of",
        "the file.",
    ]
    for name, table in _tables().items():
        out += [
            "",
            f"## [{name}]",
            "",
            f"{table.__doc__}",
            "",
            "| key | default | allowed | meaning |",
            "|---|---|---|---|",
        ]
        for entry in fields(table):
            cells = (
                f"`{entry.name}`",
                f"`{_toml(entry.default)}`",
                entry.metadata["rule"].allowed,
                entry.metadata["about"],
            )
            out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    out += [
        "",
        "## Rules between keys",
        "",
        '- `kiosk.production = true` refuses every simulated driver, `vpcd`, `card.accept = "test-pki"`, the engine',
        '  `face_recognition`, `face.liveness = "off"` and an institution code that begins with 99.',
        '- `card.accept = "jpki"` needs `card.relying_party` and `card.ca_files`, and is refused together with the',
        "  simulated gateway or the simulated reader.",
        '- `scanner.device` is another camera than `camera.device` when both are `"opencv"`.',
        "- The simulated gateway needs an institution code that begins with 99.",
        '- `gateway.driver = "https"` needs `url`, `ca_file`, `client_cert` and `client_key`.',
        "- `face.accept` < `face.grey`, and neither is laxer than the engine's measured limit.",
        "- `gateway.connect_seconds`, `gateway.read_seconds` <= `gateway.overall_seconds` < `times.work_seconds`.",
        '- `lookup.source = "folder"` needs `lookup.folder`; `lookup.seconds` < `times.work_seconds`.',
        "- `downtime.queue` needs `downtime.key_file`, which must not lie in `kiosk.state_dir`.",
        '- `consent.dispense` only with `kiosk.kind = "調剤"`, `consent.prescription` only without.',
        "- `leaflet.pages` names pages that there are; with `leaflet.texts_dir` also pages of your own.",
        '- One of `screen.diagonal_mm` and `screen.mm_per_px`; `kiosk.languages` contains `"ja"`.',
    ]
    return "\n".join(out) + "\n"


def _toml(value: object) -> str:
    match value:
        case None:
            return '""'
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case tuple():
            return "[" + ", ".join(_toml(entry) for entry in value) + "]"
        case Enum():
            return f'"{value.value}"'
        case _ if value is MISSING:
            raise ValueError("every key has a default")
        case _:
            return f'"{value}"'
