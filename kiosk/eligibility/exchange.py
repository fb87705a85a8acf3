"""Files of the exchange folders, on a share that others use too: looked at with care, placed whole, removed."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from kiosk.oqs.names import TEMPORARY


class Unusable(Exception):
    """There is something of this name that is no file, or too large a one. `word`: which."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def look(path: Path, most: int) -> bytes | None:
    """The content; None: nothing is there. Raises `Unusable`, also for more than `most` bytes, and OSError, also when
    the folder is away."""
    try:
        # Without O_NONBLOCK a pipe that somebody put here would hold us for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if path.parent.is_dir():
            return None
        raise
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise Unusable("not a file") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unusable("not a file")
    with open(descriptor, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise Unusable("size")
    return content


def place(path: Path, content: bytes | bytearray, *, mode: int = 0o640) -> None:
    """`.tmp` → fsync → rename. Raises OSError; nothing is left then."""
    temporary = path.with_suffix(TEMPORARY)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, mode)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError:
        remove(temporary)
        raise


def remove(path: Path) -> None:
    """If it can be; what stays is tried again by whoever tidies up."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
