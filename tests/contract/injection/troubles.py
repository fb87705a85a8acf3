"""What can happen to one command, and which typed faults may come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from devices.errors import DeviceFault as F
from devices.simulated.card.faults import FaultPlan


class Kind(StrEnum):
    REMOVAL = "removal"
    RESET = "reset"
    HANG = "hang"
    GARBAGE = "garbage"


@dataclass(frozen=True)
class Trouble:
    """`script`: what the card at the virtual reader does (`devices.simulated.card.faults`). Over scripted PC/SC:
    `done`: the card carried the command out before, so that what it did stays; `garble`: the answer; `times`: so many
    in a row."""

    name: str
    kind: Kind
    script: str
    faults: frozenset[F]  # to one of which a job may end, when it does not succeed
    done: bool = True
    garble: Callable[[int, bytes], bytes] = lambda index, answer: answer
    times: int = 1

    def plan(self, at: int) -> FaultPlan:
        """For the command with index `at`."""
        return FaultPlan.parse(f"at {at}..{at + self.times - 1}: {self.script}")

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


# A card that makes no sense may be taken for another one, but never for one that refuses a PIN.
_NONSENSE = frozenset({F.CARD_PROTOCOL, F.UNSUPPORTED_CARD, F.CERTIFICATE_UNREADABLE, F.FOREIGN_ISSUER, F.CARD_MUTE})


def _cut(index: int, answer: bytes) -> bytes:
    """Half of the data, or sixteen bytes where there should be none."""
    data = answer[:-2]
    return (data[: len(data) // 2] if data else bytes(16)) + answer[-2:]


def _random(index: int, answer: bytes) -> bytes:
    return Random(index).randbytes(32) + b"\x12\x34"


REMOVED, RESET, HUNG, MUTE = ({fault} for fault in (F.CARD_REMOVED, F.CARD_RESET, F.READER_HUNG, F.CARD_MUTE))
TROUBLES = [
    Trouble("removal", Kind.REMOVAL, "pull", frozenset(REMOVED), done=False),
    Trouble("removal, command carried out", Kind.REMOVAL, "pull after", frozenset(REMOVED)),
    # A genuine service lets nobody reset a card that is held exclusively: there the card alone forgets everything.
    Trouble("reset", Kind.RESET, "reset", frozenset(RESET), done=False),
    Trouble("hang", Kind.HANG, "hang", frozenset(HUNG), done=False),
    Trouble("hang, command carried out", Kind.HANG, "hang after", frozenset(HUNG)),
    Trouble("0 bytes", Kind.GARBAGE, "answer", frozenset(MUTE), garble=lambda index, answer: b""),
    Trouble("1 byte", Kind.GARBAGE, "answer 90", frozenset(MUTE), garble=lambda index, answer: answer[:1]),
    Trouble("6F00", Kind.GARBAGE, "sw 6F00", _NONSENSE, garble=lambda index, answer: b"\x6f\x00"),
    Trouble("6985", Kind.GARBAGE, "sw 6985", _NONSENSE, garble=lambda index, answer: b"\x69\x85"),
    Trouble("wrong length", Kind.GARBAGE, "cut 3", _NONSENSE, garble=_cut),
    Trouble("300 bytes", Kind.GARBAGE, "garbage 300", _NONSENSE, garble=lambda index, answer: bytes(300) + b"\x90\x00"),
    Trouble("random", Kind.GARBAGE, "garbage 34", _NONSENSE, garble=_random),
    Trouble(
        "61xx without end", Kind.GARBAGE, "answer 6105", _NONSENSE,
        garble=lambda index, answer: answer[:5] + b"\x61\x05", times=70,
    ),
]  # fmt: skip
