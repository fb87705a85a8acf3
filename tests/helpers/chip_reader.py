"""A headless kiosk whose patients put virtual cards on a real card client, over scripted PC/SC: trouble at the card
becomes pages and states of the reception here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from devices import ports as d
from devices.blob import Blob
from devices.card.reader import SupervisedCardReader
from devices.simulated.card import VirtualCard
from devices.simulated.card.faults import FaultPlan
from devices.simulated.pcscd import PcscdLane
from devices.supervisor import InProcess
from kiosk.cli.gateway_world import gateway_world
from kiosk.eligibility.model import GatewayWorld
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.failure import TABLE, FailureCode
from kiosk.reception.machine import methods
from tests.contract.injection.troubles import Kind, Trouble
from tests.helpers.cards import options, person, personas, world
from tests.helpers.headless import INSTITUTION, PIN, Headless, Site
from tests.helpers.virtual_scard import VirtualScard

# A hand is slower than this. A card back within one poll of pcscd is not powered now and then: swaps have tests of
# their own (tests/pcsc).
_HAND_SECONDS = 0.6
_MOST_STEPS = 400
_MOST_CARDS = 4  # how often one patient puts the card down


def known(*names: str) -> GatewayWorld:
    """What the gateway knows of these personas, whose cards are those of `tests.helpers.cards`."""
    return gateway_world(world(), [personas()[name] for name in names], INSTITUTION)


class Hand(Protocol):
    """Puts a card on the reader and takes it away; `trouble` happens to one command after the next card is put."""

    def reader(self) -> d.CardReader: ...

    def inject(self, at: int = -1, trouble: Trouble | None = None) -> None: ...

    def put(self, who: str) -> None:
        """A card with full counters."""

    def put_back(self) -> None:
        """The same one, with the counters that it has."""

    def take(self) -> None: ...

    @property
    def lying(self) -> bool:
        """As the patient sees it: a card that was pulled, or that hangs and has to be taken, does not lie there."""

    def commands(self) -> int:
        """That reached the card since it was put."""

    def verifications(self) -> dict[str, int]:
        """VERIFY commands with data since `put`, by "application/EF", those that are not zero."""

    def counters(self) -> dict[str, int]: ...

    def pages(self, kind: Kind, by_kind: Mapping[Kind, set[FailureCode]]) -> set[FailureCode]:
        """Which of them may come, of what happens to the card over this reader."""


class ScriptedHand:
    """Over PC/SC made of a script, the card process in this one."""

    def __init__(self, scard: VirtualScard, hang_seconds: float = 20.0) -> None:
        self._scard = scard
        self._hang_seconds = hang_seconds
        self._card = VirtualCard(person("employee"))
        self._next: tuple[int, Trouble | None] = (-1, None)

    def reader(self) -> d.CardReader:
        settings = options(driver="pcsc", reader=self._scard.name, hang_seconds=self._hang_seconds)
        return SupervisedCardReader(settings, InProcess)

    def inject(self, at: int = -1, trouble: Trouble | None = None) -> None:
        self._next = at, trouble

    def put(self, who: str) -> None:
        self._card = VirtualCard(person(who))
        self._scard.inject(*self._next)
        self._scard.put(self._card)

    def put_back(self) -> None:
        self._scard.put(self._card)

    def take(self) -> None:
        self._scard.take()

    @property
    def lying(self) -> bool:
        return self._scard.lying is not None

    def commands(self) -> int:
        return self._scard.transmits

    def verifications(self) -> dict[str, int]:
        return {name: count for name, count in self._card.verify_count.items() if count}

    def counters(self) -> dict[str, int]:
        return self._card.counters

    def pages(self, kind: Kind, by_kind: Mapping[Kind, set[FailureCode]]) -> set[FailureCode]:
        return by_kind[kind]


class PcscdHand:
    """Over a genuine pcscd with the virtual reader, the card process apart."""

    def __init__(self, lane: PcscdLane, hang_seconds: float) -> None:
        self._lane = lane
        self._hang_seconds = hang_seconds
        self._who = ""
        self._before: Counter[str] = Counter()
        self._next: FaultPlan | None = None
        self._leaves = False  # by itself, or because the patient has to take it
        self.lying = False

    def reader(self) -> d.CardReader:
        settings = {"csock": self._lane.socket_path, "reader": "00 00", "hang_seconds": self._hang_seconds}
        return SupervisedCardReader(options(driver="pcsc", **settings))

    def inject(self, at: int = -1, trouble: Trouble | None = None) -> None:
        self._next = None if trouble is None else trouble.plan(at)
        self._leaves = trouble is not None and trouble.kind in (Kind.REMOVAL, Kind.HANG)

    def put(self, who: str) -> None:
        self._who = who
        self._before.clear()
        self.take()  # a reader that hung left its card there
        self._insert(fresh=True, faults=self._next)

    def put_back(self) -> None:
        self._before.update(self.verifications())
        self._leaves = False
        self.take()
        self._insert()

    def take(self) -> None:
        self._lane.remove()
        time.sleep(_HAND_SECONDS)
        self.lying = False

    def _insert(self, **settings: Any) -> None:
        self._lane.insert(person(self._who), **settings)
        self.lying = not self._leaves

    def commands(self) -> int:
        return int(self._lane.traffic(self._who)["apdus"])

    def verifications(self) -> dict[str, int]:
        now = self._before + Counter(self._lane.verify_count(self._who))
        return {name: count for name, count in now.items() if count}

    def counters(self) -> dict[str, int]:
        return self._lane.counters(self._who)

    def pages(self, kind: Kind, by_kind: Mapping[Kind, set[FailureCode]]) -> set[FailureCode]:
        """Nobody can reset a card that is held exclusively: it forgets by itself, and makes no sense after that."""
        return by_kind[Kind.GARBAGE] if kind is Kind.RESET else by_kind[kind]


class AgreeingFace:
    """Whoever stands there is the card's holder."""

    def __init__(self) -> None:
        self._sink: Callable[[d.FaceEvent], None] = lambda event: None

    def start(self, sink: Callable[[d.FaceEvent], None]) -> None:
        self._sink = sink
        sink(d.FaceWorkerReady("agreeing"))

    def begin(self, job: int, photo: Blob) -> None:
        self._sink(d.FaceDecided(job, d.FaceBand.ACCEPT, 1))

    def cancel(self) -> None:
        return

    def recycle(self) -> None:
        return

    def stop(self) -> None:
        return


@dataclass
class Visited:
    """`typed`: how often PIN or 照合番号B was entered; `cards`: how often the card was put down."""

    typed: int = 0
    cards: int = 1
    failures: list[FailureCode] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    endings: list[s.Ending] = field(default_factory=list)


class ChipKiosk(Headless):
    def __init__(self, site: Site, hand: Hand) -> None:
        super().__init__(site, reader=hand.reader(), face=AgreeingFace())
        self.hand = hand

    def receive(self, who: str, way: s.Method) -> Visited:
        """One patient who does not give up: puts the card back, tries again, comes again, takes another way
        where the first is not offered, until the visit is done."""
        visit = Visited()
        self.hand.put(who)
        for _ in range(_MOST_STEPS):
            if isinstance(self.state, s.Idle) and not self.hand.lying and s.Ending.DONE in visit.endings:
                return visit
            visit.states.append(type(self.state).__name__)
            self._touch(visit, who, way)
        raise AssertionError(f"no end: {visit.states[-12:]}, {visit.failures}")

    def _touch(self, visit: Visited, who: str, way: s.Method) -> None:
        match self.state:
            case s.Idle() | s.PutBack() if not self.hand.lying and set(visit.states) != {"Idle"}:
                visit.cards += 1
                assert visit.cards <= _MOST_CARDS, f"{visit.states[-12:]}, {visit.failures}"
                self.hand.put_back()
                self.next()
            case s.Choosing(visit=known, job=None):
                offered = way in methods(known, self.loop.kiosk.health, self.policy)
                self._act(e.MethodChosen(way if offered else s.Method.STAFF))
            case s.StaffConfirming():
                self._act(e.StaffEntered(s.PinRef(self._keep("staff", PIN)), s.StaffReason.FACE_FAILED))
            case s.EnteringPin():
                visit.typed += 1
                self._act(e.PinEntered(s.PinRef(self._keep("pin", personas()[who].pin.encode()))))
            case s.EnteringNumber():
                visit.typed += 1
                self._act(e.NumberEntered(s.NumberRef(self._keep("number", personas()[who].number_b.encode()))))
            case s.AskingAll():
                self._act(e.AllAnswered(e.All.YES))
            case s.AskingItem(item=item):
                self._act(e.ItemAnswered(item, True))
            case s.CheckingAnswers():
                self._act(e.AnswersConfirmed())
            case s.Problem(failure=failure):
                visit.failures.append(failure)
                self._act(e.TryAgain() if TABLE[failure].recoverable and visit.typed < 4 else e.Cancelled())
            case s.TakeCard(outcome=outcome):
                visit.endings.append(outcome.ending)
                self.hand.take()
                self.next()
            case s.Farewell(outcome=outcome):
                visit.endings.append(outcome.ending)
                self._act(e.DeadlinePassed())
            case _:
                self.next()
