"""Cards whose files are wrong: each through the whole client, over scripted PC/SC, to the fault that belongs to it, and
the next card works."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.errors import DeviceFault as F
from devices.simulated.card import VirtualCard
from devices.simulated.card.files import PersonCard, tlv, unpad
from tests.contract.injection.test_card_process import NEXT, PATIENT, Ask, Kit, certificate, photo, walk
from tests.helpers.cards import person
from tests.helpers.picture import codestream, jp2
from tests.helpers.virtual_scard import VirtualScard, installed

Change = Callable[[bytes], bytes]
TOKEN, CERTIFICATE, FACE, CV = 0x0006, 0x000A, 0x0002, 0x0004
HEADER = 5  # FF 20 82 LL LL


def with_jpki(file: int, change: Change) -> PersonCard:
    card = person(PATIENT)
    return dataclasses.replace(card, jpki={**card.jpki, file: change(card.jpki[file])})


def with_visual(file: int, change: Change) -> PersonCard:
    card = person(PATIENT)
    return dataclasses.replace(card, visual={**card.visual, file: change(card.visual[file])})


def length(value: int) -> Change:
    """Another length in a header of the form 82 LLLL, wherever the tag ends."""

    def change(content: bytes) -> bytes:
        at = content.index(0x82, 1) + 1
        return content[:at] + value.to_bytes(2) + content[at + 2 :]

    return change


def with_photo(picture: bytes) -> Change:
    """Signed by nobody: the picture is judged whatever its signature says."""

    def change(content: bytes) -> bytes:
        size = int.from_bytes(content[3:HEADER])
        inner = content[HEADER : HEADER + size]
        at = inner.index(b"\xdf\x27")
        end = at + 5 + int.from_bytes(inner[at + 3 : at + 5])
        return tlv(0xFF20, inner[:at] + tlv(0xDF27, picture, long=True) + inner[end:], long=True) + b"\xff" * 16

    return change


def cut(size: int) -> Change:
    return lambda content: content[:size]


def first(byte: int) -> Change:
    return lambda content: bytes([byte]) + content[1:]


def inner(tag: int, at: int, value: bytes) -> Change:
    """Other bytes at a place counted from an element's tag."""

    def change(content: bytes) -> bytes:
        place = content.index(tag.to_bytes(2)) + at
        return content[:place] + value + content[place + len(value) :]

    return change


def twice(content: bytes) -> bytes:
    """The card's key given twice: two readers could take different ones."""
    size = int.from_bytes(content[3:HEADER])
    parts = content[HEADER : HEADER + size]
    return tlv(0xFF20, parts + parts[parts.index(b"\xdf\x24") : parts.index(b"\xdf\x25")], long=True) + b"\xff" * 16


PROTOCOL, UNREADABLE, PHOTO = {F.CARD_PROTOCOL}, {F.CERTIFICATE_UNREADABLE}, {F.PHOTO_INVALID}
BAD: dict[str, tuple[Callable[[], PersonCard], Ask, set[F]]] = {
    "certificate: another tag": (lambda: with_jpki(CERTIFICATE, first(0x31)), certificate, PROTOCOL),
    "certificate: indefinite length": (
        lambda: with_jpki(CERTIFICATE, lambda c: b"\x30\x80" + c[2:]), certificate, PROTOCOL,
    ),
    "certificate: longer than any file": (lambda: with_jpki(CERTIFICATE, length(0xFFFF)), certificate, PROTOCOL),
    "certificate: longer than its file": (lambda: with_jpki(CERTIFICATE, length(0x7FF0)), certificate, PROTOCOL),
    "certificate: one byte less": (
        lambda: with_jpki(CERTIFICATE, lambda c: length(len(unpad(c)) - 5)(c)), certificate, UNREADABLE,
    ),
    "certificate: length 0": (lambda: with_jpki(CERTIFICATE, length(0)), certificate, UNREADABLE),
    "certificate: file ends early": (lambda: with_jpki(CERTIFICATE, cut(300)), certificate, PROTOCOL),
    "certificate: one byte": (lambda: with_jpki(CERTIFICATE, cut(1)), certificate, PROTOCOL),
    "certificate: empty file": (lambda: with_jpki(CERTIFICATE, cut(0)), certificate, PROTOCOL | UNREADABLE),
    "certificate: changed in the middle": (
        lambda: with_jpki(CERTIFICATE, lambda c: c[:200] + bytes(8) + c[208:]), certificate,
        UNREADABLE | {F.FOREIGN_ISSUER},
    ),
    "face: another tag": (lambda: with_visual(FACE, first(0xFE)), photo, PROTOCOL),
    "face: longer than any file": (lambda: with_visual(FACE, length(0x8000)), photo, PROTOCOL),
    "face: longer than its file": (lambda: with_visual(FACE, length(0x7FF0)), photo, PROTOCOL),
    "face: shorter than what is in it": (lambda: with_visual(FACE, length(1000)), photo, PROTOCOL),
    "face: length 0": (lambda: with_visual(FACE, length(0)), photo, PROTOCOL),
    "face: photo longer than the file": (lambda: with_visual(FACE, inner(0xDF27, 3, b"\x7f\xff")), photo, PROTOCOL),
    "face: no photo": (lambda: with_visual(FACE, inner(0xDF27, 0, b"\xdf\x2b")), photo, PROTOCOL),
    "face: photo is another file's tag": (lambda: with_visual(FACE, inner(0xDF27, 0, b"\xdf\x28")), photo, PROTOCOL),
    "face: an element given twice": (lambda: with_visual(FACE, twice), photo, PROTOCOL),
    "face: key too small": (lambda: with_visual(FACE, inner(0xDF24, 5, bytes(270))), photo, PROTOCOL),
    "face: file ends early": (lambda: with_visual(FACE, cut(700)), photo, PROTOCOL),
    "CV certificate: file ends early": (lambda: with_visual(CV, cut(100)), photo, PROTOCOL),
    "CV certificate: another tag": (lambda: with_visual(CV, first(0x30)), photo, PROTOCOL),
    "photo: empty": (lambda: with_visual(FACE, with_photo(b"")), photo, PHOTO),
    "photo: JPEG": (lambda: with_visual(FACE, with_photo(b"\xff\xd8\xff\xe0" + bytes(400))), photo, PHOTO),
    "photo: PNG": (lambda: with_visual(FACE, with_photo(b"\x89PNG\r\n\x1a\n" + bytes(400))), photo, PHOTO),
    "photo: signature and nothing": (
        lambda: with_visual(FACE, with_photo(bytes.fromhex("0000000C6A5020200D0A870A"))), photo, PHOTO,
    ),
    "photo: ends early": (lambda: with_visual(FACE, with_photo(jp2(codestream())[:60])), photo, PHOTO),
    "photo: four thousand million pixels": (
        lambda: with_visual(FACE, with_photo(jp2(codestream(65_535, 65_535), 65_535, 65_535))), photo, PHOTO,
    ),
    "photo: a million tiles": (
        lambda: with_visual(FACE, with_photo(jp2(codestream(1_000, 1_000, tile=(1, 1)), 1_000, 1_000))), photo, PHOTO,
    ),
    "photo: header smaller than the codestream": (
        lambda: with_visual(FACE, with_photo(jp2(codestream(4_000, 4_000)))), photo, PHOTO,
    ),
}  # fmt: skip


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> dict[str, VirtualScard]:
    return installed(monkeypatch)


@pytest.mark.parametrize("what", BAD)
def test_wrong_content(what: str, services: dict[str, VirtualScard]) -> None:
    make, ask, faults = BAD[what]
    with Kit(services) as kit:
        card = VirtualCard(make())
        refused = kit.ask(ask, kit.put(card), PATIENT)
        assert refused is not None
        assert refused.fault in faults
        assert sum(card.verify_count.values()) == (ask is photo)
        kit.take()
        assert walk(kit, "face", kit.put(VirtualCard(person(NEXT))), NEXT) is None


def test_token_information_that_says_nothing_refuses_nobody(services: dict[str, VirtualScard]) -> None:
    with Kit(services) as kit:
        for change in (cut(1), cut(40), lambda content: bytes(160), lambda content: b"\xff" * 160):
            assert kit.ask(certificate, kit.put(VirtualCard(with_jpki(TOKEN, change))), PATIENT) is None
            kit.take()


@given(
    file=st.sampled_from([CERTIFICATE, FACE, CV]),
    at=st.integers(0, 1500),
    value=st.binary(min_size=1, max_size=6),
    size=st.integers(8, 2000) | st.none(),  # shorter ones stand above; the simulated card itself needs a header
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_to_a_file(
    services: dict[str, VirtualScard], file: int, at: int, value: bytes, size: int | None
) -> None:
    """One answer, of the faults that a card without sense may have; a damaged photo may still be one."""

    def change(content: bytes) -> bytes:
        return (content[:at] + value + content[at + len(value) :])[:size]

    card = VirtualCard(with_jpki(file, change) if file == CERTIFICATE else with_visual(file, change))
    with Kit(services) as kit:
        refused = walk(kit, "face", kit.put(card), PATIENT)
        assert refused is None or refused.fault in PROTOCOL | UNREADABLE | PHOTO | {F.FOREIGN_ISSUER}
        assert sum(card.verify_count.values()) <= 1
