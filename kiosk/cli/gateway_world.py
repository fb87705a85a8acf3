"""From the simulated world of the devices to what the simulated gateway knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from devices.simulated.personas import Cover, Persona, Record
from devices.simulated.world import World
from kiosk.eligibility.model import (
    Checkup,
    DiseaseRecord,
    ElderlyRecord,
    GatewayWorld,
    Insurance,
    LimitRecord,
    Medication,
    Person,
    PrescriptionMessage,
    SubsidyRecord,
    TicketRecord,
)
from kiosk.qualification import JST
from kiosk.reception.states import Subsidy, Validity


def gateway_world(
    world: World, personas: Iterable[Persona], institution: str, today: date | None = None
) -> GatewayWorld:
    """Who has a record is known; a copied certificate belongs to whom it was copied from.

    `institution`: ten digits beginning with 99. `today`: the day from which prescriptions and 医療券 are counted.
    """
    day = today or datetime.now(JST).date()
    people = [
        _person(persona, persona.record, _certificate(world, persona), day)
        for persona in personas
        if persona.record is not None and persona.id in world.cards and persona.certificate != "copy"
    ]
    return GatewayWorld(institution=institution, issuers=[world.auth_ca], cv_anchor=world.cv_anchor, people=people)


def _certificate(world: World, persona: Persona) -> str:
    """SHA-256, hexadecimal. Who has no readable card is found by number only: the digest of nothing that exists."""
    card = world.cards[persona.id]
    known = card.auth_certificate if card.jpki else f"no card: {persona.id}".encode()
    return hashlib.sha256(known).hexdigest()


def _person(persona: Persona, record: Record, certificate: str, today: date) -> Person:
    return Person(
        certificate_sha256=certificate,
        name=persona.name,
        kana=persona.kana,
        sex="1" if persona.sex == "male" else "2",
        birth=_day(persona.birth),
        address=persona.address,
        post_number=record.post_number,
        name_other=record.name_other,
        kana_other=record.kana_other,
        sex2=record.sex2,
        revoked=record.revoked,
        insurance=_insurance(record, today),
        former=[_cover(each, registered=record.registered) for each in record.former],
    )


def _cover(cover: Cover, *, registered: bool) -> Insurance:
    return Insurance(
        registered=registered,
        validity=Validity(cover.validity),
        insurer_number=cover.insurer_number,
        insurer_name=cover.insurer_name,
        symbol=cover.symbol,
        number=cover.number,
        branch=cover.branch,
        classification=cover.classification,
        relation=cover.relation,
        ratio=cover.ratio,
        insured_name=cover.insured_name,
        qualified_from=_day(cover.qualified_from),
        disqualified_from=_until(cover.disqualified_from),
        valid_until=_until(cover.valid_until),
        loss=cover.loss,
    )


def _insurance(record: Record, today: date) -> Insurance:
    elderly, limit = record.elderly, record.limit
    return _cover(record.cover, registered=record.registered).model_copy(
        update={
            "preschool": record.preschool,
            "elderly": elderly
            and ElderlyRecord(
                valid_from=_day(elderly.valid_from), valid_until=_until(elderly.valid_until), ratio=elderly.ratio
            ),
            "limit": limit
            and LimitRecord(
                classification=limit.classification,
                flag=limit.flag,
                valid_from=_day(limit.valid_from),
                valid_until=_until(limit.valid_until),
                long_term=_until(limit.long_term),
            ),
            "diseases": [
                DiseaseRecord(
                    category=each.category,
                    valid_from=_day(each.valid_from),
                    valid_until=_until(each.valid_until),
                    self_pay=each.self_pay,
                )
                for each in record.diseases
            ],
            "subsidy": Subsidy(record.subsidy),
            "subsidies": [
                SubsidyRecord(
                    payer=each.payer,
                    recipient=each.recipient,
                    scheme=each.scheme,
                    valid_from=_day(each.valid_from),
                    valid_until=_until(each.valid_until) or "",
                )
                for each in record.subsidies
            ],
            "prescriptions": [
                PrescriptionMessage(token=each.token, day=_day(today - timedelta(days=each.days_ago)))
                for each in record.prescriptions
            ],
            "tickets": [
                TicketRecord(
                    ticket_type=each.ticket,
                    valid_from=f"{today:%Y%m}01",
                    valid_until=_day(_month_end(today)),
                    number=each.issue_number,
                    month=f"{today:%Y%m}",
                    treatment_type=each.treatment,
                    self_pay=each.self_pay,
                    combined=each.combined,
                )
                for each in record.tickets
            ],
            "surgeries": record.surgeries,
            "code": record.code,
            "message": record.message,
            "error": record.error,
            "several": record.several,
            "medications": [
                Medication(day=_day(each.day), name=each.name, dose=each.dose, days=each.days)
                for each in record.medications
            ],
            "checkups": [Checkup(day=_day(each.day), item=each.item, value=each.value) for each in record.checkups],
        }
    )


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"


def _until(day: date | None) -> str | None:
    return None if day is None else _day(day)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
