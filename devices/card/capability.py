"""What a card says that it can do, in the historical bytes of its ATR (ISO/IEC 7816-3 §8.2, 7816-4 §12.1.1).

Only the length of commands is taken from there. What a card *is*, its applications tell.
"""

from __future__ import annotations

from enum import Enum, auto

_COMPACT = (0x00, 0x80)  # category indicators with COMPACT-TLV behind them
_CAPABILITIES = 0x7  # COMPACT-TLV tag: card capabilities
_EXTENDED = 0x40  # in the third capability byte: extended Lc and Le fields


class Reach(Enum):
    """How long a command and its answer may be, between this card and this reader.

    A card that announces extended length tells nothing of the reader between, so that the first long read is the
    proof: PROVEN or REFUTED. ON_TRIAL: such a read is under way; it stays so when the link breaks over it.
    """

    SHORT = auto()
    UNPROVEN = auto()
    ON_TRIAL = auto()
    PROVEN = auto()
    REFUTED = auto()


def announced(atr: bytes) -> Reach:
    """UNPROVEN when the ATR announces extended length, else SHORT. Any bytes may be given."""
    capabilities = _capabilities(historical_bytes(atr))
    return Reach.UNPROVEN if len(capabilities) == 3 and capabilities[2] & _EXTENDED else Reach.SHORT


def historical_bytes(atr: bytes) -> bytes:
    """Empty when there are none, or when the ATR ends before them."""
    if len(atr) < 2:
        return b""
    count, follows, at = atr[1] & 0x0F, atr[1] >> 4, 2
    while follows:
        at += (follows & 0b0111).bit_count()
        if not follows & 0b1000:
            break
        if at >= len(atr):
            return b""
        follows = atr[at] >> 4
        at += 1
    found = atr[at : at + count]
    return found if len(found) == count else b""


def _capabilities(historical: bytes) -> bytes:
    """The value of the card-capabilities object, or nothing."""
    if not historical or historical[0] not in _COMPACT:
        return b""
    # Category 00: the last three bytes are a status indicator.
    end = len(historical) - (3 if historical[0] == 0x00 else 0)
    at = 1
    while at < end:
        tag, size = historical[at] >> 4, historical[at] & 0x0F
        if tag == _CAPABILITIES:
            return historical[at + 1 : min(end, at + 1 + size)]
        at += 1 + size
    return b""
