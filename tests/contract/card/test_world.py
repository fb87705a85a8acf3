"""The test PKI, the personas and the world made of them."""

from __future__ import annotations

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from devices.simulated.card import VirtualCard
from devices.simulated.personas import PersonaError, load_persona, load_personas, parse_persona
from devices.simulated.pki import add_months, load_key
from devices.simulated.world import World, personas_folder
from tests.contract.card.talk import JPKI, PHOTO, Talk


def certificate(world: World, name: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(world.cards[name].auth_certificate)


def employee() -> dict[str, Any]:
    return tomllib.loads((personas_folder() / "employee.toml").read_text(encoding="utf-8"))


def test_the_authentication_certificate_has_the_known_profile(world: World) -> None:
    leaf = certificate(world, "employee")
    authority = x509.load_der_x509_certificate(world.auth_ca)
    leaf.verify_directly_issued_by(authority)
    authority.verify_directly_issued_by(authority)
    assert re.fullmatch(r"CN=[A-Z0-9]{22},C=JP", leaf.subject.rfc4514_string())
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.content_commitment
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048
    assert leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    policies = leaf.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [policy.policy_identifier.dotted_string.split(".")[:2] for policy in policies] == [["2", "999"]]


def test_nothing_passes_for_the_national_pki(world: World) -> None:
    for der in (world.auth_ca, world.sign_ca, world.foreign_ca):
        name = x509.load_der_x509_certificate(der).subject.rfc4514_string()
        assert "TEST" in name
        assert "NOT J-LIS" in name
        assert "O=JPKI" not in name


def test_validity_counts_from_the_day_of_building(world: World) -> None:
    assert certificate(world, "employee").not_valid_after_utc.date() == add_months(world.built, 40)
    assert certificate(world, "expired").not_valid_after_utc.date() == add_months(world.built, -6)
    begin = certificate(world, "expired").not_valid_before_utc.date() + timedelta(days=1)  # midnight in Japan
    assert begin == add_months(add_months(world.built, -6), -60)


def test_the_forged_card_copies_a_certificate_it_cannot_use(world: World) -> None:
    forged, original = world.cards["forged"], world.cards["employee"]
    assert forged.auth_certificate == original.auth_certificate
    own = load_key(forged.auth_key).public_key()
    assert own != certificate(world, "forged").public_key()
    assert forged.visual[0x0004] != original.visual[0x0004]


def test_the_other_issuer_is_another_one(world: World) -> None:
    foreign = certificate(world, "foreign_issuer")
    foreign.verify_directly_issued_by(x509.load_der_x509_certificate(world.foreign_ca))
    assert foreign.issuer != certificate(world, "employee").issuer


def test_the_signing_certificate_shows_itself_after_its_pin(world: World) -> None:
    talk = Talk(world.card("employee"))
    talk.select(JPKI)
    talk.verify("001B", "TEST123")
    content = talk.read("0001")
    leaf = x509.load_der_x509_certificate(content[: 4 + int.from_bytes(content[2:4])])
    leaf.verify_directly_issued_by(x509.load_der_x509_certificate(world.sign_ca))
    assert leaf.public_key() == load_key(world.cards["employee"].sign_key).public_key()
    assert leaf.extensions.get_extension_for_class(x509.KeyUsage).value.content_commitment


def test_the_token_information_is_a_cards(world: World) -> None:
    info = world.cards["employee"].jpki[0x0006]
    assert len(info) == 160
    assert info[:32] == b"JPKIAPICCTOKEN2".ljust(32)
    assert b"NOT J-LIS" in info[32:64]


def test_a_world_survives_its_bytes(world: World) -> None:
    again = World.from_bytes(world.to_bytes())
    assert again == world
    assert isinstance(again.card("employee"), VirtualCard)
    small = world.subset("employee")
    assert list(small.cards) == ["employee"]
    assert world.cards["forged"].auth_key not in small.to_bytes()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"format": 99}', b"\xff"])
def test_other_bytes_are_no_world(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a simulated world"):
        World.from_bytes(data)


def test_what_is_no_card_has_no_application() -> None:
    kinds = ("driving_licence", "juki_card", "mute", "old_insurance_card")
    people = [load_persona(personas_folder() / f"{name}.toml") for name in kinds]
    cards = World.build(people, lambda persona: PHOTO).cards
    assert [len(cards[name].atr) > 0 for name in kinds] == [True, True, False, False]
    for name in ("driving_licence", "juki_card"):
        assert Talk(VirtualCard(cards[name])).select(JPKI) == 0x6A82


def test_a_card_without_photo(world: World) -> None:
    infant = load_persona(personas_folder() / "infant.toml")

    def photo(persona: object) -> bytes:
        raise AssertionError("there is none")

    card = World.build([infant], photo).cards["infant"]
    assert b"\xdf\x27\x00" in card.visual[0x0002]
    assert len(card.visual[0x0002]) < len(world.cards["employee"].visual[0x0002])


def test_secrets_stay_out_of_repr(world: World) -> None:
    texts = repr(world) + repr(world.cards["employee"]) + repr(world.card("employee"))
    assert world.cards["employee"].number_b not in texts
    assert "試験" not in texts
    assert len(texts) < 400


def test_a_copy_needs_its_original() -> None:
    forged = load_persona(personas_folder() / "forged.toml")
    with pytest.raises(ValueError, match="not in this world"):
        World.build([forged], lambda persona: PHOTO)


@given(day=st.dates(date(1990, 1, 1), date(2080, 1, 1)), months=st.integers(-240, 240))
def test_months_move_to_the_same_day_or_the_last_one(day: date, months: int) -> None:
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or ((moved + timedelta(days=1)).day == 1 and moved.day < day.day)


# --- personas ------------------------------------------------------------------------------------------------------


def test_every_persona_of_the_project_is_well_formed() -> None:
    personas = load_personas(personas_folder())
    needed = {
        "employee", "elder", "unregistered", "pin_blocked", "pinless", "someone_else", "forged", "expired", "swapped",
        "driving_licence", "foreign_issuer", "decliner", "mute",
    }  # fmt: skip
    assert needed <= {persona.id for persona in personas}
    for persona in personas:
        assert len(persona.number_b) == 14
        assert persona.id == Path(persona.id).stem
        assert (personas_folder() / f"{persona.id}.toml").exists()
    assert len({persona.number_b for persona in personas}) == len(personas)


@pytest.mark.parametrize(
    ("birth", "digits"),
    [
        ("1980-02-17", "550217"),  # the published example: 昭和55
        ("1989-01-07", "640107"),
        ("1989-01-08", "010108"),
        ("2019-04-30", "310430"),
        ("2019-05-01", "010501"),
        ("1926-12-24", "151224"),
        ("1926-12-25", "011225"),
    ],
)
def test_the_year_of_the_era(birth: str, digits: str) -> None:
    table = {**employee(), "birth": date.fromisoformat(birth)}
    table["card_expiry"], table["security_code"] = date(2035, 2, 17), "2285"
    assert parse_persona(table, "test").number_b == digits + "20352285"


def test_the_western_year_of_a_foreign_resident() -> None:
    table = {**employee(), "western": True, "birth": date(1980, 2, 17)}
    table["card_expiry"], table["security_code"] = date(2035, 2, 17), "2285"
    assert parse_persona(table, "test").number_b == "80021720352285"


INSURED = {"insurer_number": "99010019", "symbol": "見本", "number": "1", "qualified_from": date(2020, 4, 1)}
SUBSIDY = {"payer": "99800011", "recipient": "1234567", "scheme": "助成（模擬）", "valid_from": date(2026, 4, 1)}
ENDING = {"way": "face", "files": 1, "last_page": "take_card"}
LOOKUP = ENDING | {"way": "lookup", "last_page": "farewell"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pin": "123"}, r"a\.toml: pin: allowed: 4 digits"),
        ({"pin": 1234}, r"a\.toml: pin: allowed: 4 digits"),
        ({"name": "山田　太郎"}, r"name: allowed: begins with 試験"),
        ({"colour": "red"}, r"a\.toml: colour: no such key"),
        ({"sex": "other"}, r"sex: allowed: male, female"),
        ({"birth": "1985-04-12"}, r"birth: allowed: a value of type date"),
        ({"pin_tries": 4}, r"pin_tries: allowed: 0 to 3"),
        ({"pin_tries": True}, r"pin_tries: allowed: 0 to 3"),
        ({"card": "watch"}, r"card: allowed: my_number, pinless, driving_licence, juki_card, phone, mute, paper"),
        ({"kind": "医院"}, r"a\.toml: kind: allowed: 医科, 歯科, 調剤"),
        ({"certificate_expired_months": 3}, r"certificate_months: allowed: not together"),
        ({"copy_of": "elder"}, r"copy_of: allowed"),
        ({"ending": []}, r"ending: allowed: at least one"),
        ({"ending": [{"way": "swim", "files": 1, "last_page": "take_card"}]}, r"ending\[0\]\.way: allowed: face"),
        ({"record": {}}, r"record\.insurer_number: allowed: 6 or 8 digits beginning with 99"),
        ({"record": 1}, r"record: allowed: a table"),
        ({"record": INSURED | {"validity": "7"}}, r"record\.validity: allowed: 1, 2, 3, 4, 5, 6"),
        ({"record": INSURED | {"loss": "04"}}, r"record\.loss: allowed: , 01, 02, 03, 99"),
        ({"record": INSURED | {"error": "E1"}}, r"record\.error: allowed: SIM- and 1 to 12"),
        ({"record": INSURED | {"subsidy": "yes"}}, r"record\.subsidy: allowed: none, unsupported, available"),
        ({"record": INSURED | {"colour": "red"}}, r"a\.toml: record\.colour: no such key"),
        ({"subsidy": [SUBSIDY]}, r'a\.toml: subsidy: allowed: only with record\.subsidy = "available"'),
        ({"subsidy": [SUBSIDY | {"payer": "1"}]}, r"subsidy\[0\]\.payer: allowed: 8 digits beginning with 99"),
        ({"limit": {"classification": "09"}}, r"limit\.classification: allowed: 01, 02, 03"),
        ({"disease": [{"category": "4"}]}, r"disease\[0\]\.category: allowed: 1, 2, 3"),
        ({"elderly": {"valid_from": 1}}, r"elderly\.valid_from: allowed: a value of type date"),
        ({"prescription": [{"token": "x"}]}, r"prescription\[0\]\.token: allowed: SIM-"),
        ({"ticket": [{"ticket": "03"}]}, r"ticket\[0\]\.ticket: allowed: 01, 02"),
        ({"former": [{}]}, r"former\[0\]\.insurer_number: allowed"),
        ({"ending": [ENDING | {"pages": "idle"}]}, r"ending\[0\]\.pages: allowed: a list; entries: pages"),
        (
            {"ending": [ENDING | {"not_offered": ["eye"]}]},
            r"ending\[0\]\.not_offered: allowed: a list; entries: face, ",
        ),
        ({"ending": [ENDING | {"failure": "X"}]}, r"ending\[0\]\.failure: allowed: a failure code"),
        (
            {"ending": [ENDING | {"answers": {"limit": 1}}]},
            r"ending\[0\]\.answers\.limit: allowed: true or false for SHJ",
        ),
        ({"ending": [ENDING | {"answers": []}]}, r"ending\[0\]\.answers: allowed: a table"),
        ({"ending": [ENDING | {"content": {"Name": 1}}]}, r"ending\[0\]\.content\.Name: allowed: a text"),
        ({"ending": [ENDING | {"files": 0, "content": {"Name": "x"}}]}, r"ending\[0\]\.content: allowed: only with a"),
        ({"ending": [ENDING | {"encoding": "EUC-JP"}]}, r"ending\[0\]\.encoding: allowed: UTF-8, Shift_JIS"),
        ({"ending": [ENDING | {"colour": 1}]}, r"a\.toml: ending\[0\]\.colour: no such key"),
        ({"ending": [ENDING, ENDING]}, r"ending: allowed: each way once"),
        ({"ending": [LOOKUP | {"former": True}]}, r"ending\[0\]\.former: allowed: only with a look-up"),
        ({"ending": [LOOKUP], "record": INSURED}, r"record\.symbol: allowed: digits and -"),
        ({"birth": date(1900, 1, 1)}, r"birth: allowed: 1912-07-30 or later"),
    ],
)
def test_errors_name_file_key_and_what_is_allowed(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PersonaError, match=message):
        parse_persona({**employee(), **change}, "a.toml")


def test_an_insurer_says_that_it_is_simulated() -> None:
    table = employee()
    table["record"]["insurer_name"] = "全国保険組合"
    with pytest.raises(PersonaError, match="insurer_name"):
        parse_persona(table, "a.toml")


@pytest.mark.parametrize("beside", ["former", "disease", "subsidy", "prescription", "ticket", "medication", "checkup"])
def test_papers_belong_to_a_record(beside: str) -> None:
    bare = {key: value for key, value in employee().items() if key not in ("record", "medication", "checkup")}
    with pytest.raises(PersonaError, match=rf"{beside}: allowed: only beside \[record\]"):
        parse_persona({**bare, beside: [{}]}, "a.toml")
    with pytest.raises(PersonaError, match=r"limit: allowed: only beside \[record\]"):
        parse_persona({**bare, "limit": {}}, "a.toml")
    with pytest.raises(PersonaError, match=r"ending\[0\]\.way: allowed: a look-up only beside \[record\]"):
        parse_persona({**bare, "ending": [LOOKUP]}, "a.toml")


def test_files_that_are_no_personas(tmp_path: Path) -> None:
    with pytest.raises(PersonaError, match="no persona file"):
        load_personas(tmp_path)
    (tmp_path / "a.toml").write_text("id = ", encoding="utf-8")
    with pytest.raises(PersonaError, match=r"a\.toml"):
        load_personas(tmp_path)


def test_a_copy_of_nobody(tmp_path: Path) -> None:
    text = (personas_folder() / "forged.toml").read_text(encoding="utf-8")
    (tmp_path / "forged.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PersonaError, match="copy_of: allowed: forged"):
        load_personas(tmp_path)
