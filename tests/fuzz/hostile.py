"""The whole client against a card that means harm, driven by the bytes of a fuzzer: one `execute(data)` is one card.

Everything of the client is real: the worker of the card process, its queue, its answers. Below it lies a connection
whose answers are those of a virtual card, as far as `data` does not say otherwise: each exchange takes one byte for
what is done to the answer (most values: nothing, so that long conversations are reached), and more for how.
When `data` is used up, the card is honest.

What holds whatever the card sends is checked here and raised as `Broken`, which is no `DeviceError`:
one answer for each job; bounded exchanges; one VERIFY at most, after a counter that allows it; nothing selected, read
or verified that the kiosk has no business with.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from devices.blob import Blob
from devices.card import chain, process
from devices.card.driver import CardLost, CardSeen, ReaderSeen, Seen
from devices.card.messages import ReadCertificate, ReadPhoto, Release, SignWithPin, Watch
from devices.errors import CardMute, CardProtocol, CardRemoved, CardReset, DeviceError, NoReader, ServiceDown
from devices.ports import CardProgress, CardRefused, CertificateRead, PhotoRead, PinSigned
from devices.simulated.card import VirtualCard, applications, keys
from devices.simulated.card.options import EndOfFile, Extended, Interface
from devices.simulated.card.pace import Traffic
from devices.simulated.world import World, load_personas, personas_folder
from tests.helpers.picture import picture

JPKI, VISUAL = bytes.fromhex("D392F000260100000001"), bytes.fromhex("D3921000310001010402")
LEAVE = bytes.fromhex("A0000001510000")
# The longest honest job is one photo file of 32 767 bytes in parts of 256, each through GET RESPONSE, and 40 more.
EXCHANGES = 1_024
TURNS = 3  # jobs of one card at most
MESSAGE = b"UKETSUKE-TEST" + bytes(51)
PHOTO = picture(bytes(range(256)))
SALT = "00112233445566778899aabbccddeeff"

_STATUS = (0x9000, 0x6282, 0x6300, 0x63C0, 0x63C1, 0x63C3, 0x63CA, 0x6700, 0x6981, 0x6982, 0x6983, 0x6984,
           0x6A82, 0x6B00, 0x6F00, 0x6100, 0x61FF, 0x6105, 0x6C00, 0x6C05, 0x6D00, 0x6E00, 0x0000, 0xFFFF)  # fmt: skip
_FAULTS: tuple[type[DeviceError], ...] = (CardRemoved, CardMute, CardReset, ServiceDown, NoReader, CardProtocol)
_PAYLOADS = ("certificate", "photo", "evidence", "signature")
_RESERVE = {JPKI: 0, VISUAL: 3}  # tries that are never touched


class Broken(Exception):
    """A promise of the client did not hold."""


class Bytes:
    """The fuzzer's bytes, taken from the front; zeros when there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def number(self) -> int:
        return self.byte() << 8 | self.byte()

    def take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]


@functools.cache
def small_world() -> World:
    """One patient, with keys of this process."""
    return World.build([persona for persona in load_personas(personas_folder()) if persona.id == "employee"], _photo)


def _photo(persona: Any) -> bytes:
    return PHOTO


@functools.cache
def options() -> dict[str, Any]:
    world = small_world()
    issuers, anchor = [base64.b64encode(world.auth_ca).decode()], base64.b64encode(world.cv_anchor).decode()
    return {"driver": "hostile", "reader": "", "csock": "", "issuers": issuers, "anchor": anchor, "salt": SALT}


class HostileCard:
    """A `CardConnection`. Keeps count of what the client does with it."""

    def __init__(self, card: VirtualCard, data: Bytes) -> None:
        self.reader = "Hostile reader 00 00"
        self.atr = card.atr
        self._card = card
        self._data = data
        self._honest = 0  # exchanges that pass untouched
        self._stuck: Callable[[bytes], bytes] | None = None  # from now on, every answer
        self.begin_job()

    def begin_job(self) -> None:
        self.exchanges = 0
        self.verifications = 0
        self._application = b""
        self._asking = False
        self._told: int | None = None  # the counter, as the client was told last

    def power_on(self) -> None:
        self._card.power_on()

    # --- CardConnection ---

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def close(self) -> None:
        self._card.power_off()

    def count(self) -> int:
        return 1

    def reconnect(self) -> None:
        self._card.power_on()

    def transmit(self, command: bytes | bytearray) -> bytes:
        sent = bytes(command)
        self.exchanges += 1
        if self.exchanges > EXCHANGES:
            raise Broken(f"more than {EXCHANGES} exchanges in one job")
        self._look_at(sent)
        answer = self._tamper(self._card.process(sent))
        self._asking = (sent[1] == 0x20 and len(sent) == 4) or (self._asking and sent[1] == 0xC0)
        if self._asking and len(answer) >= 2:
            self._told = answer[-1] & 0xF if answer[-2] == 0x63 and answer[-1] & 0xF0 == 0xC0 else None
        return answer

    # --- what the client may do ---

    def _look_at(self, sent: bytes) -> None:
        if len(sent) < 4:
            raise Broken("not a command")
        if sent[:3] == b"\x00\xa4\x04":
            self._application = sent[5 : 5 + sent[4]]
            self._told = None
            if self._application not in (JPKI, VISUAL, LEAVE):
                raise Broken("an application that is none of ours")
        elif sent[:3] == b"\x00\xa4\x02" and self._application == VISUAL and sent[-2:] in (b"\0\x05", b"\0\x13"):
            raise Broken("the My Number's picture, or its PIN")
        elif sent[1] == 0x20 and len(sent) > 5:
            self.verifications += 1
            if self.verifications > 1:
                raise Broken("VERIFY a second time in one job")
            if self._told is None or self._told <= _RESERVE[self._application]:
                raise Broken(f"VERIFY although the counter said {self._told}")

    # --- what the card does ---

    def _tamper(self, answer: bytes) -> bytes:
        if self._stuck is not None:
            return self._stuck(answer)
        if self._honest or not self._data.left:
            self._honest = max(0, self._honest - 1)
            return answer
        take = self._data
        match take.byte() >> 4:
            case 0x8:
                return answer[:-2] + _STATUS[take.byte() % len(_STATUS)].to_bytes(2, "big")
            case 0x9:
                return answer[:-2] + take.number().to_bytes(2, "big")
            case 0xA:
                return answer[: take.byte() % max(1, len(answer) - 1)] + answer[-2:]
            case 0xB:
                return answer[:-2] + take.take(take.byte()) + answer[-2:]
            case 0xC:
                return self._overwritten(answer)
            case 0xD:
                return take.take(take.byte()) + b"\x90\x00"
            case 0xE:
                return self._rude(take.byte())
            case 0xF:
                self._stick(take.byte())
                return answer if self._stuck is None else self._stuck(answer)
            case 0x7:
                self._honest = take.byte() % 64
                return answer
            case 0x6:  # the header of an element: tags and lengths are where clients go wrong
                return take.take(5) + answer[5:]
            case _:
                return answer

    def _overwritten(self, answer: bytes) -> bytes:
        changed = bytearray(answer)
        for _ in range(1 + self._data.byte() % 4):
            if changed:
                changed[self._data.byte() % len(changed)] = self._data.byte()
        return bytes(changed)

    def _rude(self, how: int) -> bytes:
        if how < 0x40:
            raise _FAULTS[how % len(_FAULTS)]
        if how < 0x80:
            return self._data.take(how & 1)
        return bytes(how << 8) + b"\x90\x00"  # up to 65 kB

    def _stick(self, how: int) -> None:
        word = _STATUS[how % len(_STATUS)].to_bytes(2, "big")
        match how >> 6:
            case 0:
                self._stuck = lambda answer: word
            case 1:
                self._stuck = lambda answer: answer[:1] + word
            case 2:  # everything comes in crumbs
                self._stuck = lambda answer: answer[:1] + answer[-2:] if len(answer) > 2 else answer
            case _:
                self._honest = 8 + how % 32


class _Driver:
    def __init__(self, connection: HostileCard) -> None:
        self._connection = connection
        self._sink: Callable[[Seen], None] = lambda seen: None

    def start(self, sink: Callable[[Seen], None]) -> None:
        self._sink = sink
        sink(ReaderSeen(self._connection.reader))
        sink(CardSeen(self._connection.reader))

    def connect(self, reader: str) -> HostileCard:
        self._connection.power_on()
        return self._connection

    def stop(self) -> None:
        self._sink(CardLost())


class _Channel:
    """The parent's end: takes answers, counts them, asks for the next job."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: dict[int, int] = {}
        self.ask: Callable[[], None] = lambda: None

    def send(self, message: object) -> None:
        if isinstance(message, CertificateRead | PhotoRead | PinSigned | CardRefused):
            self.answers[message.job] = self.answers.get(message.job, 0) + 1
            for name in _PAYLOADS:
                if (payload := getattr(message, name, None)) is not None:
                    payload.wipe()
            self.ask()
        elif isinstance(message, CardProgress) and not 0 < message.done <= message.total <= 0x7FFF:
            raise Broken("progress beyond the file")

    def close(self) -> None:
        return


class _RememberingKey:
    """There are two messages and two keys in all; a signature costs more than the rest of a job."""

    def __init__(self, der: bytes) -> None:
        key = keys.load_key(der)
        self.size = key.size
        self.sign = functools.cache(key.sign)


@contextmanager
def prepared() -> Iterator[None]:
    """Leaves out what costs time and finds nothing: waiting for a removal that will not come, and signing the same
    bytes again. Nothing of the client is replaced but the driver below it."""
    options()
    with (
        mock.patch.object(process, "_REMOVAL_SECONDS", 0.0),
        mock.patch.object(process, "_driver", _driver),
        mock.patch.object(Traffic, "count", _uncounted),
        mock.patch.object(chain, "_issued_by", _issued_by),
        mock.patch.object(applications, "load_key", functools.cache(_RememberingKey)),
    ):
        yield


_whole_judgement = chain._issued_by


@functools.lru_cache(1024)
def _judge(certificate: Any, issuer: Any) -> bool:
    return _whole_judgement(certificate, certificate.extensions, issuer)


def _issued_by(certificate: Any, extensions: Any, issuer: Any) -> bool:
    """The client's own judgement, remembered for certificates of the same bytes."""
    return _judge(certificate, issuer)


def _uncounted(traffic: Traffic, *_: Any) -> float:
    """How long a genuine link would take is of no use here."""
    return 0.0


_current: list[HostileCard] = []


def _driver(options: Any, send: Any) -> tuple[_Driver, None]:
    return _Driver(_current[-1]), None


def _new_card(manners: int) -> VirtualCard:
    return VirtualCard(
        small_world().cards["employee"],
        reselect="keep" if manners & 1 else "clear",
        end_of_file=tuple(EndOfFile)[(manners >> 1) % 3],
        chained=bool(manners & 0x10),
        interface=(Interface.CONTACT, Interface.CONTACT_EXTENDED)[manners >> 5 & 1],
        extended=(Extended.ANNOUNCED, Extended.LIES)[manners >> 3 & 1],
        counters={"jpki/0018": (3, 1, 0, 3)[manners >> 6]},
    )


_full_card = functools.cache(_new_card)


def _card(manners: int) -> VirtualCard:
    """A card whose counters are full is the same after any execution: only right PINs are sent."""
    if 1 <= manners >> 6 <= 2:
        return _new_card(manners)
    card = _full_card(manners)
    card.power_off()
    return card


def execute(data: bytes) -> None:
    """One hostile card from the first job to the last, inside `prepared`. Raises whatever the client lets out, and
    `Broken`."""
    take = Bytes(data)
    manners, script = take.byte(), take.byte()
    person = small_world().cards["employee"]
    card = _card(manners)
    connection = HostileCard(card, take)
    channel = _Channel()
    _current[:] = [connection]
    worker: Any = process._Worker(channel, options())
    person_jobs = {
        0: lambda job: ReadCertificate(job, 1),
        1: lambda job: ReadPhoto(job, 1, Blob.of(person.number_b.encode()), Blob.of(MESSAGE)),
        2: lambda job: SignWithPin(job, 1, Blob.of(person.pin.encode()), Blob.of(MESSAGE)),
    }

    turns = TURNS if script >> 6 == 3 else 1

    def ask() -> None:
        """The next job, while there are bytes that may spoil it."""
        connection.begin_job()
        if channel.asked == turns or (channel.asked and not take.left):
            worker._jobs.put(None)
            return
        kind = script >> 2 * channel.asked & 3
        channel.asked += 1
        if kind == 3:
            worker.put(Release())
            kind = 0
        worker.put(person_jobs[kind](channel.asked))

    channel.ask = ask
    worker.put(Watch(0))
    ask()
    worker.run()
    if channel.answers != dict.fromkeys(range(1, channel.asked + 1), 1):
        raise Broken(f"answers by job: {channel.answers}, of {channel.asked}")
