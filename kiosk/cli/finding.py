"""What the doctor says: a name, a state, what is there, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """`found`: what is there. `do`: what puts it right, empty when nothing is to be done."""

    name: str
    state: State
    found: str
    do: str = ""


Findings = Iterator[Finding]


def judge(name: str, good: object, found: str, otherwise: str, do: str, bad: State = State.MISSING) -> Finding:
    """OK with `found`, or `bad` with `otherwise` and `do`."""
    return Finding(name, State.OK, found) if good else Finding(name, bad, otherwise, do)
