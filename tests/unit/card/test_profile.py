"""The next generation of the card is one new table: the whole client on an invented one, up to the card process.

Other applications, files, PIN rules, label and algorithm (ECDSA with P-384), as `devices.simulated.card.experimental`
has imagined them; nothing of it is known of the true next card.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_der_private_key

from devices.blob import Blob
from devices.card import apdu, jpki, process, visual
from devices.card.apdu import Response
from devices.card.channel import CardChannel
from devices.card.guard import Forbidden, Guard
from devices.card.profile import MY_NUMBER_CARD, PROFILES, Algorithm, CardProfile
from devices.card.reader import SimulatedCardReader
from devices.card.signature import EcdsaKey
from devices.errors import CardProtocol, CertificateUnreadable, DeviceFault, UnsupportedCard
from devices.ports import CardGone, CardPresent, CardRefused, CertificateRead, PhotoRead, PinSigned, TokenKind
from devices.secret import SecretBytes
from devices.simulated.card import VirtualCard
from devices.simulated.card.experimental import AUTHENTICATION, FACE, LABEL, experimental_card
from devices.simulated.card.files import PersonCard
from devices.supervisor import InProcess
from tests.helpers.cards import PHOTO, Direct, Events, card_bytes, options, person, world

NEXT = CardProfile(
    jpki=AUTHENTICATION,
    visual=FACE,
    leave=MY_NUMBER_CARD.leave,
    token_info=0x0003,
    certificate=0x0004,
    ca_certificate=0x0005,
    pin=0x0007,
    key=0x0006,
    number=0x0008,
    face=0x0001,
    cv_certificate=0x0002,
    number_digits=6,
    algorithms=frozenset({Algorithm.ECDSA_P384_SHA384}),
    labels={LABEL.decode(): TokenKind.CARD},
)
MESSAGE = b"message"


@cache
def made() -> tuple[PersonCard, bytes]:
    """The card, and the certificate of its CA."""
    return experimental_card(person("employee"), world().built)


def issuers() -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(made()[1])]


def channel(profile: CardProfile = NEXT) -> tuple[CardChannel, Direct]:
    direct = Direct(VirtualCard(made()[0]))
    return CardChannel(direct, profile), direct


@pytest.mark.parametrize("short", [True, False])
def test_identity_signature_and_photo(short: bool) -> None:
    """Also on a card whose files have no short identifiers."""
    profile = NEXT if short else dataclasses.replace(NEXT, short=lambda file: None)
    card, direct = channel(profile)
    identity = jpki.read_identity(card, issuers())
    assert (identity.token, identity.key.algorithm) == (TokenKind.CARD, Algorithm.ECDSA_P384_SHA384)
    assert (jpki.pin_tries(card), visual.number_tries(card)) == (3, 10)
    signature = jpki.sign(card, identity.key, SecretBytes(made()[0].pin.encode()), MESSAGE)
    assert isinstance(identity.key, EcdsaKey)
    identity.key.key.verify(signature, MESSAGE, ec.ECDSA(SHA384()))
    face = visual.read_face(card, SecretBytes(made()[0].number_b.encode()), MESSAGE, None, lambda done, total: None)
    assert bytes(face.photo.view()) == PHOTO
    assert face.intact
    assert direct.card.verify_count == {"authentication/0007": 1, "face/0008": 1}
    selected_files = [sent for sent in direct.sent if sent[1:3] == b"\xa4\x02"]
    assert bool(selected_files) is not short


def test_the_guard_is_of_the_profile() -> None:
    card, direct = channel()
    for aid in (MY_NUMBER_CARD.jpki, MY_NUMBER_CARD.visual):
        with pytest.raises(Forbidden):
            card.select_application(aid)
    assert not direct.sent


def test_the_guard_takes_a_short_identifier_for_the_file_that_it_names() -> None:
    """A card may number its files otherwise: 5 is the key there, and the CA certificate has none."""
    guard = Guard(dataclasses.replace(NEXT, short={0x0004: 20, 0x0007: 9, 0x0006: 5}.get))
    selection = apdu.select_application(NEXT.jpki)
    guard.check(selection)
    guard.learn(selection, Response(b"", 0x9000))
    guard.check(apdu.read_binary(0, 1, 20))
    guard.check(apdu.tries_query(9))
    guard.check(apdu.compute_signature(b"x", 5))
    for command in (apdu.read_binary(0, 1, 4), apdu.read_binary(0, 1, 5), apdu.tries_query(7), apdu.tries_query(5)):
        with pytest.raises(Forbidden):
            guard.check(command)
    read = apdu.read_binary(0, 1, 20)
    guard.learn(read, Response(b"x", 0x9000))
    guard.check(apdu.read_binary(1, 1))


def test_the_number_has_the_digits_of_the_profile() -> None:
    card, direct = channel()
    with pytest.raises(CardProtocol):
        visual.read_face(card, SecretBytes(b"12345678901234"), MESSAGE, None, lambda done, total: None)
    assert direct.card.verify_count["face/0008"] == 0


def test_an_algorithm_that_the_profile_does_not_have() -> None:
    with pytest.raises(CertificateUnreadable, match="another kind"):
        jpki.read_identity(channel(dataclasses.replace(NEXT, algorithms=MY_NUMBER_CARD.algorithms))[0], issuers())


def test_todays_kiosk_does_not_know_that_card() -> None:
    assert PROFILES == (MY_NUMBER_CARD,)
    with pytest.raises(UnsupportedCard):
        jpki.read_identity(channel(MY_NUMBER_CARD)[0], issuers())


# --- the answer of such a card -------------------------------------------------------------------------------------


def test_a_plain_signature_becomes_der_and_others_are_refused() -> None:
    private = load_der_private_key(made()[0].auth_key, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    key = EcdsaKey(private.public_key())
    der = private.sign(MESSAGE, ec.ECDSA(SHA384()))
    r, s = decode_dss_signature(der)
    plain = r.to_bytes(48) + s.to_bytes(48)
    assert key.accept(plain, MESSAGE) == key.accept(der, MESSAGE) == der
    for wrong in (b"", bytes(96), plain[:-1], bytes([plain[0] ^ 1]) + plain[1:], der[:-1], der + b"\0"):
        with pytest.raises(CardProtocol):
            key.accept(wrong, MESSAGE)
    with pytest.raises(CardProtocol):
        key.accept(plain, b"another message")


# --- both generations at one kiosk ---------------------------------------------------------------------------------


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SimulatedCardReader, Events]]:
    monkeypatch.setattr(process, "PROFILES", (MY_NUMBER_CARD, NEXT))
    events = Events()
    accepted = [base64.b64encode(der).decode() for der in (world().auth_ca, made()[1])]
    client = SimulatedCardReader(options(issuers=accepted), InProcess)
    client.start(events)
    yield client, events
    client.stop()


def test_cards_of_both_generations_one_after_the_other(reader: tuple[SimulatedCardReader, Events]) -> None:
    client, events = reader
    for job, (content, holder) in enumerate(
        [(card_bytes("employee"), person("employee")), (json.dumps(made()[0].to_json()).encode(), made()[0])]
    ):
        client.insert(content)
        presence = events.until(CardPresent).presence
        client.read_certificate(10 * job, presence)
        read = events.until(CertificateRead)
        with read.certificate, read.certificate.secret() as der:
            assert der.matches(holder.auth_certificate)
        assert (read.token, read.pin_tries, read.number_tries, read.expired) == (TokenKind.CARD, 3, 10, False)
        client.sign_with_pin(10 * job + 1, presence, Blob.of(holder.pin.encode()), Blob.of(MESSAGE))
        with events.until(PinSigned).signature:
            pass
        client.read_photo(10 * job + 2, presence, Blob.of(holder.number_b.encode()), Blob.of(MESSAGE))
        photo = events.until(PhotoRead)
        with photo.photo, photo.evidence:
            assert photo.photo_intact
        client.remove()
        events.until(CardGone)


def test_a_card_of_no_generation(reader: tuple[SimulatedCardReader, Events]) -> None:
    client, events = reader
    client.insert(card_bytes("driving_licence"))
    client.read_certificate(1, events.until(CardPresent).presence)
    assert events.until(CardRefused) == CardRefused(1, DeviceFault.UNSUPPORTED_CARD)
