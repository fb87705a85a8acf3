"""A virtual card at the socket of vpcd, the virtual reader of vsmartcard (which listens; the card connects).

Frames in both directions: two bytes length, big-endian, then the payload. A payload of one byte is a control code:
0 power off, 1 power on, 2 reset (none of them is answered), 4 asks for the ATR. Longer ones are command APDUs.
Putting the card on the reader is to connect, taking it away is to close.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from devices.simulated.card import CardPulled, CardUnpowered, VirtualCard

PORT = 0x8C7B  # of the first slot; each further slot is one higher

_ASK_ATR = b"\x04"
_POLL_SECONDS = 0.8  # pcscd asks every 0.4 s, on a busy machine later
# Longer than an ATR can be (33 bytes): vpcd still finds a card present, but cannot power it, and pcscd calls it mute.
_NO_ATR = bytes(40)
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class Insertion:
    """One card on one slot, from `start` to `remove`. Retries to connect, so that the reader may come later."""

    def __init__(self, card: VirtualCard, port: int = PORT, host: str = "127.0.0.1") -> None:
        self.card = card
        self._address = (host, port)
        self._seen = threading.Event()
        self._stop = threading.Event()
        self._lifted = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name=f"vpcd-{port}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def forget_seen(self) -> None:
        """Before a reader is started again."""
        self._seen.clear()

    def wait_seen(self, timeout: float) -> bool:
        """True as soon as the reader has powered the card."""
        return self._seen.wait(timeout)

    def lift(self) -> None:
        """Take the card off for as long as the reader needs to notice, and put it down again."""
        self._lifted.set()
        self._hang_up(socket.SHUT_WR)

    def remove(self) -> None:
        """Take the card away, also in the middle of a command; returns when the reader has noticed (at most 3 s).
        May be called again."""
        self._stop.set()
        self.card.release()
        self._hang_up(socket.SHUT_WR)
        self._thread.join(timeout=3)
        self._hang_up(socket.SHUT_RDWR)
        self._thread.join(timeout=3)
        self.card.power_off()

    def _hang_up(self, how: int) -> None:
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(how)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                connection = socket.create_connection(self._address, timeout=2)
            except OSError:
                self._stop.wait(0.05)
                continue
            with connection:
                with self._lock:
                    self._socket = connection
                if not self._stop.is_set():
                    self._serve(connection)
                with self._lock:
                    self._socket = None
            # The reader's service went down: the card still lies there and is found again when it is back.
            self.card.power_off()
            if self._lifted.is_set():
                self._lifted.clear()
                self._stop.wait(_POLL_SECONDS)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        last = b""
        gone = False
        with contextlib.suppress(OSError):
            while frame := _receive(connection) or b"":
                last = frame
                if gone or self._stop.is_set() or self._lifted.is_set():
                    continue  # it is gone: no answer, until the reader hangs up too
                try:
                    answer = self._answer(frame)
                except CardPulled:
                    self._stop.set()
                    self._hang_up(socket.SHUT_WR)
                    continue
                if answer == b"":
                    # vpcd waits for ever after a frame without a byte (tried). Contact lost for a moment is what gives
                    # a client success and no byte; the card is found again after that.
                    gone = True
                    self._hang_up(socket.SHUT_WR)
                elif answer is not None and not self._stop.is_set():
                    connection.sendall(len(answer).to_bytes(2) + answer)
        if (gone or self._stop.is_set()) and last != _ASK_ATR:
            # The reader hung up over something else than its question whether a card is there. Were the next card
            # put down before that question, pcscd would never know that this one was taken away.
            time.sleep(_POLL_SECONDS)

    def _answer(self, frame: bytes) -> bytes | None:
        if len(frame) > 1:
            try:
                response = self.card.process(frame)
            except CardUnpowered:
                return b""
            self.card.wait()
            return response
        match frame:
            case b"\x00":
                self.card.power_off()
            case b"\x01":
                self.card.power_on()
                self._seen.set()
            case b"\x02":
                self.card.reset()
            case _ if frame == _ASK_ATR:
                return self.card.atr or _NO_ATR
        return None


def _receive(connection: socket.socket) -> bytes | None:
    """One frame, or None at the end of the connection."""
    head = _exactly(connection, 2)
    return None if head is None else _exactly(connection, int.from_bytes(head))


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        if _QUICK_ACK is not None:
            # vpcd sends length and payload apart and without TCP_NODELAY; a delayed ACK would cost 40 ms for every
            # APDU. The option is not sticky, hence before every recv.
            connection.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        part = connection.recv(size - len(data))
        if not part:
            return None
        data += part
    return bytes(data)
