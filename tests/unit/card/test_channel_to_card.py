"""The card client against a virtual card: manners of cards and readers, and what is sent in which order."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.card import apdu, jpki, tlv, visual
from devices.card.channel import CardChannel
from devices.card.guard import Forbidden
from devices.card.profile import MY_NUMBER_CARD
from devices.errors import (
    CardProtocol,
    CardRemoved,
    CertificateUnreadable,
    DeviceError,
    ForeignIssuer,
    PhotoInvalid,
)
from devices.secret import SecretBytes
from devices.simulated.card import VirtualCard
from devices.simulated.pki import Authority
from devices.simulated.world import World
from tests.helpers.cards import PHOTO, channel, person, personas, world
from tests.helpers.picture import codestream, jp2

JPKI = MY_NUMBER_CARD.jpki


class Script:
    """A transport that gives prepared answers."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = list(answers)
        self.sent: list[bytes] = []
        self.buffers: list[bytes | bytearray] = []

    def transmit(self, command: bytes | bytearray) -> bytes:
        self.sent.append(bytes(command))
        self.buffers.append(command)
        return self._answers.pop(0)


def scripted(*answers: str) -> tuple[CardChannel, Script]:
    script = Script([bytes.fromhex(answer) for answer in answers])
    return CardChannel(script), script


def issuers() -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(world().auth_ca)]


def anchor() -> RSAPublicKey:
    key = load_der_public_key(world().cv_anchor)
    assert isinstance(key, RSAPublicKey)
    return key


# --- channel -------------------------------------------------------------------------------------------------------


def test_rest_of_an_answer_is_fetched() -> None:
    card, script = scripted("9000", "9000", "01026102", "03046101", "059000")
    card.select_application(JPKI)
    card.select_file(0x000A)
    answer = card.send(apdu.read_binary(0, 5))
    assert (answer.data, answer.sw) == (bytes.fromhex("0102030405"), 0x9000)
    assert [sent.hex() for sent in script.sent[3:]] == ["00c0000002", "00c0000001"]


def test_selection_may_be_answered_by_61() -> None:
    card, _ = scripted("6102", "6F009000", "9000")
    assert card.select_application(JPKI).ok
    assert card.select_file(0x000A).ok


def test_right_length_is_taken_from_6c() -> None:
    card, script = scripted("9000", "9000", "6C03", "0102039000")
    card.select_application(JPKI)
    card.select_file(0x000A)
    assert card.send(apdu.read_binary(0, 256)).data == bytes.fromhex("010203")
    assert script.sent[-1].hex() == "00b0000003"


def test_6c_again_is_an_answer_and_no_loop() -> None:
    card, script = scripted("9000", "9000", "6C03", "6C03")
    card.select_application(JPKI)
    card.select_file(0x000A)
    assert card.send(apdu.read_binary(0, 256)).sw == 0x6C03
    assert len(script.sent) == 4


def test_endless_61_ends() -> None:
    card, _ = scripted("9000", "9000", *["006101"] * 80)
    card.select_application(JPKI)
    card.select_file(0x000A)
    with pytest.raises(CardProtocol):
        card.send(apdu.read_binary(0, 256))


def test_file_in_crumbs_is_not_read_for_ever() -> None:
    card, script = scripted("9000", "9000", "308204009000", *["AA9000"] * 1024)
    card.select_application(JPKI)
    with pytest.raises(CardProtocol):
        card.read_file(0x000A, tlv.total_of(0x30))
    assert len(script.sent) < 64


@pytest.mark.parametrize("status", ["6C04", "6700", "6F00", "6982"])
def test_verify_is_never_sent_twice(status: str) -> None:
    card, script = scripted("9000", "9000", status)
    card.select_application(JPKI)
    card.select_file(0x0018)
    card.send(apdu.verify(memoryview(b"1234"), 4))
    assert len([sent for sent in script.sent if sent[1] == 0x20]) == 1


def test_pin_is_overwritten_in_what_was_sent() -> None:
    card, script = scripted("9000", "9000", "9000")
    card.select_application(JPKI)
    card.select_file(0x0018)
    card.send(apdu.verify(memoryview(b"1234"), 4))
    assert bytes(script.buffers[-1]) == bytes(len(script.buffers[-1]))


@pytest.mark.parametrize("answer", ["", "90"])
def test_no_status_word_is_removal_and_unknown_state(answer: str) -> None:
    card, _ = scripted("9000", answer)
    card.select_application(JPKI)
    with pytest.raises(CardRemoved):
        card.select_file(0x000A)
    with pytest.raises(Forbidden):
        card.select_file(0x000A)


def test_first_command_after_power_up_may_fail() -> None:
    card, script = scripted("6F00", "9000")
    assert card.select_application(JPKI).ok
    assert len(script.sent) == 2


def test_refused_command_is_not_sent() -> None:
    card, script = scripted()
    with pytest.raises(Forbidden):
        card.select_file(0x000A)
    assert script.sent == []


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 513, 5000, 0x7FFF - 4])
def test_file_is_read_to_its_declared_length(size: int) -> None:
    content = b"\x30\x82" + size.to_bytes(2, "big") + bytes(index & 0xFF for index in range(size))
    steps: list[tuple[int, int]] = []
    read = CardChannel(_OneFile(content + b"\xff" * 100))
    read.select_application(JPKI)
    got = read.read_file(0x000A, tlv.total_of(0x30), lambda done, total: steps.append((done, total)))
    assert got is not None
    assert bytes(got) == content
    assert steps[-1] == (len(content), len(content))
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("declared", [0x7FFC, 0x7FFF])
def test_file_that_declares_more_than_can_be_read(declared: int) -> None:
    card = CardChannel(_OneFile(b"\x30\x82" + declared.to_bytes(2, "big") + bytes(0x8000)))
    card.select_application(JPKI)
    with pytest.raises(CardProtocol):
        card.read_file(0x000A, tlv.total_of(0x30))


def test_file_that_is_shorter_than_it_declares() -> None:
    card = CardChannel(_OneFile(b"\x30\x82\x04\x00" + bytes(500)))
    card.select_application(JPKI)
    with pytest.raises(CardProtocol):
        card.read_file(0x000A, tlv.total_of(0x30))


class _OneFile:
    """SELECT succeeds, READ BINARY reads from one file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def transmit(self, command: bytes | bytearray) -> bytes:
        if command[1] != 0xB0:
            return b"\x90\x00"
        offset = int.from_bytes(command[2:4], "big")
        data = self._content[offset : offset + (command[4] or 256)]
        return data + (b"\x90\x00" if data else b"\x6b\x00")


@settings(deadline=None)  # the world of the test is built on the way
@given(st.lists(st.binary(max_size=270), max_size=40))
def test_any_card_gives_a_result_or_a_typed_error(answers: list[bytes]) -> None:
    card = CardChannel(Script([*answers, *[b"\x6f\x00"] * 500]))
    with pytest.raises(DeviceError):
        jpki.read_identity(card, issuers())
    with pytest.raises(DeviceError):
        visual.read_face(card, SecretBytes(b"12345678901234"), b"", None, lambda done, total: None)


# --- JPKI ----------------------------------------------------------------------------------------------------------


def test_verify_and_signature_are_one_burst() -> None:
    """No DF is selected between VERIFY and signature, and every application is left afterwards."""
    card, direct = channel(world().card("employee"))
    identity = jpki.read_identity(card, issuers())
    direct.sent.clear()
    jpki.sign(card, identity.key, SecretBytes(personas()["employee"].pin.encode()), b"message")
    headers = [sent[:4].hex() for sent in direct.sent]
    assert headers == ["00200098", "00200098", "802a0097", "00a4040c"]
    direct.sent.clear()
    card.forget()
    jpki.sign(card, identity.key, SecretBytes(personas()["employee"].pin.encode()), b"message")
    headers = [sent[:4].hex() for sent in direct.sent]
    assert headers == ["00a4040c", "00200098", "00200098", "802a0097", "00a4040c"]
    assert direct.sent[-1].endswith(MY_NUMBER_CARD.leave)


def test_application_is_left_also_after_a_refusal() -> None:
    card, direct = channel(world().card("employee"))
    identity = jpki.read_identity(card, issuers())
    with pytest.raises(DeviceError):
        jpki.sign(card, identity.key, SecretBytes(b"0000"), b"message")
    assert direct.sent[-1].endswith(MY_NUMBER_CARD.leave)


def test_issuer_of_the_same_name_is_not_enough() -> None:
    """All generations of the national CA share one name; a forger can take it too."""
    namesake = Authority.create(date(2026, 1, 1), "user authentication")
    card, _ = channel(world().card("employee"))
    assert x509.load_der_x509_certificate(namesake.certificate).subject == issuers()[0].subject
    with pytest.raises(ForeignIssuer) as caught:
        jpki.read_identity(card, [x509.load_der_x509_certificate(namesake.certificate)])
    assert str(caught.value) == "foreign_issuer"
    jpki.read_identity(card, [x509.load_der_x509_certificate(namesake.certificate), *issuers()])


def test_no_issuer_accepts_nothing() -> None:
    with pytest.raises(ForeignIssuer):
        jpki.read_identity(channel(world().card("employee"))[0], [])


@settings(deadline=None)
@given(st.integers(4, 700), st.integers(1, 255))
@example(12, 1)  # a version of X.509 that does not exist
def test_damaged_certificate(at: int, change: int) -> None:
    holder = person("employee")
    damaged = bytearray(holder.jpki[0x000A])
    damaged[at] ^= change
    card = world().card("employee")
    direct = channel(card)[1]

    class Damaging:
        def transmit(self, command: bytes | bytearray) -> bytes:
            answer = direct.transmit(command)
            if command[1] != 0xB0 or (direct.sent[-2][1] == 0xA4 and direct.sent[-2][-1] == 0x06):
                return answer
            offset = int.from_bytes(command[2:4], "big")
            return bytes(damaged[offset : offset + len(answer) - 2]) + answer[-2:]

    with pytest.raises((ForeignIssuer, CertificateUnreadable, CardProtocol)):
        jpki.read_identity(CardChannel(Damaging()), issuers())


def test_identity_shows_nothing() -> None:
    identity = jpki.read_identity(channel(world().card("employee"))[0], issuers())
    assert repr(identity) == "Identity(****)"


# --- card face -----------------------------------------------------------------------------------------------------


def face_of(name: str, trust: RSAPublicKey | None, message: bytes = b"message") -> visual.CardFace:
    card, _ = channel(world().card(name))
    number = SecretBytes(personas()[name].number_b.encode())
    return visual.read_face(card, number, message, trust, lambda done, total: None)


def test_card_face_of_a_true_card() -> None:
    face = face_of("employee", anchor())
    assert (face.intact, face.anchored, face.clone_checked) == (True, True, True)
    assert face.evidence.kind == "card_presence"
    assert bytes(face.photo.view()) == PHOTO
    assert repr(face) == "CardFace(****)"
    assert repr(face.evidence) == "PresenceEvidence('card_presence')"


def test_without_an_anchor_it_is_not_more_than_a_photo() -> None:
    face = face_of("employee", None)
    assert (face.intact, face.anchored, face.clone_checked) == (True, False, True)
    assert face.evidence.kind == "photo_unanchored"


def test_forgers_own_issuer_is_intact_but_not_anchored() -> None:
    face = face_of("forged", anchor())
    assert (face.intact, face.anchored, face.clone_checked) == (True, False, True)


def test_evidence_carries_no_photo_and_no_names() -> None:
    face = face_of("employee", anchor())
    value: dict[str, Any] = json.loads(face.evidence.to_json())
    everything = b"".join(base64.b64decode(entry) for key, entry in value.items() if key != "kind")
    assert b"\x89PNG" not in everything
    assert PHOTO[:16] not in everything


@pytest.mark.parametrize("tag", [0xDF22, 0xDF23, 0xDF25, 0xDF26, 0xDF27, 0xDF28])
def test_every_signed_part_counts(tag: int) -> None:
    holder = person("employee")
    content = bytearray(holder.visual[0x0002])
    whole = bytes(content[: tlv.total_of(0xFF20)(bytes(content))])
    element = tlv.need(tlv.children(tlv.one(whole, 0xFF20).value), tag)
    at = bytes(content).index(bytes(element.raw)) + len(element.raw) - 1
    if tag == 0xDF27:
        at -= 8  # behind it the picture ends, and without its end it is none
    content[at] ^= 1
    changed = dataclasses.replace(holder, visual={**holder.visual, 0x0002: bytes(content)})
    number = SecretBytes(personas()["employee"].number_b.encode())
    face = visual.read_face(channel(VirtualCard(changed))[0], number, b"m", anchor(), lambda done, total: None)
    assert not face.intact
    assert face.evidence.kind == "photo_unanchored"


def test_a_photo_that_must_not_be_decoded_is_refused_and_the_card_left() -> None:
    bomb = jp2(codestream(20_000, 20_000), 20_000, 20_000)
    people = [persona for persona in personas().values() if persona.id == "employee"]
    card = World.build(people, lambda persona: bomb).card("employee")
    reached, direct = channel(card)
    with pytest.raises(PhotoInvalid):
        visual.read_face(
            reached, SecretBytes(personas()["employee"].number_b.encode()), b"m", None, lambda done, total: None
        )
    assert direct.sent[-1].endswith(MY_NUMBER_CARD.leave)


def test_copy_of_the_files_without_the_key_is_noticed() -> None:
    copied = dataclasses.replace(person("employee"), card_key=person("elder").card_key)
    number = SecretBytes(personas()["employee"].number_b.encode())
    face = visual.read_face(channel(VirtualCard(copied))[0], number, b"m", anchor(), lambda done, total: None)
    assert (face.intact, face.anchored, face.clone_checked) == (True, True, False)
    assert face.evidence.kind == "photo_unanchored"


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([0x0002, 0x0004]), st.integers(0, 900), st.integers(1, 255), st.booleans())
@example(0x0004, 6, 0x80, False)  # lengths
@example(0x0002, 3, 0x40, False)
def test_damaged_card_face_or_its_certificate(file: int, at: int, change: int, cut: bool) -> None:
    """A typed error, or a photo that is not vouched for; and the card is left."""
    holder = person("employee")
    content = bytearray(holder.visual[file])
    if cut:
        content = content[: max(8, at)]
    else:
        content[at % len(content)] ^= change
    changed = dataclasses.replace(holder, visual={**holder.visual, file: bytes(content)})
    card, direct = channel(VirtualCard(changed))
    number = SecretBytes(personas()["employee"].number_b.encode())
    try:
        face = visual.read_face(card, number, b"m", anchor(), lambda done, total: None)
    except DeviceError:
        pass
    else:
        with face.photo:
            # Damage to what nothing vouches for: the offsets, the expiry, the padding.
            assert face.evidence.kind == "photo_unanchored" or bytes(face.photo.view()) == PHOTO
    assert direct.sent[-1].endswith(MY_NUMBER_CARD.leave)
