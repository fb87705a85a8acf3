"""The virtual My Number Card: a pure `process(apdu) -> answer`, strict to the publicly known behaviour.

It shares no code with `devices.card`, so that each can find the other's mistakes. Commands after ISO/IEC 7816-4;
applications, elementary files and access rules after soltia48/myna-card, jpki/myna and OpenSC (facts only).

Raw RSA with Python integers is not constant-time. That does not matter here: the keys are test keys that lie in a
file beside this program.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from devices.simulated.files import MY_NUMBER, WITHOUT_APPLICATIONS, CardKind, PersonCard
from devices.simulated.pace import Pace, Traffic

JPKI = bytes.fromhex("D392F000260100000001")
VISUAL = bytes.fromhex("D3921000310001010402")  # 券面事項確認AP
TEXT = bytes.fromhex("D3921000310001010408")  # 券面事項入力補助AP
COMMON = bytes.fromhex("D3921000310001010100")
ISD = bytes.fromhex("A0000001510000")  # GlobalPlatform issuer security domain

OK = 0x9000
END_OF_FILE = 0x6282
TRIES = 0x63C0
WRONG_LENGTH = 0x6700
WRONG_FILE_KIND = 0x6981
NOT_ALLOWED = 0x6982
BLOCKED = 0x6984
NOT_SATISFIED = 0x6985
NO_CURRENT_FILE = 0x6986
NOT_FOUND = 0x6A82
NO_RECORD = 0x6A83
WRONG_P1P2 = 0x6A86
NO_REFERENCE = 0x6A88
BEYOND_END = 0x6B00
WRONG_LE = 0x6C00
UNKNOWN_INS = 0x6D00
UNKNOWN_CLA = 0x6E00

_DIGEST_INFO_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


class CardPulled(Exception):
    """The card left the reader while it worked."""


class CardUnpowered(Exception):
    """A command before `power_on`: a mistake of the caller."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of (or before) the true answer.

    `delay`: seconds until the answer (ended early by `VirtualCard.release`). `pull`: the card is taken away before it
    answers. `answer`: these bytes are sent and the command is not carried out. None of them: nothing changes.
    """

    answer: bytes | None = None
    pull: bool = False
    delay: float = 0.0


FaultHook = Callable[[int, bytes], Fault | None]


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Apply `fault` to the APDU with this index (from 0, counted since the hook was set) and/or instruction byte.

    `at` None: every one; `ins` None: any. `times`: how often at most the rule applies, None for always.
    """

    fault: Fault
    at: int | None = None
    ins: int | None = None
    times: int | None = 1


class FaultPlan:
    """A `FaultHook` made of rules; can be sent to another process as JSON."""

    def __init__(self, rules: Iterable[FaultRule]) -> None:
        self._rules = [[rule, rule.times] for rule in rules]

    def __call__(self, index: int, apdu: bytes) -> Fault | None:
        for entry in self._rules:
            rule, left = entry
            assert isinstance(rule, FaultRule)
            if left == 0 or (rule.at is not None and rule.at != index):
                continue
            if rule.ins is not None and apdu[1:2] != bytes([rule.ins]):
                continue
            if isinstance(left, int):
                entry[1] = left - 1
            return rule.fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        rules = [rule for rule, _ in self._rules if isinstance(rule, FaultRule)]
        return [
            {
                "at": rule.at,
                "ins": rule.ins,
                "times": rule.times,
                "answer": None if rule.fault.answer is None else rule.fault.answer.hex(),
                "pull": rule.fault.pull,
                "delay": rule.fault.delay,
            }
            for rule in rules
        ]

    @classmethod
    def from_json(cls, value: list[dict[str, Any]]) -> FaultPlan:
        return cls(
            FaultRule(
                Fault(
                    None if entry["answer"] is None else bytes.fromhex(entry["answer"]),
                    entry["pull"],
                    entry["delay"],
                ),
                entry["at"],
                entry["ins"],
                entry["times"],
            )
            for entry in value
        )


class EndOfFile(StrEnum):
    """How READ BINARY answers when Le goes beyond the end of the file; real cards and readers differ.

    LENIENT: what is there with 9000 for Le = "all" (00), with 6282 for a number. WARN: always 6282.
    EXACT: 6Cxx with the right length, without data.
    """

    LENIENT = "lenient"
    WARN = "warn"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Command:
    """A command APDU (ISO/IEC 7816-3 §12.1). `le` is the number of bytes wanted at most, None when absent."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    le: int | None
    le_all: bool = False  # Le was 00 or 0000
    extended: bool = False


def parse(apdu: bytes) -> Command | None:
    """The command, or None when the lengths do not fit together (-> 6700)."""
    if len(apdu) < 4:
        return None
    cla, ins, p1, p2 = apdu[:4]
    body = apdu[4:]
    if not body:
        return Command(cla, ins, p1, p2, b"", None)
    if len(body) == 1:
        return Command(cla, ins, p1, p2, b"", body[0] or 256, body[0] == 0)
    if body[0]:
        size, rest = body[0], body[1:]
        if len(rest) == size:
            return Command(cla, ins, p1, p2, rest, None)
        if len(rest) == size + 1:
            return Command(cla, ins, p1, p2, rest[:size], rest[size] or 256, rest[size] == 0)
        return None
    if len(body) == 3:
        le = int.from_bytes(body[1:])
        return Command(cla, ins, p1, p2, b"", le or 65536, le == 0, True)
    size, rest = int.from_bytes(body[1:3]), body[3:]
    if size == 0 or len(body) < 3:
        return None
    if len(rest) == size:
        return Command(cla, ins, p1, p2, rest, None, False, True)
    if len(rest) == size + 2:
        le = int.from_bytes(rest[size:])
        return Command(cla, ins, p1, p2, rest[:size], le or 65536, le == 0, True)
    return None


class Key:
    """A private RSA key as the card uses it: PKCS#1 v1.5 type-1 padding of the data as it comes, then RSA."""

    def __init__(self, der: bytes) -> None:
        # The check of the primes takes longer than everything else here, and set-up made these keys itself.
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("not an RSA key")
        self._numbers = key.private_numbers()
        self.size = key.key_size // 8

    def sign(self, data: bytes) -> bytes:
        """EM = 00 01 FF… 00 ‖ data (RFC 8017 §9.2, without making the DigestInfo), then the CRT form of §5.1.2."""
        if not 1 <= len(data) <= self.size - 11:
            raise ValueError("data does not fit the key")
        message = int.from_bytes(b"\x00\x01" + b"\xff" * (self.size - 3 - len(data)) + b"\x00" + data)
        n = self._numbers
        first, second = pow(message, n.dmp1, n.p), pow(message, n.dmq1, n.q)
        return (second + n.q * ((n.iqmp * (first - second)) % n.p)).to_bytes(self.size)


FREE: frozenset[int] | None = None


@dataclass(slots=True)
class DataFile:
    """A transparent file; `readers`: any one of these PIN files has to be verified (None: free)."""

    content: bytes
    readers: frozenset[int] | None = FREE


@dataclass(slots=True)
class RecordFile:
    record: bytes
    readers: frozenset[int] | None = FREE


@dataclass(slots=True)
class PinFile:
    secret: bytes
    limit: int
    left: int
    verifications: int = 0  # VERIFY commands with data that arrived


@dataclass(slots=True)
class KeyFile:
    key: Key
    pin: int


File = DataFile | RecordFile | PinFile | KeyFile


@dataclass(slots=True)
class Application:
    name: str
    files: dict[int, File] = field(default_factory=dict)
    default_key: Key | None = None  # P2 = 00 of COMPUTE DIGITAL SIGNATURE / INTERNAL AUTHENTICATE, no PIN


class VirtualCard:
    """One card. Counters live as long as the object; `power_off` forgets only what a loss of power forgets.

    `reselect`: whether selecting the application that is already selected clears its security status (sources
    contradict each other; a client has to work with both). `chained`: answers of more than 2 bytes come as 61xx and
    are fetched by GET RESPONSE, as through a T=0 reader. `counters`: tries left by "application/EF", over those of
    `card`. `pace`: of the link; the card only reckons (`traffic`, `last_seconds`), who holds it waits.
    """

    def __init__(
        self,
        card: PersonCard,
        *,
        reselect: Literal["clear", "keep"] = "clear",
        end_of_file: EndOfFile = EndOfFile.LENIENT,
        chained: bool = False,
        counters: Mapping[str, int] | None = None,
        faults: FaultHook | None = None,
        pace: Pace = Pace.NONE,
    ) -> None:
        self.traffic = Traffic()
        self.last_seconds = 0.0  # link and thinking of the last exchange
        self._pace = pace
        self.id = card.id
        self.atr = card.atr
        self._kind = card.kind
        self._reselect = reselect
        self._end_of_file = end_of_file
        self._chained = chained
        self._applications = _applications(card, {**card.tries, **(counters or {})})
        self._released = threading.Event()
        self._faults = faults
        self._index = 0
        self._powered = False
        self._forget()

    # --- what a reader does ---

    def power_on(self) -> bytes:
        """Cold start; the ATR (empty from a mute card)."""
        self._forget()
        self._powered = True
        return self.atr

    def power_off(self) -> None:
        self._forget()
        self._powered = False

    def reset(self) -> bytes:
        """Warm reset: the security status survives (reported of real cards), and the selection with it."""
        self._powered = True
        return self.atr

    def process(self, apdu: bytes) -> bytes:
        """Answer a command APDU with data and status word. Raises `CardPulled` when a fault says so.

        Only a card of kind MUTE (and a fault) answers fewer than two bytes.
        """
        if not self._powered:
            raise CardUnpowered
        response = self._respond(apdu)
        self.last_seconds = self.traffic.count(self._pace, apdu, response, self.atr)
        return response

    def _respond(self, apdu: bytes) -> bytes:
        fault = self._faults(self._index, apdu) if self._faults else None
        self._index += 1
        if fault is not None:
            if fault.delay:
                self._released.wait(fault.delay)
            if fault.pull:
                self.power_off()
                raise CardPulled
            if fault.answer is not None:
                return fault.answer
        if self._kind is CardKind.MUTE:
            return b""
        data, status = self._answer(apdu)
        if self._chained and data and apdu[1] != 0xC0:
            self._pending = data
            return (0x6100 | min(len(data), 256) % 256).to_bytes(2)
        return data + status.to_bytes(2)

    # --- what a test does ---

    def set_faults(self, faults: FaultHook | None) -> None:
        """Replace the fault hook and count APDUs from 0 again."""
        self._faults = faults
        self._index = 0
        self._released.clear()

    def release(self) -> None:
        """End every delay, now and until the next `set_faults`."""
        self._released.set()

    @property
    def counters(self) -> dict[str, int]:
        """Tries left, by "application/EF": "jpki/0018", "visual/0012" …"""
        return {name: pin.left for name, pin in self._pins()}

    @property
    def verify_count(self) -> dict[str, int]:
        """How many VERIFY commands with data arrived, by "application/EF"."""
        return {name: pin.verifications for name, pin in self._pins()}

    def __repr__(self) -> str:
        return f"VirtualCard({self.id!r})"

    def _pins(self) -> list[tuple[str, PinFile]]:
        return [
            (f"{application.name}/{fid:04X}", file)
            for application in self._applications.values()
            for fid, file in application.files.items()
            if isinstance(file, PinFile)
        ]

    # --- commands ---

    def _forget(self) -> None:
        self._application: Application | None = None
        self._current: int | None = None
        self._verified: set[int] = set()
        self._pending = b""

    def _answer(self, apdu: bytes) -> tuple[bytes, int]:
        command = parse(apdu)
        if command is None:
            return b"", WRONG_LENGTH
        if command.ins == 0xC0 and self._pending:
            return self._get_response(command)
        self._pending = b""
        if command.cla == 0x80 and command.ins == 0x2A:
            return self._sign(command)
        if command.cla != 0x00:
            return b"", UNKNOWN_CLA
        match command.ins:
            case 0xA4:
                return self._select(command)
            case 0xB0:
                return self._read_binary(command)
            case 0xB2:
                return self._read_record(command)
            case 0x20:
                return self._verify(command)
            case 0x24:
                return self._change(command)
            case 0x84:
                return self._challenge(command)
            case 0xCA if self._application is not None and self._application.name == "isd":
                return b"", NO_REFERENCE
            case _:
                return b"", UNKNOWN_INS

    def _select(self, command: Command) -> tuple[bytes, int]:
        if command.p1 == 0x04 and command.p2 in (0x00, 0x0C):
            if not 1 <= len(command.data) <= 16:
                return b"", WRONG_LENGTH
            application = self._applications.get(command.data)
            if application is None:
                return b"", NOT_FOUND
            if application is not self._application or self._reselect == "clear":
                self._verified.clear()
            self._application, self._current = application, None
            if command.p2 == 0x00 and command.le is not None:
                inner = bytes([0x84, len(command.data)]) + command.data
                return bytes([0x6F, len(inner)]) + inner, OK
            return b"", OK
        if command.p1 == 0x02 and command.p2 in (0x00, 0x0C):
            if len(command.data) != 2:
                return b"", WRONG_LENGTH
            fid = int.from_bytes(command.data)
            if self._application is None or fid not in self._application.files:
                return b"", NOT_FOUND
            self._current = fid
            return b"", OK
        if command.p1 == 0x00 and command.data:  # no MF by file identifier
            return b"", NOT_FOUND
        return b"", WRONG_P1P2

    def _file(self, fid: int | None) -> File | int:
        """The file, or the status word that says why there is none."""
        if fid is None or self._application is None:
            return NO_CURRENT_FILE
        return self._application.files.get(fid, NOT_FOUND)

    def _addressed(self, p2: int) -> tuple[int | None, File | int]:
        """P2 = 80: the current file; 80|sfi: the file with these last five bits."""
        if p2 & 0xE0 != 0x80:
            return None, WRONG_P1P2
        if p2 == 0x80:
            return self._current, self._file(self._current)
        fid = p2 & 0x1F
        if self._application is None or fid not in self._application.files:
            return None, NOT_FOUND
        self._current = fid
        return fid, self._application.files[fid]

    def _may_read(self, readers: frozenset[int] | None) -> bool:
        return readers is None or bool(readers & self._verified)

    def _read_binary(self, command: Command) -> tuple[bytes, int]:
        if command.data or command.le is None:
            return b"", WRONG_LENGTH
        if command.p1 & 0x80:
            if command.p1 & 0x60 or command.p1 == 0x80:
                return b"", WRONG_P1P2
            _, file = self._addressed(command.p1)
            offset = command.p2
        else:
            file = self._file(self._current)
            offset = command.p1 << 8 | command.p2
        if isinstance(file, int):
            return b"", file
        if not isinstance(file, DataFile):
            return b"", WRONG_FILE_KIND
        if not self._may_read(file.readers):
            return b"", NOT_ALLOWED
        if offset >= len(file.content):
            return b"", BEYOND_END
        data = file.content[offset : offset + command.le]
        if len(data) < command.le:
            if self._end_of_file is EndOfFile.EXACT and len(data) <= 255:
                return b"", WRONG_LE | len(data)
            if self._end_of_file is EndOfFile.WARN or not command.le_all:
                return data, END_OF_FILE
        return data, OK

    def _read_record(self, command: Command) -> tuple[bytes, int]:
        if command.data or command.le is None:
            return b"", WRONG_LENGTH
        if command.p2 != 0x04:
            return b"", WRONG_P1P2
        file = self._file(self._current)
        if isinstance(file, int):
            return b"", file
        if not isinstance(file, RecordFile):
            return b"", WRONG_FILE_KIND
        if not self._may_read(file.readers):
            return b"", NOT_ALLOWED
        if command.p1 != 1:
            return b"", NO_RECORD
        data = file.record[: command.le]
        return data, OK if command.le_all or len(data) == command.le else END_OF_FILE

    def _verify(self, command: Command) -> tuple[bytes, int]:
        if command.p1 != 0x00:
            return b"", WRONG_P1P2
        fid, file = self._addressed(command.p2)
        if isinstance(file, int):
            return b"", file
        if not isinstance(file, PinFile) or fid is None:
            return b"", WRONG_FILE_KIND
        if command.le is not None:
            return b"", WRONG_LENGTH
        if not command.data:  # case 1 asks for the tries left, also after a correct PIN
            return b"", TRIES | file.left
        file.verifications += 1
        if file.left == 0:
            return b"", BLOCKED
        if command.data == file.secret:
            file.left = file.limit
            self._verified.add(fid)
            return b"", OK
        self._verified.discard(fid)
        file.left -= 1
        return b"", TRIES | file.left

    def _change(self, command: Command) -> tuple[bytes, int]:
        if command.p1 != 0x01:
            return b"", WRONG_P1P2
        fid, file = self._addressed(command.p2)
        if isinstance(file, int):
            return b"", file
        if not isinstance(file, PinFile):
            return b"", WRONG_FILE_KIND
        if fid not in self._verified:
            return b"", NOT_ALLOWED
        if not 1 <= len(command.data) <= 16 or command.le is not None:
            return b"", WRONG_LENGTH
        file.secret = command.data
        return b"", OK

    def _sign(self, command: Command) -> tuple[bytes, int]:
        if command.p1 not in (0x00, 0x02):
            return b"", WRONG_P1P2
        if command.p2 == 0x00:
            key = self._application.default_key if self._application else None
            if key is None:
                return b"", NO_REFERENCE
        else:
            _, file = self._addressed(command.p2)
            if isinstance(file, int):
                return b"", file
            if not isinstance(file, KeyFile):
                return b"", WRONG_FILE_KIND
            if file.pin not in self._verified:
                return b"", NOT_ALLOWED
            key = file.key
        data = command.data
        if command.p1 == 0x02:
            data = _DIGEST_INFO_SHA256 + data if len(data) == 32 else b""
        if command.le is None or not 1 <= len(data) <= key.size - 11:
            return b"", WRONG_LENGTH
        if command.le < key.size:
            return b"", WRONG_LE | key.size % 256
        return key.sign(data), OK

    def _challenge(self, command: Command) -> tuple[bytes, int]:
        if command.p1 or command.p2:
            return b"", WRONG_P1P2
        if command.data or command.le is None:
            return b"", WRONG_LENGTH
        if command.extended:
            return b"", NOT_SATISFIED
        return os.urandom(command.le), OK

    def _get_response(self, command: Command) -> tuple[bytes, int]:
        data, self._pending = self._pending, b""
        if command.le is None or command.data or command.p1 or command.p2:
            return b"", WRONG_LENGTH
        if command.le > len(data) and not command.le_all:
            self._pending = data
            return b"", WRONG_LE | len(data) % 256
        return data[: command.le], OK


def _applications(card: PersonCard, tries: Mapping[str, int]) -> dict[bytes, Application]:
    """The applications of a card by AID: access rules as in the tables of the public sources."""
    if card.kind in WITHOUT_APPLICATIONS:
        return {}

    def pin(name: str, secret: str, limit: int) -> PinFile:
        return PinFile(secret.encode(), limit, tries.get(name, limit))

    jpki: dict[int, File] = {fid: DataFile(content) for fid, content in card.jpki.items()}
    if 0x0001 in card.jpki:
        jpki[0x0001] = DataFile(card.jpki[0x0001], frozenset({0x001B}))
    if card.kind is CardKind.PHONE:  # where the certificate, too, is behind the PIN
        jpki[0x000A] = DataFile(card.jpki[0x000A], frozenset({0x0018}))
    jpki[0x0017] = KeyFile(Key(card.auth_key), 0x0018)
    jpki[0x0018] = pin("jpki/0018", card.pin, 3)
    if card.sign_key:
        jpki[0x001A] = KeyFile(Key(card.sign_key), 0x001B)
    jpki[0x001B] = pin("jpki/001B", card.sign_pin, 5)
    if card.kind is CardKind.PHONE:
        return {JPKI: Application("jpki", jpki), ISD: Application("isd")}

    readers: dict[int, frozenset[int] | None] = {
        0x0001: frozenset({0x0011}),
        0x0002: frozenset({0x0012, 0x0013}),
        0x0005: frozenset({0x0013}),
    }
    visual: dict[int, File] = {fid: DataFile(content, readers.get(fid, FREE)) for fid, content in card.visual.items()}
    visual[0x0011] = pin("visual/0011", card.birth_pin, 10)
    visual[0x0012] = pin("visual/0012", card.number_b, 10)
    visual[0x0013] = pin("visual/0013", MY_NUMBER, 10)

    readers = {
        0x0001: frozenset({0x0011, 0x0014}),
        0x0002: frozenset({0x0011, 0x0015}),
        0x0003: frozenset({0x0011, 0x0014, 0x0015}),
    }
    text: dict[int, File] = {fid: DataFile(content, readers.get(fid, FREE)) for fid, content in card.text.items()}
    text[0x0011] = pin("text/0011", card.pin, 3)
    text[0x0012] = PinFile(b"", 0, 0)  # always blocked on real cards too
    text[0x0014] = pin("text/0014", MY_NUMBER, 10)
    text[0x0015] = pin("text/0015", card.number_b, 10)

    common: dict[int, File] = {
        0x0001: RecordFile(card.common, frozenset({0x001C})),
        0x001C: pin("common/001C", card.pin, 3),
    }
    return {
        JPKI: Application("jpki", jpki),
        VISUAL: Application("visual", visual, Key(card.card_key)),
        TEXT: Application("text", text),
        COMMON: Application("common", common),
        ISD: Application("isd"),
    }
