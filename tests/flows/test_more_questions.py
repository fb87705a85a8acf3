"""Questions with pages of their own, after the comprehensive consent or without it."""

from __future__ import annotations

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import MEDICAL, ORDER, Answers, Item
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Kind
from kiosk.reception.view import AnswersPanel, ConsentPanel, Text, Weight, view
from tests.helpers.journey import Journey, ready
from tests.helpers.samples import EVERYTHING, PHARMACY, TOKENS, at_pharmacy, confirming, everything, identified


def names(at: Journey) -> list[str]:
    return [action.name for action in view(at.kiosk, at.policy).actions]


def test_after_the_comprehensive_consent_come_the_others_and_then_the_check() -> None:
    at = everything().at(s.AskingItem, item=Item.DISEASE)
    at.item(Item.DISEASE, True).at(s.AskingItem, item=Item.LIMIT).item(Item.LIMIT, True)
    at.at(s.AskingItem, item=Item.SUBSIDY).item(Item.SUBSIDY, False)
    at.at(s.AskingItem, item=Item.PRESCRIPTION).item(Item.PRESCRIPTION, True).at(s.CheckingAnswers)
    assert at.all_of(c.SendConsents) == []
    at.confirm().at(s.Sending)
    answers = at.asked_last(c.SendConsents).answers
    assert answers.comprehensive
    assert [item for item, _ in answers.given] == [item for item in ORDER if item is not Item.DISPENSE]
    assert answers.allows(Item.DISEASE)
    assert not answers.allows(Item.SUBSIDY)


def test_a_changed_medical_answer_is_no_comprehensive_consent_any_more() -> None:
    at = everything()
    for item in (Item.DISEASE, Item.LIMIT, Item.SUBSIDY, Item.PRESCRIPTION):
        at.item(item, False)
    at.change(Item.MEDICATION).item(Item.MEDICATION, False).at(s.CheckingAnswers).confirm()
    answers = at.asked_last(c.SendConsents).answers
    assert not answers.comprehensive
    assert not answers.allows(Item.MEDICATION)
    assert answers.allows(Item.SURGERY)


def test_back_from_the_first_of_the_others_leads_to_the_comprehensive_consent() -> None:
    at = everything().at(s.AskingItem, item=Item.DISEASE)
    at.fork().back().at(s.AskingAll)
    at.item(Item.DISEASE, True).back().at(s.AskingItem, item=Item.DISEASE).back().at(s.AskingAll).all("each")
    at.item(Item.SURGERY, True).back().at(s.AskingItem, item=Item.SURGERY).back().at(s.AskingAll)


def test_back_from_the_others_leads_to_the_last_medical_page_when_they_were_asked_one_by_one() -> None:
    at = identified(EVERYTHING).eligible(ORDER).all("each")
    for item in MEDICAL:
        at.item(item, True)
    at.at(s.AskingItem, item=Item.DISEASE).back().at(s.AskingItem, item=Item.CHECKUP)


def test_without_medical_questions_the_first_page_is_the_first_question() -> None:
    policy = Policy(questions=(Item.DISEASE, Item.LIMIT))
    at = identified(policy).eligible((Item.DISEASE,), certificate=s.CertificateState.ENDS_SOON)
    at.at(s.AskingItem, item=Item.DISEASE)
    page = view(at.kiosk, policy)
    assert page.back is None
    assert page.notice == Text("notice.certificate_ends_soon")
    at.back().did_nothing().at(s.AskingItem, item=Item.DISEASE)
    second = view(at.item(Item.DISEASE, False).kiosk, policy)
    assert second.back is not None
    assert second.notice is None
    at.item(Item.LIMIT, True).at(s.CheckingAnswers)
    again = at.change(Item.DISEASE)
    assert view(again.kiosk, policy).back is not None


def test_the_other_questions_have_sentences_and_buttons_of_their_own() -> None:
    at = everything()
    page = view(at.kiosk, at.policy)
    assert page.title.key == "page.consent_item.disease.title"
    assert page.panel == ConsentPanel(((Item.DISEASE, 0),))
    assert names(at) == ["item_use", "item_not_use"]
    at.item(Item.DISEASE, True).item(Item.LIMIT, True).item(Item.SUBSIDY, True)
    assert names(at) == ["prescription_electronic", "prescription_paper"]
    assert {action.weight for action in view(at.kiosk, at.policy).actions} == {Weight.EQUAL}
    panel = view(at.item(Item.PRESCRIPTION, False).kiosk, at.policy).panel
    assert isinstance(panel, AnswersPanel)
    words = {item: text.key for item, text in panel.rows}
    assert words[Item.MEDICATION] == "answer.yes"
    assert words[Item.DISEASE] == "answer.use_yes"
    assert words[Item.PRESCRIPTION] == "answer.prescription_no"


def test_a_pharmacy_asks_which_prescription_and_never_shows_who_wrote_it() -> None:
    at = at_pharmacy().at(s.AskingItem, item=Item.DISPENSE)
    assert names(at) == ["dispense_all", "dispense_1", "dispense_2", "dispense_none"]
    first, second = (action.text for action in view(at.kiosk, at.policy).actions[1:3])
    assert first == Text("action.dispense_one", {"month": 11, "day": 20})
    assert second == Text("action.dispense_one", {"month": 11, "day": 21})
    both = at.fork().event(view(at.kiosk, at.policy).actions[0].event).confirm()
    given = ((Item.DISPENSE, True),)
    assert both.asked_last(c.SendConsents).answers == Answers(given, comprehensive=False, dispense=("a", "b"))
    one = at.fork().event(view(at.kiosk, at.policy).actions[2].event).confirm()
    assert one.asked_last(c.SendConsents).answers.dispense == ("b",)
    none = at.event(view(at.kiosk, at.policy).actions[3].event).confirm()
    assert none.asked_last(c.SendConsents).answers == Answers(((Item.DISPENSE, False),), comprehensive=False)
    single = identified(PHARMACY).eligible((Item.DISPENSE,), prescriptions=TOKENS[:1])
    assert names(single) == ["dispense_1", "dispense_none"]


def test_every_kind_of_institution_speaks_of_its_own_people() -> None:
    for kind in Kind:
        at = identified(Policy(kind=kind)).eligible()
        assert view(at.kiosk, at.policy).lead[0].values["people"] == Text(f"people.{kind.name.lower()}")


def test_the_last_page_says_what_else_concerns_this_person() -> None:
    done = confirming().eligible(questions=()).result().handed_off(3)
    assert [line.key for line in view(done.kiosk, done.policy).lead] == ["outcome.done", "outcome.papers"]
    lost = confirming().eligible(validity=s.Validity.INVALID).result().handed_off(3)
    keys = [line.key for line in view(lost.kiosk, lost.policy).lead]
    assert keys == ["outcome.not_valid", "failure.qualification_invalid.other"]
    cancelled = confirming().cancel()
    assert [line.key for line in view(cancelled.kiosk, cancelled.policy).lead] == ["outcome.cancelled"]


def test_a_name_with_a_black_circle_is_told_to_the_counter() -> None:
    at = confirming().eligible(questions=()).result()
    at.fork().handed_off(3)
    at.handed_off(3, substituted=2)
    assert c.CallCounter("substituted") in at.seen


def test_the_leaflet_is_quiet_and_ends_by_itself() -> None:
    pages = len(Policy().leaflet)
    at = ready().leaflet().at(s.Leaflet, index=0).turn(-1).at(s.Leaflet, index=pages - 1).turn(1).at(s.Leaflet, index=0)
    at.fork().time_over().at(s.Idle)
    at.fork().back().at(s.Idle)
    at.fork().cancel().at(s.Idle)
    at.fork().card_put().at(s.Choosing)
    at.fork().reader_down().at(s.OutOfService)
    at.blocked().at(s.OutOfService)
    hidden = ready(Policy(leaflet=()))
    hidden.event(e.LeafletOpened()).did_nothing()
    assert "leaflet" not in names(hidden)
    one = ready(Policy(leaflet=("card",))).leaflet()
    assert names(one) == []
