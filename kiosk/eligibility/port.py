"""What the kiosk may ask of an eligibility gateway. Calls block; one thread makes them, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from devices.secret import SecretBytes
from kiosk.reception.consent import Answers
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Eligibility, Method, StaffReason, Validity

DOMAIN_TAG = b"uketsuke/reception/1\0"
NONCE_BYTES = 32
RESULT_EXPIRED = "result_expired"


class GatewayError(Exception):
    """The gateway refused or could not be asked. `upstream`: its own code, unchanged, at most 64 printable ASCII
    characters; a word of ours in angle brackets when there was no answer to take one from."""

    def __init__(self, failure: FailureCode, upstream: str) -> None:
        super().__init__(f"{failure.value}: {upstream}")
        self.failure = failure
        self.upstream = upstream


@dataclass(frozen=True, slots=True)
class Challenge:
    """Single use. `issued_at`: the gateway's clock, seconds since 1970-01-01 UTC; `expires_at`: `time.monotonic()` of
    this process, so that no two clocks have to agree."""

    id: str
    nonce: bytes
    issued_at: int
    expires_at: float


@dataclass(frozen=True, slots=True, repr=False)
class JpkiSignature:
    """RSASSA-PKCS1-v1_5/SHA-256 over the message by the certificate's key, made after VERIFY of the PIN."""

    signature: SecretBytes


@dataclass(frozen=True, slots=True, repr=False)
class CardEvidence:
    """The JSON of the card client (`devices.ports.PhotoRead.evidence`): "card_presence" or "photo_unanchored"."""

    document: SecretBytes


@dataclass(frozen=True, slots=True)
class StaffVisual:
    """目視確認: staff compared card and person."""

    reason: StaffReason


Evidence = JpkiSignature | CardEvidence | StaffVisual


def signed_message(nonce: bytes, terminal: str, issued_at: int) -> bytes:
    """What a card signs: domain tag ‖ nonce (32) ‖ length of the terminal id (1) ‖ terminal id (ASCII) ‖ time.

    The time is the gateway's own, seconds since 1970 as eight bytes, big-endian. It is public: nothing personal.
    """
    name = terminal.encode("ascii")
    if len(nonce) != NONCE_BYTES or not 1 <= len(name) <= 64:
        raise ValueError("nonce of 32 bytes, terminal id of 1 to 64 ASCII characters")
    return DOMAIN_TAG + nonce + len(name).to_bytes(1) + name + issued_at.to_bytes(8)


class Lookup(Protocol):
    """Who answers a look-up by number: the gateway, or the exchange folder. Every method raises `GatewayError`."""

    def look_up(
        self, reception: str, query: SecretBytes, limit: bool | None
    ) -> tuple[Validity, SecretBytes | None]: ...

    def fetch(self, reception: str) -> SecretBytes | None: ...


class Gateway(Protocol):
    """Every method raises `GatewayError`. Calls with a reception id may be repeated: same body, same answer."""

    def challenge(self) -> Challenge: ...

    def message(self, challenge: Challenge) -> bytes:
        """The bytes that the card signs for this challenge and this terminal (`signed_message`)."""

    def receive(
        self,
        reception: str,
        challenge: Challenge,
        method: Method,
        certificate: SecretBytes,
        evidence: tuple[Evidence, ...],
    ) -> Eligibility:
        """Ask for the insurance. A challenge serves one attempt: after a refusal the next one needs another."""

    def register(self, reception: str) -> Eligibility:
        """利用申込."""

    def consent(self, reception: str, answers: Answers, language: str, text_version: str) -> SecretBytes:
        """Send the answers; gives the full result (JSON of `kiosk.fullresult`, validated). The caller wipes it."""

    def look_up(self, reception: str, query: SecretBytes, limit: bool | None) -> tuple[Validity, SecretBytes | None]:
        """By insured number (`kiosk.reception.insured.Query`, JSON). None: the answer names nobody (4 and 5)."""

    def fetch(self, reception: str) -> SecretBytes | None:
        """The full result again after a lost answer, also of a look-up; None: there is none. `GatewayError` with
        `RESULT_EXPIRED` as upstream code: there was one, and it is not kept any more."""

    def withdraw(self, reception: str) -> bool:
        """Withdraw the reception's consents. False: there was none in force."""

    def check(self) -> None:
        """Maintenance: reach the gateway and authenticate both ways; nobody's data is involved."""

    def close(self) -> None: ...
