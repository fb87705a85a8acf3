"""The applications and files that only other clients of the card ask for."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from devices.simulated.pki import load_key
from devices.simulated.world import World
from tests.contract.card.talk import COMMON, ISD, JPKI, JUKI, MY_NUMBER, TEXT, VISUAL, Talk
from tests.contract.card.test_proofs import DIGEST_INFO, key_of

PIN = "1234"


def check(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> None:
    key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def auth_key(world: World) -> rsa.RSAPublicKey:
    return load_key(world.cards["employee"].auth_key).public_key()


# --- JPKI ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fid", ["0005", "0010", "0016", "0019", "001C", "001E"])
def test_files_that_nobody_explained_are_there_and_closed(talk: Talk, fid: str) -> None:
    talk.select(JPKI)
    talk.verify("0018", PIN)
    talk.verify("001B", "TEST123")
    assert talk.file(fid) == 0x9000
    assert talk.status("00B0000000") == 0x6981
    assert talk.status("00200080") == 0x6981
    assert talk.status("802A00800411223344" + "00") == 0x6981
    assert talk.status("00B2010400") == 0x6981


def test_one_of_them_is_transparent(talk: Talk) -> None:
    talk.select(JPKI)
    talk.verify("0018", PIN)
    talk.file("0009")
    assert talk.status("00B0000000") == 0x6982


@pytest.mark.parametrize("number", range(0x21))
def test_there_are_no_other_files(talk: Talk, number: int) -> None:
    known = {1, 2, 5, 6, 8, 9, 0x0A, 0x0B, 0x10, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1E}
    talk.select(JPKI)
    assert talk.file(f"{number:04X}") == (0x9000 if number in known else 0x6A82)


def test_which_certificates_there_are(world: World) -> None:
    found = {}
    for name in ("employee", "pinless"):
        talk = Talk(world.card(name))
        talk.select(JPKI)
        found[name] = talk.read("0008")
    assert found == {"employee": b"\x8f\x8f\x00", "pinless": b"\x00\x8f\x00"}  # signing first


def test_the_six_forms_of_a_signature(talk: Talk, world: World) -> None:
    """P1 of COMPUTE DIGITAL SIGNATURE, each checked by the library."""
    key, message = auth_key(world), b"a message that the card may hash"
    digest = hashlib.sha256(message).digest()
    talk.select(JPKI)
    talk.verify("0018", PIN)

    def signed(form: int, data: bytes) -> bytes:
        signature, status = talk.send(f"802A{form:02X}97{len(data):02X}{data.hex()}00")  # by short identifier
        assert (len(signature), status) == (256, 0x9000)
        return signature

    pkcs1, pss = padding.PKCS1v15(), padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    assert key.recover_data_from_signature(signed(0, b"\xaa\xbb"), pkcs1, None) == b"\xaa\xbb"
    assert key.recover_data_from_signature(signed(1, message), pkcs1, None) == digest
    key.verify(signed(2, digest), digest, pkcs1, utils.Prehashed(hashes.SHA256()))
    key.verify(signed(3, message), message, pkcs1, hashes.SHA256())
    key.verify(signed(4, digest), message, pss, hashes.SHA256())
    key.verify(signed(5, message), message, pss, hashes.SHA256())
    assert signed(4, digest) != signed(4, digest)
    for form, wrong in ((1, b""), (2, digest[:31]), (4, digest + b"\0"), (5, b"")):
        lc = f"{len(wrong):02X}{wrong.hex()}" if wrong else ""
        assert talk.status(f"802A{form:02X}97{lc}00") == 0x6700
    for form in (6, 0x80, 0xFF):
        assert talk.status(f"802A{form:02X}970411223344" + "00") == 0x6A86


def test_new_pins_have_the_form_of_the_old(talk: Talk) -> None:
    talk.select(JPKI)
    talk.verify("0018", PIN)
    for wrong in ("123", "12345", "12A4"):
        assert talk.status(f"00240180{len(wrong):02X}{wrong.encode().hex()}") == 0x6A80
    talk.verify("001B", "TEST123")
    for wrong in ("ABCDE", "abcdef", "AB-DEF"):
        assert talk.status(f"0024019B{len(wrong):02X}{wrong.encode().hex()}") == 0x6A80
    assert talk.status("0024019B06" + b"ABCD99".hex()) == 0x9000
    assert talk.verify("001B", "ABCD99") == 0x9000
    assert talk.status("0024009B06" + b"ABCD99".hex()) == 0x6A86
    assert talk.status("8032009B06" + b"ABCD99".hex()) == 0x6D00


# --- 券面事項確認AP, 券面事項入力補助AP -------------------------------------------------------------------------------


def test_what_is_printed_cannot_be_changed(talk: Talk, world: World) -> None:
    talk.select(VISUAL)
    talk.verify("0012", world.cards["employee"].number_b)
    assert talk.status("0024018004" + b"5678".hex()) == 0x6D00
    talk.select(TEXT)
    talk.verify("0014", MY_NUMBER)
    assert talk.status("0024018004" + b"5678".hex()) == 0x6985
    talk.verify("0011", PIN)
    assert talk.status("0024018004" + b"5678".hex()) == 0x9000


def test_the_key_of_the_text_application_is_in_its_files(talk: Talk, world: World) -> None:
    talk.select(TEXT)
    signature, status = talk.send(f"802A000033{DIGEST_INFO}{hashlib.sha256(b'challenge').hexdigest()}00")
    assert status == 0x9000
    talk.verify("0015", world.cards["employee"].number_b)
    signed = talk.read("0007")
    assert signed[:3] == b"\xff\x50\x82"
    public, proof = signed[5:-261], signed[-256:]
    check(key_of(public), signature, b"challenge")
    issuer = talk.read("0004")
    assert issuer[5:10] == b"\x5f\x4e\x82\x01\x29"
    check(key_of(issuer[10:307]), proof, public)
    session = talk.read("0006")
    assert session[:4] == b"\xa1\x82\x01\x09"
    assert key_of(session) != key_of(public)
    assert talk.status("00880093" + "0411223344" + "00") == 0x6985


@pytest.mark.parametrize(
    ("aid", "before", "after"),
    [(COMMON, 0x66F1, 0x66F1), (VISUAL, 0x66F1, 0x66F1), (JPKI, 0x6982, 0x6982), (JUKI, 0x6982, 0x6982)],
)
def test_secure_messaging_is_refused(talk: Talk, aid: str, before: int, after: int) -> None:
    talk.select(aid)
    assert talk.status("80AE000004" + "11223344") == before == after


def test_the_text_application_asks_for_its_pin_first(talk: Talk) -> None:
    talk.select(TEXT)
    assert talk.status("80AE000004" + "11223344") == 0x6982
    talk.verify("0011", PIN)
    assert talk.status("80AE000004" + "11223344") == 0x6A80


# --- 共通カードAP, 住基AP, the card itself ----------------------------------------------------------------------------


def test_internal_authenticate_of_the_common_application(talk: Talk, world: World) -> None:
    talk.select(COMMON)
    signature, status = talk.send("0088009904" + "11223344" + "00")
    assert status == 0x9000
    check(load_key(world.cards["employee"].card_key).public_key(), signature, bytes.fromhex("11223344"))
    assert talk.status("802A00990411223344" + "00") == 0x6985
    assert talk.status("008801990411223344" + "00") == 0x6A86
    assert talk.status("0088009C0411223344" + "00") == 0x6981
    talk.select(JPKI)
    assert talk.status("008800970411223344" + "00") == 0x6982
    talk.verify("0018", PIN)
    assert talk.status("008800970411223344" + "00") == 0x6985


@pytest.mark.parametrize("aid", [COMMON, JUKI])
def test_their_pins_change_by_another_command(talk: Talk, aid: str) -> None:
    talk.select(aid)
    assert talk.tries("001C") == 0x63C3
    assert talk.verify("001C", PIN) == 0x9000
    assert talk.status("0024018004" + b"5678".hex()) == 0x6D00
    assert talk.status("8032008004" + b"5678".hex()) == 0x9000
    assert talk.verify("001C", "5678") == 0x9000
    talk.file("0002")
    data, status = talk.send("00B2010400")
    assert (len(data), status) == (16, 0x9000)


OBJECTS = ["0042", "0045", "0066", "00F0", "00F2", "00F7"]


@pytest.mark.parametrize("tag", OBJECTS)
def test_data_objects_at_the_level_of_the_card(talk: Talk, tag: str) -> None:
    first, status = talk.send(f"00CA{tag}00")
    assert status == 0x9000
    assert first
    talk.select(JPKI)
    assert talk.status(f"00CA{tag}00") == 0x6D00
    talk.select(ISD)
    assert talk.send(f"00CA{tag}00") == (first, 0x9000)


def test_a_long_object_wants_an_extended_length(world: World) -> None:
    talk = Talk(world.card("employee", interface="contact_extended"))
    assert talk.status("00CA7F2100") == 0x6700
    certificate, status = talk.send("00CA7F21000000")
    assert status == 0x9000
    assert world.cards["employee"].visual[0x0004].startswith(certificate)


def test_the_atr_of_the_contacts_is_told_everywhere(world: World) -> None:
    talk = Talk(world.card("employee", interface="contactless"))
    for aid in (ISD, JPKI, VISUAL):
        talk.select(aid)
        stored, status = talk.send("00CA5F5100")
        assert status == 0x9000
        check_byte = 0
        for byte in stored:
            check_byte ^= byte
        assert check_byte == 0


def test_to_select_the_master_file_is_pretended(talk: Talk) -> None:
    assert talk.status("00A40000") == 0x6A86
    talk.select(JPKI)
    talk.verify("0018", PIN)
    assert talk.status("00A40000") == 0x9000
    assert talk.status("00A40000023F00") == 0x6A82
    talk.file("0017")
    _, status = talk.send("802A00800411223344" + "00")
    assert status == 0x9000


def test_a_part_of_a_name_finds_the_first(talk: Talk) -> None:
    talk.select(VISUAL)
    assert talk.select("D392") == 0x9000
    assert talk.file("000A") == 0x9000  # of the JPKI application
    assert talk.select(VISUAL + "00") == 0x6A82
    assert talk.file("000A") == 0x9000


def test_a_command_of_phones(talk: Talk) -> None:
    talk.select(JPKI)
    assert talk.status("80FC0000") == 0x6700
