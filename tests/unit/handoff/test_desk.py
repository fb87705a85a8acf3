"""Exactly one file for each reception, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from devices.secret import SecretBytes
from kiosk.handoff.desk import GRACE, Recovery
from kiosk.handoff.errors import ForeignFolder, HandoffDelayed, HandoffError, HandoffRefused, ResultGone
from kiosk.handoff.folder import HandoffFolder
from kiosk.handoff.journal import State
from kiosk.handoff.service import HandoffService
from kiosk.oqs.document import Encoding
from kiosk.qualification import BadQualification
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import ReceptionId
from kiosk.runtime.ports import JobError, Placed
from tests.helpers.face_file import read_face_file
from tests.helpers.full import full, provided, read_side_file, secret
from tests.helpers.results import INSTITUTION, result
from tests.unit.handoff.conftest import Room, away, complete, complete_beside, nothing, outcomes

ROOT = Path(__file__).resolve().parents[3]


def test_one_file_that_a_strict_reader_takes(room: Room) -> None:
    room.handoff.begin("r1")
    assert room.handoff.finish("r1", secret(full(record=result(room.clock())))) == Placed(1, False, 0)
    (name,) = room.files()
    assert read_face_file(room.face / name, room.clock()).person["Name"] == "試験　花子"
    assert "r1" not in name
    assert room.state() is State.DONE
    assert room.handoff.finish("r1", secret()) == Placed(1, False, 0)  # asked twice, written once
    assert room.files() == [name]


def test_numbers_and_names_differ(room: Room) -> None:
    for number in (1, 2, 3):
        room.handoff.begin(f"r{number}")
        assert room.handoff.finish(f"r{number}", secret(full(f"r{number}"))).number == number
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
        room.handoff.finish("r1", secret(full(record=result(institution="9910000002"))))
    assert room.files() == []


def test_no_space_delays_and_loses_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    room.handoff.begin("r1")
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.write", no_space)
        with pytest.raises(HandoffDelayed) as caught:
            room.handoff.finish("r1", secret())
        assert caught.value.number == 1
        assert [each.outcome for each in room.handoff.recover(complete)] == [Recovery.WAITING]
    room.handoff.begin("r2")
    assert room.handoff.finish("r2", secret(full("r2"))).number == 2
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
    assert room.handoff.finish("r1", secret()).number == 1
    assert len(room.files()) == 1


def test_a_name_is_never_used_twice(room: Room) -> None:
    room.handoff.begin("r1")
    entry = room.journal.get("r1")
    assert entry is not None
    (room.face / entry.name).write_text("somebody else's")
    with pytest.raises(HandoffDelayed):
        room.handoff.finish("r1", secret())
    assert (room.face / entry.name).read_text() == "somebody else's"


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


def test_a_result_of_another_reception_is_refused(room: Room) -> None:
    room.handoff.begin("r1")
    with pytest.raises(HandoffRefused):
        room.handoff.finish("r1", secret(full("r2")))
    assert room.files() == []


def test_real_results_are_refused_in_practice(room: Room) -> None:
    room.handoff.begin("r1")
    with pytest.raises(HandoffRefused):
        room.handoff.finish("r1", secret(provided(record=result(name="山田　太郎"))))
    assert (room.files(), room.sides()) == ([], [])


def test_finish_needs_begin(room: Room) -> None:
    with pytest.raises(HandoffError):
        room.handoff.finish("r1", secret())


def test_asked_again_after_it_was_dropped(room: Room) -> None:
    """A patient who thinks long before trying again."""
    room.handoff.begin("r1")
    room.clock.time += GRACE
    assert outcomes(room, nothing) == [Recovery.DROPPED]
    room.handoff.begin("r1")
    assert room.state() is State.SENT
    room.restart()
    assert outcomes(room, complete) == [Recovery.WRITTEN]
    room.handoff.begin("r1")
    assert room.state() is State.DONE


def ready(room: Room, monkeypatch: pytest.MonkeyPatch, *, beside: bool = False) -> None:
    """Both files aside, none in place."""
    room.handoff.begin("r1")
    with monkeypatch.context() as patch:
        for name in ("rename", "replace"):
            patch.setattr(f"kiosk.handoff.folder.os.{name}", lambda *_: os.stat("/nonexistent"))
        with pytest.raises(HandoffDelayed):
            room.handoff.finish("r1", secret(provided() if beside else full()))
    assert room.state() is State.READY
    room.restart()


def test_a_share_that_goes_between_writing_and_renaming_loses_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(room, monkeypatch)
    mounted = room.root / "mounted"
    room.face.rename(mounted)
    room.face.mkdir()  # the bare mount point, which looks as if the file had been renamed and taken
    assert outcomes(room, nothing) == [Recovery.WAITING]
    assert room.state() is State.READY
    room.face.rmdir()
    mounted.rename(room.face)
    assert outcomes(room, nothing) == [Recovery.WRITTEN]
    assert len(room.files()) == 1


def test_a_file_taken_before_the_journal_knew_is_not_written_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(room, monkeypatch)
    (temporary,) = room.face.iterdir()
    temporary.unlink()  # renamed, and taken by the receipt computer
    assert outcomes(room, complete) == [Recovery.WRITTEN]
    assert (room.files(), room.state()) == ([], State.DONE)


def test_a_renamed_file_is_believed_also_on_a_share_that_was_mounted_anew(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(room, monkeypatch)
    (temporary,) = room.face.iterdir()
    entry = room.journal.get("r1")
    assert entry is not None
    anew = room.root / "anew"
    anew.mkdir()
    temporary.rename(anew / entry.name)
    room.face.rmdir()
    anew.rename(room.face)
    assert outcomes(room, complete) == [Recovery.WRITTEN]
    assert room.state() is State.DONE
    assert room.files() == [entry.name]


def test_a_share_that_never_comes_back_is_given_up(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(room, monkeypatch)
    room.face.rename(room.root / "mounted")
    room.face.mkdir()
    room.clock.forward(hours=24)
    assert outcomes(room, complete) == [Recovery.GIVEN_UP]
    assert outcomes(room, complete) == []


def test_a_side_share_that_is_away_holds_the_face_file_back(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(room, monkeypatch, beside=True)
    mounted = room.root / "mounted"
    room.side.rename(mounted)
    room.side.mkdir()
    assert outcomes(room, complete_beside) == [Recovery.WAITING]
    assert not [name for name in room.files() if name.endswith(".xml")]
    room.side.rmdir()
    mounted.rename(room.side)
    assert outcomes(room, complete_beside) == [Recovery.WRITTEN]
    assert len(room.files()) == len(room.sides()) == 1


def test_a_damaged_side_file_is_made_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(room, monkeypatch, beside=True)
    (temporary,) = room.side.iterdir()
    temporary.write_bytes(b"half")
    assert outcomes(room, complete_beside) == [Recovery.WAITING]
    assert outcomes(room, complete_beside) == [Recovery.WRITTEN]
    read_side_file(room.side / room.sides()[0])


def test_a_late_side_file_names_the_late_face_file(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(room, monkeypatch, beside=True)
    (temporary,) = room.side.iterdir()
    entry = room.journal.get("r1")
    assert entry is not None
    temporary.rename(room.side / f"UKT_{entry.name[-39:]}")  # placed yesterday, before the power went
    room.clock.forward(days=1)
    assert outcomes(room, complete_beside) == [Recovery.WAITING]
    assert outcomes(room, complete_beside) == [Recovery.WRITTEN]
    (name,), (side,) = room.files(), room.sides()
    assert read_side_file(room.side / side).face_file == name
    read_face_file(room.face / name, room.clock())


def test_a_late_file_without_a_side_file_needs_no_gateway(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(room, monkeypatch)
    room.clock.forward(days=1)
    assert outcomes(room, away) == [Recovery.WRITTEN]
    read_face_file(room.face / room.files()[0], room.clock())


def test_a_share_that_is_away_while_recovering_waits_without_asking(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(room, monkeypatch)
    room.handoff.begin("r2")
    room.restart()
    room.face.rename(room.root / "mounted")

    def never(_: str) -> SecretBytes | None:
        raise AssertionError("fetched what cannot be written")

    assert outcomes(room, never) == [Recovery.WAITING, Recovery.WAITING]


def test_what_is_refused_is_asked_for_less_and_less_and_given_up(room: Room) -> None:
    asked = 0

    def wrong(_: str) -> SecretBytes | None:
        nonlocal asked
        asked += 1
        return secret(full(record=result(institution="9910000002")))

    room.handoff.begin("r1")
    room.restart()
    found: list[Recovery] = []
    while Recovery.GIVEN_UP not in found:
        found += outcomes(room, wrong)
        room.clock.forward(seconds=30)
    assert asked < 40  # of 2880 rounds in a day
    assert room.state() is State.GIVEN_UP
    assert found.count(Recovery.GIVEN_UP) == 1
    assert outcomes(room, wrong) == []


def test_a_refusal_that_ends_is_written(room: Room) -> None:
    room.handoff.begin("r1")
    room.restart()
    assert outcomes(room, lambda _: secret(full("r2"))) == [Recovery.REFUSED]
    assert outcomes(room, complete) == [Recovery.WAITING]
    room.clock.forward(minutes=1)
    assert outcomes(room, complete) == [Recovery.WRITTEN]


def gone(_: str) -> SecretBytes | None:
    raise ResultGone


def test_a_result_that_the_gateway_does_not_keep_any_more_is_given_up(room: Room) -> None:
    room.handoff.begin("r1")
    room.restart()
    assert outcomes(room, gone) == [Recovery.GIVEN_UP]


def test_a_result_that_was_there_and_is_not_any_more_is_given_up(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.handoff.begin("r1")
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.write", lambda *_: os.stat("/nonexistent"))
        with pytest.raises(HandoffDelayed):
            room.handoff.finish("r1", secret())
    room.clock.time += GRACE
    assert outcomes(room, nothing) == [Recovery.GIVEN_UP]


def test_a_folder_that_turns_foreign_in_between_waits(room: Room) -> None:
    room.handoff.begin("r1")
    room.restart()
    foreign = room.face / "OQSsiquc01res_face_20260401090000.xml"

    def meanwhile(_: str) -> SecretBytes | None:
        foreign.touch()
        return secret()

    assert outcomes(room, meanwhile) == [Recovery.WAITING]
    assert outcomes(room, complete) == [Recovery.WAITING]
    foreign.unlink()
    assert outcomes(room, complete) == [Recovery.WRITTEN]


def test_substituted_characters_are_told_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    record = result(name="試験　𠮷子")
    room.handoff = room.make(Encoding.SHIFT_JIS)
    room.handoff.begin("r1")
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.rename", lambda *_: os.stat("/nonexistent"))
        with pytest.raises(HandoffDelayed) as caught:
            room.handoff.finish("r1", secret(full(record=record)))
    assert caught.value.substituted == 1
    assert [each.substituted for each in room.handoff.recover(away)] == [0]
    room.handoff.begin("r2")
    room.restart()
    room.handoff = room.make(Encoding.SHIFT_JIS)
    found = room.handoff.recover(lambda _: secret(full("r2", record)))
    assert [each.substituted for each in found] == [1]


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


def test_both_files_go_after_the_retention_time(room: Room) -> None:
    for reception in ("r1", "r2"):
        room.handoff.begin(reception)
        room.handoff.finish(reception, secret(provided(reception)))
    (room.side / "somebody-elses.txt").touch()
    taken = room.journal.get("r2")
    assert taken is not None
    (room.face / taken.name).unlink()  # the receipt computer that knows no side files took this one
    room.clock.forward(hours=23)
    assert room.handoff.sweep() == 0
    assert room.state("r2") is State.CLAIMED
    assert len(room.sides()) == 3
    room.clock.forward(hours=1)
    assert room.handoff.sweep() == 1
    assert room.handoff.sweep() == 0
    assert (room.files(), room.sides()) == ([], ["somebody-elses.txt"])


def test_a_file_that_another_program_holds_is_removed_in_the_next_round(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reception in ("r1", "r2"):
        room.handoff.begin(reception)
        room.handoff.finish(reception, secret(full(reception)))
    room.clock.forward(hours=24)
    held = room.files()[0]
    unlink = Path.unlink

    def busy(path: Path, missing_ok: bool = False) -> None:
        if path.name == held:
            raise PermissionError
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", busy)
        assert room.handoff.sweep() == 1
    assert room.files() == [held]
    assert room.handoff.sweep() == 1


def test_a_share_that_is_away_is_not_taken_for_a_receipt_computer(room: Room) -> None:
    room.handoff.begin("r1")
    room.handoff.finish("r1", secret())
    room.face.rename(room.root / "mounted")
    room.face.mkdir()
    room.clock.forward(minutes=11)
    assert room.handoff.unclaimed() == []
    assert room.state() is State.DONE
    room.face.rmdir()
    (room.root / "mounted").rename(room.face)
    assert len(room.handoff.unclaimed()) == 1
    room.clock.forward(hours=24)
    assert room.handoff.sweep() == 1


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
STEPS_BESIDE = ("sent", "posted", "side aside", "aside", "ready", "side placed", "placed", "done")


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


@pytest.mark.parametrize("step", STEPS_BESIDE)
def test_killed_at_any_step_of_a_reception_with_a_side_file(empty: Room, step: str) -> None:
    die(empty.root, "serve-beside", step)
    for name in empty.files():
        # Whoever sees the face file finds its side file.
        assert not name.endswith(".xml") or [side for side in empty.sides() if side.endswith(name[-39:])]
    recover(empty)
    if step == "sent":
        assert (empty.files(), empty.sides(), empty.state()) == ([], [], State.DROPPED)
    else:
        (name,), (side,) = empty.files(), empty.sides()
        assert read_side_file(empty.side / side).face_file == name
        assert empty.state() is State.DONE


@pytest.mark.parametrize("step", ["side placed", "placed"])
def test_a_side_file_that_was_taken_is_not_written_again(empty: Room, step: str) -> None:
    die(empty.root, "serve-beside", step)
    (empty.side / empty.sides()[0]).unlink()
    recover(empty)
    assert len(empty.files()) == 1
    assert empty.sides() == []


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


def test_a_code_of_ten_digits() -> None:
    with pytest.raises(ValueError, match="10 digits"):
        HandoffFolder(Path("face"), "99")
    assert HandoffFolder(Path("face"), INSTITUTION).institution == INSTITUTION


def test_a_folder_that_cannot_be_written(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.handoff.folder.os.access", lambda *_: False)
    room.handoff.begin("r1")
    with pytest.raises(HandoffDelayed):
        room.handoff.finish("r1", secret())


def test_tidy_never_raises(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    service = HandoffService(room.handoff, complete, told.append, told.append)
    service.begin(ReceptionId("r1"))
    with secret() as good:
        service.finish(ReceptionId("r1"), good)
    room.face.rename(room.root / "mounted")
    service.tidy()
    assert told == []


def test_failures_in_the_domains_words(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    service = HandoffService(room.handoff, complete, lambda _: None, lambda _: None)
    with secret() as good, pytest.raises(JobError) as caught:
        service.finish(ReceptionId("r1"), good)
    assert caught.value.failure is FailureCode.HANDOFF_BROKEN
    service.begin(ReceptionId("r1"))
    with SecretBytes(b"{}") as bad, pytest.raises(JobError) as caught:
        service.finish(ReceptionId("r1"), bad)
    assert caught.value.failure is FailureCode.GATEWAY_NONSENSE
    for number in range(2, 9):
        service.begin(ReceptionId(f"r{number}"))
    with pytest.raises(JobError) as caught:  # every slot is in use
        service.begin(ReceptionId("r9"))
    assert caught.value.failure is FailureCode.HANDOFF_BROKEN


def test_the_executors_view(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    service = HandoffService(room.handoff, complete, told.append, told.append)
    reception = ReceptionId("r1")
    service.begin(reception)
    with secret(full(record=result(institution="9910000002"))) as wrong, pytest.raises(JobError) as caught:
        service.finish(reception, wrong)
    assert caught.value.failure is FailureCode.HANDOFF_FOREIGN
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.rename", lambda *_: os.stat("/nonexistent"))
        assert service.finish(reception, secret()) == Placed(1, True, 0)
    service.tidy()
    assert len(told) == 2
    assert room.state() is State.DONE
    assert service.finish(reception, secret()) == Placed(1, False, 0)
    (room.face / "OQSsiquc01res_face_1310000001.xml").touch()
    with pytest.raises(JobError) as caught:
        service.begin(ReceptionId("r2"))
    assert caught.value.failure is FailureCode.HANDOFF_FOREIGN
