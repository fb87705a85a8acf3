"""Answers: all of them or none, in the order asked, and changed as often as one likes."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.reception.consent import MEDICAL, ORDER, Answers, Draft, Item
from kiosk.reception.policy import LOOK_BACK, Policy

QUESTIONS = st.lists(st.sampled_from(ORDER), unique=True).map(tuple)


@settings(deadline=None, print_blob=True)
@given(QUESTIONS, st.lists(st.tuples(st.sampled_from(ORDER), st.booleans())))
def test_a_draft_holds_the_last_answer_to_each_question(
    questions: tuple[Item, ...], given_answers: list[tuple[Item, bool]]
) -> None:
    draft = Draft(questions)
    for item, yes in given_answers:
        draft = draft.answer(item, yes)
    last = {item: yes for item, yes in given_answers if item in questions}
    assert draft.given == tuple((item, last[item]) for item in questions if item in last)
    answers = draft.finish()
    assert (answers is None) == (draft.next_question is not None) == (set(last) != set(questions))
    if answers is not None:
        assert not answers.comprehensive
        assert all(answers.allows(item) == last.get(item, False) for item in Item)


def test_one_answer_for_all_is_about_medical_information_only() -> None:
    draft = Draft((Item.MEDICATION, Item.DISEASE)).answer_all(yes=True)
    assert draft.given == ((Item.MEDICATION, True),)
    assert draft.comprehensive
    assert draft.next_question is Item.DISEASE
    assert draft.finish() is None
    answers = draft.answer(Item.DISEASE, False).finish()
    assert answers == Answers(((Item.MEDICATION, True), (Item.DISEASE, False)), comprehensive=True)
    assert not answers.allows(Item.CHECKUP)
    changed = draft.answer(Item.MEDICATION, False).answer(Item.DISEASE, True).finish()
    assert changed is not None
    assert not changed.comprehensive
    assert not Draft((Item.DISEASE,)).answer_all(yes=True).comprehensive


def test_what_is_dispensed_goes_with_its_answer() -> None:
    draft = Draft((Item.DISPENSE,)).answer(Item.DISPENSE, True, ("a", "b"))
    assert draft.finish() == Answers(((Item.DISPENSE, True),), comprehensive=False, dispense=("a", "b"))
    again = draft.answer(Item.DISPENSE, False, ("a",)).finish()
    assert again is not None
    assert again.dispense == ()
    assert Answers.none() == Answers((), comprehensive=False)


def test_every_medical_item_has_a_look_back_with_source_and_date() -> None:
    assert set(Policy().look_back_years) == set(MEDICAL) == set(LOOK_BACK)
    for known in LOOK_BACK.values():
        assert known.years > 0
        assert known.source
        assert date.fromisoformat(known.read_on) >= date.fromisoformat(known.since + "-01")
