"""Personas: who comes to the counter in the simulated world. One flat TOML file each, in assets/personas.

Everything in them is fictional and says so: names begin with 試験, the insurer is 「見本保険者（模擬）」.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from devices.simulated.files import CardKind

NAME_PREFIX = "試験"
INSURER_MARK = "（模擬）"

# First days of the eras (元号法 and its orders), newest first; the year of the era counts from 1.
_ERAS = (date(2019, 5, 1), date(1989, 1, 8), date(1926, 12, 25), date(1912, 7, 30))

WAYS = ("face", "pin", "staff", "register", "decline", "swap", "none")
LAST_PAGES = ("take_card", "problem", "no_card", "choose_method")

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
class Record:
    """What the simulated gateway knows. Codes as in 別紙3-1: `validity` OQSCD006, `classification` OQSCD010,
    `relation` OQSCD009 (1 本人, 2 家族); `ratio` in per cent, three digits ("030" = 3割)."""

    registered: bool
    validity: str
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
    valid_until: date | None
    medications: tuple[Medication, ...]
    checkups: tuple[Checkup, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """What should happen when this person goes this `way`: hand-off files written, last page shown."""

    way: str
    files: int
    last_page: str
    note: str


@dataclass(frozen=True, slots=True)
class Persona:
    """`certificate`: "own" (of the test PKI), "foreign" (another issuer), "copy" (the certificate of `copy_of`, other
    keys, everything else made by the attacker). `certificate_months`: from the day the world is built to the end of
    validity; negative: ended so long ago. `face` is before the camera, `photo_face` on the card (seeds)."""

    id: str
    title_ja: str
    title_en: str
    kind: CardKind
    name: str
    kana: str
    sex: str
    birth: date
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
    declines_all: bool
    record: Record | None
    endings: tuple[Ending, ...]

    @property
    def sex_code(self) -> str:
        """ "1" male, "2" female (OQSCD007, DF23)."""
        return "1" if self.sex == "male" else "2"

    @property
    def birth_pin(self) -> str:
        """Year of the era, month, day: six digits."""
        start = next(era for era in _ERAS if era <= self.birth)
        return f"{self.birth.year - start.year + 1:02d}{self.birth:%m%d}"

    @property
    def number_b(self) -> str:
        """照合番号B: birth date with the year of the era, year of expiry, security code; 14 digits.

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

    def optional(self, key: str, take: Callable[[], T]) -> T | None:
        return take() if key in self._rest else None

    def finish(self) -> None:
        if self._rest:
            raise PersonaError(f"{self._file}: {self._prefix}{next(iter(self._rest))}: no such key")


def parse_persona(table: Mapping[str, Any], file: str) -> Persona:
    """`file` is only named in errors."""
    top = _Table(file, "", table)
    record = top.table("record")
    medications = tuple(_medication(entry) for entry in top.tables("medication"))
    checkups = tuple(_checkup(entry) for entry in top.tables("checkup"))
    certificate = top.choice("certificate", ("own", "foreign", "copy"), "own")
    face = top.number("face", 0, 9999)
    persona = Persona(
        id=top.text("id", r"[a-z][a-z0-9_]{0,31}", "lower-case letters, digits, _"),
        title_ja=top.text("title_ja", r".{1,40}", "1 to 40 characters"),
        title_en=top.text("title_en", r"[ -~]{1,60}", "1 to 60 ASCII characters"),
        kind=CardKind(top.choice("card", tuple(CardKind), CardKind.MY_NUMBER)),
        name=top.text("name", rf"{NAME_PREFIX}\u3000.{{1,60}}", f"begins with {NAME_PREFIX} and U+3000"),
        kana=top.text("kana", r"ｼｹﾝ [ｦ-ﾟ ]{1,60}", "half-width kana beginning with ｼｹﾝ"),
        sex=top.choice("sex", ("male", "female")),
        birth=top.take("birth", date),
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
        declines_all=top.take("declines_all", bool, False),
        record=None if record is None else _record(record, medications, checkups),
        endings=tuple(_ending(entry) for entry in top.tables("ending")),
    )
    top.finish()
    if record is None and (medications or checkups):
        raise top.error("medication", "only beside [record]")
    if not persona.endings:
        raise top.error("ending", "at least one [[ending]]")
    if persona.birth < _ERAS[-1]:
        raise top.error("birth", f"{_ERAS[-1]} or later")
    return persona


def _months(top: _Table) -> int:
    left = top.optional("certificate_months", lambda: top.number("certificate_months", 1, 60))
    gone = top.optional("certificate_expired_months", lambda: top.number("certificate_expired_months", 1, 60))
    if left is not None and gone is not None:
        raise top.error("certificate_months", "not together with certificate_expired_months")
    return -gone if gone is not None else left if left is not None else 40


def _record(table: _Table, medications: tuple[Medication, ...], checkups: tuple[Checkup, ...]) -> Record:
    record = Record(
        registered=table.take("registered", bool, True),
        validity=table.choice("validity", ("1", "2", "3", "4", "5", "6"), "1"),
        insurer_number=table.text("insurer_number", r"99[0-9]{6}", "8 digits beginning with 99"),
        insurer_name=table.text(
            "insurer_name", rf".{{1,30}}{INSURER_MARK}", f"ends with {INSURER_MARK}", f"見本保険者{INSURER_MARK}"
        ),
        symbol=table.text("symbol", r".{0,20}", "up to 20 characters", ""),
        number=table.text("number", r".{1,20}", "1 to 20 characters"),
        branch=table.text("branch", r"[0-9]{2}", "2 digits", "01"),
        classification=table.choice("classification", ("01", "02", "03", "04", "05", "06", "07", "A1"), "01"),
        relation=table.choice("relation", ("1", "2"), "1"),
        ratio=table.text("ratio", r"0[0-9]0|100", "3 digits, per cent, in tens", "030"),
        insured_name=table.text("insured_name", rf"({NAME_PREFIX}\u3000.{{1,60}})?", "like name", ""),
        qualified_from=table.take("qualified_from", date),
        valid_until=table.optional("valid_until", lambda: table.take("valid_until", date)),
        medications=medications,
        checkups=checkups,
    )
    table.finish()
    return record


def _medication(table: _Table) -> Medication:
    entry = Medication(
        day=table.take("day", date),
        name=table.text("name", r".{1,60}", "1 to 60 characters"),
        dose=table.text("dose", r".{1,60}", "1 to 60 characters"),
        days=table.number("days", 1, 365),
    )
    table.finish()
    return entry


def _checkup(table: _Table) -> Checkup:
    entry = Checkup(
        day=table.take("day", date),
        item=table.text("item", r".{1,40}", "1 to 40 characters"),
        value=table.text("value", r".{1,40}", "1 to 40 characters"),
    )
    table.finish()
    return entry


def _ending(table: _Table) -> Ending:
    entry = Ending(
        way=table.choice("way", WAYS),
        files=table.number("files", 0, 1),
        last_page=table.choice("last_page", LAST_PAGES),
        note=table.text("note", r".{0,120}", "up to 120 characters", ""),
    )
    table.finish()
    return entry
