"""States carry their data: an asking state has an identity and an eligibility, `Idle` cannot have either."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, assert_never

from kiosk.reception.consent import Answers, Draft, Item
from kiosk.reception.failure import FailureCode

ReceptionId = NewType("ReceptionId", str)
# Opaque handles into the vault; the domain never sees what is behind them.
CertificateRef = NewType("CertificateRef", str)
PhotoRef = NewType("PhotoRef", str)
EvidenceRef = NewType("EvidenceRef", str)
PinRef = NewType("PinRef", str)
NumberRef = NewType("NumberRef", str)
QueryRef = NewType("QueryRef", str)
ResultRef = NewType("ResultRef", str)


class Method(StrEnum):
    """The three legal ways of identity confirmation (本人確認)."""

    FACE = "face"  # 顔認証
    PIN = "pin"  # 暗証番号
    STAFF = "staff"  # 目視確認


class StaffReason(StrEnum):
    """Why the staff confirmed by eye (docs/sources.md, "reception"); recorded."""

    FACE_FAILED = "face_failed"
    PIN_FORGOTTEN = "pin_forgotten"
    CANNOT_REACH = "cannot_reach"
    UNWELL = "unwell"
    OTHER = "other"


# --- identity ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Certificate:
    """The user-authentication certificate as read over one connection.

    `pin_tries`: left on the card; 0 is blocked or absent, which look alike. `number_tries`: of 照合番号B.
    """

    ref: CertificateRef
    connection: int
    fingerprint: str
    pin_tries: int | None
    number_tries: int | None

    @property
    def pin_usable(self) -> bool:
        return self.pin_tries is not None and self.pin_tries > 0

    @property
    def face_usable(self) -> bool:
        return self.number_tries is None or self.number_tries > 3


@dataclass(frozen=True, slots=True)
class CardPhoto:
    """The card's photo, its presence evidence and the certificate of the same connection."""

    ref: PhotoRef
    evidence: EvidenceRef
    connection: int
    certificate: Certificate

    def __post_init__(self) -> None:
        if self.connection != self.certificate.connection:
            raise ValueError("photo and certificate come from one connection")


@dataclass(frozen=True, slots=True)
class FaceIdentity:
    photo: CardPhoto

    @property
    def certificate(self) -> Certificate:
        return self.photo.certificate


@dataclass(frozen=True, slots=True)
class PinIdentity:
    certificate: Certificate
    signature: EvidenceRef
    connection: int

    def __post_init__(self) -> None:
        if self.connection != self.certificate.connection:
            raise ValueError("signature and certificate come from one connection")


@dataclass(frozen=True, slots=True)
class StaffIdentity:
    certificate: Certificate
    reason: StaffReason


Identity = FaceIdentity | PinIdentity | StaffIdentity


def method_of(identity: Identity) -> Method:
    match identity:
        case FaceIdentity():
            return Method.FACE
        case PinIdentity():
            return Method.PIN
        case StaffIdentity():
            return Method.STAFF
        case _:
            assert_never(identity)


class Validity(StrEnum):
    """QualificationValidity, OQSCD006 (docs/sources.md)."""

    VALID = "1"
    INVALID = "2"
    INVALID_NEW_EXISTS = "3"
    NONE = "4"
    SEVERAL = "5"
    VALID_UNREGISTERED = "6"


VALID = (Validity.VALID, Validity.VALID_UNREGISTERED)
# Not valid, but the answer names one person: the receipt computer gets it for reference. The other codes name nobody.
NOT_VALID = {
    Validity.INVALID: FailureCode.QUALIFICATION_INVALID,
    Validity.INVALID_NEW_EXISTS: FailureCode.QUALIFICATION_REPLACED,
}
NOBODY = {
    Validity.NONE: FailureCode.QUALIFICATION_NONE,
    Validity.SEVERAL: FailureCode.QUALIFICATION_SEVERAL,
}


class CertificateState(StrEnum):
    """Where in its time the card's certificate is (docs/sources.md, "expiry")."""

    VALID = "valid"
    ENDS_SOON = "ends_soon"  # within three months
    GRACE = "grace"  # ended up to three months ago: the qualification only


class Subsidy(StrEnum):
    """医療費助成 (PMH): "none" and "unsupported" are different things, also in our output."""

    NONE = "none"
    UNSUPPORTED = "unsupported"  # the municipality does not take part
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class Prescription:
    """An electronic prescription that may be dispensed. `token`: the gateway's; `day`: of issue, YYYYMMDD.

    Who issued it is not shown: a counter is a public place.
    """

    token: str
    day: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What the gateway said about the insurance, without anything personal. `questions`: what the patient has."""

    registered: bool
    validity: Validity
    questions: tuple[Item, ...] = ()
    certificate: CertificateState = CertificateState.VALID
    subsidy: Subsidy = Subsidy.NONE
    prescriptions: tuple[Prescription, ...] = ()


# --- the printed card ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scan:
    """The printed front is being looked at. `hint` is a word of `devices.ports.ScanHint`."""

    job: int
    hint: str = "reading"


@dataclass(frozen=True, slots=True)
class Scanned:
    """照合番号B was read. It is sent to the card once, and only when the patient chooses the face."""

    number: NumberRef


@dataclass(frozen=True, slots=True)
class Unscanned:
    """To be typed. `failure`: why it could not be read; None: the card refused what was read."""

    failure: FailureCode | None = None


Printed = Scan | Scanned | Unscanned


# --- a reception in progress ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Visit:
    """A reception with a card. `certificate` is None until it was read; `photo` outlives a change of method.

    `printed`: what became of the printed front; None while nobody looks at it.
    """

    reception: ReceptionId
    presence: int
    certificate: Certificate | None = None
    photo: CardPhoto | None = None
    face_attempts: int = 0
    refused: tuple[Method, ...] = ()  # methods that this reception cannot use any more
    printed: Printed | None = None


@dataclass(frozen=True, slots=True)
class Identified:
    """A reception whose patient is known to be the card's holder."""

    visit: Visit
    identity: Identity


@dataclass(frozen=True, slots=True)
class Eligible:
    """An identified patient with a confirmed insurance."""

    identified: Identified
    eligibility: Eligibility
    questions: tuple[Item, ...]


class NumberProblem(StrEnum):
    """Why 照合番号B is asked for again."""

    WRONG = "wrong"  # the card refused it
    INTERRUPTED = "interrupted"  # the card was taken away while it was read
    MISREAD = "misread"  # the card refused what the scanner had read


class Ending(StrEnum):
    DONE = "done"
    DELAYED = "delayed"  # confirmed; the file follows (journal)
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    NO_CARD = "no_card"  # declined registration: to the counter with papers
    NOT_VALID = "not_valid"  # the file says so, too
    LATER = "later"  # kept until the line is back


class Notice(StrEnum):
    """What the patient should know besides; texts `notice.<value>`."""

    CERTIFICATE_ENDS_SOON = "certificate_ends_soon"
    CERTIFICATE_GRACE = "certificate_grace"
    WELFARE_UNREGISTERED = "welfare_unregistered"  # 医療扶助, 未登録: the ticket (医療券) is asked for at the counter


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the last page may say. `number`: 受付番号 of the day, which the counter sees too."""

    ending: Ending
    number: int | None = None
    notices: tuple[Notice, ...] = ()
    failure: FailureCode | None = None


def notices(eligibility: Eligibility) -> tuple[Notice, ...]:
    """What matters today first."""
    found = []
    if eligibility.validity is Validity.VALID_UNREGISTERED:
        found.append(Notice.WELFARE_UNREGISTERED)
    if eligibility.certificate is CertificateState.ENDS_SOON:
        found.append(Notice.CERTIFICATE_ENDS_SOON)
    if eligibility.certificate is CertificateState.GRACE:
        found.append(Notice.CERTIFICATE_GRACE)
    return tuple(found)


# --- states --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """Two doors: put the card here, or no card."""


@dataclass(frozen=True, slots=True)
class NoCard:
    """The second door: what to hand over; the counter was called.

    `presence`: the card of a holder who declined registration, while it still lies there.
    """

    reception: ReceptionId
    presence: int | None = None


@dataclass(frozen=True, slots=True)
class Choosing:
    """How would you like to be recognised? The certificate is read meanwhile (`job`, None when done)."""

    visit: Visit
    job: int | None


@dataclass(frozen=True, slots=True)
class AwaitingRead:
    """A method was chosen before the certificate was there."""

    visit: Visit
    job: int
    method: Method


@dataclass(frozen=True, slots=True)
class LastTry:
    """One PIN try is left: ask first."""

    visit: Visit


@dataclass(frozen=True, slots=True)
class EnteringPin:
    visit: Visit
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class VerifyingPin:
    visit: Visit
    job: int


@dataclass(frozen=True, slots=True)
class Scanning:
    """The face was chosen, and the printed front is not read yet (`visit.printed` is a `Scan`)."""

    visit: Visit


@dataclass(frozen=True, slots=True)
class EnteringNumber:
    """照合番号B: birth date, expiry year and security code printed on the card."""

    visit: Visit
    problem: NumberProblem | None = None


@dataclass(frozen=True, slots=True)
class ReadingPhoto:
    """`scanned`: the number came from the scanner."""

    visit: Visit
    job: int
    done: int = 0
    total: int = 0
    scanned: bool = False


#: Hints that ask for a movement: the challenge to a picture of a face.
CHALLENGE = ("turn_left", "turn_right", "blink")


@dataclass(frozen=True, slots=True)
class Looking:
    """The camera looks. `hint` is a word of `devices.ports.FaceHint`; `challenged`: a movement was asked for."""

    visit: Visit
    photo: CardPhoto
    job: int
    hint: str = "no_face"
    challenged: bool = False


@dataclass(frozen=True, slots=True)
class FaceRetry:
    """Not recognised: try again, PIN and staff with equal weight."""

    visit: Visit
    photo: CardPhoto
    unclear: bool  # grey zone or nobody seen, as opposed to another face


@dataclass(frozen=True, slots=True)
class StaffConfirming:
    """Staff enter their credential and the reason on the kiosk itself."""

    visit: Visit
    refused: bool = False
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class CheckingStaff:
    visit: Visit
    job: int
    reason: StaffReason


@dataclass(frozen=True, slots=True)
class Confirming:
    """The eligibility gateway is asked (資格確認)."""

    identified: Identified
    job: int


@dataclass(frozen=True, slots=True)
class OfferingRegistration:
    """利用申込: voluntary."""

    identified: Identified


@dataclass(frozen=True, slots=True)
class Registering:
    identified: Identified
    job: int


@dataclass(frozen=True, slots=True)
class AskingAll:
    """Comprehensive consent (包括同意): all, none, or item by item."""

    eligible: Eligible


@dataclass(frozen=True, slots=True)
class AskingItem:
    eligible: Eligible
    draft: Draft
    item: Item
    returning: bool = False  # came from the check-answers page to change one answer


@dataclass(frozen=True, slots=True)
class CheckingAnswers:
    eligible: Eligible
    draft: Draft
    answers: Answers


@dataclass(frozen=True, slots=True)
class Sending:
    """Answers are on their way to the gateway; from here on the reception is finished whatever happens."""

    eligible: Eligible
    answers: Answers
    job: int
    card_gone: bool = False


@dataclass(frozen=True, slots=True)
class HandingOff:
    """The receipt computer's file is being written."""

    eligible: Eligible
    answers: Answers
    result: ResultRef
    job: int
    card_gone: bool = False


@dataclass(frozen=True, slots=True)
class TakeCard:
    """Nothing personal is left. `alarm`: the card was forgotten."""

    reception: ReceptionId
    presence: int
    outcome: Outcome
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Farewell:
    """The card is gone; the last sentence stays a few seconds."""

    reception: ReceptionId
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Leaflet:
    """Quiet pages at idle: `index` into the policy's list."""

    index: int = 0


# --- look-up by number (番号による資格確認): staff, without a card on the reader --------------------------------------


class Paper(StrEnum):
    """What the patient brought instead of a readable card."""

    CERTIFICATE = "certificate"  # 資格確認書
    CARD_NOTICE = "card_notice"  # the card with 資格情報のお知らせ
    CARD_PORTAL = "card_portal"  # the card with a マイナポータル screen
    NOTICE_ALONE = "notice_alone"
    PORTAL_ALONE = "portal_alone"


NEEDS_CARD_SEEN = (Paper.CARD_NOTICE, Paper.CARD_PORTAL)
NOT_ENOUGH = (Paper.NOTICE_ALONE, Paper.PORTAL_ALONE)


@dataclass(frozen=True, slots=True)
class LookupDoor:
    """Who are you? `job` while the staff credential is being checked."""

    reception: ReceptionId
    job: int | None = None
    refused: bool = False
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class LookupPaper:
    reception: ReceptionId


@dataclass(frozen=True, slots=True)
class LookupRefused:
    """The paper alone confirms nothing: why, and what to bring."""

    reception: ReceptionId
    paper: Paper


@dataclass(frozen=True, slots=True)
class LookupCardSeen:
    """Staff tick: card seen, face matches."""

    reception: ReceptionId
    paper: Paper


@dataclass(frozen=True, slots=True)
class LookupTyping:
    """Insurer number, symbol, number, branch, birth date on the kiosk's own keypad."""

    reception: ReceptionId
    paper: Paper


@dataclass(frozen=True, slots=True)
class LookupAsking:
    """限度額 needs the patient's consent here."""

    reception: ReceptionId
    paper: Paper
    query: QueryRef


@dataclass(frozen=True, slots=True)
class LookingUp:
    """`limit`: the answer about 限度額, None when it was not asked."""

    reception: ReceptionId
    paper: Paper
    query: QueryRef
    limit: bool | None
    job: int


@dataclass(frozen=True, slots=True)
class LookupHandingOff:
    reception: ReceptionId
    validity: Validity
    job: int


@dataclass(frozen=True, slots=True)
class LookupProblem:
    """`again`: the same question may be asked once more; otherwise only typing anew or leaving."""

    reception: ReceptionId
    paper: Paper
    query: QueryRef
    limit: bool | None
    failure: FailureCode
    upstream: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Postponing:
    """What was confirmed or typed is being put into the encrypted queue. `presence`: the card still on the reader."""

    reception: ReceptionId
    job: int
    presence: int | None = None


@dataclass(frozen=True, slots=True)
class PutBack:
    """The card was taken too early. Only the same fingerprint continues `behind`, within a few seconds."""

    visit: Visit
    fingerprint: str
    behind: CardState


@dataclass(frozen=True, slots=True)
class Rechecking:
    """A card came back: is it the same?"""

    visit: Visit
    fingerprint: str
    behind: CardState
    job: int
    fresh: ReceptionId


@dataclass(frozen=True, slots=True)
class RetryConfirm:
    identified: Identified


@dataclass(frozen=True, slots=True)
class RetryRegister:
    identified: Identified


@dataclass(frozen=True, slots=True)
class RetrySend:
    eligible: Eligible
    answers: Answers


# What "try again" repeats, so that nothing already done is lost. None: reading the card.
Retry = RetryConfirm | RetryRegister | RetrySend


@dataclass(frozen=True, slots=True)
class LateLookup:
    query: QueryRef
    limit: bool | None


@dataclass(frozen=True, slots=True)
class LateStaff:
    """Confirmed by eye; nothing was asked, so nothing may be shared."""

    identity: StaffIdentity


@dataclass(frozen=True, slots=True)
class LateConsents:
    answers: Answers
    language: str


# What can be finished without the patient when the line is back. A face check or a PIN cannot: the gateway's challenge
# is over by then.
Late = LateLookup | LateStaff | LateConsents


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence for the patient, a code for the staff, the ways that are left.

    `upstream`: the gateway's own code, or the name of the program that holds the card (`devices.errors.CardProgram`).
    """

    visit: Visit
    failure: FailureCode
    upstream: str = ""
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class OutOfService:
    """`failure`: why. Leaves by itself when the device is back, unless staff closed the kiosk."""

    failure: FailureCode


@dataclass(frozen=True, slots=True)
class StaffDoor:
    """Maintenance: who are you? `job` while the PIN is being checked."""

    job: int | None = None
    refused: bool = False
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class StaffRoom:
    """Maintenance is open. `running`: a test in progress; `findings`: device name -> what the test said."""

    running: int | None = None
    findings: tuple[tuple[str, str], ...] = ()


# States in which a card lies on the reader and the reception is not finished.
CardState = (
    Choosing
    | AwaitingRead
    | LastTry
    | EnteringPin
    | VerifyingPin
    | Scanning
    | EnteringNumber
    | ReadingPhoto
    | Looking
    | FaceRetry
    | StaffConfirming
    | CheckingStaff
    | Confirming
    | OfferingRegistration
    | Registering
    | AskingAll
    | AskingItem
    | CheckingAnswers
    | Problem
)
LookupState = (
    LookupDoor
    | LookupPaper
    | LookupRefused
    | LookupCardSeen
    | LookupTyping
    | LookupAsking
    | LookingUp
    | LookupHandingOff
    | LookupProblem
)
State = (
    Idle
    | Leaflet
    | NoCard
    | LookupState
    | Postponing
    | CardState
    | Sending
    | HandingOff
    | TakeCard
    | Farewell
    | PutBack
    | Rechecking
    | OutOfService
    | StaffDoor
    | StaffRoom
)


@dataclass(frozen=True, slots=True)
class Health:
    """What works. `reader_failure` is None when a reader is there, `scanner` when the printed card can be read."""

    reader_failure: FailureCode | None = FailureCode.READER_MISSING
    camera: bool = True
    camera_failure: FailureCode = FailureCode.CAMERA_LOST  # why it does not work, when it does not
    face: bool = True
    scanner: FailureCode | None = None
    open: bool = True  # staff may close the kiosk
    blocked: FailureCode | None = None  # e.g. the hand-off folder belongs to another institution


@dataclass(frozen=True, slots=True)
class Waiting:
    """A card that was put down while the kiosk could not receive it yet."""

    presence: int
    fresh: ReceptionId


@dataclass(frozen=True, slots=True)
class Kiosk:
    """The whole: the reception's state, the devices' health, the language, whether help was called."""

    state: State = field(default_factory=lambda: OutOfService(FailureCode.READER_MISSING))
    health: Health = field(default_factory=Health)
    language: str = "ja"
    help_called: bool = False
    jobs: int = 0
    waiting: Waiting | None = None


def visit_of(state: State) -> Visit | None:
    """The card reception that a state belongs to."""
    if isinstance(state, LookupState):
        return None
    match state:
        case Confirming() | OfferingRegistration() | Registering():
            return state.identified.visit
        case AskingAll() | AskingItem() | CheckingAnswers() | Sending() | HandingOff():
            return state.eligible.identified.visit
        case (
            Idle()
            | Leaflet()
            | NoCard()
            | OutOfService()
            | StaffDoor()
            | StaffRoom()
            | TakeCard()
            | Farewell()
            | Postponing()
        ):
            return None
        case _:
            return state.visit


def reception_of(state: State) -> ReceptionId | None:
    if isinstance(state, NoCard | TakeCard | Farewell | Postponing | LookupState):
        return state.reception
    visit = visit_of(state)
    return visit.reception if visit is not None else None
