"""Watches the readers: one thread that waits inside PC/SC and tells what changed.

It outlives restarts of the PC/SC service, readers that come and go, and cards swapped faster than it looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from devices.card.driver import CardLost, CardSeen, ReaderLost, ReaderSeen, Seen
from devices.errors import DeviceFault
from devices.pcsc import scard
from devices.pcsc.scard import ScardApi

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
# Bounded, so that a lost wake-up costs a minute and not the day.
_WAIT_MS = 60_000
# Some pcsc-lite versions miss a reader that comes between listing and waiting.
_WAIT_READER_MS = 2_000


class ReaderMonitor:
    """Watches one reader: the first whose name contains `pattern`, or the first of all when it is empty.

    `sink` is called on the monitor's thread. A second event of the same kind is not sent.
    """

    def __init__(self, api: ScardApi, pattern: str, sink: Callable[[Seen], None]) -> None:
        self._api = api
        self._pattern = pattern
        self._sink = sink
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._context: Any = None
        self._fault: DeviceFault | None = None
        self._reader: str | None = None
        self._card = False
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
                if self._watch(context):
                    pause = _FIRST_PAUSE
                with self._lock:
                    self._context = None
                self._api.release(context)
            if self._stop.is_set():
                return
            self._lost(DeviceFault.SERVICE_DOWN)
            self._stop.wait(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _watch(self, context: Any) -> bool:
        """Until the context is lost or `stop`. True when the service answered at all."""
        answered = False
        state = scard.STATE_UNAWARE
        pnp = scard.STATE_UNAWARE
        while not self._stop.is_set():
            result, readers = self._api.list_readers(context)
            if result not in (scard.SUCCESS, scard.E_NO_READERS_AVAILABLE):
                return answered
            answered = True
            reader = self._choose(readers)
            if reader is None:
                self._lost(DeviceFault.NO_READER)
            elif reader != self._reader:
                self._found(reader)
                state = scard.STATE_UNAWARE
            watched = [(scard.PNP_NOTIFICATION, pnp)]
            if reader is not None:
                watched.append((reader, state))
            wait = _WAIT_MS if reader is not None else _WAIT_READER_MS
            result, states = self._api.status_change(context, wait, watched)
            if result in (scard.E_CANCELLED, scard.E_TIMEOUT):
                continue
            if result in (scard.E_UNKNOWN_READER, scard.E_NO_READERS_AVAILABLE):
                self._stop.wait(_FIRST_PAUSE)  # the list and the wait saw different moments
                continue
            if result != scard.SUCCESS:
                return answered
            for name, word in states:
                if name == scard.PNP_NOTIFICATION:
                    pnp = word & ~scard.STATE_CHANGED
                elif name == reader:
                    self._changed(reader, state, word)
                    state = word & ~scard.STATE_CHANGED
        return answered

    def _choose(self, readers: list[str]) -> str | None:
        return next((name for name in readers if self._pattern in name), None)

    def _found(self, reader: str) -> None:
        self._gone()
        self._fault = None
        self._reader = reader
        self._sink(ReaderSeen(reader))

    def _lost(self, fault: DeviceFault) -> None:
        self._gone()
        self._reader = None
        if fault is not self._fault:
            self._fault = fault
            self._sink(ReaderLost(fault))

    def _gone(self) -> None:
        if self._card:
            self._card = False
            self._sink(CardLost())

    def _changed(self, reader: str, before: int, now: int) -> None:
        present = bool(now & scard.STATE_PRESENT)
        # The upper 16 bits count insertions and removals: another count with a card before and after is a swap.
        swapped = self._card and present and before >> 16 != now >> 16
        if not present or swapped:
            self._gone()
        if present and not self._card:
            self._card = True
            self._sink(CardSeen(reader))
