"""What may be sent to a card at all. Everything that is not listed here is refused before it leaves the process.

The My Number is never read. File ids mean different things in different applications (0001 is a certificate, an age
record or the My Number itself), so the list is kept per application that the card confirmed as selected; when that
is unknown, only a SELECT of a known application passes. A file id appears here by way of the profile only.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.card.apdu import Command, Response
from devices.card.profile import CardProfile
from devices.errors import CardProtocol


class Forbidden(CardProtocol):
    """The command is not on the list: a defect of the program, stopped before the card saw it."""


@dataclass(frozen=True, slots=True)
class _Rules:
    readable: frozenset[int] = frozenset()
    pins: frozenset[int] = frozenset()
    keys: frozenset[int] = frozenset()
    signs_by_default_key: bool = False

    @property
    def selectable(self) -> frozenset[int]:
        return self.readable | self.pins | self.keys


class Guard:
    """Follows the card's current application and file. Call `check` before a command and `learn` after its answer."""

    def __init__(self, profile: CardProfile) -> None:
        self._rules = {
            profile.jpki: _Rules(
                readable=frozenset({profile.token_info, profile.certificate, profile.ca_certificate}),
                pins=frozenset({profile.pin}),
                keys=frozenset({profile.key}),
            ),
            profile.visual: _Rules(
                readable=frozenset({profile.face, profile.cv_certificate}),
                pins=frozenset({profile.number}),
                signs_by_default_key=True,
            ),
            profile.leave: _Rules(),
        }
        self._current: _Rules | None = None
        self._file: int | None = None

    def check(self, command: Command) -> None:
        """Raises `Forbidden`."""
        if not self._allowed(command):
            raise Forbidden(repr(command))

    def learn(self, command: Command, response: Response | None) -> None:
        """`response` None: the answer was lost, the card's state is unknown."""
        if response is None:
            self._current = self._file = None
            return
        ok = response.ok or response.sw >> 8 == 0x61
        header = (command.cla, command.ins, command.p1)
        if header == (0x00, 0xA4, 0x04):
            self._current = self._rules[bytes(command.data)] if ok else None
            self._file = None
        elif header == (0x00, 0xA4, 0x02):
            self._file = int.from_bytes(command.data, "big") if ok else None
        elif command.ins in (0xB0, 0x20) and (short := _short_file(command)) is not None:
            self._file = short if ok else None

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
            case (0x80, 0x2A, 0x00, 0x80):
                return self._file in rules.keys
            case (0x80, 0x2A, 0x00, 0x00):
                return rules.signs_by_default_key
            case (0x00, 0xC0, 0x00, 0x00):  # the rest of an answer to something that was allowed
                return not len(command.data)
        return False

    def _target(self, command: Command) -> int | None:
        short = _short_file(command)
        return self._file if short is None else short


def _short_file(command: Command) -> int | None:
    """The EF that a short file identifier names (on this card: the low five bits of the file id), else None.

    -1, which is no file, for the forms that ISO 7816-4 keeps for later use.
    """
    reference = command.p1 if command.ins == 0xB0 else command.p2
    if command.ins == 0xB0 and not reference & 0x80:
        return None
    if command.ins == 0x20 and reference == 0x80:
        return None
    return reference & 0x1F if reference & 0xE0 == 0x80 else -1
