"""The processes of this machine, by /proc."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kin:
    """proc(5), stat."""

    parent: int
    session: int


def processes() -> dict[int, Kin]:
    """All that run; zombies are left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                found[int(entry.name)] = Kin(int(fields[1]), int(fields[3]))
    return found


def children(pid: int) -> list[int]:
    return [one for one, kin in processes().items() if kin.parent == pid]


def session_members(leader: int) -> list[int]:
    """Processes of the session that `leader` began."""
    return [one for one, kin in processes().items() if kin.session == leader]


def family(pid: int) -> set[int]:
    """A process and everything that descends from it."""
    kin = processes()
    members = {pid}
    while more := {child for child, each in kin.items() if each.parent in members} - members:
        members |= more
    return members & (kin.keys() | {pid})
