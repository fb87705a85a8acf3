"""kiosk queue: how much waits, and the key."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devices.secret import SecretBytes
from kiosk import cli
from kiosk.downtime import FOLDER, ConsentWork, LookupWork, Queue, load_key

ROOT = Path(__file__).resolve().parents[3]
NOON = datetime(2026, 4, 1, 3, 0, tzinfo=UTC)


def queue(tmp_path: Path, *words: str) -> int:
    return cli.main(
        ["queue", *words, "--config", str(ROOT / "config.toml"), "--set", f"kiosk.state_dir={tmp_path / 'state'}"]
    )


def test_make_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    assert queue(tmp_path, "make-key", str(key)) == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    content = key.read_bytes()
    assert queue(tmp_path, "make-key", str(key)) == 1
    assert key.read_bytes() == content
    assert queue(tmp_path, "make-key", str(tmp_path / "state" / "key")) == 1
    assert queue(tmp_path, "make-key", str(tmp_path / "no" / "folder" / "key")) == 1
    out = capsys.readouterr().out
    assert [line.split(":")[0] for line in out.splitlines()] == ["OK", "FAILED", "FAILED", "FAILED"]
    assert content.hex() not in out
    load_key(key, tmp_path / "state").wipe()


def test_list_counts_and_names_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert queue(tmp_path, "list") == 0
    assert capsys.readouterr().out == "OK: nothing waits\n"
    folder = tmp_path / "state" / FOLDER
    with Queue(folder, SecretBytes(bytes(32)), now=lambda: NOON) as held:
        held.put("reception-1", LookupWork(SecretBytes(b'{"name":"\xe8\xa9\xa6\xe9\xa8\x93"}'), None))
        held.put("reception-2", ConsentWork(SecretBytes(b"{}")))
        result = tmp_path / "list.json"
        assert queue(tmp_path, "list", "--json", str(result)) == 0  # while the kiosk holds it
    out = capsys.readouterr().out
    assert "2 waiting, the oldest since 2026-04-01" in out
    assert "reception" not in out
    data = json.loads(result.read_text(encoding="utf-8"))
    assert data["count"] == 2
    assert datetime.fromisoformat(data["oldest"]) == NOON
    assert data["kinds"] == {"lookup": 1, "staff": 0, "consent": 1}
    assert data["unreadable"] == 0


def test_list_tells_of_files_that_are_no_entries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "state" / FOLDER
    folder.mkdir(parents=True)
    (folder / "x.q").write_bytes(b"x")
    assert queue(tmp_path, "list") == 1
    assert "unreadable 1" in capsys.readouterr().out


def test_list_of_a_folder_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr("kiosk.cli.queue.look", denied)
    assert queue(tmp_path, "list") == 1
    assert "cannot be read (PermissionError)" in capsys.readouterr().out
