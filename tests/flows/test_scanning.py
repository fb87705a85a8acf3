"""The printed card is read beside everything else, used when the face is chosen, and typing stays possible."""

from __future__ import annotations

import pytest

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from kiosk.reception.policy import Policy
from kiosk.reception.view import Page, ScanPanel, View, Weight, view
from tests.helpers.journey import Journey, ready
from tests.helpers.samples import SCANNER, scanning

BROKEN = (FailureCode.SCANNER_LOST, FailureCode.SCANNER_WORKER_LOST)


def put() -> Journey:
    return ready(SCANNER).card_put().at(s.Choosing).did(c.ReadCertificate, c.StartScan)


def page(visit: Journey) -> View:
    return view(visit.kiosk, visit.policy)


def starts(visit: Journey) -> int:
    return len(visit.all_of(c.StartScan))


def test_scanned_before_the_face_was_chosen() -> None:
    visit = put().scan_hint("reading").scanned().at(s.Choosing).did_nothing()
    assert visit.all_of(c.ReadPhoto) == [], "nothing is sent to the card before the patient chose"
    visit.certificate().choose("face").at(s.ReadingPhoto, scanned=True).did(c.ReadPhoto)
    visit.photo().at(s.Looking).matched().at(s.Confirming)
    assert starts(visit) == 1


def test_chosen_before_anything_was_read() -> None:
    visit = put().choose("face").at(s.AwaitingRead).scanned().at(s.AwaitingRead).certificate()
    visit.at(s.ReadingPhoto, scanned=True).did(c.ReadPhoto)
    late = put().choose("face").certificate().at(s.Scanning).scanned().at(s.ReadingPhoto, scanned=True)
    assert len(late.all_of(c.ReadPhoto)) == 1


def test_a_kiosk_without_a_scanner_asks_for_the_number() -> None:
    visit = ready(Policy()).card_put().certificate().choose("face").at(s.EnteringNumber, problem=None)
    assert starts(visit) == 0
    assert page(visit).notice is None


@pytest.mark.parametrize("method", ["pin", "staff"])
@pytest.mark.parametrize("early", [True, False])
def test_another_way_wipes_what_was_scanned_and_stops_what_is_not(method: str, early: bool) -> None:
    for scanned in (True, False):
        visit = put()
        if scanned:
            visit.scanned()
        if not early:
            visit.certificate()
        visit.choose(method).did(c.ForgetNumber if scanned else c.StopScan)
        if early:
            visit.certificate()
        visit.scanned().did_only(*[each for each in visit.seen if isinstance(each, c.ForgetNumber)])
        assert s.visit_of(visit.state).printed is None
        # Back at the choice it is looked at again.
        visit.other_method().at(s.Choosing).did(c.StartScan)


def test_a_number_that_comes_in_the_moment_of_another_choice_is_wiped() -> None:
    put().certificate().choose("pin").at(s.EnteringPin).scanned().did(c.ForgetNumber).at(s.EnteringPin)


def test_a_number_that_is_told_twice_is_one_number() -> None:
    visit = put().certificate()
    asked = visit.asked_last(c.StartScan)
    twice = e.NumberScanned(asked.reception, asked.job, s.NumberRef("scanned"))
    visit.event(twice).event(twice).did_nothing().choose("face").at(s.ReadingPhoto)


def test_what_to_do_with_the_card_is_on_the_page() -> None:
    visit = put().certificate().choose("face").at(s.Scanning)
    shown = page(visit)
    assert (shown.page, shown.panel) == (Page.SCAN_CARD, ScanPanel("reading"))
    assert [(action.name, action.weight) for action in shown.actions] == [("type_number", Weight.EQUAL)]
    for hint in ("no_card", "face_down", "other_card", "unclear", "still", "reading"):
        assert page(visit.scan_hint(hint).at(s.Scanning)).panel == ScanPanel(hint)


def test_a_card_face_down_is_told_while_one_chooses_and_only_who_may_use_the_face() -> None:
    visit = put().certificate().scan_hint("face_down")
    assert page(visit).notice is not None
    assert page(visit).notice.key == "notice.card_face_down"
    visit.camera(False)
    assert page(visit).notice.key == "notice.face_unavailable"
    assert page(put().certificate().scan_hint("unclear")).notice is None


def test_typing_is_always_possible_and_stops_the_scan() -> None:
    visit = scanning().type_number().at(s.EnteringNumber, problem=None).did(c.StopScan)
    assert page(visit).notice is None
    visit.card_number().at(s.ReadingPhoto, scanned=False)
    assert starts(visit) == 1


def test_a_card_that_cannot_be_read_is_typed_and_one_is_told_why() -> None:
    visit = scanning().scan_hint("unclear").scan_fails().at(s.EnteringNumber, problem=None)
    visit.recorded("scan_failed", "N-102")
    assert page(visit).notice.key == "notice.number_unread"
    early = put().certificate().scan_hint("reading").scan_fails().at(s.Choosing).choose("face").at(s.EnteringNumber)
    assert starts(early) == 1
    early.other_method().at(s.Choosing).choose("face").at(s.EnteringNumber)
    assert starts(early) == 1, "not again and again"


@pytest.mark.parametrize("failure", BROKEN)
def test_a_broken_scanner_costs_typing_and_tells_the_counter_once(failure: FailureCode) -> None:
    visit = put().certificate().scanner(failure).did_only(c.CallCounter("scanner_lost"))
    visit.scan_fails(failure).at(s.Choosing).recorded("scan_failed", failure.value)
    visit.choose("face").at(s.EnteringNumber)
    assert page(visit).notice.key == "notice.scanner_lost"
    visit.scanner(failure).did_nothing().scanner(None).did_nothing()
    visit.scanner(failure).did_only(c.CallCounter("scanner_lost"))
    waiting = scanning().scan_fails(failure).at(s.EnteringNumber)
    waiting.card_number().photo().at(s.Looking)


def test_a_card_that_can_be_turned_or_moved_gets_new_time() -> None:
    for hint in ("no_card", "face_down", "other_card", "still"):
        visit = put().certificate().scan_hint(hint).scan_fails().at(s.Choosing).did(c.StartScan)
        assert s.visit_of(visit.state).printed.hint == hint
        # The page of the face begins with the scanner's whole time, too.
        visit.choose("face").at(s.Scanning).did(c.StartScan)
        assert starts(visit) == 3
    turned = scanning().scan_hint("face_down").scan_fails().at(s.Scanning).did(c.StartScan)
    turned.scan_hint("reading").scanned().at(s.ReadingPhoto)
    scanning().scan_hint("no_card").scan_fails().at(s.EnteringNumber)


def test_a_scan_page_that_is_left_alone_ends_at_the_keypad() -> None:
    visit = scanning().scan_hint("face_down").time_over().at(s.EnteringNumber).did(c.StopScan)
    visit.recorded("scan_failed", "N-102").time_over().at(s.TakeCard)


def test_what_the_card_refuses_is_typed_and_never_scanned_again() -> None:
    visit = scanning().scanned().number_refused(9).at(s.EnteringNumber, problem=s.NumberProblem.MISREAD)
    assert page(visit).notice.key == "notice.number_misread"
    visit.other_method().at(s.Choosing).choose("face").at(s.EnteringNumber)
    assert starts(visit) == 1
    assert len(visit.all_of(c.ReadPhoto)) == 1
    scanning().scanned().number_refused(3).at(s.Problem, failure=FailureCode.NUMBER_GUARDED)
    guarded = ready(SCANNER).card_put().certificate(number_tries=3)
    guarded.scanned().choose("face").at(s.Choosing).did_nothing()


def again(visit: Journey, **card: int) -> Journey:
    return visit.at(s.PutBack).card_put().at(s.Rechecking).certificate(**card)


def test_a_card_that_is_turned_over_leaves_the_reader_and_goes_on() -> None:
    chosen = scanning().scan_hint("face_down").card_taken().did(c.StopScan)
    assert "page.put_back.lead_front" in [text.key for text in page(chosen).lead]
    chosen.scanned().at(s.PutBack).did(c.ForgetNumber)
    again(chosen).at(s.Scanning).did(c.StartScan).scanned().at(s.ReadingPhoto)
    choosing = again(put().certificate().scan_hint("face_down").card_taken()).at(s.Choosing).did(c.StartScan)
    choosing.scanned().choose("face").at(s.ReadingPhoto)


def test_what_was_scanned_before_the_card_left_is_used_when_the_same_card_is_back() -> None:
    visit = again(put().scanned().certificate().card_taken()).at(s.Choosing)
    visit.choose("face").at(s.ReadingPhoto)
    assert starts(visit) == 1
    other = put().scanned().certificate().card_taken().card_put("other").certificate().at(s.Choosing).did(c.Wipe)
    other.certificate().choose("face").at(s.Scanning)


def test_a_card_that_left_while_its_photo_was_read_needs_the_face_chosen_again() -> None:
    visit = again(scanning().scanned().card_taken()).at(s.Choosing).did(c.StartScan)
    assert len(visit.all_of(c.ReadPhoto)) == 1, "VERIFY is not repeated by itself"
    visit.scanned().choose("face").at(s.ReadingPhoto).photo().at(s.Looking)


def test_a_card_with_too_few_tries_is_not_scanned_for_in_vain() -> None:
    visit = again(scanning().card_taken(), number_tries=3)
    visit.at(s.Problem, failure=FailureCode.NUMBER_GUARDED)


def test_a_problem_stops_the_scan_and_trying_again_begins_it_anew() -> None:
    visit = put().fails(FailureCode.CARD_UNREADABLE).at(s.Problem).did(c.StopScan)
    visit.again().at(s.Choosing).did(c.StartScan, c.ReadCertificate)
    read = put().scanned().fails(FailureCode.CARD_UNREADABLE).at(s.Problem).did(c.ForgetNumber)
    read.again().at(s.Choosing).did(c.StartScan)


def test_nothing_is_scanned_when_the_photo_is_there_or_the_face_is_refused() -> None:
    visit = scanning().scanned().photo().missed().other_method().at(s.Choosing)
    assert starts(visit) == 1
    spent = scanning().scanned().photo().missed().again().missed().again().missed().at(s.Problem)
    spent.choose("pin").other_method().at(s.Choosing)
    assert starts(spent) == 1


def test_a_reception_that_ends_ends_the_scan() -> None:
    for visit in (put(), scanning(), put().scanned()):
        visit.cancel().at(s.TakeCard).did(c.Wipe).scanned().did_nothing()
