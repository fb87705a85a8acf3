"""pcsc-lite's three calls that take or give names of readers, with names as bytes.

pyscard reads names as UTF-8 and refuses the whole list when one is not; it sends ASCII only. A name is whatever a
driver's author or `reader.conf` wrote: a reader called カードリーダー could be seen but never used. These calls are
made for such names only (winscard.h of pcsc-lite, Linux; contexts and handles are the same numbers as pyscard's).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

_MAX_ATR = 33
_LIBRARY = "libpcsclite.so.1"


class _ReaderState(ctypes.Structure):
    """SCARD_READERSTATE."""

    _fields_ = (
        ("reader", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
        ("current", ctypes.c_ulong),
        ("event", ctypes.c_ulong),
        ("atr_length", ctypes.c_ulong),
        ("atr", ctypes.c_ubyte * _MAX_ATR),
    )


def plain(name: str) -> bool:
    """Whether pyscard can say it."""
    return name.isascii()


def list_readers(context: int) -> tuple[int, list[str]]:
    """Result code and names; bytes that are no UTF-8 stand as lone surrogates (PEP 383)."""
    size = ctypes.c_ulong(0)
    result = _library().SCardListReaders(ctypes.c_long(context), None, None, ctypes.byref(size))
    if result != 0:
        return result & 0xFFFFFFFF, []
    buffer = ctypes.create_string_buffer(size.value)
    result = _library().SCardListReaders(ctypes.c_long(context), None, buffer, ctypes.byref(size))
    if result != 0:  # one was plugged in between the two calls
        return result & 0xFFFFFFFF, []
    return 0, [_decoded(name) for name in buffer.raw[: size.value].split(b"\0") if name]


def status_change(
    context: int, timeout_ms: int, readers: Sequence[tuple[str, int]]
) -> tuple[int, list[tuple[str, int, bytes]]]:
    """Result code; reader, state word, ATR."""
    states = (_ReaderState * len(readers))()
    for state, (name, current) in zip(states, readers, strict=True):
        state.reader, state.current = _encoded(name), current
    result = _library().SCardGetStatusChange(
        ctypes.c_long(context), ctypes.c_ulong(timeout_ms), states, ctypes.c_ulong(len(readers))
    )
    found = [
        (name, state.event & 0xFFFFFFFF, bytes(state.atr[: min(state.atr_length, _MAX_ATR)]))
        for state, (name, _) in zip(states, readers, strict=True)
    ]
    return result & 0xFFFFFFFF, found


def connect(context: int, reader: str, share: int, protocols: int) -> tuple[int, int, int]:
    """Result code, card handle, protocol in use."""
    card, protocol = ctypes.c_long(0), ctypes.c_ulong(0)
    result = _library().SCardConnect(
        ctypes.c_long(context),
        ctypes.c_char_p(_encoded(reader)),
        ctypes.c_ulong(share),
        ctypes.c_ulong(protocols),
        ctypes.byref(card),
        ctypes.byref(protocol),
    )
    return result & 0xFFFFFFFF, card.value, protocol.value


@cache
def _library() -> Any:
    library = ctypes.CDLL(_LIBRARY)
    for name in ("SCardListReaders", "SCardGetStatusChange", "SCardConnect"):
        getattr(library, name).restype = ctypes.c_long
    return library


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
