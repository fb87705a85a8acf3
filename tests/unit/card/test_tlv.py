"""TLV: whatever the bytes, only typed errors, and never more than was declared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.card import tlv
from devices.errors import CardProtocol


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("3003", (0x30, 2, 3)),
        ("308180", (0x30, 3, 128)),
        ("30820100", (0x30, 4, 256)),
        ("DF2700", (0xDF27, 3, 0)),
        ("7F2105", (0x7F21, 3, 5)),
        ("FF20827FFF", (0xFF20, 5, 0x7FFF)),
    ],
)
def test_header(data: str, expected: tuple[int, int, int]) -> None:
    assert tlv.header(bytes.fromhex(data)) == expected


@pytest.mark.parametrize(
    "data",
    ["", "30", "3080", "3083010000", "3082", "308201", "30828000", "DF", "DF27", "DFFFFFFF00", "3084FFFFFFFF"],
)
def test_header_that_is_not_accepted(data: str) -> None:
    with pytest.raises(CardProtocol):
        tlv.header(bytes.fromhex(data))


def test_total_is_that_of_the_expected_element() -> None:
    assert tlv.total_of(0x30)(bytes.fromhex("30820400FF")) == 1028
    with pytest.raises(CardProtocol):
        tlv.total_of(0x31)(bytes.fromhex("30820400FF"))


def test_children_by_tag() -> None:
    inner = tlv.one(bytes.fromhex("FF2006DF2201AA9000"), 0xFF20)
    found = tlv.children(inner.value)
    assert bytes(tlv.need(found, 0xDF22).value) == b"\xaa"
    assert bytes(found[0xDF22].raw) == bytes.fromhex("DF2201AA")
    with pytest.raises(CardProtocol):
        tlv.need(found, 0xDF23)


@pytest.mark.parametrize("data", ["FF2002DF22", "FF200100FF", "900100", "9000" * 2])
def test_not_exactly_the_element(data: str) -> None:
    with pytest.raises(CardProtocol):
        tlv.children(tlv.one(bytes.fromhex(data), 0xFF20).value)


def test_element_given_twice() -> None:
    with pytest.raises(CardProtocol):
        tlv.children(memoryview(bytes.fromhex("90009000")))


def test_too_many_elements() -> None:
    with pytest.raises(CardProtocol):
        list(tlv.elements(bytes.fromhex("9000") * 65))


def test_repr_tells_no_content() -> None:
    assert repr(tlv.one(b"\x90\x02hi", 0x90)) == "Tlv(90, 2 bytes)"


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_raise_the_one_error(data: bytes) -> None:
    try:
        found = list(tlv.elements(data))
    except CardProtocol:
        return
    assert b"".join(bytes(element.raw) for element in found) == data


tags = st.sampled_from([b"\x30", b"\x90", b"\xdf\x27", b"\x7f\x21", b"\x5f\x37"])


@given(st.lists(st.tuples(tags, st.binary(max_size=400)), max_size=8))
def test_what_was_put_in_comes_out(parts: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(tag + b"\x82" + len(value).to_bytes(2, "big") + value for tag, value in parts)
    found = [(element.tag, bytes(element.value)) for element in tlv.elements(data)]
    assert found == [(int.from_bytes(tag, "big"), value) for tag, value in parts]


@given(st.lists(st.tuples(tags, st.binary(min_size=1, max_size=40)), min_size=1, max_size=4), st.data())
def test_every_cut_is_noticed(parts: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    inner = b"".join(tag + len(value).to_bytes(1, "big") + value for tag, value in parts)
    whole = b"\xff\x20\x82" + len(inner).to_bytes(2, "big") + inner
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(CardProtocol):
        tlv.one(whole[:cut], 0xFF20)
