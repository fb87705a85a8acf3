"""Private keys as the card uses them: COMPUTE DIGITAL SIGNATURE, by the forms of its P1.

RSA with Python integers is not constant-time. That does not matter here: the keys are test keys that lie in a file
beside this program.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_private_key

# What the holder hands over, and what the card makes of it (soltia48/myna-card src/ap/jpki.rs).
VERBATIM = 0x00  # PKCS#1 v1.5 padding of the data as it comes
BARE_HASH = 0x01  # of the data's SHA-256, without DigestInfo
HASH = 0x02  # the data is a SHA-256; the card adds the DigestInfo
MESSAGE = 0x03  # SHA-256 and DigestInfo by the card
PSS_HASH = 0x04
PSS_MESSAGE = 0x05

_DIGEST_INFO_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_SHA256_BYTES = 32


class WrongForm(ValueError):
    """The key has no such form (-> 6A86)."""


class WrongData(ValueError):
    """The data does not fit form and key (-> 6700)."""


class PrivateKey(Protocol):
    @property
    def size(self) -> int:
        """Bytes of a signature at most."""

    def sign(self, form: int, data: bytes) -> bytes:
        """Raises `WrongForm`, `WrongData`."""


def load_key(der: bytes) -> PrivateKey:
    """PKCS#8 DER: RSA, or the P-384 of the experimental card."""
    # The check of the primes takes longer than everything else here, and set-up made these keys itself.
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, rsa.RSAPrivateKey):
        return RsaKey(key)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return EcKey(key)
    raise ValueError("neither an RSA nor an EC key")


class RsaKey:
    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self._numbers = key.private_numbers()
        self.size = key.key_size // 8

    def sign(self, form: int, data: bytes) -> bytes:
        if form in (HASH, PSS_HASH) and len(data) != _SHA256_BYTES:
            raise WrongData
        digest = hashlib.sha256(data).digest() if form in (BARE_HASH, MESSAGE, PSS_MESSAGE) and data else data
        match form:
            case _ if not data:
                raise WrongData
            case 0x00 | 0x01:  # VERBATIM, BARE_HASH
                return self._raw(digest)
            case 0x02 | 0x03:  # HASH, MESSAGE
                return self._raw(_DIGEST_INFO_SHA256 + digest)
            case 0x04 | 0x05:  # PSS_HASH, PSS_MESSAGE
                salted = padding.PSS(padding.MGF1(hashes.SHA256()), _SHA256_BYTES)
                return self._key.sign(digest, salted, utils.Prehashed(hashes.SHA256()))
            case _:
                raise WrongForm

    def _raw(self, data: bytes) -> bytes:
        """EM = 00 01 FF… 00 ‖ data (RFC 8017 §9.2, without making the DigestInfo), then the CRT form of §5.1.2."""
        if not 1 <= len(data) <= self.size - 11:
            raise WrongData
        message = int.from_bytes(b"\x00\x01" + b"\xff" * (self.size - 3 - len(data)) + b"\x00" + data)
        n = self._numbers
        first, second = pow(message, n.dmp1, n.p), pow(message, n.dmq1, n.q)
        return (second + n.q * ((n.iqmp * (first - second)) % n.p)).to_bytes(self.size)


class EcKey:
    """Experimental (`devices.simulated.card.experimental`): form 00 only, the data is the SHA-384; the answer is an
    Ecdsa-Sig-Value in DER (RFC 3279 §2.2.3)."""

    size = 104  # two integers of 49 bytes with their heads, and the head of the sequence

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def sign(self, form: int, data: bytes) -> bytes:
        if form != VERBATIM:
            raise WrongForm
        if len(data) != hashes.SHA384.digest_size:
            raise WrongData
        return self._key.sign(data, ec.ECDSA(utils.Prehashed(hashes.SHA384())))
