"""What the domain wants done. Commands with a job are answered by exactly one result (progress and hints aside)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kiosk.reception.consent import Answers
from kiosk.reception.events import Test
from kiosk.reception.states import Identity, Late, NumberRef, PhotoRef, PinRef, QueryRef, ReceptionId, ResultRef


@dataclass(frozen=True, slots=True)
class PrepareGateway:
    """Open the connection and fetch the challenge while the card is read."""

    reception: ReceptionId


@dataclass(frozen=True, slots=True)
class ReadCertificate:
    reception: ReceptionId
    job: int
    presence: int


@dataclass(frozen=True, slots=True)
class StartScan:
    """Look at the printed front of the card. Another scan that runs is over."""

    reception: ReceptionId
    job: int


@dataclass(frozen=True, slots=True)
class StopScan:
    """No answer of this scan is wanted any more."""

    reception: ReceptionId
    scan: int


@dataclass(frozen=True, slots=True)
class ForgetNumber:
    """Overwrite a scanned number that is not used."""

    reception: ReceptionId
    number: NumberRef


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """Exactly one VERIFY of 照合番号B."""

    reception: ReceptionId
    job: int
    presence: int
    number: NumberRef


@dataclass(frozen=True, slots=True)
class SignWithPin:
    """Exactly one VERIFY of the PIN."""

    reception: ReceptionId
    job: int
    presence: int
    pin: PinRef


@dataclass(frozen=True, slots=True)
class StartFace:
    reception: ReceptionId
    job: int
    photo: PhotoRef


@dataclass(frozen=True, slots=True)
class StopFace:
    reception: ReceptionId


@dataclass(frozen=True, slots=True)
class CheckStaff:
    reception: ReceptionId
    job: int
    credential: PinRef


@dataclass(frozen=True, slots=True)
class ConfirmEligibility:
    reception: ReceptionId
    job: int
    identity: Identity


@dataclass(frozen=True, slots=True)
class Register:
    reception: ReceptionId
    job: int


@dataclass(frozen=True, slots=True)
class SendConsents:
    reception: ReceptionId
    job: int
    answers: Answers
    language: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask by number. The query stays in the vault: it may have to be asked again. `limit`: consent to 限度額."""

    reception: ReceptionId
    job: int
    query: QueryRef
    limit: bool | None


@dataclass(frozen=True, slots=True)
class Postpone:
    """Put it into the encrypted queue."""

    reception: ReceptionId
    job: int
    late: Late


@dataclass(frozen=True, slots=True)
class WriteHandoff:
    reception: ReceptionId
    job: int
    result: ResultRef


@dataclass(frozen=True, slots=True)
class Wipe:
    """Overwrite everything that belongs to the reception; replace the processes that saw it."""

    reception: ReceptionId


@dataclass(frozen=True, slots=True)
class CallCounter:
    """Tell the reception desk. `reason`: a catalogue key under `counter.`."""

    reason: str


class Sound(StrEnum):
    CARD_SEEN = "card_seen"
    DONE = "done"
    PROBLEM = "problem"
    PROMPT = "prompt"  # another movement is asked for: heard by a person who has turned the head away
    CARD_FORGOTTEN = "card_forgotten"


@dataclass(frozen=True, slots=True)
class Play:
    sound: Sound


@dataclass(frozen=True, slots=True)
class Record:
    """An audit entry. `what` and `detail` are words of this project, never personal."""

    what: str
    reception: ReceptionId | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckMaintenancePin:
    job: int
    credential: PinRef


@dataclass(frozen=True, slots=True)
class RunTest:
    job: int
    device: Test


@dataclass(frozen=True, slots=True)
class StoreService:
    """Remember across restarts whether staff closed the kiosk."""

    open: bool


Command = (
    PrepareGateway
    | ReadCertificate
    | StartScan
    | StopScan
    | ForgetNumber
    | ReadPhoto
    | SignWithPin
    | StartFace
    | StopFace
    | CheckStaff
    | ConfirmEligibility
    | Register
    | SendConsents
    | LookUp
    | Postpone
    | WriteHandoff
    | Wipe
    | CallCounter
    | Play
    | Record
    | CheckMaintenancePin
    | RunTest
    | StoreService
)
