"""One exclusive connection to the card in a reader, one owner, one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from devices.errors import CardBusy, CardMute, CardProgram, NoCard
from devices.errors import CardRemoved as Removed
from devices.pcsc import scard
from devices.pcsc.scard import ScardApi

CONNECT_ATTEMPTS = 3
CONNECT_PAUSE = 0.3  # seconds; a browser or gpg lets go within that, contacts settle
_PROTOCOLS = scard.PROTOCOL_T0 | scard.PROTOCOL_T1


class Connection:
    """Made by `open_card`. Uses a context of its own: calls on a shared one would queue behind the monitor's wait."""

    def __init__(self, api: ScardApi, context: Any, card: Any, protocol: int, reader: str) -> None:
        self.reader = reader
        self._api = api
        self._context = context
        self._card = card
        self._protocol = protocol
        self._closed = False
        self.atr = self._state()[1]

    def transmit(self, command: bytes | bytearray) -> bytes:
        """Blocks for as long as the reader does: PC/SC has no timeout here, the process is ended instead."""
        result, answer = self._api.transmit(self._card, self._protocol, command)
        scard.check(result)
        return answer

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """No other program reaches the card inside. Never held while a person types: it is for one burst."""
        scard.check(self._api.begin(self._card))
        try:
            yield
        finally:
            self._api.end(self._card, scard.LEAVE_CARD)

    def count(self) -> int | None:
        """What the service counts, asked on this connection's own context: 0.02 ms, no APDU."""
        return self._state()[0]

    def reconnect(self) -> None:
        """Take the card over again after `CardReset`. It was reset already: no second time."""
        result, self._protocol = self._api.reconnect(self._card, scard.SHARE_EXCLUSIVE, _PROTOCOLS, scard.LEAVE_CARD)
        scard.check(result)

    def close(self) -> None:
        """Power the card off: what VERIFY opened belongs to the card, not to this connection. May be called again."""
        if self._closed:
            return
        self._closed = True
        self._api.disconnect(self._card, scard.UNPOWER_CARD)
        self._api.release(self._context)

    def _state(self) -> tuple[int | None, bytes]:
        result, states = self._api.status_change(self._context, 0, [(self.reader, scard.STATE_UNAWARE)])
        if result != scard.SUCCESS or len(states) != 1:
            return None, b""
        _, word, atr = states[0]
        return word >> 16, atr


def open_card(
    api: ScardApi,
    reader: str,
    sleep: Callable[[float], None] = time.sleep,
    who: Callable[[], CardProgram | None] = lambda: None,
) -> Connection:
    """Connect to the card in `reader`, for this program alone. `who` says which program may hold it otherwise.

    Raises `CardBusy` after three attempts, `CardMute` likewise, `CardRemoved`, `NoReader`, `ServiceDown`,
    `AccessDenied`.
    """
    result, context = api.establish()
    scard.check(result)
    try:
        for attempt in range(CONNECT_ATTEMPTS):
            if attempt:
                sleep(CONNECT_PAUSE)
            result, card, protocol = api.connect(context, reader, scard.SHARE_EXCLUSIVE, _PROTOCOLS)
            last = attempt == CONNECT_ATTEMPTS - 1
            try:
                scard.check(result)
            except CardBusy as busy:
                if last:
                    raise CardBusy(f"PC/SC 0x{result:08X}", who()) from busy
            except CardMute:
                if last:
                    raise
            except NoCard:
                raise Removed("no card") from None
            else:
                return Connection(api, context, card, protocol, reader)
        raise AssertionError("the last attempt returns or raises")
    except BaseException:
        api.release(context)
        raise
