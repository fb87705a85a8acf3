"""What can happen to one command, and which typed faults may come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from devices.errors import DeviceFault as F


class Kind(StrEnum):
    REMOVAL = "removal"
    RESET = "reset"
    HANG = "hang"
    GARBAGE = "garbage"


@dataclass(frozen=True)
class Trouble:
    """`done`: the card carried the command out before, so that what it did stays. `garble`: of a garbage answer."""

    name: str
    kind: Kind
    faults: frozenset[F]  # to one of which a job may end, when it does not succeed
    done: bool = True
    garble: Callable[[int, bytes], bytes] = lambda index, answer: answer

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


# A card that makes no sense may be taken for another one, but never for one that refuses a PIN.
_NONSENSE = frozenset({F.CARD_PROTOCOL, F.UNSUPPORTED_CARD, F.CERTIFICATE_UNREADABLE, F.FOREIGN_ISSUER, F.CARD_MUTE})


def _cut(index: int, answer: bytes) -> bytes:
    """Half of the data, or sixteen bytes where there should be none."""
    data = answer[:-2]
    return (data[: len(data) // 2] if data else bytes(16)) + answer[-2:]


TROUBLES = [
    Trouble("removal", Kind.REMOVAL, frozenset({F.CARD_REMOVED}), done=False),
    Trouble("removal, command carried out", Kind.REMOVAL, frozenset({F.CARD_REMOVED})),
    Trouble("reset", Kind.RESET, frozenset({F.CARD_RESET}), done=False),
    Trouble("hang", Kind.HANG, frozenset({F.READER_HUNG}), done=False),
    Trouble("hang, command carried out", Kind.HANG, frozenset({F.READER_HUNG})),
    Trouble("0 bytes", Kind.GARBAGE, frozenset({F.CARD_MUTE}), garble=lambda index, answer: b""),
    Trouble("1 byte", Kind.GARBAGE, frozenset({F.CARD_MUTE}), garble=lambda index, answer: answer[:1]),
    Trouble("6F00", Kind.GARBAGE, _NONSENSE, garble=lambda index, answer: b"\x6f\x00"),
    Trouble("6985", Kind.GARBAGE, _NONSENSE, garble=lambda index, answer: b"\x69\x85"),
    Trouble("wrong length", Kind.GARBAGE, _NONSENSE, garble=_cut),
    Trouble("300 bytes", Kind.GARBAGE, _NONSENSE, garble=lambda index, answer: bytes(300) + b"\x90\x00"),
    Trouble("random", Kind.GARBAGE, _NONSENSE, garble=lambda index, answer: Random(index).randbytes(32) + b"\x12\x34"),
    Trouble("61xx without end", Kind.GARBAGE, _NONSENSE, garble=lambda index, answer: answer[:5] + b"\x61\x05"),
]
