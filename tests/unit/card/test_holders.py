"""Who holds the card: told by /proc, in names of this project only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devices.errors import CardProgram
from devices.pcsc.holders import Holder, holders

KIOSK, CARD = 100, 101


class Proc:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.add(KIOSK, "kiosk", library=True)
        self.add(CARD, "python3", parent=KIOSK, library=True)

    def add(self, pid: int, name: str, *, parent: int = 1, library: bool = False) -> None:
        folder = self.root / str(pid)
        folder.mkdir()
        (folder / "comm").write_text(f"{name}\n")
        (folder / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0 -1")
        mapped = "7f00-7f01 r-xp 00000000 08:01 1 /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n"
        (folder / "maps").write_text(mapped if library else "7f00-7f01 r-xp 00000000 08:01 1 /usr/lib/libc.so.6\n")

    def holders(self) -> list[Holder]:
        return holders(self.root, [KIOSK])


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def test_the_kiosk_itself_and_the_service_hold_nothing(proc: Proc) -> None:
    proc.add(7, "pcscd", library=True)
    proc.add(8, "firefox-esr")  # runs, without a card
    proc.add(9, "bash")
    assert proc.holders() == []


def test_what_has_loaded_the_library_comes_first(proc: Proc) -> None:
    proc.add(200, "scdaemon")
    proc.add(300, "firefox-esr", library=True)
    proc.add(400, "somebodys-tool", library=True)
    assert proc.holders() == [
        Holder(300, CardProgram.BROWSER, certain=True),
        Holder(400, CardProgram.OTHER, certain=True),
        Holder(200, CardProgram.SCDAEMON, certain=False),
    ]


def test_another_kiosk_on_the_same_machine(proc: Proc) -> None:
    proc.add(500, "kiosk", library=True)
    assert proc.holders() == [Holder(500, CardProgram.OTHER_KIOSK, certain=True)]


def test_processes_that_end_meanwhile_or_show_nothing(proc: Proc, tmp_path: Path) -> None:
    (tmp_path / "600").mkdir()
    (tmp_path / "self").mkdir()
    assert proc.holders() == []
    assert holders(tmp_path / "no-proc") == []


def test_a_real_process_with_the_real_library() -> None:
    script = "import smartcard.scard, sys; print('loaded', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        # Seen from somebody who is not its parent.
        assert Holder(other.pid, CardProgram.OTHER, certain=True) in holders(own=[1])
        assert other.pid not in {holder.pid for holder in holders(own=[os.getpid()])}
        other.stdin.close()
