"""From the simulated world of the devices to what the simulated gateway knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date

from devices.simulated.personas import Persona
from devices.simulated.world import World
from kiosk.eligibility.model import Checkup, GatewayWorld, Insurance, Medication, Person
from kiosk.reception.states import Validity


def gateway_world(world: World, personas: Iterable[Persona], institution: str) -> GatewayWorld:
    """Who has a card in `world` and a record is known; a copied certificate belongs to whom it was copied from.

    `institution`: ten digits beginning with 99.
    """
    people = []
    for persona in personas:
        record = persona.record
        if record is None or persona.id not in world.cards or persona.certificate == "copy":
            continue
        people.append(
            Person(
                certificate_sha256=hashlib.sha256(world.cards[persona.id].auth_certificate).hexdigest(),
                name=persona.name,
                kana=persona.kana,
                sex="1" if persona.sex == "male" else "2",
                birth=_day(persona.birth),
                address=persona.address,
                insurance=Insurance(
                    registered=record.registered,
                    validity=Validity(record.validity),
                    insurer_number=record.insurer_number,
                    insurer_name=record.insurer_name,
                    symbol=record.symbol,
                    number=record.number,
                    branch=record.branch,
                    classification=record.classification,
                    relation=record.relation,
                    ratio=record.ratio,
                    insured_name=record.insured_name,
                    qualified_from=_day(record.qualified_from),
                    valid_until=None if record.valid_until is None else _day(record.valid_until),
                    medications=[
                        Medication(day=_day(each.day), name=each.name, dose=each.dose, days=each.days)
                        for each in record.medications
                    ],
                    checkups=[
                        Checkup(day=_day(each.day), item=each.item, value=each.value) for each in record.checkups
                    ],
                ),
            )
        )
    return GatewayWorld(institution=institution, issuers=[world.auth_ca], cv_anchor=world.cv_anchor, people=people)


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"
