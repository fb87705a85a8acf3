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
from typing import Any, Self

from kiosk.files import sync_folder
from kiosk.handoff.errors import JournalDamaged, JournalFull
from kiosk.qualification import JST

SLOTS = 512
HALF = 256
_MAGIC = b"UKTKJNL1"
_HEADER = 4096
# sequence, state, number, day, begun, changed, id, file name, hash of the file, of the side file, the two folders, FHIR
_FORMAT = struct.Struct(">QBHIQQ64s80s32s16s8s8s?")
_FORMER = (239, 207)  # records of before have no FHIR file; those before them no side file and no folders
_CHECK = 16
_NO_SIDE, _NOWHERE = bytes(16), bytes(8)


class State(IntEnum):
    SENT = 1  # the consents are, or may be, at the gateway
    READY = 2  # the whole file lies under its temporary name
    DONE = 3  # the file was put in place
    CLAIMED = 4  # the receipt computer took it
    DROPPED = 5  # the gateway never got the consents: no file
    EXPIRED = 6  # nobody took it, it was removed after the retention time
    GIVEN_UP = 7  # it could not be written within the retention time; staff were told


OPEN = (State.SENT, State.READY)


@dataclass(frozen=True, slots=True)
class Entry:
    """`number`: 受付番号 of `day` (YYYYMMDD), 0 while there is none. Times: seconds since 1970.

    `side`: first half of the side file's SHA-256, zeros when there is none. `place` and `side_place`: which folders
    the two were written into (`Shelf.identity`). `fhir`: there is a FHIR file, too; `side_place` is then of all that
    goes beside.
    """

    reception: str
    name: str
    state: State
    begun: int
    changed: int
    number: int = 0
    day: int = 0
    sha256: bytes = bytes(32)
    side: bytes = _NO_SIDE
    place: bytes = _NOWHERE
    side_place: bytes = _NOWHERE
    fhir: bool = False
    sequence: int = 0

    @property
    def has_side(self) -> bool:
        return self.side != _NO_SIDE

    @property
    def may_lie(self) -> bool:
        """A file of it may still lie in a folder."""
        return self.state is State.DONE or (self.state is State.CLAIMED and (self.has_side or self.fhir))


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
                if (entry := _newest(self._descriptor, slot)) is not None:
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

    def change(self, reception: str, state: State, **fields: Any) -> Entry:
        """On the disk when this returns. `fields`: others of `Entry`. A number is of today; `changed` is now unless
        given."""
        slot, entry = self._entries[reception]
        fields.setdefault("changed", int(self._now().timestamp()))
        if "number" in fields:
            fields["day"] = self._today()
        return self._put(slot, replace(entry, state=state, **fields))

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
            sync_folder(path.parent)
            return slots
        return _slots(self._descriptor)

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
            entry.side,
            entry.place,
            entry.side_place,
            entry.fhir,
        )
        current = [_read(self._descriptor, slot, half) for half in (0, 1)]
        older = 0 if current[0] is None or (current[1] and current[0].sequence < current[1].sequence) else 1
        os.pwrite(self._descriptor, content + _checksum(content), _position(slot, older))
        os.fdatasync(self._descriptor)
        self._entries[entry.reception] = slot, entry
        return entry

    def _free_slot(self) -> int:
        used = {slot: entry for slot, entry in self._entries.values()}
        for slot in range(self._slots):
            if slot not in used:
                return slot
        # The oldest that is over; one whose file may still lie there goes last.
        over = [(entry.may_lie, entry.sequence, slot) for slot, entry in used.items() if entry.state not in OPEN]
        if not over:
            raise JournalFull("every slot is in use")
        slot = min(over)[2]
        del self._entries[used[slot].reception]
        return slot

    def _today(self) -> int:
        return int(f"{self._now().astimezone(JST):%Y%m%d}")


def read(path: Path) -> list[Entry]:
    """What a journal says, also while a kiosk holds it. Raises `JournalDamaged`, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        slots = _slots(descriptor)
        found = [_newest(descriptor, slot) for slot in range(slots)]
    finally:
        os.close(descriptor)
    return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.sequence)


def _slots(descriptor: int) -> int:
    """How many a finished journal has."""
    header = os.pread(descriptor, 12, 0)
    found = int.from_bytes(header[8:])
    if header[:8] != _MAGIC or os.fstat(descriptor).st_size != _HEADER + found * 2 * HALF:
        raise JournalDamaged("not a journal of this version")
    return found


def _newest(descriptor: int, slot: int) -> Entry | None:
    halves = [_read(descriptor, slot, half) for half in (0, 1)]
    return max((entry for entry in halves if entry is not None), key=lambda entry: entry.sequence, default=None)


def _read(descriptor: int, slot: int, half: int) -> Entry | None:
    data = os.pread(descriptor, HALF, _position(slot, half))
    for size in (_FORMAT.size, *_FORMER):
        content = data[:size]
        if data[size : size + _CHECK] == _checksum(content):
            break
    else:
        return None
    whole = content.ljust(_FORMAT.size, b"\0")
    sequence, state, number, day, begun, changed, reception, name, sha256, side, place, side_place, fhir = (
        _FORMAT.unpack(whole)
    )
    return Entry(
        reception.rstrip(b"\0").decode(),
        name.rstrip(b"\0").decode(),
        State(state),
        begun,
        changed,
        number,
        day,
        sha256,
        side,
        place,
        side_place,
        fhir,
        sequence,
    )


def _position(slot: int, half: int) -> int:
    return _HEADER + (slot * 2 + half) * HALF


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(_MAGIC + content).digest()[:_CHECK]
