"""What every card reader keeps, simulated or real."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.ports import (
    CardGone,
    CardPresent,
    CardProgress,
    CardRefused,
    CertificateRead,
    PhotoRead,
    PinSigned,
    ReaderReady,
    TokenKind,
)
from devices.simulated.pki import load_key
from tests.contract.reader.lanes import Lane
from tests.helpers.cards import PHOTO, SALT, person, personas

MESSAGE = b"UKETSUKE-TEST\0" + bytes(range(48))


def number_of(name: str) -> Blob:
    return Blob.of(personas()[name].number_b.encode())


def pin_of(name: str) -> Blob:
    return Blob.of(personas()[name].pin.encode())


def text() -> Blob:
    return Blob.of(MESSAGE)


def content(blob: Blob) -> bytes:
    with blob, blob.secret() as secret:
        return bytes(secret.view())


def certificate(lane: Lane, job: int, presence: int) -> CertificateRead:
    lane.reader.read_certificate(job, presence)
    return lane.events.next(CertificateRead)


def test_certificate_is_the_cards_own_without_padding(lane: Lane) -> None:
    read = certificate(lane, 7, lane.insert("employee"))
    der = content(read.certificate)
    assert der == person("employee").auth_certificate
    assert (read.job, read.token, read.pin_tries, read.number_tries) == (7, TokenKind.CARD, 3, 10)
    assert read.fingerprint == hmac.new(bytes.fromhex(SALT), der, hashlib.sha256).hexdigest()
    assert lane.verifications() == {}


def test_pin_signature_equals_the_one_made_with_the_key_itself(lane: Lane) -> None:
    presence = lane.insert("employee")
    lane.reader.sign_with_pin(1, presence, pin_of("employee"), text())
    signature = content(lane.events.next(PinSigned).signature)
    key = load_key(person("employee").auth_key)
    assert signature == key.sign(MESSAGE, PKCS1v15(), SHA256())  # PKCS#1 v1.5 is deterministic
    public = x509.load_der_x509_certificate(person("employee").auth_certificate).public_key()
    assert isinstance(public, RSAPublicKey)
    public.verify(signature, MESSAGE, PKCS1v15(), SHA256())
    assert lane.verifications() == {"jpki/0018": 1}


def test_wrong_pin_costs_exactly_one_try(lane: Lane) -> None:
    presence = lane.insert("employee")
    lane.reader.sign_with_pin(1, presence, Blob.of(b"9999"), text())
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.PIN_WRONG, 2)
    assert lane.verifications() == {"jpki/0018": 1}
    read = certificate(lane, 2, presence)
    read.certificate.wipe()
    assert read.pin_tries == 2
    lane.reader.sign_with_pin(3, presence, pin_of("employee"), text())
    content(lane.events.next(PinSigned).signature)


def test_pin_of_another_form_is_not_sent(lane: Lane) -> None:
    presence = lane.insert("employee")
    for job, pin in enumerate((b"123", b"12345", b"12a4", b"")):
        lane.reader.sign_with_pin(job, presence, Blob.of(pin), text())
        assert lane.events.next(CardRefused) == CardRefused(job, DeviceFault.CARD_PROTOCOL)
    assert lane.verifications() == {}


def test_the_exhausting_try_says_blocked(lane: Lane) -> None:
    presence = lane.insert("employee", counters={"jpki/0018": 1})
    lane.reader.sign_with_pin(1, presence, Blob.of(b"9999"), text())
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.PIN_BLOCKED)


@pytest.mark.parametrize("name", ["pin_blocked", "pinless"])
def test_blocked_pin_is_not_sent(lane: Lane, name: str) -> None:
    presence = lane.insert(name)
    assert certificate(lane, 1, presence).pin_tries == 0
    lane.reader.sign_with_pin(2, presence, Blob.of(b"1234"), text())
    assert lane.events.next(CardRefused) == CardRefused(2, DeviceFault.PIN_BLOCKED)
    assert lane.verifications() == {}


def test_photo_with_progress_and_evidence_that_verifies(lane: Lane) -> None:
    presence = lane.insert("employee")
    lane.reader.read_photo(3, presence, number_of("employee"), text())
    read = lane.events.next(PhotoRead)
    assert content(read.photo) == PHOTO
    assert read.photo_intact
    assert read.clone_checked

    steps = [event for event in lane.events.seen if isinstance(event, CardProgress)]
    assert steps
    assert all(step.job == 3 for step in steps)
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert steps[-1].done == steps[-1].total

    evidence = json.loads(content(read.evidence))
    assert evidence["kind"] == "card_presence"
    assert set(evidence) == {
        "kind", "head", "names_hash", "photo_hash", "issuer_signature", "cv_certificate", "presence_signature",
    }  # fmt: skip
    card_key = load_key(person("employee").card_key)
    assert b64decode(evidence["presence_signature"]) == card_key.sign(MESSAGE, PKCS1v15(), SHA256())
    photo = b"\xdf\x27\x82" + len(PHOTO).to_bytes(2, "big") + PHOTO
    assert b64decode(evidence["photo_hash"]) == hashlib.sha256(photo).digest()
    assert lane.verifications() == {"visual/0012": 1}


def test_wrong_number_costs_exactly_one_try(lane: Lane) -> None:
    presence = lane.insert("employee")
    lane.reader.read_photo(1, presence, Blob.of(b"00000000000000"), text())
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.NUMBER_WRONG, 9)
    assert lane.verifications() == {"visual/0012": 1}


@pytest.mark.parametrize("left", [3, 1, 0])
def test_number_is_guarded(lane: Lane, left: int) -> None:
    presence = lane.insert("employee", counters={"visual/0012": left})
    lane.reader.read_photo(1, presence, number_of("employee"), text())
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.NUMBER_GUARDED, left)
    assert lane.verifications() == {}


def test_four_tries_are_enough(lane: Lane) -> None:
    presence = lane.insert("employee", counters={"visual/0012": 4})
    lane.reader.read_photo(1, presence, Blob.of(b"00000000000000"), text())
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.NUMBER_WRONG, 3)


def test_everything_of_one_presence_comes_from_one_connection(lane: Lane) -> None:
    presence = lane.insert("employee")
    first = certificate(lane, 1, presence)
    lane.reader.read_photo(2, presence, number_of("employee"), text())
    photo = lane.events.next(PhotoRead)
    lane.reader.sign_with_pin(3, presence, pin_of("employee"), text())
    signed = lane.events.next(PinSigned)
    assert first.connection == photo.connection == signed.connection
    lane.reader.release()
    again = certificate(lane, 4, presence)
    assert again.connection != first.connection
    assert again.fingerprint == first.fingerprint
    for blob in (first.certificate, photo.photo, photo.evidence, signed.signature, again.certificate):
        blob.wipe()


def test_the_next_card_is_another_presence(lane: Lane) -> None:
    first = lane.insert("employee")
    lane.remove()
    second = lane.insert("elder")
    assert second != first
    lane.reader.read_certificate(1, first)
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.CARD_REMOVED)
    assert content(certificate(lane, 2, second).certificate) == person("elder").auth_certificate


def test_card_of_another_issuer_gives_nothing(lane: Lane) -> None:
    presence = lane.insert("foreign_issuer")
    lane.reader.read_certificate(1, presence)
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.FOREIGN_ISSUER)
    lane.reader.read_photo(2, presence, number_of("foreign_issuer"), text())
    assert lane.events.next(CardRefused) == CardRefused(2, DeviceFault.FOREIGN_ISSUER)
    lane.reader.sign_with_pin(3, presence, pin_of("foreign_issuer"), text())
    assert lane.events.next(CardRefused) == CardRefused(3, DeviceFault.FOREIGN_ISSUER)
    assert lane.verifications() == {}


@pytest.mark.parametrize(("name", "expired"), [("ends_soon", False), ("grace", True), ("expired", True)])
def test_a_certificate_that_has_ended_is_told_and_not_refused(lane: Lane, name: str, expired: bool) -> None:
    """It still confirms the insurance for some months: the gateway decides."""
    read = certificate(lane, 1, lane.insert(name))
    read.certificate.wipe()
    assert read.expired is expired


def test_driving_licence_is_not_supported(lane: Lane) -> None:
    lane.reader.read_certificate(1, lane.insert("driving_licence"))
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.UNSUPPORTED_CARD)


def test_phone_is_told_by_its_label_and_nothing_else_is_read(lane: Lane) -> None:
    """Its certificate is behind the PIN: anything asked of it would end in another fault."""
    lane.reader.read_certificate(1, lane.insert("phone"))
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.PHONE_ON_READER)
    assert lane.verifications() == {}


def test_card_that_does_not_answer(lane: Lane) -> None:
    lane.reader.read_certificate(1, lane.insert("mute"))
    assert lane.events.next(CardRefused) == CardRefused(1, DeviceFault.CARD_MUTE)


def test_forged_card_cannot_sign_for_the_certificate_it_copied(lane: Lane) -> None:
    presence = lane.insert("forged")
    content(certificate(lane, 1, presence).certificate)  # public data: anybody can copy it
    lane.reader.sign_with_pin(2, presence, pin_of("forged"), text())
    assert lane.events.next(CardRefused) == CardRefused(2, DeviceFault.CARD_PROTOCOL)


def test_forged_card_face_is_not_anchored(lane: Lane) -> None:
    lane.reader.read_photo(1, lane.insert("forged"), number_of("forged"), text())
    read = lane.events.next(PhotoRead)
    read.photo.wipe()
    assert json.loads(content(read.evidence))["kind"] == "photo_unanchored"


def test_card_that_differs_in_manners(lane: Lane) -> None:
    """Sources contradict each other on reselection, end of file and chaining: all of them work."""
    manners: list[dict[str, Any]] = [
        {"reselect": "keep"}, {"end_of_file": "warn"}, {"end_of_file": "exact"}, {"chained": True},
    ]  # fmt: skip
    for job, settings in enumerate(manners):
        presence = lane.insert("employee", **settings)
        content(certificate(lane, 10 * job, presence).certificate)
        lane.reader.read_photo(10 * job + 1, presence, number_of("employee"), text())
        read = lane.events.next(PhotoRead)
        assert content(read.photo) == PHOTO
        read.evidence.wipe()
        lane.reader.sign_with_pin(10 * job + 2, presence, pin_of("employee"), text())
        content(lane.events.next(PinSigned).signature)
        lane.remove()


def test_recycling_forgets_and_goes_on(lane: Lane) -> None:
    first = certificate(lane, 1, lane.insert("employee"))
    first.certificate.wipe()
    lane.remove()
    lane.reader.recycle()
    lane.events.next(ReaderReady)
    second = certificate(lane, 2, lane.insert("employee"))
    second.certificate.wipe()
    assert second.connection != first.connection


def test_events_of_a_card_come_in_order(lane: Lane) -> None:
    presence = lane.insert("employee")
    lane.remove()
    card_events = [event for event in lane.events.seen if isinstance(event, CardPresent | CardGone)]
    assert card_events == [CardPresent(presence), CardGone(presence)]
