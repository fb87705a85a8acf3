"""Trouble with the reader around a whole kiosk: each has its page, the same patient goes on, the next one is taken."""

from __future__ import annotations

import threading

import pytest

from devices.card.reader import SimulatedCardReader
from devices.simulated.card import Fault, FaultPlan, FaultRule
from devices.simulated.pcscd import PcscdLane
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from kiosk.reception.view import Page, ProblemPanel
from kiosk.ui.robot import Robot
from tests.e2e.conftest import Enter, House

SIGN = 0x2A


def simulated(house: House) -> SimulatedCardReader:
    reader = house.app.around.reader
    assert isinstance(reader, SimulatedCardReader)
    return reader


def lane_of(house: House) -> PcscdLane:
    lane = house.stage._lane
    assert isinstance(lane, PcscdLane)
    return lane


def shows(house: House, page: Page, code: FailureCode | None = None) -> bool:
    view = house.app.window.view
    if view is None or view.page is not page:
        return False
    return code is None or (isinstance(view.panel, ProblemPanel) and view.panel.failure is code)


CLOSED = {
    "no_reader": FailureCode.READER_MISSING,
    "service_down": FailureCode.READER_SERVICE_DOWN,
    "access_denied": FailureCode.READER_DENIED,
    "virtual_reader": FailureCode.READER_VIRTUAL,
}


def test_a_reader_in_trouble_has_its_page_and_comes_back(enter: Enter) -> None:
    """With nobody there, and in the middle of a reception, which goes on with the same card."""
    house = enter()
    troubles = [(state, Page.OUT_OF_SERVICE, Page.READER_WAIT, code) for state, code in CLOSED.items()]
    troubles.append(("several_cards", Page.ONE_CARD, Page.ONE_CARD, FailureCode.SEVERAL_CARDS))
    for state, page, _, code in troubles:
        simulated(house).set_reader(state)
        house.until(lambda page=page, code=code: shows(house, page, code))  # type: ignore[misc]
    simulated(house).set_reader("ready")
    house.until_state(s.Idle)
    patient = house.patient("pin")
    house.until(lambda: patient.step() or isinstance(house.state, s.EnteringPin))
    for state, _, page, code in troubles:
        simulated(house).set_reader(state)
        house.until(lambda page=page, code=code: shows(house, page, code))  # type: ignore[misc]
    simulated(house).set_reader("ready")
    house.until(patient.step)
    patient.leave()
    assert patient.story.last_page == "take_card"
    assert len(house.files) == 1


def test_a_card_that_another_program_holds(enter: Enter) -> None:
    """The page says so; staff read which program; trying again goes on."""
    house = enter()
    simulated(house).set_reader("busy")
    patient = house.patient("pin")
    house.until(lambda: patient.step() or isinstance(house.state, s.Problem))
    assert isinstance(house.state, s.Problem)
    assert (house.state.failure, house.state.upstream) == (FailureCode.CARD_BUSY, "other")
    simulated(house).set_reader("ready")
    Robot(house.app.window).act("try_again")
    house.until(lambda: not isinstance(house.state, s.Problem))
    house.until(patient.step)
    patient.leave()
    assert patient.story.last_page == "take_card"


def test_a_card_that_hangs_is_waited_for_and_goes_on(enter: Enter) -> None:
    """The stated time is `reader.hang_seconds`; then the page says so, and the same patient chooses again."""
    house = enter("reader.hang_seconds=3")
    patient = house.patient("pin")
    house.until(lambda: patient.step() or isinstance(house.state, s.EnteringPin))
    before = simulated(house).pids
    simulated(house).inject(FaultPlan([FaultRule(Fault(delay=600.0), ins=SIGN)]).to_json())
    seen: list[Page] = []

    def look() -> bool:
        view = house.app.window.view
        if view is not None and (not seen or seen[-1] is not view.page):
            seen.append(view.page)
        return patient.step()

    house.until(look, 60)
    patient.leave()
    assert patient.story.last_page == "take_card"
    assert Page.READER_WAIT in seen
    assert before[0] not in simulated(house).pids
    assert len(house.files) == 1


@pytest.mark.pcsc
def test_pcscd_restarts_while_a_patient_types(pcsc_lane: None, enter: Enter) -> None:
    """The page says what happens; the same card goes on without a touch; the next patient is taken."""
    house = enter("reader.driver=vpcd")
    patient = house.patient("pin")
    house.until(lambda: patient.step() or isinstance(house.state, s.EnteringPin))
    lane_of(house).stop_service()
    house.until(lambda: shows(house, Page.READER_WAIT, FailureCode.READER_SERVICE_DOWN))
    starting = threading.Thread(target=lane_of(house).start_service)
    starting.start()
    house.until_state(s.EnteringPin)
    starting.join()
    house.until(patient.step)
    patient.leave()
    assert patient.story.last_page == "take_card"
    assert house.visit("pin").last_page == "take_card"
    assert len(house.files) == 2


@pytest.mark.pcsc
@pytest.mark.parametrize("seconds", [5.0, pytest.param(600.0, marks=pytest.mark.long)])
def test_a_card_that_hangs_in_a_genuine_reader(pcsc_lane: None, enter: Enter, seconds: float) -> None:
    """pcscd itself still waits for the card and calls it held by another program. When it comes to itself, the same
    patient goes on; when it does not, the page says to take the card, and the next patient is taken."""
    house = enter("reader.driver=vpcd", "reader.hang_seconds=3")
    lane = lane_of(house)
    patient = house.patient("pin")
    house.until(lambda: patient.step() or isinstance(house.state, s.EnteringPin))
    lane.set_faults(FaultPlan([FaultRule(Fault(delay=seconds), ins=SIGN)]))
    house.until(lambda: patient.step() or shows(house, Page.READER_WAIT, FailureCode.READER_HUNG))
    if seconds < 10:
        house.until(patient.step, 60)
        patient.leave()
        assert patient.story.last_page == "take_card"
        assert patient.story.failures == []
    else:
        patient.leave()
        house.until(lambda: house.state == s.OutOfService(FailureCode.READER_HUNG))
        assert shows(house, Page.READER_WAIT, FailureCode.READER_HUNG)
        lane.remove()
        house.until_state(s.Idle)
    assert house.visit("pin").last_page == "take_card"
    assert lane.verify_count("employee")["jpki/0018"] <= 2
