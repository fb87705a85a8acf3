"""The one way from the program to a card: guarded, with response chaining, typed errors and no trace of the data.

Round trips are what a contactless link makes expensive, so that a file is selected and read by one command (short EF
identifier), a PIN likewise, an application once in a job, and nothing is read that is padding. Every card that does
not know these forms is served with the longer ones, and none of them costs a try.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from devices.card import apdu
from devices.card.apdu import Command, Response, StatusWord
from devices.card.capability import Reach
from devices.card.guard import Guard
from devices.card.profile import MY_NUMBER_CARD, CardProfile
from devices.errors import CardProtocol, CardRemoved, DeviceError

MAX_FILE = 0x7FFF  # READ BINARY cannot address more
CHUNK = 256  # of a short READ BINARY
# Of an extended one: four of them in a card-face file, so that progress moves and a silent card is noticed early.
LONG_CHUNK = 4096
_MAX_CHAINED = 64
# Parts come shorter than asked for, or by way of GET RESPONSE; a card that hands a file out byte by byte would hold
# the kiosk for minutes.
_EXCHANGES_A_CHUNK = 4

_READ = (StatusWord.OK, StatusWord.END_OF_FILE)
_CLOSED = (StatusWord.SECURITY_STATUS, StatusWord.WRONG_FILE_TYPE)
# What cards say to a form of a command that they do not know, or to a file that is not there.
_NOT_THIS_FORM = (
    StatusWord.UNKNOWN,
    StatusWord.WRONG_LENGTH,
    StatusWord.CONDITIONS,
    StatusWord.NO_CURRENT_FILE,
    StatusWord.WRONG_DATA,
    StatusWord.FUNCTION_UNSUPPORTED,
    StatusWord.NOT_FOUND,
    StatusWord.WRONG_P1P2,
    StatusWord.REFERENCE_NOT_FOUND,
    StatusWord.WRONG_OFFSET,
    StatusWord.INS_UNSUPPORTED,
)


class Transport(Protocol):
    """Whatever carries bytes to a card and back: PC/SC, a card made of software, or a recorded trace."""

    def transmit(self, command: bytes | bytearray) -> bytes:
        """One APDU exchange. Raises `DeviceError`."""


class CardChannel:
    """One card, one owner. Raises `DeviceError` for everything that goes wrong.

    `reach`: whether answers may be longer than 256 bytes.
    """

    def __init__(self, transport: Transport, profile: CardProfile = MY_NUMBER_CARD, reach: Reach = Reach.SHORT) -> None:
        self.profile = profile
        self.reach = reach
        self._transport = transport
        self._guard = Guard(profile)
        self._exchanges = 0
        self._application: bytes | None = None
        self._short_forms = True  # until the card refuses one

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

    def forget(self) -> None:
        """Between two transactions others may have spoken to the card: nothing is taken as selected any more."""
        self._application = None
        self._guard.forget()

    def select_application(self, aid: bytes) -> Response:
        """Unless it is the current one; then the answer is what it would be."""
        if self._application == aid:
            return Response(b"", StatusWord.OK)
        response = self.send(apdu.select_application(aid))
        if response.sw == StatusWord.UNKNOWN:  # some cards answer so to the first command after power-up
            response = self.send(apdu.select_application(aid))
        self._application = aid if response.ok else None
        return response

    def select_file(self, file: int) -> Response:
        return self.send(apdu.select_file(file))

    def read_file(
        self,
        file: int,
        total_of: Callable[[bytes], int],
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        first: int = CHUNK,
        prove: bool = False,
    ) -> bytearray | None:
        """A transparent EF up to the length that its own header declares (`total_of(first bytes)`).

        The EF is longer than its content and padded with FF; the padding is not read. `first`: bytes of the first
        read. `prove`: try whether extended length passes, when the card announces it; a reader may lose the card
        over it, so only where the whole job can be done again. None: the card has no such file or does not open it
        now. Raises `CardProtocol` when content and declared length do not fit, or when the content comes in crumbs.
        """
        answer = self._addressed(file, lambda short: apdu.read_binary(0, first, short))
        if answer is None or answer.sw in _CLOSED:
            return None
        if not answer.data or answer.sw not in _READ:
            raise CardProtocol(f"READ BINARY answered {answer.sw:04X}")
        total = total_of(answer.data)
        if not 0 < total <= MAX_FILE:
            raise CardProtocol("declared length out of bounds")
        content = bytearray(answer.data[:total])
        progress(len(content), total)
        last = self._exchanges + _EXCHANGES_A_CHUNK * (total // CHUNK + 8)
        while len(content) < total:
            if self._exchanges >= last:
                raise CardProtocol("file comes in crumbs")
            part = self._read_on(len(content), total - len(content), prove)
            if not part.data or part.sw not in _READ:
                raise CardProtocol(f"file ends early, {part.sw:04X}")
            content += part.data[: total - len(content)]
            progress(len(content), total)
        return content

    def tries_left(self, pin: int) -> int | None:
        """Ask the counter of PIN file `pin`; None when there is no such PIN or the card does not tell."""
        answer = self._addressed(pin, apdu.tries_query)
        return None if answer is None else answer.tries_left

    def verify(self, pin: int, secret: memoryview, digits: int) -> Response:
        """Once, in the form in which the card has just told the counter of `pin`: ask `tries_left` before."""
        return self.send(apdu.verify(secret, digits, self._short(pin)))

    def sign(self, key: int, data: bytes) -> Response | None:
        """COMPUTE DIGITAL SIGNATURE by the key in file `key`; None when there is none."""
        return self._addressed(key, lambda short: apdu.compute_signature(data, short))

    def leave(self) -> None:
        """Leave every application: what VERIFY opened is closed again. A card that is gone has closed it itself."""
        with suppress(DeviceError):
            self.select_application(self.profile.leave)

    def _addressed(self, file: int, command: Callable[[int | None], Command]) -> Response | None:
        """Send `command(short EF identifier)`; to a card that does not know it, SELECT EF and `command(None)`.

        None: the card has no such file. Nothing that costs a try goes this way.
        """
        short = self._short(file)
        if short is not None:
            answer = self.send(command(short))
            if answer.sw not in _NOT_THIS_FORM:
                return answer
        if not self.select_file(file).ok:
            return None
        self._short_forms = self._short_forms and short is None  # the file is there: it was the form
        return self.send(command(None))

    def _short(self, file: int) -> int | None:
        return self.profile.short(file) if self._short_forms else None

    def _read_on(self, offset: int, left: int, prove: bool) -> Response:
        """From the current EF; the longest read that is known to pass, or that is to be tried now."""
        long = self.reach is Reach.PROVEN or (prove and self.reach is Reach.UNPROVEN)
        if long and left > CHUNK:
            self.reach = Reach.ON_TRIAL
            answer = self.send(apdu.read_binary(offset, min(LONG_CHUNK, left)))
            passed = answer.sw in _READ and len(answer.data) > CHUNK
            self.reach = Reach.PROVEN if passed else Reach.REFUTED
            if answer.sw in _READ and answer.data:
                return answer
        return self.send(apdu.read_binary(offset, min(CHUNK, left)))

    def _exchange(self, command: Command, learn: Command | None = None) -> Response:
        self._guard.check(command)
        self._exchanges += 1
        encoded = command.encode()
        response: Response | None = None
        try:
            answer = self._transport.transmit(encoded)
            if len(answer) < 2:  # PC/SC reports success with nothing when the card left in the middle
                raise CardRemoved("no status word")
            if len(answer) > max(CHUNK, command.le or 0) + 2:
                raise CardProtocol("longer than was asked for")
            if answer[-2] >> 4 not in (0x6, 0x9):  # ISO/IEC 7816-4 §5.6: every other value is invalid
                raise CardProtocol("not a status word")
            response = Response(bytes(answer[:-2]), int.from_bytes(answer[-2:], "big"))
            return response
        finally:
            encoded[:] = bytes(len(encoded))
            self._guard.learn(learn or command, response)
            if response is None:
                self._application = None
