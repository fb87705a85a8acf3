"""The folder that the receipt computer polls: `.tmp`, fsync, rename, fsync of the folder."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kiosk.handoff.errors import ForeignFolder
from kiosk.qualification import JST

PREFIX = "OQSsiquc01res_face_"
_TRIES = 5
_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class HandoffFolder:
    """`institution`: 医療機関コード, ten digits. `pause`: seconds between tries when another program holds a file."""

    path: Path
    institution: str
    pause: float = _PAUSE

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{10}", self.institution):
            raise ValueError("institution code: 10 digits")

    def check(self) -> None:
        """Raises `ForeignFolder` when a face result file of another institution lies here, `OSError` when the folder
        is not there or not writable."""
        ours = (PREFIX + self.institution).lower()
        for name in map(str.lower, os.listdir(self.path)):
            if name.startswith(PREFIX.lower()) and not name.startswith(ours):
                raise ForeignFolder("files of another institution")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise PermissionError("the hand-off folder is not writable")

    def name(self, reception: str, at: datetime) -> str:
        """`OQSsiquc01res_face_<institution><20 hexadecimal>_<yyyyMMddHHmmss>.xml`; the twenty tell nothing."""
        return f"{PREFIX}{self.institution}{_stem(reception)}_{at.astimezone(JST):%Y%m%d%H%M%S}.xml"

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

    def aside(self, reception: str) -> bytes | None:
        """SHA-256 of what lies under the temporary name; None: nothing does."""
        try:
            return hashlib.sha256(self._temporary(reception).read_bytes()).digest()
        except FileNotFoundError:
            return None

    def put_in_place(self, reception: str, name: str) -> None:
        """Give the file its name. Raises `FileExistsError`: a name is never used twice."""
        target = self.path / name
        if target.exists():
            raise FileExistsError("a file of this name is there already")
        self._patiently(lambda: os.rename(self._temporary(reception), target))
        self._sync()

    def discard(self, reception: str) -> None:
        self._patiently(lambda: self._temporary(reception).unlink(missing_ok=True))

    def holds(self, name: str) -> bool:
        return (self.path / name).exists()

    def remove(self, name: str) -> None:
        self._patiently(lambda: (self.path / name).unlink(missing_ok=True))
        self._sync()

    def _temporary(self, reception: str) -> Path:
        return self.path / f"{PREFIX}{self.institution}{_stem(reception)}.tmp"

    def _patiently(self, action: Callable[[], None]) -> None:
        """On a share a file that somebody reads or scans can refuse for a moment (sharing violation)."""
        for left in reversed(range(_TRIES)):
            try:
                return action()
            except PermissionError:
                if left == 0:
                    raise
                time.sleep(self.pause)

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stem(reception: str) -> str:
    return hashlib.sha256(reception.encode()).hexdigest()[:20]
