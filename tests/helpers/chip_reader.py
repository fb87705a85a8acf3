"""A headless kiosk whose patients put virtual cards on a real card client, over scripted PC/SC: trouble at the card
becomes pages and states of the reception here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devices import ports as d
from devices.blob import Blob
from devices.card.reader import SupervisedCardReader
from devices.simulated.card import VirtualCard
from devices.supervisor import InProcess
from kiosk.cli.gateway_world import gateway_world
from kiosk.eligibility.model import GatewayWorld
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.failure import TABLE, FailureCode
from kiosk.reception.machine import methods
from tests.helpers.cards import options, person, personas, world
from tests.helpers.headless import INSTITUTION, PIN, Headless, Site
from tests.helpers.virtual_scard import VirtualScard

_MOST_STEPS = 400
_MOST_CARDS = 4  # how often one patient puts the card down


def known(*names: str) -> GatewayWorld:
    """What the gateway knows of these personas, whose cards are those of `tests.helpers.cards`."""
    return gateway_world(world(), [personas()[name] for name in names], INSTITUTION)


class ChipReader(SupervisedCardReader):
    """The card process, and the hand that puts cards down."""

    def __init__(self, scard: VirtualScard, hang_seconds: float) -> None:
        super().__init__(options(driver="pcsc", reader=scard.name, hang_seconds=hang_seconds), InProcess)
        self._scard = scard

    def insert(self, card: Any) -> None:
        self._scard.put(card)

    def remove(self) -> None:
        self._scard.take()


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

    card: VirtualCard
    typed: int = 0
    cards: int = 1
    failures: list[FailureCode] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    endings: list[s.Ending] = field(default_factory=list)


class ChipKiosk(Headless):
    def __init__(self, site: Site, scard: VirtualScard, hang_seconds: float = 20.0) -> None:
        super().__init__(site, reader=ChipReader(scard, hang_seconds), face=AgreeingFace())
        self.scard = scard

    def receive(self, who: str, way: s.Method) -> Visited:
        """One patient who does not give up: puts the card back, tries again, comes again, takes another way
        where the first is not offered, until the visit is done."""
        visit = Visited(VirtualCard(person(who)))
        self.scard.put(visit.card)
        for _ in range(_MOST_STEPS):
            if isinstance(self.state, s.Idle) and self.scard.lying is None and s.Ending.DONE in visit.endings:
                return visit
            visit.states.append(type(self.state).__name__)
            self._touch(visit, who, way)
        raise AssertionError(f"no end: {visit.states[-12:]}, {visit.failures}")

    def _touch(self, visit: Visited, who: str, way: s.Method) -> None:
        match self.state:
            case s.Idle() | s.PutBack() if self.scard.lying is None:
                visit.cards += 1
                assert visit.cards <= _MOST_CARDS, f"{visit.states[-12:]}, {visit.failures}"
                self.scard.put(visit.card)
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
                self.scard.take()
                self.next()
            case s.Farewell(outcome=outcome):
                visit.endings.append(outcome.ending)
                self._act(e.DeadlinePassed())
            case _:
                self.next()
