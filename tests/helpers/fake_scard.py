"""PC/SC made of a script: readers and cards as a test says, result codes on demand, every call written down."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Any

from devices.pcsc import scard

ATR = bytes.fromhex("3BE000FF8131FE4514")


class FakeScard:
    """`ScardApi`. Readers: name -> (insert counter, flags). All methods from any thread."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.readers: dict[str, tuple[int, int]] = {}
        self.running = True
        self.lost_with = scard.E_NO_SERVICE
        self.refused_with = scard.E_NO_SERVICE
        self.counts = True  # without: as on systems whose service does not count insertions
        self.connect_results: list[int] = []
        self.begin_results: list[int] = []
        self.transmit_results: list[tuple[int, bytes]] = []
        self._cancelled: set[int] = set()
        self._contexts = itertools.count(1)
        self._open: set[int] = set()
        self._changed = threading.Condition()

    # --- what a test does ---

    def plug(self, reader: str) -> None:
        with self._changed:
            self.readers[reader] = (0, 0)
            self._changed.notify_all()

    def unplug(self, reader: str) -> None:
        with self._changed:
            del self.readers[reader]
            self._changed.notify_all()

    def rename(self, reader: str, name: str) -> None:
        """Gone and back between two looks: the service gave it another name, its card still on it."""
        with self._changed:
            _, flags = self.readers.pop(reader)
            self.readers[name] = (1, flags)
            self._changed.notify_all()

    def card(self, reader: str, flags: int, events: int = 1) -> None:
        """`events`: how often a card came or went meanwhile."""
        with self._changed:
            self.readers[reader] = (self.readers[reader][0] + events, flags)
            self._changed.notify_all()

    def service(self, running: bool) -> None:
        with self._changed:
            self.running = running
            self._open.clear()
            self._changed.notify_all()

    @property
    def open_contexts(self) -> int:
        return len(self._open)

    # --- ScardApi ---

    def establish(self) -> tuple[int, Any]:
        with self._changed:
            if not self.running:
                return self.refused_with, None
            context = next(self._contexts)
            self._open.add(context)
            return scard.SUCCESS, context

    def release(self, context: Any) -> int:
        with self._changed:
            self._open.discard(context)
            self.calls.append("release")
        return scard.SUCCESS

    def list_readers(self, context: Any) -> tuple[int, list[str]]:
        with self._changed:
            if context not in self._open:
                return self.lost_with, []
            return (scard.SUCCESS, list(self.readers)) if self.readers else (scard.E_NO_READERS_AVAILABLE, [])

    def status_change(
        self, context: Any, timeout_ms: int, readers: Sequence[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, bytes]]]:
        known = len(self.readers)
        with self._changed:
            while True:
                if context in self._cancelled:
                    self._cancelled.discard(context)
                    return scard.E_CANCELLED, []
                if context not in self._open:
                    return self.lost_with, []
                now = [(name, self._word(name, state, known), ATR) for name, state in readers]
                if any(word & scard.STATE_CHANGED for _, word, _ in now):
                    return scard.SUCCESS, now
                if not self._changed.wait(timeout_ms / 1000):
                    return scard.E_TIMEOUT, []

    def _word(self, name: str, state: int, known: int) -> int:
        if name == scard.PNP_NOTIFICATION:
            return scard.STATE_CHANGED if len(self.readers) != known else state
        if name not in self.readers:
            return scard.STATE_UNKNOWN | scard.STATE_CHANGED
        counter, flags = self.readers[name]
        word = (counter if self.counts else 0) << 16 | flags
        first = state == scard.STATE_UNAWARE
        return word | scard.STATE_CHANGED if word != state or first else word

    def cancel(self, context: Any) -> int:
        with self._changed:
            self._cancelled.add(context)
            self._changed.notify_all()
        return scard.SUCCESS

    def connect(self, context: Any, reader: str, share: int, protocols: int) -> tuple[int, Any, int]:
        self.calls.append(f"connect {reader} share={share}")
        result = self.connect_results.pop(0) if self.connect_results else scard.SUCCESS
        return result, "card", scard.PROTOCOL_T1

    def reconnect(self, card: Any, share: int, protocols: int, initialization: int) -> tuple[int, int]:
        self.calls.append(f"reconnect share={share} {initialization}")
        return scard.SUCCESS, scard.PROTOCOL_T1

    def begin(self, card: Any) -> int:
        self.calls.append("begin")
        return self.begin_results.pop(0) if self.begin_results else scard.SUCCESS

    def end(self, card: Any, disposition: int) -> int:
        self.calls.append(f"end {disposition}")
        return scard.SUCCESS

    def transmit(self, card: Any, protocol: int, command: bytes | bytearray) -> tuple[int, bytes]:
        self.calls.append("transmit")
        return self.transmit_results.pop(0) if self.transmit_results else (scard.SUCCESS, b"\x90\x00")

    def disconnect(self, card: Any, disposition: int) -> int:
        self.calls.append(f"disconnect {disposition}")
        return scard.SUCCESS
