"""What the gateway lets pass, and what it refuses, seen from the kiosk."""

from __future__ import annotations

import pytest

from devices.secret import SecretBytes
from devices.simulated.card.files import cv_certificate, public_key, sign, tlv
from devices.simulated.pki import load_key, new_key
from kiosk.eligibility.gateway import HttpsGateway
from kiosk.eligibility.port import Challenge, Evidence, GatewayError, StaffVisual, signed_message
from kiosk.eligibility.simulated import CHALLENGE_SECONDS
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import CertificateState, Eligibility, Method, StaffReason, Validity
from tests.contract.gateway.conftest import OTHER, Lane
from tests.helpers.gateway import REVOKED, UNKNOWN, certificate, person, pin_signature, presence, world

STAFF = StaffVisual(StaffReason.FACE_FAILED)


def refusal(
    client: HttpsGateway, name: str, method: Method, *evidence: Evidence, challenge: Challenge | None = None
) -> tuple[FailureCode, str]:
    with pytest.raises(GatewayError) as caught:
        client.receive("r1", challenge or client.challenge(), method, certificate(name), evidence)
    return caught.value.failure, caught.value.upstream


def test_a_face_with_presence_evidence_passes(client: HttpsGateway) -> None:
    challenge = client.challenge()
    evidence = presence("employee", client.message(challenge))
    eligibility = client.receive("r1", challenge, Method.FACE, certificate("employee"), (evidence,))
    assert eligibility.registered
    assert eligibility.validity is Validity.VALID
    assert eligibility.certificate is CertificateState.VALID


def test_a_pin_signature_passes(client: HttpsGateway) -> None:
    challenge = client.challenge()
    evidence = pin_signature("elder", client.message(challenge))
    assert client.receive("r1", challenge, Method.PIN, certificate("elder"), (evidence,)).registered


def test_staff_pass_with_a_reason(client: HttpsGateway) -> None:
    assert client.receive("r1", client.challenge(), Method.STAFF, certificate("elder"), (STAFF,)).registered


def test_a_signature_over_something_else_is_refused(client: HttpsGateway) -> None:
    challenge = client.challenge()
    message = client.message(challenge)
    for spoilt in (message[:-1] + b"\xff", message.replace(b"terminal-1", b"terminal-2"), b""):
        challenge = client.challenge()
        evidence = pin_signature("employee", spoilt)
        assert refusal(client, "employee", Method.PIN, evidence, challenge=challenge) == (
            FailureCode.SIGNATURE_REFUSED,
            "signature_refused",
        )


def test_the_signature_of_another_key_is_refused(client: HttpsGateway) -> None:
    challenge = client.challenge()
    evidence = pin_signature("forged", client.message(challenge))  # copied certificate, own key
    assert refusal(client, "forged", Method.PIN, evidence, challenge=challenge)[0] is FailureCode.SIGNATURE_REFUSED


def test_a_challenge_serves_once(client: HttpsGateway) -> None:
    challenge = client.challenge()
    evidence = pin_signature("employee", client.message(challenge))
    client.receive("r0", challenge, Method.PIN, certificate("employee"), (evidence,))
    assert refusal(client, "employee", Method.PIN, evidence, challenge=challenge) == (
        FailureCode.EVIDENCE_INSUFFICIENT,
        "challenge_used",
    )


def test_a_refused_attempt_uses_the_challenge_up(client: HttpsGateway) -> None:
    challenge = client.challenge()
    assert refusal(client, "employee", Method.FACE, challenge=challenge)[1] == "evidence_insufficient"
    evidence = pin_signature("employee", client.message(challenge))
    assert refusal(client, "employee", Method.PIN, evidence, challenge=challenge)[1] == "challenge_used"


def test_after_a_refusal_the_same_reception_goes_on_another_way(client: HttpsGateway) -> None:
    assert refusal(client, "employee", Method.FACE)[0] is FailureCode.EVIDENCE_INSUFFICIENT
    assert client.receive("r1", client.challenge(), Method.STAFF, certificate("employee"), (STAFF,)).registered


def test_a_challenge_ages(lane: Lane, client: HttpsGateway) -> None:
    challenge = client.challenge()
    lane.clock.forward(seconds=CHALLENGE_SECONDS - 1)
    evidence = pin_signature("employee", client.message(challenge))
    client.receive("r0", challenge, Method.PIN, certificate("employee"), (evidence,))
    challenge = client.challenge()
    lane.clock.forward(seconds=CHALLENGE_SECONDS + 2)
    evidence = pin_signature("employee", client.message(challenge))
    assert refusal(client, "employee", Method.PIN, evidence, challenge=challenge)[1] == "challenge_expired"


def test_an_unanchored_photo_alone_does_not_do(client: HttpsGateway) -> None:
    for name in ("employee", "forged"):
        challenge = client.challenge()
        evidence = presence(name, client.message(challenge), kind="photo_unanchored")
        assert refusal(client, name, Method.FACE, evidence, challenge=challenge) == (
            FailureCode.EVIDENCE_INSUFFICIENT,
            "evidence_insufficient",
        )


def test_an_unanchored_photo_beside_a_pin_signature_does_no_harm(client: HttpsGateway) -> None:
    challenge = client.challenge()
    message = client.message(challenge)
    evidence = (presence("employee", message, kind="photo_unanchored"), pin_signature("employee", message))
    assert client.receive("r1", challenge, Method.PIN, certificate("employee"), evidence).registered


def test_a_forged_card_that_calls_itself_anchored_is_refused(client: HttpsGateway) -> None:
    challenge = client.challenge()
    evidence = presence("forged", client.message(challenge))
    assert refusal(client, "forged", Method.FACE, evidence, challenge=challenge) == (
        FailureCode.SIGNATURE_REFUSED,
        "card_issuer_unknown",
    )


def test_a_genuine_issuer_does_not_vouch_for_another_photo(client: HttpsGateway) -> None:
    challenge = client.challenge()
    evidence = presence("employee", client.message(challenge), photo_hash=bytes(32))
    assert refusal(client, "employee", Method.FACE, evidence, challenge=challenge)[1] == "card_signature_refused"


def test_copied_files_without_the_cards_key_are_refused(client: HttpsGateway) -> None:
    challenge = client.challenge()
    message = client.message(challenge)
    evidence = presence("employee", message, presence_signature=sign(new_key(), message))
    assert refusal(client, "employee", Method.FACE, evidence, challenge=challenge)[1] == "signature_refused"


def test_a_genuine_card_of_somebody_born_on_another_day_is_refused(client: HttpsGateway) -> None:
    challenge = client.challenge()
    evidence = presence("elder", client.message(challenge))
    assert refusal(client, "employee", Method.FACE, evidence, challenge=challenge) == (
        FailureCode.SIGNATURE_REFUSED,
        "birth_date_differs",
    )


@pytest.mark.parametrize("cv", [b"", b"\x7f\x21", b"\x7f\x21\x82\xff\xff\x00", bytes(200), b"\x7f\x21\x80\x00\x00"])
def test_evidence_that_cannot_be_read_is_refused(client: HttpsGateway, cv: bytes) -> None:
    challenge = client.challenge()
    evidence = presence("employee", client.message(challenge), cv_certificate=cv)
    assert refusal(client, "employee", Method.FACE, evidence, challenge=challenge)[1] == "evidence_malformed"


def test_a_weak_card_key_is_refused_even_under_the_anchor(client: HttpsGateway) -> None:
    challenge = client.challenge()
    short = tlv(0x90, b"\x01\x00\x01") + tlv(0x91, b"\xff" * 128, long=True)
    body = tlv(0x5F4E, bytes(32) + short)
    cv = tlv(0x7F21, body + tlv(0x5F37, sign(load_key(world().cv_anchor_key), body)))
    evidence = presence("employee", client.message(challenge), cv_certificate=cv)
    assert refusal(client, "employee", Method.FACE, evidence, challenge=challenge)[1] == "evidence_malformed"


def test_another_issuer_under_the_same_anchor_does_not_vouch(client: HttpsGateway) -> None:
    challenge = client.challenge()
    other = cv_certificate(new_key().public_key(), load_key(world().cv_anchor_key), bytes(16), bytes(16))
    cv = other[: 4 + int.from_bytes(other[3:5]) + 1]
    evidence = presence("employee", client.message(challenge), cv_certificate=cv)
    assert refusal(client, "employee", Method.FACE, evidence, challenge=challenge)[1] == "card_signature_refused"
    assert len(public_key(new_key().public_key())) > 256


@pytest.mark.parametrize(
    ("method", "evidence"), [(Method.PIN, (STAFF,)), (Method.FACE, (STAFF,)), (Method.STAFF, ()), (Method.PIN, ())]
)
def test_evidence_must_fit_the_method(client: HttpsGateway, method: Method, evidence: tuple[Evidence, ...]) -> None:
    assert refusal(client, "employee", method, *evidence)[0] is FailureCode.EVIDENCE_INSUFFICIENT


@pytest.mark.parametrize(
    ("name", "failure", "upstream"),
    [
        ("expired", FailureCode.CERTIFICATE_EXPIRED, "certificate_expired"),
        ("foreign_issuer", FailureCode.CERTIFICATE_UNKNOWN, "issuer_unknown"),
        (UNKNOWN, FailureCode.CERTIFICATE_UNKNOWN, "certificate_unknown"),
        (REVOKED, FailureCode.CERTIFICATE_REVOKED, "certificate_revoked"),
    ],
)
def test_certificates_that_do_not_do(client: HttpsGateway, name: str, failure: FailureCode, upstream: str) -> None:
    assert refusal(client, name, Method.STAFF, STAFF) == (failure, upstream)


def test_rubbish_instead_of_a_certificate(client: HttpsGateway) -> None:
    with pytest.raises(GatewayError) as caught:
        client.receive("r1", client.challenge(), Method.STAFF, SecretBytes(b"not DER"), (STAFF,))
    assert caught.value.failure is FailureCode.CERTIFICATE_UNKNOWN


def test_near_its_end_a_certificate_says_so_and_after_it_three_months_remain(lane: Lane, client: HttpsGateway) -> None:
    def staff(reception: str) -> Eligibility:
        return client.receive(reception, client.challenge(), Method.STAFF, certificate("elder"), (STAFF,))

    lane.clock.forward(days=30 * 14 + 10)  # sixteen months were left
    soon = staff("soon")
    lane.clock.forward(days=80)
    grace = staff("grace")
    assert soon.certificate is CertificateState.ENDS_SOON
    assert soon.questions
    assert grace.registered
    assert grace.certificate is CertificateState.GRACE
    assert not grace.questions
    lane.clock.forward(days=92)
    with pytest.raises(GatewayError, match="certificate_expired"):
        staff("over")


def test_another_terminals_signature_does_not_count_here(lane: Lane, client: HttpsGateway) -> None:
    other = lane.connect(terminal=OTHER, certificate=lane.tls.certificate(OTHER), key=lane.tls.key(OTHER))
    challenge = client.challenge()
    evidence = pin_signature("employee", client.message(challenge))
    assert refusal(other, "employee", Method.PIN, evidence, challenge=challenge)[1] == "challenge_unknown"
    # ... nor may a terminal speak in the name of another.
    posing = lane.connect(certificate=lane.tls.certificate(OTHER), key=lane.tls.key(OTHER))
    assert refusal(posing, "employee", Method.STAFF, STAFF) == (FailureCode.GATEWAY_ERROR, "terminal_differs")


def test_the_message_is_what_it_is_documented_to_be() -> None:
    message = signed_message(bytes(range(32)), "t-1", 0x0102030405)
    assert message == b"uketsuke/reception/1\0" + bytes(range(32)) + b"\x03t-1" + bytes.fromhex("0000000102030405")
    assert person("employee").auth_certificate[:1] == b"\x30"
