"""The card is taken too early, comes back, is another one, or the reader loses it."""

from __future__ import annotations

import pytest

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Ending, NumberProblem
from tests.helpers.journey import Journey, ready
from tests.helpers.samples import asking, checking, checking_staff, confirming, face, read, registering


def back_again(visit: Journey, **card: int) -> Journey:
    visit.at(s.PutBack).card_put().at(s.Rechecking).did(c.ReadCertificate)
    return visit.certificate(**card)


def test_taken_before_anything_was_read_is_the_end() -> None:
    ready().card_put().card_taken().at(s.Idle).did(c.Wipe)
    ready().card_put().choose("face").card_taken().at(s.Idle).did(c.Wipe)


def test_the_same_card_goes_on_where_it_was() -> None:
    visit = back_again(checking().card_taken().did(c.Play)).at(s.CheckingAnswers).recorded("card_put_back")
    visit.confirm().at(s.Sending)
    assert len(visit.all_of(c.ConfirmEligibility)) == 1
    assert visit.state.eligible.identified.visit.presence == visit.card


def test_the_evidence_of_an_identity_stays_with_its_own_connection() -> None:
    visit = back_again(asking().card_taken())
    identity = visit.state.eligible.identified.identity
    assert identity.photo.connection == identity.certificate.connection != visit.connection


def test_what_was_being_read_with_a_number_or_a_pin_is_asked_for_again() -> None:
    photo = back_again(read().choose("face").card_number().card_taken())
    photo.at(s.EnteringNumber, problem=NumberProblem.INTERRUPTED)
    guarded = back_again(read().choose("face").card_number().card_taken(), number_tries=3)
    guarded.at(s.Problem, failure=FailureCode.NUMBER_GUARDED)
    back_again(read().choose("pin").pin().card_taken()).at(s.EnteringPin)
    back_again(read().choose("pin").pin().card_taken(), pin_tries=1).at(s.LastTry)
    blocked = back_again(read().choose("pin").card_taken(), pin_tries=0)
    blocked.at(s.Problem, failure=FailureCode.PIN_BLOCKED)


def test_a_late_signature_for_a_card_that_was_taken_counts_for_nothing() -> None:
    visit = read().choose("pin").pin().card_taken().signature().at(s.PutBack).did_nothing()
    back_again(visit).at(s.EnteringPin)


def test_the_choice_and_the_look_begin_anew() -> None:
    back_again(read().card_taken()).at(s.Choosing, job=None)
    visit = face().card_taken().did(c.StopFace)
    visit.matched().at(s.PutBack).did_nothing()
    back_again(visit).at(s.Looking).did(c.StartFace).matched().at(s.Confirming)


def test_the_look_needs_a_camera_when_the_card_is_back() -> None:
    back_again(face().card_taken().camera(False)).at(s.Problem, failure=FailureCode.CAMERA_LOST)


@pytest.mark.parametrize("when", ["away", "being checked"])
def test_the_gateways_answer_waits_for_the_card(when: str) -> None:
    visit = confirming().card_taken()
    if when == "away":
        visit.eligible().at(s.PutBack).card_put()
    else:
        visit.card_put().eligible().at(s.Rechecking)
    visit.certificate().at(s.AskingAll)
    assert len(visit.all_of(c.ConfirmEligibility)) == 1


def test_the_gateways_answer_can_also_come_after_the_card() -> None:
    back_again(confirming().card_taken()).at(s.Confirming).eligible().at(s.AskingAll)


def test_an_answer_without_questions_is_sent_only_when_the_card_is_back() -> None:
    visit = confirming().card_taken().eligible(questions=()).at(s.PutBack)
    assert visit.all_of(c.SendConsents) == []
    back_again(visit).at(s.Sending)


def test_a_registration_is_kept_for_the_return() -> None:
    back_again(registering().card_taken().registered()).at(s.AskingAll)
    back_again(confirming().card_taken().not_registered()).at(s.OfferingRegistration)


def test_a_failure_while_the_card_was_away_is_shown_on_its_return_and_tried_again_with_the_card_that_is_there() -> None:
    for visit in (
        back_again(confirming().card_taken().fails(FailureCode.GATEWAY_DOWN)),
        back_again(registering().card_taken().fails(FailureCode.GATEWAY_DOWN)),
    ):
        visit.at(s.Problem, failure=FailureCode.GATEWAY_DOWN).again()
        assert isinstance(visit.state, s.Confirming | s.Registering)
        visit.card_taken().at(s.PutBack)
    ended = back_again(confirming().card_taken().fails(FailureCode.CERTIFICATE_REVOKED))
    ended.at(s.Problem, retry=None).card_taken().at(s.Idle)


def test_staff_confirm_only_a_card_that_lies_there() -> None:
    for visit in (
        checking_staff().card_taken().staff_accepted(),
        checking_staff().card_taken().staff_denied(),
    ):
        back_again(visit).at(s.StaffConfirming)
    failed = back_again(checking_staff().card_taken().fails(FailureCode.STEP_TIMEOUT))
    failed.at(s.Problem).choose("staff").at(s.StaffConfirming)


def test_another_card_wipes_and_begins_its_own_reception() -> None:
    visit = asking().card_taken()
    first = visit.reception
    assert first is not None
    visit.card_put("other").at(s.Rechecking).certificate().at(s.Choosing).did(c.Wipe).recorded("card_swapped")
    assert visit.reception != first
    assert visit.seen.index(c.Wipe(first)) < visit.seen.index(visit.asked_last(c.ReadCertificate))
    visit.certificate().choose("pin").at(s.EnteringPin)


def test_what_is_not_a_card_wipes_too() -> None:
    visit = asking().card_taken().card_put("licence").fails(FailureCode.NOT_THIS_CARD).at(s.Choosing).did(c.Wipe)
    visit.fails(FailureCode.NOT_THIS_CARD).at(s.Problem, failure=FailureCode.NOT_THIS_CARD)


def test_nobody_puts_it_back() -> None:
    asking().card_taken().time_over().at(s.Idle).did(c.Wipe).recorded("reception_ended")
    asking().card_taken().cancel().at(s.Idle).did(c.Wipe)


def test_taken_again_while_it_is_checked() -> None:
    visit = asking().card_taken().card_put().card_taken().at(s.PutBack).certificate().at(s.PutBack)
    back_again(visit).at(s.AskingAll)


def test_a_returned_card_that_says_nothing_is_given_back() -> None:
    visit = asking().card_taken().card_put().time_over()
    visit.at(s.TakeCard, outcome=s.Outcome(Ending.FAILED)).did(c.Wipe).card_taken().at(s.Idle)


def test_a_card_swapped_too_quickly_to_be_seen_is_checked() -> None:
    asking().card_put().at(s.Rechecking).certificate().at(s.AskingAll)
    asking().card_put("other").at(s.Rechecking).certificate().at(s.Choosing).did(c.Wipe)
    asking().card_taken().card_put().card_put().at(s.Rechecking).certificate().at(s.AskingAll)
    ready().card_put().card_put().at(s.Choosing).did(c.Wipe, c.ReadCertificate)


def test_a_card_that_is_told_twice_is_one_card() -> None:
    visit = asking()
    before = visit.kiosk
    assert visit.card is not None
    assert visit.event(e.CardPut(visit.card, visit.fresh())).did_nothing().kiosk == before


def test_a_reader_that_was_reset_gives_the_reception_back() -> None:
    visit = asking().reader_down().at(s.PutBack).reader_up().at(s.PutBack)
    back_again(visit).at(s.AskingAll).all("each").item(Item.MEDICATION, True).at(s.AskingItem)
    visit = asking().card_taken().card_put().reader_down().at(s.PutBack).reader_up()
    back_again(visit).at(s.AskingAll)


def test_a_reader_that_stays_away_closes_the_kiosk_after_the_reception() -> None:
    asking().reader_down().time_over().at(s.OutOfService, failure=FailureCode.READER_MISSING).did(c.Wipe)
    ready().card_put().reader_down(FailureCode.CARD_WORKER_LOST).at(
        s.OutOfService, failure=FailureCode.CARD_WORKER_LOST
    )


def test_a_problem_page_ends_with_the_card() -> None:
    confirming().fails(FailureCode.CERTIFICATE_EXPIRED).card_taken().at(s.Idle).did(c.Wipe)
    confirming().fails(FailureCode.CERTIFICATE_EXPIRED).card_put().at(s.Choosing).did(c.Wipe)


def test_a_problem_that_can_be_tried_again_waits_for_the_card() -> None:
    away = confirming().fails(FailureCode.GATEWAY_DOWN).card_taken().at(s.PutBack)
    away.card_put().certificate().at(s.Problem, failure=FailureCode.GATEWAY_DOWN).event(e.TryAgain()).at(s.Confirming)
