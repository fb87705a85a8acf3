"""The audit file: append-only, hash-chained, durable (SQLite, WAL, synchronous=FULL)."""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from kiosk.audit.chain import Head, head_file, link, stored_head
from kiosk.audit.entry import Entry, NotAllowed, What, canonical
from kiosk.files import write_atomically
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Method

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS never_removed BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""
_LAST = "SELECT number, body, hash FROM entries ORDER BY number DESC LIMIT 2"


class Unavailable(Exception):
    """The audit could not be opened or written (disk full, read-only, locked). Nothing was recorded."""


class Audit:
    """One writer; may be used from any thread. Survives being killed at any moment: an entry that `record` returned
    from is on the disk.

    A damaged file is moved aside (`<name>.damaged-<n>`) and a new one begins, linked to the last known head; so it
    does when the file is gone. `moved_aside` is then the old file's new name.
    Receptions are recorded under a pseudonym: an HMAC under a key of this run that is nowhere stored.
    Raises `Unavailable`.
    """

    def __init__(
        self,
        path: Path,
        *,
        simulated: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._simulated = simulated
        self._now = now
        self._monotonic = monotonic
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database, self.moved_aside = self._open()
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(type(error).__name__) from None

    def record(
        self,
        what: str,
        reception: str | None = None,
        detail: str = "",
        *,
        code: FailureCode | None = None,
        method: Method | None = None,
        milliseconds: int | None = None,
    ) -> Head:
        """Append one entry and return its head. Raises `NotAllowed` for anything that might be personal."""
        try:
            word = What(what)
        except ValueError:
            raise NotAllowed("what is no word of the audit") from None
        pseudonym = None if reception is None else self.pseudonym(reception)
        entry = Entry(word, pseudonym, detail, code, method, milliseconds, self._simulated)
        with self._lock:
            try:
                head = self._append(self._database, entry.fields())
            except (OSError, sqlite3.Error) as error:
                raise Unavailable(type(error).__name__) from None
            # A head that is one entry behind is no harm; without space for it the entry still counts.
            with suppress(OSError):
                write_atomically(head_file(self._path), str(head).encode())
        return head

    def pseudonym(self, reception: str) -> str:
        """Links the entries of one reception, and nothing else."""
        return hmac.digest(self._key, reception.encode(), "sha256").hex()[:16]

    def head(self) -> Head:
        """The last entry; to be written down elsewhere, so that a replaced file is noticed."""
        with self._lock:
            row = self._database.execute(_LAST).fetchone()
        return Head() if row is None else Head(row[0], row[2])

    def close(self) -> None:
        with self._lock:
            self._database.close()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _open(self) -> tuple[sqlite3.Connection, Path | None]:
        known = stored_head(self._path)
        existed = self._path.exists()
        try:
            database = _connect(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # locked, full, read-only: not damaged
            return self._begin_anew(known)
        sound = _sound(database, known) if existed else known is None
        if not sound:
            database.close()
            return self._begin_anew(known)
        return database, None

    def _begin_anew(self, known: Head | None) -> tuple[sqlite3.Connection, Path]:
        last = known or Head()
        aside = _move_aside(self._path)
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)) as old:
            for row in old.execute(_LAST):
                # Readable, but not trusted further than its number: what follows must not repeat it.
                if last.number < row[0] < 10**15:
                    last = Head(row[0], last.hash)
        database = _connect(self._path)
        entry = Entry(What.RECOVERED, detail="new audit file", simulated=self._simulated)
        head = self._append(database, {**entry.fields(), "previous": last.hash}, last)
        write_atomically(head_file(self._path), str(head).encode())
        return database, aside

    def _append(self, database: sqlite3.Connection, fields: dict[str, object], last: Head | None = None) -> Head:
        database.execute("BEGIN IMMEDIATE")
        try:
            if last is None:
                row = database.execute(_LAST).fetchone()
                last = Head() if row is None else Head(row[0], row[2])
            number = last.number + 1
            at = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
            # The monotonic clock tells a changed wall clock from a long wait.
            stamp = {"number": number, "at": at, "up": int(self._monotonic())}
            body = canonical({**fields, **stamp})
            digest = link(last.hash, body)
            database.execute("INSERT INTO entries VALUES (?, ?, ?)", (number, body, digest))
            database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            raise
        return Head(number, digest)


def _connect(path: Path) -> sqlite3.Connection:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # SQLite would make it readable for everyone
    os.close(handle)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _sound(database: sqlite3.Connection, known: Head | None) -> bool:
    """SQLite's own check, the link of the last two entries, and the head file. The whole chain: `verify`."""
    try:
        if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            return False
        rows = database.execute(_LAST).fetchall()
        if len(rows) == 2 and rows[0][2] != link(rows[1][2], rows[0][1]):
            return False
        if known is None or known.number == 0:
            return True
        found = database.execute("SELECT hash FROM entries WHERE number = ?", (known.number,)).fetchone()
        return bool(found == (known.hash,))
    except (sqlite3.DatabaseError, ValueError, TypeError, AttributeError):
        return False


def _move_aside(path: Path) -> Path:
    """Rename the file and its -wal and -shm. They keep belonging together under the new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    return aside
