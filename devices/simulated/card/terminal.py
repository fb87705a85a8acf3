"""A terminal authentication of our own, for tests of a PIN-less path: it is **not** the protocol of the My Number Card.

The real one (特定機関認証) is not public. This one has an own application identifier (`F0`: proprietary, no registered
provider, ISO/IEC 7816-4 §8.2.1.2), own certificates under an own root of the test PKI, and is off unless a simulated
card is put down with `terminal_authentication`. No real card knows it; the kiosk's client does not either.

Keys are P-256, signatures ECDSA with SHA-256 as 64 bytes r ‖ s. The flow, all in the application `AID`:

1. PSO: VERIFY CERTIFICATE `00 2A 00 BE`: the terminal's certificate `7F21{7F4E{42 root, 5F20 holder, 86 point}, 5F37
   signature}`; `point` is uncompressed, the root signs the complete 7F4E. -> 9000, 6300 (other root, wrong
   signature) or 6A80.
2. GET CHALLENGE `00 84 00 00 08`.
3. EXTERNAL AUTHENTICATE `00 82 00 00`: the terminal's signature over `CONTEXT ‖ holder ‖ challenge`. -> 9000, 6300, or
   6985 without 1 and 2. A challenge serves once.
4. COMPUTE DIGITAL SIGNATURE `80 2A 00 00` with a DigestInfo: one signature by the authentication key (利用者証明用),
   RSASSA-PKCS1-v1_5 as after a PIN. Then 3 is spent. -> 6982 before.

Nothing else opens: neither files nor the signing key, and no counter moves.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from devices.simulated.card.apdu import NOT_ALLOWED, NOT_AUTHENTIC, NOT_SATISFIED, OK, WRONG_DATA

AID = b"\xf0TEST-TERMINAL"
CONTEXT = b"TEST terminal authentication 1"
ROOT_NAME = b"TEST TERMINAL ROOT"
CHALLENGE_BYTES = 8

_HALF = 32


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS#8 DER."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class TerminalSession:
    """The card's side, from the selection of the application to the next."""

    def __init__(self, root: bytes) -> None:
        """`root`: SubjectPublicKeyInfo."""
        self._root = root
        self._terminal: ec.EllipticCurvePublicKey | None = None
        self._holder = b""
        self._challenge = b""
        self._authentic = False

    def verify_certificate(self, data: bytes) -> int:
        """A status word, as the others."""
        self._terminal, self._authentic = None, False
        try:
            body, signature, holder, point = _open(data)
        except ValueError:
            return WRONG_DATA
        root = load_der_public_key(self._root)
        assert isinstance(root, ec.EllipticCurvePublicKey)
        if not _verify(root, signature, body):
            return NOT_AUTHENTIC
        self._terminal, self._holder = point, holder
        return OK

    def challenge(self) -> bytes:
        self._challenge = os.urandom(CHALLENGE_BYTES)
        return self._challenge

    def external_authenticate(self, data: bytes) -> int:
        challenge, self._challenge = self._challenge, b""
        self._authentic = False
        if self._terminal is None or not challenge:
            return NOT_SATISFIED
        if not _verify(self._terminal, data, CONTEXT + self._holder + challenge):
            return NOT_AUTHENTIC
        self._authentic = True
        return OK

    def spend(self) -> int:
        """OK once after each authentication."""
        authentic, self._authentic = self._authentic, False
        return OK if authentic else NOT_ALLOWED


def _verify(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    if len(signature) != 2 * _HALF:
        return False
    numbers = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
    try:
        key.verify(utils.encode_dss_signature(*numbers), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _open(data: bytes) -> tuple[bytes, bytes, bytes, ec.EllipticCurvePublicKey]:
    """Signed part, signature, holder, key. Raises ValueError."""
    outer, rest = _element(data, 0x7F21)
    body, after = _element(outer, 0x7F4E)
    signature, end = _element(after, 0x5F37)
    name, inside = _element(body, 0x42)
    holder, inside = _element(inside, 0x5F20)
    point, inside = _element(inside, 0x86)
    if rest or end or inside or name != ROOT_NAME or not 1 <= len(holder) <= 16:
        raise ValueError
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return outer[: len(outer) - len(after)], signature, holder, key


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Value of the first element, which must have this tag, and what comes after it. Raises ValueError."""
    wanted = tag.to_bytes(2 if tag > 0xFF else 1)
    position = len(wanted)
    if data[:position] != wanted or len(data) <= position:
        raise ValueError
    size = data[position]
    position += 1
    if size > 0x7F:
        count = size & 0x7F
        if count not in (1, 2) or len(data) < position + count:
            raise ValueError
        size = int.from_bytes(data[position : position + count])
        position += count
    if len(data) < position + size:
        raise ValueError
    return data[position : position + size], data[position + size :]
