"""What can go wrong around a reception, on real parts: each has its page, and a confirmed reception is never lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devices.card.reader import SupervisedCardReader
from kiosk.eligibility.server import Fault, FaultKind
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from kiosk.reception.view import Page
from kiosk.ui.robot import Robot
from tests.e2e.conftest import Enter, House
from tests.helpers.face_file import lately, read_face_file


@pytest.mark.parametrize("encoding", ["UTF-8", "Shift_JIS"])
def test_one_reception_in_either_encoding(enter: Enter, encoding: str) -> None:
    house = enter(f"handoff.encoding={encoding}")
    story = house.visit("pin")
    assert story.last_page == "take_card"
    (file,) = house.files
    read_face_file(file, *lately())
    assert f'encoding="{encoding}"'.encode() in file.read_bytes()[:80]


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        (FaultKind.ERROR, FailureCode.GATEWAY_ERROR),
        pytest.param(FaultKind.NOTHING, FailureCode.GATEWAY_DOWN, marks=pytest.mark.long),
        pytest.param(FaultKind.TRUNCATED, FailureCode.GATEWAY_NONSENSE, marks=pytest.mark.long),
        (FaultKind.WRONG_BODY, FailureCode.GATEWAY_NONSENSE),
    ],
)
def test_a_gateway_in_trouble_has_its_page_and_trying_again_goes_on(
    enter: Enter, kind: FaultKind, failure: FailureCode
) -> None:
    house = enter()
    house.gateway.fault = Fault(kind, path="/v1/receptions")
    patient = house.patient("pin")
    house.until(lambda: patient.step() or isinstance(house.state, s.Problem))
    assert isinstance(house.state, s.Problem)
    assert house.state.failure is failure
    house.gateway.fault = None
    # The identity is not lost: one touch, no second PIN.
    Robot(house.app.window).act("try_again")
    house.until(lambda: not isinstance(house.state, s.Problem))
    house.until(patient.step)
    patient.leave()
    assert patient.story.last_page == "take_card"
    assert patient.story.pages.count("pin") == 1
    assert len(house.files) == 1


def finish_later(house: House) -> None:
    """Let the net thread look after what is open, as it does every half minute."""
    done: list[bool] = []
    house.app.executor.tidy_now(lambda: done.append(True))
    house.until(lambda: bool(done))


def test_a_share_that_is_away_delays_the_file_and_loses_nothing(enter: Enter, tmp_path: Path) -> None:
    house = enter()
    folder, away = house.settings.handoff_folder, tmp_path / "away"
    folder.rename(away)
    story = house.visit("pin")
    assert story.last_page == "take_card"
    away.rename(folder)
    assert house.files == []
    finish_later(house)
    (file,) = house.files
    read_face_file(file, *lately())


def test_a_full_disk_delays_the_file_and_loses_nothing(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    house = enter()
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if os.readlink(f"/proc/self/fd/{descriptor}").startswith(str(house.settings.handoff_folder)):
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        story = house.visit("pin")
        assert story.last_page == "take_card"
        assert house.files == []
    finish_later(house)
    assert len(house.files) == 1


def test_a_folder_of_another_institution_closes_the_kiosk(enter: Enter, tmp_path: Path) -> None:
    (tmp_path / "face").mkdir()
    (tmp_path / "face" / f"OQSsiquc01res_face_1312345678{'0' * 20}_20260401120000.xml").write_text("theirs")
    house = enter(wait=False)
    house.until(
        lambda: (
            house.state == s.OutOfService(FailureCode.HANDOFF_FOREIGN)
            and house.app.loop.kiosk.health.blocked is not None
        )
    )
    assert Robot(house.app.window).page() is Page.OUT_OF_SERVICE


def test_a_camera_that_goes_offers_the_other_ways(enter: Enter) -> None:
    house = enter()
    patient = house.patient("face")
    house.until(lambda: patient.step() or isinstance(house.state, s.Looking))
    house.stage.camera.set_condition("lost")
    house.until_state(s.Problem)
    assert isinstance(house.state, s.Problem)
    assert house.state.failure is FailureCode.CAMERA_LOST
    offered = {action.name for action in house.app.window.view.actions} if house.app.window.view else set()
    assert {"pin", "staff"} <= offered
    patient.leave()
    Robot(house.app.window).act("staff")
    other = house.patient("staff")
    house.until(lambda: other.step() or isinstance(house.state, s.AskingAll))
    other.leave()


def test_a_face_process_that_dies_costs_an_attempt_not_the_kiosk(enter: Enter) -> None:
    house = enter()
    patient = house.patient("face")
    house.until(lambda: patient.step() or isinstance(house.state, s.Looking))
    os.kill(house.app.face.pids[0], 9)
    house.until_state(s.Problem)
    patient.leave()
    Robot(house.app.window).act("face")
    house.until_state(s.AskingAll)


def test_a_card_process_that_dies_lets_the_same_card_go_on(enter: Enter) -> None:
    house = enter()
    patient = house.patient("pin")
    house.until(lambda: patient.step() or isinstance(house.state, s.EnteringPin))
    reader = house.app.around.reader
    assert isinstance(reader, SupervisedCardReader)
    os.kill(reader.pids[0], 9)
    house.until(patient.step)
    patient.leave()
    assert patient.story.last_page == "take_card"
    assert len(house.files) == 1


def test_no_reader_is_out_of_service_until_it_comes(enter: Enter) -> None:
    house = enter()
    house.app.bridge.post(e.ReaderDown(FailureCode.READER_MISSING))
    house.until_state(s.OutOfService)
    house.app.bridge.post(e.ReaderUp())
    house.until_state(s.Idle)


def test_maintenance_tests_the_devices_and_closes_the_kiosk_across_a_restart(enter: Enter) -> None:
    house = enter()
    robot = Robot(house.app.window)
    robot.staff_gesture()
    house.until_state(s.StaffDoor)
    robot.type_pin("000000")
    house.until(lambda: isinstance(house.state, s.StaffDoor) and house.state.refused)
    robot.type_pin("246810")
    house.until_state(s.StaffRoom)
    for device in ("reader", "camera", "gateway"):
        robot.act(f"test_{device}")
        house.until(lambda: isinstance(house.state, s.StaffRoom) and house.state.running is None)
    assert isinstance(house.state, s.StaffRoom)
    assert dict(house.state.findings) == {"reader": "ok", "camera": "ok", "gateway": "ok"}
    robot.act("close_kiosk")
    house.until(lambda: not house.app.loop.kiosk.health.open)
    robot.act("leave")
    house.until(lambda: house.state == s.OutOfService(FailureCode.CLOSED_BY_STAFF))
    assert not house.app.service.open


def test_a_swapped_card_wipes_the_first_reception(enter: Enter) -> None:
    house = enter()
    story = house.visit("swap")
    assert story.swapped
    assert house.files == []
    assert len(house.app.vault) == 0


def test_the_vault_is_empty_and_the_face_process_is_new_after_a_reception(enter: Enter) -> None:
    house = enter()
    working = house.app.face.pids[0]
    house.visit("face")
    assert len(house.app.vault) == 0
    assert working not in house.app.face.pids
