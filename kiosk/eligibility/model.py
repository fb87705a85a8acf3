"""What travels between kiosk and gateway, parsed strictly: no coercion, no unknown field, bounded everything."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from kiosk.reception.consent import Item
from kiosk.reception.states import Method, StaffReason, Validity

TERMINAL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
RECEPTION = r"^[A-Za-z0-9-]{1,64}$"
CODE = r"^[!-;=?-~]{1,64}$"  # printable ASCII without < and >, which mark our own words
LANGUAGE = r"^[A-Za-z0-9-]{2,16}$"
VERSION = r"^[A-Za-z0-9._-]{1,64}$"


class BadMessage(Exception):
    """A message that is not what it must be; names the place, never the value."""


def _decode(value: Any) -> bytes:
    """`bytes` come from our own code only: JSON has none."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("base64 text expected")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("base64 text expected") from None


B64 = Annotated[
    bytes,
    BeforeValidator(_decode),
    PlainSerializer(lambda value: base64.b64encode(value).decode(), return_type=str),
]
Day = Annotated[str, Field(pattern=r"^[0-9]{8}$")]

M = TypeVar("M", bound="Message")


class Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview) -> Self:
        """Raises `BadMessage`."""
        try:
            return cls.model_validate_json(data if isinstance(data, bytes | bytearray) else bytes(data))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise BadMessage(f"{'/'.join(map(str, first['loc'])) or 'message'}: {first['type']}") from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(****)"

    __str__ = __repr__


# --- requests and answers ------------------------------------------------------------------------------------------


class ChallengeReply(Message):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    nonce: Annotated[B64, Field(min_length=32, max_length=32)]
    issued_at: Annotated[int, Field(ge=0, lt=2**40)]
    seconds: Annotated[int, Field(ge=1, le=600)]


class SignatureEvidence(Message):
    kind: Literal["jpki_signature"]
    signature: Annotated[B64, Field(max_length=1024)]


class CardEvidenceMessage(Message):
    """`devices.card.visual.PresenceEvidence`."""

    kind: Literal["card_presence", "photo_unanchored"]
    head: Annotated[B64, Field(max_length=1024)]
    names_hash: Annotated[B64, Field(min_length=32, max_length=32)]
    photo_hash: Annotated[B64, Field(min_length=32, max_length=32)]
    issuer_signature: Annotated[B64, Field(max_length=1024)]
    cv_certificate: Annotated[B64, Field(max_length=4096)]
    presence_signature: Annotated[B64, Field(max_length=1024)]


class StaffEvidence(Message):
    kind: Literal["staff_visual"]
    reason: StaffReason


EvidenceMessage = Annotated[SignatureEvidence | CardEvidenceMessage | StaffEvidence, Field(discriminator="kind")]


class ReceptionRequest(Message):
    reception: Annotated[str, Field(pattern=RECEPTION)]
    challenge: Annotated[str, Field(max_length=64)]
    terminal: Annotated[str, Field(pattern=TERMINAL)]
    method: Method
    certificate: Annotated[B64, Field(max_length=8192)]
    evidence: Annotated[list[EvidenceMessage], Field(max_length=4)]


class EligibilityReply(Message):
    registered: bool
    validity: Validity
    questions: Annotated[list[Item], Field(max_length=len(Item))]
    certificate_ends_soon: bool


class Answer(Message):
    item: Item
    given: bool


class ConsentRequest(Message):
    """`text_version` names the wording that was on screen, `language` the one it was read in."""

    text_version: Annotated[str, Field(pattern=VERSION)]
    language: Annotated[str, Field(pattern=LANGUAGE)]
    comprehensive: bool
    answers: Annotated[list[Answer], Field(max_length=len(Item))]


class PendingReply(Message):
    """The reception is known, its consents are not there."""

    complete: Literal[False]


class Problem(Message):
    error: Annotated[str, Field(pattern=CODE)]


# --- what the simulated gateway knows ------------------------------------------------------------------------------


class Medication(Message):
    """One line of the fictional medication history (薬剤情報)."""

    day: Day
    name: str
    dose: str
    days: int


class Checkup(Message):
    """One line of the fictional health check (特定健診情報)."""

    day: Day
    item: str
    value: str


class Insurance(Message):
    """Codes as in `kiosk.qualification`; "" where there is none."""

    registered: bool
    validity: Validity
    insurer_number: str
    insurer_name: str
    symbol: str
    number: str
    branch: str
    classification: str
    relation: str
    ratio: str
    insured_name: str
    qualified_from: Day
    valid_until: Day | None = None
    medications: list[Medication] = []
    checkups: list[Checkup] = []


class Person(Message):
    """Who holds the certificate with this SHA-256 (hexadecimal, over the DER)."""

    certificate_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    name: str
    kana: str
    sex: Literal["1", "2", "3"]
    birth: Day
    address: str = ""
    revoked: bool = False
    insurance: Insurance


class GatewayWorld(Message):
    """Everything that the simulated gateway is told; all of it fictional.

    `issuers`: certificates (DER) that may have issued a card's certificate. `cv_anchor`: SubjectPublicKeyInfo (DER)
    under which EF 0004 of a genuine card stands. `institution` begins with 99: no such prefecture.
    """

    format: Literal[1] = 1
    institution: Annotated[str, Field(pattern=r"^99[0-9]{8}$")]
    issuers: Annotated[list[B64], Field(min_length=1)]
    cv_anchor: B64
    people: list[Person]

    def to_bytes(self) -> bytes:
        return self.model_dump_json().encode()
