"""Commands as ISO 7816-3 writes them, and nothing personal in any text made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.card import apdu
from devices.card.apdu import Command, Response
from devices.card.signature import digest_info
from devices.errors import CardProtocol
from devices.simulated.card.apdu import parse


@pytest.mark.parametrize(
    ("command", "wire"),
    [
        (apdu.select_application(bytes.fromhex("A0000001510000")), "00A4040C07A0000001510000"),
        (apdu.select_file(0x000A), "00A4020C02000A"),
        (apdu.read_binary(0x0102, 256), "00B0010200"),
        (apdu.read_binary(0, 5), "00B0000005"),
        (apdu.read_binary(0, 32, 6), "00B0860020"),
        (apdu.read_binary(0x100, 4096), "00B00100001000"),
        (apdu.read_binary(0, 65536), "00B00000000000"),
        (apdu.tries_query(), "00200080"),
        (apdu.tries_query(0x18), "00200098"),
        (apdu.verify(memoryview(b"1234"), 4, 0x18), "002000980431323334"),
        (apdu.compute_signature(b"\x01", 0x17), "802A0097010100"),
        (apdu.verify(memoryview(b"1234"), 4), "002000800431323334"),
        (apdu.compute_signature(b"\x01\x02"), "802A008002010200"),
        (apdu.internal_authenticate(b"\x01"), "802A0000010100"),
        (apdu.get_response(16), "00C0000010"),
    ],
)
def test_on_the_wire(command: Command, wire: str) -> None:
    assert command.encode().hex().upper() == wire


@pytest.mark.parametrize(("data", "le"), [(b"", 0), (b"", 65537), (b"x", 257), (bytes(256), None)])
def test_lengths_that_no_command_has(data: bytes, le: int | None) -> None:
    with pytest.raises(ValueError, match="lengths"):
        Command(0, 0xB0, 0, 0, data, le)


def test_offset_and_short_identifier_have_their_bits() -> None:
    for offset, short in ((0x8000, None), (0x100, 10), (-1, None)):
        with pytest.raises(ValueError, match="15 bits"):
            apdu.read_binary(offset, 1, short)
    for short in (0, 31):
        with pytest.raises(ValueError, match="1 to 30"):
            apdu.tries_query(short)


@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=255),
    st.none() | st.integers(1, 256),
)
def test_the_card_understands_what_is_encoded(
    cla: int, ins: int, p1: int, p2: int, data: bytes, le: int | None
) -> None:
    """Against the virtual card's own parser, which shares no code with the client."""
    parsed = parse(bytes(Command(cla, ins, p1, p2, data, le).encode()))
    assert parsed is not None
    assert (parsed.cla, parsed.ins, parsed.p1, parsed.p2) == (cla, ins, p1, p2)
    assert (parsed.data, parsed.le, parsed.extended) == (data, le, False)


@given(st.integers(257, 65536))
def test_the_card_understands_an_extended_read(le: int) -> None:
    parsed = parse(bytes(Command(0x00, 0xB0, 0x01, 0x02, le=le).encode()))
    assert parsed is not None
    assert (parsed.data, parsed.le, parsed.extended) == (b"", le, True)


@pytest.mark.parametrize("pin", [b"", b"123", b"12345", b"12 4", "１２".encode()])
def test_pin_of_another_form_is_never_encoded(pin: bytes) -> None:
    with pytest.raises(CardProtocol) as caught:
        apdu.verify(memoryview(pin), 4)
    assert "12" not in str(caught.value)


@given(st.from_regex(r"[0-9]{4}", fullmatch=True))
def test_pin_is_in_no_text(pin: str) -> None:
    command = apdu.verify(memoryview(pin.encode()), 4)
    for text in (repr(command), str(command), f"{command}", f"{command!r}"):
        assert text == "Command(00 20 00 80, 4 bytes, le=None)"


def test_change_of_a_pin_shows_nothing_either() -> None:
    assert "31323334" not in repr(Command(0, 0x24, 1, 0x80, b"1234"))
    assert repr(apdu.compute_signature(b"secret")) == "Command(80 2A 00 80, 6 bytes, le=256)"


def test_select_shows_what_it_names() -> None:
    assert repr(apdu.select_file(0x0018)) == "Command(00 A4 02 0C, 0018, le=None)"


def test_response_shows_no_data() -> None:
    assert repr(Response(b"personal", 0x9000)) == "Response(8 bytes, 9000)"


@pytest.mark.parametrize(
    ("sw", "left"),
    [(0x63C3, 3), (0x63CF, 15), (0x63C0, 0), (0x6983, 0), (0x6984, 0), (0x9000, None), (0x6300, None), (0x6A82, None)],
)
def test_tries_left(sw: int, left: int | None) -> None:
    assert Response(b"", sw).tries_left == left


def test_digest_info_is_sha256_with_the_null_parameter() -> None:
    info = digest_info(b"abc")
    assert len(info) == 51
    assert info.hex().startswith("3031300d060960864801650304020105000420ba7816bf")
