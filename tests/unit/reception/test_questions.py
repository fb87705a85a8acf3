"""The question table: every combination there is, and the laws that hold in all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from kiosk.reception import states as s
from kiosk.reception.consent import MEDICAL, ORDER, Item
from kiosk.reception.policy import Policy
from kiosk.reception.questions import TABLE, Kind, Known, asked
from tests.helpers.journey import Journey, ready

PATIENTS_OWN = (*MEDICAL, Item.DISEASE, Item.SUBSIDY, Item.DISPENSE)  # appear only when the patient has them


def subsets(items: tuple[Item, ...]) -> Iterator[tuple[Item, ...]]:
    for size in range(len(items) + 1):
        yield from itertools.combinations(items, size)


# Of the medical ones none, one or all: what decides about one does not look at the others.
OFFERED = tuple(
    (*medical, *own) for medical in ((), (Item.MEDICATION,), MEDICAL) for own in subsets(PATIENTS_OWN[len(MEDICAL) :])
)


def combinations() -> Iterator[tuple[tuple[Item, ...], tuple[Item, ...], Kind, Known, bool, tuple[Item, ...]]]:
    for used in subsets(ORDER):
        for offered in OFFERED:
            for kind, known, grace in itertools.product(Kind, Known, (False, True)):
                yield used, offered, kind, known, grace, asked(used, offered, kind, known, grace=grace)


def test_every_item_has_one_row_with_a_reason() -> None:
    assert tuple(rule.item for rule in TABLE) == ORDER
    assert all(rule.why and rule.known and rule.kinds for rule in TABLE)


@pytest.mark.untraced
def test_the_laws_hold_in_every_combination() -> None:
    count = 0
    for used, offered, kind, known, grace, found in combinations():
        count += 1
        assert set(found) <= set(used), "nothing asked that the institution does not use"
        assert {item for item in found if item in PATIENTS_OWN} <= set(offered), "only what the patient has"
        assert list(found) == sorted(found, key=ORDER.index), "always in the same order"
        if known is Known.NUMBER:
            assert set(found) <= {Item.LIMIT}, "nothing medical without the card's identity"
        if grace:
            assert not found, "an ended certificate confirms the qualification only"
        if kind is Kind.PHARMACY:
            assert Item.PRESCRIPTION not in found
        else:
            assert Item.DISPENSE not in found
        if known is Known.CARD and not grace:
            assert {item for item in MEDICAL if item in used and item in offered} <= set(found), "nothing forgotten"
    assert count == 2 ** len(ORDER) * len(OFFERED) * 3 * 2 * 2 > 100_000


def through(policy: Policy, offered: tuple[Item, ...], yes: bool, *, one_by_one: bool) -> Journey:
    """A whole reception in which every question is answered the same."""
    at = ready(policy).card_put().certificate().choose("staff").staff().staff_accepted()
    at.eligible(offered, prescriptions=(s.Prescription("a", "20261120"),))
    for _ in range(len(ORDER) + 2):
        match at.state:
            case s.AskingAll():
                at.all("each" if one_by_one else "yes" if yes else "no")
            case s.AskingItem(item=item):
                at.item(item, yes, ("a",) if item is Item.DISPENSE and yes else ())
            case s.CheckingAnswers():
                at.confirm()
            case _:
                break
    return at.at(s.Sending)


SETTINGS = [
    (kind, used)
    for kind in Kind
    for used in subsets(ORDER)
    # Every institution that asks about medication or nothing medical; the others differ in names only.
    if not {Item.SURGERY, Item.DIAGNOSIS} & set(used)
]


@pytest.mark.untraced
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("one_by_one", [True, False])
def test_every_reception_comes_to_its_end_with_an_answer_to_every_question(
    kind: Kind, yes: bool, one_by_one: bool
) -> None:
    """Declining everything still completes; the rules of `tests.helpers.rules` watch every step."""
    for of, used in SETTINGS:
        if of is not kind:
            continue
        for offered in ((), MEDICAL, ORDER):
            at = through(Policy(kind=kind, questions=used), offered, yes, one_by_one=one_by_one)
            answers = at.state.answers
            assert [item for item, _ in answers.given] == list(asked(used, offered, kind, Known.CARD, grace=False))
            assert {given for _, given in answers.given} <= {yes}
            at.result().handed_off().at(s.TakeCard)
            assert at.state.outcome.ending is s.Ending.DONE


@pytest.mark.untraced
def test_the_comprehensive_consent_never_answers_for_a_special_disease() -> None:
    for used in subsets(ORDER):
        at = ready(Policy(questions=used)).card_put().certificate().choose("staff").staff().staff_accepted()
        at.eligible(ORDER)
        if not isinstance(at.state, s.AskingAll):
            continue
        after = at.all("yes").state
        assert isinstance(after, s.AskingItem | s.Sending)
        given = after.draft.given if isinstance(after, s.AskingItem) else after.answers.given
        assert all(item in MEDICAL for item, _ in given)
        assert isinstance(after, s.AskingItem) == bool(set(used) & (set(ORDER) - set(MEDICAL) - {Item.DISPENSE}))


def test_in_the_grace_nothing_is_asked_and_the_reception_goes_on() -> None:
    at = ready(Policy(questions=ORDER)).card_put().certificate().choose("staff").staff().staff_accepted()
    at.eligible(ORDER, certificate=s.CertificateState.GRACE).at(s.Sending)
    assert at.state.answers.given == ()
    at.result().handed_off()
    assert at.state.outcome.notices == (s.Notice.CERTIFICATE_GRACE,)


def test_who_is_not_insured_is_asked_nothing_and_the_file_says_so() -> None:
    at = ready().card_put().certificate().choose("staff").staff().staff_accepted()
    at.eligible(ORDER, validity=s.Validity.INVALID).at(s.Sending)
    assert at.state.answers.given == ()
    at.result().handed_off(7)
    assert at.state.outcome.ending is s.Ending.NOT_VALID
    assert at.state.outcome.number == 7
