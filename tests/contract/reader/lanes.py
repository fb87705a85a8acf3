"""What a contract test can do with a reader, however it is built."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

from devices.card.reader import SimulatedCardReader
from devices.ports import CardGone, CardPresent, CardReader
from devices.simulated.card import VirtualCard
from devices.simulated.pcscd import PcscdLane
from tests.helpers.cards import Events, card_bytes, person
from tests.helpers.virtual_scard import VirtualScard


class Lane(Protocol):
    @property
    def reader(self) -> CardReader: ...
    @property
    def events(self) -> Events: ...

    def insert(self, name: str, **settings: Any) -> int:
        """Put a persona's card on the empty reader; its presence."""

    def remove(self) -> None: ...

    def verifications(self) -> dict[str, int]:
        """VERIFY commands with data that reached the card, by "application/EF", only those that are not zero."""


class SimulatedLane:
    def __init__(self, reader: SimulatedCardReader, events: Events) -> None:
        self.reader = reader
        self.events = events

    def insert(self, name: str, **settings: Any) -> int:
        self.reader.insert(card_bytes(name), **settings)
        return self.events.next(CardPresent).presence

    def remove(self) -> None:
        self.reader.remove()
        self.events.next(CardGone)

    def verifications(self) -> dict[str, int]:
        return {name: count for name, count in self.reader.counters().verifications.items() if count}


class ScardLane:
    """The code of `devices.pcsc` in this process, over PC/SC made of a script; no service is needed."""

    def __init__(self, scard: VirtualScard, reader: CardReader, events: Events) -> None:
        self.scard = scard
        self.reader = reader
        self.events = events
        self._card: VirtualCard | None = None

    def insert(self, name: str, **settings: Any) -> int:
        self._card = VirtualCard(person(name), **settings)
        self.scard.put(self._card)
        return self.events.next(CardPresent).presence

    def remove(self) -> None:
        self.scard.take()
        self.events.next(CardGone)

    def verifications(self) -> dict[str, int]:
        assert self._card is not None
        return {name: count for name, count in self._card.verify_count.items() if count}


class PcscLane:
    """A genuine pcscd with the virtual reader; the card process talks to it through libpcsclite."""

    def __init__(self, service: PcscdLane, reader: CardReader, events: Events) -> None:
        self.service = service
        self.reader = reader
        self.events = events
        self._last = ""

    def insert(self, name: str, **settings: Any) -> int:
        card = person(name)
        card = dataclasses.replace(card, tries={**card.tries, **settings.pop("counters", {})})
        self.service.insert(card, fresh=True, **settings)
        self._last = name
        return self.events.next(CardPresent).presence

    def remove(self) -> None:
        self.service.remove()
        self.events.next(CardGone)

    def clear(self) -> None:
        """Leave no card, and wait until pcscd has noticed: the next test would see this card."""
        self.service.remove()
        while isinstance(self._last_card_event(), CardPresent):
            self.events.until(CardGone)

    def _last_card_event(self) -> CardPresent | CardGone | None:
        card_events = [event for event in self.events.seen if isinstance(event, CardPresent | CardGone)]
        return card_events[-1] if card_events else None

    def verifications(self) -> dict[str, int]:
        return {name: count for name, count in self.service.verify_count(self._last).items() if count}
