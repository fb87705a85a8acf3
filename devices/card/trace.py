"""A conversation with a card, written down without what the card and the person say, and played again in a test.

Masked by construction: a line is made of what is *kept*, nothing is blacked out afterwards. Kept are the header of a
command (CLA INS P1 P2), lengths, status words, times; of data only the application or file that a SELECT names, the
first tag and length of a file when it is the one expected there, and a token label when it is one of the known. PINs,
照合番号, certificate, photo, digests and signatures are never looked at. Lengths remain: the length of a photo can
tell two cards apart, so that a trace is for whoever mends the kiosk and for nobody else.

One JSON object a line; see `Line`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from devices import errors
from devices.card import tlv
from devices.card.capability import Reach, announced
from devices.card.driver import CardConnection
from devices.card.profile import PROFILES
from devices.errors import CardProtocol, DeviceError

LIMIT = 1 << 20  # bytes; some 12,000 exchanges
FILLER = b"\xff"  # in the place of what was not kept

_SELECT, _READ, _GET_RESPONSE = 0xA4, 0xB0, 0xC0
_FIRST_TAGS = (0x30, 0xFF20, 0x7F21)  # of the certificate, the card face and the CV certificate
_FAULTS: dict[str, type[DeviceError]] = {
    kind.fault.value: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, DeviceError) and DeviceError in kind.__bases__
}


@dataclass(frozen=True, slots=True)
class Line:
    """One exchange.

    `command`: CLA INS P1 P2, hexadecimal. `lc`: bytes of its data; `le`: bytes wanted, None without Le. `selects`:
    data of a SELECT. `sw`: status word, or None when the exchange ended in `fault`. `got`: bytes of the answer's data;
    `head`: those of them that are kept. `micros`: microseconds from command to answer.
    """

    command: str
    lc: int
    le: int | None
    selects: str
    sw: str | None
    fault: str
    got: int
    head: str
    micros: int

    def to_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ValueError."""
        value = json.loads(text)
        if not isinstance(value, dict) or set(value) != set(cls.__slots__):
            raise ValueError("not a line of a trace")
        line = cls(**value)
        if not isinstance(line.got, int) or not len(line.head) // 2 <= line.got <= 65536:
            raise ValueError("not a length")
        return line


class TraceFile:
    """Lines at the end of a file that only its owner reads, up to `LIMIT` bytes. Never disturbs whoever writes: a file
    that cannot be written stays short."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._path = path
        self._limit = limit

    def write(self, text: str) -> None:
        with suppress(OSError):
            # Several processes, one after the other, write to it: opened for each line.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self._path, flags, 0o600)
            try:
                data = text.encode() + b"\n"
                if os.fstat(handle).st_size + len(data) <= self._limit:
                    os.write(handle, data)
            finally:
                os.close(handle)


class Recorded:
    """A `CardConnection` that writes down what passes through it."""

    def __init__(
        self,
        link: CardConnection,
        write: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._write = write
        self._labels = frozenset(label.encode() for profile in PROFILES for label in profile.labels)
        self._clock = clock
        self._at_start = False  # whether the next data is the beginning of a file
        # Historical bytes may hold more than what a card can do: the ATR itself is not kept.
        write(json.dumps({"reader": self.reader, "extended": announced(self.atr) is Reach.UNPROVEN}))

    @property
    def atr(self) -> bytes:
        return self._link.atr

    @property
    def reader(self) -> str:
        return self._link.reader

    def transmit(self, command: bytes | bytearray) -> bytes:
        begin = self._clock()
        fault, answer = "", b""
        try:
            answer = self._link.transmit(command)
            return answer
        except DeviceError as error:
            fault = error.fault.value
            raise
        finally:
            self._write(self._line(command, answer, fault, self._clock() - begin).to_json())

    def transaction(self) -> AbstractContextManager[None]:
        return self._link.transaction()

    def count(self) -> int | None:
        return self._link.count()

    def reconnect(self) -> None:
        self._link.reconnect()

    def close(self) -> None:
        self._link.close()

    def _line(self, command: bytes | bytearray, answer: bytes, fault: str, seconds: float) -> Line:
        lc, le = _lengths(command)
        selects = bytes(command[5 : 5 + lc]) if command[1] == _SELECT and lc <= 16 else b""
        if command[1] == _READ:
            self._at_start = not (command[3] if command[2] & 0x80 else int.from_bytes(command[2:4]))
        elif command[1] != _GET_RESPONSE:
            self._at_start = False
        data = memoryview(answer)[:-2] if len(answer) >= 2 else memoryview(b"")
        head = b""
        if self._at_start and len(data):
            head = self._kept(data)
            self._at_start = False
        return Line(
            command=bytes(command[:4]).hex(),
            lc=lc,
            le=le,
            selects=selects.hex(),
            sw=bytes(answer[-2:]).hex() if len(answer) >= 2 else None,
            fault=fault,
            got=len(data),
            head=head.hex(),
            micros=round(seconds * 1e6),
        )

    def _kept(self, data: memoryview) -> bytes:
        """Of the beginning of a file."""
        label = bytes(data[:32])
        if label.rstrip(b" \0") in self._labels:
            return label
        with suppress(CardProtocol):
            tag, size, _ = tlv.header(data[:8])
            if tag in _FIRST_TAGS:
                return bytes(data[:size])
        return b""


def _lengths(command: bytes | bytearray) -> tuple[int, int | None]:
    """Lc and Le of a command APDU (ISO 7816-3 §12.1.3) as `devices.card.apdu` makes them."""
    body = len(command) - 4
    if body == 0:
        return 0, None
    if body == 1:
        return 0, command[4] or 256
    if body == 3 and command[4] == 0:
        return 0, int.from_bytes(command[5:7]) or 65536
    lc = command[4]
    return lc, (command[-1] or 256) if body > 1 + lc else None


# --- played again --------------------------------------------------------------------------------------------------


class Diverged(AssertionError):
    """The client did something else than what was recorded."""


class Replay:
    """A transport that answers as the card in the trace did, as long as the same is asked.

    What was not kept is `FILLER`, unless `stand_in(line, command)` gives other data of the same length. Raises
    `Diverged`, and `DeviceError` where the trace has one.
    """

    def __init__(
        self,
        lines: Iterable[str],
        stand_in: Callable[[Line, bytes], bytes | None] = lambda line, command: None,
    ) -> None:
        self.reach = Reach.SHORT
        self._lines: list[Line] = []
        self._next = 0
        self._stand_in = stand_in
        for text in lines:
            if '"command"' in text:
                self._lines.append(Line.from_json(text))
            elif self._opens(json.loads(text)):
                self.reach = Reach.UNPROVEN

    @staticmethod
    def _opens(value: Any) -> bool:
        if not isinstance(value, dict) or set(value) != {"reader", "extended"}:
            raise ValueError("not a line of a trace")
        return bool(value["extended"])

    @property
    def left(self) -> int:
        """Exchanges that were not asked for yet."""
        return len(self._lines) - self._next

    def transmit(self, command: bytes | bytearray) -> bytes:
        if not self.left:
            raise Diverged(f"after the last exchange: {bytes(command[:4]).hex()}")
        line = self._lines[self._next]
        lc, le = _lengths(command)
        selects = bytes(command[5 : 5 + lc]).hex() if command[1] == _SELECT else ""
        asked = (bytes(command[:4]).hex(), lc, le, selects)
        if asked != (line.command, line.lc, line.le, line.selects):
            raise Diverged(f"exchange {self._next}: {line.command} lc {line.lc} le {line.le}, but {asked[:3]}")
        self._next += 1
        if line.fault:
            raise _FAULTS.get(line.fault, CardProtocol)("as recorded")
        if line.sw is None:
            return b""
        data = self._stand_in(line, bytes(command))
        if data is None:
            head = bytes.fromhex(line.head)
            data = head + FILLER * (line.got - len(head))
        if len(data) != line.got:
            raise ValueError(f"exchange {self._next - 1} had {line.got} bytes")
        return data + bytes.fromhex(line.sw)
