"""What the card process asks of a reader, whether it is PC/SC or made of software."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from devices.errors import DeviceFault


@dataclass(frozen=True, slots=True)
class ReaderSeen:
    name: str


@dataclass(frozen=True, slots=True)
class ReaderLost:
    """SERVICE_DOWN or NO_READER."""

    fault: DeviceFault


@dataclass(frozen=True, slots=True)
class CardSeen:
    """Also for a card that does not answer: connecting to it tells."""

    reader: str


@dataclass(frozen=True, slots=True)
class CardLost:
    pass


Seen = ReaderSeen | ReaderLost | CardSeen | CardLost


class CardConnection(Protocol):
    """Exclusive, with one owner and one thread."""

    @property
    def atr(self) -> bytes:
        """As the reader told it; empty when it did not. Says what the card can do, never what the card is."""

    @property
    def reader(self) -> str:
        """Name of the reader, for what is remembered of it."""

    def transmit(self, command: bytes | bytearray) -> bytes:
        """Raises `DeviceError`."""

    def transaction(self) -> AbstractContextManager[None]:
        """No other program reaches the card inside."""

    def close(self) -> None:
        """Power the card off. Never raises; may be called again."""


class Driver(Protocol):
    def start(self, sink: Callable[[Seen], None]) -> None:
        """Begin to watch; `sink` is called on a thread of the driver. A swap is CardLost, then CardSeen."""

    def connect(self, reader: str) -> CardConnection:
        """Raises `CardBusy`, `CardMute`, `CardRemoved`, `NoReader`, `ServiceDown`."""

    def stop(self) -> None: ...
