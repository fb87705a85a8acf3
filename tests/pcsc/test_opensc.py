"""OpenSC reads our card and openssl verifies its signature: neither knows anything of this project."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from devices.blob import Blob
from devices.card.reader import SupervisedCardReader
from devices.ports import CardPresent, PinSigned
from devices.simulated.pcscd import PcscdLane
from devices.simulated.world import World
from tests.helpers.cards import Events
from tests.pcsc.tools import pkcs11_module, run

pytestmark = pytest.mark.pcsc


def pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


def test_the_card_is_recognised(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    out = run(lane, "opensc-tool", "-n", "-a")
    assert "jpki" in out
    assert "3b:e0:00:ff:81:31:fe:45:14" in out


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
    for left in (2, 1, 0):
        run(lane, "pkcs15-tool", "--verify-pin", "--auth-id", "1", "--pin", "9999", status=255)
        assert lane.counters("employee")["jpki/0018"] == left
    assert lane.verify_count("employee")["jpki/0018"] == 3
    assert re.findall(r"Tries left\s+: (\d)", run(lane, "pkcs15-tool", "--list-pins")) == ["0", "5"]


def test_the_certificates_are_those_of_the_world(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    listed = run(lane, "pkcs15-tool", "--list-certificates")
    assert "User Authentication Certificate" in listed
    assert pem(world.cards["employee"].auth_certificate) in run(lane, "pkcs15-tool", "--read-certificate", "1")
    assert pem(world.auth_ca) in run(lane, "pkcs15-tool", "--read-certificate", "3")
    assert pem(world.sign_ca) in run(lane, "pkcs15-tool", "--read-certificate", "4")


def test_the_signing_certificate_needs_the_signing_pin(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    read = ("pkcs15-tool", "--read-certificate", "2")
    assert "BEGIN CERTIFICATE" not in run(lane, *read, status=1)
    opened = run(lane, *read, "--auth-id", "2", "--verify-pin", "--pin", world.cards["employee"].sign_pin)
    assert "BEGIN CERTIFICATE" in opened


def test_openssl_verifies_a_signature_made_through_pkcs11(lane: PcscdLane, world: World, tmp_path: Path) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    message, signature, public = tmp_path / "message", tmp_path / "signature", tmp_path / "public.pem"
    message.write_bytes(b"challenge of a test")
    run(
        lane, "pkcs11-tool", "--module", str(pkcs11_module()), "--slot", "0", "--login", "--pin", "1234",
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
        lane, "pkcs11-tool", "--module", str(pkcs11_module()), "--slot", "0", "--login", "--pin", "1234",
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
