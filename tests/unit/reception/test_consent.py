"""Answers: all of them or none, in the order asked, and changed as often as one likes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.reception.consent import ORDER, Answers, Draft, Item
from kiosk.reception.policy import Policy

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


def test_one_answer_for_all_allows_only_what_was_asked() -> None:
    answers = Answers.all((Item.MEDICATION,), yes=True)
    assert answers.comprehensive
    assert answers.allows(Item.MEDICATION)
    assert not answers.allows(Item.CHECKUP)
    assert not Answers.all((Item.MEDICATION,), yes=False).allows(Item.MEDICATION)


@given(QUESTIONS, QUESTIONS)
@settings(deadline=None, print_blob=True)
def test_asked_is_what_the_institution_uses_and_the_patient_has(
    used: tuple[Item, ...], available: tuple[Item, ...]
) -> None:
    asked = Policy(questions=used).asked(available)
    assert set(asked) == set(used) & set(available)
    assert list(asked) == sorted(asked, key=ORDER.index)


def test_every_item_has_a_look_back() -> None:
    assert set(Policy().look_back_years) == set(Item) == set(ORDER)
