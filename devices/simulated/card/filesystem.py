"""What an application of the card consists of: elementary files, PIN files, keys, and who may use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from devices.simulated.card.keys import PrivateKey

FREE: frozenset[int] | None = None


@dataclass(slots=True)
class DataFile:
    """A transparent file; `readers`: any one of these PIN files has to be verified (None: free)."""

    content: bytes
    readers: frozenset[int] | None = FREE


@dataclass(slots=True)
class RecordFile:
    """Of one record; those that are known need no PIN."""

    record: bytes


@dataclass(slots=True)
class ClosedFile:
    """Exists and can be selected; what it holds and what would open it is not known publicly. `transparent`: READ
    BINARY hears 6982, of an internal file 6981."""

    transparent: bool = False


class Secret(StrEnum):
    """What CHANGE REFERENCE DATA accepts."""

    DIGITS = "digits"  # four
    LETTERS = "letters"  # 6 to 16 of A-Z, 0-9
    FIXED = "fixed"  # printed on the card: cannot be changed


@dataclass(slots=True)
class PinFile:
    secret: bytes
    limit: int
    left: int
    kind: Secret = Secret.FIXED
    verifications: int = 0  # VERIFY commands with data that arrived

    def allows(self, secret: bytes) -> bool:
        text = secret.decode("ascii", "replace")
        if self.kind is Secret.DIGITS:
            return len(text) == 4 and text.isascii() and text.isdecimal()
        return 6 <= len(text) <= 16 and all(letter in _LETTERS for letter in text)


_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


@dataclass(slots=True)
class KeyFile:
    """`pin`: what opens it, None for nothing. `answers`: INTERNAL AUTHENTICATE, not COMPUTE DIGITAL SIGNATURE."""

    key: PrivateKey
    pin: int | None
    answers: bool = False


File = DataFile | RecordFile | ClosedFile | PinFile | KeyFile


@dataclass(slots=True)
class Application:
    """`default_key`: of P2 = 00 of COMPUTE DIGITAL SIGNATURE, without a PIN. `change`: the command that changes a PIN.
    `session`: what SET SESSION KEY hears; None: it depends (text)."""

    name: str
    files: dict[int, File] = field(default_factory=dict)
    default_key: PrivateKey | None = None
    change: tuple[int, int, int] | None = None  # CLA, INS, P1
    session: int | None = 0x6982
    objects: dict[int, bytes] = field(default_factory=dict)  # GET DATA, by tag
