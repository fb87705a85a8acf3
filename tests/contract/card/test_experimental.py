"""The invented card of the next generation: P-384, other applications and files."""

from __future__ import annotations

import hashlib
import json
from datetime import date

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from devices.simulated.card import VirtualCard
from devices.simulated.card.experimental import experimental_card
from devices.simulated.card.files import PersonCard
from devices.simulated.world import World
from tests.contract.card.talk import ISD, JPKI, Talk

AUTHENTICATION = "F0" + b"TEST-P384-AUTH".hex()
FACE = "F0" + b"TEST-P384-FACE".hex()


@pytest.fixture
def made(world: World) -> tuple[PersonCard, bytes]:
    card, authority = experimental_card(world.cards["employee"], date.today())  # noqa: DTZ011 - any day will do
    return PersonCard.from_json(json.loads(json.dumps(card.to_json()))), authority


def test_its_signature_holds_under_its_certificate(made: tuple[PersonCard, bytes]) -> None:
    card, authority = made
    talk = Talk(VirtualCard(card))
    assert talk.select(JPKI) == 0x6A82
    assert talk.select(AUTHENTICATION) == 0x9000
    content = talk.read("0004")
    leaf = x509.load_der_x509_certificate(content[: 4 + int.from_bytes(content[2:4])])
    assert leaf == x509.load_der_x509_certificate(card.auth_certificate)
    leaf.verify_directly_issued_by(x509.load_der_x509_certificate(authority))
    digest = hashlib.sha384(b"message").digest()
    command = f"802A008630{digest.hex()}00"
    assert talk.status(command) == 0x6982
    assert talk.tries("0007") == 0x63C3
    assert talk.verify("0007", card.pin) == 0x9000
    signature, status = talk.send(command)
    assert status == 0x9000
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp384r1"
    key.verify(signature, b"message", ec.ECDSA(hashes.SHA384()))
    assert talk.status(f"802A008620{digest[:32].hex()}00") == 0x6700
    assert talk.status(f"802A028620{digest[:32].hex()}00") == 0x6A86
    assert talk.card.verify_count == {"authentication/0007": 1, "face/0008": 0}


def test_its_face_opens_with_six_digits(made: tuple[PersonCard, bytes], world: World) -> None:
    card, _ = made
    talk = Talk(VirtualCard(card))
    assert talk.select(FACE) == 0x9000
    talk.file("0001")
    assert talk.status("00B0000000") == 0x6982
    assert talk.verify("0008", world.cards["employee"].birth_pin) == 0x9000
    assert talk.read("0001") == world.cards["employee"].visual[0x0002]
    assert talk.select(ISD) == 0x9000


def test_nothing_on_it_is_the_national_cards(made: tuple[PersonCard, bytes]) -> None:
    card, authority = made
    assert b"NOT J-LIS" in card.jpki[0x0003]
    assert "NOT J-LIS" in x509.load_der_x509_certificate(authority).subject.rfc4514_string()
