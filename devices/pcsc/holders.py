"""Who else on this machine uses cards. PC/SC tells that a card is held, never by whom.

Told by what /proc shows: libpcsclite among the mapped files (same user, or root), and else the program's name. Only
names of programs that are known here leave this module: a command line may hold anything.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from devices.errors import CardProgram

_LIBRARY = "libpcsclite.so"
_SERVICE = "pcscd"

# By /proc/PID/comm, which is cut after 15 characters (proc(5)).
_BY_NAME = {
    "scdaemon": CardProgram.SCDAEMON,
    "firefox": CardProgram.BROWSER,
    "firefox-esr": CardProgram.BROWSER,
    "firefox-bin": CardProgram.BROWSER,
    "chrome": CardProgram.BROWSER,
    "chromium": CardProgram.BROWSER,
    "msedge": CardProgram.BROWSER,
    "opensc-tool": CardProgram.OPENSC,
    "opensc-explorer": CardProgram.OPENSC,
    "pkcs15-tool": CardProgram.OPENSC,
    "pkcs11-tool": CardProgram.OPENSC,
    "pcsc_scan": CardProgram.SMART_CARD_TOOL,
    "scriptor": CardProgram.SMART_CARD_TOOL,
    "gscriptor": CardProgram.SMART_CARD_TOOL,
    "AusweisApp": CardProgram.EID_CLIENT,
    "web-eid": CardProgram.EID_CLIENT,
    "kiosk": CardProgram.OTHER_KIOSK,
}
# With nothing to see but names, only these are suspected: a browser runs on many machines and seldom holds a card.
_SUSPECTS = (CardProgram.SCDAEMON, CardProgram.OPENSC, CardProgram.SMART_CARD_TOOL, CardProgram.EID_CLIENT)


@dataclass(frozen=True, slots=True)
class Holder:
    """`certain`: it has PC/SC loaded; otherwise only its name speaks against it."""

    pid: int
    program: CardProgram
    certain: bool


def holders(proc: Path = Path("/proc"), own: Collection[int] = ()) -> list[Holder]:
    """Programs that may hold a card, the certain ones first; without this kiosk's own processes.

    `own`: processes of the kiosk, whose children do not count either; by default this one and its parent.
    """
    mine = own or (os.getpid(), os.getppid())
    found = [holder for pid in _pids(proc) if (holder := _judge(proc, pid, mine)) is not None]
    return sorted(found, key=lambda holder: (not holder.certain, holder.pid))


def likely_holder() -> CardProgram | None:
    """The best guess, for the staff."""
    return next((holder.program for holder in holders()), None)


def _judge(proc: Path, pid: int, mine: Collection[int]) -> Holder | None:
    name = _read(proc / str(pid) / "comm").strip()
    if not name or name == _SERVICE or pid in mine or _parent(proc, pid) in mine:
        return None
    program = _BY_NAME.get(name)
    if _LIBRARY in _read(proc / str(pid) / "maps"):
        return Holder(pid, program or CardProgram.OTHER, certain=True)
    return Holder(pid, program, certain=False) if program in _SUSPECTS else None


def _pids(proc: Path) -> Iterator[int]:
    try:
        names = [entry.name for entry in proc.iterdir()]
    except OSError:
        return
    yield from sorted(int(name) for name in names if name.isdigit())


def _parent(proc: Path, pid: int) -> int:
    fields = _read(proc / str(pid) / "stat").rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it ended, or belongs to somebody else
        return ""
