"""What can happen. Results carry the reception and the job they answer; a stale one changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import (
    CertificateRef,
    Eligibility,
    EvidenceRef,
    Method,
    NumberRef,
    Paper,
    PhotoRef,
    PinRef,
    QueryRef,
    ReceptionId,
    ResultRef,
    StaffReason,
    Validity,
)

# --- devices -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardPut:
    """`fresh`: the id that a new reception would get."""

    presence: int
    fresh: ReceptionId


@dataclass(frozen=True, slots=True)
class CardTaken:
    presence: int


@dataclass(frozen=True, slots=True)
class ReaderUp:
    pass


@dataclass(frozen=True, slots=True)
class ReaderDown:
    failure: FailureCode


@dataclass(frozen=True, slots=True)
class CameraChanged:
    """`failure`: why it does not work."""

    works: bool
    failure: FailureCode = FailureCode.CAMERA_LOST


@dataclass(frozen=True, slots=True)
class FaceChanged:
    works: bool


@dataclass(frozen=True, slots=True)
class ScannerChanged:
    """Why the printed card cannot be read; None when it can."""

    failure: FailureCode | None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Something outside the devices keeps the kiosk closed; None when it is gone."""

    failure: FailureCode | None


# --- people --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoCardChosen:
    fresh: ReceptionId


@dataclass(frozen=True, slots=True)
class MethodChosen:
    method: Method


@dataclass(frozen=True, slots=True)
class LastTryAccepted:
    pass


@dataclass(frozen=True, slots=True)
class PinEntered:
    pin: PinRef


@dataclass(frozen=True, slots=True)
class NumberEntered:
    """照合番号B, plausible (kiosk.reception.number)."""

    number: NumberRef


@dataclass(frozen=True, slots=True)
class TypeNumber:
    """Rather type 照合番号B than wait until it is read."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    pass


@dataclass(frozen=True, slots=True)
class OtherMethod:
    """Back to the choice of methods."""


@dataclass(frozen=True, slots=True)
class StaffEntered:
    credential: PinRef
    reason: StaffReason


@dataclass(frozen=True, slots=True)
class RegistrationAnswered:
    yes: bool


class All(StrEnum):
    YES = "yes"
    NO = "no"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class AllAnswered:
    answer: All


@dataclass(frozen=True, slots=True)
class ItemAnswered:
    """`dispense`: with `Item.DISPENSE`, the tokens of the prescriptions chosen."""

    item: Item
    yes: bool
    dispense: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeAnswer:
    item: Item


@dataclass(frozen=True, slots=True)
class AnswersConfirmed:
    pass


@dataclass(frozen=True, slots=True)
class LookupWanted:
    """From the page for people without a card: staff look up by number. `fresh`: the id of this reception."""

    fresh: ReceptionId


@dataclass(frozen=True, slots=True)
class LookupPin:
    """The staff credential."""

    credential: PinRef


@dataclass(frozen=True, slots=True)
class PaperChosen:
    paper: Paper


@dataclass(frozen=True, slots=True)
class CardSeen:
    """Staff saw the card and the face on it matches (`yes`), or not."""

    yes: bool


@dataclass(frozen=True, slots=True)
class QueryEntered:
    """Plausible (kiosk.reception.insured): the vault holds the JSON of `Query`."""

    query: QueryRef


@dataclass(frozen=True, slots=True)
class PostponeWanted:
    """Finish it when the line is back."""


@dataclass(frozen=True, slots=True)
class LeafletOpened:
    pass


@dataclass(frozen=True, slots=True)
class LeafletTurned:
    """`by`: 1 forward, -1 back."""

    by: int


@dataclass(frozen=True, slots=True)
class Back:
    pass


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The patient ends the reception (カードを取る)."""


@dataclass(frozen=True, slots=True)
class HelpWanted:
    pass


@dataclass(frozen=True, slots=True)
class LanguageChosen:
    language: str


@dataclass(frozen=True, slots=True)
class MoreTime:
    pass


@dataclass(frozen=True, slots=True)
class StaffGesture:
    pass


@dataclass(frozen=True, slots=True)
class MaintenancePin:
    credential: PinRef


class Test(StrEnum):
    """Devices that maintenance can test."""

    __test__ = False  # not a pytest class

    READER = "reader"
    CAMERA = "camera"
    SCANNER = "scanner"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class TestWanted:
    __test__ = False

    device: Test


@dataclass(frozen=True, slots=True)
class ServiceSet:
    open: bool


@dataclass(frozen=True, slots=True)
class StaffLeft:
    pass


# --- time ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    pass


# --- results -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CertificateCame:
    reception: ReceptionId
    job: int
    ref: CertificateRef
    connection: int
    fingerprint: str
    pin_tries: int | None
    number_tries: int | None


@dataclass(frozen=True, slots=True)
class ScanHinted:
    reception: ReceptionId
    job: int
    hint: str


@dataclass(frozen=True, slots=True)
class NumberScanned:
    reception: ReceptionId
    job: int
    number: NumberRef


@dataclass(frozen=True, slots=True)
class PhotoProgressed:
    reception: ReceptionId
    job: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class PhotoCame:
    reception: ReceptionId
    job: int
    ref: PhotoRef
    evidence: EvidenceRef
    connection: int


@dataclass(frozen=True, slots=True)
class SignatureCame:
    reception: ReceptionId
    job: int
    evidence: EvidenceRef
    connection: int


@dataclass(frozen=True, slots=True)
class PinRefused:
    reception: ReceptionId
    job: int
    tries_left: int


@dataclass(frozen=True, slots=True)
class NumberRefused:
    reception: ReceptionId
    job: int
    tries_left: int


@dataclass(frozen=True, slots=True)
class FaceHinted:
    reception: ReceptionId
    job: int
    hint: str


@dataclass(frozen=True, slots=True)
class FaceMatched:
    reception: ReceptionId
    job: int


@dataclass(frozen=True, slots=True)
class PresenceFailed:
    """What stood before the camera did not show itself to be a person: a picture, a change of persons, or a challenge
    that was not answered."""

    reception: ReceptionId
    job: int


@dataclass(frozen=True, slots=True)
class FaceMissed:
    """`unclear`: grey zone, nobody to see, or time over; otherwise another face."""

    reception: ReceptionId
    job: int
    unclear: bool


@dataclass(frozen=True, slots=True)
class StaffAccepted:
    reception: ReceptionId
    job: int


@dataclass(frozen=True, slots=True)
class StaffDenied:
    reception: ReceptionId
    job: int
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class EligibilityCame:
    """Also the answer to a registration."""

    reception: ReceptionId
    job: int
    eligibility: Eligibility


@dataclass(frozen=True, slots=True)
class ResultCame:
    """The gateway took the consents and gave the full result."""

    reception: ReceptionId
    job: int
    result: ResultRef


@dataclass(frozen=True, slots=True)
class LookedUp:
    """`result` is None when the answer names nobody (codes 4 and 5)."""

    reception: ReceptionId
    job: int
    validity: Validity
    result: ResultRef | None


@dataclass(frozen=True, slots=True)
class Postponed:
    reception: ReceptionId
    job: int


@dataclass(frozen=True, slots=True)
class HandedOff:
    """`delayed`: confirmed and journalled, but the file could not be written now. `substituted`: characters that
    became ● in the file."""

    reception: ReceptionId
    job: int
    number: int
    delayed: bool = False
    substituted: int = 0


@dataclass(frozen=True, slots=True)
class JobFailed:
    """Any job's failure."""

    reception: ReceptionId
    job: int
    failure: FailureCode
    upstream: str = ""


@dataclass(frozen=True, slots=True)
class DoorAnswered:
    """Maintenance PIN checked."""

    job: int
    accepted: bool
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class TestDone:
    __test__ = False

    job: int
    device: Test
    finding: str  # catalogue key suffix: "ok" or a FailureCode name in lower case


Result = (
    CertificateCame
    | ScanHinted
    | NumberScanned
    | PhotoProgressed
    | PhotoCame
    | SignatureCame
    | PinRefused
    | NumberRefused
    | FaceHinted
    | FaceMatched
    | FaceMissed
    | PresenceFailed
    | StaffAccepted
    | StaffDenied
    | EligibilityCame
    | ResultCame
    | LookedUp
    | Postponed
    | HandedOff
    | JobFailed
)
Device = CardPut | CardTaken | ReaderUp | ReaderDown | CameraChanged | FaceChanged | ScannerChanged | Blocked
Intent = (
    NoCardChosen
    | MethodChosen
    | LastTryAccepted
    | PinEntered
    | NumberEntered
    | TypeNumber
    | TryAgain
    | OtherMethod
    | StaffEntered
    | RegistrationAnswered
    | AllAnswered
    | ItemAnswered
    | ChangeAnswer
    | AnswersConfirmed
    | LookupWanted
    | LookupPin
    | PaperChosen
    | CardSeen
    | QueryEntered
    | PostponeWanted
    | LeafletOpened
    | LeafletTurned
    | Back
    | Cancelled
    | HelpWanted
    | LanguageChosen
    | MoreTime
    | StaffGesture
    | MaintenancePin
    | TestWanted
    | ServiceSet
    | StaffLeft
)
Event = Device | Intent | DeadlinePassed | Result | DoorAnswered | TestDone
