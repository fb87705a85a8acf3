"""How long a command and its answer take on the link between reader and card: arithmetic, no clock.

nfc106: ISO/IEC 14443 type B at 106 kbit/s. A character has start bit, eight data bits and stop bit, no extra guard
time (EGT, allowed up to 6 etu); a frame has SOF (12 etu) and EOF (10 etu); the card waits TR0 + TR1 (64/fs + 80/fs)
before it answers, the reader TR2 (14 etu) before it speaks (ISO/IEC 14443-3 §7.1, the shortest values). Blocks after
ISO/IEC 14443-4 §7: PCB and two CRC bytes around at most 253 bytes (frame size 256, as the card's ATR says), every
chained block acknowledged by an R-block, neither CID nor NAD.

usb: a contact reader on USB, protocol T=1 (ISO/IEC 7816-3 §11): eleven etu a character (N = 255), NAD, PCB, LEN and LRC
around at most IFSC bytes, 22 etu of block guard time. The etu is F/D clock cycles of TA1 in the ATR, without TA1
372/1, at an assumed clock of 4 MHz.

In neither: the transfers of the reader itself over USB, waiting time extensions, repeated frames; so a real link is
slower, never faster. What the card needs to think is apart: `work_seconds`, an assumption.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

_NFC_ETU = 128 / 13.56e6
_NFC_CHARACTER = 10
_NFC_FRAME = 12 + 10  # SOF, EOF
_NFC_TURNS = (8 + 10) + 14  # TR0 + TR1, TR2
_NFC_INFORMATION, _NFC_OVERHEAD = 253, 3

_CLOCK = 4e6
_CONTACT_CHARACTER = 11
_CONTACT_TURNS = 2 * 22
_CONTACT_OVERHEAD = 4
_DEFAULT_IFSC = 32

# ISO/IEC 7816-3 §8.3, tables 7 and 8, by the halves of TA1; what is reserved there counts as the default.
_F = {0: 372, 1: 372, 2: 558, 3: 744, 4: 1116, 5: 1488, 6: 1860, 9: 512, 10: 768, 11: 1024, 12: 1536, 13: 2048}
_D = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 12, 9: 20}

# Assumption, not measured: a private operation with RSA-2048 on a chip with a coprocessor; the rest as good as nothing.
_PRIVATE_OPERATION_SECONDS = 0.25


class Pace(StrEnum):
    NONE = "none"
    USB = "usb"
    NFC106 = "nfc106"


def link_seconds(pace: Pace, command: int, response: int, atr: bytes = b"") -> float:
    """Time on the link for one exchange of so many bytes (status word included). `atr`: of a contact card."""
    match pace:
        case Pace.NONE:
            return 0.0
        case Pace.NFC106:
            pairs = _pairs(command, response, _NFC_INFORMATION)
            characters = command + response + 2 * pairs * _NFC_OVERHEAD
            return _NFC_ETU * (_NFC_CHARACTER * characters + pairs * (2 * _NFC_FRAME + _NFC_TURNS))
        case Pace.USB:
            etu, ifsc = contact_parameters(atr)
            pairs = _pairs(command, response, ifsc)
            characters = command + response + 2 * pairs * _CONTACT_OVERHEAD
            return etu * (_CONTACT_CHARACTER * characters + pairs * _CONTACT_TURNS)


def _pairs(command: int, response: int, information: int) -> int:
    """Pairs of a block of the reader and one of the card. All blocks alternate: each but the last of a chain is
    answered by an acknowledgement, and the last of the command by the first of the response."""
    return max(1, -(-command // information)) + max(1, -(-response // information)) - 1


def contact_parameters(atr: bytes) -> tuple[float, int]:
    """Seconds of an elementary time unit, and IFSC (ISO/IEC 7816-3 §8.2); the defaults where the ATR is silent."""
    cycles, ifsc, group, position = 372.0, _DEFAULT_IFSC, 1, 2
    present = atr[1] >> 4 if len(atr) > 1 else 0
    while present and position < len(atr):
        if present & 1:
            value = atr[position]
            position += 1
            if group == 1:
                cycles = _F.get(value >> 4, 372) / _D.get(value & 15, 1)
            elif group == 3:
                ifsc = value
        position += (present >> 1 & 1) + (present >> 2 & 1)
        present = atr[position] >> 4 if present & 8 and position < len(atr) else 0
        position += 1
        group += 1
    return cycles / _CLOCK, ifsc


def work_seconds(pace: Pace, command: bytes) -> float:
    """What the card is assumed to think before it answers: none without a pace."""
    return _PRIVATE_OPERATION_SECONDS if pace is not Pace.NONE and command[1:2] in (b"\x2a", b"\x88") else 0.0


@dataclass(slots=True)
class Traffic:
    """What passed between a reader and one card since it was put down. Bytes are those of APDUs, status words
    included; `link_seconds` by the pace of the card, the other two by that pace whatever the card's is."""

    apdus: int = 0
    command_bytes: int = 0
    response_bytes: int = 0
    link_seconds: float = 0.0
    work_seconds: float = 0.0
    nfc106_seconds: float = 0.0
    usb_seconds: float = 0.0

    def count(self, pace: Pace, command: bytes, response: bytes, atr: bytes) -> float:
        """Add one exchange; returns the seconds that link and card take for it."""
        sizes = len(command), len(response)
        link, work = link_seconds(pace, *sizes, atr), work_seconds(pace, command)
        self.apdus += 1
        self.command_bytes += sizes[0]
        self.response_bytes += sizes[1]
        self.link_seconds += link
        self.work_seconds += work
        self.nfc106_seconds += link_seconds(Pace.NFC106, *sizes)
        self.usb_seconds += link_seconds(Pace.USB, *sizes, atr)
        return link + work

    def to_json(self) -> dict[str, float]:
        return asdict(self)
