"""The virtual My Number Card: a pure `process(apdu) -> answer`, strict to the publicly known behaviour.

It shares no code with `devices.card`, so that each can find the other's mistakes. This module is the card as a reader
has it: power, time, faults. The commands are in `chip`, applications and files in `applications`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from devices.simulated.card.apdu import WRONG_LE, parse
from devices.simulated.card.chip import Chip
from devices.simulated.card.faults import CardPulled, Fault, FaultHook
from devices.simulated.card.files import WITHOUT_APPLICATIONS, CardKind, PersonCard
from devices.simulated.card.options import ATRS, CardOptions, Keep
from devices.simulated.card.pace import Traffic

_NO_FAULT = Fault()


class CardUnpowered(Exception):
    """A command before `power_on`: a mistake of the caller."""


class VirtualCard:
    """One card. Counters live as long as the object; `power_off` forgets only what a loss of power forgets."""

    def __init__(
        self,
        card: PersonCard,
        options: CardOptions | None = None,
        *,
        counters: Mapping[str, int] | None = None,
        changed: Callable[[dict[str, int]], None] | None = None,
        faults: FaultHook | None = None,
        **changes: Any,
    ) -> None:
        """`counters`: tries left by "application/EF", over those of `card`; `changed` gets them whenever one moved,
        before the answer leaves the card. `changes`: fields of `options`. Raises ValueError for others."""
        self._options = (options or CardOptions()).changed(**changes)
        self.id = card.id
        self.traffic = Traffic()
        self.last_seconds = 0.0  # link and thinking of the last exchange
        self._kind = card.kind
        own = card.kind in WITHOUT_APPLICATIONS or card.kind is CardKind.PHONE or card.experimental
        self.atr = card.atr if own else ATRS[self._options.interface]
        self._chip = Chip(card, self._options, self.atr, {**card.tries, **(counters or {})}, changed)
        self._released = threading.Event()
        self._faults = faults
        self._index = 0
        self._powered = False

    # --- what a reader does ---

    def power_on(self) -> bytes:
        """Cold start; the ATR (empty from a mute card)."""
        self._chip.power_on()
        self._powered = True
        return self.atr

    def power_off(self) -> None:
        self._chip.forget()
        self._powered = False

    def reset(self) -> bytes:
        """Warm reset. The security status survives, as it is reported of real cards, and the selection with it."""
        if self._options.warm_reset is Keep.CLEAR:
            self._chip.forget()
        self._powered = True
        return self.atr

    def process(self, apdu: bytes) -> bytes:
        """Answer a command APDU with data and status word. Raises `CardPulled` when a fault says so.

        Only a card of kind MUTE (and a fault) answers fewer than two bytes.
        """
        if not self._powered:
            raise CardUnpowered
        fault = self._faults(self._index, apdu) if self._faults else None
        self._index += 1
        response = self._respond(apdu, fault or _NO_FAULT)
        self.last_seconds = self.traffic.count(self._options.pace, apdu, response, self.atr)
        return response

    def wait(self) -> None:
        """As long as link and card take for the last exchange, by their pace; not after `release`."""
        if self.last_seconds:
            self._released.wait(self.last_seconds)

    # --- what a test does ---

    def set_faults(self, faults: FaultHook | None) -> None:
        """Replace the fault hook and count APDUs from 0 again."""
        self._faults = faults
        self._index = 0
        self._released.clear()

    def release(self) -> None:
        """End every delay, now and until the next `set_faults`."""
        self._released.set()

    @property
    def counters(self) -> dict[str, int]:
        """Tries left, by "application/EF": "jpki/0018", "visual/0012" …"""
        return {name: pin.left for name, pin in self._chip.pins()}

    @property
    def verify_count(self) -> dict[str, int]:
        """How many VERIFY commands with data arrived, by "application/EF"."""
        return {name: pin.verifications for name, pin in self._chip.pins()}

    def __repr__(self) -> str:
        return f"VirtualCard({self.id!r})"

    # --- an answer, and what a fault makes of it ---

    def _respond(self, apdu: bytes, fault: Fault) -> bytes:
        if fault.reset:
            self._chip.forget()
        if not fault.late:
            self._strike(fault)
        if fault.answer is not None:
            return fault.answer
        if self._kind is CardKind.MUTE:
            return b""
        data, word = self._chip.answer(apdu)
        if fault.late:
            self._strike(fault)
        if fault.status is not None:
            return fault.status.to_bytes(2)
        if fault.cut is not None:
            data = data[: fault.cut]
        # Only commands without an effect may be asked for twice.
        if fault.exact and data and apdu[1] in (0xB0, 0xB2, 0xCA) and len(data) != _wanted(apdu):
            return (WRONG_LE | len(data) % 256).to_bytes(2)
        if data and apdu[1] != 0xC0 and (self._options.chained or fault.two_steps):
            return self._chip.keep_for_get_response(data).to_bytes(2)
        return data + word.to_bytes(2)

    def _strike(self, fault: Fault) -> None:
        if fault.delay:
            self._released.wait(fault.delay)
        if fault.pull:
            self.power_off()
            raise CardPulled


def _wanted(apdu: bytes) -> int:
    command = parse(apdu)
    return 0 if command is None or command.le is None else command.le
