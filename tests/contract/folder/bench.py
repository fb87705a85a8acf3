"""Kiosk and simulated terminal at real folders. Their time is one that only waiting moves: nobody waits really."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from devices.secret import SecretBytes
from kiosk.eligibility.folder import FolderLookup, FolderSettings
from kiosk.eligibility.liaison import Event, Fault, Terminal, TerminalSettings
from kiosk.eligibility.model import (
    Checkup,
    GatewayWorld,
    Insurance,
    LimitRecord,
    Medication,
    Person,
    TicketRecord,
)
from kiosk.eligibility.port import GatewayError
from kiosk.eligibility.simulated import Desk
from kiosk.fullresult import FullResult
from kiosk.oqs.document import Encoding
from kiosk.qualification import JST
from kiosk.reception.insured import Query, check_digit
from kiosk.reception.states import Validity
from tests.helpers import gateway as helper

INSTITUTION = "9910000001"
NOBODY = 65534


def insurer(digits: str) -> str:
    return digits + str(check_digit(digits))


def person(number: str, **changes: object) -> Person:
    """Somebody insured under `number`; `changes` are of the insurance."""
    insurance = Insurance(
        registered=True,
        validity=Validity.VALID,
        insurer_number=insurer("9999001"),
        insurer_name="見本保険者（模擬）",
        symbol="見本",
        number=number,
        branch="01",
        classification="01",
        relation="1",
        ratio="030",
        insured_name="試験　花子",
        qualified_from="20200401",
        medications=[
            Medication(day="20260110", name="模擬錠", dose="1日1回", days=14),
            Medication(day="20260215", name="模擬散", dose="1日3回", days=5),
        ],
        checkups=[Checkup(day="20260401", item="身長", value="160.1")],
        limit=LimitRecord(classification="01", flag="A03", valid_from="20250801"),
    )
    return Person(
        certificate_sha256=f"{int(number):064x}",
        name=f"試験　花子{number[-1]}",
        kana="ｼｹﾝ ﾊﾅｺ",
        sex="2",
        birth="19850412",
        insurance=insurance.model_copy(update=changes),
    )


_MOVED = person("1003")
PEOPLE = [
    person("1001"),
    person("1002", validity=Validity.INVALID, loss="03", disqualified_from="20250401"),
    _MOVED.model_copy(update={"former": [_MOVED.insurance.model_copy(update={"number": "1903"})]}),
    person("1005", several=True),
    person(
        "1006",
        validity=Validity.VALID_UNREGISTERED,
        classification="A1",
        limit=None,
        tickets=[TicketRecord(ticket_type="01", month="202611")],
    ),
    person("1007", error="E-1234"),
    person("1008", symbol="～－"),
    person("1009", checkups=[]),
]


def world(**changes: object) -> GatewayWorld:
    return helper.known().model_copy(update={"institution": INSTITUTION, "people": PEOPLE, **changes})


def query(number: str = "1001", **changes: str) -> SecretBytes:
    fields = {
        "insurer": insurer("9999001"),
        "symbol": "見本",
        "number": number,
        "branch": "01",
        "birth": "19850412",
        **changes,
    }
    return SecretBytes(Query(**fields).to_json())


@dataclass
class Time:
    moment: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=JST)
    at: float = 0.0

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.at += seconds


@dataclass
class Bench:
    """`step`: what the other side does while the kiosk waits."""

    root: Path
    encoding: Encoding = Encoding.UTF8
    answers_in: Encoding | None = None
    faults: tuple[str, ...] = ()
    delay: float = 0.0
    arrivals: float = 0.0
    seconds: float = 30
    known: GatewayWorld = field(default_factory=world)
    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.events: list[Event] = []
        self.desk = Desk(self.known, lambda: self.time.moment)
        self.terminal = Terminal(
            TerminalSettings(self.root, INSTITUTION, self.answers_in or self.encoding, self.delay, self.arrivals),
            self.desk,
            tuple(self.known.people),
            self.events.append,
            faults=tuple(Fault.parse(each) for each in self.faults),
            now=lambda: self.time.moment,
            clock=lambda: self.time.at,
        )
        self.terminal.prepare()
        self.step: Callable[[], None] = self.terminal.step
        self.lookup = self.kiosk()

    def kiosk(self, root: Path | None = None) -> FolderLookup:
        return FolderLookup(
            FolderSettings(root or self.root, INSTITUTION, self.encoding, self.seconds),
            now=lambda: self.time.moment,
            clock=lambda: self.time.at,
            wait=self.wait,
        )

    def wait(self, seconds: float) -> None:
        self.time.forward(seconds)
        self.step()

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds / 0.25)):
            self.wait(0.25)

    def ask(self, reception: str = "r-1", number: str = "1001", limit: bool | None = False, **changes: str) -> Outcome:
        try:
            validity, secret = self.lookup.look_up(reception, query(number, **changes), limit)
        except GatewayError as error:
            return Outcome(failure=error.failure.name, word=error.upstream)
        return Outcome(validity=validity, result=None if secret is None else FullResult.parse(secret.view()))

    def left(self) -> tuple[int, int]:
        """Files in `req` and `res`, of any name."""
        return len(os.listdir(self.root / "req")), len(os.listdir(self.root / "res"))

    def only_answer(self) -> Path:
        (path,) = (self.root / "res").iterdir()
        return path

    def put(self, name: str, content: bytes | bytearray) -> None:
        (self.root / "req" / name).write_bytes(content)

    def answer_to(self, name: str, content: bytes | bytearray) -> bytes:
        """What a receipt computer gets that writes `content` as `req/<name>`."""
        self.put(name, content)
        self.pass_time(5)
        path = self.root / "res" / name.replace("req_", "res_")
        found = path.read_bytes()
        path.unlink()
        return found


@dataclass
class Outcome:
    validity: Validity | None = None
    result: FullResult | None = None
    failure: str = ""
    word: str = ""

    def as_json(self) -> str:
        return "" if self.result is None else json.dumps(json.loads(self.result.to_json()), ensure_ascii=False)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions mean nothing to root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)
