"""The service flag, the atomic write behind it, and the tests of the maintenance page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiosk.files import write_atomically
from kiosk.maintenance.service import ServiceFlag


def test_open_until_staff_close_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "service"
    assert ServiceFlag(path).open
    ServiceFlag(path).store(False)
    assert not ServiceFlag(path).open
    ServiceFlag(path).store(True)
    assert ServiceFlag(path).open


@pytest.mark.parametrize("content", [b"", b"\xff", b"opened"])
def test_a_damaged_flag_is_closed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "service"
    path.write_bytes(content)
    assert not ServiceFlag(path).open


def test_an_unreadable_flag_is_closed(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    assert not ServiceFlag(tmp_path / "service").open


def test_a_failed_write_leaves_the_old_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "service"
    ServiceFlag(path).store(False)

    def power_cut(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", power_cut)
    with pytest.raises(OSError, match="Input/output"):
        ServiceFlag(path).store(True)
    monkeypatch.undo()
    assert not ServiceFlag(path).open
    assert list(tmp_path.iterdir()) == [path]


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"x")
    (tmp_path / f".file.{os.getpid()}.tmp").symlink_to(victim)
    with pytest.raises(OSError, match=r"symbolic link|Too many"):
        write_atomically(tmp_path / "file", b"new")
    assert victim.read_bytes() == b"x"
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
