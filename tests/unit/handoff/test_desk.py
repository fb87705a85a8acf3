"""Exactly one file for each reception, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from devices.secret import SecretBytes
from kiosk.handoff.desk import GRACE, Handoff, Recovery
from kiosk.handoff.errors import ForeignFolder, HandoffDelayed, HandoffRefused, NotNow
from kiosk.handoff.folder import HandoffFolder
from kiosk.handoff.journal import Journal, State
from kiosk.handoff.service import HandoffService
from kiosk.oqs.document import Encoding
from kiosk.qualification import BadQualification
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import ReceptionId
from kiosk.runtime.ports import JobError
from tests.helpers.face_file import read_face_file
from tests.helpers.gateway import Clock, clock
from tests.helpers.results import INSTITUTION, result, secret

ROOT = Path(__file__).resolve().parents[3]


class Room:
    """A folder, a journal and a clock; `restart` begins a new process's life."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.face = root / "face"
        self.face.mkdir()
        self.clock: Clock = clock()
        self.journal = Journal(root / "journal", self.clock, slots=8)
        self.handoff = self._handoff()

    def _handoff(self) -> Handoff:
        folder = HandoffFolder(self.face, INSTITUTION, pause=0.01)
        return Handoff(folder, self.journal, Encoding.UTF8, simulated=True, now=self.clock)

    def restart(self) -> None:
        self.journal.close()
        self.journal = Journal(self.root / "journal", self.clock)
        self.handoff = self._handoff()

    def files(self) -> list[str]:
        return sorted(path.name for path in self.face.iterdir())

    def state(self, reception: str = "r1") -> State:
        entry = self.journal.get(reception)
        assert entry is not None
        return entry.state


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.journal.close()


def nothing(_: str) -> SecretBytes | None:
    return None


def complete(_: str) -> SecretBytes | None:
    return secret()


def away(_: str) -> SecretBytes | None:
    raise NotNow


def test_one_file_that_a_strict_reader_takes(room: Room) -> None:
    room.handoff.begin("r1")
    assert room.handoff.finish("r1", secret(result(room.clock()))) == 1
    (name,) = room.files()
    assert read_face_file(room.face / name, room.clock()).person["Name"] == "試験　花子"
    assert "r1" not in name
    assert room.state() is State.DONE
    assert room.handoff.finish("r1", secret()) == 1  # asked twice, written once
    assert room.files() == [name]


def test_numbers_and_names_differ(room: Room) -> None:
    for number in (1, 2, 3):
        room.handoff.begin(f"r{number}")
        assert room.handoff.finish(f"r{number}", secret()) == number
    assert len(room.files()) == 3


def test_a_folder_of_another_institution_is_refused_before_anything_is_sent(room: Room) -> None:
    (room.face / "oqssiquc01RES_face_13100000010123456789abcdef0123_20260401090000.xml").touch()
    with pytest.raises(ForeignFolder):
        room.handoff.begin("r1")
    assert room.journal.get("r1") is None


def test_foreign_files_that_appear_later_stop_the_writing(room: Room) -> None:
    room.handoff.begin("r1")
    foreign = room.face / "OQSsiquc01res_face_20260401090000.xml"
    foreign.touch()
    with pytest.raises(ForeignFolder):
        room.handoff.finish("r1", secret())
    foreign.unlink()
    room.clock.forward(minutes=3)
    assert [each.outcome for each in room.handoff.recover(complete)] == [Recovery.WRITTEN]


def test_another_institutions_result_is_refused(room: Room) -> None:
    room.handoff.begin("r1")
    with pytest.raises(HandoffRefused):
        room.handoff.finish("r1", secret(result(institution="9910000002")))
    assert room.files() == []


def test_no_space_delays_and_loses_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    room.handoff.begin("r1")
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.write", full)
        with pytest.raises(HandoffDelayed) as caught:
            room.handoff.finish("r1", secret())
        assert caught.value.number == 1
        assert [each.outcome for each in room.handoff.recover(complete)] == [Recovery.WAITING]
    room.handoff.begin("r2")
    assert room.handoff.finish("r2", secret()) == 2
    recovered = room.handoff.recover(complete)
    assert [(each.reception, each.number, each.outcome) for each in recovered] == [("r1", 1, Recovery.WRITTEN)]
    assert len(room.files()) == 2


def test_a_missing_share_delays(room: Room) -> None:
    room.face.rmdir()
    room.handoff.begin("r1")
    with pytest.raises(HandoffDelayed):
        room.handoff.finish("r1", secret())
    room.face.mkdir()
    room.restart()
    assert [each.outcome for each in room.handoff.recover(complete)] == [Recovery.WRITTEN]
    assert len(room.files()) == 1


def test_a_sharing_violation_passes(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = iter([True, True])
    rename = os.rename

    def busy(source: Path, target: Path) -> None:
        if next(refusals, False):
            raise PermissionError
        rename(source, target)

    monkeypatch.setattr("kiosk.handoff.folder.os.rename", busy)
    room.handoff.begin("r1")
    assert room.handoff.finish("r1", secret()) == 1
    assert len(room.files()) == 1


def test_what_is_under_way_is_left_alone(room: Room) -> None:
    room.handoff.begin("r1")
    assert room.handoff.recover(complete) == []
    room.clock.time += GRACE
    assert [each.outcome for each in room.handoff.recover(complete)] == [Recovery.WRITTEN]


def test_consents_that_never_arrived_leave_no_file(room: Room) -> None:
    room.handoff.begin("r1")
    room.restart()
    assert [each.outcome for each in room.handoff.recover(away)] == [Recovery.WAITING]
    assert [each.outcome for each in room.handoff.recover(nothing)] == [Recovery.WAITING]
    room.clock.time += GRACE
    assert [each.outcome for each in room.handoff.recover(away)] == [Recovery.WAITING]
    assert [each.outcome for each in room.handoff.recover(nothing)] == [Recovery.DROPPED]
    assert room.handoff.recover(complete) == []
    assert room.files() == []


def test_a_late_file_gets_todays_name(room: Room) -> None:
    room.handoff.begin("r1")
    room.restart()
    room.clock.forward(days=1)
    assert [each.outcome for each in room.handoff.recover(complete)] == [Recovery.WRITTEN]
    read_face_file(room.face / room.files()[0], room.clock())


def test_a_damaged_temporary_file_is_made_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.handoff.begin("r1")
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.rename", lambda *_: os.stat("/nonexistent"))
        with pytest.raises(HandoffDelayed):
            room.handoff.finish("r1", secret())
    assert room.state() is State.READY
    (temporary,) = room.face.iterdir()
    temporary.write_bytes(b"half")
    assert [each.outcome for each in room.handoff.recover(complete)] == [Recovery.WAITING]
    assert [each.outcome for each in room.handoff.recover(complete)] == [Recovery.WRITTEN]
    read_face_file(room.face / room.files()[0], room.clock())


def test_unclaimed_then_claimed(room: Room) -> None:
    room.handoff.begin("r1")
    room.handoff.finish("r1", secret())
    assert room.handoff.unclaimed() == []
    room.clock.forward(minutes=10)
    assert [each.number for each in room.handoff.unclaimed()] == [1]
    (room.face / room.files()[0]).unlink()
    assert room.handoff.unclaimed() == []
    assert room.state() is State.CLAIMED


def test_retention(room: Room) -> None:
    room.handoff.begin("r1")
    room.handoff.finish("r1", secret())
    (room.face / "somebody-elses.txt").touch()
    room.clock.forward(hours=23)
    assert room.handoff.sweep() == 0
    room.clock.forward(hours=1)
    assert room.handoff.sweep() == 1
    assert room.files() == ["somebody-elses.txt"]
    assert room.state() is State.EXPIRED


def test_the_journal_holds_nothing_personal(room: Room) -> None:
    room.handoff.begin("r1")
    room.handoff.finish("r1", secret())
    data = (room.root / "journal").read_bytes()
    for personal in ("花子", "ﾊﾅｺ", "19850412", "1001"):
        assert personal.encode() not in data


def test_a_result_that_is_none(room: Room) -> None:
    room.handoff.begin("r1")
    with pytest.raises(BadQualification):
        room.handoff.finish("r1", SecretBytes(b"{}"))


STEPS = ("sent", "posted", "aside", "ready", "placed", "done")


def die(root: Path, work: str, step: str) -> None:
    """A child of ours that ends itself by SIGKILL."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.unit.handoff.victim", str(root), work, step], cwd=ROOT, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL


def recover(room: Room) -> None:
    gateway = room.root / "gateway.json"
    room.restart()
    room.clock.time += timedelta(minutes=3)
    for _ in range(3):
        room.handoff.recover(lambda _: SecretBytes(gateway.read_bytes()) if gateway.exists() else None)


@pytest.fixture
def empty(room: Room) -> Room:
    """A room that another process may use."""
    room.journal.close()
    return room


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step(empty: Room, step: str) -> None:
    die(empty.root, "serve", step)
    recover(empty)
    if step == "sent":
        assert empty.files() == []
        assert empty.state() is State.DROPPED
    else:
        (name,) = empty.files()
        assert name.endswith(".xml")
        assert empty.state() is State.DONE


@pytest.mark.parametrize("step", ["aside", "ready", "placed"])
def test_killed_again_while_recovering(empty: Room, step: str) -> None:
    die(empty.root, "serve", "posted")
    die(empty.root, "recover", step)
    recover(empty)
    (name,) = empty.files()
    assert name.endswith(".xml")


@pytest.mark.parametrize("step", ["placed", "done"])
def test_a_file_that_was_taken_is_not_written_again(empty: Room, step: str) -> None:
    die(empty.root, "serve", step)
    (empty.face / empty.files()[0]).unlink()
    recover(empty)
    assert empty.files() == []


def test_the_executors_view(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    service = HandoffService(room.handoff, complete, told.append, told.append)
    reception = ReceptionId("r1")
    service.begin(reception)
    with secret(result(institution="9910000002")) as wrong, pytest.raises(JobError) as caught:
        service.finish(reception, wrong)
    assert caught.value.failure is FailureCode.HANDOFF_FOREIGN
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.rename", lambda *_: os.stat("/nonexistent"))
        assert service.finish(reception, secret()) == (1, True)
    service.tidy()
    assert len(told) == 2
    assert room.state() is State.DONE
    assert service.finish(reception, secret()) == (1, False)
    (room.face / "OQSsiquc01res_face_1310000001.xml").touch()
    with pytest.raises(JobError) as caught:
        service.begin(ReceptionId("r2"))
    assert caught.value.failure is FailureCode.HANDOFF_FOREIGN
