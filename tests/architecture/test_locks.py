"""The locks pin every package by hash and name no address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.project import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock", "tools/uv.txt")
HEADER = re.compile(r"([a-z0-9][a-z0-9-]*)==(\S+)( ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def entries(lock: Path) -> dict[str, list[str]]:
    """Header line of each entry -> its hash lines. Raises AssertionError on a line that is neither."""
    found: dict[str, list[str]] = {}
    header = ""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if HEADER.fullmatch(line):
            header = line
            found[header] = []
        else:
            assert HASH.fullmatch(line), f"{lock.name}: neither a pinned package nor a hash: {line!r}"
            found[header].append(line)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_is_pinned_and_hashed(name: str) -> None:
    found = entries(ROOT / name)
    assert found
    assert [header for header, hashes in found.items() if not hashes] == []


@pytest.mark.parametrize(
    "line",
    [
        "uvicorn @ https" + "://example.test/uvicorn",
        "--index" + "-url https" + "://example.test",
        "uvicorn>=0.54 \\",
        "    --hash=md5:" + 32 * "0",
        "# via fastapi",
    ],
)
def test_any_other_line_is_refused(line: str, tmp_path: Path) -> None:
    lock = tmp_path / "bad.lock"
    lock.write_text(f"uv==1 \\\n    --hash=sha256:{64 * '0'}\n{line}\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="neither a pinned package nor a hash"):
        entries(lock)


def test_what_is_tested_is_what_is_run() -> None:
    run, test = entries(ROOT / "requirements.lock"), entries(ROOT / "requirements-dev.lock")
    assert {header: hashes for header, hashes in run.items() if test.get(header) != hashes} == {}


def test_the_source_package_of_dlib_is_never_installed() -> None:
    for name in LOCKS[:2]:
        headers = [line for line in entries(ROOT / name) if line.startswith("dlib==")]
        assert [line for line in headers if "; sys_platform == 'never'" not in line] == []
