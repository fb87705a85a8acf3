"""A small simulated world and the pieces that card tests share."""

from __future__ import annotations

import base64
import json
import queue
from functools import cache
from typing import Any, TypeVar

from devices.card.channel import CardChannel
from devices.ports import CardEvent, CardProgress
from devices.simulated.card import VirtualCard
from devices.simulated.card.files import PersonCard
from devices.simulated.world import Persona, World, load_personas, personas_folder
from tests.helpers.picture import picture

SALT = "00112233445566778899aabbccddeeff"
# Card client tests do not look at the picture; its size is that of a real one's order.
PHOTO = picture(bytes(range(256)) * 20)

EventT = TypeVar("EventT")


@cache
def personas() -> dict[str, Persona]:
    return {persona.id: persona for persona in load_personas(personas_folder())}


@cache
def world() -> World:
    """Every persona, with keys of this test run."""
    return World.build(tuple(personas().values()), lambda persona: PHOTO)


def person(name: str) -> PersonCard:
    return world().cards[name]


def card_bytes(name: str) -> bytes:
    """What `SimulatedCardReader.insert` takes."""
    return json.dumps(person(name).to_json()).encode()


def options(**changes: Any) -> dict[str, Any]:
    """Of the card process, for the simulated driver and this world."""
    return {
        "driver": "simulated",
        "reader": "",
        "csock": "",
        "issuers": [base64.b64encode(world().auth_ca).decode()],
        "anchor": base64.b64encode(world().cv_anchor).decode(),
        "salt": SALT,
        **changes,
    }


class Direct:
    """Transport to a virtual card in this process; remembers the commands."""

    def __init__(self, card: VirtualCard) -> None:
        self.card = card
        self.sent: list[bytes] = []
        card.power_on()

    def transmit(self, command: bytes | bytearray) -> bytes:
        self.sent.append(bytes(command))
        return self.card.process(bytes(command))


def channel(card: VirtualCard) -> tuple[CardChannel, Direct]:
    transport = Direct(card)
    return CardChannel(transport), transport


class Events:
    """A sink that a test waits on. `seen` keeps everything that came."""

    def __init__(self) -> None:
        self.seen: list[CardEvent] = []
        self._queue: queue.SimpleQueue[CardEvent] = queue.SimpleQueue()

    def __call__(self, event: CardEvent) -> None:
        self.seen.append(event)
        self._queue.put(event)

    def next(self, kind: type[EventT], timeout: float = 30.0) -> EventT:
        """The next event, which has to be of `kind` (progress is passed over)."""
        while True:
            event = self._queue.get(timeout=timeout)
            if isinstance(event, kind):
                return event
            assert isinstance(event, CardProgress), f"{event} instead of {kind.__name__}"

    def until(self, kind: type[EventT], timeout: float = 30.0) -> EventT:
        """The next event of `kind`, passing over others."""
        while True:
            event = self._queue.get(timeout=timeout)
            if isinstance(event, kind):
                return event

    def empty(self) -> bool:
        return self._queue.empty()
