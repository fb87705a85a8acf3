"""The one way from the program to a card: guarded, with response chaining, typed errors and no trace of the data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from devices.card import apdu
from devices.card.apdu import Command, Response, StatusWord
from devices.card.guard import Guard
from devices.card.profile import MY_NUMBER_CARD, CardProfile
from devices.errors import CardProtocol, CardRemoved, DeviceError

MAX_FILE = 0x7FFF  # READ BINARY cannot address more
_CHUNK = 256
_MAX_CHAINED = 64
# Parts come shorter than asked for, or by way of GET RESPONSE; a card that hands a file out byte by byte would hold
# the kiosk for minutes.
_EXCHANGES_A_CHUNK = 4


class Transport(Protocol):
    """Whatever carries bytes to a card and back: PC/SC, or a card made of software."""

    def transmit(self, command: bytes | bytearray) -> bytes:
        """One APDU exchange. Raises `DeviceError`."""


class CardChannel:
    """One card, one owner. Raises `DeviceError` for everything that goes wrong."""

    def __init__(self, transport: Transport, profile: CardProfile = MY_NUMBER_CARD) -> None:
        self.profile = profile
        self._transport = transport
        self._guard = Guard(profile)
        self._exchanges = 0

    def send(self, command: Command) -> Response:
        """Exchange one command; 61xx and 6Cxx (ISO 7816-4 §5.1.3) are resolved here, each a bounded number of times."""
        response = self._exchange(command)
        # A card that asks for another Le did nothing yet, except when data went along: VERIFY is never sent twice.
        if response.sw >> 8 == 0x6C and command.le is not None and not len(command.data):
            length = (response.sw & 0xFF) or 256
            command = Command(command.cla, command.ins, command.p1, command.p2, le=length)
            response = self._exchange(command)
        data = bytearray(response.data)
        for _ in range(_MAX_CHAINED):
            if response.sw >> 8 != 0x61:
                return Response(bytes(data), response.sw)
            response = self._exchange(apdu.get_response((response.sw & 0xFF) or 256), learn=command)
            data += response.data
        raise CardProtocol("endless 61xx")

    def select_application(self, aid: bytes) -> Response:
        response = self.send(apdu.select_application(aid))
        if response.sw == StatusWord.UNKNOWN:  # some cards answer so to the first command after power-up
            response = self.send(apdu.select_application(aid))
        return response

    def select_file(self, file: int) -> Response:
        return self.send(apdu.select_file(file))

    def read_file(
        self,
        file: int,
        total_of: Callable[[bytes], int],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> bytearray | None:
        """A transparent EF up to the length that its own header declares (`total_of(first bytes)`).

        The EF is longer than its content and padded with FF; the padding is not read. None: the card has no such
        file or does not open it now. Raises `CardProtocol` when content and declared length do not fit, or when the
        content comes in crumbs.
        """
        if not self.select_file(file).ok:
            return None
        first = self.send(apdu.read_binary(0, _CHUNK))
        if first.sw in (StatusWord.SECURITY_STATUS, StatusWord.WRONG_FILE_TYPE):
            return None
        if not first.data or first.sw not in (StatusWord.OK, StatusWord.END_OF_FILE):
            raise CardProtocol(f"READ BINARY answered {first.sw:04X}")
        total = total_of(first.data)
        if not 0 < total <= MAX_FILE:
            raise CardProtocol("declared length out of bounds")
        content = bytearray(first.data[:total])
        progress(len(content), total)
        last = self._exchanges + _EXCHANGES_A_CHUNK * (total // _CHUNK + 8)
        while len(content) < total:
            if self._exchanges >= last:
                raise CardProtocol("file comes in crumbs")
            part = self.send(apdu.read_binary(len(content), min(_CHUNK, total - len(content))))
            if not part.data or part.sw not in (StatusWord.OK, StatusWord.END_OF_FILE):
                raise CardProtocol(f"file ends early, {part.sw:04X}")
            content += part.data[: total - len(content)]
            progress(len(content), total)
        return content

    def tries_left(self, pin: int) -> int | None:
        """Ask the counter of PIN file `pin`; None when there is no such PIN or the card does not tell."""
        if not self.select_file(pin).ok:
            return None
        return self.send(apdu.tries_query()).tries_left

    def leave(self) -> None:
        """Leave every application: what VERIFY opened is closed again. A card that is gone has closed it itself."""
        with suppress(DeviceError):
            self.send(apdu.select_application(self.profile.leave))

    def _exchange(self, command: Command, learn: Command | None = None) -> Response:
        self._guard.check(command)
        self._exchanges += 1
        encoded = command.encode()
        response: Response | None = None
        try:
            answer = self._transport.transmit(encoded)
            if len(answer) < 2:  # PC/SC reports success with nothing when the card left in the middle
                raise CardRemoved("no status word")
            if len(answer) > _CHUNK + 2:
                raise CardProtocol("longer than a short answer")
            response = Response(bytes(answer[:-2]), int.from_bytes(answer[-2:], "big"))
            return response
        finally:
            encoded[:] = bytes(len(encoded))
            self._guard.learn(learn or command, response)
