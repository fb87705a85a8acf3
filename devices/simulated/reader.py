"""A reader made of software for the card process: virtual cards are put down and taken away by message."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from devices.card.driver import CardLost, CardSeen, ReaderLost, ReaderSeen, Seen
from devices.errors import CardBusy, CardMute, CardProgram, CardRemoved, CardReset, DeviceFault
from devices.simulated.card import CardPulled, FaultPlan, VirtualCard
from devices.simulated.card.files import CardKind, PersonCard

READER_NAME = "Simulated reader 00 00"


class ReaderState(StrEnum):
    """READY; BUSY: another program holds the card; RESETTING: another program resets it once, at the next command.

    The others as the monitor reports them (`DeviceFault` of the same name).
    """

    READY = "ready"
    BUSY = "busy"
    RESETTING = "resetting"
    NO_READER = "no_reader"
    SERVICE_DOWN = "service_down"
    ACCESS_DENIED = "access_denied"
    VIRTUAL_READER = "virtual_reader"
    SEVERAL_CARDS = "several_cards"


_WORKING = (ReaderState.READY, ReaderState.BUSY, ReaderState.RESETTING)


class _Connection:
    def __init__(self, driver: SimulatedDriver, card: VirtualCard) -> None:
        self._driver = driver
        self._card = card
        self.reader = READER_NAME
        self.atr = card.power_on()

    def transmit(self, command: bytes | bytearray) -> bytes:
        if self._driver.card is not self._card:
            raise CardRemoved
        if self._driver.resets():
            self._card.reset()
            raise CardReset
        try:
            answer = self._card.process(bytes(command))
            self._card.wait()
        except CardPulled:
            self._driver.remove(pulled=True)
            raise CardRemoved from None
        if self._driver.card is not self._card:  # taken away while it worked
            raise CardRemoved
        return answer

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def count(self) -> int:
        return self._driver.count

    def reconnect(self) -> None:
        return

    def close(self) -> None:
        self._card.power_off()


class SimulatedDriver:
    """The `Driver` of `[card] driver = "simulated"`. All methods from any thread."""

    def __init__(self) -> None:
        # Reentrant: a fault pulls the card from inside an exchange. Held while telling, to keep events in order.
        self._lock = threading.RLock()
        self._sink: Callable[[Seen], None] | None = None
        self._state = ReaderState.READY
        self._mute = False
        self.count = 0  # of cards put down and taken away
        self.card: VirtualCard | None = None
        self.on_removed: Callable[[VirtualCard, bool], None] = lambda card, pulled: None

    def start(self, sink: Callable[[Seen], None]) -> None:
        with self._lock:
            self._sink = sink
            self._announce()

    def connect(self, reader: str) -> _Connection:
        with self._lock:
            if self._state is ReaderState.BUSY:
                raise CardBusy(program=CardProgram.OTHER)
            if self.card is None:
                raise CardRemoved
            if self._mute:
                raise CardMute
            return _Connection(self, self.card)

    def stop(self) -> None:
        with self._lock:
            self._sink = None
            if self.card is not None:
                self.card.release()

    def insert(
        self,
        person: bytes | memoryview,
        settings: Mapping[str, Any],
        tries: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        """Put a card down, in the place of the one that lies there.

        `person`: JSON of a `PersonCard`. `settings`: fields of `CardOptions`, and `counters` of `VirtualCard`.
        `tries`: counters by card id, used when `settings` has none.
        """
        holder = PersonCard.from_json(json.loads(bytes(person)))
        settings = {"counters": (tries or {}).get(holder.id), **settings}
        card = VirtualCard(holder, **settings)
        with self._lock:
            self.remove()
            self.card = card
            self.count += 1
            self._mute = holder.kind is CardKind.MUTE
            if self._state in _WORKING:
                self._tell(CardSeen(READER_NAME, self.count))

    def remove(self, *, pulled: bool = False) -> None:
        """`pulled`: from inside an exchange."""
        with self._lock:
            card, self.card = self.card, None
            if card is not None:
                self.count += 1
                card.release()
                self.on_removed(card, pulled)
                if self._state in _WORKING:
                    self._tell(CardLost())

    def faults(self, plan: FaultPlan) -> None:
        """For the card that lies there; APDUs are counted from now."""
        with self._lock:
            if self.card is not None:
                self.card.set_faults(plan)

    def reader(self, state: ReaderState) -> None:
        with self._lock:
            before, self._state = self._state, state
            if (before in _WORKING) != (state in _WORKING) or state not in _WORKING:
                if before in _WORKING and self.card is not None:
                    self._tell(CardLost())
                self._announce()

    def _announce(self) -> None:
        match self._state:
            case ReaderState.READY | ReaderState.BUSY | ReaderState.RESETTING:
                self._tell(ReaderSeen(READER_NAME, self.card is not None))
                if self.card is not None:
                    self._tell(CardSeen(READER_NAME, self.count))

            case fault:
                self._tell(ReaderLost(DeviceFault(fault.value)))

    def resets(self) -> bool:
        """Whether another program resets the card now."""
        with self._lock:
            if self._state is not ReaderState.RESETTING:
                return False
            self._state = ReaderState.READY
            return True

    def _tell(self, seen: Seen) -> None:
        if self._sink is not None:
            self._sink(seen)
