"""Every failure that a patient or the staff can meet: one table.

The words for each code stand in assets/i18n/*.toml under `failure.<name>`: `what` (what happened), `do` (what to do
now), `other` (another way), `staff` (cause and remedy for the counter). docs/failures.md is generated from both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Helper(StrEnum):
    """Who can put it right."""

    PATIENT = "patient"
    STAFF = "staff"
    SERVICE = "service"


class FailureCode(StrEnum):
    """Value: the short code on screen, in logs and in the manual."""

    CARD_UNREADABLE = "C-101"
    NOT_THIS_CARD = "C-102"
    CARD_BUSY = "C-103"
    CARD_CHANGED = "C-104"
    PRACTICE_ONLY = "C-105"
    CARD_PROTOCOL = "C-106"
    CERTIFICATE_UNREADABLE = "C-107"
    PHONE_ON_READER = "C-108"
    CARD_RESET = "C-109"
    READER_MISSING = "R-101"
    READER_SERVICE_DOWN = "R-102"
    CARD_WORKER_LOST = "R-103"
    READER_HUNG = "R-104"
    READER_DENIED = "R-105"
    READER_VIRTUAL = "R-106"
    SEVERAL_CARDS = "R-107"
    PIN_BLOCKED = "P-101"
    NUMBER_GUARDED = "N-101"
    SCAN_UNREADABLE = "N-102"
    SCANNER_LOST = "N-103"
    SCANNER_WORKER_LOST = "N-104"
    PHOTO_INVALID = "F-101"
    FACE_NOT_MATCHED = "F-102"
    CAMERA_LOST = "F-103"
    FACE_WORKER_LOST = "F-104"
    CAMERA_BUSY = "F-105"
    CAMERA_COVERED = "F-106"
    CAMERA_DENIED = "F-107"
    CAMERA_VIRTUAL = "F-109"
    CAMERA_UNFIT = "F-110"
    FACE_MODEL_MISSING = "F-111"
    FACE_OUT_OF_MEMORY = "F-112"
    PRESENCE_NOT_SHOWN = "F-108"
    GATEWAY_DOWN = "G-101"
    GATEWAY_ERROR = "G-102"
    GATEWAY_NONSENSE = "G-103"
    EVIDENCE_INSUFFICIENT = "G-104"
    CERTIFICATE_EXPIRED = "G-105"
    CERTIFICATE_REVOKED = "G-106"
    CERTIFICATE_UNKNOWN = "G-107"
    QUALIFICATION_INVALID = "G-108"
    SIGNATURE_REFUSED = "G-109"
    QUALIFICATION_REPLACED = "G-110"
    QUALIFICATION_NONE = "G-111"
    QUALIFICATION_SEVERAL = "G-112"
    GATEWAY_UNTRUSTED = "G-113"
    REGISTRATION_NOT_BY_STAFF = "G-114"
    FOLDER_DOWN = "L-101"
    FOLDER_TIMEOUT = "L-102"
    FOLDER_NONSENSE = "L-103"
    POSTPONE_FAILED = "Q-101"
    HANDOFF_FOREIGN = "H-101"
    HANDOFF_BROKEN = "H-102"
    STEP_TIMEOUT = "T-101"
    CLOSED_BY_STAFF = "S-101"


@dataclass(frozen=True, slots=True)
class Failure:
    """`recoverable`: the same reception can go on (another try or another method)."""

    helper: Helper
    recoverable: bool


_PATIENT_AGAIN = Failure(Helper.PATIENT, recoverable=True)
_STAFF_AGAIN = Failure(Helper.STAFF, recoverable=True)
_STAFF_END = Failure(Helper.STAFF, recoverable=False)
_SERVICE_END = Failure(Helper.SERVICE, recoverable=False)

TABLE: dict[FailureCode, Failure] = {
    FailureCode.CARD_UNREADABLE: _PATIENT_AGAIN,
    FailureCode.NOT_THIS_CARD: Failure(Helper.PATIENT, recoverable=False),
    FailureCode.CARD_BUSY: _STAFF_AGAIN,
    FailureCode.CARD_CHANGED: Failure(Helper.PATIENT, recoverable=False),
    FailureCode.PRACTICE_ONLY: Failure(Helper.STAFF, recoverable=False),
    FailureCode.CARD_PROTOCOL: _PATIENT_AGAIN,
    FailureCode.CERTIFICATE_UNREADABLE: _STAFF_END,
    FailureCode.PHONE_ON_READER: Failure(Helper.PATIENT, recoverable=False),
    FailureCode.CARD_RESET: _PATIENT_AGAIN,
    FailureCode.READER_MISSING: _SERVICE_END,
    FailureCode.READER_SERVICE_DOWN: _SERVICE_END,
    FailureCode.CARD_WORKER_LOST: _PATIENT_AGAIN,
    FailureCode.READER_HUNG: _PATIENT_AGAIN,
    FailureCode.READER_DENIED: _SERVICE_END,
    FailureCode.READER_VIRTUAL: _SERVICE_END,
    FailureCode.SEVERAL_CARDS: _PATIENT_AGAIN,
    FailureCode.PIN_BLOCKED: _PATIENT_AGAIN,
    FailureCode.NUMBER_GUARDED: _PATIENT_AGAIN,
    FailureCode.SCAN_UNREADABLE: _PATIENT_AGAIN,
    FailureCode.SCANNER_LOST: _PATIENT_AGAIN,
    FailureCode.SCANNER_WORKER_LOST: _PATIENT_AGAIN,
    FailureCode.PHOTO_INVALID: _PATIENT_AGAIN,
    FailureCode.FACE_NOT_MATCHED: _PATIENT_AGAIN,
    FailureCode.CAMERA_LOST: _PATIENT_AGAIN,
    FailureCode.FACE_WORKER_LOST: _PATIENT_AGAIN,
    FailureCode.CAMERA_BUSY: _PATIENT_AGAIN,
    FailureCode.CAMERA_COVERED: _PATIENT_AGAIN,
    FailureCode.CAMERA_DENIED: _PATIENT_AGAIN,
    FailureCode.CAMERA_VIRTUAL: _PATIENT_AGAIN,
    FailureCode.CAMERA_UNFIT: _PATIENT_AGAIN,
    FailureCode.FACE_MODEL_MISSING: _PATIENT_AGAIN,
    FailureCode.FACE_OUT_OF_MEMORY: _PATIENT_AGAIN,
    FailureCode.PRESENCE_NOT_SHOWN: _PATIENT_AGAIN,
    FailureCode.GATEWAY_DOWN: _STAFF_AGAIN,
    FailureCode.GATEWAY_ERROR: _STAFF_AGAIN,
    FailureCode.GATEWAY_NONSENSE: _STAFF_AGAIN,
    FailureCode.EVIDENCE_INSUFFICIENT: _PATIENT_AGAIN,
    FailureCode.CERTIFICATE_EXPIRED: _STAFF_END,
    FailureCode.CERTIFICATE_REVOKED: _STAFF_END,
    FailureCode.CERTIFICATE_UNKNOWN: _STAFF_END,
    FailureCode.QUALIFICATION_INVALID: _STAFF_END,
    FailureCode.SIGNATURE_REFUSED: _STAFF_END,
    FailureCode.QUALIFICATION_REPLACED: _STAFF_END,
    FailureCode.QUALIFICATION_NONE: _STAFF_END,
    FailureCode.QUALIFICATION_SEVERAL: _STAFF_END,
    FailureCode.GATEWAY_UNTRUSTED: _STAFF_AGAIN,
    FailureCode.REGISTRATION_NOT_BY_STAFF: _PATIENT_AGAIN,
    FailureCode.FOLDER_DOWN: _STAFF_AGAIN,
    FailureCode.FOLDER_TIMEOUT: _STAFF_AGAIN,
    FailureCode.FOLDER_NONSENSE: _STAFF_AGAIN,
    FailureCode.POSTPONE_FAILED: _STAFF_END,
    FailureCode.HANDOFF_FOREIGN: _SERVICE_END,
    FailureCode.HANDOFF_BROKEN: _SERVICE_END,
    FailureCode.STEP_TIMEOUT: _PATIENT_AGAIN,
    FailureCode.CLOSED_BY_STAFF: _STAFF_END,
}


def may_succeed_later(code: FailureCode) -> bool:
    """The same request may succeed when it is made again."""
    return code in _LATER


_LATER = (
    FailureCode.GATEWAY_DOWN,
    FailureCode.GATEWAY_ERROR,
    FailureCode.GATEWAY_NONSENSE,
    FailureCode.GATEWAY_UNTRUSTED,
    FailureCode.FOLDER_DOWN,
    FailureCode.FOLDER_TIMEOUT,
    FailureCode.FOLDER_NONSENSE,
    FailureCode.STEP_TIMEOUT,
)


def text_key(code: FailureCode) -> str:
    """Catalogue prefix of a code: `failure.card_unreadable`."""
    return f"failure.{code.name.lower()}"
