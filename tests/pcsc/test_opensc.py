"""OpenSC reads our card and openssl verifies its signature: neither knows anything of this project."""

from __future__ import annotations

import base64
import re
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from devices.blob import Blob
from devices.card.reader import SupervisedCardReader
from devices.ports import CardPresent, PinSigned
from devices.simulated.card.options import ATRS, Interface
from devices.simulated.pcscd import PcscdLane
from devices.simulated.pki import load_key
from devices.simulated.world import World
from tests.helpers.cards import Events
from tests.pcsc.tools import pkcs11_module, run

pytestmark = pytest.mark.pcsc

PKCS11 = ("pkcs11-tool", "--module", str(pkcs11_module()))


def pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


def test_the_card_is_recognised(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    out = run(lane, "opensc-tool", "-n", "-a")
    assert "jpki" in out
    assert "3b:e0:00:ff:81:31:fe:45:14" in out


def test_every_driver_of_opensc_may_probe(lane: PcscdLane, world: World) -> None:
    """Their commands reach the card, none of them is taken in, and nothing is tried on a PIN."""
    lane.insert(world.cards["employee"], fresh=True)
    own = {"OPENSC_DRIVER": "jpki"}
    assert run(lane, "opensc-tool", "-n", environment=own).startswith("jpki")
    assert lane.traffic("employee")["apdus"] == 0  # known by its ATR
    assert run(lane, "opensc-tool", "-n").startswith("jpki")
    assert lane.traffic("employee")["apdus"] >= 25
    assert set(lane.verify_count("employee").values()) == {0}


@pytest.mark.parametrize("interface", [each for each in Interface if each is not Interface.CONTACT])
def test_an_unknown_atr_is_recognised_by_the_application(lane: PcscdLane, world: World, interface: Interface) -> None:
    lane.insert(world.cards["employee"], fresh=True, interface=interface)
    out = run(lane, "opensc-tool", "-n", "-a")
    assert out.endswith("Using reader with a card: Virtual PCD 00 00\n")
    assert "jpki" in out
    assert ATRS[interface].hex(":") in out


def test_the_card_is_found_by_its_application_too(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    out = run(lane, "opensc-tool", "-s", "00A4040C0AD392F000260100000001")
    assert "SW1=0x90, SW2=0x00" in out


def test_another_card_is_not_recognised(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["driving_licence"])
    assert "jpki" not in run(lane, "opensc-tool", "-n")


def test_the_pins_and_their_tries(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    out = run(lane, "pkcs15-tool", "--list-pins")
    assert re.findall(r"PIN \[(.+)\]", out) == ["User Authentication PIN", "Digital Signature PIN"]
    assert re.findall(r"Tries left\s+: (\d)", out) == ["3", "5"]


def test_wrong_pins_lock_the_card(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    verify = ("pkcs15-tool", "--verify-pin", "--auth-id", "1", "--pin")
    for left in (2, 1, 0):
        run(lane, *verify, "9999", status=255)
        assert lane.counters("employee")["jpki/0018"] == left
    assert lane.verify_count("employee")["jpki/0018"] == 3
    assert "not usable" in run(lane, *verify, world.cards["employee"].pin, status=255)
    assert lane.counters("employee")["jpki/0018"] == 0
    assert re.findall(r"Tries left\s+: (\d)", run(lane, "pkcs15-tool", "--list-pins")) == ["0", "5"]
    assert re.findall(r"token flags .*", run(lane, *PKCS11, "-L")) == [
        "token flags        : login required, token initialized, PIN initialized, user PIN locked",
        "token flags        : login required, token initialized, PIN initialized",
    ]


def test_a_right_pin_gives_the_tries_back(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    verify = ("pkcs15-tool", "--verify-pin", "--auth-id", "2", "--pin")
    run(lane, *verify, "WRONG1", status=255)
    assert lane.counters("employee")["jpki/001B"] == 4
    run(lane, *verify, world.cards["employee"].sign_pin)
    assert lane.counters("employee")["jpki/001B"] == 5
    assert lane.verify_count("employee") == {**dict.fromkeys(lane.counters("employee"), 0), "jpki/001B": 2}


def test_the_whole_card_is_listed(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    out = run(lane, "pkcs15-tool", "-D")
    assert re.findall(r"^(\S.+) \[.+\]$", out, re.M)[2:] == [
        "Private RSA Key", "Private RSA Key", "Public RSA Key", "Public RSA Key", *["X.509 Certificate"] * 4,
    ]  # fmt: skip
    assert re.findall(r"Path\s+: (\w+)", out) == ["000a", "0001", "000a", "0001", "000b", "0002"]
    # Of the three certificates that need no PIN: DER INTEGER, tag and length before the value.
    shown = [bytes.fromhex(value) for value in re.findall(r"Encoded serial : 02 \w\w (\w+)", out)]
    given = (world.cards["employee"].auth_certificate, world.auth_ca, world.sign_ca)
    assert [int.from_bytes(serial) for serial in shown] == [
        x509.load_der_x509_certificate(der).serial_number for der in given
    ]
    assert set(lane.verify_count("employee").values()) == {0}


def test_the_token_shows_its_objects(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    out = run(lane, *PKCS11, "-O")
    listed = re.findall(r"^(\w[\w .;=]+); .*\n\s+label:\s+(.+)$", out, re.M)
    assert [label for kind, label in listed if kind == "Certificate Object"] == [
        "User Authentication Certificate",
        "User Authentication Certificate CA",
        "Digital Signature Certificate CA",
    ]
    subject = x509.load_der_x509_certificate(world.cards["employee"].auth_certificate).subject
    (common_name,) = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert f"CN={common_name.value!s}" in out
    opened = run(lane, *PKCS11, "--slot", "0", "--login", "--pin", world.cards["employee"].pin, "-O")
    assert "Private Key Object; RSA" in opened
    assert lane.verify_count("employee")["jpki/0018"] == 1


def test_the_certificates_are_those_of_the_card(lane: PcscdLane, world: World) -> None:
    """Byte for byte, the signing certificate after its PIN and not before."""
    person = world.cards["employee"]
    lane.insert(person, fresh=True)
    listed = run(lane, "pkcs15-tool", "--list-certificates")
    assert "User Authentication Certificate" in listed
    read = ("pkcs15-tool", "--read-certificate")
    assert "BEGIN CERTIFICATE" not in run(lane, *read, "2", status=1)
    sign_pin = ("--auth-id", "2", "--verify-pin", "--pin", person.sign_pin)
    for number, fid, words in (("1", 0x000A, ()), ("2", 0x0001, sign_pin), ("3", 0x000B, ()), ("4", 0x0002, ())):
        der = ssl.PEM_cert_to_DER_cert(block(run(lane, *read, number, *words)))
        content = person.jpki[fid]
        assert content.startswith(der)
        assert set(content[len(der) :]) == {0xFF}


def block(out: str) -> str:
    found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", out, re.S)
    assert found is not None
    return found[0]


# Manners of real cards and readers: OpenSC has to come through each.
MANNERS: list[dict[str, Any]] = [
    {"interface": "contactless", "pace": "nfc106"},
    {"interface": "contact_extended", "reselect": "keep"},
    {"end_of_file": "exact", "blocked": "6983"},
    {"end_of_file": "warn", "drowsy": True},
    {"query": "verified", "warm_reset": "clear"},
]


def test_answers_in_two_steps_are_read(lane: PcscdLane, world: World) -> None:
    """61xx and GET RESPONSE. No signature is asked for: OpenSC 0.23 fetches none that comes in this way."""
    lane.insert(world.cards["employee"], fresh=True, chained=True)
    assert pem(world.cards["employee"].auth_certificate) in run(lane, "pkcs15-tool", "--read-certificate", "1")
    assert pem(world.auth_ca) in run(lane, "pkcs15-tool", "--read-certificate", "3")


@pytest.mark.parametrize("manners", MANNERS)
def test_every_manner_of_a_card_is_one_that_opensc_takes(
    lane: PcscdLane, world: World, tmp_path: Path, manners: dict[str, Any]
) -> None:
    person = world.cards["employee"]
    lane.insert(person, fresh=True, **manners)
    assert pem(person.auth_certificate) in run(lane, "pkcs15-tool", "--read-certificate", "1")
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(b"challenge of a test")
    run(
        lane, *PKCS11, "--slot", "0", "--login", "--pin", person.pin,
        "--sign", "--id", "1", "-m", "SHA256-RSA-PKCS", "-i", str(message), "-o", str(signature),
    )  # fmt: skip
    expected = load_key(person.auth_key).sign(message.read_bytes(), padding.PKCS1v15(), hashes.SHA256())
    assert signature.read_bytes() == expected
    assert lane.verify_count("employee")["jpki/0018"] == 1


def test_openssl_verifies_a_signature_made_through_pkcs11(lane: PcscdLane, world: World, tmp_path: Path) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    message, signature, public = tmp_path / "message", tmp_path / "signature", tmp_path / "public.pem"
    message.write_bytes(b"challenge of a test")
    run(
        lane, *PKCS11, "--slot", "0", "--login", "--pin", "1234",
        "--sign", "--id", "1", "-m", "SHA256-RSA-PKCS", "-i", str(message), "-o", str(signature),
    )  # fmt: skip
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(pem(world.cards["employee"].auth_certificate))
    public.write_text(run(lane, "openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"))
    verify = ("openssl", "dgst", "-sha256", "-verify", str(public), "-signature", str(signature), str(message))
    assert "Verified OK" in run(lane, *verify)
    message.write_bytes(b"another challenge")
    assert "Verified OK" not in run(lane, *verify, status=1)


def test_openssl_builds_the_chain(lane: PcscdLane, world: World, tmp_path: Path) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    leaf, root = tmp_path / "leaf.pem", tmp_path / "root.pem"
    leaf.write_text(run(lane, "pkcs15-tool", "--read-certificate", "1"))
    root.write_text(pem(world.auth_ca))
    assert "OK" in run(
        lane, "openssl", "verify", "-purpose", "sslclient", "-x509_strict", "-CAfile", str(root), str(leaf)
    )


def test_our_client_and_opensc_make_the_same_signature(lane: PcscdLane, world: World, tmp_path: Path) -> None:
    """PKCS#1 v1.5 is deterministic: two independent clients of the same card agree to the byte."""
    lane.insert(world.cards["employee"], fresh=True)
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(b"the same bytes for both")
    run(
        lane, *PKCS11, "--slot", "0", "--login", "--pin", "1234",
        "--sign", "--id", "1", "-m", "SHA256-RSA-PKCS", "-i", str(message), "-o", str(signature),
    )  # fmt: skip
    events = Events()
    issuer = base64.b64encode(world.auth_ca).decode()
    reader = SupervisedCardReader(
        {"driver": "pcsc", "reader": "", "csock": lane.socket_path, "issuers": [issuer], "anchor": None, "salt": "00"}
    )
    reader.start(events)
    try:
        presence = events.until(CardPresent).presence
        reader.sign_with_pin(1, presence, Blob.of(b"1234"), Blob.of(message.read_bytes()))
        with events.until(PinSigned).signature as blob, blob.secret() as made:
            assert made.matches(signature.read_bytes())
    finally:
        reader.stop()
