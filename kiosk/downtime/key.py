"""The key of the queue: 32 random bytes in a file that does not lie with what it opens.

Whoever copies or steals the state folder, or finds an old disk with it, has nothing without this file. A folder in
memory (`/run/...`, gone at power-off) or another disk is a good place for it. Lost key: lost entries, nothing else.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from devices.secret import SecretBytes
from kiosk.downtime.errors import KeyRefused
from kiosk.files import sync_folder

KEY_BYTES = 32
_OUTSIDE = "a file outside the state folder"
_MODE = "a file of the kiosk's user, mode 0600"
_MAKE = f"{KEY_BYTES} bytes, as `kiosk queue make-key` writes them"


def load_key(path: Path, state: Path) -> SecretBytes:
    """The key in `path`; the caller wipes it. `state`: the state folder, in which it must not lie. `KeyRefused`."""
    place = _outside(path, state)
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise KeyRefused(f"cannot be read ({type(error).__name__})", str(path), _MODE) from None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise KeyRefused("is not a file", str(path), _MODE)
        if about.st_nlink != 1:
            raise KeyRefused("has another name elsewhere (hard link)", str(path), _OUTSIDE)
        if about.st_uid != os.geteuid():
            raise KeyRefused("belongs to another user", str(path), _MODE)
        if about.st_mode & 0o077:
            raise KeyRefused("is open to group or others", str(path), _MODE)
        buffer = bytearray(KEY_BYTES)
        if about.st_size != KEY_BYTES or os.readv(descriptor, [buffer]) != KEY_BYTES:
            raise KeyRefused("is not a key: wrong size", str(path), _MAKE)
    finally:
        os.close(descriptor)
    return SecretBytes.adopt(buffer)


def make_key(path: Path, state: Path) -> None:
    """Write a new key, mode 0600. Never overwrites: `KeyRefused` when anything lies there; OSError."""
    place = _outside(path, state)
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise KeyRefused("is there already; a key is never overwritten", str(path), "a new file") from None
    try:
        os.write(descriptor, os.urandom(KEY_BYTES))
        os.fsync(descriptor)
    except OSError:
        place.unlink()
        raise
    finally:
        os.close(descriptor)
    sync_folder(place.parent)


def _outside(path: Path, state: Path) -> Path:
    """Where `path` leads. Neither the name nor what a link leads to may lie in the state folder."""
    folder = state.resolve()
    by_name = path.parent.resolve() / path.name
    place = path.resolve()
    for each in (by_name, place):
        if each.is_relative_to(folder):
            raise KeyRefused("lies in the state folder, with what it opens", str(path), _OUTSIDE)
    return place
