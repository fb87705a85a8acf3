"""Watches the readers: one thread that waits inside PC/SC and tells what changed.

It outlives restarts of the PC/SC service, readers that come and go, and cards swapped faster than it looks.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from devices.card.driver import CardLost, CardSeen, ReaderLost, ReaderSeen, Seen
from devices.errors import AccessDenied, DeviceError, DeviceFault
from devices.pcsc import scard
from devices.pcsc.scard import ScardApi

SOCKET, SOCKET_VARIABLE = "/run/pcscd/pcscd.comm", "PCSCLITE_CSOCK_NAME"  # of pcsc-lite

_FIRST_PAUSE = 0.2
# A restarted service is to be back on the screen within 3 s; asking where nobody listens costs next to nothing.
_LONGEST_PAUSE = 1.0
# Bounded, so that a lost wake-up costs a minute and not the day.
_WAIT_MS = 60_000
# Some pcsc-lite versions miss a reader that comes between listing and waiting.
_WAIT_READER_MS = 2_000
# vsmartcard, Windows' virtual smart cards, our own. The name is all that PC/SC has: vpcd tells no vendor.
_VIRTUAL = re.compile(r"virtual|vpcd|vicc|simulat", re.IGNORECASE)


def is_virtual(reader: str) -> bool:
    """Whether a reader with this name is made of software."""
    return _VIRTUAL.search(reader) is not None


class ReaderMonitor:
    """Watches the readers whose names contain `pattern`: all when it is empty.

    One card is told of at a time. With cards on several readers none is: SEVERAL_CARDS, until one is left.
    `sink` is called on the monitor's thread. A second event of the same kind is not sent.
    """

    def __init__(self, api: ScardApi, pattern: str, sink: Callable[[Seen], None], *, production: bool = False) -> None:
        self._api = api
        self._pattern = pattern
        self._sink = sink
        self._production = production
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._context: Any = None
        self._fault: DeviceFault | None = None
        self._reader: str | None = None
        self._card: tuple[str, int] | None = None  # reader, and its count of insertions and removals
        self._thread = threading.Thread(target=self._run, name="card-monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        while self._thread.is_alive():
            # Again and again: a cancel that comes just before the wait begins has no effect.
            with self._lock:
                if self._context is not None:
                    self._api.cancel(self._context)
            self._thread.join(timeout=0.1)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            result, context = self._api.establish()
            if result == scard.SUCCESS:
                with self._lock:
                    self._context = context
                result, answered = self._watch(context)
                if answered:
                    pause = _FIRST_PAUSE
                with self._lock:
                    self._context = None
                self._api.release(context)
            if self._stop.is_set():
                return
            self._lost(_no_service(result))
            self._stop.wait(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _watch(self, context: Any) -> tuple[int, bool]:
        """Until the context is lost or `stop`: the code that ended it, and whether the service answered at all."""
        answered = False
        words: dict[str, int] = {}
        pnp = scard.STATE_UNAWARE
        while not self._stop.is_set():
            result, readers = self._api.list_readers(context)
            if result not in (scard.SUCCESS, scard.E_NO_READERS_AVAILABLE):
                return result, answered
            answered = True
            # A reader that was away begins anew: its count did, too.
            words = {name: words.get(name, scard.STATE_UNAWARE) for name in self._choose(readers)}
            wait = _WAIT_MS if words else _WAIT_READER_MS
            result, states = self._api.status_change(context, wait, [(scard.PNP_NOTIFICATION, pnp), *words.items()])
            if result in (scard.E_CANCELLED, scard.E_TIMEOUT):
                continue
            if result in (scard.E_UNKNOWN_READER, scard.E_NO_READERS_AVAILABLE):
                self._stop.wait(_FIRST_PAUSE)  # the list and the wait saw different moments
                continue
            if result != scard.SUCCESS:
                return result, answered
            for name, word, _ in states:
                if name == scard.PNP_NOTIFICATION:
                    pnp = word & ~scard.STATE_CHANGED
                elif name in words:
                    words[name] = word & ~scard.STATE_CHANGED
            self._cards(words)
        return scard.E_CANCELLED, answered

    def _choose(self, readers: list[str]) -> list[str]:
        """The readers to wait for; tells when there is none."""
        if self._production and any(map(is_virtual, readers)):
            self._lost(DeviceFault.VIRTUAL_READER)  # whoever reaches its port lays cards down
            return []
        chosen = [name for name in readers if self._pattern in name]
        if not chosen:
            self._lost(DeviceFault.NO_READER)
        return chosen

    def _cards(self, words: Mapping[str, int]) -> None:
        """Tell what is new. `words`: reader -> state."""
        if not words:
            return
        there = {name: word >> 16 for name, word in words.items() if word & scard.STATE_PRESENT}
        if len(there) > 1:
            self._lost(DeviceFault.SEVERAL_CARDS)
            return
        card = next(iter(there.items()), None)
        # Another count with a card before and after is a swap that was too quick to be seen.
        if card != self._card:
            self._gone()
        if self._reader not in words:
            self._fault = None
            self._reader = next(iter(words))
            self._sink(ReaderSeen(self._reader, card is not None))
        if card is not None and self._card is None:
            self._card = card
            self._sink(CardSeen(*card))

    def _lost(self, fault: DeviceFault) -> None:
        self._gone()
        self._reader = None
        if fault is not self._fault:
            self._fault = fault
            self._sink(ReaderLost(fault))

    def _gone(self) -> None:
        if self._card is not None:
            self._card = None
            self._sink(CardLost())


def _no_service(result: int) -> DeviceFault:
    """Why there is no service: it is not there, or not for us."""
    try:
        scard.check(result)
    except AccessDenied as error:
        return error.fault
    except DeviceError:
        pass
    # libpcsclite says "no service" also when it may not open the socket.
    path = os.environ.get(SOCKET_VARIABLE) or SOCKET
    closed = os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK)
    return DeviceFault.ACCESS_DENIED if closed else DeviceFault.SERVICE_DOWN
