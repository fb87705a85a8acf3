"""What a gateway checks before it answers: the certificate, and the evidence that its holder is at the terminal.

Not proved by `card_presence`: that card face and certificate are of one card. They carry different keys and nothing
public ties them; the kiosk reads both over one connection, the gateway compares the birth date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from kiosk.eligibility.model import CardEvidenceMessage, SignatureEvidence, StaffEvidence
from kiosk.reception.states import CertificateState, Method

GRACE_MONTHS = 3  # after the end the card still confirms the insurance, without consents (docs/sources.md, "expiry")
_KEY_IDS = 32


class Refused(Exception):
    """`code` travels to the kiosk as it is."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Holder:
    """A certificate that stands under an accepted issuer and is in time, or within the grace period."""

    def __init__(self, der: bytes, issuers: Sequence[x509.Certificate], now: datetime) -> None:
        try:
            certificate = x509.load_der_x509_certificate(der)
            key = certificate.public_key()
        except (ValueError, x509.InvalidVersion):
            raise Refused(403, "certificate_malformed") from None
        if not any(_issued_by(certificate, issuer) for issuer in issuers) or not isinstance(key, RSAPublicKey):
            raise Refused(403, "issuer_unknown")
        end = certificate.not_valid_after_utc
        if now < certificate.not_valid_before_utc:
            raise Refused(403, "certificate_not_yet_valid")
        if now > _months_after(end, GRACE_MONTHS):
            raise Refused(403, "certificate_expired")
        self.key = key
        self.state = CertificateState.VALID
        if now > end:
            self.state = CertificateState.GRACE
        elif now > _months_after(end, -GRACE_MONTHS):
            self.state = CertificateState.ENDS_SOON


def check_evidence(
    method: Method,
    evidence: Sequence[SignatureEvidence | CardEvidenceMessage | StaffEvidence],
    holder: Holder,
    message: bytes,
    birth: str,
    cv_anchor: RSAPublicKey,
) -> None:
    """Raises `Refused`. Whatever was sent must be right; what the method needs must be among it."""
    proved = set()
    for each in evidence:
        match each:
            case SignatureEvidence():
                _signature(holder.key, each.signature, message)
                proved.add(Method.PIN)
            case CardEvidenceMessage(kind="card_presence"):
                _card(each, message, birth, cv_anchor)
                proved.add(Method.FACE)
            case CardEvidenceMessage():
                pass  # without an anchor it proves nothing: anybody can make such a card
            case StaffEvidence():
                proved.add(Method.STAFF)
    if method not in proved:
        raise Refused(403, "evidence_insufficient")


def _card(evidence: CardEvidenceMessage, message: bytes, birth: str, anchor: RSAPublicKey) -> None:
    try:
        certificate = _children(_one(evidence.cv_certificate, 0x7F21))
        body_raw, body = certificate[0x5F4E]
        _, anchor_signature = certificate[0x5F37]
        head = _children(evidence.head)
        if list(head) != [0xDF22, 0xDF23, 0xDF24]:
            raise ValueError
        issuer_key = _public_key(body[_KEY_IDS:])
        card_key = _public_key(head[0xDF24][1])
    except (ValueError, KeyError, IndexError):
        raise Refused(403, "evidence_malformed") from None
    _signature(anchor, anchor_signature, body_raw, "card_issuer_unknown")
    signed = hashlib.sha256(evidence.head).digest() + evidence.names_hash + evidence.photo_hash
    _signature(issuer_key, evidence.issuer_signature, signed, "card_signature_refused")
    _signature(card_key, evidence.presence_signature, message)
    if head[0xDF22][1] != birth.encode():
        raise Refused(403, "birth_date_differs")


def _signature(key: RSAPublicKey, signature: bytes, message: bytes, code: str = "signature_refused") -> None:
    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise Refused(403, code) from None


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _public_key(data: bytes) -> RSAPublicKey:
    """`90 exponent ‖ 91 modulus`. Raises ValueError, KeyError."""
    parts = _children(data)
    modulus = int.from_bytes(parts[0x91][1])
    if not 2048 <= modulus.bit_length() <= 4096:
        raise ValueError("key size")
    return RSAPublicNumbers(int.from_bytes(parts[0x90][1]), modulus).public_key()


def _children(data: bytes) -> dict[int, tuple[bytes, bytes]]:
    """Elements that fill `data`: tag -> (as stored, value). Raises ValueError, IndexError."""
    found: dict[int, tuple[bytes, bytes]] = {}
    while data:
        tag, raw, value = _first(data)
        if tag in found:
            raise ValueError("twice")
        found[tag] = raw, value
        data = data[len(raw) :]
    return found


def _one(data: bytes, tag: int) -> bytes:
    found, raw, value = _first(data)
    if found != tag or len(raw) != len(data):
        raise ValueError("not this element")
    return value


def _first(data: bytes) -> tuple[int, bytes, bytes]:
    """BER-TLV as the card stores it: one- or two-byte tags, definite lengths of at most two bytes."""
    tag, at = data[0], 1
    if tag & 0x1F == 0x1F:
        tag, at = tag << 8 | data[1], 2
    length = data[at]
    at += 1
    if length & 0x80:
        count = length & 0x7F
        if count not in (1, 2):
            raise ValueError("length")
        length = int.from_bytes(data[at : at + count])
        at += count
    if at + length > len(data):
        raise ValueError("short")
    return tag, data[: at + length], data[at : at + length]


def _months_after(moment: datetime, months: int) -> datetime:
    """The 29th to 31st become the last day of a shorter month."""
    index = moment.year * 12 + moment.month - 1 + months
    first = datetime(index // 12, index % 12 + 1, 1, moment.hour, moment.minute, moment.second, tzinfo=UTC)
    following = (first + timedelta(days=32)).replace(day=1)
    return min(first + timedelta(days=moment.day - 1), following - timedelta(days=1))
