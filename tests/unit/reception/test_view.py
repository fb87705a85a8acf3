"""What pages show: every state has one, and consents are asked without steering."""

from __future__ import annotations

import pytest

from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.view import (
    Action,
    AnswersPanel,
    ConsentPanel,
    LookPanel,
    NumberPanel,
    Page,
    PinPanel,
    ProblemPanel,
    ProgressPanel,
    ResultPanel,
    RoomPanel,
    StaffPanel,
    Text,
    View,
    Weight,
    view,
)
from tests.helpers.journey import Journey, ready
from tests.helpers.samples import (
    WAYS,
    asking,
    checking,
    checking_staff,
    confirming,
    done,
    each,
    face,
    last_try,
    read,
    room,
    sample,
)

SEVERAL = FailureCode.SEVERAL_CARDS


def shown(at: Journey) -> View:
    return view(at.kiosk, at.policy)


def button(at: Journey, name: str) -> Action:
    return next(action for action in shown(at).actions if action.name == name)


def test_every_page_is_shown_by_some_state() -> None:
    pages = {shown(sample(name)).page for name in WAYS}
    practice = shown(ready().card_put().fails(FailureCode.PRACTICE_ONLY)).page
    reader = {shown(read().reader_down(failure)).page for failure in (FailureCode.READER_HUNG, SEVERAL)}
    assert pages | {practice} | reader == set(Page)


@pytest.mark.parametrize("failure", [FailureCode.READER_HUNG, FailureCode.CARD_WORKER_LOST, SEVERAL])
def test_a_reader_that_goes_on_by_itself_says_so_and_asks_for_no_touch(failure: FailureCode) -> None:
    """In the middle of a reception, and with nobody there; the code is shown for the staff."""
    page = Page.ONE_CARD if failure is SEVERAL else Page.READER_WAIT
    for at in (read().choose("pin").card_taken().reader_down(failure), ready().reader_down(failure)):
        found = shown(at)
        assert (found.page, found.actions, found.panel) == (page, (), ProblemPanel(failure, ""))
        assert shown(at.reader_up()).page in (Page.PUT_BACK, Page.IDLE)


def test_a_reader_that_somebody_must_mend_is_out_of_service() -> None:
    for failure in (FailureCode.READER_DENIED, FailureCode.READER_VIRTUAL, FailureCode.READER_SERVICE_DOWN):
        assert shown(ready().reader_down(failure)).page is Page.OUT_OF_SERVICE
        # A reception that was under way waits for it nevertheless.
        assert shown(read().choose("pin").card_taken().reader_down(failure)).page is Page.READER_WAIT


@pytest.mark.parametrize("name", WAYS)
def test_buttons_have_names_of_their_own(name: str) -> None:
    page = shown(sample(name))
    names = [action.name for action in (*page.actions, *([page.back] if page.back else []))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", WAYS)
def test_at_most_one_main_action(name: str) -> None:
    assert sum(action.weight is Weight.MAIN for action in shown(sample(name)).actions) <= 1


def test_answers_are_not_steered() -> None:
    for at in (asking(), each(), confirming().not_registered(), face().missed(), last_try()):
        two = shown(at).actions[:2]
        assert {action.weight for action in two} == {Weight.EQUAL}


def test_the_methods_that_are_left() -> None:
    assert [action.name for action in shown(read()).actions] == ["face", "pin", "staff"]
    without_pin = ready().card_put().certificate(pin_tries=0)
    assert [action.name for action in shown(without_pin).actions] == ["face", "staff"]
    assert shown(without_pin).notice == Text("notice.pin_unavailable")
    without_camera = read().camera(False)
    assert [action.name for action in shown(without_camera).actions] == ["pin", "staff"]
    assert shown(without_camera).notice == Text("notice.face_unavailable")
    assert shown(ready().card_put()).panel == ProgressPanel(0, 0)


def test_no_look_is_offered_without_a_camera() -> None:
    at = face().missed()
    assert button(at, "try_again").enabled
    assert not button(at.camera(False), "try_again").enabled


def test_a_pin_page_tells_the_tries() -> None:
    at = read().choose("pin")
    assert (shown(at).panel, shown(at).notice) == (PinPanel(3), Text("notice.tries", {"tries": 3}))
    assert shown(at.pin().pin_refused(2)).notice == Text("notice.pin_wrong", {"tries": 2})


def test_the_number_page_tells_how_often_it_may_still_be_sent() -> None:
    at = read().choose("face")
    assert (shown(at).panel, shown(at).notice) == (NumberPanel(), None)
    assert shown(at.fork().card_number().number_refused(5)).notice == Text("notice.number_wrong", {"tries": 2})
    back = at.card_number().card_taken().card_put().certificate()
    assert shown(back).notice == Text("notice.number_interrupted")


def test_looking_counts_the_attempts() -> None:
    assert shown(face().hint("closer")).panel == LookPanel("closer", 1, 3)
    assert shown(face().missed().again()).panel == LookPanel("no_face", 2, 3)
    assert shown(face().missed()).notice == Text("notice.face_other")
    assert shown(face().missed(unclear=True)).notice == Text("notice.face_unclear")


def test_staff_are_told_why_they_wait() -> None:
    assert shown(read().choose("staff")).notice is None
    assert shown(checking_staff().staff_denied()).notice == Text("notice.staff_refused")
    waiting = shown(checking_staff().staff_denied(30))
    assert (waiting.notice, waiting.panel) == (Text("notice.staff_wait", {"seconds": 30}), StaffPanel(30))


def test_consent_pages_say_what_and_how_far_back() -> None:
    assert shown(asking()).panel == ConsentPanel(((Item.MEDICATION, 3), (Item.CHECKUP, 5)))
    assert shown(each()).panel == ConsentPanel(((Item.MEDICATION, 3),))
    page = shown(checking())
    assert page.panel == AnswersPanel(((Item.MEDICATION, Text("answer.yes")), (Item.CHECKUP, Text("answer.no"))))
    assert [action.name for action in page.actions] == ["confirm_answers", "change_medication", "change_checkup"]
    assert shown(asking()).notice is None
    soon = confirming().eligible(certificate=s.CertificateState.ENDS_SOON)
    assert shown(soon).notice == Text("notice.certificate_ends_soon")
    assert shown(soon.all("no").result().handed_off()).notice == Text("notice.certificate_ends_soon")


def test_the_last_pages_show_the_number_of_the_day() -> None:
    ending = done().state.outcome.ending
    assert shown(done()).panel == ResultPanel(ending, 12, card_in=True, alarm=False)
    assert shown(done().time_over()).panel == ResultPanel(ending, 12, card_in=True, alarm=True)
    assert shown(done().card_taken()).panel == ResultPanel(ending, 12, card_in=False, alarm=False)


def test_the_room_offers_what_can_be_done_now() -> None:
    assert button(room(), "close_kiosk").event == e.ServiceSet(False)
    assert button(room().service(False), "open_kiosk").event == e.ServiceSet(True)
    assert button(room(), "test_reader").enabled
    testing = room().test("reader")
    assert not button(testing, "test_reader").enabled
    assert shown(testing).panel == RoomPanel(open=True, running=True, findings=())


def test_every_page_knows_the_language_and_the_call() -> None:
    page = shown(read().language("en").help())
    assert (page.language, page.help_called) == ("en", True)
