"""Command APDUs and status words as the virtual card understands them (ISO/IEC 7816-3 §12.1, 7816-4 §5)."""

from __future__ import annotations

from dataclasses import dataclass

OK = 0x9000
MORE = 0x6100
END_OF_FILE = 0x6282
NOT_AUTHENTIC = 0x6300
TRIES = 0x63C0
NO_SESSION_KEY = 0x66F1  # vendor's own: the application has nothing to take a session key for
WRONG_LENGTH = 0x6700
CHAIN_EXPECTED = 0x6883
NO_CHAINING = 0x6884
WRONG_FILE_KIND = 0x6981
NOT_ALLOWED = 0x6982
NOT_SATISFIED = 0x6985
NO_CURRENT_FILE = 0x6986
WRONG_DATA = 0x6A80
NO_FUNCTION = 0x6A81
NOT_FOUND = 0x6A82
NO_RECORD = 0x6A83
WRONG_P1P2 = 0x6A86
NO_REFERENCE = 0x6A88
BEYOND_END = 0x6B00
WRONG_LE = 0x6C00
UNKNOWN_INS = 0x6D00
UNKNOWN_CLA = 0x6E00
NO_DIAGNOSIS = 0x6F00

Answer = tuple[bytes, int]


def status(word: int) -> Answer:
    """An answer without data."""
    return b"", word


@dataclass(frozen=True, slots=True)
class Command:
    """A command APDU. `le` is the number of bytes wanted at most, None when absent."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    le: int | None
    le_all: bool = False  # Le was 00 or 0000
    extended: bool = False


def parse(apdu: bytes) -> Command | None:
    """The command, or None when the lengths do not fit together (-> 6700)."""
    if len(apdu) < 4:
        return None
    cla, ins, p1, p2 = apdu[:4]
    body = apdu[4:]
    if not body:
        return Command(cla, ins, p1, p2, b"", None)
    if len(body) == 1:
        return Command(cla, ins, p1, p2, b"", body[0] or 256, body[0] == 0)
    if body[0]:
        size, rest = body[0], body[1:]
        if len(rest) == size:
            return Command(cla, ins, p1, p2, rest, None)
        if len(rest) == size + 1:
            return Command(cla, ins, p1, p2, rest[:size], rest[size] or 256, rest[size] == 0)
        return None
    if len(body) == 3:
        le = int.from_bytes(body[1:])
        return Command(cla, ins, p1, p2, b"", le or 65536, le == 0, True)
    size, rest = int.from_bytes(body[1:3]), body[3:]
    if size == 0 or len(body) < 3:
        return None
    if len(rest) == size:
        return Command(cla, ins, p1, p2, rest, None, False, True)
    if len(rest) == size + 2:
        le = int.from_bytes(rest[size:])
        return Command(cla, ins, p1, p2, rest[:size], le or 65536, le == 0, True)
    return None
