"""What travels is parsed strictly, and errors name the place and never the value."""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from kiosk.eligibility.model import (
    BadMessage,
    Base64,
    ChallengeReply,
    Checkup,
    EligibilityReply,
    GatewayWorld,
    LookupRequest,
    Problem,
)
from tests.helpers.gateway import known, rich

CHALLENGE = {"id": "a" * 16, "nonce": base64.b64encode(bytes(32)).decode(), "issued_at": 1, "seconds": 600}


def parse(kind: Any, value: object) -> Any:
    return kind.parse(json.dumps(value).encode())


def refused(kind: Any, value: object) -> str:
    with pytest.raises(BadMessage) as caught:
        parse(kind, value)
    return str(caught.value)


def test_there_and_back() -> None:
    reply = parse(ChallengeReply, CHALLENGE)
    assert reply.nonce == bytes(32)
    assert ChallengeReply.parse(reply.model_dump_json().encode()) == reply
    assert ChallengeReply.parse(memoryview(json.dumps(CHALLENGE).encode())) == reply
    assert ChallengeReply.parse(bytearray(json.dumps(CHALLENGE), "ascii")) == reply


@pytest.mark.parametrize("world", [known(), rich()])
def test_a_world_there_and_back(world: GatewayWorld) -> None:
    assert GatewayWorld.parse(world.to_bytes()) == world


def test_a_world_of_before_is_still_one() -> None:
    """What was not known then has a value."""
    world = json.loads(known().to_bytes())
    old = {"registered", "validity", "insurer_number", "insurer_name", "symbol", "number", "branch", "classification"}
    old |= {"relation", "ratio", "insured_name", "qualified_from", "valid_until", "medications", "checkups"}
    del world["institutions"]
    for person in world["people"]:
        person["insurance"] = {name: value for name, value in person["insurance"].items() if name in old}
        for name in ("former", "post_number", "name_other", "kana_other", "sex2"):
            del person[name]
    parsed = parse(GatewayWorld, world)
    assert parsed.people[0].insurance.diseases == []
    assert parsed.people[0].former == []


def test_each_terminal_has_its_institution() -> None:
    assert rich().institution_of("practice-terminal-1") == rich().institution
    assert rich().institution_of("practice-terminal-2") == "9910000002"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"seconds": 0}, "seconds"),
        ({"seconds": "600"}, "seconds"),
        ({"seconds": 600.0}, "seconds"),
        ({"nonce": "secret text"}, "nonce"),
        ({"nonce": 5}, "nonce"),
        ({"nonce": base64.b64encode(bytes(31)).decode()}, "nonce"),
        ({"id": "secret text"}, "id"),
        ({"more": "secret text"}, "more"),
    ],
)
def test_an_error_names_the_place_and_not_the_value(changes: dict[str, object], place: str) -> None:
    text = refused(ChallengeReply, {**CHALLENGE, **changes})
    assert text.startswith(place)
    assert "secret" not in text


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"a":' * 500, b'{"error":"\\ud800"}'])
def test_not_a_message(data: bytes) -> None:
    with pytest.raises(BadMessage):
        Problem.parse(data)


def test_nothing_is_shown() -> None:
    row = Checkup(day="20260401", item="secret", value="secret")
    assert "secret" not in f"{row!r} {row}"


@pytest.mark.parametrize("code", ["", "<own word>", "a\n", "a" * 65, "日本"])
def test_codes_are_short_ascii_and_never_look_like_ours(code: str) -> None:
    refused(Problem, {"error": code})
    assert parse(Problem, {"error": "E-1234 ".strip()}).error == "E-1234"


def test_enumerations_are_closed() -> None:
    value = {
        "reception": "r1",
        "registered": True,
        "validity": "1",
        "questions": ["YZK"],
        "certificate": "valid",
        "subsidy": "none",
        "prescriptions": [],
    }
    assert isinstance(parse(EligibilityReply, value), EligibilityReply)
    for name in ("validity", "certificate", "subsidy"):
        assert refused(EligibilityReply, {**value, name: "7"}).startswith(name)
    assert refused(EligibilityReply, {**value, "questions": ["XXX"]}).startswith("questions/0")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("insurer", "1234567"),
        ("insurer", "１２３４５６"),
        ("symbol", "<a>"),
        ("number", ""),
        ("number", "a\n"),
        ("branch", "1"),
        ("birth", "1985-04-12"),
        ("limit", "true"),
        ("file_identifier", "short"),
    ],
)
def test_a_look_up_is_bounded(name: str, bad: str) -> None:
    value = {
        "reception": "r1",
        "terminal": "t1",
        "file_identifier": "A" * 16,
        "insurer": "990010",
        "symbol": "",
        "number": "１２３",
        "branch": "",
        "birth": "19850412",
        "limit": None,
    }
    assert isinstance(parse(LookupRequest, value), LookupRequest)
    assert refused(LookupRequest, {**value, name: bad}).startswith(name)


@pytest.mark.parametrize("value", [None, 7, "QUJD!", "QUJDRA", "QUJDREVGR0g=="])
def test_what_is_no_base64_text_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="base64 text expected"):
        Base64(1, 6).decode(value)


@pytest.mark.parametrize("value", ["", "QQ==", b"", b"A", b"ABCDEFG"])
def test_another_length_is_refused(value: str | bytes) -> None:
    with pytest.raises(ValueError, match="another length expected"):
        Base64(2, 6).decode(value)


@pytest.mark.parametrize("value", ["QUI=", b"AB"])
def test_text_and_our_own_bytes_are_taken(value: str | bytes) -> None:
    assert Base64(2, 6).decode(value) == b"AB"


def test_the_schema_says_the_text_and_not_the_bytes() -> None:
    nonce = ChallengeReply.model_json_schema()["properties"]["nonce"]
    assert (nonce["type"], nonce["minLength"], nonce["maxLength"]) == ("string", 44, 44)


@given(st.binary(max_size=40), st.sampled_from([Base64(0, 30), Base64(30, 30), Base64(31, 31), Base64(32, 32)]))
def test_bytes_of_the_right_length_and_no_others(data: bytes, shape: Base64) -> None:
    text = base64.b64encode(data).decode()
    adapter: TypeAdapter[bytes] = TypeAdapter(Annotated[bytes, shape])
    for value in (text, data):
        try:
            assert adapter.validate_python(value) == data
            assert shape.low <= len(data) <= shape.high
        except ValidationError:
            assert not shape.low <= len(data) <= shape.high
    assert shape.longest == len(base64.b64encode(bytes(shape.high)))
