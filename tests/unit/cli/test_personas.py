"""Every persona file: what it names exists, its numbers are plausible, and every case of the counter has somebody."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from devices.simulated import personas as p
from devices.simulated.personas import Persona, load_personas
from devices.simulated.world import World, personas_folder
from kiosk import qualification as q
from kiosk.cli.endings import Row
from kiosk.cli.gateway_world import gateway_world
from kiosk.cli.patient import Role
from kiosk.eligibility.model import GatewayWorld
from kiosk.fullresult import SubsidyOutcome
from kiosk.i18n import Catalogue
from kiosk.oqs.document import Encoding
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode, text_key
from kiosk.reception.insured import Query, check_digit
from kiosk.reception.questions import Kind
from kiosk.reception.states import Paper, Subsidy
from kiosk.reception.view import Page

ROOT = Path(__file__).parents[3]
TODAY = date(2027, 2, 14)

# Whom the counter must know (design of the reception, "Personas"), and who plays the part.
CASES = {
    "ordinary employee": "employee",
    "75 or older, 010": "elder",
    "child with PMH": "child_pmh",
    "not registered": "unregistered",
    "certificate ends in 60 days": "ends_soon",
    "expired 1 month": "grace",
    "expired 6 months": "expired",
    "PIN blocked": "pin_blocked",
    "card without PIN": "pinless",
    "somebody else's card": "someone_else",
    "revoked": "revoked",
    "qualification lost": "lost",
    "replaced by a new insurer": "job_changer",
    "high-cost care, limit, specific disease": "high_cost",
    "public assistance, not registered": "welfare_unregistered",
    "name outside Shift_JIS": "old_kanji",
    "foreign resident": "foreign_resident",
    "driving licence": "driving_licence",
    "print worn away": "worn_card",
    "laid face down": "face_down",
    "card that answers nothing": "mute",
    "old resident card": "juki_card",
    "insurance card of the paper era": "old_insurance_card",
    "phone": "phone",
    "card without photo": "infant",
    "child with guardian": "guardian",
    "forged card": "forged",
    "pharmacy, electronic": "pharmacy_electronic",
    "pharmacy, paper": "pharmacy_paper",
    "pharmacy, declines": "pharmacy_decliner",
    "dental clinic": "dental_patient",
    "several matches": "several",
    "nobody": "nobody",
    "processing error": "upstream_error",
    "municipality without PMH": "pmh_unsupported",
    "PMH declined": "pmh_decliner",
    "certificate on paper": "certificate_holder",
    "notice alone": "notice_only",
    "portal alone": "portal_only",
}


PERSONAS = load_personas(personas_folder())
each_persona = pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.id)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(ROOT / "assets" / "i18n")


def by_id(name: str) -> Persona:
    return next(persona for persona in PERSONAS if persona.id == name)


def test_every_case_of_the_counter_has_somebody() -> None:
    assert set(CASES.values()) <= {persona.id for persona in PERSONAS}
    assert len(PERSONAS) >= 30
    assert sum(persona.institution == Kind.PHARMACY for persona in PERSONAS) >= 3
    assert any(persona.institution == Kind.DENTAL for persona in PERSONAS)


def test_every_way_is_gone_by_somebody() -> None:
    assert {ending.way for persona in PERSONAS for ending in persona.endings} == set(p.WAYS)


def test_every_failure_of_a_sound_kiosk_happens_to_somebody() -> None:
    """The others are broken devices and lines, which no persona brings along."""
    met = {ending.failure for persona in PERSONAS for ending in persona.endings} - {""}
    assert {FailureCode(code) for code in met} >= {
        FailureCode.CARD_UNREADABLE,
        FailureCode.NOT_THIS_CARD,
        FailureCode.PRACTICE_ONLY,
        FailureCode.PHONE_ON_READER,
        FailureCode.PHOTO_INVALID,
        FailureCode.FACE_NOT_MATCHED,
        FailureCode.GATEWAY_ERROR,
        FailureCode.EVIDENCE_INSUFFICIENT,
        FailureCode.CERTIFICATE_EXPIRED,
        FailureCode.CERTIFICATE_REVOKED,
        FailureCode.CERTIFICATE_UNKNOWN,
        FailureCode.QUALIFICATION_INVALID,
        FailureCode.QUALIFICATION_REPLACED,
        FailureCode.QUALIFICATION_NONE,
        FailureCode.QUALIFICATION_SEVERAL,
    }


def test_the_words_of_the_devices_are_those_of_the_kiosk() -> None:
    """`devices` may not import the kiosk, so its files name the kiosk's words; these are the same."""
    assert set(p.KINDS) == set(Kind)
    assert set(p.QUESTIONS) == set(Item)
    assert set(p.SUBSIDIES) == set(Subsidy)
    assert set(p.OUTCOMES) == set(SubsidyOutcome)
    assert set(p.ENCODINGS) == {encoding.declared for encoding in Encoding}
    assert {Role("x", way).paper for way in p.LOOKUP_WAYS} == set(Paper)
    assert {Role("x", way).paper for way in p.WAYS if way not in p.LOOKUP_WAYS} == {None}


@each_persona
def test_what_an_ending_names_exists(persona: Persona, catalogue: Catalogue) -> None:
    for ending in persona.endings:
        assert {ending.last_page, *ending.pages, *ending.not_pages} <= set(Page)
        assert set(ending.pages).isdisjoint(ending.not_pages)
        assert ending.content.keys() <= elements()
        for reason in ending.counter:
            assert catalogue.has(f"counter.{reason}")
        if ending.notice:
            assert catalogue.has(f"notice.{ending.notice}")
        if ending.failure:
            key = f"{text_key(FailureCode(ending.failure))}.staff"
            assert all(catalogue.pattern(key, language) for language in catalogue.languages), key


@each_persona
def test_a_file_says_how_it_was_asked_for(persona: Persona) -> None:
    for ending in persona.endings:
        if ending.files:
            by_number = ending.way in p.LOOKUP_WAYS
            assert ending.content["ReferenceClassification"] == ("2" if by_number else "1",)
            assert "QualificationValidity" in ending.content
            assert not (by_number and (ending.subsidy or ending.dispense))


@each_persona
def test_insurer_numbers_have_their_check_digit(persona: Persona) -> None:
    record = persona.record
    if record is None:
        return
    numbers = [cover.insurer_number for cover in (record.cover, *record.former)]
    numbers += [each.payer for each in record.subsidies]
    for number in numbers:
        assert number.startswith("99")
        assert check_digit(number[:-1]) == int(number[-1])


@each_persona
def test_what_is_typed_at_the_counter_is_plausible(persona: Persona) -> None:
    for row in (Row(persona, ending) for ending in persona.endings):
        if row.ending.way in p.LOOKUP_WAYS:
            query = row.role.query
            assert query is not None
            assert Query.from_json(query.to_json(), TODAY) == query


def elements() -> set[str]:
    """Names of every element of the layout that holds a text."""
    found = {"CharacterCodeIdentifier"}

    def walk(kind: Any) -> None:
        for each in dataclasses.fields(kind):
            if "group" in each.metadata:
                walk(each.metadata["group"])
            else:
                found.add(each.metadata["element"])

    walk(q.QualificationResult)
    return found


# --- what the gateway knows of them --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def few() -> tuple[World, GatewayWorld]:
    people = [by_id(name) for name in ("employee", "forged", "job_changer", "certificate_holder", "welfare", "phone")]
    people += [by_id(name) for name in ("high_cost", "child_pmh", "pharmacy_electronic", "senior", "revoked")]
    world = World.build(people, lambda persona: b"picture")
    return world, gateway_world(world, people, "9910000001", TODAY)


def test_the_gateway_knows_who_has_a_record(few: tuple[World, GatewayWorld]) -> None:
    world, known = few
    assert GatewayWorld.parse(known.to_bytes()) == known
    digests = [person.certificate_sha256 for person in known.people]
    assert len(set(digests)) == len(digests) == len(world.cards) - 2  # the phone, and the copy of a certificate
    people = {person.name: person for person in known.people}
    assert people[by_id("revoked").name].revoked
    assert not people[by_id("employee").name].revoked


def test_the_gateway_knows_the_papers(few: tuple[World, GatewayWorld]) -> None:
    known = {person.name: person for person in few[1].people}

    def insurance(name: str) -> Any:
        return known[by_id(name).name].insurance

    assert [each.validity.value for each in known[by_id("job_changer").name].former] == ["2"]
    assert insurance("high_cost").limit.flag == "A03"
    assert insurance("high_cost").limit.long_term == "20260601"
    assert [each.category for each in insurance("high_cost").diseases] == ["1"]
    assert insurance("high_cost").surgeries
    assert insurance("senior").elderly.ratio == "020"
    assert insurance("child_pmh").subsidy is Subsidy.AVAILABLE
    assert [len(each.recipient) for each in insurance("child_pmh").subsidies] == [7]
    assert insurance("child_pmh").preschool
    ticket = insurance("welfare").tickets[0]
    assert (ticket.month, ticket.valid_from, ticket.valid_until) == ("202702", "20270201", "20270228")
    assert [each.day for each in insurance("pharmacy_electronic").prescriptions] == ["20270214", "20270213"]
