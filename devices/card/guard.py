"""What may be sent to a card at all. Everything that is not listed here is refused before it leaves the process.

The My Number is never read. File ids mean different things in different applications (0001 is a certificate, an age
record or the My Number itself), so the list is kept per application that the card confirmed as selected; when that
is unknown, only a SELECT of a known application passes. A file id appears here by way of the profile only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devices.card.apdu import Command, Response
from devices.card.profile import CardProfile, low_five_bits
from devices.errors import CardProtocol


class Forbidden(CardProtocol):
    """The command is not on the list: a defect of the program, stopped before the card saw it."""


@dataclass(frozen=True, slots=True)
class _Rules:
    readable: frozenset[int] = frozenset()
    pins: frozenset[int] = frozenset()
    keys: frozenset[int] = frozenset()
    signs_by_default_key: bool = False
    short: Callable[[int], int | None] = low_five_bits

    @property
    def selectable(self) -> frozenset[int]:
        return self.readable | self.pins | self.keys

    def named(self, short: int) -> int | None:
        """The file on the list that this short identifier names; None: another one, or no identifier at all."""
        return next((file for file in self.selectable if self.short(file) == short), None)


class Guard:
    """Follows the card's current application and file. Call `check` before a command and `learn` after its answer."""

    def __init__(self, profile: CardProfile) -> None:
        self._rules = {
            profile.jpki: _Rules(
                readable=frozenset({profile.token_info, profile.certificate, profile.ca_certificate}),
                pins=frozenset({profile.pin}),
                keys=frozenset({profile.key}),
                short=profile.short,
            ),
            profile.visual: _Rules(
                readable=frozenset({profile.face, profile.cv_certificate}),
                pins=frozenset({profile.number}),
                signs_by_default_key=True,
                short=profile.short,
            ),
            profile.leave: _Rules(),
        }
        self._current: _Rules | None = None
        self._file: int | None = None

    def check(self, command: Command) -> None:
        """Raises `Forbidden`."""
        if not self._allowed(command):
            raise Forbidden(repr(command))

    def forget(self) -> None:
        """Others may have spoken to the card: only a SELECT of a known application passes now."""
        self._current = self._file = None

    def learn(self, command: Command, response: Response | None) -> None:
        """`response` None: the answer was lost, the card's state is unknown."""
        if response is None:
            self.forget()
            return
        ok = response.ok or response.sw >> 8 in (0x61, 0x62)  # 62xx: done, with a warning
        header = (command.cla, command.ins, command.p1)
        if header == (0x00, 0xA4, 0x04):
            self._current = self._rules[bytes(command.data)] if ok else None
            self._file = None
        elif header == (0x00, 0xA4, 0x02):
            self._file = int.from_bytes(command.data, "big") if ok else None
        elif self._current is not None and (short := _short_identifier(command)) is not None:
            self._file = self._current.named(short) if ok else None

    def _allowed(self, command: Command) -> bool:
        match (command.cla, command.ins, command.p1, command.p2):
            case (0x00, 0xA4, 0x04, 0x0C):  # a full identifier only: cards accept the beginning of one
                return bytes(command.data) in self._rules and command.le is None
        rules = self._current
        if rules is None:
            return False
        match (command.cla, command.ins, command.p1, command.p2):
            case (0x00, 0xA4, 0x02, 0x0C):
                file = int.from_bytes(command.data, "big")
                return len(command.data) == 2 and file in rules.selectable
            case (0x00, 0xB0, _, _):
                return self._target(command) in rules.readable and not len(command.data)
            case (0x00, 0x20, 0x00, p2) if p2 & 0x80:
                return self._target(command) in rules.pins
            case (0x80, 0x2A, 0x00, p2) if p2 & 0x80:
                return self._target(command) in rules.keys
            case (0x80, 0x2A, 0x00, 0x00):
                return rules.signs_by_default_key
            case (0x00, 0xC0, 0x00, 0x00):  # the rest of an answer to something that was allowed
                return not len(command.data)
        return False

    def _target(self, command: Command) -> int | None:
        """The EF that the command is about; None when that is not known or not on the list."""
        short = _short_identifier(command)
        if short is None:
            return self._file
        return None if self._current is None else self._current.named(short)


def _short_identifier(command: Command) -> int | None:
    """What P1 (READ BINARY) or P2 (VERIFY, COMPUTE DIGITAL SIGNATURE) names, else None: the current EF.

    0, which names no file, for the forms that ISO 7816-4 keeps for later use.
    """
    match command.cla, command.ins:
        case 0x00, 0xB0:
            reference = command.p1
            if not reference & 0x80:
                return None
        case (0x00, 0x20) | (0x80, 0x2A):
            reference = command.p2
            if reference in (0x80, 0x00):
                return None
        case _:
            return None
    return reference & 0x1F if reference & 0xE0 == 0x80 else 0
