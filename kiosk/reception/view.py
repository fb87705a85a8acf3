"""State -> what a page shows. No pixels, no words: catalogue keys, actions and their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import MEDICAL, Item
from kiosk.reception.events import Event
from kiosk.reception.failure import TABLE, FailureCode, text_key
from kiosk.reception.leaflet import WITH_QR
from kiosk.reception.machine import late, methods
from kiosk.reception.policy import Policy
from kiosk.reception.states import Ending, Method


class Page(StrEnum):
    IDLE = "idle"
    NO_CARD = "no_card"
    CHOOSE_METHOD = "choose_method"
    READING = "reading"
    LAST_TRY = "last_try"
    PIN = "pin"
    SCAN_CARD = "scan_card"
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
    READER_WAIT = "reader_wait"
    ONE_CARD = "one_card"
    PROBLEM = "problem"
    PRACTICE_MACHINE = "practice_machine"
    OUT_OF_SERVICE = "out_of_service"
    LEAFLET = "leaflet"
    LOOKUP_DOOR = "lookup_door"
    LOOKUP_PAPER = "lookup_paper"
    LOOKUP_REFUSED = "lookup_refused"
    LOOKUP_CARD_SEEN = "lookup_card_seen"
    LOOKUP_TYPING = "lookup_typing"
    LOOKUP_LIMIT = "lookup_limit"
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
class ScanPanel:
    """The printed card is looked at; `hint` is a word of ScanHint."""

    hint: str


@dataclass(frozen=True, slots=True)
class LookPanel:
    """Live preview with oval; `hint` is a word of FaceHint; `challenged`: movements are asked for."""

    hint: str
    attempt: int
    attempts: int
    challenged: bool = False


@dataclass(frozen=True, slots=True)
class ProgressPanel:
    """`total` 0: duration unknown. `card`: one lies on the reader and must stay there."""

    done: int
    total: int
    card: bool = True


@dataclass(frozen=True, slots=True)
class StaffPanel:
    """Credential pad with reasons."""

    wait_seconds: int


@dataclass(frozen=True, slots=True)
class ConsentPanel:
    """One block per item: name, look-back in years (0: none to tell)."""

    items: tuple[tuple[Item, int], ...]


@dataclass(frozen=True, slots=True)
class AnswersPanel:
    """`rows`: question and the words of its answer."""

    rows: tuple[tuple[Item, Text], ...]


@dataclass(frozen=True, slots=True)
class ResultPanel:
    """`failure`: the code that staff look up, when the insurance is not valid."""

    ending: Ending
    number: int | None
    card_in: bool
    alarm: bool
    failure: FailureCode | None = None


@dataclass(frozen=True, slots=True)
class LeafletPanel:
    """`name`: of `leaflet.<name>`; `qr`: show the code of Mynaportal's public top page."""

    name: str
    index: int
    total: int
    qr: bool


@dataclass(frozen=True, slots=True)
class QueryPanel:
    """The keypad for insurer number, symbol, number, branch and birth date."""


@dataclass(frozen=True, slots=True)
class LookupDoorPanel:
    """Staff credential pad."""

    wait_seconds: int


@dataclass(frozen=True, slots=True)
class RefusedPanel:
    """The paper that alone confirms nothing."""

    paper: s.Paper


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
    | ScanPanel
    | LookPanel
    | ProgressPanel
    | StaffPanel
    | ConsentPanel
    | AnswersPanel
    | ResultPanel
    | ProblemPanel
    | DoorPanel
    | RoomPanel
    | LeafletPanel
    | QueryPanel
    | LookupDoorPanel
    | RefusedPanel
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


_BACK = Action("back", Text("action.back"), e.Back(), Weight.QUIET)
_TRY_AGAIN = Action("try_again", Text("action.try_again"), e.TryAgain(), Weight.MAIN)
_OTHER = Action("other_method", Text("action.other_method"), e.OtherMethod(), Weight.QUIET)


def view(kiosk: s.Kiosk, policy: Policy) -> View:
    """The page of a state, in catalogue keys."""
    page = _page(kiosk, policy)
    return replace(page, help_called=kiosk.help_called, language=kiosk.language)


def _page(kiosk: s.Kiosk, policy: Policy) -> View:
    state = kiosk.state
    if isinstance(state, s.LookupState):
        return _lookup(state, policy)
    match state:
        case s.Idle():
            # The runtime replaces the empty id by a fresh one: the domain makes no random numbers.
            door = _action("no_card", e.NoCardChosen(s.ReceptionId("")))
            leaflet = Action("leaflet", Text("action.leaflet"), e.LeafletOpened(), Weight.QUIET)
            return _make(Page.IDLE, actions=(door, leaflet) if policy.leaflet else (door,))
        case s.Leaflet():
            return _leaflet(state, policy)
        case s.NoCard():
            done = Action("done", Text("action.done"), e.Back(), Weight.MAIN)
            lookup = Action("lookup", Text("action.lookup"), e.LookupWanted(s.ReceptionId("")), Weight.QUIET)
            offered = policy.lookup and state.presence is None
            return _make(Page.NO_CARD, actions=(done, lookup) if offered else (done,))
        case s.Postponing():
            waiting = ProgressPanel(0, 0, card=state.presence is not None)
            return _make(Page.WORKING, lead=(Text("page.working.lead_postponing"),), panel=waiting)
        case s.Choosing():
            return _choose(state.visit, state.job is not None, kiosk.health, policy)
        case s.AwaitingRead():
            return _make(Page.READING, panel=ProgressPanel(0, 0), can_cancel=True)
        case s.LastTry():
            accept = Action("use_last_try", Text("action.use_last_try"), e.LastTryAccepted(), Weight.EQUAL)
            other = Action("other_method", Text("action.other_method"), e.OtherMethod(), Weight.EQUAL)
            return _make(Page.LAST_TRY, actions=(other, accept), can_cancel=True)
        case s.EnteringPin():
            tries = state.visit.certificate.pin_tries if state.visit.certificate else None
            key = "notice.pin_wrong" if state.wrong else "notice.tries"
            notice = None if tries is None else Text(key, {"tries": tries})
            return _make(Page.PIN, notice=notice, panel=PinPanel(tries), back=_OTHER, can_cancel=True)
        case s.Scanning():
            hint = state.visit.printed.hint if isinstance(state.visit.printed, s.Scan) else s.Scan(0).hint
            typing = _action("type_number", e.TypeNumber())
            return _make(Page.SCAN_CARD, actions=(typing,), panel=ScanPanel(hint), back=_OTHER, can_cancel=True)
        case s.EnteringNumber():
            return _make(
                Page.CARD_NUMBER,
                notice=_number_notice(state),
                panel=NumberPanel(),
                back=_OTHER,
                can_cancel=True,
            )
        case s.ReadingPhoto():
            return _make(Page.READING, panel=ProgressPanel(state.done, state.total), can_cancel=True)
        case s.Looking():
            attempt = state.visit.face_attempts + 1
            panel = LookPanel(state.hint, attempt, policy.face_attempts, state.challenged)
            # Nobody has to be able to turn the head, or to see the arrow.
            other = replace(_OTHER, text=Text("action.cannot_move")) if state.challenged else _OTHER
            if not state.challenged:
                return _make(Page.LOOK_HERE, panel=panel, back=other, can_cancel=True)
            asked = (Text("page.look_here.lead_challenge"),)
            view = _make(Page.LOOK_HERE, lead=asked, panel=panel, back=other, can_cancel=True)
            return replace(view, title=Text("page.look_here.title_challenge"))
        case s.FaceRetry():
            usable = methods(state.visit, kiosk.health, policy)
            again = Action("try_again", Text("action.try_again"), e.TryAgain(), enabled=Method.FACE in usable)
            ways = [method for method in usable if method is not Method.FACE]
            notice = Text("notice.face_unclear" if state.unclear else "notice.face_other")
            actions = (again, *(_method(m) for m in ways))
            return _make(Page.FACE_RETRY, notice=notice, actions=actions, can_cancel=True)
        case s.StaffConfirming():
            return _make(
                Page.STAFF_CONFIRM,
                notice=_staff_notice(state.refused, state.wait_seconds),
                panel=StaffPanel(state.wait_seconds),
                back=_OTHER,
                can_cancel=True,
            )
        case s.VerifyingPin() | s.CheckingStaff() | s.Rechecking():
            return _make(Page.WORKING, panel=ProgressPanel(0, 0))
        case s.Confirming() | s.Registering():
            lead = Text("page.working.lead_insurance")
            return _make(Page.WORKING, lead=(lead,), panel=ProgressPanel(0, 0), can_cancel=True)
        case s.Sending() | s.HandingOff():
            lead = Text("page.working.lead_sending")
            return _make(Page.WORKING, lead=(lead,), panel=ProgressPanel(0, 0))
        case s.OfferingRegistration():
            yes = _action("register", e.RegistrationAnswered(True))
            no = _action("decline_registration", e.RegistrationAnswered(False))
            return _make(Page.REGISTRATION, actions=(yes, no), can_cancel=True)
        case s.AskingAll():
            return _consent_all(state, policy)
        case s.AskingItem():
            return _consent_item(state, policy)
        case s.CheckingAnswers():
            changes = tuple(
                Action(f"change_{item.name.lower()}", Text("action.change"), e.ChangeAnswer(item), Weight.QUIET)
                for item, _ in state.answers.given
            )
            confirm = Action("confirm_answers", Text("action.confirm_answers"), e.AnswersConfirmed(), Weight.MAIN)
            return _make(
                Page.CHECK_ANSWERS,
                actions=(confirm, *changes),
                panel=AnswersPanel(tuple((item, answer_text(item, yes)) for item, yes in state.answers.given)),
                back=_BACK,
                can_cancel=True,
            )
        case s.TakeCard():
            return _result(Page.TAKE_CARD, state.outcome, card_in=True, alarm=state.alarm)
        case s.Farewell():
            return _result(Page.FAREWELL, state.outcome, card_in=False, alarm=False)
        case s.PutBack() if kiosk.health.reader_failure is not None:
            wait = (Text("page.reader_wait.lead"), Text("page.reader_wait.lead2"))
            return replace(_heals(kiosk.health.reader_failure, wait), can_cancel=True)
        case s.PutBack(behind=s.Choosing() | s.Scanning()) if policy.scanner:
            # Whoever turns the card over takes it off the reader.
            front = (Text("page.put_back.lead_front"), Text("page.put_back.lead"))
            return _make(Page.PUT_BACK, lead=front, can_cancel=True)
        case s.PutBack():
            return _make(Page.PUT_BACK, can_cancel=True)
        case s.Problem():
            return _problem(state, kiosk.health, policy)
        case s.OutOfService(FailureCode.READER_HUNG | FailureCode.CARD_WORKER_LOST | FailureCode.SEVERAL_CARDS):
            key = text_key(state.failure)
            return _heals(state.failure, (Text(f"{key}.do"), Text(f"{key}.other")))
        case s.OutOfService():
            key = text_key(state.failure)
            return View(
                Page.OUT_OF_SERVICE,
                Text("page.out_of_service.title"),
                lead=(Text(f"{key}.what"), Text("page.out_of_service.lead")),
                panel=ProblemPanel(state.failure, ""),
            )
        case s.StaffDoor():
            notice = _staff_notice(state.refused, state.wait_seconds)
            return _make(Page.STAFF_DOOR, notice=notice, panel=DoorPanel(state.wait_seconds), back=_BACK)
        case s.StaffRoom():
            return _room(state, kiosk.health, policy)
        case _:
            assert_never(state)


def _make(
    page: Page,
    *,
    lead: tuple[Text, ...] | None = None,
    notice: Text | None = None,
    actions: tuple[Action, ...] = (),
    panel: Panel | None = None,
    back: Action | None = None,
    can_cancel: bool = False,
) -> View:
    lines = (Text(f"page.{page}.lead"),) if lead is None else lead
    return View(page, Text(f"page.{page}.title"), lines, notice, actions, panel, back, can_cancel)


def _action(name: str, event: Event) -> Action:
    return Action(name, Text(f"action.{name}"), event)


def _heals(failure: FailureCode, lead: tuple[Text, Text]) -> View:
    """The reader will go on by itself, at once or when one card is left: nothing to touch."""
    key = text_key(failure)
    panel = ProblemPanel(failure, "")
    if failure is FailureCode.SEVERAL_CARDS:
        return _make(Page.ONE_CARD, lead=(Text(f"{key}.do"), Text(f"{key}.other")), panel=panel)
    return View(Page.READER_WAIT, Text(f"{key}.what"), lead=lead, panel=panel)


def _method(method: Method, enabled: bool = True) -> Action:
    return Action(method.value, Text(f"action.{method}"), e.MethodChosen(method), enabled=enabled)


def _item(item: Item) -> Text:
    return Text(f"item.{item.name.lower()}")


def _choose(visit: s.Visit, reading: bool, health: s.Health, policy: Policy) -> View:
    usable = methods(visit, health, policy)
    notice = None
    printed = visit.printed
    if isinstance(printed, s.Scan) and printed.hint == "face_down" and Method.FACE in usable:
        notice = Text("notice.card_face_down")  # it can be turned over while one chooses
    elif Method.PIN not in usable:
        notice = Text("notice.pin_unavailable")
    elif Method.FACE in visit.refused:
        notice = Text("notice.face_refused")
    elif Method.FACE not in usable:
        notice = Text("notice.face_unavailable")
    return _make(
        Page.CHOOSE_METHOD,
        notice=notice,
        actions=tuple(_method(method) for method in usable),
        panel=ProgressPanel(0, 0) if reading else None,
        can_cancel=True,
    )


def _number_notice(state: s.EnteringNumber) -> Text | None:
    match state.problem:
        case s.NumberProblem.WRONG:
            certificate = state.visit.certificate
            tries = certificate.number_tries if certificate is not None else None
            # The guard keeps 3 tries: the patient is told how often the number may still be sent.
            return Text("notice.number_wrong", {"tries": max(0, (tries or 0) - 3)})
        case s.NumberProblem.INTERRUPTED:
            return Text("notice.number_interrupted")
        case s.NumberProblem.MISREAD:
            return Text("notice.number_misread")
        case None:
            failure = state.visit.printed.failure if isinstance(state.visit.printed, s.Unscanned) else None
            if failure is None:
                return None
            unread = failure is FailureCode.SCAN_UNREADABLE
            return Text("notice.number_unread" if unread else "notice.scanner_lost")
        case _:
            assert_never(state.problem)


def _staff_notice(refused: bool, wait_seconds: int) -> Text | None:
    if wait_seconds:
        return Text("notice.staff_wait", {"seconds": wait_seconds})
    return Text("notice.staff_refused") if refused else None


def _words(policy: Policy) -> dict[str, str | int | Text]:
    """Who asks: institution, and the people of its kind."""
    return {
        "institution": policy.institution_name,
        "people": Text(f"people.{policy.kind.name.lower()}"),
        "purpose": Text(f"purpose.{policy.kind.name.lower()}"),
    }


def _notice(state: s.AskingAll | s.AskingItem) -> Text | None:
    """The first page of questions says what concerns the card itself."""
    found = s.notices(state.eligible.eligibility)
    return Text(f"notice.{found[0]}") if found else None


def _consent_all(state: s.AskingAll, policy: Policy) -> View:
    values = _words(policy)
    items = tuple((item, policy.look_back_years[item]) for item in state.eligible.questions if item in MEDICAL)
    each = Action("each", Text("action.each"), e.AllAnswered(e.All.EACH), Weight.QUIET)
    return View(
        Page.CONSENT_ALL,
        Text("page.consent_all.title", values),
        lead=(Text("page.consent_all.lead", values), Text("page.consent_all.lead2", values)),
        notice=_notice(state),
        actions=(
            _action("all_yes", e.AllAnswered(e.All.YES)),
            _action("all_no", e.AllAnswered(e.All.NO)),
            each,
        ),
        panel=ConsentPanel(items),
        can_cancel=True,
    )


def _consent_item(state: s.AskingItem, policy: Policy) -> View:
    """Medical information has one pair of sentences for all; what is no consent to medical information its own."""
    item = state.item
    years = policy.look_back_years.get(item, 0)
    values: dict[str, str | int | Text] = {**_words(policy), "item": _item(item), "years": years}
    key = "page.consent_item" if item in MEDICAL else f"page.consent_item.{item.name.lower()}"
    first = state.draft.questions[0] is item and not state.draft.medical
    return View(
        Page.CONSENT_ITEM,
        Text(f"{key}.title", values),
        lead=(Text(f"{key}.lead", values), Text(f"{key}.lead2", values)),
        notice=_notice(state) if first else None,
        actions=_item_actions(state),
        panel=ConsentPanel(((item, years),)),
        back=None if first and not state.returning else _BACK,
        can_cancel=True,
    )


def _item_actions(state: s.AskingItem) -> tuple[Action, ...]:
    item = state.item
    if item is not Item.DISPENSE:
        yes, no = _answer_names(item)
        return (_action(yes, e.ItemAnswered(item, True)), _action(no, e.ItemAnswered(item, False)))
    offered = state.eligible.eligibility.prescriptions
    each = tuple(
        Action(
            f"dispense_{place}",
            Text("action.dispense_one", {"month": int(one.day[4:6]), "day": int(one.day[6:])}),
            e.ItemAnswered(item, True, (one.token,)),
        )
        for place, one in enumerate(offered, 1)
    )
    every = e.ItemAnswered(item, True, tuple(one.token for one in offered))
    both = (_action("dispense_all", every),) if len(offered) > 1 else ()
    return (*both, *each, _action("dispense_none", e.ItemAnswered(item, False)))


def _answer_names(item: Item) -> tuple[str, str]:
    match item:
        case Item.PRESCRIPTION:
            return "prescription_electronic", "prescription_paper"
        case Item.LIMIT | Item.SUBSIDY | Item.DISEASE:
            return "item_use", "item_not_use"
        case _:
            return "item_yes", "item_no"


def answer_text(item: Item, yes: bool) -> Text:
    """An answer as the check page says it: `answer.yes`, or the words of this question."""
    return Text(f"answer.{_ANSWER_WORDS.get(item, '')}{'yes' if yes else 'no'}")


_ANSWER_WORDS = {
    Item.PRESCRIPTION: "prescription_",
    Item.DISPENSE: "dispense_",
    Item.LIMIT: "use_",
    Item.SUBSIDY: "use_",
    Item.DISEASE: "use_",
}


def _leaflet(state: s.Leaflet, policy: Policy) -> View:
    name = policy.leaflet[state.index]
    back = Action("previous_page", Text("action.previous_page"), e.LeafletTurned(-1))
    forward = Action("next_page", Text("action.next_page"), e.LeafletTurned(1))
    return View(
        Page.LEAFLET,
        Text(f"leaflet.{name}.title"),
        lead=(Text(f"leaflet.{name}.body"),),
        actions=(back, forward) if len(policy.leaflet) > 1 else (),
        panel=LeafletPanel(name, state.index, len(policy.leaflet), name in WITH_QR),
        back=Action("done", Text("action.done"), e.Back(), Weight.QUIET),
    )


def _lookup(state: s.LookupState, policy: Policy) -> View:
    match state:
        case s.LookupDoor() if state.job is not None:
            return _make(Page.WORKING, panel=ProgressPanel(0, 0, card=False))
        case s.LookupDoor():
            notice = _staff_notice(state.refused, state.wait_seconds)
            return _make(Page.LOOKUP_DOOR, notice=notice, panel=LookupDoorPanel(state.wait_seconds), back=_BACK)
        case s.LookupPaper():
            papers = tuple(_action(f"paper_{paper}", e.PaperChosen(paper)) for paper in s.Paper)
            return _make(Page.LOOKUP_PAPER, actions=papers, back=_BACK, can_cancel=True)
        case s.LookupRefused():
            lead = (Text(f"page.lookup_refused.lead_{state.paper}"), Text("page.lookup_refused.bring"))
            leave = Action("cancel", Text("action.done"), e.Cancelled(), Weight.MAIN)
            return _make(Page.LOOKUP_REFUSED, lead=lead, actions=(leave,), panel=RefusedPanel(state.paper), back=_BACK)
        case s.LookupCardSeen():
            seen = (_action("card_seen", e.CardSeen(True)), _action("card_not_seen", e.CardSeen(False)))
            return _make(Page.LOOKUP_CARD_SEEN, actions=seen, back=_BACK, can_cancel=True)
        case s.LookupTyping():
            return _make(Page.LOOKUP_TYPING, panel=QueryPanel(), back=_BACK, can_cancel=True)
        case s.LookupAsking():
            answers = (
                _action("item_use", e.ItemAnswered(Item.LIMIT, True)),
                _action("item_not_use", e.ItemAnswered(Item.LIMIT, False)),
            )
            words = _words(policy)
            return View(
                Page.LOOKUP_LIMIT,
                Text("page.lookup_limit.title", words),
                lead=(Text("page.lookup_limit.lead", words), Text("page.lookup_limit.lead2", words)),
                actions=answers,
                panel=ConsentPanel(((Item.LIMIT, 0),)),
                back=_BACK,
                can_cancel=True,
            )
        case s.LookingUp():
            return _make(Page.WORKING, lead=(Text("page.working.lead_lookup"),), panel=ProgressPanel(0, 0, card=False))
        case s.LookupHandingOff():
            return _make(Page.WORKING, lead=(Text("page.working.lead_sending"),), panel=ProgressPanel(0, 0, card=False))
        case s.LookupProblem():
            return _lookup_problem(state, policy)
        case _:
            assert_never(state)


def _lookup_problem(state: s.LookupProblem, policy: Policy) -> View:
    key = text_key(state.failure)
    actions = [_TRY_AGAIN] if state.again else []
    if state.again and policy.postpone:
        actions.append(_action("postpone", e.PostponeWanted()))
    type_again = Action("type_again", Text("action.type_again"), e.Back())
    leave = Action("cancel", Text("action.done"), e.Cancelled(), Weight.QUIET)
    return View(
        Page.PROBLEM,
        Text(f"{key}.what"),
        lead=(Text(f"{key}.staff"),),  # only staff are here
        actions=(*actions, type_again, leave),
        panel=ProblemPanel(state.failure, state.upstream),
    )


def _result(page: Page, outcome: s.Outcome, card_in: bool, alarm: bool) -> View:
    """One sentence, then what else concerns this person: the certificate's end, papers that are still needed."""
    lead = [Text(f"outcome.{outcome.ending}")]
    if outcome.failure is not None:
        lead.append(Text(f"{text_key(outcome.failure)}.other"))
    elif outcome.ending in (Ending.DONE, Ending.DELAYED):
        lead.append(Text("outcome.papers"))
    lead.extend(Text(f"notice.{each}") for each in outcome.notices[1:])
    return View(
        page,
        Text(f"page.{page}.title"),
        lead=tuple(lead),
        notice=Text(f"notice.{outcome.notices[0]}") if outcome.notices else None,
        panel=ResultPanel(outcome.ending, outcome.number, card_in, alarm, outcome.failure),
    )


def _problem(state: s.Problem, health: s.Health, policy: Policy) -> View:
    failure = TABLE[state.failure]
    key = text_key(state.failure)
    practice = state.failure is FailureCode.PRACTICE_ONLY
    actions: list[Action] = []
    if state.retry is not None or (failure.recoverable and state.visit.certificate is None):
        actions.append(_TRY_AGAIN)
    elif failure.recoverable:
        actions.extend(_method(method) for method in methods(state.visit, health, policy))
    if policy.postpone and late(state, "") is not None:
        actions.append(_action("postpone", e.PostponeWanted()))
    leave = Action("cancel", Text("action.cancel"), e.Cancelled(), Weight.QUIET if actions else Weight.MAIN)
    return View(
        Page.PRACTICE_MACHINE if practice else Page.PROBLEM,
        Text("page.practice_machine.title") if practice else Text(f"{key}.what"),
        lead=(Text(f"{key}.do"), Text(f"{key}.other")),
        actions=(*actions, leave),
        panel=ProblemPanel(state.failure, state.upstream),
    )


def _room(state: s.StaffRoom, health: s.Health, policy: Policy) -> View:
    idle = state.running is None
    tests = tuple(
        Action(f"test_{device.value}", Text(f"action.test_{device.value}"), e.TestWanted(device), enabled=idle)
        for device in e.Test
        if device is not e.Test.SCANNER or policy.scanner
    )
    service = _action("close_kiosk", e.ServiceSet(False)) if health.open else _action("open_kiosk", e.ServiceSet(True))
    leave = Action("leave", Text("action.leave"), e.StaffLeft(), Weight.MAIN)
    return _make(
        Page.STAFF_ROOM,
        actions=(*tests, service, leave),
        panel=RoomPanel(health.open, not idle, state.findings),
    )
