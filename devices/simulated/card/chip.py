"""What the chip of the card answers: the state between commands, and every command (ISO/IEC 7816-4).

What real cards do beyond the standard after soltia48/myna-card, jpki/myna and OpenSC (facts only).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from devices.simulated.card.apdu import (
    BEYOND_END,
    CHAIN_EXPECTED,
    END_OF_FILE,
    MORE,
    NO_CHAINING,
    NO_CURRENT_FILE,
    NO_DIAGNOSIS,
    NO_FUNCTION,
    NO_RECORD,
    NO_REFERENCE,
    NOT_ALLOWED,
    NOT_AUTHENTIC,
    NOT_FOUND,
    NOT_SATISFIED,
    OK,
    TRIES,
    UNKNOWN_CLA,
    UNKNOWN_INS,
    WRONG_DATA,
    WRONG_FILE_KIND,
    WRONG_LE,
    WRONG_LENGTH,
    WRONG_P1P2,
    Answer,
    Command,
    parse,
    status,
)
from devices.simulated.card.applications import ISD, JPKI, applications
from devices.simulated.card.files import PersonCard
from devices.simulated.card.filesystem import (
    Application,
    ClosedFile,
    DataFile,
    File,
    KeyFile,
    PinFile,
    RecordFile,
    Secret,
)
from devices.simulated.card.keys import MESSAGE, VERBATIM, PrivateKey, WrongData, WrongForm
from devices.simulated.card.options import CardOptions, EndOfFile, Extended, Keep, TriesQuery
from devices.simulated.card.terminal import CHALLENGE_BYTES, TerminalSession

_CHAINING = 0x10  # bit of CLA
_MOST_CHAINED = 4096


class Chip:
    """Files, counters and the state of a session; knows no reader and no time."""

    def __init__(
        self,
        card: PersonCard,
        options: CardOptions,
        atr: bytes,
        tries: Mapping[str, int],
        changed: Callable[[dict[str, int]], None] | None,
    ) -> None:
        """`changed` gets the counters whenever one moved, before the command is answered."""
        self._options = options
        self._extended = options.extended is Extended.ALWAYS or (
            options.extended is Extended.ANNOUNCED and _announces_extended(atr)
        )
        self._applications = applications(card, tries, terminal_authentication=options.terminal_authentication)
        self._terminal_root = card.terminal_root
        self._changed = changed
        self._drowsy = False
        self.forget()

    def power_on(self) -> None:
        self.forget()
        self._drowsy = self._options.drowsy

    def forget(self) -> None:
        """Selection and security status, not the counters."""
        self._application: Application | None = None
        self._current: int | None = None
        self._verified: set[int] = set()
        self._terminal: TerminalSession | None = None
        self._pending = b""
        self._chain: Command | None = None

    def pins(self) -> list[tuple[str, PinFile]]:
        """By "application/EF"."""
        return [
            (f"{application.name}/{fid:04X}", file)
            for application in self._applications.values()
            for fid, file in application.files.items()
            if isinstance(file, PinFile)
        ]

    def keep_for_get_response(self, data: bytes) -> int:
        """Hold back the data of an answer; the status word that says so."""
        self._pending = data
        return MORE | min(len(data), 256) % 256

    def answer(self, apdu: bytes) -> Answer:
        if self._drowsy:
            self._drowsy = False
            return status(NO_DIAGNOSIS)
        command = parse(apdu)
        if command is None or (command.extended and not self._extended):
            return status(WRONG_LENGTH)
        if command.ins == 0xC0 and self._pending:
            return self._get_response(command)
        self._pending = b""
        if command.cla & _CHAINING or self._chain is not None:
            whole = self._chained(command)
            if isinstance(whole, int):
                return status(whole)
            command = whole
        return self._execute(command)

    def _chained(self, command: Command) -> Command | int:
        """The whole command at the end of a chain (ISO/IEC 7816-4 §5.3.3), a status word before."""
        so_far, self._chain = self._chain, None
        if not self._extended:
            return NO_CHAINING
        last = not command.cla & _CHAINING
        cla = command.cla & ~_CHAINING
        data = command.data
        if so_far is not None:
            if (so_far.cla, so_far.ins, so_far.p1, so_far.p2) != (cla, command.ins, command.p1, command.p2):
                return CHAIN_EXPECTED
            data = so_far.data + data
        if len(data) > _MOST_CHAINED:
            return WRONG_LENGTH
        whole = Command(cla, command.ins, command.p1, command.p2, data, command.le, command.le_all, command.extended)
        if not last:
            self._chain = whole
            return OK
        return whole

    def _execute(self, command: Command) -> Answer:
        match command.cla, command.ins:
            case 0x00, 0xA4:
                return self._select(command)
            case 0x00, 0xB0:
                return self._read_binary(command)
            case 0x00, 0xB2:
                return self._read_record(command)
            case 0x00, 0x20:
                return self._verify(command)
            case (0x00, 0x24) | (0x80, 0x32):
                return self._change(command)
            case 0x00, 0x84:
                return self._challenge(command)
            case 0x00, 0x88:
                return self._internal_authenticate(command)
            case 0x80, 0x2A:
                return self._sign(command)
            case 0x00, 0xCA:
                return self._get_data(command)
            case 0x80, 0xAE:
                return self._set_session_key()
            case 0x80, 0xFC:  # a phone's; cards refuse it
                return status(WRONG_LENGTH)
            case (0x00, 0x2A | 0x82) if self._terminal is not None:
                return self._authenticate_terminal(self._terminal, command)
            case 0x00, _:
                return status(UNKNOWN_INS)
            case _:
                return status(UNKNOWN_CLA)

    def _select(self, command: Command) -> Answer:
        match command.p1, command.p2:
            case 0x04, 0x00 | 0x0C:
                return self._select_application(command)
            case 0x02, 0x00 | 0x0C:
                if len(command.data) != 2:
                    return status(WRONG_LENGTH)
                fid = int.from_bytes(command.data)
                if self._application is None or fid not in self._application.files:
                    return status(NOT_FOUND)
                self._current = fid
                return status(OK)
            case 0x00, 0x00 if not command.data and self._application is not None and self._application.files:
                return status(OK)  # pretends to select the MF, and stays where it is
            case 0x00, _ if command.data:  # no MF by file identifier
                return status(NOT_FOUND)
            case _:
                return status(WRONG_P1P2)

    def _select_application(self, command: Command) -> Answer:
        """By name or the first part of it."""
        name = command.data
        if not 1 <= len(name) <= 16:
            return status(WRONG_LENGTH)
        names = self._applications
        aid = name if name in names else next((longer for longer in names if longer.startswith(name)), b"")
        application = names.get(aid)
        if application is None:
            return status(NOT_FOUND)
        if application is not self._application or self._options.reselect is Keep.CLEAR:
            self._verified.clear()
        self._application, self._current = application, None
        self._terminal = TerminalSession(self._terminal_root) if application.name == "terminal" else None
        if command.p2 == 0x00 and command.le is not None:
            inner = bytes([0x84, len(aid)]) + aid
            return bytes([0x6F, len(inner)]) + inner, OK
        return status(OK)

    def _file(self, fid: int | None) -> File | int:
        """The file, or the status word that says why there is none."""
        if fid is None or self._application is None:
            return NO_CURRENT_FILE
        return self._application.files.get(fid, NOT_FOUND)

    def _addressed(self, p2: int) -> tuple[int | None, File | int]:
        """P2 = 80: the current file; 80|sfi: the file with these last five bits, which becomes the current one."""
        if p2 & 0xE0 != 0x80:
            return None, WRONG_P1P2
        return self._by_short_identifier(p2 & 0x1F)

    def _by_short_identifier(self, sfi: int) -> tuple[int | None, File | int]:
        """0: the current file."""
        if sfi == 0:
            return self._current, self._file(self._current)
        if self._application is None or sfi not in self._application.files:
            return None, NOT_FOUND
        self._current = sfi
        return sfi, self._application.files[sfi]

    def _may_read(self, readers: frozenset[int] | None) -> bool:
        return readers is None or bool(readers & self._verified)

    def _read_binary(self, command: Command) -> Answer:
        if command.data or command.le is None:
            return status(WRONG_LENGTH)
        if command.p1 & 0x80:
            if command.p1 & 0x60 or command.p1 == 0x80:
                return status(WRONG_P1P2)
            _, file = self._addressed(command.p1)
            offset = command.p2
        else:
            file = self._file(self._current)
            offset = command.p1 << 8 | command.p2
        if isinstance(file, int):
            return status(file)
        if isinstance(file, ClosedFile) and file.transparent:
            return status(NOT_ALLOWED)
        if not isinstance(file, DataFile):
            return status(WRONG_FILE_KIND)
        if not self._may_read(file.readers):
            return status(NOT_ALLOWED)
        if offset >= len(file.content):
            return status(BEYOND_END)
        data = file.content[offset : offset + command.le]
        if len(data) < command.le:
            if self._options.end_of_file is EndOfFile.EXACT and len(data) <= 255:
                return status(WRONG_LE | len(data))
            if self._options.end_of_file is EndOfFile.WARN or not command.le_all:
                return data, END_OF_FILE
        return data, OK

    def _read_record(self, command: Command) -> Answer:
        if command.data or command.le is None:
            return status(WRONG_LENGTH)
        if command.p2 & 0x07 == 0x05:  # all from P1 on
            return status(NO_FUNCTION)
        if command.p2 & 0x07 != 0x04:
            return status(WRONG_P1P2)
        _, file = self._by_short_identifier(command.p2 >> 3)
        if isinstance(file, int):
            return status(file)
        if not isinstance(file, RecordFile):
            return status(WRONG_FILE_KIND)
        if command.p1 != 1:
            return status(NO_RECORD)
        data = file.record[: command.le]
        return data, OK if command.le_all or len(data) == command.le else END_OF_FILE

    def _verify(self, command: Command) -> Answer:
        if command.p1 != 0x00:
            return status(WRONG_P1P2)
        fid, file = self._addressed(command.p2)
        if isinstance(file, int):
            return status(file)
        if not isinstance(file, PinFile) or fid is None:
            return status(WRONG_FILE_KIND)
        if command.le is not None:
            return status(WRONG_LENGTH)
        if not command.data:
            return status(self._tries(fid, file))
        file.verifications += 1
        if file.left == 0:
            return status(int(self._options.blocked, 16))
        before = file.left
        if command.data == file.secret:
            file.left = file.limit
            self._verified.add(fid)
        else:
            self._verified.discard(fid)
            file.left -= 1
        if self._changed is not None and file.left != before:
            self._changed({name: pin.left for name, pin in self.pins()})
        return status(OK if fid in self._verified else TRIES | file.left)

    def _tries(self, fid: int, file: PinFile) -> int:
        """Case 1 asks for the tries left, of most cards also after a correct PIN: OpenSC relies on it."""
        match self._options.query:
            case TriesQuery.SILENT:
                return NOT_AUTHENTIC
            case TriesQuery.VERIFIED if fid in self._verified:
                return OK
            case _:
                return TRIES | file.left

    def _change(self, command: Command) -> Answer:
        """CHANGE REFERENCE DATA, or JICSAP CHANGE KEY: which of them is the application's own."""
        if self._application is None or self._application.change is None:
            return status(UNKNOWN_INS)
        if (command.cla, command.ins) != self._application.change[:2]:
            return status(UNKNOWN_INS)
        if command.p1 != self._application.change[2]:
            return status(WRONG_P1P2)
        fid, file = self._addressed(command.p2)
        if isinstance(file, int):
            return status(file)
        if not isinstance(file, PinFile):
            return status(WRONG_FILE_KIND)
        if fid not in self._verified:
            return status(NOT_ALLOWED)
        if not 1 <= len(command.data) <= 16 or command.le is not None:
            return status(WRONG_LENGTH)
        if file.kind is Secret.FIXED:
            return status(NOT_SATISFIED)
        if not file.allows(command.data):
            return status(WRONG_DATA)
        file.secret = command.data
        return status(OK)

    def _sign(self, command: Command) -> Answer:
        """COMPUTE DIGITAL SIGNATURE: P1 is the form (`keys`), P2 = 00 the key that needs no PIN."""
        if self._terminal is not None:
            return self._sign_for_terminal(self._terminal, command)
        if command.p2 == 0x00:
            key = self._application.default_key if self._application else None
            return status(NO_REFERENCE) if key is None else self._signature(key, command.p1, command)
        _, file = self._addressed(command.p2)
        if isinstance(file, int):
            return status(file)
        if not isinstance(file, KeyFile):
            return status(WRONG_FILE_KIND)
        if file.answers:
            return status(NOT_SATISFIED)
        if file.pin is not None and file.pin not in self._verified:
            # A form that no key has is refused before anybody asks for a PIN.
            return status(NOT_ALLOWED if command.p1 <= 0x05 else WRONG_P1P2)
        return self._signature(file.key, command.p1, command)

    def _signature(self, key: PrivateKey, form: int, command: Command) -> Answer:
        if command.le is None:
            return status(WRONG_LENGTH)
        if command.le < key.size:
            return status(WRONG_LE | key.size % 256)
        try:
            return key.sign(form, command.data), OK
        except WrongForm:
            return status(WRONG_P1P2)
        except WrongData:
            return status(WRONG_LENGTH)

    def _internal_authenticate(self, command: Command) -> Answer:
        """The key of the common application signs SHA-256 and DigestInfo of the challenge; the others do not."""
        if command.p1:
            return status(WRONG_P1P2)
        _, file = self._addressed(command.p2)
        if isinstance(file, int):
            return status(file)
        if not isinstance(file, KeyFile):
            return status(WRONG_FILE_KIND)
        if file.pin is not None and file.pin not in self._verified:
            return status(NOT_ALLOWED)
        if not file.answers:
            return status(NOT_SATISFIED)
        return self._signature(file.key, MESSAGE, command)

    def _challenge(self, command: Command) -> Answer:
        if command.p1 or command.p2:
            return status(WRONG_P1P2)
        if command.data or command.le is None:
            return status(WRONG_LENGTH)
        if command.extended:
            return status(NOT_SATISFIED)
        if self._terminal is not None:
            return (self._terminal.challenge(), OK) if command.le == CHALLENGE_BYTES else status(WRONG_LENGTH)
        return os.urandom(command.le), OK

    def _get_data(self, command: Command) -> Answer:
        """At the level of the card: after power-up and in the issuer security domain; the contacts' ATR everywhere."""
        tag = command.p1 << 8 | command.p2
        issuer = self._applications.get(ISD)
        inside = self._application is not None and self._application is not issuer
        if issuer is None or (inside and tag != 0x5F51):
            return status(UNKNOWN_INS)
        found = issuer.objects.get(tag)
        if found is None:
            return status(NO_REFERENCE)
        if command.data or command.le is None or command.le < len(found):
            return status(WRONG_LENGTH)  # a long object wants an extended Le
        return found, OK

    def _set_session_key(self) -> Answer:
        """Secure messaging is refused as each application refuses it; the text application takes no key of ours."""
        if self._application is None or not self._application.files:
            return status(UNKNOWN_INS)
        if self._application.session is not None:
            return status(self._application.session)
        return status(WRONG_DATA if 0x0011 in self._verified else NOT_ALLOWED)

    def _get_response(self, command: Command) -> Answer:
        data, self._pending = self._pending, b""
        if command.le is None or command.data or command.p1 or command.p2:
            return status(WRONG_LENGTH)
        if command.le > len(data) and not command.le_all:
            self._pending = data
            return status(WRONG_LE | len(data) % 256)
        rest = data[command.le :]
        return data[: command.le], self.keep_for_get_response(rest) if rest else OK

    # --- the test protocol of `devices.simulated.card.terminal` ---

    @staticmethod
    def _authenticate_terminal(session: TerminalSession, command: Command) -> Answer:
        if command.le is not None or not command.data:
            return status(WRONG_LENGTH)
        match command.ins, command.p1, command.p2:
            case 0x2A, 0x00, 0xBE:
                return status(session.verify_certificate(command.data))
            case 0x82, 0x00, 0x00:
                return status(session.external_authenticate(command.data))
            case _:
                return status(WRONG_P1P2)

    def _sign_for_terminal(self, session: TerminalSession, command: Command) -> Answer:
        file = self._applications[JPKI].files[0x0017]
        assert isinstance(file, KeyFile)
        if command.p1 or command.p2:
            return status(WRONG_P1P2)
        if (word := session.spend()) != OK:
            return status(word)
        return self._signature(file.key, VERBATIM, command)


def _announces_extended(atr: bytes) -> bool:
    """Whether the historical bytes hold card capabilities with chaining and extended length (ISO/IEC 7816-4
    §12.1.1.9, third byte of the compact object 73)."""
    count = atr[1] & 0x0F if len(atr) > 1 else 0
    # From the end: whether TCK is there depends on the protocol; all cards here offer T=1, so it is.
    historical = atr[-1 - count : -1] if count else b""
    at = historical.find(b"\x73")
    return at >= 0 and len(historical) > at + 3 and historical[at + 3] & 0xC0 == 0xC0
