"""One exclusive connection to the card in a reader, one owner, one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from devices.errors import CardBusy, CardMute, NoCard
from devices.errors import CardRemoved as Removed
from devices.pcsc import scard
from devices.pcsc.scard import ScardApi

CONNECT_ATTEMPTS = 3
CONNECT_PAUSE = 0.3  # seconds; a browser or gpg lets go within that


class Connection:
    """Made by `open_card`. Uses a context of its own: calls on a shared one would queue behind the monitor's wait."""

    def __init__(self, api: ScardApi, context: Any, card: Any, protocol: int, reader: str, atr: bytes = b"") -> None:
        self.reader = reader
        self.atr = atr
        self._api = api
        self._context = context
        self._card = card
        self._protocol = protocol
        self._closed = False

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

    def close(self) -> None:
        """Power the card off: what VERIFY opened belongs to the card, not to this connection. May be called again."""
        if self._closed:
            return
        self._closed = True
        self._api.disconnect(self._card, scard.UNPOWER_CARD)
        self._api.release(self._context)


def open_card(api: ScardApi, reader: str, sleep: Callable[[float], None] = time.sleep) -> Connection:
    """Connect to the card in `reader`, for this program alone.

    Raises `CardBusy` after three attempts, `CardMute` likewise (contacts settle), `CardRemoved`, `NoReader`,
    `ServiceDown`.
    """
    result, context = api.establish()
    scard.check(result)
    try:
        for attempt in range(CONNECT_ATTEMPTS):
            if attempt:
                sleep(CONNECT_PAUSE)
            result, card, protocol = api.connect(
                context, reader, scard.SHARE_EXCLUSIVE, scard.PROTOCOL_T0 | scard.PROTOCOL_T1
            )
            try:
                scard.check(result)
            except (CardBusy, CardMute):
                if attempt == CONNECT_ATTEMPTS - 1:
                    raise
            except NoCard:
                raise Removed("no card") from None
            else:
                return Connection(api, context, card, protocol, reader)
        raise AssertionError("the last attempt returns or raises")
    except BaseException:
        api.release(context)
        raise
