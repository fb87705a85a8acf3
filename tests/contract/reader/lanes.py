"""What a contract test can do with a reader, however it is built."""

from __future__ import annotations

from typing import Protocol

from devices.card.reader import SimulatedCardReader
from devices.ports import CardGone, CardPresent, CardReader
from tests.helpers.cards import Events, card_bytes


class Lane(Protocol):
    reader: CardReader
    events: Events

    def insert(self, name: str, **settings: object) -> int:
        """Put a persona's card on the empty reader; its presence."""

    def remove(self) -> None: ...

    def verifications(self) -> dict[str, int]:
        """VERIFY commands with data that reached the card, by "application/EF", only those that are not zero."""


class SimulatedLane:
    def __init__(self, reader: SimulatedCardReader, events: Events) -> None:
        self.reader = reader
        self.events = events

    def insert(self, name: str, **settings: object) -> int:
        self.reader.insert(card_bytes(name), **settings)
        return self.events.next(CardPresent).presence

    def remove(self) -> None:
        self.reader.remove()
        self.events.next(CardGone)

    def verifications(self) -> dict[str, int]:
        return {name: count for name, count in self.reader.counters().verifications.items() if count}
