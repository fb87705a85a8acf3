"""Staff look up by number; nothing medical is asked, and a paper alone is not enough."""

from __future__ import annotations

import pytest

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode, may_succeed_later
from kiosk.reception.policy import Policy
from kiosk.reception.states import Ending, Validity
from kiosk.reception.view import Page, view
from tests.helpers.journey import Journey, ready
from tests.helpers.samples import LATER, confirming, looking_up, lookup_door, paper, typing

NO_LIMIT = Policy(number_questions=())


def names(at: Journey) -> list[str]:
    return [action.name for action in view(at.kiosk, at.policy).actions]


def test_from_the_paper_to_the_file() -> None:
    at = ready().no_card().did(c.CallCounter).lookup().at(s.LookupDoor).recorded("reception_started", "lookup")
    at.lookup_pin().did(c.CheckStaff).at(s.LookupDoor).staff_accepted().at(s.LookupPaper).recorded("lookup_opened")
    at.paper("certificate").recorded("lookup_paper", "certificate").at(s.LookupTyping)
    at.query().at(s.LookupAsking).item(Item.MEDICATION, True).did_nothing()
    at.item(Item.LIMIT, True).at(s.LookingUp, limit=True).looked_up().at(s.LookupHandingOff).did(c.WriteHandoff)
    at.handed_off(9).at(s.Farewell, outcome=s.Outcome(Ending.DONE, 9)).did(c.Wipe).time_over().at(s.Idle)


def test_without_limit_the_question_is_left_out() -> None:
    typing(NO_LIMIT).query().at(s.LookingUp, limit=None)


@pytest.mark.parametrize("alone", s.NOT_ENOUGH)
def test_a_notice_or_a_screen_alone_is_refused_with_what_to_bring(alone: s.Paper) -> None:
    at = paper().paper(alone).at(s.LookupRefused, paper=alone)
    page = view(at.kiosk, at.policy)
    assert [line.key for line in page.lead] == [f"page.lookup_refused.lead_{alone}", "page.lookup_refused.bring"]
    at.query().did_nothing()
    assert at.all_of(c.LookUp) == []
    at.back().at(s.LookupPaper)


@pytest.mark.parametrize("with_card", s.NEEDS_CARD_SEEN)
def test_a_card_must_have_been_seen_first(with_card: s.Paper) -> None:
    at = paper().paper(with_card).at(s.LookupCardSeen).query().did_nothing()
    at.fork().card_seen(False).at(s.LookupPaper)
    at.fork().back().at(s.LookupPaper)
    at.card_seen().at(s.LookupTyping)


def test_only_staff_get_there() -> None:
    at = lookup_door().lookup_pin()
    at.lookup_pin().did_nothing()
    at.staff_denied(30).at(s.LookupDoor, refused=True, wait_seconds=30)
    at.lookup_pin().fails(FailureCode.STEP_TIMEOUT).at(s.LookupDoor, refused=True)
    at.back().at(s.NoCard)
    ready(Policy(lookup=False)).no_card().lookup().did_nothing()
    assert "lookup" not in names(ready(Policy(lookup=False)).no_card())


def test_a_card_that_still_lies_there_comes_first() -> None:
    at = confirming().not_registered().register(False).at(s.NoCard)
    assert "lookup" not in names(at)
    at.lookup().did_nothing()
    at.card_taken()
    assert "lookup" in names(at)
    at.lookup().at(s.LookupDoor)


def test_a_card_that_is_put_meanwhile_is_received_afterwards() -> None:
    typing().card_put().at(s.LookupTyping).cancel().at(s.Choosing)
    typing().card_put().card_taken().at(s.LookupTyping).cancel().at(s.Idle)
    typing().reader_down().at(s.LookupTyping).cancel().at(s.OutOfService)


@pytest.mark.parametrize(("validity", "failure"), s.NOBODY.items())
def test_nobody_of_this_number_makes_no_file(validity: Validity, failure: FailureCode) -> None:
    at = looking_up().looked_up(validity).at(s.LookupProblem, failure=failure, again=False)
    assert at.all_of(c.WriteHandoff) == []
    assert names(at) == ["type_again", "cancel"]
    at.again().did_nothing()
    at.fork().back().at(s.LookupTyping)
    at.cancel().at(s.Idle).did(c.Wipe)


@pytest.mark.parametrize(("validity", "failure"), s.NOT_VALID.items())
def test_a_qualification_that_is_over_is_in_the_file(validity: Validity, failure: FailureCode) -> None:
    at = looking_up().looked_up(validity).at(s.LookupHandingOff).handed_off(2)
    at.at(s.Farewell, outcome=s.Outcome(Ending.NOT_VALID, 2, (), failure))


def test_a_result_that_should_be_there_and_is_not() -> None:
    looking_up().looked_up(found=False).at(s.LookupProblem, failure=FailureCode.GATEWAY_NONSENSE)


@pytest.mark.parametrize("code", FailureCode)
def test_what_fails_is_asked_again_where_that_can_help(code: FailureCode) -> None:
    at = looking_up().fails(code, "E-1").at(s.LookupProblem, failure=code, upstream="E-1")
    page = view(at.kiosk, at.policy)
    assert page.page is Page.PROBLEM
    assert names(at) == [*(["try_again"] if may_succeed_later(code) else []), "type_again", "cancel"]
    if may_succeed_later(code):
        at.again().at(s.LookingUp, limit=True).did(c.LookUp)
        assert len({each.query for each in at.all_of(c.LookUp)}) == 1, "nothing is typed again"


def test_steps_that_take_too_long() -> None:
    looking_up().time_over().at(s.LookupProblem, failure=FailureCode.STEP_TIMEOUT)
    late = looking_up().looked_up().time_over().at(s.Farewell, outcome=s.Outcome(Ending.DELAYED))
    late.did(c.CallCounter, c.Wipe)
    looking_up().looked_up().fails(FailureCode.HANDOFF_BROKEN).at(s.Farewell, outcome=s.Outcome(Ending.DELAYED))
    looking_up().looked_up().handed_off(3, delayed=True).at(s.Farewell, outcome=s.Outcome(Ending.DELAYED, 3))
    typing().time_over().at(s.Idle).did(c.Wipe)


def test_while_the_machine_asks_nobody_can_leave() -> None:
    for at in (looking_up(), looking_up().looked_up()):
        before = at.kiosk
        assert at.cancel().did_nothing().back().did_nothing().kiosk == before


# --- when the line is down -------------------------------------------------------------------------------------------


def test_a_look_up_is_finished_later() -> None:
    at = looking_up(LATER).fails(FailureCode.GATEWAY_DOWN)
    assert names(at) == ["try_again", "postpone", "type_again", "cancel"]
    at.postpone().at(s.Postponing, presence=None).did(c.Postpone)
    assert isinstance(at.asked_last(c.Postpone).late, s.LateLookup)
    at.fork().postponed().at(s.Farewell, outcome=s.Outcome(Ending.LATER)).did(c.Wipe).recorded("postponed")
    broken = s.Outcome(Ending.FAILED, failure=FailureCode.POSTPONE_FAILED)
    at.fork().fails(FailureCode.POSTPONE_FAILED).at(s.Farewell, outcome=broken).did(c.Wipe, c.CallCounter)
    at.fork().time_over().at(s.Farewell, outcome=broken)
    at.card_put().at(s.Postponing).postponed().time_over().at(s.Choosing)


def test_without_the_queue_nothing_is_kept() -> None:
    at = looking_up().fails(FailureCode.GATEWAY_DOWN)
    assert "postpone" not in names(at)
    at.postpone().did_nothing()
    nobody = looking_up(LATER).looked_up(Validity.NONE)
    assert "postpone" not in names(nobody)
    nobody.postpone().did_nothing()


def test_a_reception_that_staff_confirmed_is_finished_later() -> None:
    at = ready(LATER).card_put().certificate().choose("staff").staff().staff_accepted().fails(FailureCode.GATEWAY_DOWN)
    assert names(at) == ["try_again", "postpone", "cancel"]
    at.postpone().at(s.Postponing, presence=at.card)
    late = at.asked_last(c.Postpone).late
    assert isinstance(late, s.LateStaff)
    gone = at.fork().card_taken().at(s.Postponing, presence=None).postponed().at(s.Farewell)
    assert gone.state.outcome.ending is Ending.LATER
    at.fork().reader_down().at(s.Postponing, presence=None)
    at.cancel().did_nothing()
    at.postponed().at(s.TakeCard).card_taken().at(s.Farewell)


def test_answers_that_could_not_be_sent_are_sent_later() -> None:
    at = ready(LATER).card_put().certificate().choose("staff").staff().staff_accepted().eligible().all("yes")
    at.language("en").fails(FailureCode.GATEWAY_DOWN).postpone()
    late = at.asked_last(c.Postpone).late
    assert isinstance(late, s.LateConsents)
    assert late.language == "en"
    assert late.answers.allows(Item.MEDICATION)


def test_a_face_or_a_pin_cannot_be_kept_for_later() -> None:
    at = ready(LATER).card_put().certificate().choose("pin").pin().signature().fails(FailureCode.GATEWAY_DOWN)
    assert "postpone" not in names(at)
    at.postpone().did_nothing()
    at.event(e.PostponeWanted()).did_nothing()
