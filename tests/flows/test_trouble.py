"""What fails on the way: the patient goes on where that is possible, and is told where not."""

from __future__ import annotations

import pytest

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.failure import TABLE, FailureCode, Helper
from kiosk.reception.states import Ending, Method
from tests.helpers.journey import Journey, ready
from tests.helpers.samples import asking, checking_staff, confirming, face, read, registering, sending

AGAIN = (
    FailureCode.GATEWAY_DOWN,
    FailureCode.GATEWAY_ERROR,
    FailureCode.GATEWAY_NONSENSE,
    FailureCode.GATEWAY_UNTRUSTED,
    FailureCode.FOLDER_DOWN,
    FailureCode.FOLDER_TIMEOUT,
    FailureCode.FOLDER_NONSENSE,
    FailureCode.STEP_TIMEOUT,
)


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_reaches_its_page(code: FailureCode) -> None:
    visit = ready().card_put().fails(code, "E-7")
    visit.at(s.Problem, failure=code, upstream="E-7").recorded("problem", code.value).did(c.Play)
    needs_staff = TABLE[code].helper is not Helper.PATIENT or not TABLE[code].recoverable
    assert (c.CallCounter("problem") in visit.seen) == needs_staff
    visit.again()
    if TABLE[code].recoverable:
        visit.at(s.Choosing).did(c.ReadCertificate).certificate().at(s.Choosing, job=None)
    else:
        visit.did_nothing().cancel().at(s.TakeCard, outcome=s.Outcome(Ending.FAILED)).card_taken().at(s.Idle)


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_can_close_the_kiosk(code: FailureCode) -> None:
    ready().blocked(code).at(s.OutOfService, failure=code).blocked(None).at(s.Idle)


@pytest.mark.parametrize("code", FailureCode)
def test_the_gateways_failure_is_tried_again_only_where_that_can_help(code: FailureCode) -> None:
    for visit, command, state in (
        (confirming(), c.ConfirmEligibility, s.Confirming),
        (registering(), c.Register, s.Registering),
        (sending(), c.SendConsents, s.Sending),
    ):
        identified = [each for each in (visit.asked_last(c.ConfirmEligibility).identity,)]
        visit.fails(code, "E-7").at(s.Problem, failure=code, upstream="E-7")
        assert (visit.state.retry is not None) == (code in AGAIN)
        if code in AGAIN:
            first = len(visit.all_of(command))
            visit.again().at(state).did(command)
            assert len(visit.all_of(command)) == first + 1
            assert visit.asked_last(c.ConfirmEligibility).identity == identified[0]
            assert len(visit.all_of(c.ReadPhoto)) == 1, "nothing that was done is asked for again"


def test_answers_are_not_asked_for_twice() -> None:
    visit = sending()
    given = visit.asked_last(c.SendConsents).answers
    visit.fails(FailureCode.GATEWAY_DOWN).again().at(s.Sending)
    assert visit.asked_last(c.SendConsents).answers == given
    visit.result().handed_off().at(s.TakeCard)


def test_a_sending_that_fails_after_the_card_was_taken_is_finished_by_the_journal() -> None:
    sending().card_taken().fails(FailureCode.GATEWAY_DOWN).at(s.Farewell, outcome=s.Outcome(Ending.DELAYED))


def test_a_hand_off_that_fails_is_finished_by_the_journal() -> None:
    visit = sending().result().fails(FailureCode.HANDOFF_FOREIGN)
    visit.at(s.TakeCard, outcome=s.Outcome(Ending.DELAYED)).did(c.CallCounter)


@pytest.mark.parametrize(
    ("visit", "method"),
    [(confirming(), Method.FACE), (read().choose("pin").pin().signature(), Method.PIN)],
)
def test_evidence_that_does_not_suffice_leaves_the_other_ways(visit: Journey, method: Method) -> None:
    visit.fails(FailureCode.EVIDENCE_INSUFFICIENT).at(s.Problem, retry=None)
    assert visit.state.visit.refused == (method,)
    visit.choose(method.value).at(s.Problem).choose("staff").at(s.StaffConfirming).staff().staff_accepted()
    visit.eligible().at(s.AskingAll)


def test_staff_that_do_not_suffice_may_try_again() -> None:
    visit = checking_staff().staff_accepted().fails(FailureCode.EVIDENCE_INSUFFICIENT)
    visit.choose("staff").staff().staff_accepted().fails(FailureCode.EVIDENCE_INSUFFICIENT).at(s.Problem)
    assert visit.state.visit.refused == (Method.STAFF,)


@pytest.mark.parametrize("code", [FailureCode.STEP_TIMEOUT, FailureCode.CARD_UNREADABLE, FailureCode.CARD_BUSY])
@pytest.mark.parametrize("method", ["pin", "face"])
def test_a_card_that_did_not_answer_is_read_again_before_anything_is_sent_to_it(code: FailureCode, method: str) -> None:
    visit = read().choose(method)
    visit = visit.pin() if method == "pin" else visit.card_number()
    visit = visit.time_over() if code is FailureCode.STEP_TIMEOUT else visit.fails(code)
    visit.at(s.Problem, failure=code).choose("pin").at(s.Problem).did_nothing()
    visit.again().at(s.Choosing).did(c.ReadCertificate).certificate(pin_tries=1).choose("pin").at(s.LastTry)


def test_a_card_that_blocked_the_pin_itself_is_not_asked_again() -> None:
    visit = read().choose("pin").pin().fails(FailureCode.PIN_BLOCKED).at(s.Problem)
    assert visit.state.visit.certificate.pin_tries == 0
    visit.choose("face").at(s.EnteringNumber)


@pytest.mark.parametrize("code", [FailureCode.PHOTO_INVALID, FailureCode.NUMBER_GUARDED])
def test_a_photo_that_cannot_be_used_leaves_the_other_ways(code: FailureCode) -> None:
    visit = read().choose("face").card_number().fails(code).at(s.Problem, failure=code)
    visit.choose("face").did_nothing().choose("pin").at(s.EnteringPin)


@pytest.mark.parametrize("of", ["photo", "signature"])
def test_evidence_of_another_connection_is_not_used(of: str) -> None:
    if of == "photo":
        visit = read().choose("face").card_number().photo(connection=999)
    else:
        visit = read().choose("pin").pin().signature(connection=999)
    visit.at(s.Problem, failure=FailureCode.CARD_CHANGED)


def test_a_gateway_that_registers_and_says_it_did_not() -> None:
    visit = registering().registered(False).at(s.Problem, failure=FailureCode.GATEWAY_NONSENSE)
    visit.again().at(s.Registering).registered().at(s.AskingAll)


@pytest.mark.parametrize("waiting", [confirming, registering])
def test_a_gateway_that_takes_too_long(waiting: type[Journey]) -> None:
    visit = waiting().time_over().at(s.Problem, failure=FailureCode.STEP_TIMEOUT)
    visit.registered().did_nothing() if waiting is registering else visit.eligible().did_nothing()
    visit.again()
    assert isinstance(visit.state, s.Confirming | s.Registering)


def test_staff_and_reading_that_take_too_long() -> None:
    checking_staff().time_over().at(s.Problem, failure=FailureCode.STEP_TIMEOUT).choose("staff").at(s.StaffConfirming)
    visit = ready().card_put().choose("staff").time_over().at(s.Problem, failure=FailureCode.STEP_TIMEOUT)
    visit.choose("staff").did_nothing().certificate().did_nothing().again().at(s.Choosing)


def test_a_patient_who_waits_too_long_takes_the_card() -> None:
    for visit in (read(), read().choose("pin"), asking(), face().missed()):
        visit.time_over().at(s.TakeCard, outcome=s.Outcome(Ending.TIMED_OUT)).did(c.Wipe).card_taken().at(s.Idle)


# --- camera and face process -----------------------------------------------------------------------------------------


def lose(visit: Journey, device: str) -> tuple[Journey, FailureCode]:
    if device == "camera":
        return visit.camera(False), FailureCode.CAMERA_LOST
    return visit.face_process(False), FailureCode.FACE_WORKER_LOST


@pytest.mark.parametrize("device", ["camera", "face"])
class TestWithoutEyes:
    def test_a_look_ends(self, device: str) -> None:
        visit, code = lose(face(), device)
        visit.at(s.Problem, failure=code).did(c.StopFace).choose("face").at(s.Problem)
        visit.choose("pin").at(s.EnteringPin)

    def test_the_method_cannot_be_chosen(self, device: str) -> None:
        visit, code = lose(ready().card_put(), device)
        visit.choose("face").at(s.Choosing).did_nothing()
        chosen, code = lose(ready().card_put().choose("face"), device)
        chosen.certificate().at(s.Problem, failure=code)

    def test_a_photo_is_kept_until_there_are_eyes_again(self, device: str) -> None:
        visit, code = lose(read().choose("face").card_number(), device)
        visit.photo().at(s.Problem, failure=code)
        visit.camera(True).face_process(True).choose("face").at(s.Looking)
        retry, code = lose(face().missed(), device)
        retry.again().at(s.Problem, failure=code)

    def test_a_look_goes_on_when_told_that_all_is_well(self, device: str) -> None:
        visit = face()
        visit.camera(True).at(s.Looking) if device == "camera" else visit.face_process(True).at(s.Looking)


def test_a_look_that_fails_can_be_tried_again() -> None:
    face().fails(FailureCode.FACE_WORKER_LOST).at(s.Problem).choose("face").at(s.Looking)


# --- maintenance -----------------------------------------------------------------------------------------------------


def test_the_door_refuses_and_accepts() -> None:
    door = ready().staff_gesture().at(s.StaffDoor).maintenance_pin().did(c.CheckMaintenancePin)
    door.maintenance_pin().did_nothing()
    door.event(e.DoorAnswered(999, True)).at(s.StaffDoor)
    door.door(False, 30).at(s.StaffDoor, job=None, refused=True, wait_seconds=30).recorded("maintenance_refused")
    door.maintenance_pin().door(True).at(s.StaffRoom).recorded("maintenance_entered")


@pytest.mark.parametrize("leave", ["back", "leave", "time_over", "cancel"])
def test_the_door_closes(leave: str) -> None:
    getattr(ready().staff_gesture(), leave)().at(s.Idle)


def test_devices_are_tested_one_at_a_time() -> None:
    room = ready().staff_gesture().maintenance_pin().door(True).test("reader").did(c.RunTest)
    room.recorded("test_run", "reader").test("camera").did_nothing()
    room.event(e.TestDone(999, e.Test.READER, "ok")).at(s.StaffRoom, findings=())
    room.test_done("reader", "ok").at(s.StaffRoom, running=None, findings=(("reader", "ok"),))
    room.test("camera").test_done("camera", "camera_lost")
    room.at(s.StaffRoom, findings=(("camera", "camera_lost"), ("reader", "ok")))
    room.cancel().at(s.StaffRoom).leave().at(s.Idle).recorded("maintenance_left")


def test_staff_close_and_open_the_kiosk() -> None:
    kiosk = ready().staff_gesture().maintenance_pin().door(True).service(False).recorded("service_closed")
    assert c.StoreService(False) in kiosk.seen
    kiosk.leave().at(s.OutOfService, failure=FailureCode.CLOSED_BY_STAFF)
    kiosk.card_put().at(s.OutOfService).reader_up().at(s.OutOfService).time_over().at(s.OutOfService)
    kiosk.staff_gesture().at(s.StaffDoor).maintenance_pin().door(True).service(True).recorded("service_opened")
    kiosk.leave().at(s.Choosing)  # the card that was put down meanwhile


def test_the_room_closes_by_itself_whatever_happens_to_the_reader() -> None:
    room = ready().staff_gesture().maintenance_pin().door(True).reader_down().at(s.StaffRoom)
    room.fork().time_over().at(s.OutOfService, failure=FailureCode.READER_MISSING)
    room.card_put().card_taken().reader_up().time_over().at(s.Idle)


# --- out of service --------------------------------------------------------------------------------------------------


def test_a_kiosk_without_a_reader_opens_when_it_comes() -> None:
    kiosk = Journey().at(s.OutOfService, failure=FailureCode.READER_MISSING)
    kiosk.reader_down(FailureCode.READER_SERVICE_DOWN).at(s.OutOfService, failure=FailureCode.READER_SERVICE_DOWN)
    kiosk.no_card().at(s.OutOfService).reader_up().at(s.Idle).reader_down().at(s.OutOfService)


def test_a_card_put_on_a_closed_kiosk_is_read_when_it_opens() -> None:
    ready().blocked().card_put().at(s.OutOfService).blocked(None).at(s.Choosing).did(c.ReadCertificate)
    ready().blocked().card_put().card_taken().blocked(None).at(s.Idle)


def test_a_reception_is_not_ended_by_what_closes_the_kiosk() -> None:
    visit = asking().blocked().at(s.AskingAll).all("yes").result().handed_off().card_taken().time_over()
    visit.at(s.OutOfService, failure=FailureCode.HANDOFF_FOREIGN)


def test_the_last_pages_do_not_need_a_reader() -> None:
    sending().reader_down().at(s.Sending, card_gone=True).result().handed_off().at(s.Farewell)
    sending().result().reader_down().at(s.HandingOff, card_gone=True)
    sending().result().handed_off().reader_down().at(s.Farewell).reader_down().at(s.Farewell)
    ready().no_card().reader_down().at(s.NoCard).time_over().at(s.OutOfService)
