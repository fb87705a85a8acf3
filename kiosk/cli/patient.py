"""A patient for demonstrations and trials: sees pages, presses what a person would press, types what is on the card.

With a paper instead of a card the same robot plays the staff, who look up by number.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from devices.simulated.card.files import CardKind
from kiosk.app import App
from kiosk.cli.scenery import FACE_DOWN
from kiosk.cli.stage import Stage
from kiosk.maintenance.credentials import PRACTICE_PIN
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import MEDICAL, Item
from kiosk.reception.insured import Query
from kiosk.reception.number import Era, Field, as_printed, length
from kiosk.reception.view import LeafletPanel, Page, ScanPanel
from kiosk.runtime.loop import Change
from kiosk.ui.robot import NotOnPage, Robot

_STAGES = {
    "Choosing": "certificate",
    "AwaitingRead": "certificate",
    "VerifyingPin": "PIN and signature",
    "Scanning": "card face",
    "ReadingPhoto": "photo",
    "Looking": "face",
    "CheckingStaff": "staff credential",
    "LookupDoor": "staff credential",
    "Confirming": "eligibility",
    "Registering": "registration",
    "Sending": "consents",
    "LookingUp": "look-up",
    "HandingOff": "hand-off",
    "LookupHandingOff": "hand-off",
}
_TO_MOVE = ("unclear", "still")  # hints of the scanner that ask to move the card
_NUDGE_SECONDS = 3.0  # between one movement of the card and the next
_BACK_SECONDS = 8.0  # in which a face process that was replaced on a busy machine is back
SECOND_CARD = "swapped"
_METHODS = {"pin": "pin", "staff": "staff", "each": "pin", "register_pin": "pin"}
_PAPERS = {
    "lookup": s.Paper.CERTIFICATE,
    "notice": s.Paper.CARD_NOTICE,
    "portal": s.Paper.CARD_PORTAL,
    "notice_alone": s.Paper.NOTICE_ALONE,
    "portal_alone": s.Paper.PORTAL_ALONE,
}
# Pages that say how it ended, when there is no number of the day.
_LAST = (Page.PROBLEM, Page.PRACTICE_MACHINE, Page.NO_CARD, Page.LOOKUP_REFUSED)
_BETWEEN = (Page.IDLE, Page.TAKE_CARD, Page.FAREWELL)


@dataclass(frozen=True, slots=True)
class Role:
    """Who comes and how: `way` is one of the personas' `[[ending]]` ways. `answers`: what is answered otherwise than
    the way says. `query`: what stands on the paper."""

    persona: str
    way: str
    other: str = SECOND_CARD  # put down instead, for the way "swap"
    answers: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    query: Query | None = None

    @property
    def method(self) -> str:
        return _METHODS.get(self.way, "face")

    @property
    def paper(self) -> s.Paper | None:
        return _PAPERS.get(self.way)

    @property
    def has_card(self) -> bool:
        return self.paper is None and self.way != "leaflet"

    def says(self, item: Item, *, first: bool) -> bool:
        """Yes or no. Item by item, the first one is agreed to and the others are not."""
        return self.answers.get(item.value, {"decline": False, "each": first}.get(self.way, True))

    @property
    def each(self) -> bool:
        """One medical question after the other."""
        return self.way == "each" or any(item.value in self.answers for item in MEDICAL)


@dataclass(slots=True)
class Story:
    """What happened. Nothing personal: pages, answers, stages with milliseconds, which methods were offered.

    `failures` and `upstream`: codes that staff saw. `notices`: what the patient was told besides. `counter`: what the
    counter was told.
    """

    role: Role
    pages: list[str] = field(default_factory=list)
    offered: tuple[str, ...] = ()
    answers: dict[Item, bool] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    reception: str = ""
    number: int | None = None
    failures: list[str] = field(default_factory=list)
    upstream: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    counter: list[str] = field(default_factory=list)
    swapped: bool = False
    touches: list[str] = field(default_factory=list)  # buttons and keys that were pressed; keys without their digits
    stuck: str = ""  # what could not be pressed
    seconds: float = 0.0

    @property
    def last_page(self) -> str:
        """The page that says how it ended."""
        if self.number is not None:
            return Page.TAKE_CARD if self.role.has_card else Page.FAREWELL
        named = [page for page in self.pages if page in _LAST]
        if named:
            return Page.PROBLEM if named[-1] == Page.PRACTICE_MACHINE else named[-1]
        ways = [page for page in self.pages if page not in _BETWEEN]
        return ways[-1] if ways else ""


class Patient:
    """`step` looks at the page and acts; call it some ten times a second until it is True.

    `linger`: the next one may come while the last sentence of this reception is still on screen.
    """

    def __init__(
        self,
        app: App,
        stage: Stage,
        role: Role,
        *,
        pace: float,
        on_page: Callable[[str], None] = lambda page: None,
        language: str = "ja",
        linger: bool = True,
    ) -> None:
        self.story = Story(role)
        self.done = False
        self._app = app
        self._stage = stage
        self._role = role
        self._pace = pace
        self._on_page = on_page
        self._language = language
        self._linger = linger
        self._robot = Robot(app.window)
        self._acted: s.State | None = None
        self._seen: s.State | None = None
        self._since = 0.0
        self._entered = time.monotonic()
        self._began = 0.0
        self._card_in = False
        self._face_down = stage.scenery.laid.get(role.persona) == FACE_DOWN
        self._turning = False  # the card is in the hand and on its way back
        self._nudged = time.monotonic()
        app.loop.watchers.append(self._watch)
        app.desk.listeners.append(self._called)

    def leave(self) -> None:
        self._app.loop.watchers.remove(self._watch)
        self._app.desk.listeners.remove(self._called)

    # --- what happens ----------------------------------------------------------------------------------------------

    def _called(self, reason: str) -> None:
        self.story.counter.append(reason)

    def _watch(self, change: Change) -> None:
        now = time.monotonic()
        before, after = change.before, change.after
        name = _STAGES.get(type(before).__name__)
        if name is not None and before != after and not (isinstance(before, s.Choosing) and before.job is None):
            self.story.stages[name] = self.story.stages.get(name, 0.0) + (now - self._entered) * 1000
        if before != after:
            self._entered = now
        if isinstance(after, s.Problem | s.LookupProblem) and before != after:
            self._failed(after.failure.value, after.upstream)
        if isinstance(after, s.TakeCard | s.Farewell) and type(before) is not type(after):
            outcome = after.outcome
            if outcome.number is not None:
                self.story.number = outcome.number
            if outcome.failure is not None:
                self._failed(outcome.failure.value, "")
        reception = s.reception_of(after)
        if self._began and reception is not None and not self.story.swapped:
            self.story.reception = reception

    def _failed(self, code: str, upstream: str) -> None:
        for known, found in ((self.story.failures, code), (self.story.upstream, upstream)):
            if found and found not in known:
                known.append(found)

    # --- what the patient does -------------------------------------------------------------------------------------

    def step(self) -> bool:
        """True when the reception is over, or cannot go on."""
        try:
            self._tick()
        except NotOnPage as error:
            self.story.stuck = str(error)
            self._end()
        return self.done

    def _tick(self) -> None:
        state = self._app.loop.kiosk.state
        now = time.monotonic()
        if state != self._seen:
            self._seen, self._since = state, now
            return
        if now - self._since < self._pace or state == self._acted:
            return
        language = self._app.loop.kiosk.language
        if self._began and language != self._language and not isinstance(state, s.Idle | s.Farewell):
            self._robot.press(f"language:{self._language}")
            return
        self._acted = state
        page = self._robot.page()
        assert page is not None
        if (self._began or page is Page.IDLE) and (not self.story.pages or self.story.pages[-1] != page.value):
            self.story.pages.append(page.value)
            self._on_page(page.value)
        if self._began:
            self._read_notice()
        self._act(page)

    def _read_notice(self) -> None:
        view = self._app.window.view
        if view is not None and view.notice is not None:
            notice = view.notice.key.removeprefix("notice.")
            if notice not in self.story.notices:
                self.story.notices.append(notice)

    def _act(self, page: Page) -> None:
        match page:
            case Page.IDLE:
                self._at_idle()
            case Page.CHOOSE_METHOD:
                self._choose()
            case Page.LAST_TRY:
                self._robot.act("use_last_try")
            case Page.PIN:
                self._robot.type_pin(self._stage.card(self._role.persona).pin)
            case Page.SCAN_CARD:
                self._mind_card()
            case Page.PUT_BACK if self._turning:
                self._turning = False
                self._stage.insert(self._role.persona)
            case Page.CARD_NUMBER:
                self._type_number()
            case Page.LOOK_HERE:
                self._on_page(page.value)  # the latest guidance; the picture of this page is taken again
            case Page.FACE_RETRY:
                self._robot.act("try_again")
            case Page.STAFF_CONFIRM:
                self._robot.confirm_by_eye("face_failed", PRACTICE_PIN)
            case Page.REGISTRATION:
                self._robot.act("decline_registration" if self._role.way == "decline" else "register")
            case Page.CONSENT_ALL:
                self._consent()
            case Page.CONSENT_ITEM:
                self._answer_item()
            case Page.CHECK_ANSWERS:
                self._robot.act("confirm_answers")
            case Page.PROBLEM if self._may_be_tried_again():
                self._robot.act("cancel")
            case Page.TAKE_CARD | Page.PROBLEM | Page.PRACTICE_MACHINE:
                self._take_card()
            case Page.NO_CARD if self._role.paper is not None:
                self._robot.act("lookup")
            case Page.NO_CARD:
                self._take_card()
                self._robot.act("done")
            case Page.LEAFLET:
                self._turn_leaf()
            case Page.FAREWELL if not self._linger and (self._began or self._role.has_card):
                self._at_idle()
            case _:
                self._look_up(page)

    def _look_up(self, page: Page) -> None:
        """The staff's part; on other pages one waits: looking, working, being told goodbye."""
        match page:
            case Page.LOOKUP_DOOR:
                self._robot.type_pin(PRACTICE_PIN)
            case Page.LOOKUP_PAPER:
                self._robot.act(f"paper_{self._role.paper}")
            case Page.LOOKUP_REFUSED:
                self._robot.act("cancel")
            case Page.LOOKUP_CARD_SEEN:
                self._robot.act("card_seen")
            case Page.LOOKUP_TYPING:
                self._type_query()
            case Page.LOOKUP_LIMIT:
                yes = self._role.says(Item.LIMIT, first=True)
                self.story.answers[Item.LIMIT] = yes
                self._robot.act("item_use" if yes else "item_not_use")
            case _:
                return

    def _at_idle(self) -> None:
        if self._began:
            self._end()
            return
        self._began = time.monotonic()
        if self._role.way == "leaflet":
            self._robot.act("leaflet")
        elif self._role.paper is not None or self._stage.card(self._role.persona).kind is CardKind.PAPER:
            self._robot.act("no_card")
        else:
            if self._role.method == "face":  # to draw somebody whom nobody looks at takes half a processor
                self._stage.sit(self._role.persona)
            self._stage.insert(self._role.persona, face_down=self._face_down)
            self._card_in = True

    def _end(self) -> None:
        self.story.seconds = time.monotonic() - self._began
        # Which digits were typed is nobody's business.
        self.story.touches = [name if name.startswith("action:") else "key" for name in self._robot.touched]
        self.done = True

    def _choose(self) -> None:
        state = self._app.loop.kiosk.state
        if not isinstance(state, s.Choosing) or state.job is not None:
            self._acted = None  # wait for the card: what it allows is what is offered
            return
        self.story.offered = self._offered()
        away = self._role.method == "face" and "face" not in self.story.offered
        if away and time.monotonic() - self._since < _BACK_SECONDS:
            self._acted = None  # look again in a moment
            return
        if self._role.method in self.story.offered and not self.story.swapped:
            self._robot.act(self._role.method)
        else:
            self._robot.act("cancel")

    def _offered(self) -> tuple[str, ...]:
        page = self._app.window.view
        return () if page is None else tuple(action.name for action in page.actions if action.enabled)

    def _mind_card(self) -> None:
        """Does what the page says: to turn a card over one takes it off the reader, to move it one does not."""
        view = self._app.window.view
        panel = None if view is None else view.panel
        hint = panel.hint if isinstance(panel, ScanPanel) else ""
        if self._face_down and hint in (FACE_DOWN, "other_card"):
            self._face_down = False
            self._turning = True
            self._stage.remove()
        elif hint in _TO_MOVE and time.monotonic() - self._nudged > _NUDGE_SECONDS:
            self._nudged = time.monotonic()
            self._stage.nudge(self._role.persona)
        elif hint in _TO_MOVE:
            self._acted = None  # look again in a moment

    def _type_number(self) -> None:
        card = self._stage.card(self._role.persona)
        birth = self._stage.birth(self._role.persona)
        era, year = as_printed(birth)
        if not card.number_b.startswith(f"{year:02}"):  # as printed for a foreign resident
            era, year = Era.WESTERN, birth.year
        self._robot.type_number(era, year, birth.month, birth.day, int(card.number_b[6:10]), card.number_b[10:])

    def _consent(self) -> None:
        state = self._app.loop.kiosk.state
        assert isinstance(state, s.AskingAll)
        if self._role.way == "swap" and not self.story.swapped:
            self.story.swapped = True
            self._stage.swap(self._role.other)
        elif self._role.each:
            self._robot.act("each")
        else:
            yes = self._role.way != "decline"
            self.story.answers.update((item, yes) for item in state.eligible.questions if item in MEDICAL)
            self._robot.act("all_yes" if yes else "all_no")

    def _answer_item(self) -> None:
        state = self._app.loop.kiosk.state
        view = self._app.window.view
        assert isinstance(state, s.AskingItem)
        assert view is not None
        yes = self._role.says(state.item, first=not state.draft.given)
        self.story.answers[state.item] = yes
        # Of several prescriptions all: the button comes first.
        names = (
            action.name
            for action in view.actions
            if isinstance(action.event, e.ItemAnswered) and action.event.yes == yes
        )
        self._robot.act(next(names))

    def _type_query(self) -> None:
        """Insurer, symbol, number, branch and birth date, as they stand on the paper."""
        query = self._role.query
        assert query is not None
        press, digits = self._robot.press, self._robot.type_digits
        digits(query.insurer)
        if len(query.insurer) == 6:
            press("key:enter")
        for written in (query.symbol, query.number):
            if not written:
                press("key:none")
                continue
            for letter in written:
                press("key:hyphen" if letter == "-" else f"key:{letter}")
            press("key:enter")
        if query.branch:
            digits(query.branch)
        else:
            press("key:none")
        birth = date.fromisoformat(query.birth)
        era, year = as_printed(birth)
        press(f"field:era:{era}")
        digits(f"{year:0{length(Field.YEAR, era)}d}{birth:%m%d}")
        press("key:enter")

    def _may_be_tried_again(self) -> bool:
        """The kiosk would wait for the card to come back; there is no card, or one gives up."""
        state = self._app.loop.kiosk.state
        return isinstance(state, s.LookupProblem) or (isinstance(state, s.Problem) and state.retry is not None)

    def _turn_leaf(self) -> None:
        view = self._app.window.view
        panel = None if view is None else view.panel
        last = isinstance(panel, LeafletPanel) and panel.index == panel.total - 1
        self._robot.act("done" if last else "next_page")

    def _take_card(self) -> None:
        if self._card_in:
            self._card_in = False
            self._stage.remove()
            self._stage.sit(None)
