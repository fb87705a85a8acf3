"""The PC/SC functions that are used here, typed. The only module that imports `smartcard`, and only when asked to.

`smartcard`'s own monitor and connection classes are not used: its monitor thread ends on a service restart and polls,
and its connections leave cards powered or reset by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from devices.errors import (
    AccessDenied,
    CardBusy,
    CardMute,
    CardProtocol,
    CardRemoved,
    CardReset,
    CardSwapped,
    DeviceError,
    NoCard,
    NoReader,
    ServiceDown,
)
from devices.pcsc import names

# winscard.h / pcsclite.h: the same numbers on every platform.
SUCCESS = 0
E_CANCELLED = 0x80100002
E_INVALID_HANDLE = 0x80100003
E_UNKNOWN_READER = 0x80100009
E_TIMEOUT = 0x8010000A
E_SHARING_VIOLATION = 0x8010000B
E_NO_SMARTCARD = 0x8010000C
E_PROTO_MISMATCH = 0x8010000F
E_SYSTEM_CANCELLED = 0x80100012
F_COMM_ERROR = 0x80100013
E_NOT_TRANSACTED = 0x80100016
E_READER_UNAVAILABLE = 0x80100017
E_NO_SERVICE = 0x8010001D
E_NO_ACCESS = 0x80100027
E_SERVICE_STOPPED = 0x8010001E
E_NO_READERS_AVAILABLE = 0x8010002E
W_UNSUPPORTED_CARD = 0x80100065
W_UNRESPONSIVE_CARD = 0x80100066
W_UNPOWERED_CARD = 0x80100067
W_RESET_CARD = 0x80100068
W_REMOVED_CARD = 0x80100069
W_SECURITY_VIOLATION = 0x8010006A

STATE_UNAWARE = 0x0000
STATE_CHANGED = 0x0002
STATE_UNKNOWN = 0x0004
STATE_UNAVAILABLE = 0x0008
STATE_PRESENT = 0x0020
STATE_MUTE = 0x0200

SHARE_EXCLUSIVE = 1
PROTOCOL_T0 = 1
PROTOCOL_T1 = 2
LEAVE_CARD = 0
RESET_CARD = 1
UNPOWER_CARD = 2

PNP_NOTIFICATION = "\\\\?PnP?\\Notification"

# The context is of no use after these; SCardIsValidContext would still call it valid after a service restart.
CONTEXT_LOST = frozenset({E_NO_SERVICE, E_SERVICE_STOPPED, E_INVALID_HANDLE, F_COMM_ERROR, E_SYSTEM_CANCELLED})

_FAULTS: dict[int, type[DeviceError]] = {
    E_NO_SERVICE: ServiceDown,
    E_SERVICE_STOPPED: ServiceDown,
    E_INVALID_HANDLE: ServiceDown,
    F_COMM_ERROR: ServiceDown,
    E_SYSTEM_CANCELLED: ServiceDown,
    E_NO_READERS_AVAILABLE: NoReader,
    E_UNKNOWN_READER: NoReader,
    E_READER_UNAVAILABLE: NoReader,
    E_NO_SMARTCARD: NoCard,
    E_SHARING_VIOLATION: CardBusy,
    E_NOT_TRANSACTED: CardRemoved,  # what a removal in the middle of an APDU looks like
    W_REMOVED_CARD: CardSwapped,
    W_RESET_CARD: CardReset,
    W_UNSUPPORTED_CARD: CardMute,
    W_UNRESPONSIVE_CARD: CardMute,
    W_UNPOWERED_CARD: CardMute,
    E_PROTO_MISMATCH: CardMute,
    E_NO_ACCESS: AccessDenied,
    W_SECURITY_VIOLATION: AccessDenied,  # polkit said no (pcsc-lite >= 2.0)
}


def check(result: int) -> None:
    """Raise the `DeviceError` that `result` stands for, if it is not success."""
    code = result & 0xFFFFFFFF  # some builds return it signed
    if code != SUCCESS:
        raise _FAULTS.get(code, CardProtocol)(f"PC/SC 0x{code:08X}")


class ScardApi(Protocol):
    """PC/SC as functions (pcsc-lite's winscard.h). Results are the unsigned codes above, never exceptions."""

    def establish(self) -> tuple[int, Any]:
        """A context."""

    def release(self, context: Any) -> int: ...

    def list_readers(self, context: Any) -> tuple[int, list[str]]: ...

    def status_change(
        self, context: Any, timeout_ms: int, readers: Sequence[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, bytes]]]:
        """Block until a reader's state differs from the one given. Reader, state word, ATR of the card on it."""

    def cancel(self, context: Any) -> int:
        """End a `status_change` of the same context; from any thread."""

    def connect(self, context: Any, reader: str, share: int, protocols: int) -> tuple[int, Any, int]:
        """A card handle and the protocol in use."""

    def reconnect(self, card: Any, share: int, protocols: int, initialization: int) -> tuple[int, int]:
        """The same handle after a reset by another program, and the protocol in use."""

    def begin(self, card: Any) -> int: ...

    def end(self, card: Any, disposition: int) -> int: ...

    def transmit(self, card: Any, protocol: int, command: bytes | bytearray) -> tuple[int, bytes]: ...

    def disconnect(self, card: Any, disposition: int) -> int: ...


class PyscardApi:
    """`ScardApi` over pyscard's thin wrapper of the C functions.

    The wrapper loses some result codes and raises `SystemError` instead: when it cannot free a list that it never got,
    and for handles that the service does not know. Then the context is gone.
    """

    def __init__(self) -> None:
        from smartcard import scard

        self._scard: Any = scard

    def establish(self) -> tuple[int, Any]:
        result, context = self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_USER)
        return _unsigned(result), context

    def release(self, context: Any) -> int:
        return _unsigned(self._scard.SCardReleaseContext(context))

    def list_readers(self, context: Any) -> tuple[int, list[str]]:
        try:
            result, readers = self._scard.SCardListReaders(context, [])
        except SystemError as error:
            if isinstance(_first(error), UnicodeDecodeError):
                return names.list_readers(context)
            return E_NO_SERVICE, []
        return _unsigned(result), list(readers)

    def status_change(
        self, context: Any, timeout_ms: int, readers: Sequence[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, bytes]]]:
        if not all(names.plain(name) for name, _ in readers):
            return names.status_change(context, timeout_ms, readers)
        result, states = self._scard.SCardGetStatusChange(context, timeout_ms, list(readers))
        return _unsigned(result), [(name, _unsigned(state), _bytes(atr)) for name, state, atr in states]

    def cancel(self, context: Any) -> int:
        return _unsigned(self._scard.SCardCancel(context))

    def connect(self, context: Any, reader: str, share: int, protocols: int) -> tuple[int, Any, int]:
        if not names.plain(reader):
            return names.connect(context, reader, share, protocols)
        result, card, protocol = self._scard.SCardConnect(context, reader, share, protocols)
        return _unsigned(result), card, protocol

    def reconnect(self, card: Any, share: int, protocols: int, initialization: int) -> tuple[int, int]:
        try:
            result, protocol = self._scard.SCardReconnect(card, share, protocols, initialization)
        except SystemError:
            return E_INVALID_HANDLE, 0
        return _unsigned(result), protocol

    def begin(self, card: Any) -> int:
        return _unsigned(self._scard.SCardBeginTransaction(card))

    def end(self, card: Any, disposition: int) -> int:
        return _unsigned(self._scard.SCardEndTransaction(card, disposition))

    def transmit(self, card: Any, protocol: int, command: bytes | bytearray) -> tuple[int, bytes]:
        pci = self._scard.SCARD_PCI_T0 if protocol == PROTOCOL_T0 else self._scard.SCARD_PCI_T1
        result, answer = self._scard.SCardTransmit(card, pci, list(command))
        return _unsigned(result), _bytes(answer)

    def disconnect(self, card: Any, disposition: int) -> int:
        return _unsigned(self._scard.SCardDisconnect(card, disposition))


def _first(error: BaseException) -> BaseException:
    """What began a chain of exceptions."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _unsigned(result: int) -> int:
    return result & 0xFFFFFFFF


def _bytes(values: Sequence[int]) -> bytes:
    return bytes(value & 0xFF for value in values)
