"""All answers of the simulated gateway: validity, consents and their record, retention, look-up by number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from kiosk.eligibility.model import (
    Answer,
    ConsentRequest,
    DiseaseRecord,
    ElderlyRecord,
    GatewayWorld,
    Insurance,
    LookupReply,
    LookupRequest,
    TicketRecord,
)
from kiosk.eligibility.simulated import RESULTS_KEPT, Desk
from kiosk.eligibility.verification import Refused
from kiosk.fullresult import FullResult, SubsidyOutcome
from kiosk.oqs.names import file_identifier
from kiosk.qualification import QualificationResult
from kiosk.reception.consent import MEDICAL, Answers, Item
from kiosk.reception.insured import Query
from kiosk.reception.states import CertificateState, Method, Subsidy, Validity
from tests.helpers import gateway as helper
from tests.helpers.gateway import Clock, arrive, changed, consent, every, known_person, rich

T = "practice-terminal-1"
ELSEWHERE = "practice-terminal-2"


@dataclass
class Place:
    desk: Desk
    clock: Clock

    def eligibility(self, name: str, asks: tuple[Item, ...] = ()) -> Any:
        reception = arrive(self.desk, name, T, asks)
        return self.desk._receptions[T, reception].eligibility

    def result(self, answers: Answers, name: str = "employee", asks: tuple[Item, ...] = ()) -> FullResult:
        reception = arrive(self.desk, name, T, asks)
        full = consent(self.desk, reception, answers, T)
        # What leaves is what the kiosk accepts.
        assert QualificationResult.parse(full.qualification.to_json()) == full.qualification
        assert full.qualification.marked_simulated
        assert full.qualification.header.file_identifier == file_identifier(reception)
        return full


def place(world: GatewayWorld | None = None) -> Place:
    clock = helper.clock()
    clock.time = clock.time.replace(microsecond=0)
    return Place(Desk(world or rich(), clock), clock)


# --- by card -------------------------------------------------------------------------------------------------------


def test_everything_is_offered_to_who_has_everything() -> None:
    found = place().eligibility("employee")
    assert set(found.questions) == {*MEDICAL, Item.DISEASE, Item.SUBSIDY, Item.DISPENSE}
    assert [each.token for each in found.prescriptions] == ["rx-1", "rx-2"]
    assert found.subsidy is Subsidy.AVAILABLE
    assert found.certificate is CertificateState.VALID


def test_nothing_is_offered_that_a_patient_has_not() -> None:
    world = changed("employee", checkups=[], subsidy=Subsidy.UNSUPPORTED)
    found = place(world).eligibility("employee")
    assert found.questions == [Item.DIAGNOSIS, Item.MEDICATION]
    assert found.subsidy is Subsidy.UNSUPPORTED


# By card the newest qualification is answered; "a newer one exists" is for the look-up.
@pytest.mark.parametrize("validity", [each for each in Validity if each is not Validity.INVALID_NEW_EXISTS])
def test_every_validity(validity: Validity) -> None:
    welfare = {"classification": "A1"} if validity is Validity.VALID_UNREGISTERED else {}
    here = place(changed("employee", rich(), validity=validity, **welfare))
    found = here.eligibility("employee")
    assert found.validity is validity
    valid = validity in (Validity.VALID, Validity.VALID_UNREGISTERED)
    assert bool(found.questions) == valid
    if validity in (Validity.NONE, Validity.SEVERAL):
        with pytest.raises(Refused, match="nobody_named"):
            here.result(Answers.none())
        return
    full = here.result(Answers.none(), asks=(Item.SUBSIDY,))
    assert full.qualification.body.validity == validity
    assert (full.qualification.person.limit is not None) == valid  # by law, and only with a qualification
    assert full.subsidy is (SubsidyOutcome.DECLINED if valid else None)
    if not valid:
        with pytest.raises(Refused, match="answer_without_question"):
            here.result(every((Item.LIMIT,)))


def test_a_lost_qualification_comes_with_its_reason() -> None:
    world = changed("employee", validity=Validity.INVALID, loss="03", disqualified_from="20260301")
    person = place(world).result(Answers.none()).qualification.person
    assert (person.loss, person.disqualified_from) == ("03", "20260301")


def test_after_a_change_of_job_the_card_gives_the_newest() -> None:
    person = place(with_former(Validity.VALID)).result(Answers.none()).qualification.person
    assert person.insurer_number == known_person("employee").insurance.insurer_number


def test_what_else_a_record_may_hold() -> None:
    elderly = ElderlyRecord(valid_from="20260101", valid_until="20260731", ratio="020")
    ticket = TicketRecord(ticket_type="01", valid_from="20260401", valid_until="20260430", month="202604")
    world = changed(
        "employee",
        classification="A1",
        validity=Validity.VALID_UNREGISTERED,
        elderly=elderly,
        tickets=[ticket],
        preschool=True,
        code="W-0001",
        message="電子証明書の有効期限が近づいています",
    )
    full = place(world).result(Answers.none()).qualification
    assert (full.body.code, full.body.message) == ("W-0001", "電子証明書の有効期限が近づいています")
    person = full.person
    assert person.elderly is not None
    assert person.elderly.ratio == "020"
    assert person.preschool == "1"
    assert [each.ticket for each in person.tickets] == ["01"]
    assert person.tickets[0].issue_number is None


def test_a_processing_error_carries_its_code() -> None:
    here = place(changed("employee", error="E-9999"))
    with pytest.raises(Refused, match="E-9999") as caught:
        arrive(here.desk, "employee", T)
    assert caught.value.status == 502


# --- consents ------------------------------------------------------------------------------------------------------


FLAGS = {
    Item.SURGERY: "surgery",
    Item.DIAGNOSIS: "diagnosis",
    Item.MEDICATION: "medication",
    Item.CHECKUP: "checkup",
}


@pytest.mark.parametrize("item", MEDICAL)
@pytest.mark.parametrize("yes", [True, False])
def test_each_medical_consent_stands_for_itself(item: Item, yes: bool) -> None:
    full = place().result(every((item,), yes))
    person, executed = full.qualification.person, full.qualification.header.executed
    for each, field in FLAGS.items():
        given = yes and each is item
        assert getattr(person, f"{field}_consent") == ("1" if given else "0")
        assert getattr(person, f"{field}_time") == (executed if given else None)
        assert (getattr(person, f"{field}_until") is not None) == given


@pytest.mark.parametrize(
    ("answers", "flag"), [((), "0"), (((Item.DISEASE, False),), "0"), (((Item.DISEASE, True),), "1")]
)
def test_specific_diseases_only_with_their_own_yes(answers: tuple[tuple[Item, bool], ...], flag: str) -> None:
    medical = tuple((item, True) for item in MEDICAL)
    person = place().result(Answers(medical + answers, comprehensive=True)).qualification.person
    assert person.disease_consent == flag
    assert [each.category for each in person.diseases] == (["1"] if flag == "1" else [])
    assert (person.disease_time is not None) == (flag == "1")


@pytest.mark.parametrize(
    ("answers", "flag", "there"),
    [((), None, True), (((Item.LIMIT, True),), "1", True), (((Item.LIMIT, False),), "0", False)],
)
def test_the_limit_by_law_or_by_answer(answers: tuple[tuple[Item, bool], ...], flag: str | None, there: bool) -> None:
    person = place().result(Answers(answers, comprehensive=False)).qualification.person
    assert (person.limit_consent, person.limit is not None) == (flag, there)
    assert (person.limit_time is not None) == (flag == "1")


@pytest.mark.parametrize(
    ("has", "asks", "answer", "outcome"),
    [
        (Subsidy.AVAILABLE, True, True, SubsidyOutcome.PROVIDED),
        (Subsidy.AVAILABLE, True, False, SubsidyOutcome.DECLINED),
        (Subsidy.AVAILABLE, True, None, SubsidyOutcome.DECLINED),
        (Subsidy.NONE, True, None, SubsidyOutcome.NONE),
        (Subsidy.UNSUPPORTED, True, None, SubsidyOutcome.UNSUPPORTED),
        (Subsidy.AVAILABLE, False, None, None),
        (Subsidy.NONE, False, None, None),
    ],
)
def test_declined_none_and_unsupported_are_different(
    has: Subsidy, asks: bool, answer: bool | None, outcome: SubsidyOutcome | None
) -> None:
    here = place(changed("employee", rich(), subsidy=has))
    given = () if answer is None else ((Item.SUBSIDY, answer),)
    full = here.result(Answers(given, comprehensive=False), asks=(Item.SUBSIDY,) if asks else ())
    assert full.subsidy is outcome
    assert [each.payer for each in full.certificates] == (["80990019"] if outcome is SubsidyOutcome.PROVIDED else [])


@pytest.mark.parametrize(("answer", "code"), [(True, "1"), (False, "2"), (None, None)])
def test_electronic_or_paper_prescription(answer: bool | None, code: str | None) -> None:
    given = () if answer is None else ((Item.PRESCRIPTION, answer),)
    assert place().result(Answers(given, comprehensive=False)).qualification.body.prescription == code


def test_the_prescription_to_dispense() -> None:
    assert place().result(every((Item.DISPENSE,), dispense=("rx-2",))).dispense == ("rx-2",)
    assert place().result(every((Item.DISPENSE,), yes=False)).dispense == ()


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (every((Item.DISPENSE,), dispense=("rx-9",)), "prescription_unknown"),
        (every((Item.DISPENSE,), dispense=("rx-1", "rx-1")), "prescription_unknown"),
        (every((Item.DISPENSE,)), "dispense_unclear"),
        (every((Item.DISPENSE,), yes=False, dispense=("rx-1",)), "dispense_unclear"),
        (every((), dispense=("rx-1",)), "dispense_unclear"),
        (every((Item.MEDICATION, Item.MEDICATION)), "answer_without_question"),
    ],
)
def test_answers_that_make_no_sense(answers: Answers, code: str) -> None:
    with pytest.raises(Refused, match=code):
        place().result(answers)


def test_the_record_of_a_consent() -> None:
    here = place()
    reception = arrive(here.desk, "employee", T)
    with pytest.raises(Refused, match="no_consents"):
        here.desk.consents(T, reception)
    answers = Answers(((Item.MEDICATION, True), (Item.CHECKUP, False)), comprehensive=False)
    consent(here.desk, reception, answers, T, language="vi")
    record = here.desk.consents(T, reception)
    assert (record.text_version, record.language, record.comprehensive) == ("2026-04", "vi", False)
    assert record.answers == [Answer(item=item, given=yes) for item, yes in answers.given]
    assert record.given_at == here.clock()
    assert record.available_until == here.clock() + timedelta(hours=24)
    assert record.withdrawn_at is None
    assert here.desk.records() == [record]
    with pytest.raises(Refused, match="reception_unknown"):
        here.desk.consents(ELSEWHERE, reception)


def test_withdrawal() -> None:
    here = place()
    nothing = arrive(here.desk, "employee", T)
    no = helper.visit(here.desk, "employee", every(MEDICAL, yes=False), T)
    yes = helper.visit(here.desk, "employee", every(MEDICAL), T)
    late = helper.visit(here.desk, "employee", every(MEDICAL), T)
    assert not here.desk.withdraw(T, nothing).withdrawn
    assert not here.desk.withdraw(T, no).withdrawn
    here.clock.forward(hours=1)
    assert here.desk.withdraw(T, yes).withdrawn
    at = here.desk.consents(T, yes).withdrawn_at
    assert at == here.clock()
    here.clock.forward(hours=23)
    assert here.desk.withdraw(T, yes).withdrawn  # said again: the same answer, and the same time in the record
    assert here.desk.consents(T, yes).withdrawn_at == at
    assert not here.desk.withdraw(T, late).withdrawn  # it had ended by itself


def test_registration_has_its_record() -> None:
    here = place()
    reception = arrive(here.desk, "unregistered", T, method=Method.PIN)
    with pytest.raises(Refused, match="no_registration"):
        here.desk.registration(T, reception)
    assert here.desk.register(T, reception).registered
    record = here.desk.registration(T, reception)
    assert (record.method, record.registered_at) == (Method.PIN, here.clock())
    here.clock.forward(minutes=1)
    here.desk.register(T, reception)
    assert here.desk.registration(T, reception) == record
    again = arrive(here.desk, "unregistered", T)
    assert here.desk.register(T, again).registered
    with pytest.raises(Refused, match="no_registration"):  # it was made in the other reception
        here.desk.registration(T, again)


def test_in_the_months_of_grace_nothing_but_the_qualification() -> None:
    here = place(changed("elder", rich(), subsidy=Subsidy.AVAILABLE))
    here.clock.forward(days=30 * 14 + 90)
    reception = arrive(here.desk, "elder", T, asks=(Item.SUBSIDY,))
    for answers in (every((Item.MEDICATION,)), every((Item.LIMIT,)), every((Item.PRESCRIPTION,))):
        with pytest.raises(Refused, match="answer_without_question"):
            consent(here.desk, reception, answers, T)
    full = consent(here.desk, reception, Answers.none(), T)
    assert (full.subsidy, full.qualification.body.validity) == (None, "1")
    assert full.qualification.person.limit is None
    assert full.qualification.person.medication_consent == "0"


# --- retention -----------------------------------------------------------------------------------------------------


def test_results_are_kept_for_as_long_as_is_said_and_then_gone() -> None:
    here = place()
    reception = helper.visit(here.desk, "employee", every(MEDICAL), T)
    looked_up = look_up(here, "n1")
    here.clock.time += RESULTS_KEPT - timedelta(seconds=1)
    assert here.desk.result(T, reception)
    assert here.desk.result(T, "n1")
    assert look_up(here, "n1") == looked_up
    here.clock.forward(seconds=1)
    for each in (reception, "n1"):
        with pytest.raises(Refused, match="result_expired") as caught:
            here.desk.result(T, each)
        assert caught.value.status == 410
    with pytest.raises(Refused, match="result_expired"):
        look_up(here, "n1")
    request = ConsentRequest(text_version="1", language="ja", comprehensive=False, answers=[])
    with pytest.raises(Refused, match="result_expired"):
        here.desk.consent(T, reception, request)
    assert here.desk.consents(T, reception).answers  # the record stays
    assert all(not each.result and each.person is None for each in here.desk._receptions.values())


def test_old_challenges_make_room() -> None:
    here = place()
    first = here.desk.challenge(T).id
    for _ in range(1000):
        here.desk.challenge(T)
    assert first not in here.desk._challenges
    assert len(here.desk._challenges) == 1000


# --- by number -----------------------------------------------------------------------------------------------------


def look_up(here: Place, reception: str, limit: bool | None = None, terminal: str = T, **changes: str) -> LookupReply:
    person = known_person("employee")
    number = person.insurance
    fields = {
        "insurer": number.insurer_number,
        "symbol": number.symbol,
        "number": number.number,
        "branch": number.branch,
        "birth": person.birth,
        **changes,
    }
    request = LookupRequest(
        reception=reception, terminal=T, file_identifier=file_identifier(reception), limit=limit, **fields
    )
    return here.desk.look_up(terminal, request)


def with_former(present: Validity, **old: Any) -> GatewayWorld:
    """`employee` changed the job; the old number ends with 9."""
    world = changed("employee", rich(), validity=present)
    person = known_person("employee", world)
    former = person.insurance.model_copy(
        update={"number": "9009", "loss": "03", "disqualified_from": "20260301", **old}
    )
    people = [each.model_copy(update={"former": [former]}) if each == person else each for each in world.people]
    return world.model_copy(update={"people": people})


@pytest.mark.parametrize(("limit", "flag"), [(None, None), (True, "1"), (False, "0")])
def test_by_number_nothing_medical_and_the_limit_only_with_a_yes(limit: bool | None, flag: str | None) -> None:
    here = place()
    reply = look_up(here, "n1", limit)
    full = FullResult.parse(here.desk.result(T, "n1") or b"")
    assert reply.validity is Validity.VALID
    person = full.qualification.person
    assert full.qualification.header.reference == "2"
    assert (person.limit_consent, person.limit is not None) == (flag, limit is True)
    assert full.qualification.body.search is not None
    assert full.qualification.body.search.limit_consent == flag
    medical = ("checkup", "medication", "diagnosis", "surgery", "disease")
    assert {getattr(person, f"{name}_consent") for name in medical} == {None}
    assert person.diseases == ()
    assert (full.subsidy, full.dispense) == (None, ())


@pytest.mark.parametrize(
    ("world", "changes", "validity"),
    [
        (rich(), {}, Validity.VALID),
        (rich(), {"branch": ""}, Validity.VALID),
        (rich(), {"branch": "77"}, Validity.NONE),
        (rich(), {"birth": "19850413"}, Validity.NONE),
        (rich(), {"birth": "99999999"}, Validity.NONE),
        (rich(), {"number": "1"}, Validity.NONE),
        (rich(), {"insurer": "990099"}, Validity.NONE),
        (changed("employee", rich(), several=True), {}, Validity.SEVERAL),
        (changed("employee", rich(), validity=Validity.INVALID), {}, Validity.INVALID),
        (changed("employee", rich(), validity=Validity.NONE), {}, Validity.NONE),
        (with_former(Validity.VALID), {"number": "9009"}, Validity.INVALID_NEW_EXISTS),
        (with_former(Validity.INVALID), {"number": "9009"}, Validity.INVALID),
        (with_former(Validity.VALID), {}, Validity.VALID),
    ],
)
def test_validity_by_number(world: GatewayWorld, changes: dict[str, str], validity: Validity) -> None:
    here = place(world)
    reply = look_up(here, "n1", None, T, **changes)
    assert reply.validity is validity
    named = validity not in (Validity.NONE, Validity.SEVERAL)
    assert (reply.result is not None) == named
    if named:
        full = FullResult.parse(here.desk.result(T, "n1") or b"")
        assert full.qualification.body.validity == validity
        if changes.get("number") == "9009":
            assert (full.qualification.person.number, full.qualification.person.loss) == ("9009", "03")
    else:
        with pytest.raises(Refused, match="no_result"):
            here.desk.result(T, "n1")


def test_a_look_up_is_one_thing_and_a_card_another() -> None:
    here = place()
    look_up(here, "n1")
    assert look_up(here, "n1") == look_up(here, "n1")
    with pytest.raises(Refused, match="reception_exists"):
        look_up(here, "n1", number="2")
    request = ConsentRequest(text_version="1", language="ja", comprehensive=False, answers=[])
    for ask in (lambda: here.desk.consent(T, "n1", request), lambda: here.desk.register(T, "n1")):
        with pytest.raises(Refused, match="not_by_card"):
            ask()
    with pytest.raises(Refused, match="terminal_differs"):
        look_up(here, "n2", terminal=ELSEWHERE)
    card = arrive(here.desk, "employee", T)
    with pytest.raises(Refused, match="reception_exists"):
        look_up(here, card)


def test_who_was_not_found_may_be_typed_again() -> None:
    """One reception, until somebody is named."""
    here = place()
    assert look_up(here, "n1", number="1").validity is Validity.NONE
    assert look_up(here, "n1", number="2").validity is Validity.NONE
    assert look_up(here, "n1").validity is Validity.VALID
    with pytest.raises(Refused, match="reception_exists"):
        look_up(here, "n1", number="1")
    assert here.desk.receptions() == ["n1"]


def test_a_processing_error_by_number_carries_its_code() -> None:
    here = place(changed("employee", rich(), error="E-9999", message="障害"))
    with pytest.raises(Refused, match="E-9999") as caught:
        look_up(here, "n1")
    assert caught.value.status == 502
    person = known_person("employee")
    number: Insurance = person.insurance
    query = Query(number.insurer_number, number.symbol, number.number, number.branch, person.birth)
    record = here.desk.by_number(query, None, "A" * 16)
    assert (record.body.status, record.body.code, record.body.message) == ("2", "E-9999", "障害")
    assert QualificationResult.parse(record.to_json()) == record


def test_staff_may_state_the_same_again_under_another_challenge() -> None:
    """A kiosk that was restarted has lost the challenge, and so what a signature would be good for."""
    here = place()
    for _ in range(2):
        assert arrive(here.desk, "employee", T, reception="r1") == "r1"
    assert here.desk.receptions() == ["r1"]
    with pytest.raises(Refused, match="reception_exists"):
        arrive(here.desk, "elder", T, reception="r1")


def test_a_disease_says_what_it_costs_only_if_it_does() -> None:
    world = changed("employee", diseases=[DiseaseRecord(category="2", valid_from="20250401")])
    person = place(world).result(every((Item.DISEASE,))).qualification.person
    assert [each.self_pay for each in person.diseases] == [None]
