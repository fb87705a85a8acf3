"""Fixed slots: what is on the disk after every step, also after a torn one."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.handoff.errors import JournalDamaged, JournalFull
from kiosk.handoff.journal import HALF, Journal, State, read
from kiosk.qualification import JST


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 4, 1, 9, 0, tzinfo=JST)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(path: Path, clock: Clock) -> Iterator[Journal]:
    with Journal(path, clock, slots=4) as journal:
        yield journal


def test_survives_a_restart(path: Path, clock: Clock) -> None:
    with Journal(path, clock) as journal:
        journal.begin("r1", "a.xml")
        journal.change("r1", State.READY, number=journal.next_number(), sha256=b"\x07" * 32)
        before = list(journal)
    with Journal(path, clock) as journal:
        assert list(journal) == before
        assert journal.next_number() == 2


def test_the_space_is_there_from_the_start(journal: Journal, path: Path) -> None:
    size, blocks = path.stat().st_size, path.stat().st_blocks
    for round_ in range(20):
        journal.begin(f"r{round_}", "a.xml")
        journal.change(f"r{round_}", State.DONE)
    assert path.stat().st_size == size
    assert path.stat().st_blocks == blocks
    assert blocks * 512 >= size


def test_numbers_count_each_day(journal: Journal, clock: Clock) -> None:
    for number in (1, 2):
        journal.begin(f"r{number}", "a.xml")
        assert journal.change(f"r{number}", State.DONE, number=journal.next_number()).number == number
    clock.time += timedelta(days=1)
    assert journal.next_number() == 1


def test_numbers_go_on_when_slots_are_used_again(journal: Journal) -> None:
    for number in range(1, 12):
        journal.begin(f"r{number}", "a.xml")
        journal.change(f"r{number}", State.DONE, number=journal.next_number())
    assert journal.next_number() == 12
    assert journal.get("r1") is None
    assert journal.get("r11") is not None


def test_what_is_open_is_never_overwritten(journal: Journal) -> None:
    for number in range(4):
        journal.begin(f"r{number}", "a.xml")
    with pytest.raises(JournalFull):
        journal.begin("r4", "a.xml")
    journal.change("r2", State.DONE)
    journal.begin("r4", "a.xml")
    assert journal.get("r2") is None


def test_a_slot_whose_file_may_still_lie_there_goes_last(journal: Journal) -> None:
    for number, state in enumerate((State.DONE, State.DONE, State.CLAIMED, State.DONE)):
        journal.begin(f"r{number}", "a.xml")
        journal.change(f"r{number}", state)
    journal.begin("r4", "a.xml")
    assert journal.get("r2") is None


@pytest.mark.parametrize("torn", [1, 20, 100, HALF - 1])
def test_a_torn_write_leaves_the_state_before(path: Path, clock: Clock, torn: int) -> None:
    with Journal(path, clock, slots=1) as journal:
        journal.begin("r1", "a.xml")
        before = path.read_bytes()
        journal.change("r1", State.READY, number=1, sha256=b"\x07" * 32)
        after = path.read_bytes()
    start = next(at for at in range(len(before)) if before[at] != after[at])
    path.write_bytes(after[: start + torn] + before[start + torn :])
    with Journal(path, clock) as journal:
        entry = journal.get("r1")
        assert entry is not None
        whole = after[: start + torn] + before[start + torn :] == after
        assert entry.state is (State.READY if whole else State.SENT)


def test_one_process_at_a_time(journal: Journal, path: Path, clock: Clock) -> None:
    with pytest.raises(BlockingIOError):
        Journal(path, clock)


@pytest.mark.parametrize("content", [b"something else entirely", b"UKTKJNL1" + bytes(20), b"UKTKJNL2" + bytes(8192)])
def test_another_file_is_not_overwritten(path: Path, clock: Clock, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalDamaged):
        Journal(path, clock)
    assert path.read_bytes() == content


def test_interrupted_while_it_was_made(path: Path, clock: Clock) -> None:
    path.write_bytes(bytes(1000))
    with Journal(path, clock) as journal:
        assert list(journal) == []


@pytest.mark.parametrize(("reception", "name"), [("", "a"), ("r" * 65, "a"), ("r", ""), ("r", "a" * 81)])
def test_what_does_not_fit_is_refused(journal: Journal, reception: str, name: str) -> None:
    with pytest.raises(ValueError, match="bytes"):
        journal.begin(reception, name)


def test_a_running_journal_can_be_read(journal: Journal, path: Path) -> None:
    journal.begin("r1", "a.xml")
    journal.change("r1", State.READY, number=1, side=b"\x01" * 16, place=b"\x02" * 8, side_place=b"\x03" * 8)
    journal.begin("r2", "b.xml")
    assert read(path) == list(journal)
    assert read(path)[0].has_side


def test_what_is_no_journal_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"something else")
    with pytest.raises(JournalDamaged):
        read(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing")


def test_records_of_before_side_files_are_understood(journal: Journal, path: Path, clock: Clock) -> None:
    journal.begin("r1", "a.xml")
    journal.close()
    content = struct.pack(">QBHIQQ64s80s32s", 7, State.DONE, 3, 20260401, 1, 2, b"r1", b"a.xml", b"\x07" * 32)
    check = hashlib.sha256(b"UKTKJNL1" + content).digest()[:16]
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(content + check)
    (found,) = read(path)
    assert (found.state, found.number, found.sha256, found.sequence) == (State.DONE, 3, b"\x07" * 32, 7)
    assert not found.has_side


def test_records_of_before_fhir_files_are_understood(journal: Journal, path: Path) -> None:
    journal.begin("r1", "a.xml")
    journal.close()
    content = struct.pack(
        ">QBHIQQ64s80s32s16s8s8s",
        *(7, State.DONE, 3, 20260401, 1, 2, b"r1", b"a.xml", b"\x07" * 32, b"\x08" * 16, b"\x09" * 8, b"\x0a" * 8),
    )
    check = hashlib.sha256(b"UKTKJNL1" + content).digest()[:16]
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(content + check)
    (found,) = read(path)
    assert (found.sha256, found.side, found.place, found.side_place) == (
        b"\x07" * 32,
        b"\x08" * 16,
        b"\x09" * 8,
        b"\x0a" * 8,
    )
    assert not found.fhir


def test_a_claimed_fhir_file_may_still_lie_there(journal: Journal, path: Path) -> None:
    journal.begin("r1", "a.xml")
    assert journal.change("r1", State.CLAIMED, fhir=True).may_lie
    assert read(path)[0].fhir


def test_a_claimed_side_file_may_still_lie_there(journal: Journal) -> None:
    for number, side in enumerate((b"\x01" * 16, bytes(16))):
        journal.begin(f"r{number}", "a.xml")
        assert journal.change(f"r{number}", State.CLAIMED, side=side).may_lie is (number == 0)
