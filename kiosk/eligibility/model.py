"""What travels between kiosk and gateway, parsed strictly: no coercion, no unknown field, bounded everything.

The published OpenAPI document is made from these classes, and says of a value exactly what is accepted here:
`tests/contract/gateway` holds both sides to it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from kiosk.reception.consent import Item
from kiosk.reception.states import CertificateState, Method, StaffReason, Subsidy, Validity

REQUEST_ID = "Request-Id"  # header: what the request says, its answer repeats
REQUEST_ID_PATTERN = r"^[A-Za-z0-9-]{1,64}$"
TERMINAL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
RECEPTION = r"^[A-Za-z0-9-]{1,64}$"
CODE = r"^[!-;=?-~]{1,64}$"  # printable ASCII without < and >, which mark our own words
LANGUAGE = r"^[A-Za-z0-9-]{2,16}$"
VERSION = r"^[A-Za-z0-9._-]{1,64}$"
FILE_IDENTIFIER = r"^[A-Za-z0-9_-]{16}$"
PRESCRIPTION = r"^[A-Za-z0-9._-]{1,64}$"
CHALLENGE = r"^[A-Za-z0-9_-]{16,64}$"
# As `kiosk.reception.insured` lets it be typed.
INSURED = r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff<>&]{1,40}$"
SYMBOL = r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff<>&]{0,40}$"
MAX_PRESCRIPTIONS = 20


class BadMessage(Exception):
    """A message that is not what it must be; names the place, never the value."""


@dataclass(frozen=True, slots=True)
class Base64:
    """`low` to `high` bytes as base64 text (RFC 4648 §4). The bounds of the text follow only from bounds that are
    equal, or from 0 and a multiple of 3."""

    low: int
    high: int

    @property
    def pattern(self) -> str:
        if self.low == self.high:
            tail = {0: "", 1: "[A-Za-z0-9+/]{2}==", 2: "[A-Za-z0-9+/]{3}="}[self.low % 3]
            return f"^(?:[A-Za-z0-9+/]{{4}}){{{self.low // 3}}}{tail}$"
        return "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

    @property
    def longest(self) -> int:
        return (self.high + 2) // 3 * 4

    def decode(self, value: Any) -> bytes:
        """`bytes` come from our own code only: JSON has none. Raises ValueError."""
        if isinstance(value, bytes):
            data = value
        elif isinstance(value, str) and len(value) <= self.longest and re.fullmatch(self.pattern, value):
            data = base64.b64decode(value)
        else:
            raise ValueError("base64 text expected")
        if not self.low <= len(data) <= self.high:
            raise ValueError("another length expected")
        return data

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.decode,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: base64.b64encode(value).decode(), return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {
            "type": "string",
            "contentEncoding": "base64",
            "pattern": self.pattern,
            "minLength": (self.low + 2) // 3 * 4,
            "maxLength": self.longest,
        }


Bytes32 = Annotated[bytes, Base64(32, 32)]
Signature = Annotated[bytes, Base64(0, 1023)]
Day = Annotated[str, Field(pattern=r"^[0-9]{8}$")]  # YYYYMMDD
Reception = Annotated[str, Field(pattern=RECEPTION)]
FileIdentifier = Annotated[str, Field(pattern=FILE_IDENTIFIER)]
Token = Annotated[str, Field(pattern=PRESCRIPTION)]

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
    """`nonce` is for one attempt, `issued_at` the gateway's clock in seconds since 1970-01-01 UTC."""

    id: Annotated[str, Field(pattern=CHALLENGE)]
    nonce: Bytes32
    issued_at: Annotated[int, Field(ge=0, lt=2**40)]
    seconds: Annotated[int, Field(ge=1, le=600)]


class SignatureEvidence(Message):
    """RSASSA-PKCS1-v1_5/SHA-256 by the certificate's key, made after VERIFY of the PIN."""

    kind: Literal["jpki_signature"]
    signature: Signature


class CardEvidenceMessage(Message):
    """`devices.card.visual.PresenceEvidence`."""

    kind: Literal["card_presence", "photo_unanchored"]
    head: Annotated[bytes, Base64(0, 1023)]
    names_hash: Bytes32
    photo_hash: Bytes32
    issuer_signature: Signature
    cv_certificate: Annotated[bytes, Base64(0, 4095)]
    presence_signature: Signature


class StaffEvidence(Message):
    """目視確認: staff compared card and person."""

    kind: Literal["staff_visual"]
    reason: StaffReason


EvidenceMessage = Annotated[SignatureEvidence | CardEvidenceMessage | StaffEvidence, Field(discriminator="kind")]


class ReceptionRequest(Message):
    """`asks`: what this institution uses (環境設定情報); the full result speaks of a subsidy only when it is among it.
    `file_identifier`: ArbitraryFileIdentifier, comes back in the full result."""

    reception: Reception
    challenge: Annotated[str, Field(pattern=CHALLENGE)]
    terminal: Annotated[str, Field(pattern=TERMINAL)]
    method: Method
    certificate: Annotated[bytes, Base64(0, 8190)]
    evidence: Annotated[list[EvidenceMessage], Field(max_length=4)]
    file_identifier: FileIdentifier
    asks: Annotated[list[Item], Field(max_length=len(Item))] = []


class PrescriptionMessage(Message):
    """An electronic prescription that may be dispensed; `day` of issue."""

    token: Token
    day: Day


class EligibilityReply(Message):
    """`questions`: what this patient has, not what the institution asks; empty in the months of grace."""

    reception: Reception
    registered: bool
    validity: Validity
    questions: Annotated[list[Item], Field(max_length=len(Item))]
    certificate: CertificateState
    subsidy: Subsidy
    prescriptions: Annotated[list[PrescriptionMessage], Field(max_length=MAX_PRESCRIPTIONS)]


class Answer(Message):
    item: Item
    given: bool


class ConsentRequest(Message):
    """`text_version` names the wording that was on screen, `language` the one it was read in. `dispense`: tokens of
    the electronic prescriptions that were chosen."""

    text_version: Annotated[str, Field(pattern=VERSION)]
    language: Annotated[str, Field(pattern=LANGUAGE)]
    comprehensive: bool
    answers: Annotated[list[Answer], Field(max_length=len(Item))]
    dispense: Annotated[list[Token], Field(max_length=MAX_PRESCRIPTIONS)] = []


class ConsentRecord(Message):
    """What the gateway keeps of a consent, for audit. `withdrawn_at`: None while it was not withdrawn."""

    reception: Reception
    text_version: Annotated[str, Field(pattern=VERSION)]
    language: Annotated[str, Field(pattern=LANGUAGE)]
    comprehensive: bool
    answers: Annotated[list[Answer], Field(max_length=len(Item))]
    dispense: Annotated[list[Token], Field(max_length=MAX_PRESCRIPTIONS)]
    given_at: AwareDatetime
    available_until: AwareDatetime
    withdrawn_at: AwareDatetime | None


class RegistrationRecord(Message):
    """利用申込 made at this terminal: when, and how the patient was known."""

    reception: Reception
    method: Method
    registered_at: AwareDatetime


class WithdrawalReply(Message):
    """`withdrawn`: False when there was no consent in force that could be withdrawn."""

    reception: Reception
    withdrawn: bool


class LookupRequest(Message):
    """番号による資格確認. `limit`: consent to 限度額, None when it was not asked. `symbol`, `branch`: may be ""."""

    reception: Reception
    terminal: Annotated[str, Field(pattern=TERMINAL)]
    file_identifier: FileIdentifier
    insurer: Annotated[str, Field(pattern=r"^(?:[0-9]{6}|[0-9]{8})$")]
    symbol: Annotated[str, Field(pattern=SYMBOL)]
    number: Annotated[str, Field(pattern=INSURED)]
    branch: Annotated[str, Field(pattern=r"^(?:[0-9]{2})?$")]
    birth: Day
    limit: bool | None


class LookupReply(Message):
    """`result`: the full result, None when the answer names nobody (validity 4 and 5)."""

    reception: Reception
    validity: Validity
    result: dict[str, Any] | None


class PendingReply(Message):
    """The reception is known, its consents are not there."""

    reception: Reception
    complete: Literal[False]


class Problem(Message):
    """`error`: the upstream code, carried to the staff unchanged."""

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


class ElderlyRecord(Message):
    """高齢受給者証; `ratio` three digits, per cent."""

    valid_from: Day
    valid_until: Day | None = None
    ratio: str


class LimitRecord(Message):
    """限度額適用認定証: OQSCD011, OQSCD012."""

    classification: str
    flag: str
    valid_from: Day
    valid_until: Day | None = None
    long_term: Day | None = None


class DiseaseRecord(Message):
    """特定疾病療養受療証: OQSCD013; `self_pay` in yen or ""."""

    category: str
    valid_from: Day
    valid_until: Day | None = None
    self_pay: str = ""


class SubsidyRecord(Message):
    """受給者証 of 医療費助成 (`kiosk.fullresult.SubsidyCertificate`)."""

    payer: str
    recipient: str
    scheme: str
    valid_from: str = ""
    valid_until: str = ""


class TicketRecord(Message):
    """医療券・調剤券 of 医療扶助 (`kiosk.qualification.MedicalTicket`); "" where there is nothing."""

    ticket_type: str
    valid_from: str = ""
    valid_until: str = ""
    number: str = ""
    month: str = ""
    treatment_type: str = ""
    institution: str = ""
    institution_flag: str = ""
    institution_name: str = ""
    issuer: str = ""
    issuer_name: str = ""
    injury1: str = ""
    injury2: str = ""
    injury3: str = ""
    self_pay: str = ""
    district_contact: str = ""
    handling_contact: str = ""
    combined: str = ""
    social_insurance: str = ""
    consistency: str = ""
    infection: str = ""
    elderly_care: str = ""
    prefectural: str = ""
    remarks1: str = ""
    remarks2: str = ""
    remarks3: str = ""


class Insurance(Message):
    """Codes as in `kiosk.qualification`; "" where there is none.

    `code`, `message`: ProcessingResultCode and -Message besides a normal end. `error`: the upstream code of a
    processing that fails. `several`: 複数該当 when looked up by number. `surgeries`: there is such information.
    """

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
    loss: str = ""
    disqualified_from: Day | None = None
    preschool: bool = False
    elderly: ElderlyRecord | None = None
    limit: LimitRecord | None = None
    diseases: list[DiseaseRecord] = []
    subsidy: Subsidy = Subsidy.NONE
    subsidies: list[SubsidyRecord] = []
    prescriptions: list[PrescriptionMessage] = []
    tickets: list[TicketRecord] = []
    surgeries: bool = False
    code: str = ""
    message: str = ""
    error: Annotated[str, Field(pattern=r"^[!-;=?-~]{0,64}$")] = ""
    several: bool = False


class Person(Message):
    """Who holds the certificate with this SHA-256 (hexadecimal, over the DER). `former`: older insurances, under whose
    number somebody may still be looked up."""

    certificate_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    name: str
    kana: str
    sex: Literal["1", "2", "3"]
    birth: Day
    address: str = ""
    post_number: str = ""
    name_other: str = ""
    kana_other: str = ""
    sex2: str = ""
    revoked: bool = False
    insurance: Insurance
    former: list[Insurance] = []


class GatewayWorld(Message):
    """Everything that the simulated gateway is told; all of it fictional.

    `issuers`: certificates (DER) that may have issued a card's certificate. `cv_anchor`: SubjectPublicKeyInfo (DER)
    under which EF 0004 of a genuine card stands. `institution` begins with 99: no such prefecture. `institutions`: of
    the terminals (by id) that stand elsewhere.
    """

    format: Literal[1] = 1
    institution: Annotated[str, Field(pattern=r"^99[0-9]{8}$")]
    institutions: dict[str, Annotated[str, Field(pattern=r"^99[0-9]{8}$")]] = {}
    issuers: Annotated[list[Annotated[bytes, Base64(0, 65535)]], Field(min_length=1)]
    cv_anchor: Annotated[bytes, Base64(0, 4095)]
    people: list[Person]

    def to_bytes(self) -> bytes:
        return self.model_dump_json().encode()

    def institution_of(self, terminal: str) -> str:
        return self.institutions.get(terminal, self.institution)
