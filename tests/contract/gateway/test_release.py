"""Consent state x request -> data or nothing: what the simulated 資格確認端末 releases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from kiosk.eligibility.simulated import Desk
from kiosk.eligibility.verification import Refused
from kiosk.fullresult import FullResult
from kiosk.reception.consent import MEDICAL, Answers, Item
from tests.helpers import gateway as helper
from tests.helpers.gateway import Clock, every

TERMINAL, ELSEWHERE = "practice-terminal-1", "practice-terminal-2"
REQUESTS = (*MEDICAL, Item.DISEASE)
RELEASED = (Item.MEDICATION, Item.CHECKUP)  # what a terminal has a request for: YZKsiquc01req, TKKsiquc01req
ALL = every(REQUESTS)


@dataclass
class Scene:
    desk: Desk
    clock: Clock

    def visit(self, answers: Answers, name: str = "employee", terminal: str = TERMINAL) -> str:
        return helper.visit(self.desk, name, answers, terminal)

    def release(self, item: Item, name: str = "employee", institution: str = "") -> int:
        """Number of rows. Raises `Refused`."""
        person = helper.known_person(name, self.desk.world)
        number = person.insurance
        found = self.desk.release(item, number.insurer_number, number.symbol, number.number, number.branch, institution)
        assert found.person == person
        return len(found.rows)


@pytest.fixture
def scene() -> Scene:
    clock = helper.clock()
    return Scene(Desk(helper.rich(), clock), clock)


def given(scene: Scene) -> None:
    scene.visit(ALL)


def comprehensive(scene: Scene) -> None:
    scene.visit(Answers(tuple((item, True) for item in MEDICAL), comprehensive=True))


def declined(scene: Scene) -> None:
    scene.visit(every(REQUESTS, yes=False))


def not_asked(scene: Scene) -> None:
    scene.visit(Answers.none())


def no_answers_yet(scene: Scene) -> None:
    helper.arrive(scene.desk, "employee", TERMINAL)


def nobody_came(scene: Scene) -> None:
    pass


def last_second(scene: Scene) -> None:
    scene.visit(ALL)
    scene.clock.forward(hours=24, seconds=-1)


def expired(scene: Scene) -> None:
    scene.clock.time = scene.clock.time.replace(microsecond=0)
    scene.visit(ALL)
    scene.clock.forward(hours=24)


def forgotten(scene: Scene) -> None:
    scene.visit(ALL)
    scene.clock.forward(hours=72)
    scene.desk.challenge(TERMINAL)


def withdrawn(scene: Scene) -> None:
    scene.desk.withdraw(TERMINAL, scene.visit(ALL))


def declined_later(scene: Scene) -> None:
    """The newest counts, in the same second too."""
    scene.visit(ALL)
    scene.visit(every(REQUESTS, yes=False))


def given_later(scene: Scene) -> None:
    scene.visit(every(REQUESTS, yes=False))
    scene.clock.forward(minutes=1)
    scene.visit(ALL)


def given_after_withdrawal(scene: Scene) -> None:
    scene.desk.withdraw(TERMINAL, scene.visit(ALL))
    scene.visit(ALL)


def withdrawn_elsewhere(scene: Scene) -> None:
    scene.visit(ALL)
    scene.desk.withdraw(ELSEWHERE, scene.visit(ALL, terminal=ELSEWHERE))


def other_patient(scene: Scene) -> None:
    scene.visit(every((Item.MEDICATION,)), name="elder")


def other_institution(scene: Scene) -> None:
    scene.visit(ALL, terminal=ELSEWHERE)


NOT_CONSENTED = "not_consented"
STATES: dict[Callable[[Scene], None], str] = {  # "": data
    given: "",
    comprehensive: "",
    last_second: "",
    given_later: "",
    given_after_withdrawal: "",
    withdrawn_elsewhere: "",
    declined: NOT_CONSENTED,
    not_asked: NOT_CONSENTED,
    no_answers_yet: NOT_CONSENTED,
    nobody_came: NOT_CONSENTED,
    declined_later: NOT_CONSENTED,
    other_patient: NOT_CONSENTED,
    other_institution: NOT_CONSENTED,
    forgotten: NOT_CONSENTED,
    expired: "consent_expired",
    withdrawn: "consent_withdrawn",
}


@pytest.mark.parametrize("item", REQUESTS, ids=lambda item: item.value)
@pytest.mark.parametrize("state", list(STATES), ids=lambda state: state.__name__)
def test_a_consent_has_its_effect_and_nothing_else_has(
    scene: Scene, state: Callable[[Scene], None], item: Item
) -> None:
    state(scene)
    refusal = STATES[state]
    if not refusal and item in RELEASED:
        assert scene.release(item) > 0
        return
    with pytest.raises(Refused) as caught:
        scene.release(item)
    if refusal:
        assert caught.value.code == refusal
    elif state is comprehensive and item is Item.DISEASE:
        assert caught.value.code == NOT_CONSENTED  # never inside the comprehensive consent
    else:
        assert caught.value.code == "kind_not_released"


@pytest.mark.parametrize("item", RELEASED)
def test_one_item_opens_no_other(scene: Scene, item: Item) -> None:
    scene.visit(every((item,)))
    assert scene.release(item) > 0
    (other,) = set(RELEASED) - {item}
    with pytest.raises(Refused, match=NOT_CONSENTED):
        scene.release(other)


def test_at_the_other_institution_its_own_consent_counts(scene: Scene) -> None:
    scene.visit(ALL, terminal=ELSEWHERE)
    assert scene.release(Item.MEDICATION, institution=helper.ELSEWHERE) > 0


def test_by_reception_only_its_own_consent_counts(scene: Scene) -> None:
    """`GET /terminal/v1/{kind}?reception=`."""
    yes, no = scene.visit(ALL), scene.visit(every(REQUESTS, yes=False))
    assert scene.desk.released(TERMINAL, yes, Item.MEDICATION)
    for terminal, reception, code in (
        (TERMINAL, no, NOT_CONSENTED),
        (ELSEWHERE, yes, "reception_unknown"),
        (TERMINAL, "another", "reception_unknown"),
        (TERMINAL, helper.arrive(scene.desk, "employee", TERMINAL), NOT_CONSENTED),
    ):
        with pytest.raises(Refused, match=code):
            scene.desk.released(terminal, reception, Item.MEDICATION)
    scene.desk.withdraw(TERMINAL, yes)
    with pytest.raises(Refused, match="consent_withdrawn"):
        scene.desk.released(TERMINAL, yes, Item.MEDICATION)


@pytest.mark.parametrize("width", ["half", "full"])
def test_numbers_are_compared_as_people_read_them(scene: Scene, width: str) -> None:
    scene.visit(ALL)
    number = helper.known_person("employee", scene.desk.world).insurance
    wide = {ord("0") + digit: ord("０") + digit for digit in range(10)}
    typed = number.number.translate(wide) if width == "full" else f" {number.number} "
    assert scene.desk.release(Item.MEDICATION, number.insurer_number, number.symbol, typed, "").rows


@pytest.mark.parametrize("who", ["name", "place"])
def test_a_patient_walks_in_without_a_kiosk(scene: Scene, who: str) -> None:
    people = scene.desk.world.people
    place = people.index(helper.known_person("employee", scene.desk.world))
    result = scene.desk.walk_in(people[place].name if who == "name" else place, ALL, asks=(Item.SUBSIDY,))
    assert isinstance(result, FullResult)
    assert result.qualification.person.medication_consent == "1"
    assert result.subsidy == "declined"
    assert scene.release(Item.MEDICATION) > 0
    with pytest.raises((KeyError, IndexError)):
        scene.desk.walk_in("nobody" if who == "name" else 1000, ALL)
