"""A simulated 連携アプリケーション: answers `req` by `res`, and lets fictional patients leave `face` files.

For makers of receipt computers (docs/integrators.md). What it does is what is known of the real one (docs/sources.md,
"exchange folders"); when it removes requests, what its errors look like and how soon it answers is ours, unverified.
Error codes are ours (KSK-…): the official list is not public.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from kiosk.eligibility.exchange import Unusable, look, place, remove
from kiosk.eligibility.model import Insurance, Person
from kiosk.eligibility.simulated import Release
from kiosk.eligibility.verification import Refused
from kiosk.fullresult import FullResult
from kiosk.oqs import clinical, document
from kiosk.oqs.document import Encoding
from kiosk.oqs.names import BadName, FileName, Kind, Role, parse, tail_of
from kiosk.oqs.reader import BYTES, DECLARATION, XML, BadDocument
from kiosk.oqs.requests import MAX_BYTES, PDF, ClinicalRequest, EligibilityRequest, Request, read
from kiosk.qualification import JST, Header, QualificationResult
from kiosk.reception.consent import MEDICAL, Answers, Item
from kiosk.reception.insured import Query
from kiosk.reception.states import VALID, Subsidy

FOLDERS = ("req", "res", "face")
POLL = 0.2
LATE = 40.0  # longer than a kiosk waits
_AFTERWARDS = 1.0  # until the whole file follows the half, and the second the first
_TRIES = 8  # polls in which a request that does not change may still become whole
_UNFINISHED = (DECLARATION.id, BYTES.id, XML.id)
_ITEMS = {Kind.MEDICATION: Item.MEDICATION, Kind.CHECKUP: Item.CHECKUP}
_OTHER_INSTITUTION = "9999999999"

Reply = QualificationResult | clinical.ClinicalAnswer


class Desk(Protocol):
    """What the terminal needs of `kiosk.eligibility.simulated.Desk`. Methods raise `Refused`."""

    def by_number(
        self, query: Query, limit: bool | None, identifier: str, institution: str = ""
    ) -> QualificationResult: ...

    def release(
        self, item: Item, insurer: str, symbol: str, number: str, branch: str, institution: str = ""
    ) -> Release: ...

    def walk_in(self, person: str | int, answers: Answers, asks: tuple[Item, ...] = ()) -> FullResult: ...


class FaultKind(StrEnum):
    """What goes wrong with an answer."""

    NO_ANSWER = "no-answer"  # the request stays where it is
    LATE = "late"
    HALF_WRITTEN = "half-written"  # half of it first, in its place; the whole a second later
    TRUNCATED = "truncated"  # half of it, for good
    WRONG_ENCODING = "wrong-encoding"  # other bytes than declared
    WRONG_IDENTIFIER = "wrong-identifier"
    WRONG_INSTITUTION = "wrong-institution"
    DTD = "dtd"  # entities that grow
    GARBAGE = "garbage"
    OVERSIZED = "oversized"
    DUPLICATE = "duplicate"  # the same file again a second later
    PERMISSION = "permission"  # nobody may read it


@dataclass(slots=True)
class Fault:
    """`times`: how often, None for ever."""

    kind: FaultKind
    times: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """`KIND` or `KIND:N`. Raises ValueError."""
        word, _, times = text.partition(":")
        if times and int(times) < 1:
            raise ValueError("a number of times")
        return cls(FaultKind(word), int(times) if times else None)


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """`root` gets `req`, `res` and `face`. `encoding`: of what is written; requests are taken in either. `delay`: until
    an answer is written; `late`: in the fault of this name; `arrivals`: seconds between patients, 0: nobody comes."""

    root: Path
    institution: str
    encoding: Encoding = Encoding.UTF8
    delay: float = 0.0
    arrivals: float = 0.0
    late: float = LATE
    poll: float = POLL


@dataclass(frozen=True, slots=True)
class Event:
    """`number`: of the request or patient. `what`, `detail`: words of ours and codes, never a name of a file."""

    number: int
    what: str
    detail: str


@dataclass(slots=True)
class _Due:
    at: float
    work: Callable[[], None]


class Terminal:
    """One thread's. `people`: who may come. `say(event)` is called for everything that happens."""

    def __init__(
        self,
        settings: TerminalSettings,
        desk: Desk,
        people: tuple[Person, ...],
        say: Callable[[Event], None],
        *,
        faults: tuple[Fault, ...] = (),
        now: Callable[[], datetime] = lambda: datetime.now(JST),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._people = people
        self._say = say
        self._faults = list(faults)
        self._now = now
        self._clock = clock
        self._numbers = 0
        self._seen: dict[str, tuple[bytes, int]] = {}  # name -> content, looks in a row that saw it
        self._left: set[str] = set()  # not ours, or to be left lying
        self._due: list[_Due] = []
        self._next_arrival = clock() + settings.arrivals
        self._arrived = 0
        self._away = False
        self.counts: Counter[str] = Counter()

    def prepare(self) -> None:
        """Make the folders. Raises OSError."""
        for name in FOLDERS:
            (self._settings.root / name).mkdir(parents=True, exist_ok=True)

    def step(self) -> None:
        """Look once and do what is due. A share that is away for a while is waited for."""
        try:
            self._take_requests()
            self._do_due()
            if self._settings.arrivals and self._clock() >= self._next_arrival:
                self._next_arrival += self._settings.arrivals
                self._arrive()
        except OSError as error:
            if not self._away:
                self._tell(0, "folders away", type(error).__name__)
            self._away = True
        else:
            self._away = False

    @property
    def pending(self) -> int:
        """Answers that are still to be written."""
        return len(self._due)

    # --- requests --------------------------------------------------------------------------------------------------

    def _take_requests(self) -> None:
        folder = self._settings.root / "req"
        names = sorted(each.name for each in folder.iterdir() if each.suffix.lower() == ".xml")
        self._seen = {name: seen for name, seen in self._seen.items() if name in names}
        self._left &= set(names)
        for name in names:
            if name not in self._left:
                self._take(folder / name)

    def _take(self, path: Path) -> None:
        try:
            name = parse(path.name)
            answer = name.answer
            content = look(path, MAX_BYTES)
        except (BadName, Unusable, PermissionError) as error:
            self._left.add(path.name)
            self._tell(self._number(), "left alone", type(error).__name__)
            return
        if content is None:
            return
        before, same = self._seen.get(path.name, (None, 0))
        same = same + 1 if content == before else 0
        self._seen[path.name] = (content, same)
        if not same:
            return  # whoever writes in place may still be writing
        try:
            request: Request | BadDocument = read(name.kind, content)[0]
        except BadDocument as error:
            if error.rule in _UNFINISHED and same < _TRIES:
                return
            request = error
        number, fault = self._number(), self._fault()
        if fault is FaultKind.NO_ANSWER:
            self._left.add(path.name)
            self._tell(number, "not answered", fault)
            return
        remove(path)
        self._seen.pop(path.name)
        wait = self._settings.late if fault is FaultKind.LATE else self._settings.delay
        self._later(wait, lambda: self._answer(number, name.kind, answer, request, fault))

    def _answer(
        self, number: int, kind: Kind, answer: FileName, request: Request | BadDocument, fault: FaultKind | None
    ) -> None:
        reply, word = self._reply(kind, request)
        match fault:
            case FaultKind.WRONG_IDENTIFIER:
                reply = _changed(reply, identifier="A" * 16)
            case FaultKind.WRONG_INSTITUTION:
                reply = _changed(reply, institution=_OTHER_INSTITUTION)
        content = self._written(reply)
        path = self._settings.root / "res" / str(answer)
        for wait, part in _spoilt(fault, content, self._settings.encoding):
            self._later(wait, partial(self._place, path, part, fault))
        self._tell(number, "answered" if fault is None else f"answered with {fault}", f"{kind} {word}")

    def _place(self, path: Path, content: bytes, fault: FaultKind | None) -> None:
        if fault in (FaultKind.HALF_WRITTEN, FaultKind.TRUNCATED):
            path.write_bytes(content)  # in place, as it should not be
        else:
            place(path, content, mode=0o000 if fault is FaultKind.PERMISSION else 0o644)

    def _reply(self, kind: Kind, request: Request | BadDocument) -> tuple[Reply, str]:
        """The answer, and a word about it for the log."""
        institution = self._settings.institution
        if isinstance(request, BadDocument):
            words = f"要求ファイルが正しくありません（模擬）: {request.rule}, {request.where}"
            return self._refusal(kind, None, "KSK-1001", words[:200])
        if request.institution != institution:
            return self._refusal(kind, request.file_identifier, "KSK-1002", "この医療機関の端末ではありません（模擬）")
        match request:
            case EligibilityRequest(search=search):
                query = Query(
                    search.insurer_number, search.symbol or "", search.number, search.branch or "", search.birth
                )
                limit = None if search.limit_consent is None else search.limit_consent == "1"
                result = self._desk.by_number(query, limit, request.file_identifier, institution)
                return result, f"validity {result.body.validity or 'none'}"
            case ClinicalRequest():
                return self._clinical(request)

    def _clinical(self, request: ClinicalRequest) -> tuple[Reply, str]:
        if request.file_category == PDF:
            return self._refusal(request.kind, request.file_identifier, "KSK-1003", "PDF は模擬していません")
        try:
            found = self._desk.release(
                _ITEMS[request.kind],
                request.insurer_number,
                request.symbol or "",
                request.number,
                request.branch or "",
                request.institution,
            )
        except Refused as error:
            words = f"閲覧できません（模擬）: {error.code}"
            return self._refusal(request.kind, request.file_identifier, "KSK-2001", words)
        return _clinical_answer(request, found), "released"

    def _refusal(self, kind: Kind, identifier: str | None, code: str, words: str) -> tuple[Reply, str]:
        if kind is not Kind.ELIGIBILITY:
            answer = clinical.ClinicalAnswer(
                kind=kind,
                institution=self._settings.institution,
                file_identifier=identifier,
                result=clinical.FAILED,
                message=f"{code} {words}"[:200],
            )
            return answer, code
        at = self._now().astimezone(JST)
        header = Header(
            executed=f"{at:%Y%m%d%H%M%S}",
            confirmed_on=f"{at:%Y%m%d}",
            institution=self._settings.institution,
            file_identifier=identifier,
            reference="2",
            segment="9",
            error_code=code,
            error_message=words,
        )
        return QualificationResult(header=header), code

    def _written(self, reply: Reply) -> bytes:
        encoding = self._settings.encoding
        if isinstance(reply, clinical.ClinicalAnswer):
            return bytes(clinical.write(reply, encoding).content)
        return bytes(document.write(reply, encoding, simulated=True).content)

    # --- patients --------------------------------------------------------------------------------------------------

    def _arrive(self) -> None:
        """The next of the people; every other round they say no to everything."""
        place_in_line, number = self._arrived % len(self._people), self._number()
        yes = (self._arrived // len(self._people)) % 2 == 0
        self._arrived += 1
        person = self._people[place_in_line]
        if not person.insurance.registered:
            self._tell(number, "turned away", "not registered")
            return
        try:
            full = self._desk.walk_in(place_in_line, _answers(person.insurance, yes))
        except Refused as error:
            self._tell(number, "turned away", error.code)
            return
        name = FileName(Kind.ELIGIBILITY, Role.FACE, tail_of(self._settings.institution, full.reception, self._now()))
        content = document.write(full.qualification, self._settings.encoding, simulated=True).content
        place(self._settings.root / "face" / str(name), content, mode=0o644)
        self._tell(number, "arrived", "everything agreed to" if yes else "everything declined")

    # --- small things ----------------------------------------------------------------------------------------------

    def _later(self, wait: float, work: Callable[[], None]) -> None:
        self._due.append(_Due(self._clock() + wait, work))

    def _do_due(self) -> None:
        """Also what becomes due while it is done."""
        while True:
            due = next((each for each in self._due if each.at <= self._clock()), None)
            if due is None:
                return
            due.work()
            self._due.remove(due)  # not before: what fails is tried again

    def _fault(self) -> FaultKind | None:
        for fault in self._faults:
            if fault.times is None:
                return fault.kind
            if fault.times > 0:
                fault.times -= 1
                return fault.kind
        return None

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _tell(self, number: int, what: str, detail: str) -> None:
        self.counts[what] += 1
        self._say(Event(number, what, detail))


def _changed(reply: Reply, *, institution: str | None = None, identifier: str | None = None) -> Reply:
    if isinstance(reply, QualificationResult):
        header = reply.header
        return replace(
            reply,
            header=replace(
                header,
                institution=institution or header.institution,
                file_identifier=identifier or header.file_identifier,
            ),
        )
    return replace(
        reply,
        institution=institution or reply.institution,
        file_identifier=identifier or reply.file_identifier,
    )


def _spoilt(fault: FaultKind | None, content: bytes, encoding: Encoding) -> Iterator[tuple[float, bytes]]:
    """What is written after how many seconds."""
    match fault:
        case FaultKind.HALF_WRITTEN:
            yield 0, content[: len(content) // 2]
            yield _AFTERWARDS, content
        case FaultKind.TRUNCATED:
            yield 0, content[: len(content) // 2]
        case FaultKind.WRONG_ENCODING:
            other = Encoding.SHIFT_JIS if encoding is Encoding.UTF8 else Encoding.UTF8
            yield 0, content.decode(encoding.codec).encode(other.codec, "replace")
        case FaultKind.DTD:
            head, _, rest = content.partition(b"\n")
            bomb = b'<!DOCTYPE XmlMsg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
            yield 0, head + b"\n" + bomb + rest
        case FaultKind.GARBAGE:
            yield 0, b"\x00\xff this is no answer \x80" * 20
        case FaultKind.OVERSIZED:
            yield 0, content + b" " * (4 * 1024 * 1024)
        case FaultKind.DUPLICATE:
            yield 0, content
            yield _AFTERWARDS, content
        case _:
            yield 0, content


def _clinical_answer(request: ClinicalRequest, found: Release) -> clinical.ClinicalAnswer:
    person = found.person
    answer = clinical.ClinicalAnswer(
        kind=request.kind,
        institution=request.institution,
        file_identifier=request.file_identifier,
        result=clinical.DONE,
        patient=clinical.Patient(name=person.name, kana=person.kana, birth=person.birth, sex=person.sex),
    )
    if request.kind is Kind.MEDICATION:
        return replace(answer, months=tuple(_months(request, found)))
    days = sorted({each.day for each in found.checkups})
    return replace(
        answer,
        checkups=tuple(
            clinical.Checkup(
                day=day,
                items=tuple(
                    clinical.Item(name=each.item, value=each.value, data_type="ST")
                    for each in found.checkups
                    if each.day == day
                ),
            )
            for day in days
        ),
    )


def _months(request: ClinicalRequest, found: Release) -> Iterator[clinical.Month]:
    """Of the period that was asked for; all as if from receipts (レセプト)."""
    rows = [each for each in found.medications if (request.start or "") <= each.day <= (request.end or "99999999")]
    for month in sorted({each.day[:6] for each in rows}):
        days = sorted({each.day for each in rows if each.day.startswith(month)})
        yield clinical.Month(
            source=clinical.Source.RECEIPT,
            month=month,
            dispenser=request.institution,
            dispenser_name="見本医療機関（模擬）",
            days=tuple(
                clinical.Day(
                    dispensed=day,
                    prescribed=day,
                    drugs=tuple(
                        clinical.Drug(name=each.name, usage=each.dose or None, times=str(each.days))
                        for each in rows
                        if each.day == day
                    ),
                )
                for day in days
            ),
        )


def _answers(insurance: Insurance, yes: bool) -> Answers:
    """To every question that this person would be asked."""
    if insurance.validity not in VALID:
        return Answers.none()
    asked = {
        Item.SURGERY: insurance.surgeries,
        Item.DIAGNOSIS: True,
        Item.MEDICATION: True,
        Item.CHECKUP: bool(insurance.checkups),
        Item.DISEASE: bool(insurance.diseases),
        Item.SUBSIDY: insurance.subsidy is Subsidy.AVAILABLE,
    }
    given = tuple((item, yes) for item, has in asked.items() if has)
    return Answers(given, comprehensive=any(item in MEDICAL for item, _ in given))
