"""Command and response APDUs (ISO 7816-3 §12.1) that never show what they carry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from devices.errors import CardProtocol

_SELECT = 0xA4


class StatusWord(IntEnum):
    """SW1-SW2 (ISO 7816-4 §5.1.3) as far as a My Number Card uses them."""

    OK = 0x9000
    END_OF_FILE = 0x6282
    UNCOUNTED = 0x6300
    WRONG_LENGTH = 0x6700
    WRONG_FILE_TYPE = 0x6981
    SECURITY_STATUS = 0x6982
    BLOCKED = 0x6983
    DATA_INVALIDATED = 0x6984  # a blocked PIN on the real card
    CONDITIONS = 0x6985
    NO_CURRENT_FILE = 0x6986
    WRONG_DATA = 0x6A80
    FUNCTION_UNSUPPORTED = 0x6A81
    NOT_FOUND = 0x6A82
    WRONG_P1P2 = 0x6A86
    REFERENCE_NOT_FOUND = 0x6A88
    WRONG_OFFSET = 0x6B00
    INS_UNSUPPORTED = 0x6D00
    CLA_UNSUPPORTED = 0x6E00
    UNKNOWN = 0x6F00


@dataclass(frozen=True, slots=True, repr=False)
class Command:
    """`data` up to 255 bytes; `le` None (no answer data expected) or 1..256, without data up to 65536.

    A `le` above 256 makes it an extended command (ISO 7816-3 §12.1.3, case 2E).

    Secret data is handed over as a `memoryview` of its `SecretBytes`, so that no `bytes` copy of it arises here.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes | memoryview = b""
    le: int | None = None

    def __post_init__(self) -> None:
        longest = 256 if len(self.data) else 65536
        if len(self.data) > 255 or not (self.le is None or 1 <= self.le <= longest):
            raise ValueError("not an APDU of these lengths")

    @property
    def extended(self) -> bool:
        return self.le is not None and self.le > 256

    def encode(self) -> bytearray:
        """The bytes on the wire. The caller overwrites them after use when they carry a secret."""
        encoded = bytearray((self.cla, self.ins, self.p1, self.p2))
        if len(self.data):
            encoded.append(len(self.data))
            encoded += self.data
        if self.extended and self.le is not None:
            encoded += b"\0" + (self.le & 0xFFFF).to_bytes(2)
        elif self.le is not None:
            encoded.append(self.le & 0xFF)
        return encoded

    def __repr__(self) -> str:
        header = f"{self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}"
        # Only what SELECT names is harmless; a PIN, a digest or anything new is not shown.
        data = bytes(self.data).hex() if self.ins == _SELECT else f"{len(self.data)} bytes"
        return f"Command({header}, {data}, le={self.le})"


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    data: bytes
    sw: int

    @property
    def ok(self) -> bool:
        return self.sw == StatusWord.OK

    @property
    def tries_left(self) -> int | None:
        """From `63Cx`; 0 for a blocked PIN; None when the card does not count."""
        if self.sw & 0xFFF0 == 0x63C0:
            return self.sw & 0xF
        if self.sw in (StatusWord.BLOCKED, StatusWord.DATA_INVALIDATED):
            return 0
        return None

    def __repr__(self) -> str:
        return f"Response({len(self.data)} bytes, {self.sw:04X})"


def select_application(aid: bytes) -> Command:
    """By DF name, first occurrence, no FCI (ISO 7816-4 §11.1.1)."""
    return Command(0x00, _SELECT, 0x04, 0x0C, aid)


def select_file(file: int) -> Command:
    """An EF under the current DF."""
    return Command(0x00, _SELECT, 0x02, 0x0C, file.to_bytes(2, "big"))


def read_binary(offset: int, length: int, short: int | None = None) -> Command:
    """From the current EF at `offset` of 15 bits, or from the EF that `short` names, which becomes the current one and
    where `offset` has 8 bits (ISO 7816-4 §11.2.3)."""
    if not 0 <= offset <= (0x7FFF if short is None else 0xFF):
        raise ValueError("offset has 15 bits, with a short file identifier 8")
    p1 = offset >> 8 if short is None else _reference(short)
    return Command(0x00, 0xB0, p1, offset & 0xFF, le=length)


def tries_query(short: int | None = None) -> Command:
    """VERIFY without data (JICSAP 1.1 §6.4.9), of the current EF or of `short`: tells the counter, changes nothing."""
    return Command(0x00, 0x20, 0x00, _reference(short))


def verify(secret: memoryview, digits: int, short: int | None = None) -> Command:
    """Costs a try when wrong. `secret`: `digits` ASCII digits, else `CardProtocol`. `short` as in `tries_query`."""
    if len(secret) != digits or any(not 0x30 <= byte <= 0x39 for byte in secret):
        # It could not be right; sending it would only cost a try.
        raise CardProtocol("not digits of the length expected")
    return Command(0x00, 0x20, 0x00, _reference(short), secret)


def compute_signature(data: bytes, short: int | None = None) -> Command:
    """COMPUTE DIGITAL SIGNATURE of the JPKI application: by the key in the current EF or in `short`."""
    return Command(0x80, 0x2A, 0x00, _reference(short), data, 256)


def internal_authenticate(digest_info: bytes) -> Command:
    """The card-face application's own form: signs with the card key of DF24, no PIN needed."""
    return Command(0x80, 0x2A, 0x00, 0x00, digest_info, 256)


def _reference(short: int | None) -> int:
    """80: the current EF; 80|sfi: the EF of this short identifier."""
    if short is None:
        return 0x80
    if not 1 <= short <= 30:
        raise ValueError("short file identifiers are 1 to 30")
    return 0x80 | short


def get_response(length: int) -> Command:
    return Command(0x00, 0xC0, 0x00, 0x00, le=length)
