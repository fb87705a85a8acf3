"""PC/SC made of a script, with a virtual card behind it: the code of `devices.pcsc` runs, no service is needed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from devices.pcsc import scard
from devices.pcsc.driver import PcscDriver
from devices.simulated.card import VirtualCard
from tests.contract.injection.troubles import Kind, Trouble
from tests.helpers.fake_scard import FakeScard

READER = "Scripted Reader 00 00"


def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, VirtualScard]:
    """Every `PcscDriver` that is made from now on gets the service of its reader's name from this dictionary."""
    services: dict[str, VirtualScard] = {}

    def driver(reader: str, socket: str = "", **settings: Any) -> PcscDriver:
        return PcscDriver(reader, api=services[reader], **settings)

    monkeypatch.setattr("devices.pcsc.driver.PcscDriver", driver)
    monkeypatch.setattr("devices.card.process._SETTLE_SECONDS", 0.02)  # a reader made of a script need not settle
    return services


@dataclass(eq=False)
class _Handle:
    card: VirtualCard
    reset: bool = False  # by another program; every call says so until the next connection
    ended: threading.Event = field(default_factory=threading.Event)  # its process has


class VirtualScard(FakeScard):
    """One reader. Besides what `FakeScard` can be told: a card that is put down and taken, and trouble with a command.

    `transmits` counts commands since `inject`. A command that hangs does so until the monitor of its process is
    cancelled: pcscd frees the handles of a process that was ended.
    """

    def __init__(self, name: str = READER) -> None:
        super().__init__()
        self.name = name
        self.plug(name)
        self.lying: VirtualCard | None = None
        self.transmits = 0
        self._at = -1
        self._trouble: Trouble | None = None
        self._handles: list[_Handle] = []
        self._turn = threading.Lock()  # a reader works on one command at a time

    # --- what a test does ---

    def put(self, card: VirtualCard) -> None:
        with self._changed:
            self.lying = card
        self.card(self.name, scard.STATE_PRESENT if card.atr else scard.STATE_PRESENT | scard.STATE_MUTE)

    def take(self) -> None:
        with self._changed:
            card, self.lying = self.lying, None
        if card is not None:
            card.release()
            self.card(self.name, 0)

    def inject(self, at: int = -1, trouble: Trouble | None = None) -> None:
        """Count commands from now; `trouble` happens to the one with index `at`."""
        self.transmits, self._at, self._trouble = 0, at, trouble

    # --- ScardApi ---

    def cancel(self, context: Any) -> int:
        with self._changed:
            handles, self._handles = self._handles, []
            for handle in handles:
                handle.ended.set()
        return super().cancel(context)

    def connect(self, context: Any, reader: str, share: int, protocols: int) -> tuple[int, Any, int]:
        result, _, protocol = super().connect(context, reader, share, protocols)
        if result != scard.SUCCESS:
            return result, None, 0
        with self._changed:
            card = self.lying
            if reader not in self.readers:
                return scard.E_UNKNOWN_READER, None, 0
            if card is None:
                return scard.E_NO_SMARTCARD, None, 0
            if not card.power_on():
                return scard.W_UNRESPONSIVE_CARD, None, 0
            self._handles.append(handle := _Handle(card))
        return scard.SUCCESS, handle, protocol

    def reconnect(self, card: _Handle, share: int, protocols: int, initialization: int) -> tuple[int, int]:
        self.calls.append(f"reconnect share={share} {initialization}")
        if (result := self._state(card)) not in (scard.SUCCESS, scard.W_RESET_CARD):
            return result, 0
        card.reset = False
        card.card.power_on()
        return scard.SUCCESS, scard.PROTOCOL_T1

    def begin(self, card: _Handle) -> int:
        super().begin(card)
        return self._state(card)

    def transmit(self, card: _Handle, protocol: int, command: bytes | bytearray) -> tuple[int, bytes]:
        with self._turn:
            if (result := self._state(card)) != scard.SUCCESS:
                return result, b""
            index, self.transmits = self.transmits, self.transmits + 1
            trouble = self._trouble
            if trouble is None or not self._at <= index < self._at + trouble.times:
                return self._checked(card, card.card.process(bytes(command)))
            answer = card.card.process(bytes(command)) if trouble.done else b""
            match trouble.kind:
                case Kind.REMOVAL:
                    self.take()
                    return scard.E_NOT_TRANSACTED, b""
                case Kind.RESET:
                    card.reset = True
                    card.card.power_on()  # whatever was selected or verified is forgotten
                    return scard.W_RESET_CARD, b""
                case Kind.HANG:
                    card.ended.wait()
                    return scard.E_INVALID_HANDLE, b""
                case Kind.GARBAGE:
                    return self._checked(card, trouble.garble(index, answer))

    def _checked(self, card: _Handle, answer: bytes) -> tuple[int, bytes]:
        """Taken away while it worked?"""
        result = self._state(card)
        return result, answer if result == scard.SUCCESS else b""

    def disconnect(self, card: _Handle, disposition: int) -> int:
        super().disconnect(card, disposition)
        if self.lying is card.card and not card.ended.is_set() and disposition == scard.UNPOWER_CARD:
            card.card.power_off()
        return self._state(card)

    def _state(self, handle: _Handle) -> int:
        if handle.ended.is_set():
            return scard.E_INVALID_HANDLE
        if self.lying is not handle.card:
            return scard.W_REMOVED_CARD
        return scard.W_RESET_CARD if handle.reset else scard.SUCCESS
