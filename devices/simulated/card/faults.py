"""What goes wrong with a simulated card, at which command: rules, and a small language for them.

A script has one rule a line; lines may also be divided by `;`, and `#` begins a comment:

    at 12: pull                 the command with index 12 (from 0, since the card was put down)
    ins 20: answer 6983         the first VERIFY; `ins B0 3`: the third READ BINARY
    every B0: 61xx              every READ BINARY; `every`: every command
    at 3..9: delay 0.5          each of these

    pull [after]                the card leaves before it works, or after it, with its answer lost
    hang [after]                no answer until the card is taken away
    delay S                     S seconds later
    answer HEX                  these bytes instead; the command is not carried out. `answer` alone: no byte at all
    sw HHHH                     carried out, but another status word and no data
    cut N                       carried out; only the first N bytes of the data, and the status word
    garbage N                   N bytes of nonsense (always the same), not carried out
    61xx, 6Cxx                  the data in two steps; the length told first and the command wanted again
    reset                       the card has forgotten selection and PINs before the command: as if another program had
                                reset it

Several actions are divided by `,`: `ins 2A: delay 2, pull after`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

HANG_SECONDS = 3600.0  # ended by `VirtualCard.release`


class CardPulled(Exception):
    """The card left the reader while it worked."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of (or before) the true answer. Nothing set: nothing changes.

    `delay`: seconds until the answer (ended early by `VirtualCard.release`). `pull`: the card is taken away before it
    answers. `answer`: these bytes are sent and the command is not carried out. `late`: delay and pull come after the
    command was carried out, so that its effect stays and its answer is lost. `status`: carried out, but answered by
    this status word alone. `cut`: carried out, with so many bytes of data at most. `two_steps`: the data comes as 61xx.
    `exact`: 6Cxx with the right length, not carried out. `reset`: selection and PINs are forgotten first.
    """

    answer: bytes | None = None
    pull: bool = False
    delay: float = 0.0
    late: bool = False
    status: int | None = None
    cut: int | None = None
    two_steps: bool = False
    exact: bool = False
    reset: bool = False

    def to_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "answer": None if self.answer is None else self.answer.hex()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Fields that are not there keep their default."""
        known = {field.name: value[field.name] for field in dataclasses.fields(cls) if field.name in value}
        if known.get("answer") is not None:
            known["answer"] = bytes.fromhex(known["answer"])
        return cls(**known)


FaultHook = Callable[[int, bytes], Fault | None]


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Apply `fault` to the APDU with this index (from 0, counted since the hook was set) and/or instruction byte.

    `at` None: every one; `ins` None: any. `times`: how often at most the rule applies, None for always. `skip`: how
    many that would fit are let through before.
    """

    fault: Fault
    at: int | None = None
    ins: int | None = None
    times: int | None = 1
    skip: int = 0


class FaultPlan:
    """A `FaultHook` made of rules; can be sent to another process as JSON. The first rule that applies wins."""

    def __init__(self, rules: Iterable[FaultRule]) -> None:
        self.rules = tuple(rules)
        self._met = [0] * len(self.rules)  # how many commands fitted each rule

    def __call__(self, index: int, apdu: bytes) -> Fault | None:
        for number, rule in enumerate(self.rules):
            if rule.at is not None and rule.at != index:
                continue
            if rule.ins is not None and apdu[1:2] != bytes([rule.ins]):
                continue
            if rule.times is not None and self._met[number] >= rule.skip + rule.times:
                continue
            self._met[number] += 1
            if self._met[number] > rule.skip:
                return rule.fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {"at": rule.at, "ins": rule.ins, "times": rule.times, "skip": rule.skip, **rule.fault.to_json()}
            for rule in self.rules
        ]

    @classmethod
    def from_json(cls, value: list[dict[str, Any]]) -> FaultPlan:
        return cls(
            FaultRule(
                Fault.from_json(entry), entry.get("at"), entry.get("ins"), entry.get("times", 1), entry.get("skip", 0)
            )
            for entry in value
        )

    @classmethod
    def parse(cls, script: str) -> FaultPlan:
        """Raises `ScriptError`."""
        rules: list[FaultRule] = []
        for number, line in enumerate(script.splitlines(), 1):
            for part in line.partition("#")[0].split(";"):
                if part.strip():
                    rules += _rules(number, part.strip())
        return cls(rules)


# --- the language --------------------------------------------------------------------------------------------------


class ScriptError(ValueError):
    """Says which line, what stands there, what is allowed."""

    def __init__(self, line: int, found: str, allowed: str) -> None:
        super().__init__(f"line {line}: {found!r}: allowed: {allowed}")


_WHEN = "at N, at N..M, ins HH, ins HH N (from 1), every, every HH"
_WHAT = "pull, pull after, hang, hang after, delay S, answer HEX, sw HHHH, cut N, garbage N, 61xx, 6Cxx, reset"
_MOST_COMMANDS = 4096
_MOST_BYTES = 65533  # of an answer: vpcd frames have 16 bits


def _rules(line: int, text: str) -> list[FaultRule]:
    when, colon, what = text.partition(":")
    if not colon or not what.strip():
        raise ScriptError(line, text, "WHEN: WHAT")
    fault = _fault(line, what)
    words = when.split()
    match words:
        case ["at", index] if found := re.fullmatch(r"([0-9]{1,4})(?:\.\.([0-9]{1,4}))?", index):
            first, last = int(found[1]), int(found[2] or found[1])
            if first <= last <= _MOST_COMMANDS:
                return [FaultRule(fault, at=number) for number in range(first, last + 1)]
        case ["ins", code] if (ins := _byte(code)) is not None:
            return [FaultRule(fault, ins=ins)]
        case ["ins", code, count] if (ins := _byte(code)) is not None and re.fullmatch(r"[1-9][0-9]{0,3}", count):
            return [FaultRule(fault, ins=ins, skip=int(count) - 1)]
        case ["every"]:
            return [FaultRule(fault, times=None)]
        case ["every", code] if (ins := _byte(code)) is not None:
            return [FaultRule(fault, ins=ins, times=None)]
    raise ScriptError(line, when.strip(), _WHEN)


def _byte(text: str) -> int | None:
    return int(text, 16) if re.fullmatch(r"[0-9A-Fa-f]{2}", text) else None


def _fault(line: int, text: str) -> Fault:
    made: dict[str, Any] = {}
    for action in text.split(","):
        made |= _action(line, action)
    return Fault(**made)


def _action(line: int, text: str) -> dict[str, Any]:
    match text.split():
        case ["pull"]:
            return {"pull": True}
        case ["pull", "after"]:
            return {"pull": True, "late": True}
        case ["hang"]:
            return {"delay": HANG_SECONDS}
        case ["hang", "after"]:
            return {"delay": HANG_SECONDS, "late": True}
        case ["delay", seconds] if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", seconds):
            return {"delay": float(seconds)}
        case ["answer", *digits] if re.fullmatch(r"([0-9A-Fa-f]{2})*", "".join(digits)):
            return {"answer": bytes.fromhex("".join(digits))}
        case ["sw", word] if re.fullmatch(r"[0-9A-Fa-f]{4}", word):
            return {"status": int(word, 16)}
        case ["cut", count] if re.fullmatch(r"[0-9]{1,5}", count):
            return {"cut": int(count)}
        case ["garbage", count] if re.fullmatch(r"[0-9]{1,5}", count) and int(count) <= _MOST_BYTES:
            return {"answer": nonsense(int(count))}
        case ["61xx"]:
            return {"two_steps": True}
        case ["6Cxx"]:
            return {"exact": True}
        case ["reset"]:
            return {"reset": True}
    raise ScriptError(line, text.strip(), _WHAT)


def nonsense(size: int) -> bytes:
    """Bytes without a meaning, the same every time."""
    blocks = (hashlib.sha256(index.to_bytes(4)).digest() for index in range(-(-size // 32)))
    return b"".join(blocks)[:size]
