"""Personas: who comes to the counter in the simulated world. One flat TOML file each, in assets/personas.

Everything in them is fictional and says so: names begin with 試験, insurers end with （模擬）, numbers begin with 99.
Each `[[ending]]` says what must happen when this person goes one way; `kiosk demo --all` holds the kiosk to it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from devices.simulated.card.files import CardKind

NAME_PREFIX = "試験"
INSURER_MARK = "（模擬）"

# First days of the eras (元号法 and its orders), newest first; the year of the era counts from 1.
_ERAS = (date(2019, 5, 1), date(1989, 1, 8), date(1926, 12, 25), date(1912, 7, 30))

KINDS = ("医科", "歯科", "調剤")
ENCODINGS = ("UTF-8", "Shift_JIS")
# With the card: how one is recognised and what one answers. Without: what one brings for the look-up by number.
CARD_WAYS = ("face", "pin", "staff", "each", "decline", "register", "register_pin", "swap", "none")
LOOKUP_WAYS = ("lookup", "notice", "portal", "notice_alone", "portal_alone")
WAYS = (*CARD_WAYS, *LOOKUP_WAYS, "leaflet")
# What the endings may answer otherwise than the way says.
QUESTIONS = ("SHJ", "SRJ", "YZK", "TKK", "TSR", "limit", "subsidy", "prescription", "dispense")
# What is the matter with the printed card when it is laid down: its back is up, or its security code is worn away.
LAID = ("", "face_down", "worn")
SUBSIDIES = ("none", "unsupported", "available")
OUTCOMES = ("provided", "declined", "none", "unsupported")

T = TypeVar("T")


class PersonaError(Exception):
    """A persona file that does not say what it must; names file, key and what is allowed."""


@dataclass(frozen=True, slots=True)
class Medication:
    """One line of the fictional medication history (薬剤情報)."""

    day: date
    name: str
    dose: str
    days: int


@dataclass(frozen=True, slots=True)
class Checkup:
    """One line of the fictional health check (特定健診情報)."""

    day: date
    item: str
    value: str


@dataclass(frozen=True, slots=True)
class Elderly:
    """高齢受給者証."""

    valid_from: date
    valid_until: date | None
    ratio: str


@dataclass(frozen=True, slots=True)
class Limit:
    """限度額適用認定証: OQSCD011, OQSCD012."""

    classification: str
    flag: str
    valid_from: date
    valid_until: date | None
    long_term: date | None


@dataclass(frozen=True, slots=True)
class Disease:
    """特定疾病療養受療証: OQSCD013. `self_pay` in yen."""

    category: str
    valid_from: date
    valid_until: date | None
    self_pay: str


@dataclass(frozen=True, slots=True)
class SubsidyPaper:
    """受給者証 of a 医療費助成 (PMH)."""

    payer: str
    recipient: str
    scheme: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Prescription:
    """An electronic prescription that waits; `days_ago`: when it was issued."""

    token: str
    days_ago: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """医療券・調剤券 of 医療扶助, of the month in which the world is told: OQSCD018, OQSCD019, OQSCD020."""

    ticket: str
    issue_number: str
    treatment: str
    combined: str
    self_pay: str


@dataclass(frozen=True, slots=True)
class Cover:
    """One insurance. Codes as in 別紙5-1: `validity` OQSCD006, `loss` OQSCD008 or "", `classification` OQSCD010,
    `relation` OQSCD009 (1 本人, 2 家族); `ratio` in per cent, three digits ("030" = 3割)."""

    validity: str
    loss: str
    insurer_number: str
    insurer_name: str
    symbol: str
    number: str
    branch: str
    classification: str
    relation: str
    ratio: str
    insured_name: str
    qualified_from: date
    disqualified_from: date | None
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Record:
    """What the simulated gateway knows. `former`: older insurances, found by their number only. `error`: the upstream
    code with which it refuses to answer; `code` and `message`: said besides a normal answer."""

    cover: Cover
    former: tuple[Cover, ...]
    registered: bool
    revoked: bool
    several: bool
    preschool: bool
    post_number: str
    name_other: str
    kana_other: str
    sex2: str
    surgeries: bool
    subsidy: str
    code: str
    message: str
    error: str
    elderly: Elderly | None
    limit: Limit | None
    diseases: tuple[Disease, ...]
    subsidies: tuple[SubsidyPaper, ...]
    prescriptions: tuple[Prescription, ...]
    tickets: tuple[Ticket, ...]
    medications: tuple[Medication, ...]
    checkups: tuple[Checkup, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """What must happen when this person goes this `way`.

    `files`: hand-off files written. `last_page`: the page that says how it ended. `pages`, `not_pages`: shown on the
    way, and never. `not_offered`: methods that must not be on the page. `failure`: the code that staff see. `upstream`:
    the gateway's code beside it. `notice`: what the patient is told besides. `counter`: what the counter is told.
    `content`: element of the face result file -> its values in the order of the file; empty: not there. `subsidy` and
    `dispense` (how many): what the side file says, "" and 0: no side file.
    Conditions: `encoding` of the file, `answers` that differ from those of the way, `former`: asked by an old number.
    """

    way: str
    files: int
    last_page: str
    note: str
    encoding: str
    former: bool
    answers: Mapping[str, bool]
    pages: tuple[str, ...]
    not_pages: tuple[str, ...]
    not_offered: tuple[str, ...]
    failure: str
    upstream: str
    notice: str
    counter: tuple[str, ...]
    content: Mapping[str, tuple[str, ...]]
    subsidy: str
    dispense: int


@dataclass(frozen=True, slots=True)
class Persona:
    """`certificate`: "own" (of the test PKI), "foreign" (another issuer), "copy" (the certificate of `copy_of`, other
    keys, everything else made by the attacker). `certificate_months`: from the day the world is built to the end of
    validity; negative: ended so long ago. `western`: the year of birth stands on the card in the western calendar, as
    it may for foreign residents. `face` is before the camera, `photo_face` on the card (seeds), unless
    the card has no photo. `institution`: the kind of institution to which this person goes. `laid`: one of `LAID`."""

    id: str
    title_ja: str
    title_en: str
    institution: str
    kind: CardKind
    name: str
    kana: str
    sex: str
    birth: date
    western: bool
    address: str
    security_code: str
    card_expiry: date
    pin: str
    sign_pin: str
    pin_tries: int
    sign_tries: int
    number_tries: int
    certificate: str
    copy_of: str
    certificate_months: int
    face: int
    photo_face: int
    has_photo: bool
    laid: str
    record: Record | None
    endings: tuple[Ending, ...]

    @property
    def sex_code(self) -> str:
        """ "1" male, "2" female (OQSCD007, DF23)."""
        return "1" if self.sex == "male" else "2"

    @property
    def birth_pin(self) -> str:
        """Year as printed (of the era, or the last two digits of the western one), month, day: six digits."""
        if self.western:
            return f"{self.birth:%y%m%d}"
        start = next(era for era in _ERAS if era <= self.birth)
        return f"{self.birth.year - start.year + 1:02d}{self.birth:%m%d}"

    @property
    def number_b(self) -> str:
        """照合番号B: birth date with the year as printed, year of expiry, security code; 14 digits.

        Only for whoever plays the person (robots, tests); the kiosk learns it from the scanner or the keypad.
        """
        return f"{self.birth_pin}{self.card_expiry:%Y}{self.security_code}"


def load_personas(folder: Path) -> tuple[Persona, ...]:
    """Every persona of a folder, sorted by id. Raises `PersonaError`."""
    personas = tuple(load_persona(path) for path in sorted(folder.glob("*.toml")))
    if not personas:
        raise PersonaError(f"{folder}: no persona file (*.toml)")
    ids = {persona.id for persona in personas}
    for persona in personas:
        if persona.copy_of and persona.copy_of not in ids:
            raise PersonaError(f"{folder / persona.id}.toml: copy_of: allowed: {', '.join(sorted(ids))}")
    return personas


def load_persona(path: Path) -> Persona:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PersonaError(f"{path}: {error}") from error
    return parse_persona(table, str(path))


class _Table:
    """Takes keys out of a TOML table one by one; what nobody took is an error."""

    def __init__(self, file: str, prefix: str, table: Mapping[str, Any]) -> None:
        self._file = file
        self._prefix = prefix
        self._rest = dict(table)

    def error(self, key: str, allowed: str) -> PersonaError:
        return PersonaError(f"{self._file}: {self._prefix}{key}: allowed: {allowed}")

    def take(self, key: str, kind: type[T], default: T | None = None, allowed: str = "") -> T:
        value = self._rest.pop(key, default)
        if type(value) is not kind:
            raise self.error(key, allowed or f"a value of type {kind.__name__}")
        return value

    def text(self, key: str, pattern: str, meaning: str, default: str | None = None) -> str:
        value = self.take(key, str, default, meaning)
        if re.fullmatch(pattern, value) is None:
            raise self.error(key, meaning)
        return value

    def choice(self, key: str, options: tuple[str, ...], default: str | None = None) -> str:
        value = self.take(key, str, default, ", ".join(options))
        if value not in options:
            raise self.error(key, ", ".join(options))
        return value

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.take(key, int, default, f"{low} to {high}")
        if not low <= value <= high:
            raise self.error(key, f"{low} to {high}")
        return value

    def tables(self, key: str) -> list[_Table]:
        entries = self._rest.pop(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.error(key, f"tables [[{key}]]")
        return [_Table(self._file, f"{key}[{index}].", entry) for index, entry in enumerate(entries)]

    def table(self, key: str) -> _Table | None:
        entry = self._rest.pop(key, None)
        if entry is None:
            return None
        if not isinstance(entry, dict):
            raise self.error(key, f"a table [{key}]")
        return _Table(self._file, f"{key}.", entry)

    def words(self, key: str, pattern: str, meaning: str) -> tuple[str, ...]:
        values = self._rest.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) and re.fullmatch(pattern, v) for v in values):
            raise self.error(key, f"a list; entries: {meaning}")
        return tuple(values)

    def open_table(self, key: str) -> Mapping[str, Any]:
        """A table whose keys are not fixed."""
        entry = self._rest.pop(key, {})
        if not isinstance(entry, dict):
            raise self.error(key, f"a table [{self._prefix}{key}]")
        return entry

    def optional(self, key: str, take: Callable[[], T]) -> T | None:
        return take() if key in self._rest else None

    def finish(self) -> None:
        if self._rest:
            raise PersonaError(f"{self._file}: {self._prefix}{next(iter(self._rest))}: no such key")


def parse_persona(table: Mapping[str, Any], file: str) -> Persona:
    """`file` is only named in errors."""
    top = _Table(file, "", table)
    record = _record(top)
    certificate = top.choice("certificate", ("own", "foreign", "copy"), "own")
    face = top.number("face", 0, 9999)
    persona = Persona(
        id=top.text("id", r"[a-z][a-z0-9_]{0,31}", "lower-case letters, digits, _"),
        title_ja=top.text("title_ja", r".{1,40}", "1 to 40 characters"),
        title_en=top.text("title_en", r"[ -~]{1,60}", "1 to 60 ASCII characters"),
        institution=top.choice("kind", KINDS, KINDS[0]),
        kind=CardKind(top.choice("card", tuple(CardKind), CardKind.MY_NUMBER)),
        name=top.text("name", rf"{NAME_PREFIX}\u3000.{{1,60}}", f"begins with {NAME_PREFIX} and U+3000"),
        kana=top.text("kana", r"ｼｹﾝ [ｦ-ﾟ ]{1,60}", "half-width kana beginning with ｼｹﾝ"),
        sex=top.choice("sex", ("male", "female")),
        birth=top.take("birth", date),
        western=top.take("western", bool, False),
        address=top.text("address", r"見本県.{1,80}", "begins with 見本県"),
        security_code=top.text("security_code", r"[0-9]{4}", "4 digits"),
        card_expiry=top.take("card_expiry", date),
        pin=top.text("pin", r"[0-9]{4}", "4 digits"),
        sign_pin=top.text("sign_pin", r"[0-9A-Z]{6,16}", "6 to 16 of 0-9 A-Z", "TEST123"),
        pin_tries=top.number("pin_tries", 0, 3, 3),
        sign_tries=top.number("sign_tries", 0, 5, 5),
        number_tries=top.number("number_tries", 0, 10, 10),
        certificate=certificate,
        copy_of=top.text("copy_of", r"[a-z][a-z0-9_]*" if certificate == "copy" else r"", "a persona", ""),
        certificate_months=_months(top),
        face=face,
        photo_face=top.number("photo_face", 0, 9999, face),
        has_photo=top.take("has_photo", bool, True),
        laid=top.choice("laid", LAID, ""),
        record=record,
        endings=tuple(_ending(entry) for entry in top.tables("ending")),
    )
    top.finish()
    if not persona.endings:
        raise top.error("ending", "at least one [[ending]]")
    if persona.birth < _ERAS[-1]:
        raise top.error("birth", f"{_ERAS[-1]} or later")
    _check_endings(top, persona)
    return persona


def _check_endings(top: _Table, persona: Persona) -> None:
    seen = {(ending.way, ending.encoding, ending.former) for ending in persona.endings}
    if len(seen) != len(persona.endings):
        raise top.error("ending", "each way once")
    for index, ending in enumerate(persona.endings):
        by_number = ending.way in LOOKUP_WAYS
        if by_number and persona.record is None:
            raise top.error(f"ending[{index}].way", "a look-up only beside [record]")
        if ending.former and not (by_number and persona.record is not None and persona.record.former):
            raise top.error(f"ending[{index}].former", "only with a look-up, beside [[former]]")
        if by_number and persona.record is not None:
            covers = (persona.record.cover, *persona.record.former)
            if any(re.fullmatch("[0-9-]*", cover.symbol + cover.number) is None for cover in covers):
                raise top.error("record.symbol", "digits and -, where an ending types it")
        if ending.content and not ending.files:
            raise top.error(f"ending[{index}].content", "only with a file")


def _months(top: _Table) -> int:
    left = top.optional("certificate_months", lambda: top.number("certificate_months", 1, 60))
    gone = top.optional("certificate_expired_months", lambda: top.number("certificate_expired_months", 1, 60))
    if left is not None and gone is not None:
        raise top.error("certificate_months", "not together with certificate_expired_months")
    return -gone if gone is not None else left if left is not None else 40


def _record(top: _Table) -> Record | None:
    """`[record]` and the tables beside it."""
    table = top.table("record")
    found = {key: top.tables(key) for key in _BESIDE}
    elderly, limit = top.table("elderly"), top.table("limit")
    if table is None:
        beside = [key for key, tables in found.items() if tables]
        beside += [key for key, each in (("elderly", elderly), ("limit", limit)) if each is not None]
        if beside:
            raise top.error(beside[0], "only beside [record]")
        return None
    record = Record(
        cover=_cover(table),
        former=tuple(_alone(_cover, entry) for entry in found["former"]),
        registered=table.take("registered", bool, True),
        revoked=table.take("revoked", bool, False),
        several=table.take("several", bool, False),
        preschool=table.take("preschool", bool, False),
        post_number=table.text("post_number", r"([0-9]{3}-[0-9]{4})?", "nnn-nnnn", ""),
        name_other=table.text("name_other", rf"({NAME_PREFIX}\u3000.{{1,60}})?", "like name", ""),
        kana_other=table.text("kana_other", r"(ｼｹﾝ [ｦ-ﾟ ]{1,60})?", "like kana", ""),
        sex2=table.choice("sex2", ("", "1", "2", "3"), ""),
        surgeries=table.take("surgeries", bool, False),
        subsidy=table.choice("subsidy", SUBSIDIES, SUBSIDIES[0]),
        code=table.text("code", r"[!-~]{0,20}", "up to 20 ASCII characters", ""),
        message=table.text("message", r".{0,80}", "up to 80 characters", ""),
        error=table.text("error", r"(SIM-[A-Z0-9]{1,12})?", "SIM- and 1 to 12 of A-Z 0-9", ""),
        elderly=None if elderly is None else _alone(_elderly, elderly),
        limit=None if limit is None else _alone(_limit, limit),
        diseases=tuple(_alone(_disease, entry) for entry in found["disease"]),
        subsidies=tuple(_alone(_subsidy_paper, entry) for entry in found["subsidy"]),
        prescriptions=tuple(_alone(_prescription, entry) for entry in found["prescription"]),
        tickets=tuple(_alone(_ticket, entry) for entry in found["ticket"]),
        medications=tuple(_alone(_medication, entry) for entry in found["medication"]),
        checkups=tuple(_alone(_checkup, entry) for entry in found["checkup"]),
    )
    table.finish()
    if record.subsidies and record.subsidy != "available":
        raise top.error("subsidy", 'only with record.subsidy = "available"')
    return record


_BESIDE = ("former", "disease", "subsidy", "prescription", "ticket", "medication", "checkup")


def _alone(take: Callable[[_Table], T], table: _Table) -> T:
    """A table of which nothing may be left."""
    entry = take(table)
    table.finish()
    return entry


def _day(table: _Table, key: str) -> date | None:
    return table.optional(key, lambda: table.take(key, date))


_RATIO = (r"0[0-9]0|100", "3 digits, per cent, in tens")


def _cover(table: _Table) -> Cover:
    return Cover(
        validity=table.choice("validity", ("1", "2", "3", "4", "5", "6"), "1"),
        loss=table.choice("loss", ("", "01", "02", "03", "99"), ""),
        insurer_number=table.text("insurer_number", r"99[0-9]{4}(?:[0-9]{2})?", "6 or 8 digits beginning with 99"),
        insurer_name=table.text(
            "insurer_name", rf".{{1,30}}{INSURER_MARK}", f"ends with {INSURER_MARK}", f"見本保険者{INSURER_MARK}"
        ),
        symbol=table.text("symbol", r".{0,20}", "up to 20 characters", ""),
        number=table.text("number", r".{1,20}", "1 to 20 characters"),
        branch=table.text("branch", r"[0-9]{2}", "2 digits", "01"),
        classification=table.choice("classification", ("01", "02", "03", "04", "05", "06", "07", "A1"), "01"),
        relation=table.choice("relation", ("1", "2"), "1"),
        ratio=table.text("ratio", *_RATIO, "030"),
        insured_name=table.text("insured_name", rf"({NAME_PREFIX}\u3000.{{1,60}})?", "like name", ""),
        qualified_from=table.take("qualified_from", date),
        disqualified_from=_day(table, "disqualified_from"),
        valid_until=_day(table, "valid_until"),
    )


def _elderly(table: _Table) -> Elderly:
    return Elderly(table.take("valid_from", date), _day(table, "valid_until"), table.text("ratio", *_RATIO))


def _limit(table: _Table) -> Limit:
    return Limit(
        classification=table.choice("classification", ("01", "02", "03")),
        flag=table.text("flag", r"A0[1-6]|B0[1-9]|B10", "A01 to A06, B01 to B10"),
        valid_from=table.take("valid_from", date),
        valid_until=_day(table, "valid_until"),
        long_term=_day(table, "long_term"),
    )


def _disease(table: _Table) -> Disease:
    return Disease(
        category=table.choice("category", ("1", "2", "3")),
        valid_from=table.take("valid_from", date),
        valid_until=_day(table, "valid_until"),
        self_pay=table.text("self_pay", r"[0-9]{0,8}", "up to 8 digits", ""),
    )


def _subsidy_paper(table: _Table) -> SubsidyPaper:
    return SubsidyPaper(
        payer=table.text("payer", r"99[0-9]{6}", "8 digits beginning with 99"),
        recipient=table.text("recipient", r"[0-9]{7}", "7 digits"),
        scheme=table.text("scheme", rf".{{1,50}}{INSURER_MARK}", f"ends with {INSURER_MARK}"),
        valid_from=table.take("valid_from", date),
        valid_until=_day(table, "valid_until"),
    )


def _prescription(table: _Table) -> Prescription:
    return Prescription(
        token=table.text("token", r"SIM-[A-Z0-9]{1,20}", "SIM- and 1 to 20 of A-Z 0-9"),
        days_ago=table.number("days_ago", 0, 3, 0),
    )


def _ticket(table: _Table) -> Ticket:
    return Ticket(
        ticket=table.choice("ticket", ("01", "02")),
        issue_number=table.text("issue_number", r"[0-9]{1,12}", "1 to 12 digits"),
        treatment=table.choice("treatment", ("01", "02", "03", "04", "05")),
        combined=table.choice("combined", ("01", "02"), "01"),
        self_pay=table.text("self_pay", r"[0-9]{1,8}", "1 to 8 digits", "0"),
    )


def _medication(table: _Table) -> Medication:
    return Medication(
        day=table.take("day", date),
        name=table.text("name", r".{1,60}", "1 to 60 characters"),
        dose=table.text("dose", r".{1,60}", "1 to 60 characters"),
        days=table.number("days", 1, 365),
    )


def _checkup(table: _Table) -> Checkup:
    return Checkup(
        day=table.take("day", date),
        item=table.text("item", r".{1,40}", "1 to 40 characters"),
        value=table.text("value", r".{1,40}", "1 to 40 characters"),
    )


_PAGE = ("[a-z_]{2,30}", "pages")


def _ending(table: _Table) -> Ending:
    entry = Ending(
        way=table.choice("way", WAYS),
        files=table.number("files", 0, 1),
        last_page=table.text("last_page", *_PAGE),
        note=table.text("note", r".{0,120}", "up to 120 characters", ""),
        encoding=table.choice("encoding", ENCODINGS, ENCODINGS[0]),
        former=table.take("former", bool, False),
        answers=_answers(table),
        pages=table.words("pages", *_PAGE),
        not_pages=table.words("not_pages", *_PAGE),
        not_offered=table.words("not_offered", "face|pin|staff", "face, pin, staff"),
        failure=table.text("failure", r"([A-Z]-[0-9]{3})?", "a failure code", ""),
        upstream=table.text("upstream", r"[!-~]{0,64}", "printable ASCII", ""),
        notice=table.text("notice", r"[a-z_]{0,40}", "a notice", ""),
        counter=table.words("counter", "[a-z_]{2,30}", "reasons of a call"),
        content=_content(table),
        subsidy=table.choice("subsidy", ("", *OUTCOMES), ""),
        dispense=table.number("dispense", 0, 9, 0),
    )
    table.finish()
    return entry


def _answers(table: _Table) -> Mapping[str, bool]:
    found = dict(table.open_table("answers"))
    for key, value in found.items():
        if key not in QUESTIONS or type(value) is not bool:
            raise table.error(f"answers.{key}", f"true or false for {', '.join(QUESTIONS)}")
    return MappingProxyType(found)


def _content(table: _Table) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, value in table.open_table("content").items():
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise table.error(f"content.{key}", 'a text, a list of texts, or "" for an element that is not there')
        found[key] = tuple(each for each in values if each)
    return MappingProxyType(found)
