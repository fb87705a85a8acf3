"""The chain of an audit file: hash = SHA-256(previous hash ‖ canonical JSON)."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

GENESIS = "0" * 64
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry: its number (from 1, never repeated, also across files) and its hash (hex)."""

    number: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"

    @staticmethod
    def parse(text: str) -> Head | None:
        """What `str` wrote; None when it is something else."""
        number, _, digest = text.strip().partition(" ")
        if not number.isascii() or not number.isdigit() or len(number) > 15 or not _HASH.fullmatch(digest):
            return None
        return Head(int(number), digest)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`entries` read; `first_bad`: number of the first entry that does not fit, None when all do. `reason`: why."""

    entries: int
    first_bad: int | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.first_bad is None


def link(previous: str, body: str) -> str:
    """The hash of an entry. `previous`: hash before it (hex); `body`: its canonical JSON."""
    return hashlib.sha256(bytes.fromhex(previous) + body.encode()).hexdigest()


def head_file(path: Path) -> Path:
    """Where the head stands beside the audit file: without it, entries cut off at the end would not be missed."""
    return path.with_name(path.name + ".head")


def stored_head(path: Path) -> Head | None:
    try:
        return Head.parse(head_file(path).read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        return None


def read(path: Path) -> Iterator[tuple[int, str, str]]:
    """Number, body and hash of every entry. Raises sqlite3.Error when the file is damaged or missing."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        for number, body, digest in database.execute("SELECT number, body, hash FROM entries ORDER BY number"):
            # SQLite does not hold a column to its type: a forged row may hold anything.
            yield int(number), str(body), str(digest)


def verify(path: Path) -> Verdict:
    """Follow the whole chain and compare its end with the head file. Never raises."""
    count = 0
    end = Head()
    head = stored_head(path)
    met = head is None or head.number == 0
    try:
        for number, body, digest in read(path):
            if count == 0:
                first = _start(body)
                end = Head(number - 1, first)
            if number != end.number + 1:
                return Verdict(count, end.number + 1, "entry is missing")
            if digest != link(end.hash, body) or _object(body).get("number") != number:
                return Verdict(count, number, "entry was changed")
            if head is not None and number == head.number:
                met = True
                if digest != head.hash:
                    return Verdict(count, number, "chain was replaced")
            end = Head(number, digest)
            count += 1
    except (sqlite3.Error, ValueError):
        return Verdict(count, end.number + 1, "file is damaged")
    if not met:
        return Verdict(count, end.number + 1, "entries at the end are missing")
    return Verdict(count)


def _start(body: str) -> str:
    """The hash before a file's first entry: the last head of the file before it, or GENESIS."""
    previous = _object(body).get("previous")
    return previous if isinstance(previous, str) and _HASH.fullmatch(previous) else GENESIS


def _object(body: str) -> dict[str, object]:
    """Raises ValueError when `body` is no JSON object."""
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise ValueError
    return fields
