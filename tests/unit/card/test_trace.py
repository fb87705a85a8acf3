"""A trace holds nothing of what card and person say, and a client that plays it takes the same way."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.blob import Blob
from devices.card import jpki, trace, visual
from devices.card.channel import CardChannel
from devices.card.profile import MY_NUMBER_CARD
from devices.card.reader import SimulatedCardReader
from devices.card.trace import LIMIT, Diverged, Line, Recorded, Replay, TraceFile
from devices.errors import CardMute, CardProtocol, CardRemoved, DeviceError, PinWrong
from devices.ports import CardPresent, CertificateRead, PhotoRead, PinSigned
from devices.secret import SecretBytes
from devices.simulated.card import VirtualCard
from devices.supervisor import InProcess
from tests.helpers.cards import Events, card_bytes, options, person, personas, world
from tests.helpers.stand_in import StandIn

ANNOUNCES = bytes.fromhex("3BDA13FF8131FB468012392F31C173C601C03B")


class Link:
    """A connection to a virtual card in this process; `verdict` may break it at an exchange."""

    def __init__(self, card: VirtualCard, verdict: Callable[[int], DeviceError | None] = lambda index: None) -> None:
        self.atr, self.reader = card.power_on(), "Reader of a test 00 00"
        self._card, self._verdict, self._index = card, verdict, itertools.count()

    def transmit(self, command: bytes | bytearray) -> bytes:
        error = self._verdict(next(self._index))
        if error is not None:
            raise error
        return self._card.process(bytes(command))

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def count(self) -> int | None:
        return None

    def reconnect(self) -> None: ...

    def close(self) -> None: ...


def visit(card: CardChannel, issuers: list[x509.Certificate], pin: bytes, number: bytes) -> list[str]:
    """Everything that the client does; what came of each step, in words."""
    came = []

    def step(work: Callable[[], object]) -> None:
        try:
            came.append(type(work()).__name__)
        except DeviceError as error:
            came.append(type(error).__name__)

    identity = None
    with suppress(DeviceError):
        identity = jpki.read_identity(card, issuers)
        came.append(f"{identity.token} of {len(identity.certificate)} bytes")
    step(lambda: jpki.pin_tries(card))
    step(lambda: visual.number_tries(card))
    if identity is not None:
        key = identity.key
        step(lambda: jpki.sign(card, key, SecretBytes(pin), b"message"))
    with suppress(DeviceError):
        visual.read_face(card, SecretBytes(number), b"message", None, lambda done, total: None)
    return came


def recorded(
    pin: bytes = b"1234",
    verdict: Callable[[int], DeviceError | None] = lambda index: None,
    **options: Any,
) -> tuple[list[str], list[str]]:
    """Lines, and what came of the steps."""
    lines: list[str] = []
    ticks = itertools.count()
    link = Recorded(Link(world().card("employee", **options), verdict), lines.append, clock=lambda: next(ticks) / 8)
    number = personas()["employee"].number_b.encode()
    reach = trace.announced(link.atr)
    came = visit(CardChannel(link, reach=reach), [x509.load_der_x509_certificate(world().auth_ca)], pin, number)
    return lines, came


MANNERS: list[dict[str, Any]] = [
    {},
    {"end_of_file": "warn"},
    {"end_of_file": "exact"},
    {"chained": True},
    {"drowsy": True},
    {"interface": "contact_extended"},
    {"interface": "contact_extended", "extended": "lies"},
]


# --- the same way --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", MANNERS)
@pytest.mark.parametrize("pin", [b"1234", b"9999"])
def test_the_client_goes_the_same_way_again(options: dict[str, Any], pin: bytes) -> None:
    lines, came = recorded(pin, **options)
    stand_in = StandIn(len(person("employee").auth_certificate))
    replay = Replay(lines, stand_in)
    again = visit(CardChannel(replay, reach=replay.reach), [stand_in.issuer], pin, b"00000000000000")
    assert replay.left == 0
    assert again == came


@pytest.mark.parametrize("index", range(12))
@pytest.mark.parametrize("error", [CardRemoved("x"), CardMute("x"), CardProtocol("x")])
def test_a_trouble_comes_at_the_same_exchange(index: int, error: DeviceError) -> None:
    lines, came = recorded(verdict=lambda at: error if at >= index else None)
    stand_in = StandIn(len(person("employee").auth_certificate))
    replay = Replay(lines, stand_in)
    assert visit(CardChannel(replay, reach=replay.reach), [stand_in.issuer], b"1234", b"0" * 14) == came
    assert replay.left == 0


def test_another_way_is_noticed() -> None:
    lines, _ = recorded()
    card = CardChannel(Replay(lines))
    card.select_application(MY_NUMBER_CARD.jpki)
    with pytest.raises(Diverged, match="exchange 1: 00b08600 lc 0 le 32"):
        card.select_file(MY_NUMBER_CARD.certificate)
    short = CardChannel(Replay(lines[:2]))
    short.select_application(MY_NUMBER_CARD.jpki)
    with pytest.raises(Diverged, match="after the last exchange: 00200098"):
        short.tries_left(MY_NUMBER_CARD.pin)


@pytest.mark.parametrize("text", ["{}", "[]", '{"command":1}', "nonsense", '{"reader":"x"}'])
def test_a_line_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a line|Expecting value"):
        Replay([text])


def test_lengths_are_held() -> None:
    line = Line("00b08a00", 0, 256, "", "9000", "", 3, "", 1)
    with pytest.raises(ValueError, match="had 3 bytes"):
        Replay([line.to_json()], lambda line, command: b"xx").transmit(bytes.fromhex("00B08A0000"))
    with pytest.raises(ValueError, match="length"):
        Replay([dataclasses.replace(line, got=1 << 30).to_json()])


# --- nothing of it -------------------------------------------------------------------------------------------------


def leaks(text: str, secret: bytes) -> bool:
    """Whether a run of it stands in the text: six bytes as digits, eight as letters (a PIN has only four)."""
    for size, spell in ((6, bytes.hex), (6, _base64), (8, _letters)):
        run = min(size, len(secret))
        for at in range(len(secret) - run + 1):
            if spell(secret[at : at + run]).lower() in text.lower():
                return True
    return False


def _base64(part: bytes) -> str:
    return base64.b64encode(part).decode().rstrip("=")[: len(part)]


def _letters(part: bytes) -> str:
    return repr(part)[2:-1]


def secrets_of(name: str) -> list[bytes]:
    holder, persona = person(name), personas()[name]
    certificate = holder.auth_certificate[4:]  # tag and length are kept
    face = holder.visual[0x0002].rstrip(b"\xff")[5:]
    return [persona.pin.encode(), persona.number_b.encode(), certificate, face, holder.visual[0x0004][5:700]]


@pytest.mark.parametrize("options", MANNERS)
def test_nothing_of_card_or_person_is_in_a_trace(options: dict[str, Any]) -> None:
    lines, _ = recorded(**options)
    text = "\n".join(lines)
    assert len(lines) > 10
    for secret in secrets_of("employee"):
        assert not leaks(text, secret)


@pytest.mark.parametrize("what", ["pin", "answer", "head"])
def test_a_leak_of_every_kind_would_be_found(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    true = Recorded._line

    def leaky(self: Recorded, command: bytes, answer: bytes, fault: str, seconds: float) -> Line:
        line = true(self, command, answer, fault, seconds)
        shown = {"pin": command[5:], "answer": answer[-20:-2], "head": answer[8:16]}[what]
        return dataclasses.replace(line, fault=bytes(shown).hex())

    monkeypatch.setattr(Recorded, "_line", leaky)
    text = "\n".join(recorded()[0])
    assert any(leaks(text, secret) for secret in secrets_of("employee"))


SENTINEL = bytes.fromhex("d7c9b3a5e1f3879b")  # in no header, constant or status word


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "3082", "ff2082", "7f2182", "4a504b49", "ff20", "30", "9005", "df2708"]),
            st.integers(0, 300),
            st.sampled_from(["9000", "6282", "63c2", "6982", "6110", "6c20", "6f00"]),
        ),
        max_size=60,
    ),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
    st.from_regex(r"[0-9]{14}", fullmatch=True),
)
@example([("", 0, "9000"), ("9005", 40, "9000"), ("df2708", 40, "9000")], "1234", "1" * 14)
def test_whatever_a_card_says_is_not_in_a_trace(answers: list[tuple[str, int, str]], pin: str, number: str) -> None:
    """Also where it would have to be kept if it were true."""

    class Says:
        atr, reader = ANNOUNCES, "Reader of a test 00 00"

        def __init__(self) -> None:
            self.left = list(answers)

        def transmit(self, command: bytes | bytearray) -> bytes:
            if not self.left:
                raise CardRemoved("x")
            head, size, status = self.left.pop(0)
            return bytes.fromhex(head) + (SENTINEL * 40)[:size] + bytes.fromhex(status)

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

    lines: list[str] = []
    ticks = itertools.count()
    link = Recorded(Says(), lines.append, clock=lambda: float(next(ticks)))
    visit(CardChannel(link), [x509.load_der_x509_certificate(world().auth_ca)], pin.encode(), number.encode())
    text = "\n".join(lines)
    assert not leaks(text, SENTINEL * 2)
    assert not leaks(text, number.encode())
    for line in lines[1:]:
        held = Line.from_json(line)
        if held.command[:4] == "0020":
            assert (held.selects, held.head, held.got) == ("", "", held.got)
        assert held.head[:2] in ("", "30", "ff", "7f", "4a")
        assert len(held.head) <= 10 or bytes.fromhex(held.head).rstrip().decode() in MY_NUMBER_CARD.labels


# --- the file ------------------------------------------------------------------------------------------------------


def test_file_is_bounded_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "card.jsonl"
    file = TraceFile(path, limit=1000)
    for _ in range(100):
        file.write("x" * 99)
    assert path.stat().st_size == 1000
    assert path.stat().st_mode & 0o777 == 0o600
    assert LIMIT == 1_048_576


def test_a_file_that_cannot_be_written_disturbs_nobody(tmp_path: Path) -> None:
    TraceFile(tmp_path / "missing" / "card.jsonl").write("x")
    target = tmp_path / "target"
    target.write_text("")
    (tmp_path / "link").symlink_to(target)
    TraceFile(tmp_path / "link").write("x")
    assert target.read_text() == ""


def test_the_card_process_writes_one_over_its_replacement(tmp_path: Path) -> None:
    path, events = tmp_path / "card.jsonl", Events()
    reader = SimulatedCardReader(options(trace=str(path)), InProcess)
    reader.start(events)
    try:
        reader.insert(card_bytes("employee"))
        presence = events.until(CardPresent).presence
        reader.read_certificate(1, presence)
        with events.until(CertificateRead).certificate:
            pass
        reader.sign_with_pin(2, presence, Blob.of(b"1234"), Blob.of(b"message"))
        with events.until(PinSigned).signature:
            pass
        reader.recycle()
        presence = events.until(CardPresent).presence
        number = personas()["employee"].number_b.encode()
        reader.read_photo(3, presence, Blob.of(number), Blob.of(b"message"))
        read = events.until(PhotoRead)
        with read.photo, read.evidence:
            pass
    finally:
        reader.stop()
    text = path.read_text()
    lines = text.splitlines()
    assert sum("reader" in json.loads(line) for line in lines) == 2
    assert sum(line.count('"00200098"') for line in lines) == 3  # two questions for the counter and one VERIFY
    for secret in secrets_of("employee"):
        assert not leaks(text, secret)


def test_a_wrong_pin_is_told_by_its_status_word() -> None:
    lines, came = recorded(b"9999")
    assert PinWrong.__name__ in came
    verify = [Line.from_json(line) for line in lines[1:] if '"00200098"' in line][-1]
    assert (verify.lc, verify.sw, verify.got) == (4, "63c2", 0)
