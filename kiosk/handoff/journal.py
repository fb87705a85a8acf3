"""What was promised to the receipt computer, in space that is reserved at the start.

A file of fixed slots, updated in place: a full disk cannot stop it. Each slot has two halves that are written in turn
and carry a checksum, so that a torn write leaves the state before. Holds ids, names and hashes; nothing personal.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Self

from kiosk.handoff.errors import JournalDamaged, JournalFull
from kiosk.qualification import JST

SLOTS = 512
HALF = 256
_MAGIC = b"UKTKJNL1"
_HEADER = 4096
# sequence, state, number, day, begun, changed, id, file name, hash of the file
_FORMAT = struct.Struct(">QBHIQQ64s80s32s")
_CHECK = 16


class State(IntEnum):
    SENT = 1  # the consents are, or may be, at the gateway
    READY = 2  # the whole file lies under its temporary name
    DONE = 3  # the file was put in place
    CLAIMED = 4  # the receipt computer took it
    DROPPED = 5  # the gateway never got the consents: no file
    EXPIRED = 6  # nobody took it, it was removed after the retention time


OPEN = (State.SENT, State.READY)


@dataclass(frozen=True, slots=True)
class Entry:
    """`number`: 受付番号 of `day` (YYYYMMDD), 0 while there is none. Times: seconds since 1970."""

    reception: str
    name: str
    state: State
    begun: int
    changed: int
    number: int = 0
    day: int = 0
    sha256: bytes = bytes(32)
    sequence: int = 0


class Journal:
    """One process holds it. Raises `JournalDamaged`, `OSError` (no space only when it is made)."""

    def __init__(self, path: Path, now: Callable[[], datetime], slots: int = SLOTS) -> None:
        self._now = now
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._slots = self._reserve(path, slots)
            self._entries: dict[str, tuple[int, Entry]] = {}
            self._sequence = 0
            for slot in range(self._slots):
                if (entry := self._newest(slot)) is not None:
                    self._entries[entry.reception] = slot, entry
                    self._sequence = max(self._sequence, entry.sequence)
        except BaseException:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        """May be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Entry]:
        """Oldest change first."""
        return iter(sorted((entry for _, entry in self._entries.values()), key=lambda entry: entry.sequence))

    def get(self, reception: str) -> Entry | None:
        found = self._entries.get(reception)
        return None if found is None else found[1]

    def begin(self, reception: str, name: str) -> Entry:
        """SENT, on the disk when this returns. Raises `JournalFull`, ValueError."""
        if not 0 < len(reception.encode()) <= 64 or not 0 < len(name.encode()) <= 80:
            raise ValueError("id of 1 to 64 bytes, name of 1 to 80 bytes")
        seconds = int(self._now().timestamp())
        return self._put(self._free_slot(), Entry(reception, name, State.SENT, seconds, seconds))

    def change(
        self,
        reception: str,
        state: State,
        *,
        name: str | None = None,
        number: int | None = None,
        sha256: bytes | None = None,
    ) -> Entry:
        """On the disk when this returns."""
        slot, entry = self._entries[reception]
        entry = replace(
            entry,
            state=state,
            name=entry.name if name is None else name,
            sha256=entry.sha256 if sha256 is None else sha256,
            changed=int(self._now().timestamp()),
        )
        if number is not None:
            entry = replace(entry, number=number, day=self._today())
        return self._put(slot, entry)

    def next_number(self) -> int:
        """受付番号: counts from 1 every day."""
        today = self._today()
        return 1 + max((entry.number for _, entry in self._entries.values() if entry.day == today), default=0)

    # --- the file --------------------------------------------------------------------------------------------------

    def _reserve(self, path: Path, slots: int) -> int:
        size = os.fstat(self._descriptor).st_size
        if size == 0 or os.pread(self._descriptor, 8, 0) == bytes(8):
            # The magic number goes in last: what lacks it was interrupted while it was made, and is empty.
            whole = _HEADER + slots * 2 * HALF
            os.ftruncate(self._descriptor, 0)
            os.posix_fallocate(self._descriptor, 0, whole)
            os.fsync(self._descriptor)
            os.pwrite(self._descriptor, _MAGIC + slots.to_bytes(4), 0)
            os.fsync(self._descriptor)
            _sync_folder(path.parent)
            return slots
        header = os.pread(self._descriptor, 12, 0)
        found = int.from_bytes(header[8:])
        if header[:8] != _MAGIC or size != _HEADER + found * 2 * HALF:
            raise JournalDamaged("not a journal of this version")
        return found

    def _newest(self, slot: int) -> Entry | None:
        halves = [self._read(slot, half) for half in (0, 1)]
        return max((entry for entry in halves if entry is not None), key=lambda entry: entry.sequence, default=None)

    def _read(self, slot: int, half: int) -> Entry | None:
        data = os.pread(self._descriptor, HALF, self._position(slot, half))
        content = data[: _FORMAT.size]
        if data[_FORMAT.size : _FORMAT.size + _CHECK] != _checksum(content):
            return None
        sequence, state, number, day, begun, changed, reception, name, sha256 = _FORMAT.unpack(content)
        return Entry(
            reception.rstrip(b"\0").decode(),
            name.rstrip(b"\0").decode(),
            State(state),
            begun,
            changed,
            number,
            day,
            sha256,
            sequence,
        )

    def _put(self, slot: int, entry: Entry) -> Entry:
        self._sequence += 1
        entry = replace(entry, sequence=self._sequence)
        content = _FORMAT.pack(
            entry.sequence,
            entry.state,
            entry.number,
            entry.day,
            entry.begun,
            entry.changed,
            entry.reception.encode(),
            entry.name.encode(),
            entry.sha256,
        )
        current = [self._read(slot, half) for half in (0, 1)]
        older = 0 if current[0] is None or (current[1] and current[0].sequence < current[1].sequence) else 1
        os.pwrite(self._descriptor, content + _checksum(content), self._position(slot, older))
        os.fdatasync(self._descriptor)
        self._entries[entry.reception] = slot, entry
        return entry

    def _free_slot(self) -> int:
        used = {slot: entry for slot, entry in self._entries.values()}
        for slot in range(self._slots):
            if slot not in used:
                return slot
        # The oldest that is over; one whose file may still lie there goes last.
        over = [
            (entry.state is State.DONE, entry.sequence, slot) for slot, entry in used.items() if entry.state not in OPEN
        ]
        if not over:
            raise JournalFull("every slot is in use")
        slot = min(over)[2]
        del self._entries[used[slot].reception]
        return slot

    def _position(self, slot: int, half: int) -> int:
        return _HEADER + (slot * 2 + half) * HALF

    def _today(self) -> int:
        return int(f"{self._now().astimezone(JST):%Y%m%d}")


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(_MAGIC + content).digest()[:_CHECK]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
