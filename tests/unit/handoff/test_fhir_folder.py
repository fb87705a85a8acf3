"""The FHIR file goes the face file's way: before it, atomically, exactly once, and away after the retention time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from devices.secret import SecretBytes
from kiosk.handoff import fhir
from kiosk.handoff.desk import Handoff, Recovery
from kiosk.handoff.errors import HandoffDelayed, HandoffRefused
from kiosk.handoff.folder import HandoffFolder
from kiosk.handoff.journal import State
from kiosk.handoff.sidefile import FhirFolder, SideFolder, name_beside
from kiosk.oqs.document import Encoding
from tests.helpers.full import full, provided, secret
from tests.helpers.results import INSTITUTION, result
from tests.unit.handoff.conftest import Room, away, complete_beside, outcomes
from tests.unit.handoff.test_desk import die

STEPS = (
    *("sent", "posted", "side aside", "fhir aside", "aside", "ready", "side placed", "fhir placed", "placed", "done"),
)


def with_fhir(room: Room, folder: str = "fhir") -> Handoff:
    return Handoff(
        HandoffFolder(room.face, INSTITUTION, pause=0.01),
        SideFolder(room.side, pause=0.01),
        room.journal,
        Encoding.UTF8,
        simulated=True,
        fhir_folder=FhirFolder(room.root / folder, pause=0.01),
        now=room.clock,
    )


def files(room: Room, folder: str = "fhir") -> list[str]:
    path = room.root / folder
    return sorted(each.name for each in path.iterdir()) if path.exists() else []


@pytest.fixture
def fhir_room(room: Room) -> Room:
    room.handoff = with_fhir(room)
    return room


def serve(room: Room, reception: str = "r1", answer: SecretBytes | None = None) -> None:
    room.handoff.begin(reception)
    room.handoff.finish(reception, answer or secret(full(reception)))


def test_name_and_content(fhir_room: Room) -> None:
    value = provided()
    serve(fhir_room, answer=secret(value))
    (face,), (side,), (name,) = fhir_room.files(), fhir_room.sides(), files(fhir_room)
    assert name == side.removesuffix(".xml") + ".json" == name_beside(face, ".json")
    assert (fhir_room.root / "fhir" / name).read_bytes() == fhir.bundle(value)


def test_off_nothing_is_written(room: Room) -> None:
    serve(room)
    assert files(room) == []


def test_both_kinds_in_one_folder(room: Room) -> None:
    room.handoff = with_fhir(room, "extension")
    serve(room, answer=secret(provided()))
    assert [name[-4:] for name in room.sides()] == ["json", ".xml"]


def test_it_is_there_before_the_face_file(fhir_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def place(folder: HandoffFolder, reception: str, name: str) -> None:
        assert files(fhir_room) == [name_beside(name, ".json")]
        raise OSError

    monkeypatch.setattr(HandoffFolder, "put_in_place", place)
    with pytest.raises(HandoffDelayed):
        serve(fhir_room)


def test_a_folder_that_is_away_delays_the_file(room: Room) -> None:
    room.handoff = with_fhir(room, "share/fhir")
    room.handoff.begin("r1")
    with pytest.raises(HandoffDelayed):
        room.handoff.finish("r1", secret())
    (room.root / "share").mkdir()
    assert outcomes(room, complete_beside) == [Recovery.WRITTEN]
    assert len(files(room, "share/fhir")) == len(room.files()) == 1


def test_what_no_bundle_can_hold_leaves_nothing(fhir_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> bytearray:
        raise HandoffRefused("no")

    monkeypatch.setattr(fhir, "bundle", refuse)
    with pytest.raises(HandoffRefused):
        serve(fhir_room, answer=secret(provided()))
    assert fhir_room.files() == fhir_room.sides() == files(fhir_room) == []


@pytest.mark.parametrize("claimed", [False, True])
def test_it_goes_after_the_retention_time(fhir_room: Room, claimed: bool) -> None:
    serve(fhir_room)
    if claimed:
        (fhir_room.face / fhir_room.files()[0]).unlink()
    fhir_room.clock.forward(hours=23)
    fhir_room.handoff.sweep()
    assert len(files(fhir_room)) == 1
    fhir_room.clock.forward(hours=1)
    assert fhir_room.handoff.sweep() == (0 if claimed else 1)
    assert files(fhir_room) == fhir_room.files() == []
    assert fhir_room.handoff.sweep() == 0


def test_switched_off_the_sweep_leaves_the_other_folder_alone(fhir_room: Room) -> None:
    serve(fhir_room)
    fhir_room.handoff = fhir_room.make()
    fhir_room.clock.forward(hours=24)
    assert fhir_room.handoff.sweep() == 1
    assert len(files(fhir_room)) == 1


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step(room: Room, step: str) -> None:
    room.journal.close()
    die(room.root, "serve-fhir", step)
    for name in room.files():
        assert not name.endswith(".xml") or name_beside(name, ".json") in files(room)
    recover(room)
    if step == "sent":
        assert (room.files(), files(room), room.state()) == ([], [], State.DROPPED)
    else:
        (name,) = room.files()
        assert files(room) == [name_beside(name, ".json")]
        assert len(room.sides()) == 1
        assert room.state() is State.DONE


@pytest.mark.parametrize("step", ["fhir placed", "placed"])
def test_what_was_taken_is_not_written_again(room: Room, step: str) -> None:
    room.journal.close()
    die(room.root, "serve-fhir", step)
    (room.root / "fhir" / files(room)[0]).unlink()
    recover(room)
    assert len(room.files()) == 1
    assert files(room) == []


def test_switched_off_between_two_steps(room: Room) -> None:
    room.journal.close()
    die(room.root, "serve-fhir", "ready")
    room.restart()
    fetch = asked(room)
    assert outcomes(room, fetch) == [Recovery.WAITING]
    room.clock.forward(minutes=3)
    assert outcomes(room, fetch) == [Recovery.WRITTEN]
    assert [name[-4:] for name in room.files()] == [".xml"]


def test_a_share_that_goes_in_between_is_waited_for(room: Room) -> None:
    room.journal.close()
    die(room.root, "serve-fhir", "ready")
    (room.root / "fhir").rename(room.root / "mounted")
    (room.root / "fhir").mkdir()
    room.restart()
    room.handoff = with_fhir(room)
    assert outcomes(room, away) == [Recovery.WAITING]
    (room.root / "fhir").rmdir()
    assert outcomes(room, away) == [Recovery.WAITING]
    (room.root / "mounted").rename(room.root / "fhir")
    assert outcomes(room, away) == [Recovery.WRITTEN]
    assert len(files(room)) == 1


def test_a_share_under_another_identity_still_has_its_file(room: Room) -> None:
    """Mounted anew, a share may have another device number."""
    room.journal.close()
    die(room.root, "serve-fhir", "fhir placed")
    (room.root / "fhir").rename(room.root / "before")
    (room.root / "fhir").mkdir()
    for path in (room.root / "before").iterdir():
        path.rename(room.root / "fhir" / path.name)
    room.restart()
    room.handoff = with_fhir(room)
    assert outcomes(room, away) == [Recovery.WRITTEN]
    assert len(files(room)) == 1


@pytest.mark.parametrize("missing", ["fhir", "extension"])
def test_a_share_that_does_not_come_back_is_given_up(room: Room, missing: str) -> None:
    room.journal.close()
    die(room.root, "serve-fhir", "ready")
    (room.root / missing).rename(room.root / "gone")
    (room.root / missing).mkdir()
    room.restart()
    room.handoff = with_fhir(room)
    assert outcomes(room, away) == [Recovery.WAITING]
    room.clock.forward(hours=25)
    assert outcomes(room, away) == [Recovery.GIVEN_UP]
    assert room.files() == files(room) == []


def test_given_up_takes_what_was_placed_back(fhir_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its face file nobody could tell whose it is."""
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.rename", lambda *_: Path("/nonexistent").stat())
        with pytest.raises(HandoffDelayed):
            serve(fhir_room)
    assert len(files(fhir_room)) == 1
    fhir_room.face.rename(fhir_room.root / "gone")
    fhir_room.face.mkdir()
    fhir_room.clock.forward(hours=25)
    assert outcomes(fhir_room, away) == [Recovery.GIVEN_UP]
    assert files(fhir_room) == []


def test_made_again_on_another_day_there_is_one(fhir_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.handoff.folder.os.rename", lambda *_: Path("/nonexistent").stat())
        with pytest.raises(HandoffDelayed):
            serve(fhir_room, answer=secret(provided()))
    tomorrow = fhir_room.clock() + timedelta(days=1)
    fhir_room.clock.time = tomorrow.replace(hour=0, minute=30)
    assert outcomes(fhir_room, complete_beside) == [Recovery.WAITING]
    assert outcomes(fhir_room, complete_beside) == [Recovery.WRITTEN]
    (face,) = fhir_room.files()
    assert files(fhir_room) == [name_beside(face, ".json")]


def test_the_bundle_says_when_the_answer_was_given(fhir_room: Room) -> None:
    serve(fhir_room, answer=secret(full(record=result(fhir_room.clock()))))
    (name,) = files(fhir_room)
    found = json.loads((fhir_room.root / "fhir" / name).read_text("utf-8"))
    assert found["timestamp"] == fhir_room.clock().isoformat(timespec="seconds")


def asked(room: Room) -> Callable[[str], SecretBytes | None]:
    gateway = room.root / "gateway.json"
    return lambda _: SecretBytes(gateway.read_bytes()) if gateway.exists() else None


def recover(room: Room) -> None:
    room.restart()
    room.handoff = with_fhir(room)
    room.clock.forward(minutes=3)
    for _ in range(3):
        room.handoff.recover(asked(room))
