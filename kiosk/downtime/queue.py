"""The queue: one encrypted file for each reception that waits for the line.

    header       magic, kind, time put, time it expires, reception id     clear, authenticated with the rest
    nonce        96 random bits, fresh for every file
    ciphertext   AES-256-GCM of the work (`kiosk.downtime.work`), 16 bytes of tag

The reception id is random and tells nothing; the journal of the hand-off holds it, too. A file is written tmp -> fsync
-> rename -> fsync of the folder, and taken away rename -> overwrite -> unlink, so that at any moment it is there whole
or it is not there.

Overwriting: on a plain magnetic disk the old content is gone. Flash, copy-on-write file systems, snapshots and backups
keep the old blocks for as long as they like. What protects those is the encryption, and the key that lies elsewhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devices.secret import SecretBytes
from kiosk.downtime.errors import EntryDamaged, NotNow, QueueFull, QueueHeld
from kiosk.downtime.work import PAYLOAD_BYTES, Kind, Work, kind_of, pack, payload_of, unpack
from kiosk.files import sync_folder, write_atomically

MAX_HOURS = 24
LIMIT = 200
_HOUR = 3600 * 1_000_000  # microseconds
_MAX_LIFE = MAX_HOURS * _HOUR
_MAGIC = b"UKTKQUE1"  # with the version
_HEADER = struct.Struct(">8sBQQ64s")  # magic, kind, put, expires (microseconds since 1970), reception id
_NONCE = 12
_TAG = 16
_FILE_BYTES = _HEADER.size + _NONCE + PAYLOAD_BYTES + 1024
FOLDER = "queue"  # below the state folder
_SUFFIX = ".q"


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"  # for good: the gateway will not have it
    EXPIRED = "expired"  # removed unread
    DAMAGED = "damaged"  # changed, not whole, or of another key; it goes when it expires


@dataclass(frozen=True, slots=True)
class Finished:
    """`reception` is empty when not even the header of a damaged entry can be believed."""

    reception: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a queue holds, without its key. `kinds`: how many of each; `unreadable`: files that are no entries."""

    count: int
    oldest: datetime | None
    kinds: dict[Kind, int]
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Header:
    kind: Kind
    put: int
    expires: int
    reception: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """`header` is None when there is none that can be one. `written`: the file's own age, for entries that cannot be
    believed. Microseconds since 1970."""

    path: Path
    header: _Header | None
    written: int

    @property
    def put(self) -> int:
        return self.written if self.header is None else self.header.put

    def expired(self, now: int, *, believed: bool = True) -> bool:
        if self.header is not None and self.header.expires <= now:
            return True
        return (self.header is None or not believed) and self.written + _MAX_LIFE <= now

    @property
    def reception(self) -> str:
        return "" if self.header is None else self.header.reception


class Queue:
    """One process holds it, one thread uses it. `key`: 32 bytes (`kiosk.downtime.key`), wiped by `close`.

    `hours`: how long an entry lives, 1 to 24. Every method raises OSError when the disk does not do its part.
    """

    def __init__(
        self,
        folder: Path,
        key: SecretBytes,
        *,
        now: Callable[[], datetime],
        hours: int = MAX_HOURS,
        limit: int = LIMIT,
    ) -> None:
        """Makes the folder, mode 0700. Raises `QueueHeld`, OSError, ValueError."""
        if not 1 <= hours <= MAX_HOURS:
            raise ValueError("1 to 24 hours")
        self._folder = folder
        self._key = key
        self._now = now
        self._life = hours * _HOUR
        self._limit = limit
        self._told: set[str] = set()  # damaged files that were reported already
        self.damaged = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.parent)
        self._lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(self._lock, 0o700)
            self._sweep()
        except BlockingIOError:
            os.close(self._lock)
            raise QueueHeld("another process works with this queue") from None
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Wipes the key. May be called again."""
        self._key.wipe()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(_files(self._folder))

    def oldest(self) -> datetime | None:
        return look(self._folder).oldest

    def put(self, reception: str, work: Work) -> None:
        """On the disk when this returns; the same reception again replaces what was there. `work` is not wiped.

        Raises `QueueFull`, OSError (nothing is kept then), ValueError (id of 1 to 64 bytes, payload up to 64 KiB).
        """
        name = _name(reception)
        path = self._folder / name
        if not path.exists() and len(self) >= self._limit:
            raise QueueFull(f"{self._limit} entries")
        put = _microseconds(self._now())
        expires = put + self._life
        header = _HEADER.pack(_MAGIC, kind_of(work), put, expires, reception.encode())
        nonce = os.urandom(_NONCE)
        with pack(work) as packed:
            sealed = AESGCM(self._key.view()).encrypt(nonce, packed.view(), header)
        before = _if_there(path)
        try:
            write_atomically(path, header + nonce + sealed)
            if before is not None:
                _overwrite(before)
        finally:
            if before is not None:
                os.close(before)

    def work_off(self, do: Callable[[str, Work], bool]) -> list[Finished]:
        """Remove what is expired, then give the rest to `do(reception, work)`, oldest first.

        True: done; False: refused for good; both remove the entry. `NotNow` keeps it and ends the round. Anything else
        that `do` raises keeps it, too, and is passed on. The payload is wiped afterwards in every case. Ended between
        `do` and the removal, the next start gives the same entry again: `do` is to be asked by reception id.
        Each damaged entry is told once and never stands in the way of the others.
        """
        now = _microseconds(self._now())
        self._bound(now)
        entries = sorted(_entries(self._folder), key=lambda entry: (entry.put, entry.path.name))
        finished = [self._remove(entry, Outcome.EXPIRED) for entry in entries if entry.expired(now)]
        for entry in entries:
            if entry.expired(now):
                continue
            try:
                reception, work = self._open(entry)
            except EntryDamaged:
                finished += self._damaged(entry, now)
                continue
            try:
                done = do(reception, work)
            except NotNow:
                break
            finally:
                payload_of(work).wipe()
            finished.append(self._remove(entry, Outcome.DONE if done else Outcome.REFUSED))
        return finished

    # --- files -----------------------------------------------------------------------------------------------------

    def _bound(self, now: int) -> None:
        """What was put while the clock was ahead would outlive its day: it is put anew."""
        for entry in _entries(self._folder):
            if entry.header is None or entry.header.expires <= now + _MAX_LIFE:
                continue
            with contextlib.suppress(EntryDamaged):
                reception, work = self._open(entry)
                try:
                    self.put(reception, work)
                finally:
                    payload_of(work).wipe()

    def _open(self, entry: _Entry) -> tuple[str, Work]:
        if entry.header is None:
            raise EntryDamaged("no header")
        content = entry.path.read_bytes()
        header = content[: _HEADER.size]
        nonce = content[_HEADER.size : _HEADER.size + _NONCE]
        sealed = content[_HEADER.size + _NONCE :]
        if len(sealed) <= _TAG:
            raise EntryDamaged("cut off")
        buffer = bytearray(len(sealed) - _TAG)
        with SecretBytes.adopt(buffer) as packed:
            try:
                AESGCM(self._key.view()).decrypt_into(nonce, sealed, header, buffer)
            except InvalidTag:
                raise EntryDamaged("changed, or of another key") from None
            return entry.header.reception, unpack(entry.header.kind, packed)

    def _damaged(self, entry: _Entry, now: int) -> list[Finished]:
        if entry.expired(now, believed=False):
            return [self._remove(entry, Outcome.EXPIRED)]
        if entry.path.name in self._told:
            return []
        self._told.add(entry.path.name)
        self.damaged += 1
        return [Finished(entry.reception, Outcome.DAMAGED)]

    def _remove(self, entry: _Entry, outcome: Outcome) -> Finished:
        self._erase(entry.path)
        self._told.discard(entry.path.name)
        return Finished(entry.reception, outcome)

    def _erase(self, path: Path) -> None:
        """Once it has the other name it is no entry any more; a start that finds one goes on from there."""
        gone = path.with_name(f".{path.name}.tmp")
        path.rename(gone)
        sync_folder(self._folder)
        _shred(gone)

    def _sweep(self) -> None:
        """What an end in the middle left behind: half-written entries, half-erased ones."""
        for path in self._folder.glob(".*.tmp"):
            _shred(path)


def look(folder: Path) -> Waiting:
    """Read the headers only. For people: nothing says yet that they are genuine. A missing folder is an empty queue."""
    entries = list(_entries(folder)) if folder.is_dir() else []
    oldest = min((entry.put for entry in entries), default=None)
    headers = [entry.header for entry in entries if entry.header is not None]
    kinds = Counter(header.kind for header in headers)
    return Waiting(
        count=len(entries),
        oldest=None if oldest is None else datetime.fromtimestamp(oldest / 1_000_000, UTC),
        kinds={kind: kinds[kind] for kind in Kind},
        unreadable=len(entries) - len(headers),
    )


def _files(folder: Path) -> list[Path]:
    with os.scandir(folder) as found:
        return [
            Path(each.path)
            for each in found
            if each.name.endswith(_SUFFIX) and not each.name.startswith(".") and each.is_file(follow_symlinks=False)
        ]


def _entries(folder: Path) -> Iterator[_Entry]:
    for path in _files(folder):
        try:
            with path.open("rb") as file:
                about = os.fstat(file.fileno())
                start = file.read(_HEADER.size)
        except FileNotFoundError:
            continue  # `look` holds no lock
        header = _header(start, path.name) if about.st_size <= _FILE_BYTES else None
        yield _Entry(path, header, about.st_mtime_ns // 1000)


def _header(start: bytes, name: str) -> _Header | None:
    if len(start) != _HEADER.size:
        return None
    magic, kind, put, expires, padded = _HEADER.unpack(start)
    try:
        header = _Header(Kind(kind), put, expires, padded.rstrip(b"\0").decode())
        if magic == _MAGIC and name == _name(header.reception):
            return header
    except ValueError:
        pass
    return None


def _name(reception: str) -> str:
    encoded = reception.encode()
    if not 0 < len(encoded) <= 64 or b"\0" in encoded:
        raise ValueError("id of 1 to 64 bytes")
    return hashlib.sha256(encoded).hexdigest()[:20] + _SUFFIX


def _shred(path: Path) -> None:
    """Overwrite, then unlink (see the top of this file)."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _overwrite(descriptor)
    finally:
        os.close(descriptor)
    path.unlink()
    sync_folder(path.parent)


def _overwrite(descriptor: int) -> None:
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def _if_there(path: Path) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _microseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)
