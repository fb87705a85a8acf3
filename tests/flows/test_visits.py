"""Visits that go well: three ways to be recognised, the second door, registration, consents, the hand-off."""

from __future__ import annotations

import pytest

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import ORDER, Answers, Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.policy import Policy
from kiosk.reception.states import Ending, Method, StaffReason, Validity
from tests.helpers.journey import Journey, ready
from tests.helpers.samples import asking, checking, checking_staff, confirming, done, read, sending


def test_an_ordinary_visit_by_face_takes_three_touches() -> None:
    visit = ready().card_put().at(s.Choosing)
    visit.did(c.PrepareGateway, c.ReadCertificate, c.Play).recorded("reception_started")
    visit.choose("face").at(s.AwaitingRead, method=Method.FACE).did_nothing()
    visit.certificate().at(s.EnteringNumber, problem=None).recorded("method_chosen", "face")
    visit.card_number().at(s.ReadingPhoto).did(c.ReadPhoto)
    visit.photo_progress(4, 9).at(s.ReadingPhoto, done=4, total=9)
    visit.photo().at(s.Looking, hint="no_face").did(c.StartFace)
    visit.hint("closer").at(s.Looking, hint="closer")
    visit.matched().at(s.Confirming).did(c.ConfirmEligibility).recorded("identity_confirmed", "face")
    visit.eligible().at(s.AskingAll).recorded("eligibility_confirmed")
    visit.all("yes").at(s.Sending).did(c.SendConsents)
    visit.result().at(s.HandingOff).did(c.WriteHandoff).recorded("consents_sent")
    reception = visit.reception
    assert reception is not None
    visit.handed_off(12).at(s.TakeCard, outcome=s.Outcome(Ending.DONE, 12), alarm=False)
    assert visit.seen == (c.Record("handed_off", reception), c.Play(c.Sound.DONE), c.Wipe(reception))
    visit.card_taken().at(s.Farewell, outcome=s.Outcome(Ending.DONE, 12)).did_nothing()
    visit.time_over().at(s.Idle).did(c.Wipe).recorded("reception_ended")
    assert len(visit.all_of(c.ReadPhoto)) == 1


def test_by_pin() -> None:
    visit = read().choose("pin").at(s.EnteringPin, wrong=False).pin().at(s.VerifyingPin).did(c.SignWithPin)
    visit.signature().at(s.Confirming).recorded("identity_confirmed", "pin")
    identity = visit.asked_last(c.ConfirmEligibility).identity
    assert isinstance(identity, s.PinIdentity)
    assert identity.connection == visit.connection


def test_a_wrong_pin_is_asked_for_again_down_to_the_last_try_and_never_beyond() -> None:
    visit = read().choose("pin").pin().pin_refused(2).at(s.EnteringPin, wrong=True)
    visit.pin().pin_refused(1).at(s.LastTry)
    visit.last_try().at(s.EnteringPin).pin().did(c.SignWithPin)
    visit.pin_refused(0).at(s.Problem, failure=FailureCode.PIN_BLOCKED)
    visit.choose("pin").at(s.Problem).did_nothing()
    visit.choose("face").at(s.EnteringNumber)
    assert len(visit.all_of(c.SignWithPin)) == 3


def test_a_last_try_may_be_kept() -> None:
    visit = ready().card_put().certificate(pin_tries=1).choose("pin").at(s.LastTry)
    visit.pin().at(s.LastTry).did_nothing()
    visit.other_method().at(s.Choosing, job=None).choose("staff").at(s.StaffConfirming)


@pytest.mark.parametrize("tries", [0, None])
def test_a_card_without_a_usable_pin_offers_the_other_ways(tries: int | None) -> None:
    visit = ready().card_put().certificate(pin_tries=tries).choose("pin").at(s.Choosing).did_nothing()
    visit.choose("face").at(s.EnteringNumber)
    early = ready().card_put().choose("pin").at(s.AwaitingRead).certificate(pin_tries=tries)
    early.at(s.Problem, failure=FailureCode.PIN_BLOCKED)


def test_by_staff_with_a_reason() -> None:
    visit = read().choose("staff").at(s.StaffConfirming).staff(StaffReason.UNWELL).at(s.CheckingStaff)
    visit.staff_denied(30).at(s.StaffConfirming, refused=True, wait_seconds=30)
    visit.staff(StaffReason.UNWELL).staff_accepted().at(s.Confirming).recorded("identity_confirmed", "staff")
    identity = visit.asked_last(c.ConfirmEligibility).identity
    assert isinstance(identity, s.StaffIdentity)
    assert identity.reason is StaffReason.UNWELL


def test_three_looks_then_the_other_ways_and_nothing_done_is_lost() -> None:
    visit = read().choose("face").card_number().photo()
    visit.missed(unclear=True).at(s.FaceRetry, unclear=True).again().at(s.Looking).did(c.StartFace)
    visit.missed().at(s.FaceRetry, unclear=False).again().time_over().did(c.StopFace)
    visit.at(s.Problem, failure=FailureCode.FACE_NOT_MATCHED).choose("face").at(s.Problem)
    visit.choose("pin").at(s.EnteringPin)
    assert visit.state.visit.photo is not None
    assert len(visit.all_of(c.ReadCertificate)) == 1


def test_a_photo_that_was_read_is_not_read_again() -> None:
    visit = read().choose("face").card_number().photo().missed().other_method().choose("face").at(s.Looking)
    visit.other_method().at(s.Choosing).did(c.StopFace)
    visit.choose("face").at(s.Looking).back().at(s.Choosing).did(c.StopFace)
    assert len(visit.all_of(c.ReadPhoto)) == 1


def test_a_wrong_card_number_is_asked_for_again_until_three_tries_are_left() -> None:
    visit = ready().card_put().certificate(number_tries=5).choose("face").card_number()
    visit.number_refused(4).at(s.EnteringNumber, problem=s.NumberProblem.WRONG)
    visit.card_number().number_refused(3).at(s.Problem, failure=FailureCode.NUMBER_GUARDED)
    visit.choose("face").at(s.Problem).choose("pin").at(s.EnteringPin)
    guarded = ready().card_put().choose("face").certificate(number_tries=3)
    guarded.at(s.Problem, failure=FailureCode.NUMBER_GUARDED)


# --- no card ---------------------------------------------------------------------------------------------------------


def test_the_second_door_calls_the_counter_and_closes_by_itself() -> None:
    visit = ready().no_card().at(s.NoCard, presence=None).did(c.CallCounter).recorded("reception_started", "no_card")
    visit.fork().back().at(s.Idle).did(c.Wipe)
    visit.fork().cancel().at(s.Idle).did(c.Wipe)
    visit.fork().time_over().at(s.Idle).did(c.Wipe)
    visit.card_put().at(s.Choosing).did(c.Wipe, c.ReadCertificate)


def test_declined_registration_leads_to_the_second_door_with_nothing_personal() -> None:
    visit = confirming().not_registered().at(s.OfferingRegistration)
    visit.register(False).at(s.NoCard, presence=visit.card).did(c.Wipe, c.CallCounter)
    visit.recorded("registration_declined")
    left = visit.fork().back().at(s.TakeCard, outcome=s.Outcome(Ending.NO_CARD))
    left.card_taken().at(s.Idle)
    assert left.all_of(c.SendConsents) == []
    visit.fork().cancel().at(s.TakeCard)
    visit.card_taken().at(s.NoCard, presence=None).back().at(s.Idle)


def test_registration_goes_on_to_the_consents() -> None:
    visit = confirming().not_registered().register(True).at(s.Registering).did(c.Register)
    visit.registered().at(s.AskingAll).recorded("registered")


@pytest.mark.parametrize("validity", [Validity.VALID, Validity.VALID_UNREGISTERED])
def test_valid_insurance_is_asked_for_consents(validity: Validity) -> None:
    confirming().eligible(validity=validity).at(s.AskingAll)


@pytest.mark.parametrize(("validity", "failure"), s.NOT_VALID.items())
def test_who_is_not_insured_goes_to_the_counter_and_the_file_says_why(validity: Validity, failure: FailureCode) -> None:
    for visit in (
        confirming().eligible(validity=validity),
        confirming().not_registered().register(True).registered(validity=validity),
    ):
        visit.at(s.Sending).result().handed_off(4).did(c.CallCounter, c.Wipe)
        outcome = s.Outcome(Ending.NOT_VALID, 4, (), failure)
        visit.at(s.TakeCard, outcome=outcome).card_taken().at(s.Farewell, outcome=outcome)


@pytest.mark.parametrize(("validity", "failure"), s.NOBODY.items())
def test_an_answer_that_names_nobody_makes_no_file(validity: Validity, failure: FailureCode) -> None:
    for visit in (
        confirming().eligible(validity=validity),
        confirming().not_registered().register(True).registered(validity=validity),
    ):
        visit.at(s.Problem, failure=failure, retry=None).did(c.CallCounter)
        assert visit.all_of(c.SendConsents) == []


def test_a_welfare_recipient_without_a_ticket_is_told() -> None:
    visit = confirming().eligible((), Validity.VALID_UNREGISTERED).result().handed_off(4)
    visit.at(s.TakeCard, outcome=s.Outcome(Ending.DONE, 4, (s.Notice.WELFARE_UNREGISTERED,)))


def test_an_insurance_that_is_lost_while_the_card_is_away_waits_for_the_card() -> None:
    visit = confirming().card_taken().eligible(validity=Validity.INVALID).at(s.PutBack)
    assert visit.all_of(c.SendConsents) == []
    visit.card_put().certificate().at(s.Sending)


def test_a_check_by_eye_registers_nobody() -> None:
    visit = checking_staff().staff_accepted().not_registered()
    visit.at(s.Problem, failure=FailureCode.REGISTRATION_NOT_BY_STAFF, retry=None)
    assert visit.all_of(c.Register) == []
    visit.choose("staff").did_nothing()
    visit.choose("pin").pin().signature().not_registered().at(s.OfferingRegistration)


# --- consents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_one_answer_for_everything(answer: str) -> None:
    visit = asking().all(answer).at(s.Sending)
    given = ((Item.MEDICATION, answer == "yes"), (Item.CHECKUP, answer == "yes"))
    assert visit.asked_last(c.SendConsents).answers == Answers(given, comprehensive=True)


def test_item_by_item_nothing_is_sent_before_the_answers_were_checked() -> None:
    visit = asking().all("each").at(s.AskingItem, item=Item.MEDICATION, returning=False)
    visit.item(Item.CHECKUP, True).at(s.AskingItem, item=Item.MEDICATION)  # not the question on the page
    visit.item(Item.MEDICATION, True).at(s.AskingItem, item=Item.CHECKUP)
    visit.item(Item.CHECKUP, False).at(s.CheckingAnswers)
    assert visit.all_of(c.SendConsents) == []
    visit.confirm().at(s.Sending)
    given = ((Item.MEDICATION, True), (Item.CHECKUP, False))
    assert visit.asked_last(c.SendConsents).answers == Answers(given, comprehensive=False)


def test_an_answer_can_be_changed() -> None:
    visit = checking().change(Item.MEDICATION).at(s.AskingItem, item=Item.MEDICATION, returning=True)
    visit.fork().back().at(s.CheckingAnswers, answers=checking().state.answers)
    visit.item(Item.MEDICATION, False).at(s.CheckingAnswers)
    assert not visit.state.answers.allows(Item.MEDICATION)
    visit.change(Item.SURGERY).at(s.CheckingAnswers)  # was not asked


def test_back_leads_through_the_questions() -> None:
    checking().back().at(s.AskingItem, item=Item.CHECKUP, returning=True).item(Item.CHECKUP, True).at(s.CheckingAnswers)
    visit = asking().all("each").item(Item.MEDICATION, True).back().at(s.AskingItem, item=Item.MEDICATION)
    visit.fork().item(Item.MEDICATION, False).at(s.AskingItem, item=Item.CHECKUP)
    visit.back().at(s.AskingAll).all("no").at(s.Sending)


def test_who_has_nothing_to_be_asked_goes_straight_on() -> None:
    visit = confirming().eligible(questions=()).at(s.Sending)
    assert visit.asked_last(c.SendConsents).answers == Answers.none()
    nothing = ready(Policy(questions=())).card_put().certificate().choose("pin").pin().signature()
    nothing.not_registered().register(True).registered().at(s.Sending)


def test_only_what_the_institution_uses_is_asked() -> None:
    asked = asking().state.eligible.questions
    assert asked == (Item.MEDICATION, Item.CHECKUP)
    everything = ready(Policy(questions=ORDER)).card_put().certificate().choose("staff").staff().staff_accepted()
    assert everything.eligible(questions=(Item.CHECKUP, Item.SURGERY)).state.eligible.questions == (
        Item.SURGERY,
        Item.CHECKUP,
        Item.LIMIT,  # these two are asked of everybody where they are used
        Item.PRESCRIPTION,
    )


# --- the end ---------------------------------------------------------------------------------------------------------


def test_a_certificate_that_ends_soon_is_told_at_the_end() -> None:
    visit = confirming().eligible(certificate=s.CertificateState.ENDS_SOON).all("yes").result().handed_off(3)
    visit.at(s.TakeCard, outcome=s.Outcome(Ending.DONE, 3, (s.Notice.CERTIFICATE_ENDS_SOON,)))


@pytest.mark.parametrize("taken", ["while sending", "while handing off"])
def test_a_card_taken_after_the_answers_were_given_changes_nothing(taken: str) -> None:
    visit = sending()
    if taken == "while sending":
        visit.card_taken().at(s.Sending, card_gone=True).result()
    else:
        visit.result().card_taken()
    visit.at(s.HandingOff, card_gone=True).handed_off(5).at(s.Farewell, outcome=s.Outcome(Ending.DONE, 5))


def test_a_hand_off_that_is_late_calls_the_counter() -> None:
    outcome = s.Outcome(Ending.DELAYED, 7)
    sending().result().handed_off(7, delayed=True).at(s.TakeCard, outcome=outcome).did(c.CallCounter)


@pytest.mark.parametrize("step", ["sending", "handing off"])
def test_what_takes_too_long_after_the_answers_is_finished_by_the_journal(step: str) -> None:
    visit = sending() if step == "sending" else sending().result()
    visit.time_over().at(s.TakeCard, outcome=s.Outcome(Ending.DELAYED)).did(c.CallCounter, c.Wipe)
    visit.result().at(s.TakeCard).did_nothing()


def test_a_forgotten_card_is_called_out_until_it_is_taken() -> None:
    visit = done().time_over().at(s.TakeCard, alarm=True)
    visit.did_only(c.Play(c.Sound.CARD_FORGOTTEN), c.CallCounter("card_forgotten"))
    visit.time_over().at(s.TakeCard, alarm=True).did_only(c.Play(c.Sound.CARD_FORGOTTEN))
    visit.card_taken().at(s.Farewell)


def test_who_gives_up_takes_the_card_and_nothing_is_said_twice() -> None:
    visit = read().cancel().at(s.TakeCard, outcome=s.Outcome(Ending.CANCELLED)).did(c.Wipe)
    visit.cancel().at(s.TakeCard).did_nothing()
    visit.card_taken().at(s.Idle)


def test_the_next_card_does_not_wait_for_the_last_page() -> None:
    farewell = done().card_taken().card_put().at(s.Choosing).did(c.Wipe, c.ReadCertificate)
    assert len(farewell.rules.begun) == 2
    done().card_put().at(s.Choosing)  # the removal was too quick to be seen
    visit = sending().card_taken().card_put().at(s.Sending, card_gone=True)
    visit.result().handed_off().at(s.Farewell).time_over().at(s.Choosing)
    gone = sending().card_taken().card_put().card_taken().result().handed_off().time_over().at(s.Idle)
    assert len(gone.rules.begun) == 1


# --- language and help -----------------------------------------------------------------------------------------------


def test_a_language_lasts_for_one_visit_from_the_first_page_on() -> None:
    visit = ready().language("en").card_put()
    assert visit.kiosk.language == "en"
    visit.certificate().language("xx")
    assert visit.kiosk.language == "en"
    visit.cancel().card_taken().at(s.Idle)
    assert visit.kiosk.language == "ja"


def test_the_language_is_sent_with_the_consents() -> None:
    assert asking().language("en").all("yes").asked_last(c.SendConsents).language == "en"


def test_more_time_changes_nothing_but_the_time() -> None:
    visit = read()
    before = visit.kiosk
    assert visit.more_time().did_nothing().kiosk == before


def test_help_is_called_once_in_a_visit_and_again_in_the_next() -> None:
    visit = read().help().did(c.CallCounter).recorded("help_called").help().did_nothing()
    assert visit.kiosk.help_called
    following = visit.cancel().card_taken().card_put()
    assert not following.kiosk.help_called
    following.help().did(c.CallCounter)


@pytest.mark.parametrize("kiosk", [ready, Journey])
def test_help_is_never_silenced_by_whoever_called_before_and_left(kiosk: type[Journey]) -> None:
    kiosk().help().did(c.CallCounter).help().did(c.CallCounter)
    assert not ready().help().no_card().kiosk.help_called


def test_a_double_touch_is_one_touch() -> None:
    visit = read().choose("pin").pin().event(e.PinEntered(s.PinRef("again"))).did_nothing()
    visit.signature().eligible().all("yes").event(e.AllAnswered(e.All.NO)).did_nothing()
    assert len(visit.all_of(c.SendConsents)) == 1
