"""Bytes in anonymous shared memory, handed between processes by file descriptor.

A *named* segment stays in /dev/shm after SIGKILL; a memfd has no name and goes with its last descriptor.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from types import TracebackType
from typing import Self

from devices.secret import SecretBytes

_SIZE_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


_ZEROS = memoryview(bytes(1 << 16))


class Blob:
    """Owns one memfd. Whoever receives a blob owns it and ends it with `wipe`."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Self:
        blob = cls.empty(len(data))
        if len(data):
            with mmap.mmap(blob._fd, len(data)) as area:
                area[:] = bytes(data) if isinstance(data, memoryview) else data
        return blob

    @classmethod
    def empty(cls, size: int) -> Self:
        """`size` zero bytes."""
        fd = os.memfd_create("uketsuke", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, size)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SIZE_SEALS)
        return cls(fd)

    @property
    def fd(self) -> int:
        if self._fd < 0:
            raise ValueError("the blob was closed")
        return self._fd

    @property
    def sealed(self) -> bool:
        """The size is fixed for good: nobody can cut the memory while it is mapped here (SIGBUS)."""
        try:
            return fcntl.fcntl(self.fd, fcntl.F_GET_SEALS) & _SIZE_SEALS == _SIZE_SEALS
        except OSError:  # not a memfd
            return False

    @property
    def closed(self) -> bool:
        return self._fd < 0

    def __len__(self) -> int:
        return os.fstat(self.fd).st_size

    def map(self) -> mmap.mmap:
        """The content as writable shared memory; the caller closes the map."""
        return mmap.mmap(self.fd, len(self))

    def secret(self) -> SecretBytes:
        """A wipeable copy of the content."""
        size = len(self)
        buffer = bytearray(size)
        if size:
            with mmap.mmap(self.fd, size) as area, memoryview(area) as view:
                buffer[:] = view
        return SecretBytes.adopt(buffer)

    def duplicate(self) -> Blob:
        """Another owner of the same memory: wiping either empties both."""
        return Blob(os.dup(self.fd))

    def wipe(self) -> None:
        """Overwrite the memory (for every owner) and close. May be called again."""
        if self._fd < 0:
            return
        # By writing, not by mapping: that works when the process has no memory left, too.
        size = os.fstat(self._fd).st_size
        for offset in range(0, size, len(_ZEROS)):
            os.pwrite(self._fd, _ZEROS[: size - offset], offset)
        self.close()

    def close(self) -> None:
        """Give up this owner's descriptor without overwriting."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return "Blob(****)"
