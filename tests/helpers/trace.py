"""What processes wrote to files, seen by strace: also into files that are gone again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPTIONS = (
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-y",
    "-xx",
    "-s",
    "131072",
    "-e",
    "trace=open,openat,creat,write,pwrite64,writev,pwritev",
    "-e",
    "signal=none",
)

_WRITE = re.compile(rb"(?:write|pwrite64|writev|pwritev)\(\d+<([^>]*)>, (.*)")
_OPEN = re.compile(rb'(?:open|openat|creat)\((?:[^"]*, )?"((?:\\x[0-9a-f]{2})*)", ([A-Z_|0-9]+)')
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Written:
    path: str
    data: bytes


def _bytes(hexadecimal: bytes) -> bytes:
    return bytes.fromhex(hexadecimal.replace(b"\\x", b"").decode())


def _path(shown: bytes) -> str:
    """Paths in <…> are hexadecimal with -xx in new versions of strace, plain in others."""
    return (_bytes(shown) if shown.startswith(b"\\x") else shown).decode(errors="replace")


def writes(trace: Path) -> Iterator[Written]:
    """Every write to a file with a name; pipes, sockets and memfds are no files."""
    for line in trace.read_bytes().splitlines():
        if (found := _WRITE.search(line)) is None:
            continue
        path = _path(found.group(1))
        if path.startswith("/") and not path.startswith(("/memfd:", "/dev/null")):
            yield Written(path, b"".join(_bytes(part) for part in _STRING.findall(found.group(2))))


def opened_for_writing(trace: Path) -> set[str]:
    found = set()
    for line in trace.read_bytes().splitlines():
        opened = _OPEN.search(line)
        if opened is not None and re.search(rb"O_WRONLY|O_RDWR|O_CREAT", opened.group(2)):
            found.add(_bytes(opened.group(1)).decode(errors="replace"))
    return found
