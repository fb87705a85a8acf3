"""What the card process asks of a reader, whether it is PC/SC or made of software."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from devices.errors import DeviceFault


@dataclass(frozen=True, slots=True)
class ReaderSeen:
    """`card`: one lies there, `CardSeen` follows."""

    name: str
    card: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ReaderLost:
    """SERVICE_DOWN, ACCESS_DENIED, NO_READER, VIRTUAL_READER, SEVERAL_CARDS."""

    fault: DeviceFault


@dataclass(frozen=True, slots=True)
class CardSeen:
    """Also for a card that does not answer: connecting to it tells.

    `count`: how often cards came to this reader and left it, when it counts; a connection to the same card has the
    same one.
    """

    reader: str
    count: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CardLost:
    pass


Seen = ReaderSeen | ReaderLost | CardSeen | CardLost


class CardConnection(Protocol):
    """Exclusive, with one owner and one thread. Methods raise `DeviceError`."""

    @property
    def atr(self) -> bytes:
        """As the reader told it; empty when it did not. Says what the card can do, never what the card is."""

    @property
    def reader(self) -> str:
        """Name of the reader, for what is remembered of it."""

    def transmit(self, command: bytes | bytearray) -> bytes: ...

    def transaction(self) -> AbstractContextManager[None]:
        """No other program reaches the card inside."""

    def count(self) -> int | None:
        """As in `CardSeen`, of this moment; None when the reader does not count."""

    def reconnect(self) -> None:
        """After `CardReset`, which lost the selected application: go on with the same card."""

    def close(self) -> None:
        """Power the card off. Never raises; may be called again."""


class Driver(Protocol):
    def start(self, sink: Callable[[Seen], None]) -> None:
        """Begin to watch; `sink` is called on a thread of the driver. A swap is CardLost, then CardSeen."""

    def connect(self, reader: str) -> CardConnection:
        """Raises `CardBusy`, `CardMute`, `CardRemoved`, `NoReader`, `ServiceDown`, `AccessDenied`."""

    def stop(self) -> None: ...
