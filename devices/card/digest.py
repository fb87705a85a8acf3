"""DigestInfo (RFC 8017 §9.2): what the card pads and signs."""

from __future__ import annotations

import hashlib

# SEQUENCE { SEQUENCE { OID sha256, NULL }, OCTET STRING (32) }; the NULL must be there.
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def digest_info(message: bytes | bytearray | memoryview) -> bytes:
    """51 bytes: SHA-256 of `message`, named as such."""
    return _SHA256 + hashlib.sha256(message).digest()
