"""A simulated gateway with a small world, and what a genuine card client would send it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from devices.card import tlv
from devices.secret import SecretBytes
from devices.simulated.card.files import PersonCard, sign
from devices.simulated.pki import load_key
from devices.simulated.world import World, load_personas, personas_folder
from kiosk.cli.gateway_world import gateway_world
from kiosk.eligibility.model import (
    Answer,
    ConsentRequest,
    DiseaseRecord,
    GatewayWorld,
    LimitRecord,
    Person,
    PrescriptionMessage,
    ReceptionRequest,
    SignatureEvidence,
    StaffEvidence,
    SubsidyRecord,
)
from kiosk.eligibility.port import CardEvidence, JpkiSignature, signed_message
from kiosk.eligibility.simulated import Desk
from kiosk.fullresult import FullResult
from kiosk.oqs.names import file_identifier
from kiosk.qualification import JST
from kiosk.reception.consent import Answers, Item
from kiosk.reception.insured import Query
from kiosk.reception.states import Method, StaffReason, Subsidy, Validity

INSTITUTION = "9910000001"
ELSEWHERE = "9910000002"
PEOPLE = (
    "employee",
    "elder",
    "unregistered",
    "expired",
    "forged",
    "foreign_issuer",
    "decliner",
    "pin_blocked",
    "pinless",
)
REVOKED, UNKNOWN, LOST = "decliner", "pin_blocked", "pinless"  # what the gateway of the tests thinks of them


@cache
def world() -> World:
    personas = [persona for persona in load_personas(personas_folder()) if persona.id in PEOPLE]
    return World.build(personas, lambda _: b"a picture" * 100)


@cache
def known() -> GatewayWorld:
    everybody = gateway_world(world(), load_personas(personas_folder()), INSTITUTION)
    people = []
    for each in everybody.people:
        if each.certificate_sha256 == _digest(UNKNOWN):
            continue
        if each.certificate_sha256 == _digest(LOST):
            insurance = each.insurance.model_copy(update={"validity": Validity.INVALID})
            each = each.model_copy(update={"insurance": insurance})
        people.append(each.model_copy(update={"revoked": each.certificate_sha256 == _digest(REVOKED)}))
    return everybody.model_copy(update={"people": people})


def _digest(name: str) -> str:
    return hashlib.sha256(person(name).auth_certificate).hexdigest()


def person(name: str) -> PersonCard:
    return world().cards[name]


def certificate(name: str) -> SecretBytes:
    return SecretBytes(person(name).auth_certificate)


def pin_signature(name: str, message: bytes) -> JpkiSignature:
    return JpkiSignature(SecretBytes(sign(load_key(person(name).auth_key), message)))


def presence(name: str, message: bytes, **changes: bytes | str) -> CardEvidence:
    """As `devices.card.visual.PresenceEvidence.to_json` writes it; `changes` spoil it."""
    card = person(name)
    face = card.visual[0x0002]
    size = sum(tlv.header(face)[1:])
    parts = tlv.children(tlv.one(face[:size], 0xFF20).value)

    def stored(*tags: int) -> bytes:
        return b"".join(parts[tag].raw for tag in tags)

    cv = card.visual[0x0004]
    fields: dict[str, bytes | str] = {
        "kind": "card_presence",
        "head": stored(0xDF22, 0xDF23, 0xDF24),
        "names_hash": hashlib.sha256(stored(0xDF25, 0xDF26)).digest(),
        "photo_hash": hashlib.sha256(stored(0xDF27)).digest(),
        "issuer_signature": bytes(parts[0xDF28].value),
        "cv_certificate": cv[: sum(tlv.header(cv)[1:])],
        "presence_signature": sign(load_key(card.card_key), message),
        **changes,
    }
    document = {
        name: value if isinstance(value, str) else base64.b64encode(value).decode() for name, value in fields.items()
    }
    return CardEvidence(SecretBytes(json.dumps(document).encode()))


@dataclass
class Clock:
    """Zone-aware time that a test moves."""

    time: datetime

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


def clock() -> Clock:
    return Clock(datetime.now(JST))


def noon() -> datetime:
    """Of today: no test that waits for minutes goes past midnight."""
    return datetime.now(JST).replace(hour=12, minute=0, second=0)


def known_person(name: str, base: GatewayWorld | None = None) -> Person:
    return next(each for each in (base or known()).people if each.certificate_sha256 == _digest(name))


_receptions = itertools.count(1)


def arrive(
    desk: Desk,
    name: str,
    terminal: str,
    asks: tuple[Item, ...] = (),
    reception: str = "",
    method: Method = Method.STAFF,
) -> str:
    """Confirmed by eye (or with the PIN), without HTTP; the reception's id."""
    reception = reception or f"arrived-{next(_receptions)}"
    challenge = desk.challenge(terminal)
    evidence: SignatureEvidence | StaffEvidence
    if method is Method.PIN:
        signed = pin_signature(name, signed_message(challenge.nonce, terminal, challenge.issued_at)).signature
        evidence = SignatureEvidence(kind="jpki_signature", signature=bytes(signed.view()))
    else:
        evidence = StaffEvidence(kind="staff_visual", reason=StaffReason.OTHER)
    desk.receive(
        terminal,
        ReceptionRequest(
            reception=reception,
            challenge=challenge.id,
            terminal=terminal,
            method=method,
            certificate=person(name).auth_certificate,
            evidence=[evidence],
            file_identifier=file_identifier(reception),
            asks=list(asks),
        ),
    )
    return reception


def consent(desk: Desk, reception: str, answers: Answers, terminal: str, language: str = "ja") -> FullResult:
    request = ConsentRequest(
        text_version="2026-04",
        language=language,
        comprehensive=answers.comprehensive,
        answers=[Answer(item=item, given=yes) for item, yes in answers.given],
        dispense=list(answers.dispense),
    )
    return FullResult.parse(desk.consent(terminal, reception, request))


def visit(desk: Desk, name: str, answers: Answers, terminal: str) -> str:
    reception = arrive(desk, name, terminal)
    consent(desk, reception, answers, terminal)
    return reception


def query(name: str, **changes: str) -> SecretBytes:
    """What staff type from this person's 資格確認書."""
    person = known_person(name)
    insurance = person.insurance
    fields = {
        "insurer": insurance.insurer_number,
        "symbol": insurance.symbol,
        "number": insurance.number,
        "branch": insurance.branch,
        "birth": person.birth,
    }
    return SecretBytes(Query(**{**fields, **changes}).to_json())


def changed(name: str, base: GatewayWorld | None = None, **insurance: Any) -> GatewayWorld:
    """The world in which this person's insurance is another."""
    world = base or known()
    people = [
        each.model_copy(update={"insurance": each.insurance.model_copy(update=insurance)})
        if each.certificate_sha256 == _digest(name)
        else each
        for each in world.people
    ]
    return world.model_copy(update={"people": people})


def rich() -> GatewayWorld:
    """`employee` has everything that may be asked about; the other terminal stands elsewhere."""
    world = changed(
        "employee",
        diseases=[DiseaseRecord(category="1", valid_from="20250401", self_pay="10000")],
        limit=LimitRecord(classification="01", flag="A03", valid_from="20250801"),
        subsidy=Subsidy.AVAILABLE,
        subsidies=[SubsidyRecord(payer="80990019", recipient="9900018", scheme="見本こども医療費（模擬）")],
        prescriptions=[PrescriptionMessage(token=f"rx-{number}", day="20260401") for number in (1, 2)],
        surgeries=True,
    )
    return world.model_copy(update={"institutions": {"practice-terminal-2": ELSEWHERE}})


def every(questions: Iterable[Item], yes: bool = True, dispense: tuple[str, ...] = ()) -> Answers:
    """The same answer to all, item by item."""
    return Answers(tuple((item, yes) for item in questions), comprehensive=False, dispense=dispense)


def reception_ids() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield hashlib.sha256(str(number).encode()).hexdigest()[:32]
