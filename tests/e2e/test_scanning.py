"""The printed card over the real window and the real scanner process: three touches, and none more for the numbers."""

from __future__ import annotations

import os
import signal

from devices.simulated.tray import TrayCondition
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from tests.e2e.conftest import Enter, House

WITH = ("scanner.driver=simulated", "scanner.seconds=60")  # a loaded machine needs more than the usual 12
MOST = 3  # touches of an ordinary visit by face


def states(house: House) -> list[str]:
    seen: list[str] = []
    house.app.loop.watchers.append(lambda change: seen.append(type(change.after).__name__))
    return seen


def test_an_ordinary_visit_by_face_takes_three_touches_at_most(enter: Enter) -> None:
    house = enter(*WITH)
    seen = states(house)
    story = house.visit("face")
    assert len(house.files) == 1
    assert "EnteringNumber" not in seen
    assert story.touches == ["action:face", "action:all_yes"]
    assert len(story.touches) <= MOST
    assert house.app.scanner is not None
    assert len(house.app.vault) == 0


def test_without_the_scanner_the_number_is_typed(enter: Enter) -> None:
    house = enter("scanner.driver=off")
    story = house.visit("face")
    assert house.app.scanner is None
    assert story.touches.count("key") == 16  # era, 14 digits, enter
    assert len(house.files) == 1


def test_a_camera_above_the_card_that_is_lost_costs_typing_and_the_counter_is_told_once(enter: Enter) -> None:
    house = enter(*WITH)
    told: list[str] = []
    house.app.desk.listeners.append(told.append)
    assert house.stage.tray is not None
    house.stage.tray.set_condition(TrayCondition.LOST)
    house.until(lambda: house.app.loop.kiosk.health.scanner is FailureCode.SCANNER_LOST, 30)
    seen = states(house)
    house.visit("face")
    assert "EnteringNumber" in seen
    assert len(house.files) == 1
    assert told.count("scanner_lost") == 1
    house.stage.tray.set_condition(TrayCondition.NORMAL)
    house.until(lambda: house.app.loop.kiosk.health.scanner is None, 30)


def test_a_scanner_process_that_dies_costs_typing_not_the_kiosk(enter: Enter) -> None:
    house = enter(*WITH)
    house.stage.sit("employee")
    house.stage.insert("employee")
    house.until_state(s.Choosing)
    for pid in house.app.scanner.pids:
        os.kill(pid, signal.SIGKILL)
    house.until(lambda: isinstance(s.visit_of(house.state).printed, s.Unscanned), 30)
    assert s.visit_of(house.state).printed == s.Unscanned(FailureCode.SCANNER_WORKER_LOST)
    house.stage.remove()
    house.until_state(s.Idle)
    # The next one is scanned again.
    seen = states(house)
    house.visit("face")
    assert "EnteringNumber" not in seen
    assert len(house.files) == 1
