"""The terminal authentication of our own, played by a terminal that writes every byte itself."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from devices.simulated.pki import load_key
from devices.simulated.world import World
from tests.contract.card.talk import JPKI, Talk
from tests.contract.card.test_proofs import DIGEST_INFO

AID = "F0" + b"TEST-TERMINAL".hex()
SIGN = f"802A000033{DIGEST_INFO}{hashlib.sha256(b'challenge').hexdigest()}00"


def raw(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    first, second = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return first.to_bytes(32) + second.to_bytes(32)


def element(tag: str, value: bytes) -> bytes:
    size = bytes([len(value)]) if len(value) < 128 else bytes([0x81, len(value)])
    return bytes.fromhex(tag) + size + value


class Terminal:
    def __init__(self, root: ec.EllipticCurvePrivateKey, holder: bytes = b"KIOSK-1") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.holder = holder
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        name = element("42", b"TEST TERMINAL ROOT")
        body = element("7F4E", name + element("5F20", holder) + element("86", point))
        self.certificate = element("7F21", body + element("5F37", raw(root, body)))

    def show(self, talk: Talk) -> int:
        return talk.status(f"002A00BE{len(self.certificate):02X}{self.certificate.hex()}")

    def answer(self, talk: Talk, challenge: bytes) -> int:
        proof = raw(self.key, b"TEST terminal authentication 1" + self.holder + challenge)
        return talk.status(f"0082000040{proof.hex()}")


def root_of(world: World) -> ec.EllipticCurvePrivateKey:
    key = load_der_private_key(world.terminal_root_key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


@pytest.fixture
def talk(world: World) -> Talk:
    talk = Talk(world.card("employee", terminal_authentication=True))
    assert talk.select(AID) == 0x9000
    return talk


def challenge(talk: Talk) -> bytes:
    data, status = talk.send("0084000008")
    assert (len(data), status) == (8, 0x9000)
    return data


def test_a_known_terminal_gets_one_signature(world: World, talk: Talk) -> None:
    terminal = Terminal(root_of(world))
    assert talk.status(SIGN) == 0x6982
    assert terminal.show(talk) == 0x9000
    assert terminal.answer(talk, challenge(talk)) == 0x9000
    signature, status = talk.send(SIGN)
    assert status == 0x9000
    key = load_key(world.cards["employee"].auth_key).public_key()
    key.verify(signature, b"challenge", padding.PKCS1v15(), hashes.SHA256())
    assert talk.status(SIGN) == 0x6982
    assert terminal.answer(talk, challenge(talk)) == 0x9000  # the certificate still stands
    assert talk.send(SIGN) == (signature, 0x9000)
    assert set(talk.card.verify_count.values()) == {0}


def test_it_is_off_by_default(world: World) -> None:
    card = world.card("employee")
    assert Talk(card).select(AID) == 0x6A82
    for name in ("driving_licence", "mute"):
        assert "terminal" not in repr(world.card(name, terminal_authentication=True).counters)
    assert Talk(world.card("driving_licence", terminal_authentication=True)).select(AID) == 0x6A82


def test_another_root_opens_nothing(talk: Talk) -> None:
    terminal = Terminal(ec.generate_private_key(ec.SECP256R1()))
    assert terminal.show(talk) == 0x6300
    assert terminal.answer(talk, challenge(talk)) == 0x6985
    assert talk.status(SIGN) == 0x6982


def test_another_terminals_certificate_opens_nothing(world: World, talk: Talk) -> None:
    shown, other = Terminal(root_of(world)), Terminal(root_of(world))
    shown.show(talk)
    assert other.answer(talk, challenge(talk)) == 0x6300
    assert talk.status(SIGN) == 0x6982


def test_a_challenge_serves_once(world: World, talk: Talk) -> None:
    terminal = Terminal(root_of(world))
    terminal.show(talk)
    value = challenge(talk)
    assert terminal.answer(talk, value) == 0x9000
    assert terminal.answer(talk, value) == 0x6985
    assert talk.status(SIGN) == 0x6982  # the failure ended what stood
    old = challenge(talk)
    challenge(talk)
    assert terminal.answer(talk, old) == 0x6300


def test_an_order_of_its_own_is_refused(world: World, talk: Talk) -> None:
    terminal = Terminal(root_of(world))
    value = challenge(talk)
    assert terminal.answer(talk, value) == 0x6985
    terminal.show(talk)
    assert terminal.answer(talk, value) == 0x6985
    assert talk.status("0084000010") == 0x6700
    assert talk.status("002A0000" + "0411223344") == 0x6A86
    assert talk.status("002A00BE") == 0x6700


def test_the_authentication_ends_with_the_application(world: World, talk: Talk) -> None:
    terminal = Terminal(root_of(world))
    terminal.show(talk)
    terminal.answer(talk, challenge(talk))
    talk.select(JPKI)
    talk.file("0017")
    assert talk.status("802A008033" + SIGN[10:]) == 0x6982
    talk.select(AID)
    assert talk.status(SIGN) == 0x6982
    terminal.show(talk)
    terminal.answer(talk, challenge(talk))
    talk.card.power_off()
    talk.card.power_on()
    talk.select(AID)
    assert talk.status(SIGN) == 0x6982


def test_nothing_else_is_in_the_application(world: World, talk: Talk) -> None:
    terminal = Terminal(root_of(world))
    terminal.show(talk)
    terminal.answer(talk, challenge(talk))
    for fid in ("0001", "0017", "0018"):
        assert talk.file(fid) == 0x6A82
    assert talk.status("802A0080" + SIGN[8:]) == 0x6A86
    assert talk.send(SIGN)[1] == 0x9000


def test_damaged_certificates_are_refused(world: World, talk: Talk) -> None:
    good = Terminal(root_of(world)).certificate
    for index in range(len(good)):
        bad = good[:index] + bytes([good[index] ^ 1]) + good[index + 1 :]
        assert talk.status(f"002A00BE{len(bad):02X}{bad.hex()}") in (0x6300, 0x6A80)
        cut = good[:index]
        if cut:
            assert talk.status(f"002A00BE{len(cut):02X}{cut.hex()}") == 0x6A80
