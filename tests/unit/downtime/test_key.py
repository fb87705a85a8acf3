"""The key lies elsewhere, belongs to the kiosk alone, and is never overwritten."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.downtime.errors import KeyRefused
from kiosk.downtime.key import KEY_BYTES, load_key, make_key


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def test_a_key_is_made_once_and_read_again(tmp_path: Path, state: Path) -> None:
    path = tmp_path / "key"
    before = os.umask(0)
    try:
        make_key(path, state)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    with load_key(path, state) as key:
        assert bytes(key.view()) == content
        assert len(content) == KEY_BYTES
        assert content.hex() not in repr(key)
    with pytest.raises(KeyRefused, match="never overwritten"):
        make_key(path, state)
    assert path.read_bytes() == content


def test_two_keys_differ(tmp_path: Path, state: Path) -> None:
    for name in ("a", "b"):
        make_key(tmp_path / name, state)
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_not_in_the_state_folder(tmp_path: Path, state: Path) -> None:
    inside = state / "deep" / "key"
    inside.parent.mkdir()
    with pytest.raises(KeyRefused, match="lies in the state folder"):
        make_key(inside, state)
    assert not inside.exists()
    outside = tmp_path / "key"
    make_key(outside, state)
    os.link(outside, inside)
    for path in (inside, state / "deep" / ".." / "deep" / "key"):
        with pytest.raises(KeyRefused, match="lies in the state folder"):
            load_key(path, state)
    with pytest.raises(KeyRefused, match="hard link"):
        load_key(outside, state)


@pytest.mark.parametrize("into", [True, False], ids=["a link into the folder", "a link in the folder"])
def test_not_by_a_link_either(tmp_path: Path, state: Path, into: bool) -> None:
    here, there = (tmp_path, state) if into else (state, tmp_path)
    target = there / "target"
    target.write_bytes(bytes(KEY_BYTES))
    target.chmod(0o600)
    link = here / "link"
    link.symlink_to(target)
    with pytest.raises(KeyRefused, match="lies in the state folder"):
        load_key(link, state)


def test_a_link_elsewhere_is_followed(tmp_path: Path, state: Path) -> None:
    make_key(tmp_path / "key", state)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    load_key(tmp_path / "link", state).wipe()


def _missing(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_missing, "cannot be read"),
        (_folder, "is not a file"),
        (lambda path: path.chmod(0o640), "open to group"),
        (lambda path: path.chmod(0o604), "open to group or others"),
        (lambda path: path.write_bytes(bytes(31)), "wrong size"),
        (lambda path: path.write_bytes(bytes(33)), "wrong size"),
        (lambda path: path.write_bytes(b""), "wrong size"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, state: Path, spoil: Callable[[Path], object], what: str) -> None:
    path = tmp_path / "key"
    make_key(path, state)
    spoil(path)
    with pytest.raises(KeyRefused, match=what) as caught:
        load_key(path, state)
    assert caught.value.where == str(path)
    assert caught.value.allowed
    assert what in caught.value.what


def test_another_users_file(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_key(tmp_path / "key", state)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(KeyRefused, match="another user"):
        load_key(tmp_path / "key", state)


def test_no_half_key_is_left(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="no space"):
            make_key(tmp_path / "key", state)
    make_key(tmp_path / "key", state)
