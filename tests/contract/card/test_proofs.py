"""The proofs on the card hold under `cryptography` and under definitions that are spelled out here once more."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from devices.simulated.card import VirtualCard
from devices.simulated.card.files import PersonCard
from devices.simulated.pki import load_key
from devices.simulated.world import World
from tests.contract.card.talk import JPKI, PHOTO, VISUAL, Talk

DIGEST_INFO = "3031300D060960864801650304020105000420"


def verify(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> None:
    key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def read_face(card: VirtualCard, person: PersonCard) -> tuple[bytes, bytes]:
    """EF 0002 and EF 0004 as the card gives them."""
    talk = Talk(card)
    talk.select(VISUAL)
    assert talk.verify("0012", person.number_b) == 0x9000
    return talk.read("0002"), talk.read("0004")


def pieces(file: bytes) -> dict[int, bytes]:
    """The complete TLVs of a card face by tag; lengths as DER writes them."""
    assert file[:3] == b"\xff\x20\x82"
    end = 5 + int.from_bytes(file[3:5])
    found = {}
    position = 5
    while position < end:
        tag = int.from_bytes(file[position : position + 2])
        size, start = file[position + 2], position + 3
        if size > 0x80:
            count = size & 0x7F
            size, start = int.from_bytes(file[start : start + count]), start + count
        found[tag] = file[position : start + size]
        position = start + size
    assert position == end
    assert set(file[end:]) == {0xFF}
    return found


def key_of(data: bytes) -> rsa.RSAPublicKey:
    """From `90 03 … 91 82 0100 …` at the end of `data`."""
    body = data[-265:]
    assert body[:2] == b"\x90\x03"
    assert body[5:9] == b"\x91\x82\x01\x00"
    return rsa.RSAPublicNumbers(int.from_bytes(body[2:5]), int.from_bytes(body[9:])).public_key()


def issuer_of(file: bytes) -> tuple[bytes, bytes]:
    """The complete 5F4E TLV and the value of 5F37 of a CV certificate."""
    assert file[:2] == b"\x7f\x21"
    body = file[5 : 5 + int.from_bytes(file[3:5])]
    assert body[:3] == b"\x5f\x4e\x82"
    split = 5 + int.from_bytes(body[3:5])
    assert body[split : split + 5] == b"\x5f\x37\x82\x01\x00"
    return body[:split], body[split + 5 :]


def test_the_card_face_is_laid_out_as_its_offsets_say(world: World) -> None:
    file, _ = read_face(world.card("employee"), world.cards["employee"])
    found = pieces(file)
    assert list(found) == list(range(0xDF21, 0xDF2B))
    table = found[0xDF21][3:]
    offsets = [int.from_bytes(table[index : index + 2]) for index in range(0, len(table), 2)]
    assert len(offsets) == 9
    for tag, offset in zip(range(0xDF22, 0xDF2B), offsets, strict=True):
        assert file[offset : offset + len(found[tag])] == found[tag]
    assert found[0xDF22][3:] == b"19850412"
    assert found[0xDF23][3:] == b"2"
    assert found[0xDF27][5:] == PHOTO
    assert found[0xDF29][3:] == b"20340412"
    for tag in (0xDF25, 0xDF26, 0xDF2A):
        assert b"\x89PNG" in found[tag][:9]
    assert len(file) <= 32767


def test_the_issuers_signature_covers_the_three_parts(world: World) -> None:
    file, certificate = read_face(world.card("employee"), world.cards["employee"])
    found = pieces(file)
    body, _ = issuer_of(certificate)
    parts = (
        found[0xDF22] + found[0xDF23] + found[0xDF24],
        found[0xDF25] + found[0xDF26],
        found[0xDF27],
    )
    message = b"".join(hashlib.sha256(part).digest() for part in parts)
    verify(key_of(body), found[0xDF28][-256:], message)
    with pytest.raises(InvalidSignature):
        verify(key_of(body), found[0xDF28][-256:], message[:-1] + bytes([message[-1] ^ 1]))


@pytest.mark.parametrize(("name", "anchored"), [("employee", True), ("foreign_issuer", True), ("forged", False)])
def test_only_the_true_issuer_hangs_on_the_anchor(world: World, name: str, anchored: bool) -> None:
    _, certificate = read_face(world.card(name), world.cards[name])
    body, signature = issuer_of(certificate)
    assert body[5:37] == b"UKTK-TEST-ANCHORUKTK-TEST-ISSUER"
    anchor = load_der_public_key(world.cv_anchor)
    assert isinstance(anchor, rsa.RSAPublicKey)
    if anchored:
        verify(anchor, signature, body)
    else:
        with pytest.raises(InvalidSignature):
            verify(anchor, signature, body)


@pytest.mark.parametrize("name", ["employee", "forged"])
def test_internal_authenticate_proves_the_key_of_the_card_face(world: World, name: str) -> None:
    card = world.card(name)
    file, _ = read_face(card, world.cards[name])
    key = key_of(pieces(file)[0xDF24])
    talk = Talk(card)
    talk.select(VISUAL)  # no PIN is needed
    signature, status = talk.send(f"802A000033{DIGEST_INFO}{hashlib.sha256(b'challenge').hexdigest()}00")
    assert status == 0x9000
    verify(key, signature, b"challenge")


@pytest.mark.parametrize(("key", "pin", "secret"), [("0017", "0018", "1234"), ("001A", "001B", "TEST123")])
def test_signatures_are_those_of_a_library(world: World, key: str, pin: str, secret: str) -> None:
    person = world.cards["employee"]
    talk = Talk(world.card("employee"))
    talk.select(JPKI)
    talk.verify(pin, secret)
    talk.file(key)
    digest = hashlib.sha256(b"message").hexdigest()
    whole, _ = talk.send(f"802A008033{DIGEST_INFO}{digest}00")
    hashed, _ = talk.send(f"802A028020{digest}00")
    own = load_key(person.auth_key if key == "0017" else person.sign_key)
    assert whole == hashed == own.sign(b"message", padding.PKCS1v15(), hashes.SHA256())


def test_padding_is_verbatim(talk: Talk, world: World) -> None:
    talk.select(JPKI)
    talk.verify("0018", "1234")
    talk.file("0017")
    signature, _ = talk.send("802A008003AABBCC00")
    numbers = load_key(world.cards["employee"].auth_key).public_key().public_numbers()
    opened = pow(int.from_bytes(signature), numbers.e, numbers.n).to_bytes(256)
    assert opened == b"\x00\x01" + b"\xff" * 250 + b"\x00\xaa\xbb\xcc"
