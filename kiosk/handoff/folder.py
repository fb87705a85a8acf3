"""Folders on a share that other programs poll: `.tmp`, fsync, rename, fsync of the folder."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path

from kiosk.files import sync_folder
from kiosk.handoff.errors import ForeignFolder
from kiosk.qualification import JST

PREFIX = "OQSsiquc01res_face_"
_TRIES = 5
_PAUSE = 0.2


class Standing(Enum):
    """How far a file has come that was put aside."""

    ASIDE = auto()  # whole, under its temporary name
    DAMAGED = auto()  # under its temporary name, but not what was written
    PLACED = auto()  # it has its name, or had it and was taken
    UNKNOWN = auto()  # nothing is there, and this is not the folder into which it was written: a share that is away


@dataclass(frozen=True, slots=True)
class Shelf:
    """`prefix`: how all names here begin. `pause`: seconds between tries when another program holds a file."""

    path: Path
    prefix: str
    pause: float = _PAUSE

    def check(self) -> None:
        """Raises OSError when the folder is not there or not writable."""
        os.listdir(self.path)
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise PermissionError("the hand-off folder is not writable")

    def identity(self) -> bytes:
        """Tells this folder from an empty mount point under the same name. Eight bytes. Raises OSError."""
        about = os.stat(self.path)
        return hashlib.sha256(f"{about.st_dev} {about.st_ino}".encode()).digest()[:8]

    def name(self, reception: str, at: datetime) -> str:
        """`<prefix><20 hexadecimal>_<yyyyMMddHHmmss>.xml`; the twenty tell nothing."""
        return f"{self.prefix}{stem(reception)}_{at.astimezone(JST):%Y%m%d%H%M%S}.xml"

    def put_aside(self, reception: str, content: bytearray) -> None:
        """Write the whole file under its temporary name; on the disk when this returns."""
        temporary = self._temporary(reception)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def standing(self, reception: str, name: str, digest: bytes, identity: bytes) -> Standing:
        """`digest`: the first bytes of the content's SHA-256. `identity`: of the folder into which it was written."""
        try:
            found = hashlib.sha256(self._temporary(reception).read_bytes()).digest()
        except FileNotFoundError:
            here = self.holds(name) or self.identity() == identity
            return Standing.PLACED if here else Standing.UNKNOWN
        return Standing.ASIDE if found.startswith(digest) else Standing.DAMAGED

    def put_in_place(self, reception: str, name: str) -> None:
        """Give the file its name. Raises `FileExistsError`: a name is never used twice."""
        target = self.path / name
        if target.exists():
            raise FileExistsError("a file of this name is there already")
        self._patiently(lambda: os.rename(self._temporary(reception), target))
        sync_folder(self.path)

    def discard(self, reception: str) -> None:
        self._patiently(lambda: self._temporary(reception).unlink(missing_ok=True))

    def holds(self, name: str) -> bool:
        return (self.path / name).exists()

    def remove(self, name: str) -> None:
        self._patiently(lambda: (self.path / name).unlink(missing_ok=True))
        sync_folder(self.path)

    def _temporary(self, reception: str) -> Path:
        return self.path / f"{self.prefix}{stem(reception)}.tmp"

    def _patiently(self, action: Callable[[], None]) -> None:
        """On a share a file that somebody reads or scans can refuse for a moment (sharing violation)."""
        for _ in range(_TRIES - 1):
            try:
                return action()
            except PermissionError:
                time.sleep(self.pause)
        action()


class HandoffFolder(Shelf):
    """The folder of face result files. `institution`: 医療機関コード, ten digits."""

    __slots__ = ()

    def __init__(self, path: Path, institution: str, pause: float = _PAUSE) -> None:
        if not re.fullmatch(r"[0-9]{10}", institution):
            raise ValueError("institution code: 10 digits")
        super().__init__(path, PREFIX + institution, pause)

    @property
    def institution(self) -> str:
        return self.prefix.removeprefix(PREFIX)

    def check(self) -> None:
        """Also raises `ForeignFolder` when a face result file of another institution lies here."""
        Shelf.check(self)
        for name in map(str.lower, os.listdir(self.path)):
            if name.startswith(PREFIX.lower()) and not name.startswith(self.prefix.lower()):
                raise ForeignFolder("files of another institution")


def stem(reception: str) -> str:
    """Twenty hexadecimal digits that the names of a reception's files have in common."""
    return hashlib.sha256(reception.encode()).hexdigest()[:20]
