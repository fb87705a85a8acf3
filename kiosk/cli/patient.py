"""A patient for demonstrations and trials: sees pages, presses what a person would press, types what is on the card."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.app import App
from kiosk.cli.stage import Stage
from kiosk.maintenance.credentials import PRACTICE_PIN
from kiosk.reception import states as s
from kiosk.reception.number import as_printed
from kiosk.reception.view import Page
from kiosk.runtime.loop import Change
from kiosk.ui.robot import Robot

_STAGES = {
    "Choosing": "certificate",
    "AwaitingRead": "certificate",
    "VerifyingPin": "PIN and signature",
    "ReadingPhoto": "photo",
    "Looking": "face",
    "CheckingStaff": "staff credential",
    "Confirming": "eligibility",
    "Registering": "registration",
    "Sending": "consents",
    "HandingOff": "hand-off",
}


@dataclass(frozen=True, slots=True)
class Role:
    """Who comes and how: `way` is one of the personas' `[[ending]]` ways."""

    persona: str
    way: str
    other: str = "swapped"  # the card that is put down instead, for the way "swap"
    declines: bool = False

    @property
    def method(self) -> str:
        return {"pin": "pin", "staff": "staff", "each": "pin"}.get(self.way, "face")


@dataclass(slots=True)
class Story:
    """What happened. Nothing personal: pages, stages with milliseconds, which methods were offered."""

    role: Role
    pages: list[str] = field(default_factory=list)
    offered: tuple[str, ...] = ()
    stages: dict[str, float] = field(default_factory=dict)
    reception: str = ""
    number: int | None = None
    failures: list[str] = field(default_factory=list)
    swapped: bool = False
    seconds: float = 0.0

    @property
    def last_page(self) -> str:
        """The page that says how it ended."""
        if self.number is not None:
            return "take_card"
        named = [page for page in self.pages if page in ("problem", "practice_machine", "no_card")]
        if named:
            return "problem" if named[-1] == "practice_machine" else named[-1]
        ways = [page for page in self.pages if page not in ("idle", "take_card", "farewell")]
        return ways[-1] if ways else ""


class Patient:
    """`step` looks at the page and acts; call it some ten times a second until it is True."""

    def __init__(
        self,
        app: App,
        stage: Stage,
        role: Role,
        *,
        pace: float,
        on_page: Callable[[str], None] = lambda page: None,
        language: str = "ja",
    ) -> None:
        self.story = Story(role)
        self.done = False
        self._app = app
        self._stage = stage
        self._role = role
        self._pace = pace
        self._on_page = on_page
        self._language = language
        self._robot = Robot(app.window)
        self._acted: s.State | None = None
        self._seen: s.State | None = None
        self._since = 0.0
        self._entered = time.monotonic()
        self._began = 0.0
        self._card_in = False
        app.loop.watchers.append(self._watch)

    def leave(self) -> None:
        self._app.loop.watchers.remove(self._watch)

    # --- what happens ----------------------------------------------------------------------------------------------

    def _watch(self, change: Change) -> None:
        now = time.monotonic()
        before, after = change.before, change.after
        name = _STAGES.get(type(before).__name__)
        if name is not None and before != after and not (isinstance(before, s.Choosing) and before.job is None):
            self.story.stages[name] = self.story.stages.get(name, 0.0) + (now - self._entered) * 1000
        if before != after:
            self._entered = now
        if isinstance(after, s.Problem) and not isinstance(before, s.Problem):
            self.story.failures.append(after.failure.value)
        if isinstance(after, s.TakeCard) and after.outcome.number is not None:
            self.story.number = after.outcome.number
        reception = s.reception_of(after)
        if reception is not None and not self.story.swapped:
            self.story.reception = reception

    # --- what the patient does -------------------------------------------------------------------------------------

    def step(self) -> bool:
        """True when the reception is over."""
        self._tick()
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
        self._act(page)

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
                state = self._app.loop.kiosk.state
                first = isinstance(state, s.AskingItem) and not state.draft.given
                self._robot.act("item_yes" if first else "item_no")
            case Page.CHECK_ANSWERS:
                self._robot.act("confirm_answers")
            case Page.TAKE_CARD | Page.PROBLEM | Page.PRACTICE_MACHINE:
                self._take_card()
            case Page.NO_CARD:
                self._take_card()
                self._robot.act("done")
            case _:
                return  # looking, waiting, being told goodbye

    def _at_idle(self) -> None:
        if self._began:
            self.story.seconds = time.monotonic() - self._began
            self.done = True
            return
        self._began = time.monotonic()
        self._stage.sit(self._role.persona)
        self._stage.insert(self._role.persona)
        self._card_in = True

    def _choose(self) -> None:
        state = self._app.loop.kiosk.state
        if not isinstance(state, s.Choosing) or state.job is not None:
            self._acted = None  # wait for the card: what it allows is what is offered
            return
        self.story.offered = self._offered()
        if self._role.method in self.story.offered and not self.story.swapped:
            self._robot.act(self._role.method)
        else:
            self._robot.act("cancel")

    def _offered(self) -> tuple[str, ...]:
        page = self._app.window.view
        return () if page is None else tuple(action.name for action in page.actions if action.enabled)

    def _type_number(self) -> None:
        card = self._stage.card(self._role.persona)
        birth = self._stage.birth(self._role.persona)
        era, year = as_printed(birth)
        self._robot.type_number(era, year, birth.month, birth.day, int(card.number_b[6:10]), card.number_b[10:])

    def _consent(self) -> None:
        if self._role.way == "swap" and not self.story.swapped:
            self.story.swapped = True
            self._stage.swap(self._role.other)
        elif self._role.declines:
            self._robot.act("all_no")
        elif self._role.way in ("pin", "each"):
            self._robot.act("each")
        else:
            self._robot.act("all_yes")

    def _take_card(self) -> None:
        if self._card_in:
            self._card_in = False
            self._stage.remove()
            self._stage.sit(None)
