"""State -> what a page shows. No pixels, no words: catalogue keys, actions and their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.reception.consent import Item
from kiosk.reception.events import Event
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Ending


class Page(StrEnum):
    IDLE = "idle"
    NO_CARD = "no_card"
    CHOOSE_METHOD = "choose_method"
    READING = "reading"
    LAST_TRY = "last_try"
    PIN = "pin"
    CARD_NUMBER = "card_number"
    LOOK_HERE = "look_here"
    FACE_RETRY = "face_retry"
    STAFF_CONFIRM = "staff_confirm"
    WORKING = "working"
    REGISTRATION = "registration"
    CONSENT_ALL = "consent_all"
    CONSENT_ITEM = "consent_item"
    CHECK_ANSWERS = "check_answers"
    TAKE_CARD = "take_card"
    FAREWELL = "farewell"
    PUT_BACK = "put_back"
    PROBLEM = "problem"
    PRACTICE_MACHINE = "practice_machine"
    OUT_OF_SERVICE = "out_of_service"
    STAFF_DOOR = "staff_door"
    STAFF_ROOM = "staff_room"


@dataclass(frozen=True, slots=True)
class Text:
    """A catalogue key with its values. Values that are `Text` are translated first."""

    key: str
    values: Mapping[str, str | int | Text] = field(default_factory=dict)


class Weight(StrEnum):
    """How a button looks. Answers that must not be steered are EQUAL."""

    MAIN = "main"
    EQUAL = "equal"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Action:
    """A button: `name` is stable (tests, robots), `event` is posted when it is released inside."""

    name: str
    text: Text
    event: Event
    weight: Weight = Weight.EQUAL
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class PinPanel:
    """The PIN pad is shown; `tries_left` was read from the card."""

    tries_left: int | None


@dataclass(frozen=True, slots=True)
class NumberPanel:
    """The 照合番号B keypad: era birth date, expiry year, security code."""


@dataclass(frozen=True, slots=True)
class LookPanel:
    """Live preview with oval; `hint` is a word of FaceHint."""

    hint: str
    attempt: int
    attempts: int


@dataclass(frozen=True, slots=True)
class ProgressPanel:
    """`total` 0: duration unknown."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StaffPanel:
    """Credential pad with reasons."""

    wait_seconds: int


@dataclass(frozen=True, slots=True)
class ConsentPanel:
    """One block per item: name, look-back in years."""

    items: tuple[tuple[Item, int], ...]


@dataclass(frozen=True, slots=True)
class AnswersPanel:
    rows: tuple[tuple[Item, bool], ...]


@dataclass(frozen=True, slots=True)
class ResultPanel:
    ending: Ending
    number: int | None
    card_in: bool
    alarm: bool


@dataclass(frozen=True, slots=True)
class ProblemPanel:
    failure: FailureCode
    upstream: str


@dataclass(frozen=True, slots=True)
class DoorPanel:
    """Maintenance PIN pad."""

    wait_seconds: int


@dataclass(frozen=True, slots=True)
class RoomPanel:
    """Maintenance: `findings` device -> finding key suffix; `open`: in service."""

    open: bool
    running: bool
    findings: tuple[tuple[str, str], ...]


Panel = (
    PinPanel
    | NumberPanel
    | LookPanel
    | ProgressPanel
    | StaffPanel
    | ConsentPanel
    | AnswersPanel
    | ResultPanel
    | ProblemPanel
    | DoorPanel
    | RoomPanel
)


@dataclass(frozen=True, slots=True)
class View:
    """Everything a page needs. `can_cancel`: the bar at the bottom offers 「やめる」."""

    page: Page
    title: Text
    lead: tuple[Text, ...] = ()
    notice: Text | None = None  # e.g. why the PIN button is missing
    actions: tuple[Action, ...] = ()
    panel: Panel | None = None
    back: Action | None = None
    can_cancel: bool = False
    help_called: bool = False
    language: str = "ja"
