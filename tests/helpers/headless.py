"""A whole kiosk without its window: Loop and Executor, real journal and files, real HTTPS; card and fingers simulated.

What is left out are Qt and the processes of card and face, so that hundreds of receptions, or deaths, fit into a test.
"""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

from devices import ports as d
from devices.blob import Blob
from devices.errors import DeviceFault
from devices.secret import SecretBytes
from devices.simulated.card.files import sign
from devices.simulated.personas import load_personas
from devices.simulated.pki import load_key
from devices.simulated.world import World, personas_folder
from kiosk.cli.gateway_world import gateway_world
from kiosk.downtime.queue import Finished, Queue
from kiosk.downtime.service import NoQueue, QueueService
from kiosk.eligibility.conversation import Conversation
from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.model import GatewayWorld
from kiosk.eligibility.port import RESULT_EXPIRED, Lookup
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, TlsFolder
from kiosk.eligibility.verification import Refused
from kiosk.fullresult import FullResult
from kiosk.handoff.desk import Handoff, Recovered, Unclaimed
from kiosk.handoff.errors import NotNow, ResultGone
from kiosk.handoff.folder import HandoffFolder, stem
from kiosk.handoff.journal import Journal
from kiosk.handoff.service import HandoffService
from kiosk.handoff.sidefile import SideFolder
from kiosk.oqs.document import Encoding
from kiosk.qualification import JST
from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.insured import Query
from kiosk.reception.policy import Policy
from kiosk.reception.view import View
from kiosk.runtime.executor import Adapters, Executor, fresh_reception
from kiosk.runtime.loop import Loop
from kiosk.runtime.ports import JobError, Postponer
from kiosk.runtime.vault import Vault
from tests.helpers.face_file import lately, read_face_file
from tests.helpers.full import read_side_file

INSTITUTION = "9910000001"
PIN = b"246810"
PATIENCE = 20.0  # seconds for the next event: only a fault of the tests takes so long


@dataclass(frozen=True)
class Holder:
    """A card as far as the PIN way needs it, and what stands on its holder's 資格確認書. Can be pickled."""

    certificate: bytes
    key: bytes
    query: bytes


def people(*names: str) -> tuple[GatewayWorld, dict[str, Holder]]:
    """A gateway's world of these personas, and their cards."""
    known, holders = _people(names)
    return known, dict(holders)


@cache
def _people(names: tuple[str, ...]) -> tuple[GatewayWorld, dict[str, Holder]]:
    personas = [persona for persona in load_personas(personas_folder()) if persona.id in names]
    world = World.build(personas, lambda _: b"a picture" * 100)
    known = gateway_world(world, personas, INSTITUTION)
    names_of = {hashlib.sha256(card.auth_certificate).hexdigest(): name for name, card in world.cards.items()}
    holders = {}
    for person in known.people:
        name = names_of[person.certificate_sha256]
        insurance = person.insurance
        query = Query(insurance.insurer_number, insurance.symbol, insurance.number, insurance.branch, person.birth)
        card = world.cards[name]
        holders[name] = Holder(card.auth_certificate, card.auth_key, query.to_json())
    return known, holders


@dataclass(frozen=True)
class Site:
    """Where a kiosk lives, again and again. Can be pickled."""

    root: Path
    url: str
    tls: TlsFolder
    holders: dict[str, Holder]
    connect: float = 3.0
    read: float = 10.0
    overall: float = 25.0
    asks: tuple[Item, ...] = (Item.MEDICATION, Item.CHECKUP, Item.DISEASE, Item.SUBSIDY)

    @property
    def face(self) -> Path:
        return self.root / "handoff" / "face"

    @property
    def side(self) -> Path:
        return self.root / "handoff" / "extension"

    @property
    def journal(self) -> Path:
        return self.root / "state" / "handoff.journal"

    @property
    def files(self) -> list[Path]:
        return sorted(self.face.glob("*.xml"))

    @property
    def sides(self) -> list[Path]:
        return sorted(self.side.glob("*.xml"))

    @property
    def temporary(self) -> list[Path]:
        return [*self.face.glob("*.tmp"), *self.side.glob("*.tmp")]

    def settings(self) -> GatewaySettings:
        return GatewaySettings(
            self.url,
            TERMINAL,
            self.tls.certificate(),
            self.tls.key(),
            self.tls.ca,
            connect=self.connect,
            read=self.read,
            overall=self.overall,
            asks=self.asks,
        )


@dataclass(frozen=True)
class Count:
    """Gateway and folders held against each other. `complete`: receptions whose result the gateway has."""

    complete: int
    look_ups: int
    files: int
    sides: int
    lost: int
    doubled: int
    left: int  # temporary files

    @classmethod
    def of(cls, site: Site, gateway: SimulatedGateway, *now: datetime) -> Count:
        """Reads every file strictly, too: a half-written one is an AssertionError. `now` by the clock of the kiosk, if
        that is another."""

        def results() -> dict[str, bytes]:
            found = {}
            for reception in gateway.desk.receptions():
                with suppress(Refused):  # a look-up that named nobody
                    found[reception] = gateway.desk.result(TERMINAL, reception) or b""
            return {reception: result for reception, result in found.items() if result}

        known = {stem(each): FullResult.parse(result) for each, result in gateway.call(results).items()}
        for file in site.files:
            read_face_file(file, *lately(), *now)
        faces = [file.name[29:49] for file in site.files]
        sides = {file.name[4:24]: read_side_file(file).face_file for file in site.sides}
        beside = {each for each, full in known.items() if full.has_side_file}
        names = {file.name for file in site.files}
        lost = len(known.keys() - set(faces)) + len(beside - sides.keys())
        doubled = len(faces) - len(set(faces)) + len(site.sides) - len(sides)
        doubled += len(set(faces) - known.keys()) + len(sides.keys() - beside) + len(set(sides.values()) - names)
        look_ups = sum(full.qualification.header.reference == "2" for full in known.values())
        return cls(len(known), look_ups, len(faces), len(sides), lost, doubled, len(site.temporary))


class _Reader:
    """Answers at once, as a card with these contents would."""

    def __init__(self) -> None:
        self.card: Holder | None = None
        self.presence = 0
        self._sink: Callable[[d.CardEvent], None] = lambda _: None

    def start(self, sink: Callable[[d.CardEvent], None]) -> None:
        self._sink = sink
        sink(d.ReaderReady("simulated"))

    def insert(self, card: Holder) -> None:
        self.card = card
        self.presence += 1
        self._sink(d.CardPresent(self.presence))

    def remove(self) -> None:
        if self.card is not None:
            self.card = None
            self._sink(d.CardGone(self.presence))

    def read_certificate(self, job: int, presence: int) -> None:
        assert self.card is not None
        blob = Blob.of(self.card.certificate)
        self._sink(d.CertificateRead(job, presence, blob, f"print {presence}", d.TokenKind.CARD, 3, 10))

    def read_photo(self, job: int, presence: int, number: Blob, message: Blob) -> None:
        raise AssertionError("no face here")

    def sign_with_pin(self, job: int, presence: int, pin: Blob, message: Blob) -> None:
        assert self.card is not None
        with pin, message, message.secret() as text:
            signature = sign(load_key(self.card.key), bytes(text.view()))
        self._sink(d.PinSigned(job, presence, Blob.of(signature)))

    def release(self) -> None:
        return

    def recycle(self) -> None:
        return

    def stop(self) -> None:
        return


class _Face:
    def start(self, sink: Callable[[d.FaceEvent], None]) -> None:
        return

    def begin(self, job: int, photo: Blob) -> None:
        raise AssertionError("no face here")

    def cancel(self) -> None:
        return

    def recycle(self) -> None:
        return

    def stop(self) -> None:
        return


class _Camera:
    def start(self) -> None:
        return

    def latest(self) -> d.Frame | None:
        return None

    def fault(self) -> DeviceFault | None:
        return None

    def wipe(self) -> None:
        return

    def stop(self) -> None:
        return


class _Staff:
    def check(self, secret: SecretBytes) -> int | None:
        return None if secret.matches(PIN) else 30


@dataclass
class _Notes:
    """Audit, counter, loudspeaker and service switch."""

    audit: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def record(self, what: str, reception: s.ReceptionId | None, detail: str) -> None:
        self.audit.append((what, detail))

    def call(self, reason: str) -> None:
        self.calls.append(reason)

    def play(self, sound: c.Sound) -> None:
        return

    def store(self, is_open: bool) -> None:
        return


class _Screen:
    def present(self, view: View) -> None:
        return

    def warn(self, seconds: int) -> None:
        return

    def clear_warning(self) -> None:
        return


class _NoAlarm:
    """Time is the robot's: it lets it pass where a page has nothing to touch."""

    def set(self, seconds: float, action: Callable[[], None]) -> None:
        return

    def clear(self) -> None:
        return


@dataclass
class Story:
    """What a visit came to."""

    reception: str = ""
    states: list[str] = field(default_factory=list)
    failures: list[tuple[FailureCode, str]] = field(default_factory=list)
    outcome: s.Outcome | None = None


class Headless:
    """Started by `with`. `look(what)` is told of every state and every step of the hand-off: tests end the process
    there."""

    def __init__(
        self,
        site: Site,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(JST),
        look: Callable[[str], None] = lambda _: None,
        queue_key: bytes = b"",
        lookup: Lookup | None = None,
        policy: Policy | None = None,
        encoding: Encoding = Encoding.UTF8,
        reader: d.CardReader | None = None,
        face: d.FaceVerifier | None = None,
    ) -> None:
        self.site = site
        for folder in (site.face, site.journal.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.notes = _Notes()
        self.recovered: list[Recovered] = []
        self.unclaimed: list[Unclaimed] = []
        self.finished: list[Finished] = []
        self._look = look
        self._events: queue.SimpleQueue[e.Event] = queue.SimpleQueue()
        self._https = HttpsGateway(site.settings())
        self.gateway = Conversation(self._https, lambda language: f"headless-{language}", lookup)
        self._journal = Journal(site.journal, now)
        self.folder = HandoffFolder(site.face, INSTITUTION, pause=0.01)
        handoff = Handoff(
            self.folder,
            SideFolder(site.side, pause=0.01),
            self._journal,
            encoding,
            simulated=True,
            now=now,
            checkpoint=lambda step: look(f"hand-off: {step}"),
        )
        self.handoff = HandoffService(handoff, self._fetch, self.recovered.append, self.unclaimed.extend)
        postponer: Postponer = NoQueue()
        self._queue: Queue | None = None
        if queue_key:
            self._queue = Queue(site.root / "state" / "queue", SecretBytes(queue_key), now=now)
            postponer = QueueService(self._queue, self.gateway, self.handoff, self.finished.append, "ja")
        self.typing: Callable[[bytes], bytes] = lambda query: query  # what staff make of a 資格確認書
        self._reader = _Reader()
        self.vault = Vault()
        self.executor = Executor(
            Adapters(
                reader or self._reader,
                face or _Face(),
                _Camera(),
                self.gateway,
                self.handoff,
                postponer,
                _Staff(),
                _Staff(),
                self.notes,
                self.notes,
                self.notes,
            ),
            self.vault,
            self._events.put,
        )
        self.policy = policy or Policy(questions=site.asks, postpone=bool(queue_key))
        self.loop = Loop(self.policy, _Screen(), self.executor.perform, _NoAlarm(), _NoAlarm(), fresh_reception)

    def __enter__(self) -> Headless:
        self.executor.start()
        self.until(s.Idle)
        return self

    def __exit__(self, *_: object) -> None:
        self.executor.stop()
        self._https.close()
        self._journal.close()
        if self._queue is not None:
            self._queue.close()

    @property
    def state(self) -> s.State:
        return self.loop.kiosk.state

    def next(self) -> None:
        """Apply one event."""
        self.loop.apply(self._events.get(timeout=PATIENCE))
        self._look(type(self.state).__name__)

    def until(self, *states: type[s.State]) -> None:
        while not isinstance(self.state, states):
            self.next()

    def tidy(self) -> None:
        """One round of what the net thread does every half minute."""
        done: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.executor.tidy_now(lambda: done.put(True))
        done.get(timeout=PATIENCE)

    def _fetch(self, reception: str) -> SecretBytes | None:
        try:
            return self.gateway.fetch(s.ReceptionId(reception))
        except JobError as error:
            if error.upstream == RESULT_EXPIRED:
                raise ResultGone from None
            raise NotNow from None

    # --- the robot -------------------------------------------------------------------------------------------------

    def visit(
        self,
        who: str,
        *,
        way: str = "pin",
        yes: bool = True,
        on_problem: Callable[[], str] = lambda: "leave",
    ) -> Story:
        """One patient from the first page to the last. `way`: "pin", "staff", or "number" (look-up by staff).
        `on_problem` says what is touched on a problem page: "again", "leave", "postpone" or "type again"."""
        story = Story()
        holder = self.site.holders[who]
        if way == "number":
            self._act(e.NoCardChosen(fresh_reception()))
        else:
            self._reader.insert(holder)
            self.next()
        story.reception = s.reception_of(self.state) or ""
        while not isinstance(self.state, s.Idle):
            story.states.append(type(self.state).__name__)
            self._answer(story, holder, way, yes, on_problem)
        return story

    def _act(self, event: e.Event) -> None:
        self._events.put(event)
        self.next()

    def _keep(self, kind: str, secret: bytes) -> str:
        reception = s.reception_of(self.state)
        assert reception is not None
        if isinstance(self.state, s.LookupDoor):
            self.vault.open(reception)
        return self.executor.keep(reception, kind, SecretBytes(secret))

    def _answer(self, story: Story, holder: Holder, way: str, yes: bool, on_problem: Callable[[], str]) -> None:
        """Touch what a person would touch on this page, or wait for what is under way."""
        state = self.state
        match state:
            case s.Choosing(job=None):
                self._act(e.MethodChosen(s.Method.STAFF if way == "staff" else s.Method.PIN))
            case s.EnteringPin():
                self._act(e.PinEntered(s.PinRef(self._keep("pin", b"1234"))))
            case s.StaffConfirming():
                handle = s.PinRef(self._keep("staff", PIN))
                self._act(e.StaffEntered(handle, s.StaffReason.FACE_FAILED))
            case s.AskingAll():
                self._act(e.AllAnswered(e.All.YES if yes else e.All.NO))
            case s.AskingItem():
                tokens = tuple(each.token for each in state.eligible.eligibility.prescriptions)
                self._act(e.ItemAnswered(state.item, yes, tokens if state.item is Item.DISPENSE else ()))
            case s.CheckingAnswers():
                self._act(e.AnswersConfirmed())
            case s.NoCard():
                self._act(e.LookupWanted(fresh_reception()))
            case s.LookupDoor(job=None):
                self._act(e.LookupPin(s.PinRef(self._keep("staff", PIN))))
            case s.LookupPaper():
                self._act(e.PaperChosen(s.Paper.CERTIFICATE))
            case s.LookupTyping():
                query = self.typing(holder.query)
                self._act(e.QueryEntered(s.QueryRef(self._keep("query", query))))
            case s.LookupAsking():
                self._act(e.ItemAnswered(Item.LIMIT, yes))
            case s.Problem() | s.LookupProblem():
                story.failures.append((state.failure, state.upstream))
                answers: dict[str, e.Event] = {
                    "again": e.TryAgain(),
                    "leave": e.Cancelled(),
                    "postpone": e.PostponeWanted(),
                    "type again": e.Back(),
                }
                self._act(answers[on_problem()])
            case s.TakeCard():
                story.outcome = state.outcome
                self._reader.remove()
                self.next()
            case s.Farewell():
                story.outcome = state.outcome
                self._act(e.DeadlinePassed())
            case _:
                self.next()
