"""What stands in the memory of other processes: a hunt for many marks at once, by /proc.

Whatever is writable is read: heaps, stacks, anonymous maps, shared memory, and descriptors of memory without a name
(`memfd`) that no map shows. Root may read processes that forbid it to others; elsewhere this raises PermissionError.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 19  # small enough for what is computed about it to stay in the processor's cache
_WORD = 8
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Needles:
    """Pieces of bytes, at least 8 each, by name. All are sought in one pass: some 1 ns a byte, however many."""

    def __init__(self, pieces: Mapping[str, bytes]) -> None:
        self.pieces = dict(pieces)
        self._by_word: dict[int, list[tuple[str, bytes]]] = {}
        for name, piece in self.pieces.items():
            if len(piece) < _WORD or len(set(piece)) < 3:
                raise ValueError(f"{name} is too short or too plain to be told from anything else")
            self._by_word.setdefault(int.from_bytes(piece[:_WORD], "little"), []).append((name, piece))
        self.longest = max(len(piece) for piece in self.pieces.values())
        self._words = np.array(sorted(self._by_word), np.uint64)
        self._table = np.zeros(1 << 16, np.bool_)
        self._table[_hashed(self._words)] = True

    def find(self, data: bytes) -> set[str]:
        """Names of the pieces that stand in `data`."""
        found: set[str] = set()
        for shift in range(_WORD):
            count = (len(data) - shift) // _WORD
            if count <= 0:
                break
            words = np.frombuffer(data, "<u8", count, shift)
            likely = np.flatnonzero(self._table[_hashed(words)])
            for place in likely[np.isin(words[likely], self._words)]:
                at = shift + int(place) * _WORD
                for name, piece in self._by_word[int(words[place])]:
                    if data[at : at + len(piece)] == piece:
                        found.add(name)
        return found


def _hashed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (words * _MULTIPLIER) >> np.uint64(48)


def contents(pid: int) -> Iterator[bytes]:
    """The writable memory of a process in pieces, each beginning a little before the end of the one before it."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, rights, *_ = line.split(maxsplit=5)
            if "w" not in rights or "[v" in line:
                continue
            start, end = (int(edge, 16) for edge in area.split("-"))
            yield from _pieces(memory.fileno(), start, end)
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if not os.readlink(link).startswith("/memfd:"):
                continue
            with open(link, "rb", 0) as file:
                yield from _pieces(file.fileno(), 0, os.fstat(file.fileno()).st_size)
        except FileNotFoundError:
            continue


def _pieces(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    overlap = 256
    while start < end:
        try:
            data = os.pread(descriptor, min(_CHUNK, end - start), start)
        except (OSError, OverflowError):  # a page that may not be read, or is gone
            data = b""
        if not data:
            start += 1 << 16
            continue
        yield data
        if start + len(data) >= end:
            return
        start += max(len(data) - overlap, overlap)


def hunt(pids: Mapping[str, Iterable[int]], needles: Needles) -> dict[str, set[str]]:
    """Role of a process -> names of the pieces that stand in its memory. A process that has ended has nothing."""
    found: dict[str, set[str]] = {}
    for role, numbers in pids.items():
        names = found.setdefault(role, set())
        for pid in numbers:
            try:
                for data in contents(pid):
                    names |= needles.find(data)
            except (FileNotFoundError, ProcessLookupError):
                continue
    return {role: names for role, names in found.items() if names}


def lonely(pids: Iterable[int], digits: str) -> int:
    """How often a short number stands in the memory of processes with no other digit or hexadecimal letter at it."""
    number = re.compile(rb"(?<![0-9A-Fa-f])" + digits.encode() + rb"(?![0-9A-Fa-f])")
    count = 0
    for pid in pids:
        try:
            count += sum(len(number.findall(data)) for data in contents(pid) if digits.encode() in data)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return count


def own_kb(pid: int) -> int:
    """Memory of a process in KiB that is no file's: heaps, stacks, maps without a name, and its part of what it shares
    with others of its kind; 0 when it has ended. Not its part of the libraries, which depends on who else runs."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    sizes = {name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines[1:])}
    return sizes["Anonymous"] + sizes["Pss_Shmem"] + sizes["Swap"]
