"""The hardware contract as the kiosk sees it: what may be asked, and what may be answered.

Everything is asynchronous: a request names a `job`, the answer carries it back. Requests are capabilities, never
APDUs. Personal bytes are `Blob`s; whoever receives one owns it and wipes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from devices.blob import Blob as Blob  # what payloads travel in is part of the contract
from devices.errors import CardProgram, DeviceFault

# --- card ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReaderReady:
    """A reader is there (and no card was seen yet)."""

    name: str


@dataclass(frozen=True, slots=True)
class ReaderFault:
    """No reception is possible until `ReaderReady`: SERVICE_DOWN, ACCESS_DENIED, NO_READER, VIRTUAL_READER,
    SEVERAL_CARDS, READER_HUNG or CARD_WORKER_LOST."""

    fault: DeviceFault


@dataclass(frozen=True, slots=True)
class CardPresent:
    """A card was put down. `presence` never repeats while the kiosk runs."""

    presence: int


@dataclass(frozen=True, slots=True)
class CardGone:
    presence: int


class TokenKind(StrEnum):
    """From EF 0006 of the JPKI application: what holds the certificate."""

    CARD = "card"
    PHONE = "phone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CertificateRead:
    """The user-authentication certificate (利用者証明用電子証明書), DER, read without PIN.

    `connection` names the exclusive PC/SC connection, `fingerprint` is an HMAC under a key of this run (the same
    card has another fingerprint tomorrow). `pin_tries` is None when the card has no PIN (顔認証マイナンバーカード) or
    does not tell. `expired`: by this machine's clock; whether it still confirms the insurance, the gateway says.
    """

    job: int
    connection: int
    certificate: Blob
    fingerprint: str
    token: TokenKind
    pin_tries: int | None
    number_tries: int | None
    expired: bool = False


@dataclass(frozen=True, slots=True)
class CardProgress:
    """Bytes of the card-face file (券面事項) read so far."""

    job: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class PhotoRead:
    """The photo (JPEG 2000) and what proves that it belongs to this card.

    `evidence` is the UTF-8 JSON of `devices.card.visual.PresenceEvidence` for the gateway. `photo_intact`: the
    issuer's signature DF28 fits under EF 0004's key; `clone_checked`: INTERNAL AUTHENTICATE fits DF24's key.
    """

    job: int
    connection: int
    photo: Blob
    evidence: Blob
    photo_intact: bool
    clone_checked: bool


@dataclass(frozen=True, slots=True)
class PinSigned:
    """Signature over the message that was asked for, made by the card after VERIFY; its algorithm is that of the
    certificate's key (RSA: RSASSA-PKCS1-v1_5 with SHA-256; P-384: ECDSA with SHA-384, DER)."""

    job: int
    connection: int
    signature: Blob


@dataclass(frozen=True, slots=True)
class CardRefused:
    """The job failed. `tries_left` only with PIN_WRONG, NUMBER_WRONG, NUMBER_GUARDED; `program`, with CARD_BUSY: who
    probably holds the card."""

    job: int
    fault: DeviceFault
    tries_left: int | None = None
    program: CardProgram | None = None


CardEvent = (
    ReaderReady
    | ReaderFault
    | CardPresent
    | CardGone
    | CertificateRead
    | CardProgress
    | PhotoRead
    | PinSigned
    | CardRefused
)


class CardReader(Protocol):
    """Events arrive on any thread. Methods never block."""

    def start(self, sink: Callable[[CardEvent], None]) -> None: ...

    def read_certificate(self, job: int, presence: int) -> None: ...

    def read_photo(self, job: int, presence: int, number: Blob, message: Blob) -> None:
        """`number`: 照合番号B, 14 ASCII digits. `message`: what INTERNAL AUTHENTICATE signs, hashed there.

        Exactly one VERIFY is sent, and none when 3 or fewer tries are left.
        """

    def sign_with_pin(self, job: int, presence: int, pin: Blob, message: Blob) -> None:
        """VERIFY and signature in one burst. Exactly one VERIFY is sent, and none when no try is left."""

    def release(self) -> None:
        """Forget the card's answers, leave its applications, power it off. The card may stay on the reader."""

    def recycle(self) -> None:
        """Replace the process that saw personal data. To be called when no card is on the reader."""

    def stop(self) -> None: ...


# --- camera --------------------------------------------------------------------------------------------------------

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Frame:
    """One picture, height x width x 3, BGR, 8 bit. `at` in seconds of the monotonic clock."""

    image: Image
    at: float
    sequence: int


class Camera(Protocol):
    """`latest` never blocks; it is None when no frame is younger than the camera's freshness limit."""

    def start(self) -> None: ...

    def latest(self) -> Frame | None: ...

    def fault(self) -> DeviceFault | None:
        """Why there are no pictures: CAMERA_LOST, CAMERA_BUSY, CAMERA_DENIED, CAMERA_VIRTUAL, CAMERA_COVERED,
        CAMERA_FROZEN or CAMERA_UNFIT; None while there are some."""

    def wipe(self) -> None:
        """Overwrite the frame that is held."""

    def stop(self) -> None: ...


# --- face ----------------------------------------------------------------------------------------------------------


class FaceHint(StrEnum):
    """What the person can do; words follow ISO/IEC 29794-5."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    CLOSER = "closer"
    FARTHER = "farther"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    LOOK_STRAIGHT = "look_straight"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    HOLD_STILL = "hold_still"
    GOOD = "good"
    TURN_LEFT = "turn_left"  # of the challenge; the person's own left
    TURN_RIGHT = "turn_right"
    BLINK = "blink"


class FaceBand(StrEnum):
    ACCEPT = "accept"
    GREY = "grey"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class FaceWorkerReady:
    engine: str


@dataclass(frozen=True, slots=True)
class FaceGuidance:
    job: int
    hint: FaceHint


class FacePresence(StrEnum):
    """A person, or a picture of one? `UNDECIDED`: the challenge did not begin; `ATTACK`: it failed, or what moved was
    flat, or one face took the place of another."""

    LIVE = "live"
    UNDECIDED = "undecided"
    ATTACK = "attack"


@dataclass(frozen=True, slots=True)
class FaceDecided:
    """One attempt is over. No score leaves the process: a number would be personal data without a use.

    ACCEPT comes with LIVE only."""

    job: int
    band: FaceBand
    frames: int
    presence: FacePresence = FacePresence.LIVE

    def __post_init__(self) -> None:
        if self.band is FaceBand.ACCEPT and self.presence is not FacePresence.LIVE:
            raise ValueError("a picture of a face is never accepted")


@dataclass(frozen=True, slots=True)
class FaceFailed:
    """PHOTO_INVALID (no face in the card photo, not an image), MODEL_MISSING, FACE_MEMORY, FACE_WORKER_LOST, or what
    `Camera.fault` says."""

    job: int
    fault: DeviceFault


FaceEvent = FaceWorkerReady | FaceGuidance | FaceDecided | FaceFailed


class FaceVerifier(Protocol):
    """Compares frames of the camera with the card's photo, in a process of its own."""

    def start(self, sink: Callable[[FaceEvent], None]) -> None: ...

    def begin(self, job: int, photo: Blob) -> None:
        """Start one attempt. `photo` is duplicated, not consumed: the next attempt uses it again."""

    def cancel(self) -> None:
        """Stop looking; no answer follows."""

    def recycle(self) -> None:
        """Replace the process that saw the photo and the frames."""

    def stop(self) -> None: ...


# --- scanner of the printed card face ------------------------------------------------------------------------------


class ScanHint(StrEnum):
    """What the scanner sees; nothing personal."""

    NO_CARD = "no_card"
    FACE_DOWN = "face_down"  # the back, which bears the 12-digit number: told by its layout, nothing on it is read
    OTHER_CARD = "other_card"  # a card, but not the front of a My Number Card
    UNCLEAR = "unclear"  # glare, blur, dark, out of view
    READING = "reading"
    STILL = "still"  # legible, but it has not moved: a second pose is wanted


@dataclass(frozen=True, slots=True)
class ScannerReady:
    """The models are loaded and the camera shows pictures."""


@dataclass(frozen=True, slots=True)
class ScanHinted:
    job: int
    hint: ScanHint


@dataclass(frozen=True, slots=True)
class NumberScanned:
    """照合番号B, 14 ASCII digits: two frames that differ agreed on it, and its dates are plausible."""

    job: int
    number: Blob


@dataclass(frozen=True, slots=True)
class ScanFailed:
    """SCAN_UNREADABLE (time is over: to be typed), SCANNER_LOST (no picture), SCANNER_WORKER_LOST, MODEL_MISSING."""

    job: int
    fault: DeviceFault


ScanEvent = ScannerReady | ScanHinted | NumberScanned | ScanFailed


class CardFaceScanner(Protocol):
    """Reads birth date, expiry and security code from the printed front of the card, in a process of its own.

    Events arrive on any thread; methods never block. Each `begin` is answered by exactly one `NumberScanned` or
    `ScanFailed`, unless `cancel`, `recycle`, `stop` or another `begin` came first.
    """

    def start(self, sink: Callable[[ScanEvent], None]) -> None: ...

    def begin(self, job: int) -> None: ...

    def cancel(self) -> None:
        """Stop looking; no answer follows. Frames that are held are overwritten."""

    def recycle(self) -> None:
        """Replace the process that saw the card."""

    def stop(self) -> None: ...
