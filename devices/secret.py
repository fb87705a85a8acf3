"""Bytes that can be overwritten: PIN, 照合番号, certificate, photo.

`str` and `bytes` cannot be wiped in Python, so personal data is held here and decoded only at the last moment.
Copies that libraries make in freed memory are outside our reach; the processes that saw personal data are replaced
after each reception for that reason.
"""

from __future__ import annotations

import hmac
from types import TracebackType
from typing import NoReturn, Self


class Wiped(Exception):
    """The secret was read after it had been wiped."""


class SecretBytes:
    """A fixed-capacity, wipeable byte buffer. Has no useful `repr`, cannot be pickled or copied.

    `capacity` is reserved at once, so that appending never reallocates and leaves an unwiped copy behind.
    """

    __slots__ = ("_buffer", "_length", "_wiped")

    def __init__(self, data: bytes | bytearray | memoryview = b"", *, capacity: int | None = None) -> None:
        size = max(len(data), capacity or 0)
        self._buffer = bytearray(size)
        self._buffer[: len(data)] = data
        self._length = len(data)
        self._wiped = False

    @classmethod
    def adopt(cls, buffer: bytearray) -> Self:
        """Take ownership of `buffer` without copying it; the caller must not use it any more."""
        secret = cls()
        secret._buffer = buffer
        secret._length = len(buffer)
        return secret

    def append(self, byte: int) -> bool:
        """Add one byte. Returns False, changing nothing, when the capacity is used up."""
        self._check()
        if self._length >= len(self._buffer):
            return False
        self._buffer[self._length] = byte
        self._length += 1
        return True

    def pop(self) -> bool:
        """Remove and overwrite the last byte. Returns False when there is none."""
        self._check()
        if self._length == 0:
            return False
        self._length -= 1
        self._buffer[self._length] = 0
        return True

    def clear(self) -> None:
        """Overwrite the content; the buffer stays usable."""
        self._check()
        self._zero()

    def view(self) -> memoryview:
        """A read-only view of the content. Raises `Wiped` after `wipe`."""
        self._check()
        return memoryview(self._buffer)[: self._length].toreadonly()

    def wipe(self) -> None:
        """Overwrite the content for good. May be called again."""
        self._zero()
        self._wiped = True

    @property
    def wiped(self) -> bool:
        return self._wiped

    def matches(self, other: bytes | bytearray | memoryview) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.view(), other)

    def _zero(self) -> None:
        for index in range(len(self._buffer)):
            self._buffer[index] = 0
        self._length = 0

    def _check(self) -> None:
        if self._wiped:
            raise Wiped

    def __len__(self) -> int:
        return self._length

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return "SecretBytes(****)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled or copied")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is never pickled or copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is never pickled or copied")
