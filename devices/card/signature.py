"""What is sent to the card to be signed, and how its answer is checked: one object for each kind of key.

The kind comes from the certificate's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), never from the card's generation.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from devices.card.profile import Algorithm
from devices.errors import CardProtocol

# SEQUENCE { SEQUENCE { OID sha256, NULL }, OCTET STRING (32) } (RFC 8017 §9.2); the NULL must be there.
_DIGEST_INFO_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_P384_BYTES = 48


def digest_info(message: bytes | bytearray | memoryview) -> bytes:
    """51 bytes: SHA-256 of `message`, named as such."""
    return _DIGEST_INFO_SHA256 + hashlib.sha256(message).digest()


class SignatureKey(Protocol):
    """A public key, and the one way in which its card signs."""

    @property
    def algorithm(self) -> Algorithm: ...

    def request(self, message: bytes | memoryview) -> bytes:
        """Data of COMPUTE DIGITAL SIGNATURE."""

    def accept(self, answer: bytes, message: bytes | memoryview) -> bytes:
        """The signature over `message` as X.509 has it (RFC 8017, RFC 3279). Raises `CardProtocol`: it does not fit."""


@dataclass(frozen=True, slots=True, repr=False)
class RsaKey:
    """RSASSA-PKCS1-v1_5 with SHA-256: the card gets the DigestInfo and pads it."""

    key: RSAPublicKey
    algorithm: Algorithm = Algorithm.RSA_2048_SHA256

    def request(self, message: bytes | memoryview) -> bytes:
        return digest_info(message)

    def accept(self, answer: bytes, message: bytes | memoryview) -> bytes:
        if not self.fits(answer, message):
            raise CardProtocol("the signature does not fit the certificate")
        return answer

    def fits(self, signature: bytes, message: bytes | memoryview) -> bool:
        try:
            self.key.verify(signature, bytes(message), PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class EcdsaKey:
    """ECDSA on P-384 with SHA-384: the card gets the hash; it answers r ‖ s (BSI TR-03111 §5.2.1), or DER."""

    key: EllipticCurvePublicKey
    algorithm: Algorithm = Algorithm.ECDSA_P384_SHA384

    def request(self, message: bytes | memoryview) -> bytes:
        return hashlib.sha384(message).digest()

    def accept(self, answer: bytes, message: bytes | memoryview) -> bytes:
        signature = answer
        if len(answer) == 2 * _P384_BYTES:
            r, s = (int.from_bytes(half) for half in (answer[:_P384_BYTES], answer[_P384_BYTES:]))
            signature = encode_dss_signature(r, s)
        try:
            self.key.verify(signature, bytes(message), ECDSA(SHA384()))
        except InvalidSignature:
            raise CardProtocol("the signature does not fit the certificate") from None
        return signature


def signature_key(key: object, allowed: frozenset[Algorithm]) -> SignatureKey | None:
    """None for a key of a kind or size that the profile does not allow."""
    found: SignatureKey
    match key:
        case RSAPublicKey() if key.key_size == 2048:
            found = RsaKey(key)
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP384R1):
            found = EcdsaKey(key)
        case _:
            return None
    return found if found.algorithm in allowed else None
